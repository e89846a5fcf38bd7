"""What a connection is told when it is opened, engine by engine: what it promises, and how long it waits.

1. An acknowledged commit survives a power cut, whatever the server's own settings say of it.
2. Nothing waits for ever: not for a lock, a statement, a server that is gone, nor for a writer that stopped in the
   middle of its transaction while it holds locks.
3. The writer reads what is committed when it looks (READ COMMITTED) and locks what it will change. With a snapshot it
   would look for keys in a database older than the rows that it has just locked. A reader has a snapshot.
4. What an error says may be logged, so it holds no values.
5. SQLite's sorting and undoing stay in memory, so that a full disk does not stop readers.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, NullPool, create_engine, event
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from bankd.store.failures import DatabaseFault

LOCK_SECONDS = 5
"""How long to wait for another's lock before the transaction is done again."""

STATEMENT_SECONDS = 30
"""How long a statement of the writer may take, and how long it may hold locks without sending one."""

SERVER_SECONDS = 60
"""After how long a server that says nothing is taken to be gone."""

CACHE_MIB = 256
"""What the writer keeps of an SQLite database at most, unless the settings say otherwise."""

_SQLITE = (
    f"PRAGMA busy_timeout={LOCK_SECONDS * 1000}",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
)
# With 100,000 accounts and batches of 500 this and a cache of 256 MiB spare a sixth of the time of a batch, of the
# processor's too; with a million and batches of 50 a log of 80 MB, in place of 16, spares two fifths: fewer pages are
# written back twice.
_SQLITE_WRITER = (
    "PRAGMA wal_autocheckpoint=20000",  # pages of 4 KiB: the log is written back when it has 80 MB
)
_POSTGRESQL = f"SET lock_timeout = '{LOCK_SECONDS}s'"
# The planner does not know how long the lists are that a batch hands over, and would rather go through every account.
# With 100,000 accounts and batches of 500 the last three halve the processor's time, and spare a third of all time.
_POSTGRESQL_WRITER = f"""
    SET synchronous_commit = on;
    SET statement_timeout = '{STATEMENT_SECONDS}s';
    SET idle_in_transaction_session_timeout = '{STATEMENT_SECONDS}s';
    SET enable_seqscan = off;
    SET random_page_cost = 1.1;
    SET jit = off;
"""
_MYSQL = f"""
    SET SESSION sql_mode = 'TRADITIONAL', SESSION time_zone = '+00:00',
        SESSION default_storage_engine = InnoDB,
        SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}, SESSION lock_wait_timeout = {LOCK_SECONDS}
"""
_MARIADB = "SET SESSION max_recursive_iterations = 1000000"
_MARIADB_WRITER = f"""
    SET SESSION max_statement_time = {STATEMENT_SECONDS}, SESSION idle_transaction_timeout = {STATEMENT_SECONDS}
"""

_BROKEN_CHECKS = (4025, 3819)
"""The errors for a CHECK that is not met, of MariaDB and of MySQL."""

_VALUES = re.compile(r"""'.*'(?= for key)|(?<=: )['"].*['"]""")
"""What servers quote of the values that they were given: before 'for key', or after a colon."""

_READ, _WRITE = "BEGIN", "BEGIN IMMEDIATE"
"""How SQLite's transactions begin."""

_LIBPQ = {
    "connect_timeout": LOCK_SECONDS,
    "keepalives_idle": SERVER_SECONDS // 4,
    "keepalives_interval": SERVER_SECONDS // 4,
    "keepalives_count": 3,
    "tcp_user_timeout": SERVER_SECONDS * 1000,
}
_PYMYSQL = {"connect_timeout": LOCK_SECONDS, "read_timeout": SERVER_SECONDS, "write_timeout": SERVER_SECONDS}
_WAITS = {"psycopg": _LIBPQ, "pymysql": _PYMYSQL}
"""How long each driver waits for its server, unless the URL says otherwise."""


def writer(url: URL, cache_mib: int = CACHE_MIB) -> Engine:
    """The engine of the one connection that writes. Raises DatabaseFault where its driver is not installed."""
    options = _isolation(url, "READ COMMITTED")
    engine = _open(url, _WRITE, _waits(url), pool_size=1, max_overflow=0, **options)
    if engine.dialect.name == "sqlite":
        kept = f"PRAGMA cache_size={-cache_mib * 1024}"  # taken as it is needed; below zero it is in KiB
        event.listen(engine, "connect", lambda connection, _record: connection.execute(kept))
    return engine


def reader(url: URL) -> Engine:
    """The engine of connections that read, each with a snapshot. A connection that was lost meanwhile is replaced."""
    snapshot = _isolation(url, "REPEATABLE READ")
    return _open(url, _READ, _waits(url), pool_size=8, max_overflow=0, pool_pre_ping=bool(snapshot), **snapshot)


def without_limits(engine: Engine) -> Engine:
    """An engine for what may take as long as it takes: on servers, connections of its own to the same database."""
    if engine.dialect.name == "sqlite":
        return engine
    return _open(engine.url, _READ, {}, poolclass=NullPool)


def _open(url: URL, begin: str, waits: Mapping[str, int], **options: Any) -> Engine:
    missing = {name: seconds for name, seconds in waits.items() if name not in url.query}
    try:
        engine = create_engine(url, hide_parameters=True, connect_args=missing, **options)
    except ImportError as error:
        raise DatabaseFault(f"the driver for {url.drivername} is not installed: {error}") from error
    tell = _TELL[engine.dialect.name]
    event.listen(engine, "connect", lambda connection, _record: tell(connection, writes=begin == _WRITE))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "begin", lambda connection: _begin(connection, begin))
    event.listen(engine, "handle_error", _plain_error)
    return engine


def _waits(url: URL) -> Mapping[str, int]:
    return _WAITS.get(url.get_driver_name(), {})


def _isolation(url: URL, level: str) -> dict[str, Any]:
    """The option that sets the isolation of transactions; SQLite's is what its transactions begin with."""
    return {} if url.get_backend_name() == "sqlite" else {"isolation_level": level}


def _begin(connection: Connection, begin: str) -> None:
    connection.exec_driver_sql(begin)


def _plain_error(context: ExceptionContext) -> Exception | None:
    """An error of a statement as it may be logged: without the values in it, and of the same kind on every engine.

    PostgreSQL adds the whole row in which something is wrong, MariaDB the name or the key that is there twice. PyMySQL
    has rows that break a CHECK among the server's own faults.
    """
    error, original = context.sqlalchemy_exception, context.original_exception
    if not isinstance(error, DBAPIError) or not original.args:
        return None
    kind = IntegrityError if original.args[0] in _BROKEN_CHECKS else type(error)
    said = getattr(getattr(original, "diag", None), "message_primary", None) or original.args[-1]
    if kind in (IntegrityError, DataError):
        said = _VALUES.sub("...", str(said))
    original.args = (*original.args[:-1], said)
    return kind(context.statement, None, original, hide_parameters=True, connection_invalidated=context.is_disconnect)


def _tell_sqlite(connection: Any, writes: bool) -> None:
    """The driver's own handling of transactions is off (isolation_level None), for it begins them too late."""
    connection.isolation_level = None
    for pragma in (*_SQLITE, *(_SQLITE_WRITER if writes else ())):
        connection.execute(pragma)
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise DatabaseFault("SQLite cannot keep a write-ahead log where the database is, so readers would block it")


def _tell_postgresql(connection: Any, writes: bool) -> None:
    connection.execute(_POSTGRESQL)
    if writes:
        connection.execute(_POSTGRESQL_WRITER)
    connection.commit()


def _tell_mysql(connection: Any, writes: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_MYSQL)
        if "MariaDB" in connection.get_server_info():
            cursor.execute(_MARIADB)
            if writes:
                cursor.execute(_MARIADB_WRITER)


_TELL: dict[str, Callable[..., None]] = {
    "sqlite": _tell_sqlite,
    "postgresql": _tell_postgresql,
    "mysql": _tell_mysql,
    "mariadb": _tell_mysql,
}
