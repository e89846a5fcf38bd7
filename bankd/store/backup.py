"""A backup: everything in the database as it was at one moment, in a file that any engine's database is made from.

1. It is read in one transaction, which has a snapshot and locks nothing: the bank serves meanwhile. Whatever was
   acknowledged before ``at`` is in it.
2. Rows are passed on as they come, so that a backup of any size takes the same memory.
3. Keys are not in it. Without the pepper nobody can try PINs on the hashes that a lost backup holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from bankd.store import archive, migrate
from bankd.store.archive import BackupError, Batch, Header, Tell
from bankd.store.engines import Store
from bankd.store.journal import newest
from bankd.store.schema import accounts, customers, journal, metadata
from bankd.wire import grammar

_STRETCH = 1000
"""Rows fetched at a time."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a bank's database holds: how many of each, and what its customers have, in minor units by currency."""

    customers: int
    accounts: int
    entries: int
    held_minor: dict[str, int]


def save(store: Store, path: Path, bank: str, tell: Tell) -> tuple[Header, Contents]:
    """Write a backup of ``store``, of the bank so named, to the new file ``path``.

    Raises BackupError, OSError and DatabaseFault; there is then no such file.
    """
    with store.reading() as connection:
        at_us = store.now_us(connection)
        if not migrate.is_current(connection):
            raise BackupError(
                "the database is of another version; the bankd that it belongs to can back it up,"
                " or 'bankctl init' brings it up to date"
            )
        header = Header(bank, grammar.write_time(at_us), newest(connection)[0], migrate.NEWEST)
        archive.write(path, header, _batches(connection), tell)
        return header, contents(connection)


def contents(connection: Connection) -> Contents:
    """What the database holds."""
    held = select(accounts.c.currency, func.sum(accounts.c.balance_minor)).where(accounts.c.customer_id.is_not(None))
    by_currency = held.group_by(accounts.c.currency).order_by(accounts.c.currency)
    return Contents(
        customers=connection.execute(select(func.count()).select_from(customers)).scalar_one(),
        accounts=connection.execute(select(func.count(accounts.c.customer_id))).scalar_one(),
        entries=connection.execute(select(func.count()).select_from(journal)).scalar_one(),
        held_minor={currency: int(total) for currency, total in connection.execute(by_currency)},
    )


def _batches(connection: Connection) -> Iterator[Batch]:
    """Every table and its rows, in an order in which they can be put in again."""
    for table in metadata.sorted_tables:
        columns = tuple(column.name for column in table.columns)
        yield Batch(table.name, columns, ())
        found = connection.execution_options(yield_per=_STRETCH).execute(select(table).order_by(*table.primary_key))
        for rows in found.partitions():
            yield Batch(table.name, columns, [tuple(row) for row in rows])
