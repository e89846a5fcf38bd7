"""All that differs between database engines, and the two ways into a database: reading, and writing.

1. There is one writer at a time. SQLite's transactions begin IMMEDIATE, so that nothing read in one can be changed by
   another; a reader has a snapshot, and never sees half of a batch.
2. An acknowledged commit survives a power cut: SQLite runs with synchronous=FULL.
3. The database's clock is the bank's. For SQLite, which is embedded, that is the clock handed in.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection as Connection
from sqlalchemy import Engine, Table, create_engine, event, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from bankd.records import Event

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",
)

_NOW_US_MARIADB = "SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)"
_NOW_US = {
    "sqlite": "SELECT now_us()",
    "postgresql": "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
    "mysql": _NOW_US_MARIADB,
    "mariadb": _NOW_US_MARIADB,
}


DatabaseFault = SQLAlchemyError
"""What every engine raises when the database cannot do what is asked."""


@dataclass(slots=True)
class Transaction:
    """One transaction that writes: its connection, when it began, and the events to tell of once it is committed."""

    connection: Connection
    at_us: int
    events: list[Event] = field(default_factory=list)


class Store:
    """A database by its URL. ``seconds`` is the clock, seconds since 1970, where the engine is embedded."""

    def __init__(self, url: str, seconds: Callable[[], float]) -> None:
        self.url = make_url(url)
        self._seconds = seconds
        self.writer = self._engine("BEGIN IMMEDIATE", pool_size=1)
        self.reader = self._engine("BEGIN", pool_size=8)
        if self.reader.dialect.name != "sqlite":
            self.reader = self.reader.execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction, committed when the block ends well and rolled back otherwise."""
        with self.writer.begin() as connection:
            yield Transaction(connection, now_us(connection))

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

    def _engine(self, begin: str, pool_size: int) -> Engine:
        try:
            engine = create_engine(self.url, pool_size=pool_size, max_overflow=0, hide_parameters=True)
        except ImportError as error:
            raise DatabaseFault(f"the driver for {self.url.drivername} is not installed: {error}") from error
        if self.url.get_backend_name() == "sqlite":
            _prepare_sqlite(engine, begin, self._seconds)
        return engine


def now_us(connection: Connection) -> int:
    """The time by the database's clock, microseconds since 1970."""
    return int(connection.execute(text(_NOW_US[connection.dialect.name])).scalar_one())


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
    return dialect.name in _NOW_US and (dialect.name != "sqlite" or url.database not in (None, "", ":memory:"))


def _prepare_sqlite(engine: Engine, begin: str, seconds: Callable[[], float]) -> None:
    """Give each connection its settings and clock, and begin transactions as ``begin`` says.

    The driver's own handling of transactions is off (isolation_level None), for it begins them too late.
    """

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        connection.create_function("now_us", 0, lambda: int(seconds() * 1_000_000))

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
