"""Is the ledger right? Everything that the journal says is worked out again from its first entry."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from sqlalchemy import Connection, select

from bankd.ledger.entries import Entry
from bankd.store.schema import accounts, journal, notices

_STRETCH = 10_000
"""Entries read at a time."""


def faults(connection: Connection) -> Iterator[str]:
    """A line for everything that does not add up; none when all is well.

    Checked are each entry's balances after it, its pointers to the entries before, and its place among the events of
    its accounts; then each account's balance, newest entry and count of events; and that all balances of a currency
    add up to zero.
    """
    balances: defaultdict[int, int] = defaultdict(int)
    newest: dict[int, int] = {}
    counts: Counter[int] = Counter()  # of each account's events, and below the sum of their numbers
    numbers: Counter[int] = Counter()
    for entry in _entries(connection):
        for account_id, previous in ((entry.debit_id, entry.debit_previous), (entry.credit_id, entry.credit_previous)):
            side = entry.side(account_id)
            balances[account_id] += side.amount_minor
            if (said := side.balance_minor) != (found := balances[account_id]):
                yield f"entry {entry.id} leaves account {account_id} with {said}, but its entries add up to {found}"
            if previous != newest.get(account_id):
                yield f"entry {entry.id} of account {account_id} points to {previous}, not {newest.get(account_id)}"
            newest[account_id] = entry.id
            counts[account_id] += 1
            numbers[account_id] += side.event
    for row in connection.execute(select(notices.c.account_id, notices.c.number)):
        counts[row.account_id] += 1
        numbers[row.account_id] += row.number
    events = {account_id: (count, numbers[account_id]) for account_id, count in counts.items()}
    yield from _wrong_accounts(connection, balances, newest, events)


def _entries(connection: Connection) -> Iterator[Entry]:
    """Every entry, in order of id."""
    last = 0
    while True:
        rows = connection.execute(
            select(journal).where(journal.c.id > last).order_by(journal.c.id).limit(_STRETCH)
        ).all()
        yield from (Entry._make(row) for row in rows)
        if len(rows) < _STRETCH:
            return
        last = rows[-1].id


def _wrong_accounts(
    connection: Connection, balances: dict[int, int], newest: dict[int, int], events: dict[int, tuple[int, int]]
) -> Iterator[str]:
    """A line for each account, and each currency, that is not what its entries make of it."""
    sums: defaultdict[str, int] = defaultdict(int)
    for row in connection.execute(select(accounts).order_by(accounts.c.id)):
        sums[row.currency] += row.balance_minor
        if (said := row.balance_minor) != (found := balances.get(row.id, 0)):
            yield f"account {row.number} has a balance of {said}, but its entries add up to {found}"
        if row.newest != newest.get(row.id):
            yield f"account {row.number} points to entry {row.newest}, but its newest is {newest.get(row.id)}"
        if events.get(row.id, (0, 0)) != (row.events, row.events * (row.events + 1) // 2):
            yield f"account {row.number} counts {row.events} events, but they are not numbered from 1 without gaps"
    for currency, total in sums.items():
        if total:
            yield f"the balances in {currency} add up to {total} minor units, not to zero"
