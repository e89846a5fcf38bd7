"""Making a database from a backup: all of it or nothing, verified before it counts, and with nobody logged in.

1. The database is empty: it has no tables, or a bank's without a row, of ``bankctl init`` or of a restore that was
   killed. Those are made anew.
2. Rows go in at the schema that they were backed up in, which is then brought up to date.
3. Entries from before there was a chain are linked as they are. In a schema that has links a missing one is a fault,
   and never made up for.
4. All is one transaction. MariaDB commits it whenever a table is made, so there all are dropped again on failure.
5. What gave access for a while gives none afterwards: whoever had a session logs in again.
"""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, MetaData, Table, column, insert, inspect, select, table

from bankd.store import backup, challenges, checkpoints, migrate, proposals, sessions
from bankd.store.archive import Archive, BackupError, Tell
from bankd.store.backup import Contents
from bankd.store.engines import DatabaseFault, Store, Transaction, count_on
from bankd.store.schema import journal, metadata
from bankd.wire import grammar

Check = Callable[[Connection], Iterable[str]]
"""Finds what is wrong with a ledger, a line each."""

ANOTHER_KEY = (
    "the ledger in the backup does not begin under this chain.key: the key is not that bank's own,"
    " or the backup was forged; nothing was restored"
)


class Wrong(BackupError):
    """What was backed up does not add up; ``faults`` has a line for each entry or account that is wrong."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("the ledger in the backup is wrong; nothing was restored")
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Restored:
    """What a database holds once restored, how many sessions that were open when it was backed up are over, and how
    many entries from before the chain were linked.
    """

    contents: Contents
    sessions: int
    sealed: int


def restore(store: Store, source: Archive, check: Check, tell: Tell) -> Restored:
    """Fill the empty database of ``store``, and ``check`` its ledger before that is final.

    Raises BackupError, OSError and DatabaseFault; the database is then as it was, or on MariaDB without tables.
    """
    revision = source.header.revision
    if not migrate.is_known(revision):
        raise source.fault(f"it was made by a newer bankd (schema {revision}); restore it with that one")
    is_new_file = store.file is not None and not store.file.exists()
    was_empty = False
    try:
        with store.writing() as tx:
            _drop_empty(tx.connection)
            was_empty = True
            migrate.upgrade_to(tx.connection, revision)
            has_links = _has_links(tx.connection)
            _load(tx.connection, source, tell)
            _count_on(tx.connection)  # a migration may add rows
            migrate.upgrade_to(tx.connection, migrate.NEWEST)
            sealed = 0 if has_links else checkpoints.seal(tx)
            if not checkpoints.begins_under(tx.connection, tx.chain_key):
                raise BackupError(ANOTHER_KEY)
            if faults := list(check(tx.connection)):
                raise Wrong(faults)
            were_open = _end_access(tx, grammar.read_time(source.header.at))
            return Restored(backup.contents(tx.connection), were_open, sealed)
    except BaseException:
        if was_empty:
            _clear(store, is_new_file)
        raise


def _end_access(tx: Transaction, at_us: int) -> int:
    """The one place where all is voided that gives access for a while; how many sessions were open at ``at_us``."""
    challenges.void_all(tx)
    proposals.void_all(tx)  # one may have been approved since, in the bank that this backup is older than
    return sessions.end_all(tx, at_us)


def _drop_empty(connection: Connection) -> None:
    """Drop a bank's tables without rows. Raises BackupError, and drops none, where there is anything else."""
    found = MetaData()
    found.reflect(connection)
    if others := found.tables.keys() - metadata.tables.keys() - {migrate.VERSION_TABLE}:
        raise BackupError(f"the database is not empty: it has the tables {', '.join(sorted(others))}")
    for each in found.sorted_tables:
        if each.name != migrate.VERSION_TABLE and connection.execute(select(each).limit(1)).first() is not None:
            raise BackupError(f"the database is not empty: there are {each.name} in it, and nothing is overwritten")
    found.drop_all(connection)


def _has_links(connection: Connection) -> bool:
    """Whether the schema is one that has the chain."""
    return journal.c.hash.name in {each["name"] for each in inspect(connection).get_columns(journal.name)}


def _load(connection: Connection, source: Archive, tell: Tell) -> None:
    """Put every row in. Raises BackupError unless the backup has just the tables and columns of its schema."""
    found = inspect(connection)
    expected = set(found.get_table_names()) - {migrate.VERSION_TABLE}
    for batch in source.batches(tell):
        if batch.rows:
            into = table(batch.table, *map(column, batch.columns))
            connection.execute(insert(into), [dict(zip(batch.columns, row, strict=True)) for row in batch.rows])
        elif batch.table in expected:
            expected.remove(batch.table)
            if {*batch.columns} != {each["name"] for each in found.get_columns(batch.table)}:
                raise source.fault(f"its columns of {batch.table} are not those of schema {source.header.revision}")
        else:
            raise source.fault(f"there is no table {batch.table} in schema {source.header.revision}")
    if expected:
        raise source.fault(f"it lacks the tables {', '.join(sorted(expected))}")


def _count_on(connection: Connection) -> None:
    """Have new ids follow those of the rows that were put in, whatever schema they are in."""
    found = inspect(connection)
    columns = {name: {each["name"] for each in found.get_columns(name)} for name in found.get_table_names()}

    def gives_ids(each: Table) -> bool:
        ids = each.autoincrement_column
        return ids is not None and ids.name in columns.get(each.name, ())

    count_on(connection, filter(gives_ids, metadata.sorted_tables))


def _clear(store: Store, is_new_file: bool) -> None:
    """Take away what a restore that failed has made in an empty database, and the engine did not roll back."""
    if is_new_file and store.file is not None:
        store.close()
        for end in ("", "-wal", "-shm"):
            store.file.with_name(store.file.name + end).unlink(missing_ok=True)
    elif store.url.get_backend_name() in ("mariadb", "mysql"):
        with contextlib.suppress(DatabaseFault), store.writing() as tx:  # what failed first is what is told
            made = MetaData()
            made.reflect(tx.connection)
            made.drop_all(tx.connection)
