"""Holds and reversals as the journal's entries make them, to hold the rows beside the journal against."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Connection, select

from bankd.ledger.books import OpenHold
from bankd.ledger.entries import Entry
from bankd.ledger.rules import ENDINGS, SPENDING, spent_minor
from bankd.ledger.tariff import day_of
from bankd.store.schema import holds, journal, reversals

Wrong = tuple[str, str]
"""A row as people call it, and what is wrong with it."""


class Promises:
    """What the entries so far make of open holds, of payments given back, and of what accounts spent in a day.

    ``held`` has what is set aside, by account; ``spent`` the last day on which it spent anything, and how much.
    """

    def __init__(self) -> None:
        self.held: Counter[int] = Counter()
        self.spent: dict[int, tuple[int, int]] = {}
        self._open: dict[int, OpenHold] = {}
        self._reversed: Counter[int] = Counter()

    def take(self, entry: Entry) -> Iterator[str]:
        """Take the next entry in. Gives what is wrong with it."""
        if entry.kind == "hold":
            self._open[entry.id] = OpenHold(
                entry.id, entry.debit_id, entry.credit_id, entry.amount_minor, entry.expires_us or 0
            )
            self.held[entry.debit_id] += entry.amount_minor
        elif entry.kind in ENDINGS:
            ended = self._open.pop(entry.of_id or 0, None)
            if ended is None:
                yield f"ends hold {entry.of_id}, which was not open"
                return
            self.held[ended.account_id] -= ended.amount_minor
            if entry.amount_minor > ended.amount_minor:
                yield f"takes {entry.amount_minor} of hold {entry.of_id}, which was of {ended.amount_minor}"
            if {entry.debit_id, entry.credit_id} != {ended.account_id, ended.payee_id}:
                yield f"ends hold {entry.of_id}, which was of other accounts"
        elif entry.kind == "reversal":
            self._reversed[entry.of_id or 0] += entry.amount_minor
        if entry.kind in SPENDING:
            today = day_of(entry.at_us)
            day, before_minor = self.spent.get(entry.debit_id, (0, 0))
            self.spent[entry.debit_id] = (today, spent_minor(before_minor if day == today else 0, entry.amount_minor))

    def wrong_rows(self, connection: Connection) -> Iterator[Wrong]:
        """Rows of holds and reversals that are not what the entries make of them, or that are missing."""
        left, given_back = dict(self._open), dict(self._reversed)
        for row in connection.execute(select(holds).order_by(holds.c.id)):
            if (made := left.pop(row.id, None)) != OpenHold._make(row):
                yield f"hold {row.id}", "is not open by its entries" if made is None else "is not what its entry says"
        for hold_id in left:
            yield f"hold {hold_id}", "is missing, and open by its entries"
        for row in connection.execute(select(reversals).order_by(reversals.c.entry_id)):
            if (found := given_back.pop(row.entry_id, 0)) != row.reversed_minor:
                yield f"reversal of entry {row.entry_id}", f"says {row.reversed_minor}, but its entries make {found}"
        for entry_id in given_back:
            yield f"reversal of entry {entry_id}", "is missing"
        paid = select(reversals).join(journal, journal.c.id == reversals.c.entry_id)
        for row in connection.execute(paid.where(reversals.c.reversed_minor > journal.c.amount_minor)):
            yield f"reversal of entry {row.entry_id}", f"says {row.reversed_minor}, which is more than was paid"
