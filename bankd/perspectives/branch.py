"""What every perspective works with: the way to write, the way to read, the pool that hashes, the board of notices."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

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
from bankd.lane import Lane
from bankd.records import Limits, Sealing
from bankd.signing import PrivateKey
from bankd.store.engines import Connection, DatabaseFault
from bankd.store.failures import is_failure

P = ParamSpec("P")
T = TypeVar("T")

_log = Logger()


class Pool(Protocol):
    """Calls a function in some other thread, and gives its result on the reactor's."""

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]: ...


class Bounded:
    """A pool that refuses with BUSY what comes when ``most`` calls are waiting or under way."""

    def __init__(self, pool: Pool, most: int) -> None:
        self._pool = pool
        self._most = most
        self._under_way = 0

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Call ``function`` in the pool."""
        if self._under_way >= self._most:
            raise Refused(codes.BUSY)
        self._under_way += 1
        return self._pool(function, *args, **kwargs).addBoth(self._ended)

    def _ended(self, result: T) -> T:
        self._under_way -= 1
        return result


MAX_TRIES = 200
"""Log-ins and sign-ups under way, in all; at some 80 a second that is a wait of seconds, and more get BUSY."""


def _begin(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
    """A pool of coroutines, which all begin at once."""
    return Deferred.fromCoroutine(function(*args, **kwargs))  # type: ignore[arg-type]


@dataclass(slots=True)
class Tally:
    """What is counted while the bank is open."""

    connections: int = 0
    tasks_processed: int = 0


@dataclass(slots=True)
class Branch:
    """The bank as its perspectives see it.

    ``reading`` opens a connection that sees the database as it is at one moment; ``random_below`` is where numbers
    nobody can guess come from; ``tries`` begins coroutines that check credentials, or sign somebody up. ``seals`` opens
    what is sealed, and ``sealing`` says what must be. ``owners`` are the system's users, by uid with their names, who
    own the bank.
    """

    lane: Lane
    reading: Callable[[], AbstractContextManager[Connection]]
    read_pool: Pool
    hash_pool: Pool
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
    sealing: Sealing = Sealing.NO
    tally: Tally = field(default_factory=Tally)
    owners: Mapping[int, str] = field(default_factory=lambda: {0: "root"})
    tries: Pool = field(default_factory=lambda: Bounded(_begin, MAX_TRIES))

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

    def hash(self, secret: str) -> Deferred[str]:
        """The hash to keep of ``secret``. Raises Refused: BUSY."""
        return self.hash_pool(self.hasher.hash, secret)

    def proven(self, hashed: str | None, secret: str) -> Deferred[str | None]:
        """The hash to keep of ``secret`` from now on, if ``hashed`` was made from it, or None. Raises Refused: BUSY."""
        return self.hash_pool(self.hasher.proven, hashed, secret)

    def matches(self, hashed: str | None, secret: str) -> Deferred[bool]:
        """Whether ``hashed`` was made from ``secret``. Raises Refused: BUSY."""
        return self.hash_pool(self.hasher.matches, hashed, secret)
