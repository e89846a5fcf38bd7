"""The journal in the database: what a batch touches is loaded, what was decided is appended, entries are walked.

A batch costs a fixed handful of statements whatever its size. Rows are locked in ascending order of id, so that two
batches never wait for each other in a circle.
"""

from collections.abc import Sequence

from sqlalchemy import (
    CTE,
    Connection,
    RowMapping,
    case,
    insert,
    literal,
    select,
)

from bankd.codes import BY_WIRE
from bankd.ledger import chain
from bankd.ledger.book import Account, Books, Entry, Refusal
from bankd.ledger.commands import Command, Deposit, Transfer, Withdrawal
from bankd.store.customers import AccountRow, till_number
from bankd.store.engines import Transaction
from bankd.store.schema import LONG, journal, refusals
from bankd.store.statements import STATEMENTS

FARTHEST = 10_000
"""How far back notices are looked for, in entries."""

COMMANDS: dict[str, type[Command]] = {kind.kind: kind for kind in (Deposit, Withdrawal, Transfer)}
"""Each command by the word that the journal keeps."""

_ENTRY = select(*(journal.c[name] for name in Entry._fields))
"""Entries as they are decided: all but their links."""


def load(tx: Transaction, commands: Sequence[Command]) -> Books:
    """The books that ``commands`` are decided from."""
    run, told = tx.connection.exec_driver_sql, STATEMENTS[tx.connection.dialect.name]
    numbers = {command.payee or till_number(command.currency) for command in commands}
    touched = (told.pack({command.account_id for command in commands}), told.pack(numbers))
    keys = told.pack([command.key for command in commands]), told.pack({command.customer_id for command in commands})
    loaded = [Account(*row) for row in run(told.accounts, touched)]
    entries = [Entry._make(row) for row in run(told.entries, keys)]
    refused = [_refusal(row) for row in run(told.refusals, keys).mappings()]
    newest_id, head = newest(tx.connection)
    return Books(
        at_us=tx.at_us,
        next_id=newest_id + 1,
        head=head,
        accounts={account.id: account for account in loaded},
        ids={account.number: account.id for account in loaded if account.floor_minor is not None},
        tills={account.currency: account.id for account in loaded if account.floor_minor is None},
        entries={(entry.customer_id, entry.key): entry for entry in entries},
        refusals={(known.command.customer_id, known.command.key): known for known in refused},
    )


def append(tx: Transaction, books: Books) -> None:
    """Write what ``books`` decided: entries with their links, the accounts they moved, and refusals."""
    if books.posted:
        told = STATEMENTS[tx.connection.dialect.name]
        links = chain.links(tx.chain_key, books.head, books.posted)
        told.write(tx.connection, told.append, [(*row, link) for row, link in zip(books.posted, links, strict=True)])
        moved = sorted({side for entry in books.posted for side in (entry.debit_id, entry.credit_id)})
        told.write(tx.connection, told.move, [_movement(books.accounts[account_id]) for account_id in moved])
    if books.refused:
        tx.connection.execute(insert(refusals), [_refusal_row(refusal) for refusal in books.refused])


def newest(connection: Connection) -> tuple[int, bytes]:
    """The id of the newest entry and its link; before the first, 0 and what stands for the link before it."""
    row = connection.execute(select(journal.c.id, journal.c.hash).order_by(journal.c.id.desc()).limit(1)).first()
    return (row.id, row.hash) if row else (0, chain.START)


def entry(connection: Connection, entry_id: int) -> Entry | None:
    """The entry with an id."""
    row = connection.execute(_ENTRY.where(journal.c.id == entry_id)).first()
    return Entry._make(row) if row else None


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


def _movement(account: Account) -> tuple[int, int | None, int, int]:
    return account.balance_minor, account.newest, account.events, account.id


def _refusal(row: RowMapping) -> Refusal:
    command = COMMANDS[row["kind"]](
        customer_id=row["customer_id"],
        account_id=row["account_id"],
        fence=None,
        key=row["key"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        payee=row["payee"],
        reference=row["reference"],
    )
    return Refusal(command, BY_WIRE[row["code"], row["reason"]], row["at_us"])


def _refusal_row(refusal: Refusal) -> dict[str, int | str | None]:
    command = refusal.command
    return {
        "key": command.key,
        "customer_id": command.customer_id,
        "kind": command.kind,
        "account_id": command.account_id,
        "payee": command.payee,
        "amount_minor": command.amount_minor,
        "currency": command.currency,
        "reference": command.reference,
        "code": refusal.code.number,
        "reason": refusal.code.reason,
        "at_us": refusal.at_us,
    }
