"""The journal in the database: what a batch touches is loaded, what was decided is appended, entries are walked.

A batch costs a fixed handful of statements whatever its size. Rows are locked in ascending order of id, and after them
the numbering, so that two batches do not wait for each other in a circle.
"""

from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    CTE,
    Connection,
    case,
    insert,
    literal,
    select,
)

from bankd.codes import BY_WIRE
from bankd.ledger import chain
from bankd.ledger.books import Account, Books, Kept
from bankd.ledger.commands import Command, Payment, Sequel
from bankd.ledger.entries import Entry
from bankd.ledger.tariff import FREE, Tariff
from bankd.store import holds
from bankd.store.customers import AccountRow, fee_till_number, till_number
from bankd.store.engines import Transaction
from bankd.store.schema import LONG, journal, outcomes
from bankd.store.statements import MOVED, STATEMENTS

FARTHEST = 10_000
"""How far back notices are looked for, in entries."""

_MOVED = attrgetter(*MOVED, "id")

_ENTRY = select(*(journal.c[name] for name in Entry._fields))
"""Entries as they are decided: all but their links."""

_NEWEST = select(journal.c.id, journal.c.hash).order_by(journal.c.id.desc()).limit(1)


def load(tx: Transaction, commands: Sequence[Command], tariff: Tariff = FREE) -> Books:
    """The books that ``commands`` are decided from."""
    run, told = tx.connection.exec_driver_sql, STATEMENTS[tx.connection.dialect.name]
    parts = [part for command in commands for part in command.parts]
    asked = {(command.customer_id, command.key) for command in (*commands, *parts)}
    keys = told.pack({key for _, key in asked}), told.pack({customer_id for customer_id, _ in asked})
    open_holds, originals, reversed_minor = holds.load(tx, [part for part in parts if isinstance(part, Sequel)])
    touched = {part.account_id for part in parts} | {hold.account_id for hold in open_holds}
    touched |= {hold.payee_id for hold in open_holds}
    touched |= {side for entry in originals for side in (entry.debit_id, entry.credit_id)}
    ids = told.pack(touched)
    rows = run(told.accounts, (ids, told.pack(_numbers(parts, tariff))))
    loaded = {account.id: account for account in (Account(*row) for row in rows)}
    for account_id, fence in run(told.fences, (ids,)):
        loaded[account_id].fence = fence
    tills = [account for account in loaded.values() if account.floor_minor is None]
    if told.numbering:
        run(told.numbering)
    newest_id, head = newest(tx.connection)
    return Books(
        at_us=tx.at_us,
        next_id=newest_id + 1,
        head=head,
        accounts=loaded,
        ids={account.number: account.id for account in loaded.values() if account.floor_minor is not None},
        tills={till.currency: till.id for till in tills if till.number == till_number(till.currency)},
        fee_tills={till.currency: till.id for till in tills if till.number == fee_till_number(till.currency)},
        holds={hold.id: hold for hold in open_holds},
        originals={entry.id: entry for entry in originals},
        reversed=reversed_minor,
        entries={(entry.customer_id, entry.key): entry for entry in map(Entry._make, run(told.entries, keys))},
        kept={(kept.customer_id, kept.key): kept for kept in map(_kept, run(told.outcomes, keys))},
        tariff=tariff,
    )


def append(tx: Transaction, books: Books) -> None:
    """Write what ``books`` decided: entries and links, the accounts they moved, holds, reversals, outcomes to keep."""
    if books.posted:
        told = STATEMENTS[tx.connection.dialect.name]
        links = chain.links(tx.chain_key, books.head, books.posted)
        told.write(tx.connection, told.append, [(*row, link) for row, link in zip(books.posted, links, strict=True)])
        moved = sorted({side for entry in books.posted for side in (entry.debit_id, entry.credit_id)})
        told.write(tx.connection, told.move, [_MOVED(books.accounts[account_id]) for account_id in moved])
        holds.write(tx, books)
    if books.noted:
        tx.connection.execute(insert(outcomes), [_kept_row(kept) for kept in books.noted])


def newest(connection: Connection) -> tuple[int, bytes]:
    """The id of the newest entry and its link; before the first, 0 and what stands for the link before it."""
    row = connection.execute(_NEWEST).first()
    return (row.id, row.hash) if row else (0, chain.START)


def entry(connection: Connection, entry_id: int) -> Entry | None:
    """The entry with an id."""
    row = connection.execute(_ENTRY.where(journal.c.id == entry_id)).first()
    return Entry._make(row) if row else None


def banks_own(connection: Connection, keys: Collection[str]) -> list[Entry]:
    """The entries that the bank itself made under ``keys``."""
    mine = journal.c.key.in_(keys) & (journal.c.customer_id == 0)
    return [Entry._make(row) for row in connection.execute(_ENTRY.where(mine))]


def link(connection: Connection, entry_id: int) -> bytes:
    """The link of the entry with an id, which there is."""
    return bytes(connection.execute(select(journal.c.hash).where(journal.c.id == entry_id)).scalar_one())


def walk(connection: Connection, account_id: int, start: int | None, limit: int) -> list[Entry]:
    """Up to ``limit`` entries of an account from entry ``start`` backwards, newest first, by their pointers."""
    steps = _steps(account_id, start, limit)
    found = _ENTRY.join(steps, journal.c.id == steps.c.id).order_by(journal.c.id.desc())
    return [Entry._make(row) for row in connection.execute(found)]


def after_event(connection: Connection, account: AccountRow, number: int, limit: int) -> list[Entry]:
    """The first ``limit`` entries of ``account`` after its event ``number``, oldest first.

    No more than the account's events since then are walked, for each entry is one of them, and never more than
    FARTHEST: who has not looked for so long finds the older ones in the statement.
    """
    steps = _steps(account.id, account.newest, min(account.events - number, FARTHEST))
    event = case((journal.c.debit_id == account.id, journal.c.debit_event), else_=journal.c.credit_event)
    found = _ENTRY.join(steps, journal.c.id == steps.c.id).where(event > number)
    return [Entry._make(row) for row in connection.execute(found.order_by(journal.c.id).limit(limit))]


def _steps(account_id: int, start: int | None, limit: int) -> CTE:
    """The ids of up to ``limit`` entries of an account, from ``start`` backwards."""
    previous = case((journal.c.debit_id == account_id, journal.c.debit_previous), else_=journal.c.credit_previous)
    first = select(literal(start, LONG).label("id"), literal(1, LONG).label("step"))
    steps = first.cte("steps", recursive=True)
    return steps.union_all(
        select(previous, steps.c.step + 1)
        .select_from(journal.join(steps, journal.c.id == steps.c.id))
        .where(steps.c.step < limit)
    )


def _numbers(parts: Sequence[Command], tariff: Tariff) -> set[str]:
    """The numbers of the accounts that ``parts`` pay, and of the tills that they need."""
    payments = [part for part in parts if isinstance(part, Payment)]
    fees = {fee_till_number(part.currency) for part in payments if tariff.fee(part.kind, part.currency)}
    if len(payments) < len(parts):  # what comes of a hold has a fee too, in its currency
        fees |= {fee_till_number(currency) for by_currency in tariff.fees.values() for currency in by_currency}
    return fees | {part.payee or till_number(part.currency) for part in payments}


def _kept(row: Sequence[Any]) -> Kept:
    key, customer_id, content, number, reason, place, at_us = row
    return Kept(key, customer_id, content, BY_WIRE[number, reason], place, at_us)


def _kept_row(kept: Kept) -> dict[str, int | str | None]:
    return {
        "key": kept.key,
        "customer_id": kept.customer_id,
        "content": kept.content,
        "code": kept.code.number,
        "reason": kept.code.reason,
        "place": kept.place,
        "at_us": kept.at_us,
    }
