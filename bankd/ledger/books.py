"""What a decision is made from and what it makes of it: accounts, open holds, what is known of keys, new entries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bankd.codes import Code
from bankd.ledger.commands import Command
from bankd.ledger.entries import MOVES_NOTHING, Entry
from bankd.ledger.tariff import FREE, Tariff, day_of
from bankd.money import MAX_BALANCE_MINOR, MAX_HOLDING_MINOR


@dataclass(slots=True)
class Account:
    """An account as a decision sees it, and moves it on.

    ``floor_minor`` is the lowest balance allowed, None for a till. ``newest`` is the id of the newest entry, None
    before the first; ``events`` counts what happened on the account and numbers its notices. ``fence`` is that of the
    lease last given out on it, 0 before the first. ``held_minor`` is what is set aside by holds, ``spent_minor`` what
    was spent on ``day`` (days since 1970 in UTC). The limits are the account's own; None is for the tariff's. No money
    leaves an account that is ``frozen`` but by the bank itself.
    """

    id: int
    number: str
    currency: str
    balance_minor: int = 0
    floor_minor: int | None = 0
    newest: int | None = None
    events: int = 0
    held_minor: int = 0
    day: int = 0
    spent_minor: int = 0
    payment_limit_minor: int | None = None
    day_limit_minor: int | None = None
    closed: bool = False
    frozen: bool = False
    fence: int = 0

    def can_give(self, amount_minor: int) -> bool:
        """Whether so much is available: the balance, less what holds set aside, down to the floor."""
        if self.floor_minor is None:
            return self.balance_minor - amount_minor >= -MAX_BALANCE_MINOR
        return self.balance_minor - self.held_minor - amount_minor >= self.floor_minor

    def can_take(self, amount_minor: int) -> bool:
        """Whether the balance may grow by so much."""
        most = MAX_BALANCE_MINOR if self.floor_minor is None else MAX_HOLDING_MINOR
        return self.balance_minor + amount_minor <= most

    def move(self, amount_minor: int, entry_id: int) -> None:
        """There is one entry more, which changed the balance by ``amount_minor``."""
        self.balance_minor += amount_minor
        self.newest = entry_id
        self.events += 1


class OpenHold(NamedTuple):
    """A hold that has not ended: the entry that made it, its payer and payee, the amount, and when it ends."""

    id: int
    account_id: int
    payee_id: int
    amount_minor: int
    expires_us: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a key where its entry does not tell all: a refusal, a whole set of transfers, or a command about
    an earlier entry, which may have named an amount or not.

    ``place`` is that of the transfer that the set was refused for, counted from 1.
    """

    key: str
    customer_id: int
    content: str
    code: Code
    place: int | None
    at_us: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command: the ``entry`` that it made, now or when first sent, or the ``code`` of its refusal.

    That of a set has the outcomes of its ``parts``, or the ``place`` of the one that it was refused for.
    """

    code: Code
    entry: Entry | None = None
    parts: "tuple[Outcome, ...]" = ()
    place: int | None = None


@dataclass(slots=True)
class Books:
    """What a decision is made from: everything that a batch of commands touches, and what it makes of it.

    ``head`` is the link of the newest entry (``chain``), which no decision depends on.
    ``accounts`` by id, ``ids`` of payees by account number, ``tills`` and ``fee_tills`` by currency, open ``holds`` by
    id, ``originals`` that are to be reversed by id and how much of each was ``reversed`` before, ``entries`` and
    ``kept`` outcomes already known by customer and key. Every command's own account is there, and the tills of its
    currency if the two agree. Deciding moves all these on and adds to ``posted`` and ``noted``, in order.
    """

    at_us: int
    next_id: int
    accounts: dict[int, Account]
    ids: Mapping[str, int]
    tills: Mapping[str, int]
    head: bytes = b""
    fee_tills: Mapping[str, int] = field(default_factory=dict)
    holds: dict[int, OpenHold] = field(default_factory=dict)
    originals: dict[int, Entry] = field(default_factory=dict)
    reversed: dict[int, int] = field(default_factory=dict)
    entries: dict[tuple[int, str], Entry] = field(default_factory=dict)
    kept: dict[tuple[int, str], Kept] = field(default_factory=dict)
    tariff: Tariff = FREE
    posted: list[Entry] = field(default_factory=list)
    noted: list[Kept] = field(default_factory=list)

    @property
    def day(self) -> int:
        """The day that it is, counted from 1970 in UTC."""
        return day_of(self.at_us)

    def post(
        self,
        command: Command,
        debit: Account,
        credit: Account,
        amount_minor: int,
        of_id: int | None = None,
        expires_us: int | None = None,
    ) -> Entry:
        """Add the entry that ``command`` makes, and move its accounts on: who calls has seen that they can."""
        return self._add(command.kind, command.key, command, debit, credit, amount_minor, of_id, expires_us)

    def charge(self, command: Command, payer: Account, fee_minor: int) -> None:
        """Add the fee for the next entry, before it, so that the balance after that one is the balance after both.

        Its key begins with a colon, as all the bank's own do: the wire's keys hold none, and a set's parts none there.
        """
        till = self.accounts[self.fee_tills[payer.currency]]
        of_id = self.next_id + 1
        self._add("fee", f":fee:{of_id}", command, payer, till, fee_minor, of_id, None)

    def keep(self, command: Command, code: Code, place: int | None = None) -> Outcome:
        """Note what became of ``command``, so that its key has it for ever."""
        kept = Kept(command.key, command.customer_id, command.content, code, place, self.at_us)
        self.kept[command.customer_id, command.key] = kept
        self.noted.append(kept)
        return Outcome(code, place=place)

    def take_back(self, posted: int, before: Mapping[int, Account]) -> None:
        """Take back all entries after the first ``posted``; ``before`` has the accounts as they were."""
        for entry in self.posted[posted:]:
            del self.entries[entry.customer_id, entry.key]
        self.next_id -= len(self.posted) - posted
        del self.posted[posted:]
        self.accounts.update(before)

    def _add(
        self,
        kind: str,
        key: str,
        command: Command,
        debit: Account,
        credit: Account,
        amount_minor: int,
        of_id: int | None,
        expires_us: int | None,
    ) -> Entry:
        moved = 0 if kind in MOVES_NOTHING else amount_minor
        entry = Entry(
            self.next_id,
            kind,
            debit.id,
            credit.id,
            amount_minor,
            debit.balance_minor - moved,
            credit.balance_minor + moved,
            debit.newest,
            credit.newest,
            debit.events + 1,
            credit.events + 1,
            self.at_us,
            key,
            command.customer_id,
            command.reference,
            of_id,
            expires_us,
        )
        self.next_id += 1
        debit.move(-moved, entry.id)
        credit.move(moved, entry.id)
        self.entries[entry.customer_id, key] = entry
        self.posted.append(entry)
        return entry
