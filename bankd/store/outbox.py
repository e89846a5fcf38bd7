"""Notices in the database: what happened on an account, by number, until its owner acknowledges it.

1. Every event on an account has the next number. A movement of money is an event of both its accounts, and its entry in
   the journal is its notice; other events have a row in ``notices``. So a notice is stored by the very statement that
   causes it, and costs a transfer nothing.
2. Notices that are rows are numbered for the whole bank too, as entries are, in the order in which they are committed.
3. Acknowledging is cumulative: every notice up to a number.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, insert, select, update

from bankd.ledger.books import Books
from bankd.ledger.entries import Posted
from bankd.records import Event, Notice, NoticeKind
from bankd.store.engines import Transaction
from bankd.store.schema import accounts, broadcasts, notices
from bankd.store.statements import STATEMENTS


def add(tx: Transaction, account_id: int, kind: NoticeKind) -> None:
    """Note an event that moved no money, and have it told of once committed."""
    mine = accounts.c.id == account_id
    tx.connection.execute(update(accounts).where(mine).values(events=accounts.c.events + 1))
    number = int(tx.connection.execute(select(accounts.c.events).where(mine)).scalar_one())
    _lock_numbering(tx)
    tx.connection.execute(insert(notices).values(account_id=account_id, number=number, kind=kind, at_us=tx.at_us))
    tx.events.append(Event(account_id, number, kind))


def add_to_all(
    tx: Transaction,
    found: Sequence[tuple[int, int]],
    kind: NoticeKind,
    broadcast_id: int | None = None,
    month: str | None = None,
) -> None:
    """The same for many accounts, which are locked, by id with the events that each had so far.

    It tells of a broadcast, or of the statement of a month.
    """
    ids = [account_id for account_id, _ in found]
    tx.connection.execute(update(accounts).where(accounts.c.id.in_(ids)).values(events=accounts.c.events + 1))
    added = [Event(account_id, events + 1, kind) for account_id, events in found]
    _lock_numbering(tx)
    more = {"kind": kind, "at_us": tx.at_us, "broadcast_id": broadcast_id, "month": month}
    tx.connection.execute(
        insert(notices), [{"account_id": event.account_id, "number": event.number, **more} for event in added]
    )
    tx.events += added


def _lock_numbering(tx: Transaction) -> None:
    """Have the next notices numbered after those of every bank on the server that are not committed yet: what goes out
    from here to other systems (``forwarding``) is found by number.
    """
    if numbering := STATEMENTS[tx.connection.dialect.name].numbering:
        tx.connection.exec_driver_sql(numbering)


def announce(tx: Transaction, books: Books) -> None:
    """Have the owners of both accounts of each new entry told once it is committed, and the log."""
    for entry in books.posted:
        debit, credit = books.accounts[entry.debit_id], books.accounts[entry.credit_id]
        posted = Posted(entry, debit.number, credit.number, debit.currency)
        paid, received = entry.side(debit.id), entry.side(credit.id)
        tx.events.append(Event(debit.id, paid.event, NoticeKind(paid.kind), posted, paid.amount_minor))
        tx.events.append(Event(credit.id, received.event, NoticeKind(received.kind), None, received.amount_minor))


def other_events(
    connection: Connection, account_id: int, number: int, limit: int, but: Collection[str] = ()
) -> list[Notice]:
    """The first ``limit`` events of an account after ``number`` that moved no money, oldest first; none of the kinds
    ``but``.
    """
    wanted = (notices.c.account_id == account_id) & (notices.c.number > number) & notices.c.kind.not_in(but)
    said = notices.outerjoin(broadcasts, broadcasts.c.id == notices.c.broadcast_id)
    told = (notices.c.number, notices.c.kind, notices.c.at_us, broadcasts.c.words, notices.c.month)
    rows = connection.execute(select(*told).select_from(said).where(wanted).order_by(notices.c.number).limit(limit))
    return [Notice(number, kind, at_us, words=words, period=month) for number, kind, at_us, words, month in rows]
