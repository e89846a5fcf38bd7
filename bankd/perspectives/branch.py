"""What every perspective works with: the way to write, the way to read, the pool that hashes, the board of notices."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from bankd import codes
from bankd.bank.accounts import RandomBelow
from bankd.bank.codebook import Codebook
from bankd.bank.hashing import Hasher
from bankd.bank.terms import Terms
from bankd.bank.tokens import TokenKeys
from bankd.codes import Refused
from bankd.figures import ProcessView, Tally
from bankd.lane import Lane
from bankd.perspectives.quiet import Quiet
from bankd.perspectives.turns import MOST, Comer, Pool, Turns
from bankd.records import Limits, Sealing
from bankd.signing import PrivateKey
from bankd.store.engines import Connection, DatabaseFault
from bankd.store.failures import is_failure

P = ParamSpec("P")
T = TypeVar("T")

_log = Logger()


def begin(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
    """A pool of coroutines, which all begin at once."""
    return Deferred.fromCoroutine(function(*args, **kwargs))  # type: ignore[arg-type]


@dataclass(slots=True)
class Branch:
    """The bank as its perspectives see it.

    ``reading`` opens a connection that sees the database as it is at one moment; ``random_below`` is where numbers
    nobody can guess come from; ``tries`` begins coroutines that check credentials or sign somebody up, as many
    as each comer may have. ``seals`` opens what is sealed, and ``sealing`` says what must be. ``owners`` are the
    system's users, by uid with their names, who own the bank. ``process`` tells of the bank's own process,
    ``quiet`` of what is not told live; ``names`` are what else the bank is called than by addresses.
    """

    lane: Lane
    reading: Callable[[], AbstractContextManager[Connection]]
    read_pool: Pool
    hash_pool: Turns
    hasher: Hasher
    tokens: TokenKeys
    codebook: Codebook
    signer: PrivateKey
    board: Any
    post: Any
    seals: Any
    terms: Terms
    limits: Limits
    clock: IReactorTime
    random_below: RandomBelow
    process: Callable[[], ProcessView]
    sealing: Sealing = Sealing.NO
    tally: Tally = field(default_factory=Tally)
    names: Sequence[str] = ()
    owners: Mapping[int, str] = field(default_factory=lambda: {0: "root"})
    quiet: Quiet = field(default_factory=lambda: Quiet(lambda _events, _at: None))
    tries: Turns = field(default_factory=lambda: Turns(begin, 2 * MOST))

    def read(self, report: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """What ``report`` finds in the database, looked up in another thread. Refused: BUSY when the database fails."""

        def look_up() -> T:
            try:
                with self.reading() as connection:
                    return report(connection, *args, **kwargs)
            except DatabaseFault as error:
                if not is_failure(error):
                    raise
                _log.warn("the database cannot be read: {kind}", kind=type(error).__name__)
                raise Refused(codes.BUSY) from error

        return self.read_pool(look_up)

    def hash(self, comer: Comer, secret: str) -> Deferred[str]:
        """The hash to keep of ``secret``, in the turn of ``comer``. Refused: BUSY."""
        return self.hash_pool(comer, self.hasher.hash, secret)

    def proven(self, place: Pool, hashed: str | None, secret: str) -> Deferred[str | None]:
        """The hash to keep of ``secret`` from now on, if ``hashed`` was made from it, or None."""
        return place(self.hasher.proven, hashed, secret)

    def matches(self, place: Pool, hashed: str | None, secret: str) -> Deferred[bool]:
        """Whether ``hashed`` was made from ``secret``."""
        return place(self.hasher.matches, hashed, secret)
