"""What customers of an ordeal ask for: money moved or set aside, each operation under a key of its own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bankd.bank import payments
from bankd.ledger.books import Outcome
from bankd.ledger.commands import (
    Bulk,
    Capture,
    Command,
    Deposit,
    Hold,
    Payment,
    Release,
    Transfer,
    Withdrawal,
)
from bankd.ledger.entries import Entry
from bankd.store.customers import AccountRow
from bankd.wire import codec

COMMANDS: dict[str, type[Payment]] = {"DEPOSIT": Deposit, "WITHDRAW": Withdrawal, "TRANSFER": Transfer}
"""The commands of verbs that say all about the entry that they make."""

KINDS = {verb: command.kind for verb, command in COMMANDS.items()} | {
    "HOLD": "hold",
    "CAPTURE": "capture",
    "RELEASE": "release",
    "BULK": "transfer",
}
"""What each verb makes entries of."""

NOBODY = "99999999"
"""A number that no account has."""

BETWEEN = "\t"
"""What stands between the lines of a request, or of an answer, that has several."""


@dataclass(frozen=True, slots=True)
class Item:
    """One payment of a set: to the account numbered ``to``."""

    to: str
    amount_minor: int


@dataclass(slots=True)
class Operation:
    """Money that ``row``'s owner wants moved. ``answer`` is the bank's, without the tag; None while it is unknown.

    ``payee`` is None for cash, and of a transfer for NOBODY. ``amount_minor`` is 0 where none is said. A hold lasts
    ``seconds``; ``hold`` is the one that a sequel ends. A set has ``items``, which go ``together`` or each by itself.
    ``entries`` are those that it made, by their places in the set, or at 0. ``doubted`` says that it was unknown once.
    """

    row: AccountRow
    verb: str
    amount_minor: int
    key: str
    payee: AccountRow | None = None
    answer: str | None = None
    hold: int = 0
    seconds: int = 0
    items: tuple[Item, ...] = ()
    together: bool = False
    entries: dict[int, Entry] = field(default_factory=dict)
    doubted: bool = False

    @property
    def lines(self) -> list[str]:
        """The operation as it travels, a line or several, without a tag."""
        money = f"currency={self.row.currency} key={self.key}"
        if self.verb == "BULK":
            mode = "all" if self.together else "each"
            listed = [f"- to={item.to} amount={item.amount_minor}" for item in self.items]
            return [*listed, f"BULK count={len(self.items)} mode={mode} {money}"]
        if self.hold:
            amount = f" amount={self.amount_minor}" if self.amount_minor else ""
            return [f"{self.verb} hold={self.hold}{amount} key={self.key}"]
        to = f" to={self.to}" if self.to else ""
        lasts = f" seconds={self.seconds}" if self.seconds else ""
        return [f"{self.verb}{to} amount={self.amount_minor}{lasts} {money}"]

    @property
    def request(self) -> str:
        """The operation in one line."""
        return BETWEEN.join(self.lines)

    @property
    def to(self) -> str | None:
        """The number of the account that is to be paid."""
        if self.payee is not None:
            return self.payee.number
        return NOBODY if self.verb == "TRANSFER" else None

    @property
    def command(self) -> Command:
        """The operation as the ledger takes it, from the bank itself: without a session's fence."""
        whose: dict[str, Any] = {"customer_id": self.row.customer_id, "account_id": self.row.id, "fence": None}
        money: dict[str, Any] = {"amount_minor": self.amount_minor, "currency": self.row.currency, "payee": self.to}
        if self.verb == "BULK":
            transfers = tuple(
                Transfer(
                    **whose,
                    key=f"{self.key}:{place}",
                    amount_minor=item.amount_minor,
                    currency=self.row.currency,
                    payee=item.to,
                )
                for place, item in enumerate(self.items, 1)
            )
            return Bulk(**whose, key=self.key, transfers=transfers, together=self.together)
        if self.verb == "HOLD":
            return Hold(**whose, key=self.key, seconds=self.seconds, **money)
        if self.verb == "CAPTURE":
            return Capture(**whose, key=self.key, of_id=self.hold, amount_minor=self.amount_minor or None)
        if self.verb == "RELEASE":
            return Release(**whose, key=self.key, of_id=self.hold)
        return COMMANDS[self.verb](**whose, key=self.key, **money)

    @property
    def used(self) -> tuple[int, str]:
        """The customer and the key."""
        return self.row.customer_id, self.key

    @property
    def done(self) -> bool:
        """Whether the bank said that it was carried out."""
        return self.answer is not None and self.answer.rpartition(BETWEEN)[2].startswith("200 ")

    def moves(self, place: int, accounts: Mapping[str, AccountRow]) -> tuple[int | None, int | None, int]:
        """Which account pays which, by their ids, and how much, in the entry at a place; None for a till.

        Not for what ends a hold, which says it.
        """
        if self.verb == "BULK":
            item = self.items[place - 1]
            return self.row.id, accounts[item.to].id if item.to in accounts else 0, item.amount_minor
        if self.verb == "DEPOSIT":
            return None, self.row.id, self.amount_minor
        payee_id = None if self.payee is None else self.payee.id
        return self.row.id, 0 if self.to == NOBODY else payee_id, self.amount_minor


def read(row: AccountRow, lines: Sequence[str], accounts: Mapping[str, AccountRow]) -> Operation:
    """The operation of which ``lines`` are those that travel."""
    verb, *_ = lines[-1].split(" ", 1)
    told = fields(lines[-1])
    items = tuple(Item(said["to"], int(said["amount"])) for said in map(fields, lines[:-1]))
    return Operation(
        row,
        verb,
        int(told.get("amount", 0)),
        told["key"],
        accounts.get(told.get("to", "")),
        hold=int(told.get("hold", 0)),
        seconds=int(told.get("seconds", 0)),
        items=items,
        together=told.get("mode") == "all",
    )


def fields(line: str) -> dict[str, str]:
    """The fields of a line."""
    return dict(word.split("=", 1) for word in line.split() if "=" in word)


def spoken(operation: Operation, outcome: Outcome) -> str:
    """An outcome as it travels, without a tag."""
    row, code = operation.row, outcome.code
    if operation.verb == "BULK" and not code.refuses:
        result = payments.bulk_result(outcome, row.currency)
        items = [codec.write_item("t", line) for line in result.lines]
        said = [*items, codec.write_reply("t", code, result.end)]
    elif operation.verb == "BULK":
        said = [codec.write_reply("t", code, place=outcome.place or 0)]
    elif operation.verb == "HOLD" and outcome.entry:
        said = [codec.write_reply("t", code, payments.held(outcome, row.currency))]
    else:
        receipt = payments.receipt(outcome, row.id, row.currency) if outcome.entry else None
        said = [codec.write_reply("t", code, receipt)]
    return BETWEEN.join(line.decode().removeprefix("t ").rstrip("\r\n") for line in said)


def each_line(answer: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The lines of an answer, each with its fields."""
    for line in answer.split(BETWEEN):
        yield line, fields(line)
