"""Announcements: once a month every customer is told that the statement of the month that has ended is ready.

1. A month is one in UTC, as the times on statements are. It is announced once it has been over for SETTLING_SECONDS,
   when all that was under way at its end is in the journal.
2. Told is every account that is open, was opened before the month was over, and had an entry in it or did not stand at
   zero at its end. So it does not matter when the bank comes to it: what was in the month does not change any more.
3. It goes from account to account in pieces, in transactions of their own, and how far it came is written with each: so
   every account has it once, whatever happens between and however many banks work on it.
4. A bank that was off makes up for it, month by month, for each in which anything was entered, and for the last one.
   One that has never announced anything begins with the last one.
"""

from bankd.records import NoticeKind
from bankd.statement import begin_of, month_after, month_before, month_of
from bankd.store import announcements, history, journal, outbox
from bankd.store.announcements import AnnouncementRow, Candidate
from bankd.store.engines import Transaction

PIECE = 200
"""Accounts in one transaction, at most: others wait for it."""

SETTLING_SECONDS = 60
"""More than any transaction takes."""


def go_on(tx: Transaction) -> bool:
    """Tell the next PIECE accounts of the month that is announced, or begin with one; whether there may be more."""
    row = announcements.unfinished(tx) or _begun(tx)
    if row is None:
        return False
    found = announcements.next_accounts(tx, row, PIECE)
    told = _with_statement(tx, row.month, found)
    if told:
        outbox.add_to_all(tx, told, NoticeKind.STATEMENT, month=row.month)
    announcements.went_on(tx, row, found[-1].id if found else row.passed_id, len(told), len(found) < PIECE)
    return True


def _begun(tx: Transaction) -> AnnouncementRow | None:
    """The next month to announce, now begun; None where the last one was."""
    month = _next_month(tx, announcements.newest(tx))
    return announcements.begin(tx, month) if month else None


def _next_month(tx: Transaction, newest: str | None) -> str | None:
    last = month_before(month_of(tx.at_us - SETTLING_SECONDS * 1_000_000))
    if newest is None:
        return last
    if newest >= last:
        return None
    following = month_after(newest)
    place = history.place_of(tx.connection, begin_of(following) - 1)
    entry = journal.entry(tx.connection, place + 1)
    return min(last, max(following, month_of(entry.at_us))) if entry else last


def _with_statement(tx: Transaction, month: str, found: list[Candidate]) -> list[tuple[int, int]]:
    """Those of the accounts that have a statement of the month, by id with the events that each had so far."""
    low = history.place_of(tx.connection, begin_of(month) - 1)
    high = history.place_of(tx.connection, begin_of(month_after(month)) - 1)
    newest = {account.id: account.newest for account in found if account.newest is not None}
    lasts = history.last_entry_ids(tx.connection, newest, high)
    return [
        (account.id, account.events) for account in found if _has_statement(tx, account, low, lasts.get(account.id))
    ]


def _has_statement(tx: Transaction, account: Candidate, low: int, last: int | None) -> bool:
    """Whether an account, whose last entry up to the month's end is ``last``, had one behind a place in the journal, or
    did not stand at zero then.
    """
    if last is None or last > low:
        return last is not None
    if last == account.newest:
        return account.balance_minor != 0
    entry = journal.entry(tx.connection, last)
    return entry is not None and entry.side(account.id).balance_minor != 0
