"""A witness: it knows of every operation what was asked and what was answered, and holds the ledger against it.

1. An operation's outcome is unknown until it is answered; `503 busy` and the end of a connection tell nothing. Asked
   again under its key it must get an answer, and what was answered once must be answered so for ever.
2. Whatever the journal holds was asked for, once, and says what was asked. What was acknowledged stands in it as it was
   acknowledged; what was refused does not stand in it; what is unknown is there as a whole or not at all. A hold ends
   once, and by itself only when its time has passed.
3. The audit of the bank itself must find nothing, and its accounts must hold what the answers add up to.
4. Who listens on an account gets a notice of each of its entries, once, in order, saying what the entry says.

The first thing that is wrong ends the ordeal: it raises Wrong, with what was seen.

A witness can ``forget`` operations whose outcome was found right: it then knows no more of each than that it was, and
what was answered, in a few octets. So it can go on for as long as one likes.
"""

import random
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, select

from bankd.ledger.entries import Entry
from bankd.store import audit
from bankd.store.customers import AccountRow
from bankd.store.schema import accounts, journal
from tests.ordeals.answers import is_acknowledged, is_set, may_refuse
from tests.ordeals.listeners import Listeners
from tests.ordeals.operations import KINDS, Operation
from tests.ordeals.wrong import Wrong

SAYS_NOTHING = ("503 reason=busy", "503 reason=stopping", "410 reason=session")
"""Answers after which the outcome is as unknown as before."""

FOR_EVER = 1 << 63

EXPIRY = ":expiry:"
"""What the bank's own keys begin with, for the ends of holds."""


class Witness:
    """What is known of one bank whose customers' accounts are ``rows``, from the moment it is made."""

    def __init__(
        self, connection: Connection, chain_key: bytes, rows: Iterable[AccountRow], listeners: Iterable[AccountRow] = ()
    ) -> None:
        seen = newest_events(connection)
        self.listeners = Listeners({row.id: seen[row.id] for row in listeners})
        self._chain_key = chain_key
        self._rows = {row.number: row for row in rows}
        self._numbers = {row.id: row.number for row in self._rows.values()}
        self._operations: dict[tuple[int, str], Operation] = {}
        self._past: dict[int, int] = {}
        self._forgotten = [0, 0, 0]  # carried out, refused, and those of them that were unknown once
        self._open: list[Operation] = []
        self._holds: dict[int, Entry] = {}
        held: dict[int, int] = _balances(connection)
        self._balances = {account_id: held[account_id] for account_id in self._numbers}
        self._running = held
        self._newest = 0
        self._newest = max((entry.id for entry in self.read(connection)), default=0)

    def asked(self, operation: Operation) -> None:
        """``operation`` is now being sent for the first time."""
        self._operations[operation.used] = operation
        self._open.append(operation)

    def answered(self, operation: Operation, answer: str) -> None:
        """The bank answered. Raises Wrong when it had answered otherwise, or with what no such request deserves."""
        if answer in SAYS_NOTHING:
            return
        if operation.answer is None:
            operation.answer = answer
            if not (operation.done or may_refuse(operation, answer)):
                raise Wrong(f"{operation.request} was answered {answer}")
        elif operation.answer != answer:
            raise Wrong(f"{operation.request} was answered {operation.answer}, and asked again {answer}")

    def heard(self, row: AccountRow, key: str, answer: str) -> None:
        """The bank answered what ``row``'s owner asked, perhaps long ago. Raises Wrong as ``answered``."""
        operation = self._operations.get((row.customer_id, key))
        if operation is not None:
            self.answered(operation, answer)
        elif self._past.get(_digest(row.customer_id, key)) != _digest(answer):
            raise Wrong(f"{key} of account {row.number} is now answered {answer}, and was answered otherwise before")

    def doubted(self, row: AccountRow, key: str) -> None:
        """The outcome of an operation is unknown, for now: the answer did not come."""
        if (operation := self._operations.get((row.customer_id, key))) is not None and operation.answer is None:
            operation.doubted = True

    def count(self) -> tuple[int, int, int]:
        """How many operations were carried out, refused, and have an outcome that is unknown."""
        done = sum(operation.done for operation in self._operations.values())
        unknown = sum(operation.answer is None for operation in self._operations.values())
        refused = len(self._operations) - done - unknown
        return self._forgotten[0] + done, self._forgotten[1] + refused, unknown

    @property
    def resolved(self) -> int:
        """How many operations were unknown once, and have an outcome that was found right."""
        return self._forgotten[2]

    def made(self, row: AccountRow) -> list[Operation]:
        """The operations that ``row``'s owner asked for and that were carried out, as the journal has them in order."""
        mine = [each for each in self._operations.values() if each.row is row and each.entries]
        return sorted(mine, key=lambda operation: min(entry.id for entry in operation.entries.values()))

    def some(self, source: random.Random, most: int) -> list[Operation]:
        """Up to ``most`` operations of all that there ever were, in order."""
        every = list(self._operations.values())
        return [every[place] for place in sorted(source.sample(range(len(every)), min(most, len(every))))]

    def read(self, connection: Connection) -> list[Entry]:
        """The entries that are new in the journal, for ``take``."""
        columns = [journal.c[name] for name in Entry._fields]
        found = connection.execute(select(*columns).where(journal.c.id > self._newest).order_by(journal.c.id))
        return [*map(Entry._make, found.all())]

    def take(self, entries: Iterable[Entry]) -> int:
        """Hold new entries against what was asked and answered. All who made them have been asked for, and whatever was
        answered was answered before they were read.

        Returns how many operations without an answer were carried out all the same. Raises Wrong.
        """
        for entry in entries:
            self._newest = entry.id
            self._place(entry)
        unknown_but_done = 0
        for operation in self._open:
            unknown_but_done += operation.answer is None and bool(operation.entries)
            self._compare(operation)
        self._open = [operation for operation in self._open if operation.answer is None]
        return unknown_but_done

    def look(self, connection: Connection) -> int:
        """``take`` what is new while nothing is under way, and have the bank's own audit look. Raises Wrong."""
        unknown_but_done = self.take(self.read(connection))
        for fault in audit.faults(connection, self._chain_key):
            raise Wrong(f"the bank's own audit finds: {fault}")
        return unknown_but_done

    def settle(self, connection: Connection, heard_until_us: int = FOR_EVER) -> None:
        """Hold the accounts against the answers, once every operation has one; somebody listened until then.

        Raises Wrong.
        """
        self.look(connection)
        for operation in self._open:
            raise Wrong(f"{operation.request} has no answer yet")
        self.listeners.settle(heard_until_us)
        found = _balances(connection)
        for account_id, balance in self._balances.items():
            if found[account_id] != balance:
                number = self._numbers[account_id]
                raise Wrong(f"account {number} holds {found[account_id]}, and the answers add up to {balance}")

    def forget(self) -> None:
        """Keep of each operation that was found right only that it was, and what was answered."""
        keep = {operation.used: operation for operation in self._open}
        for used, operation in self._operations.items():
            if used not in keep:
                self._past[_digest(*used)] = _digest(operation.answer)
                self._forgotten[0 if operation.done else 1] += 1
                self._forgotten[2] += operation.doubted
        self._operations = keep

    def _place(self, entry: Entry) -> None:
        """Find the operation that made ``entry``."""
        key, _, place = entry.key.partition(":")
        operation = self._operations.get((entry.customer_id, key))
        if operation is not None:
            if (made := operation.entries.get(int(place or 0))) is not None:
                raise Wrong(f"{operation.request} was carried out twice: {made} and {entry}")
            if not self._is_asked(operation, int(place or 0), entry):
                raise Wrong(f"{operation.request} became {entry}")
            operation.entries[int(place or 0)] = entry
        elif _digest(entry.customer_id, key) in self._past:
            raise Wrong(f"what was answered long ago was carried out twice, or was refused and carried out: {entry}")
        elif not self._is_expiry(entry):
            raise Wrong(f"nobody asked for {entry}")
        self._follow(entry)

    def _is_asked(self, operation: Operation, place: int, entry: Entry) -> bool:
        """Whether an entry is what was asked for. The end of a hold is, and the hold is then open no more."""
        if entry.kind != KINDS[operation.verb] or (place > 0) != (operation.verb == "BULK"):
            return False
        if operation.hold:
            return entry.of_id == operation.hold and self._ends(entry, operation.amount_minor)
        if operation.verb == "HOLD":
            self._holds[entry.id] = entry
            if entry.expires_us != entry.at_us + operation.seconds * 1_000_000:
                return False
        if place > len(operation.items):
            return False
        sides = (side if side in self._numbers else None for side in (entry.debit_id, entry.credit_id))
        return (*sides, entry.amount_minor) == operation.moves(place, self._rows)

    def _ends(self, entry: Entry, amount_minor: int) -> bool:
        """Whether an entry ends a hold that is open, for so much of it, or with 0 for all."""
        hold = self._holds.pop(entry.of_id or 0, None)
        if (
            hold is None
            or entry.amount_minor != (amount_minor or hold.amount_minor)
            or entry.amount_minor > hold.amount_minor
        ):
            return False
        sides = (hold.debit_id, hold.credit_id) if entry.kind == "capture" else (hold.credit_id, hold.debit_id)
        return (entry.debit_id, entry.credit_id) == sides

    def _is_expiry(self, entry: Entry) -> bool:
        """Whether an entry ends a hold whose time has passed, as the bank does by itself."""
        hold = self._holds.get(entry.of_id or 0)
        theirs = entry.kind == "expiry" and entry.key == f"{EXPIRY}{entry.of_id}" and entry.customer_id == 0
        return theirs and hold is not None and entry.at_us >= (hold.expires_us or 0) and self._ends(entry, 0)

    def _follow(self, entry: Entry) -> None:
        """Whether an entry's balances are those before it and what it moves."""
        moved = entry.amount_minor if entry.moves else 0
        for account_id, balance, change in (
            (entry.debit_id, entry.debit_balance, -moved),
            (entry.credit_id, entry.credit_balance, moved),
        ):
            if account_id in self._numbers and balance < 0:
                raise Wrong(f"account {self._numbers[account_id]} went below zero: {entry}")
            if balance != self._running[account_id] + change:
                raise Wrong(f"account {account_id} held {self._running[account_id]} before {entry}")
            self._running[account_id] = balance
            self.listeners.happened(account_id, entry)

    def _compare(self, operation: Operation) -> None:
        """Compare what was answered with what is kept, and count what it changed."""
        if operation.answer is None:
            return
        made = list(operation.entries.values())
        if not operation.done:
            if made:
                raise Wrong(f"{operation.request} was answered {operation.answer}, and was carried out: {made}")
            return
        if not made and operation.verb != "BULK":
            raise Wrong(f"{operation.request} was answered {operation.answer}, and is lost")
        if not (is_set if operation.verb == "BULK" else is_acknowledged)(operation):
            raise Wrong(f"{operation.request} was answered {operation.answer}, and stands in the journal as {made}")
        for entry in made:
            for side in (entry.debit_id, entry.credit_id):
                if entry.moves and side in self._balances:
                    self._balances[side] += entry.side(side).amount_minor


def _digest(*values: object) -> int:
    """A number that in practice stands for these values alone."""
    return int.from_bytes(blake2b(repr(values).encode(), digest_size=8).digest())


def _balances(connection: Connection) -> dict[int, int]:
    """What all accounts hold."""
    found: Any = connection.execute(select(accounts.c.id, accounts.c.balance_minor))
    return dict(iter(found))


def newest_events(connection: Connection) -> dict[int, int]:
    """The number of the newest event on each account, by its id."""
    found: Any = connection.execute(select(accounts.c.id, accounts.c.events))
    return dict(iter(found))
