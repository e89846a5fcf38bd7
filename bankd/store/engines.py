"""A database by its URL, and the two ways into it: reading, and writing.

1. There is one writer at a time in a process. SQLite's transactions begin IMMEDIATE, so that nothing read in one can be
   changed by another; on servers, where others may write, rows are locked as they are read. A reader has a snapshot,
   and never sees half of a batch.
2. A connection on which the database failed is never used again: a failed write or sync may have left in it what is not
   on the disk. The next transaction opens a new one; readers keep theirs.
3. The database's clock is the bank's. For SQLite, which is embedded, that is this machine's.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection as Connection
from sqlalchemy import Table, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from bankd.records import Event
from bankd.store import connections
from bankd.store.failures import DatabaseFault as DatabaseFault
from bankd.store.failures import Unknown, is_conflict, is_failure

_NOW_US_MARIADB = "SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)"
_NOW_US = {
    "postgresql": "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
    "mysql": _NOW_US_MARIADB,
    "mariadb": _NOW_US_MARIADB,
}
_ENGINES = {"sqlite", *_NOW_US}


@dataclass(slots=True)
class Transaction:
    """One transaction that writes: its connection, when it began, the key of the journal's chain, the events to tell of
    once it is committed, and how many ``parts`` of it, one in another, have begun.
    """

    connection: Connection
    at_us: int
    chain_key: bytes = field(repr=False)
    events: list[Event] = field(default_factory=list)
    parts: int = 0

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of the transaction, which is undone by itself, events too, when it ends with an error.

        Its savepoint has a name by how many parts it is in, and not, as SQLAlchemy's, by how many there were before:
        the driver then knows the statements, and does not keep those of a hundred names that come but now and then.
        """
        name, before = f"part_{self.parts}", len(self.events)
        self.connection.exec_driver_sql(f"SAVEPOINT {name}")
        self.parts += 1
        try:
            yield
        except BaseException:
            del self.events[before:]
            if not self.connection.invalidated:
                self.connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {name}")
            raise
        finally:
            self.parts -= 1
        self.connection.exec_driver_sql(f"RELEASE SAVEPOINT {name}")


class Store:
    """A database by its URL.

    ``chain_key`` is what the journal's entries are linked under. ``seconds`` is the clock, seconds since 1970; left
    out, the database's own. Of an SQLite database its writer keeps ``cache_mib`` in memory at most.
    """

    def __init__(
        self,
        url: str,
        chain_key: bytes,
        seconds: Callable[[], float] | None = None,
        cache_mib: int = connections.CACHE_MIB,
    ) -> None:
        self.url = make_url(url)
        self.chain_key = chain_key
        self._seconds = seconds
        if seconds is None and self.url.get_backend_name() == "sqlite":
            self._seconds = time.time
        self.writer = connections.writer(self.url, cache_mib)
        self.reader = connections.reader(self.url)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction, committed when the block ends well and rolled back otherwise.

        Raises Unknown when the database failed at the commit; any other exception says that nothing was written.
        """
        with self.writer.connect() as connection:
            committing = False
            try:
                with connection.begin():
                    yield Transaction(connection, self.now_us(connection), self.chain_key)
                    committing = True
            except DatabaseFault as error:
                if is_failure(error) and not is_conflict(error):
                    connection.invalidate()
                    if committing:
                        raise Unknown(f"at a commit: {error}") from error
                raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees the database as it was at one moment."""
        with self.reader.connect() as connection:
            yield connection

    @property
    def file(self) -> Path | None:
        """The file that an embedded database is in; None for a server's."""
        return Path(self.url.database or "") if self.url.get_backend_name() == "sqlite" else None

    def check_exists(self) -> None:
        """Raises FileNotFoundError where the engine is embedded and would make a new database of a missing one."""
        if self.file is not None and not self.file.exists():
            raise FileNotFoundError(f"there is no database {self.url.database}; 'bankctl init' makes one")

    def close(self) -> None:
        """Close every connection."""
        self.writer.dispose()
        self.reader.dispose()

    def now_us(self, connection: Connection) -> int:
        """The time by the database's clock, microseconds since 1970."""
        if self._seconds is not None:
            return int(self._seconds() * 1_000_000)
        return int(connection.execute(text(_NOW_US[connection.dialect.name])).scalar_one())


@contextmanager
def any_text(connection: Connection) -> Iterator[None]:
    """Read texts also where they are not UTF-8, which only SQLite lets them be: odd octets come as surrogates
    (PEP 383), so that who looks for what was damaged is not stopped by it.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver.text_factory = lambda octets: octets.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        if connection.dialect.name == "sqlite":
            driver.text_factory = str


def count_on(connection: Connection, tables: Iterable[Table]) -> None:
    """Have new ids follow those in ``tables``. PostgreSQL counts them apart from the rows; the others look."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        if (column := table.autoincrement_column) is not None:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            newest = func.max(column)
            connection.execute(select(func.setval(sequence, func.coalesce(newest, 1), newest.is_not(None))))


def is_url(text: str) -> bool:
    """Whether ``text`` is the URL of a database that a bank can be kept in: of an engine known here, not in memory."""
    try:
        url = make_url(text)
        dialect = url.get_dialect()
    except ArgumentError:
        return False
    return dialect.name in _ENGINES and (dialect.name != "sqlite" or url.database not in (None, "", ":memory:"))
