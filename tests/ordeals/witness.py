"""A witness: it knows of every operation what was asked and what was answered, and holds the ledger against it.

1. An operation's outcome is unknown until it is answered; `503 busy` and the end of a connection tell nothing. Asked
   again under its key it must get an answer, and what was answered once must be answered so for ever.
2. Whatever the journal holds was asked for, once, and says what was asked. What was acknowledged stands in it as it was
   acknowledged; what was refused does not stand in it; what is unknown is there as a whole or not at all.
3. The audit of the bank itself must find nothing, and its accounts must hold what the answers add up to.

The first thing that is wrong ends the ordeal: it raises Wrong, with what was seen.
"""

import random
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from bankd.bank import payments
from bankd.ledger.books import Outcome
from bankd.ledger.commands import Deposit, Payment, Transfer, Withdrawal
from bankd.ledger.entries import Entry
from bankd.store import audit
from bankd.store.customers import AccountRow
from bankd.store.schema import accounts, journal
from bankd.wire import codec

COMMANDS: dict[str, type[Payment]] = {"DEPOSIT": Deposit, "WITHDRAW": Withdrawal, "TRANSFER": Transfer}
"""Each verb's command."""

SAYS_NOTHING = ("503 reason=busy", "503 reason=stopping", "410 reason=session")
"""Answers after which the outcome is as unknown as before."""

REFUSALS = ("402 reason=funds",)
"""What a bank that works may answer to what is asked here, besides 200."""


AGAIN_IN = 10
"""With one operation in so many, that or one of the RECENT ones of its account is sent again."""

RECENT = 100


class Wrong(AssertionError):
    """The bank broke a promise; the text says which, and how it was seen."""


@dataclass(slots=True)
class Operation:
    """Money that ``row``'s owner wants moved. ``answer`` is the bank's, without the tag; None while it is unknown."""

    row: AccountRow
    verb: str
    amount_minor: int
    key: str
    payee: AccountRow | None = None
    answer: str | None = None

    @property
    def request(self) -> str:
        """The operation as it travels, without a tag."""
        to = f" to={self.payee.number}" if self.payee else ""
        return f"{self.verb}{to} amount={self.amount_minor} currency={self.row.currency} key={self.key}"

    @property
    def command(self) -> Payment:
        """The operation as the ledger takes it, from the bank itself: without a session's fence."""
        return COMMANDS[self.verb](
            customer_id=self.row.customer_id,
            account_id=self.row.id,
            fence=None,
            key=self.key,
            amount_minor=self.amount_minor,
            currency=self.row.currency,
            payee=None if self.payee is None else self.payee.number,
        )

    @property
    def done(self) -> bool:
        """Whether the bank said that it was carried out."""
        return self.answer is not None and self.answer.startswith("200 ")

    def effects(self) -> Iterator[tuple[int, int]]:
        """What it changes when it is carried out: an account's id, and the amount with its sign."""
        yield self.row.id, self.amount_minor if self.verb == "DEPOSIT" else -self.amount_minor
        if self.payee is not None:
            yield self.payee.id, self.amount_minor


class Wishes:
    """Operations at random, from a seed: the same seed gives the same operations in the same order."""

    def __init__(self, seed: int, rows: Sequence[AccountRow], most_minor: int) -> None:
        self.random = random.Random(seed)
        self.rows = rows
        self._most_minor = most_minor
        self._count = 0
        self._recent: dict[int, deque[Operation]] = {}

    def transfer(self, row: AccountRow, payees: Sequence[AccountRow], most_minor: int | None = None) -> Operation:
        """A payment to one of ``payees``, which may hold the payer."""
        payee = self.random.choice([payee for payee in payees if payee is not row])
        return Operation(row, "TRANSFER", self._amount(most_minor), self._key(), payee)

    def anything(self, row: AccountRow) -> Operation:
        """Most often a payment to any other account, else cash paid in or out."""
        verb = self.random.choices(("TRANSFER", "DEPOSIT", "WITHDRAW"), (8, 1, 1))[0]
        if verb == "TRANSFER":
            return self.transfer(row, self.rows)
        return Operation(row, verb, self._amount(None), self._key())

    def perhaps_again(self, operation: Operation) -> list[Operation]:
        """``operation``, and now and then with it the same once more, or an earlier one of its account."""
        recent = self._recent.setdefault(operation.row.id, deque(maxlen=RECENT))
        recent.append(operation)
        if self.random.randrange(AGAIN_IN):
            return [operation]
        return [operation, self.random.choice((operation, self.random.choice(recent)))]

    def _amount(self, most_minor: int | None) -> int:
        return self.random.randint(1, most_minor or self._most_minor)

    def _key(self) -> str:
        self._count += 1
        return f"{self._count}-{self.random.getrandbits(64):016x}"


class Witness:
    """What is known of one bank whose customers' accounts are ``rows``, from the moment it is made."""

    def __init__(self, connection: Connection, chain_key: bytes, rows: Iterable[AccountRow]) -> None:
        self._chain_key = chain_key
        self._numbers = {row.id: row.number for row in rows}
        self._operations: dict[tuple[int, str], Operation] = {}
        self._entries: dict[tuple[int, str], Entry] = {}
        self._open: list[Operation] = []
        self._balances = _balances(connection, self._numbers)
        self._newest = 0
        self._newest = max((entry.id for entry in self._new_entries(connection)), default=0)

    def asked(self, operation: Operation) -> None:
        """``operation`` is now being sent for the first time."""
        self._operations[operation.row.customer_id, operation.key] = operation
        self._open.append(operation)

    def answered(self, operation: Operation, answer: str) -> None:
        """The bank answered. Raises Wrong when it had answered otherwise, or with what no such request deserves."""
        if answer in SAYS_NOTHING:
            return
        if not (answer.startswith("200 ") or answer in REFUSALS):
            raise Wrong(f"{operation.request} was answered {answer}")
        if operation.answer is None:
            operation.answer = answer
        elif operation.answer != answer:
            raise Wrong(f"{operation.request} was answered {operation.answer}, and asked again {answer}")

    def count(self) -> tuple[int, int, int]:
        """How many operations were carried out, refused, and have an outcome that is unknown."""
        done = sum(operation.done for operation in self._operations.values())
        unknown = sum(operation.answer is None for operation in self._operations.values())
        return done, len(self._operations) - done - unknown, unknown

    def made(self, row: AccountRow) -> list[Operation]:
        """The operations that ``row``'s owner asked for and that were carried out, as the journal has them in order."""
        return [
            self._operations[used]
            for used, _ in sorted(self._entries.items(), key=lambda made: made[1].id)
            if self._operations[used].row is row
        ]

    def some(self, source: random.Random, most: int) -> list[Operation]:
        """Up to ``most`` operations of all that there ever were, in order."""
        every = list(self._operations.values())
        return [every[place] for place in sorted(source.sample(range(len(every)), min(most, len(every))))]

    def look(self, connection: Connection) -> int:
        """Hold the journal against what was asked and answered; nothing may be under way.

        Returns how many operations without an answer were carried out all the same. Raises Wrong.
        """
        for entry in self._new_entries(connection):
            self._newest = entry.id
            self._place(entry)
        unknown_but_done = 0
        for operation in self._open:
            entry_made = self._entries.get((operation.row.customer_id, operation.key))
            unknown_but_done += operation.answer is None and entry_made is not None
            self._compare(operation, entry_made)
        self._open = [operation for operation in self._open if operation.answer is None]
        for fault in audit.faults(connection, self._chain_key):
            raise Wrong(f"the bank's own audit finds: {fault}")
        return unknown_but_done

    def settle(self, connection: Connection) -> None:
        """Hold the accounts against the answers, once every operation has one. Raises Wrong."""
        self.look(connection)
        expected = dict(self._balances)
        for operation in self._operations.values():
            if operation.answer is None:
                raise Wrong(f"{operation.request} has no answer yet")
            for account_id, amount_minor in operation.effects() if operation.done else ():
                expected[account_id] += amount_minor
        found = _balances(connection, self._numbers)
        for account_id, balance in expected.items():
            if found[account_id] != balance:
                number = self._numbers[account_id]
                raise Wrong(f"account {number} holds {found[account_id]}, and the answers add up to {balance}")

    def _place(self, entry: Entry) -> None:
        """Find the operation that made ``entry``."""
        used = (entry.customer_id, entry.key)
        operation = self._operations.get(used)
        if operation is None:
            raise Wrong(f"nobody asked for {entry}")
        if used in self._entries:
            raise Wrong(f"{operation.request} was carried out twice: {self._entries[used]} and {entry}")
        self._entries[used] = entry
        moved = {entry.debit_id: -entry.amount_minor, entry.credit_id: entry.amount_minor}
        if entry.kind != COMMANDS[operation.verb].kind or dict(operation.effects()) != {
            account_id: amount for account_id, amount in moved.items() if account_id in self._numbers
        }:
            raise Wrong(f"{operation.request} became {entry}")
        for account_id, balance in ((entry.debit_id, entry.debit_balance), (entry.credit_id, entry.credit_balance)):
            if account_id in self._numbers and balance < 0:
                raise Wrong(f"account {self._numbers[account_id]} went below zero: {entry}")

    def _compare(self, operation: Operation, entry: Entry | None) -> None:
        """Compare what was answered with what is kept."""
        if operation.answer is None:
            return
        if not operation.done:
            if entry is not None:
                raise Wrong(f"{operation.request} was answered {operation.answer}, and was carried out: {entry}")
            return
        if entry is None:
            raise Wrong(f"{operation.request} was answered {operation.answer}, and is lost")
        side = entry.side(operation.row.id)
        told = _fields(operation.answer)
        at_us = round(datetime.fromisoformat(told["at"]).timestamp() * 1_000_000)
        acknowledged = (int(told["receipt"]), at_us, int(told["amount"]), int(told["balance"]))
        if acknowledged != (entry.id, entry.at_us, side.amount_minor, side.balance_minor):
            raise Wrong(f"{operation.request} was answered {operation.answer}, and stands in the journal as {entry}")

    def _new_entries(self, connection: Connection) -> Iterator[Entry]:
        columns = [journal.c[name] for name in Entry._fields]
        found = connection.execute(select(*columns).where(journal.c.id > self._newest).order_by(journal.c.id))
        return map(Entry._make, found.all())


def spoken(operation: Operation, outcome: Outcome) -> str:
    """An outcome as it travels, without a tag."""
    row = operation.row
    receipt = payments.receipt(outcome, row.id, row.currency) if outcome.entry else None
    return codec.write_reply("t", outcome.code, receipt).decode().removeprefix("t ")


def _balances(connection: Connection, numbers: Iterable[int]) -> dict[int, int]:
    """What the accounts with these ids hold."""
    found: Any = connection.execute(select(accounts.c.id, accounts.c.balance_minor))
    held = dict(iter(found))
    return {account_id: held[account_id] for account_id in numbers}


def _fields(answer: str) -> dict[str, str]:
    """The fields of an answer."""
    return dict(word.split("=", 1) for word in answer.split() if "=" in word)
