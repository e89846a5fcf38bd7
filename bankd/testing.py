"""A whole bank in one process for tests: real rules, ledger and database; time and threads are the test's to move.

    bank = PracticeBank(folder)
    alice = bank.add_customer("alice", deposit_minor=100_00)
    line = bank.connect()
    line.ask(f"a1 LOGIN account={alice.account} pin={alice.pin}")      # -> ["a1 200 account=... currency=USD lease=30"]

It is for tests of this bank, and of protocol plugins that others write for it: ``bank.portal`` is what a plugin is
handed, ``bank.clock`` the clock. Nothing here sleeps, and nothing touches a network. ``bankd.simulation`` has the whole
daemon instead, with clients, network and disk, in a world that a seed makes.
"""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ParamSpec, TypeVar

from joserfc.jwk import RSAKey
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock

from bankd import entry_log
from bankd.bank import access, accounts, payments
from bankd.bank.access import Claim
from bankd.bank.codebook import Codebook
from bankd.bank.hashing import Hasher
from bankd.bank.terms import Terms
from bankd.bank.tokens import TokenKeys
from bankd.figures import ProcessView, Tally
from bankd.lane import Lane
from bankd.ledger.commands import Deposit
from bankd.perspectives import realm
from bankd.perspectives.branch import Branch
from bankd.perspectives.quiet import Quiet
from bankd.perspectives.turns import MOST, Turns
from bankd.practice_board import PracticeBoard as PracticeBoard
from bankd.practice_board import PracticePost as PracticePost
from bankd.practice_wire import Wire as Wire
from bankd.protocols.line_factory import LineFactory
from bankd.records import Limits
from bankd.rounds import CHORES
from bankd.sealing_keys import SealingKeys, Seals, new_rsa_key
from bankd.signing import PrivateKey, new_key
from bankd.store import audit, migrate, operators
from bankd.store.engines import Store, Transaction
from bankd.wire.roles import Role

P = ParamSpec("P")
T = TypeVar("T")

OPENED = 1_790_000_000
"""When a practice bank opens, seconds since 1970: in September 2026."""

PRACTICE_TERMS = Terms("Practice Bank", "USD", "US", registers_mobiles=True, lease_seconds=30)


class AtOnce:
    """A pool that calls at once, in the caller's own thread."""

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Call ``function``."""
        return execute(function, *args, **kwargs)


class Stepped:
    """A pool that calls when the test says so, in order: other things may happen before each ``step``."""

    def __init__(self) -> None:
        self.waiting: deque[Callable[[], object]] = deque()

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Keep the call for a ``step``."""
        done: Deferred[T] = Deferred()
        self.waiting.append(lambda: execute(function, *args, **kwargs).chainDeferred(done))
        return done

    def step(self) -> None:
        """Make the call that has waited longest."""
        self.waiting.popleft()()

    def drain(self) -> None:
        """Make every call, also those that come of it."""
        while self.waiting:
            self.step()


@dataclass(frozen=True, slots=True)
class Known:
    """A customer of a practice bank, with everything that is needed to be them."""

    customer_id: int
    account_id: int
    username: str
    password: str = field(repr=False)
    account: str
    pin: str = field(repr=False)
    mobile: str


def _practice_clock() -> Clock:
    clock = Clock()
    clock.advance(OPENED)
    return clock


def practice_process() -> ProcessView:
    """A process that began ten seconds before its bank opened, and stays as it is."""
    return ProcessView(OPENED - 10, cpu_seconds=2.5, memory_bytes=64 << 20, threads=10, open_files=30)


@cache
def _practice_key(_number: int) -> RSAKey:
    """A key to seal to; making one takes so long that practice banks share theirs."""
    return new_rsa_key()


def _practice_keys(folder: Path, bank: str, clock: Clock) -> SealingKeys:
    return SealingKeys(folder, PrivateKey(new_key()), bank, clock.seconds, partial(next, map(_practice_key, count())))


@cache
def _prepared() -> bytes:
    """The file of an empty database of the present schema."""
    with TemporaryDirectory(prefix="bankd-practice-") as folder:
        store = Store(f"sqlite:///{folder}/practice.sqlite3", bytes(32))
        migrate.upgrade(store.writer)
        store.close()
        return (Path(folder) / "practice.sqlite3").read_bytes()


def prepare(store: Store) -> None:
    """Bring a new database to the present schema. Most tests are shorter than all the migrations, so they are run once
    in a process for SQLite, and what they made is copied.
    """
    if store.file is None or store.file.exists():
        migrate.upgrade(store.writer)
    else:
        store.file.write_bytes(_prepared())


class PracticeBank:
    """A bank in ``folder``, or in the database at ``url``; its clock is the test's on every engine.

    The test moves a ``lane_pool``, ``read_pool``, ``hash_pool`` or ``seal_pool`` that is ``Stepped``.
    """

    def __init__(
        self,
        folder: Path | None = None,
        terms: Terms = PRACTICE_TERMS,
        limits: Limits | None = None,
        lane_pool: Any = None,
        read_pool: Any = None,
        hash_pool: Any = None,
        url: str | None = None,
        seal_pool: Any = None,
    ) -> None:
        self.clock, self.random = _practice_clock(), random.Random(1)
        self.board, self.post, self.tally = PracticeBoard(), PracticePost(), Tally()
        self.store = Store(url or f"sqlite:///{folder or Path()}/practice.sqlite3", bytes(32), self.clock.seconds)
        prepare(self.store)
        quiet = Quiet(self.board.tell)
        self.lane = self._lane(terms, lane_pool, quiet)
        keys = _practice_keys(folder or Path(), terms.name, self.clock)
        self.branch = Branch(
            lane=self.lane,
            reading=self.store.reading,
            read_pool=read_pool or AtOnce(),
            hash_pool=Turns(hash_pool or AtOnce(), MOST),
            hasher=Hasher(b"practice", passes=1, memory_kib=8),
            tokens=TokenKeys(b"practice"),
            codebook=Codebook(b"practice"),
            signer=keys.signer,
            board=self.board,
            post=self.post,
            seals=Seals(keys, Turns(seal_pool or AtOnce(), MOST), self.clock),
            terms=terms,
            limits=limits or Limits(),
            clock=self.clock,
            random_below=self.random.randrange,
            quiet=quiet,
            process=practice_process,
            tally=self.tally,
        )
        self._open()

    def _open(self) -> None:
        self.portal = realm.portal(self.branch)
        self.factory = LineFactory(self.portal, self.clock)
        self._ports = iter(range(40_000, 65_000))
        self._customers = 0

    def _lane(self, terms: Terms, pool: Any, quiet: Quiet) -> Lane:
        apply, told = partial(payments.apply, tariff=terms.tariff), (quiet.tell, entry_log.note)
        return Lane(self.store.writing, apply, pool or AtOnce(), *told, tally=self.tally.lane)

    def connect(self) -> Wire:
        """A new connection by BANK/1."""
        return Wire(self.factory.buildProtocol(None), next(self._ports), self.clock)

    def operate(self, uid: int) -> Wire:
        """A new connection on the operators' socket, of the system's user ``uid``; 0 owns the bank."""
        return Wire(self.factory.buildProtocol(None), next(self._ports), self.clock, uid)

    def add_operator(self, name: str, role: Role, uid: int | None = None, certificate: str | None = None) -> None:
        """Make an operator."""
        with self.store.writing() as tx:
            operators.add(tx, name, role, uid, certificate)

    def add_customer(self, username: str, deposit_minor: int = 0, **changes: Any) -> Known:
        """Make a customer with a password, a PIN and a mobile number of their own, and pay ``deposit_minor`` in.

        ``changes`` are fields of ``Known`` to have otherwise.
        """
        self._customers += 1
        serial = self._customers
        known = Known(0, 0, username, f"password of {username}", "", f"{24_680 + serial}", f"+1202555{100 + serial:04}")
        known = replace(known, **changes)
        hasher, terms = self.branch.hasher, self.branch.terms
        with self.store.writing() as tx:
            details: dict[str, str | None] = {"username": username, "mobile": known.mobile}
            hashes = {"password": hasher.hash(known.password), "pin": hasher.hash(known.pin)}
            account = accounts.sign_up(tx, terms, self.branch.random_below, details, hashes)
            known = replace(known, customer_id=account.customer_id, account_id=account.id, account=account.number)
            if deposit_minor:
                payments.apply(tx, [self.deposit(known, deposit_minor, "opening")])
        return known

    def deposit(self, known: Known, amount_minor: int, key: str) -> Deposit:
        """A command of the bank's own that pays cash into a customer's account."""
        return Deposit(
            customer_id=known.customer_id,
            account_id=known.account_id,
            fence=None,
            key=key,
            amount_minor=amount_minor,
            currency=self.branch.terms.currency,
        )

    def expire_holds(self) -> int:
        """End the holds whose time has passed, as the daemon does every second; how many."""
        with self.store.writing() as tx:
            return payments.expire_holds(tx)

    def make_rounds(self) -> None:
        """Do all that the daemon does by itself every second."""
        for chore in CHORES:
            while self.run(chore.piece):
                pass

    def run(self, errand: Callable[[Transaction], T]) -> T:
        """Carry out an errand on the lane, at once."""
        done: list[T] = []
        self.lane.run(errand).addCallback(done.append)
        return done[0]

    def claim(self, known: Known, account_id: int | None = None) -> Claim:
        """What ``known`` claims by account and PIN, for their own account or for another of theirs."""
        with self.store.reading() as connection:
            pin = access.kept_hash(connection, known.customer_id, "pin")
        return Claim(known.customer_id, account_id or known.account_id, "pin", pin)

    def log_in(self, known: Known) -> Wire:
        """A new connection on which ``known`` has logged in by account and PIN."""
        wire = self.connect()
        wire.ask(f"login LOGIN account={known.account} pin={known.pin}")
        return wire

    def faults(self) -> list[str]:
        """What is wrong with the ledger; nothing, or the bank is broken."""
        with self.store.reading() as connection:
            return [str(fault) for fault in audit.faults(connection, self.store.chain_key)]

    def close(self) -> None:
        """Close the database."""
        self.store.close()
