"""Is the ledger right? Everything that the journal says is worked out again from its first entry.

1. Entries come first, in order, each with its place in the chain and with the checkpoints that name it; then accounts,
   notices and sums. So the first fault told is the first row that is wrong.
2. After a fault the audit goes on from what the row says, so that one wrong row is not told with every row after it.
3. What is kept in memory grows with the accounts, not with the entries.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select, tuple_

from bankd.ledger import chain
from bankd.ledger.checkpoint import Checkpoint
from bankd.ledger.entries import Entry
from bankd.store import checkpoints
from bankd.store.checkpoints import Line
from bankd.store.engines import any_text
from bankd.store.promises import Promises
from bankd.store.schema import accounts, journal, notices
from bankd.wire.grammar import write_time

_STRETCH = 10_000
"""Rows read at a time."""

_BEFORE_ALL = -(1 << 63)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the ``row`` as people call it, and ``what`` about it."""

    row: str
    what: str

    def __str__(self) -> str:
        return f"{self.row} {self.what}"


@dataclass(slots=True)
class _Tally:
    """What the entries so far make of an account: ``gaps`` are the events, first to last, that no entry was."""

    balance_minor: int = 0
    newest: int | None = None
    events: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)


def faults(connection: Connection, chain_key: bytes, lines: Iterable[Line] = ()) -> Iterator[Fault]:
    """What is wrong with the ledger, the first wrong row first; nothing when all is well."""
    return Audit(connection, chain_key, lines).faults()


class Audit:
    """One reading of a whole ledger; ``entries`` counts the entries read so far, ``checkpoints`` those that agreed.

    ``lines`` of the file of checkpoints must have been read no later than what ``connection`` sees. ``progress`` is
    called from time to time.
    """

    def __init__(
        self,
        connection: Connection,
        chain_key: bytes,
        lines: Iterable[Line] = (),
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        self.entries = self.checkpoints = 0
        self._connection = connection
        self._key = chain_key
        self._lines = iter(lines)
        self._line = next(self._lines, None)
        self._progress = progress
        self._promises = Promises()
        self._newest, self._head = 0, chain.START
        self._currencies: dict[int, str] = {}
        self._tills: dict[str, int] = {}
        self._tallies: defaultdict[int, _Tally] = defaultdict(_Tally)

    def faults(self) -> Iterator[Fault]:
        """What is wrong, the first wrong row first."""
        with any_text(self._connection):
            found = self._connection.execute(select(accounts.c.id, accounts.c.currency))
            self._currencies.update((account_id, currency) for account_id, currency in found)
            self._tills.update(
                (currency, account_id) for currency, account_id, _ in checkpoints.tills(self._connection)
            )
            yield from self._wrong_checkpoints()
            for *fields, link in self._rows(journal, (*Entry._fields, "hash"), (journal.c.id,)):
                entry = Entry._make(fields)
                yield from self._wrong_place(entry, link)
                yield from self._wrong_sides(entry)
                yield from (Fault(f"entry {entry.id}", what) for what in self._promises.take(entry))
                yield from self._wrong_checkpoints()
            yield from self._wrong_checkpoints(at_end=True)
            yield from self._wrong_accounts()
            yield from (Fault(*wrong) for wrong in self._promises.wrong_rows(self._connection))
            yield from self._wrong_notices()

    def _wrong_place(self, entry: Entry, link: bytes | None) -> Iterator[Fault]:
        """Whether the entry follows the one before it, by its number and its link."""
        self.entries += 1
        row = f"entry {entry.id}"
        if entry.id <= self._newest:
            yield Fault(row, "has a number that the bank gives to no entry")
        elif entry.id > self._newest + 1:
            yield Fault(f"entry {self._newest + 1}", f"is missing; the next one there is {row}")
        if link is None:
            yield Fault(row, "has no link to the entries before it")
        elif link != chain.link(self._key, self._head, entry):
            yield Fault(row, "is not what was linked to the entry before it: one of the two was changed")
        self._newest = max(entry.id, self._newest)
        self._head = link or b""

    def _wrong_sides(self, entry: Entry) -> Iterator[Fault]:
        """Whether the entry continues what both its accounts were."""
        row = f"entry {entry.id}"
        amount_minor = entry.amount_minor if entry.moves else 0
        for account_id, moved, balance, previous, event in (
            (entry.debit_id, -amount_minor, entry.debit_balance, entry.debit_previous, entry.debit_event),
            (entry.credit_id, amount_minor, entry.credit_balance, entry.credit_previous, entry.credit_event),
        ):
            tally = self._tallies[account_id]
            if balance != (found := tally.balance_minor + moved):
                yield Fault(row, f"leaves account {account_id} with {balance}, but its entries add up to {found}")
            if previous != tally.newest:
                yield Fault(row, f"of account {account_id} points to {previous}, not {tally.newest}")
            if event <= tally.events:
                yield Fault(row, f"is event {event} of account {account_id}, which already had {tally.events}")
            elif event > tally.events + 1:
                tally.gaps.append((tally.events + 1, event - 1))
            tally.balance_minor, tally.newest, tally.events = balance, entry.id, event
        debit, credit = (self._currencies.get(side) for side in (entry.debit_id, entry.credit_id))
        if debit != credit:
            yield Fault(row, f"goes from account {entry.debit_id} in {debit} to account {entry.credit_id} in {credit}")

    def _wrong_checkpoints(self, at_end: bool = False) -> Iterator[Fault]:
        """What is wrong with the checkpoints that name entries up to the newest one read; ``at_end`` with all."""
        farthest = None
        while (line := self._line) is not None:
            row, seen = f"line {line.number} of the checkpoints", line.checkpoint
            if seen is None:
                yield Fault(row, f"is not to be trusted: {line.wrong}")
            elif seen.entry > self._newest:
                if not at_end:
                    return
                farthest = Fault(
                    f"entry {self._newest + 1}",
                    f"is missing: {row} saw entries up to {seen.entry} at {write_time(seen.at_us)}",
                )
            elif seen.entry < self._newest:
                yield Fault(row, f"names entry {seen.entry}, which is missing, or was named before")
            elif seen.head != self._head:
                yield Fault(f"entry {seen.entry}", f"is not the one that {row} names: another was linked then")
            elif (wrong := self._wrong_till(seen)) is not None:
                yield Fault(row, wrong)
            else:
                self.checkpoints += 1
            self._line = next(self._lines, None)
        if farthest is not None:
            yield farthest

    def _wrong_till(self, seen: Checkpoint) -> str | None:
        """What a checkpoint says of a till that its entries do not."""
        for currency, said in seen.tills.items():
            till = self._tills.get(currency)
            if said != (found := 0 if till is None else self._tallies[till].balance_minor):
                return f"leaves the till for {currency} with {said}, but its entries add up to {found}"
        return None

    def _wrong_accounts(self) -> Iterator[Fault]:
        """Accounts, and the sum of each currency, that are not what the entries make of them."""
        sums: defaultdict[str, int] = defaultdict(int)
        known = set()
        for account in self._rows(accounts, accounts.c.keys(), (accounts.c.id,)):
            row, tally = f"account {account.number}", self._tallies[account.id]
            known.add(account.id)
            sums[account.currency] += account.balance_minor
            if (said := account.balance_minor) != (found := tally.balance_minor):
                yield Fault(row, f"has a balance of {said}, but its entries add up to {found}")
            if (said := account.held_minor) != (found := self._promises.held[account.id]):
                yield Fault(row, f"counts {said} as held, but its open holds add up to {found}")
            if (account.day, account.spent_minor) != self._promises.spent.get(account.id, (0, 0)):
                yield Fault(row, "counts as spent in a day what its entries do not")
            if account.newest != tally.newest:
                yield Fault(row, f"points to entry {account.newest}, but its newest is {tally.newest}")
            if (account.customer_id is None) != (account.floor_minor is None):
                yield Fault(row, "is a till with a lowest balance, or a customer's without one")
            if account.events < tally.events:
                yield Fault(row, f"counts {account.events} events, but its newest entry is event {tally.events}")
            elif account.events > tally.events:
                tally.gaps.append((tally.events + 1, account.events))
        for account_id in sorted(self._tallies.keys() - known):
            yield Fault(f"account {account_id}", f"is missing; its newest entry is {self._tallies[account_id].newest}")
        for currency, total in sums.items():
            if total:
                yield Fault(f"the balances in {currency}", f"add up to {total} minor units, not to zero")

    def _wrong_notices(self) -> Iterator[Fault]:
        """Notices that are missing, and such as should not be there: they must fill the gaps in the events exactly."""
        for account_id, number in self._rows(
            notices, ("account_id", "number"), (notices.c.account_id, notices.c.number)
        ):
            gaps = self._tallies[account_id].gaps
            while gaps and gaps[0][1] < number:
                yield _missing_notice(account_id, gaps.pop(0)[0])
            if not gaps or number < gaps[0][0]:
                yield Fault(f"notice {number} of account {account_id}", "tells of what was an entry, or did not happen")
                continue
            first, last = gaps.pop(0)
            if first < number:
                yield _missing_notice(account_id, first)
            if number < last:
                gaps.insert(0, (number + 1, last))
        for account_id, tally in sorted(self._tallies.items()):
            for first, _ in tally.gaps[:1]:
                yield _missing_notice(account_id, first)

    def _rows(self, table: Any, names: Iterable[str], order: tuple[Any, ...]) -> Iterator[Any]:
        """Every row of a table in ``order``, which is that of its key, a stretch at a time."""
        last: tuple[Any, ...] = (_BEFORE_ALL,) * len(order)
        query = select(*(table.c[name] for name in names)).order_by(*order).limit(_STRETCH)
        while True:
            rows = self._connection.execute(query.where(tuple_(*order) > last)).all()
            yield from rows
            self._progress()
            if len(rows) < _STRETCH:
                return
            last = tuple(getattr(rows[-1], column.name) for column in order)


def _missing_notice(account_id: int, number: int) -> Fault:
    return Fault(f"notice {number} of account {account_id}", "is missing, or the account counts too many events")
