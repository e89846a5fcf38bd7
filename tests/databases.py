"""The databases that tests run on: SQLite in a file, and a PostgreSQL and a MariaDB that are started when first needed.

1. Every test has databases of its own. A server belongs to the process that runs the tests, and so to one worker.
2. A server ends with that process, however it ends: its keeper (``tests/database_keeper.py``), a process of its own,
   waits at a pipe, and stops the server when nobody holds the other end.
3. The servers do not wait for the disk: what a test needs is that they keep what was committed when they are killed,
   and that is so. They listen on a UNIX socket in a folder that is closed to other users, and nowhere else.
4. A machine without one of the programs skips the tests on that engine, and says why.
"""

import atexit
import itertools
import subprocess
import sys
from pathlib import Path
from typing import ClassVar, Protocol, TypeVar

from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine import URL
from twisted.trial.unittest import SkipTest, SynchronousTestCase

ROOT = Path(__file__).resolve().parent.parent


class Database(Protocol):
    """An engine that tests can run on."""

    name: str

    def create(self, case: SynchronousTestCase) -> str:
        """The URL of a new, empty database, which is gone after the test. Raises SkipTest where there is none."""


class Sqlite:
    """SQLite, in a file of the test's own."""

    name = "SQLite"

    def create(self, case: SynchronousTestCase) -> str:
        """A file that is not there yet."""
        folder = Path(case.mktemp()).absolute()
        folder.mkdir()
        return f"sqlite:///{folder / 'bank.sqlite3'}"


class Server:
    """A server of this process, started when a database on it is first asked for."""

    def __init__(self, name: str, drivername: str, user: str, first: str, drop: str) -> None:
        self.name = name
        self._url = URL.create(drivername, user, database=first)
        self._drop = drop
        self._names = (f"bank{number}" for number in itertools.count(1))
        self._keeper: subprocess.Popen[str] | None = None
        self._missing: str | None = None

    def create(self, case: SynchronousTestCase) -> str:
        """A new database on the server."""
        url, name = self.create_kept()
        case.addCleanup(self._run, self._drop.format(name))
        return url

    def create_kept(self) -> tuple[str, str]:
        """A new database that stays for as long as the server: its URL and name. Raises SkipTest as ``create``."""
        if self._keeper is None:
            self._keeper = self._start_keeper()
        name = next(self._names)
        self._run(f"CREATE DATABASE {name}")
        return self._url.set(database=name).render_as_string(hide_password=False), name

    def kill(self) -> None:
        """End the server as a crash does; connections are cut, what was committed stays."""
        self._tell("kill")

    def start(self) -> None:
        """Start it again, and return once it serves."""
        self._tell("start")

    def freeze(self) -> None:
        """Have the server stand still, with all its processes, until ``thaw``."""
        self._tell("freeze")

    def thaw(self) -> None:
        """Have it go on."""
        self._tell("thaw")

    def wound(self) -> None:
        """Kill one of PostgreSQL's processes for clients; it ends all of them, recovers, and serves again."""
        self._tell("wound")

    def _start_keeper(self) -> subprocess.Popen[str]:
        if self._missing is not None:
            raise SkipTest(self._missing)
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.database_keeper", self.name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the tests; the keeper hears of their end by the pipe
        )
        assert keeper.stdin is not None and keeper.stdout is not None
        word, _, rest = keeper.stdout.readline().rstrip("\n").partition(" ")
        if word != "ready":
            keeper.communicate()
            if word != "missing":
                raise RuntimeError(f"{self.name} does not start: {rest}")
            self._missing = rest
            print(f"tests on {self.name} are skipped: {rest}", file=sys.stderr)
            raise SkipTest(rest)
        self._url = self._url.update_query_dict(dict(pair.split("=", 1) for pair in rest.split(" ")))
        atexit.register(_end, keeper)
        return keeper

    def _tell(self, command: str) -> None:
        assert self._keeper is not None and self._keeper.stdin is not None and self._keeper.stdout is not None
        print(command, file=self._keeper.stdin, flush=True)
        answer = self._keeper.stdout.readline()
        assert answer.startswith("ready"), answer

    def _run(self, statement: str) -> None:
        engine = create_engine(self._url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)


def _end(keeper: subprocess.Popen[str]) -> None:
    """Let a keeper go, and wait until its server is gone."""
    keeper.communicate()


SQLITE = Sqlite()
POSTGRESQL = Server(
    "PostgreSQL", "postgresql+psycopg", "postgres", "postgres", "DROP DATABASE IF EXISTS {} WITH (FORCE)"
)
MARIADB = Server("MariaDB", "mariadb+pymysql", "root", "mysql", "DROP DATABASE IF EXISTS {}")


class DatabaseCase(SynchronousTestCase):
    """A test on the ``engine`` of its class."""

    engine: ClassVar[Database] = SQLITE

    def database(self) -> str:
        """The URL of a new, empty database, which is gone after the test."""
        return self.engine.create(self)


Case = TypeVar("Case", bound=type[DatabaseCase])


def on_every_engine(case: Case) -> Case:
    """Run the tests of a class on PostgreSQL and MariaDB too: a class for each is put beside it in its module."""
    for engine in (POSTGRESQL, MARIADB):
        _put_beside(case, engine)
    return case


def on_servers(case: Case) -> Case:
    """Run the tests of a class on PostgreSQL, and in a class beside it on MariaDB: where others can write too."""
    case.engine = POSTGRESQL
    _put_beside(case, MARIADB)
    return case


def _put_beside(case: Case, engine: Server) -> None:
    name = f"{case.__name__}On{engine.name}"
    doc = f"{case.__doc__} On {engine.name}."
    more = {"engine": engine, "__module__": case.__module__, "__qualname__": name, "__doc__": doc}
    setattr(sys.modules[case.__module__], name, type(name, (case,), more))
