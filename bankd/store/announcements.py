"""Announcements in the database: which months' statements customers were told of, and how far the last has come."""

from dataclasses import dataclass

from sqlalchemy import func, insert, select, update

from bankd.statement import begin_of, month_after
from bankd.store.engines import Transaction
from bankd.store.schema import accounts, announcements


@dataclass(frozen=True, slots=True)
class AnnouncementRow:
    """A month, of whose accounts those up to ``passed_id`` have been gone through, and ``reached`` were told."""

    month: str
    passed_id: int
    reached: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that may be told: how many events it had so far, its balance and its newest entry now."""

    id: int
    events: int
    balance_minor: int
    newest: int | None


def newest(tx: Transaction) -> str | None:
    """The last month of which anything was told; None for none."""
    month: str | None = tx.connection.execute(select(func.max(announcements.c.month))).scalar_one()
    return month


def begin(tx: Transaction, month: str) -> AnnouncementRow:
    """Begin with a month. Where another bank does at the same time, one of the transactions is undone."""
    row = AnnouncementRow(month, 0, 0)
    values = {"month": month, "begun_us": tx.at_us, "passed_id": row.passed_id, "reached": row.reached}
    tx.connection.execute(insert(announcements).values(**values))
    return row


def unfinished(tx: Transaction) -> AnnouncementRow | None:
    """The month that not every account has been told of; nobody else goes on with it before the transaction ends."""
    query = select(*(announcements.c[name] for name in AnnouncementRow.__slots__))
    waiting = query.where(announcements.c.finished_us.is_(None)).order_by(announcements.c.month).limit(1)
    row = tx.connection.execute(waiting.with_for_update()).first()
    return AnnouncementRow(*row) if row else None


def next_accounts(tx: Transaction, row: AnnouncementRow, most: int) -> list[Candidate]:
    """The next open accounts of customers that were opened before the month was over, by id.

    Nobody else changes them before the transaction ends.
    """
    theirs = accounts.c.customer_id.is_not(None) & accounts.c.closed_us.is_(None)
    ahead = (accounts.c.id > row.passed_id) & (accounts.c.opened_us < begin_of(month_after(row.month)))
    query = select(*(accounts.c[name] for name in Candidate.__slots__)).where(ahead & theirs)
    found = tx.connection.execute(query.order_by(accounts.c.id).limit(most).with_for_update())
    return [Candidate(*account) for account in found]


def went_on(tx: Transaction, row: AnnouncementRow, passed_id: int, more: int, finished: bool) -> None:
    """Note how far a month has come, how many more accounts were told, and whether these were the last."""
    values = {
        "passed_id": passed_id,
        "reached": row.reached + more,
        "finished_us": tx.at_us if finished else None,
    }
    tx.connection.execute(update(announcements).where(announcements.c.month == row.month).values(**values))
