"""What a measurement starts: programs with a log each, on free ports, in a folder that is on a real disk and goes away.

1. Whatever ends the measurement, what it started is stopped, by its own id, and its folder is removed.
2. Memory that looks like a disk would make every commit free; such a folder is not used.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from pwd import struct_passwd as User
from types import TracebackType

import psutil

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

START_SECONDS = 60
STOP_SECONDS = 20

PORTS = range(20_000, 32_000)
"""Below where Linux takes ports for its own connections."""

NOT_A_DISK = ("tmpfs", "ramfs")
LOG_LINES = 15


class BenchError(Exception):
    """The measurement cannot go on, and its figures are worth nothing; the text says why."""


class Program:
    """A program that runs until the end of the ``with`` statement, as ``user`` where one is named."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        folder: Path = ROOT,
        user: User | None = None,
        stop_by: signal.Signals = signal.SIGTERM,
    ) -> None:
        self._stop_by = stop_by
        self._log = log
        self._name = Path(command[0]).name
        with log.open("ab") as output:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=user and user.pw_uid,
                group=user and user.pw_gid,
                extra_groups=user and [],
            )

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.send_signal(self._stop_by)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def process(self) -> int:
        """The id of its process."""
        return self._process.pid

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Return once ``ready``. Raises BenchError, with the end of the log, when it ends or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self._log.read_text(errors="replace").splitlines()[-LOG_LINES:]
                raise BenchError("\n".join([f"{self._name} does not serve; its log ends so:", *said]))
            time.sleep(0.02)


def run(
    command: Sequence[str | Path],
    folder: Path,
    user: User | None = None,
    seconds: float = START_SECONDS,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a program to its end, with ``environment`` beside our own; what it printed.

    Raises BenchError when it fails or takes too long.
    """
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            user=user and user.pw_uid,
            group=user and user.pw_gid,
            extra_groups=user and [],
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"{command[0]} did not end in {seconds:g} seconds") from None
    if done.returncode != 0:
        raise BenchError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def busy_seconds(process: int) -> float:
    """For how long a process has kept processors busy, seconds over all of its threads."""
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)


def free_port() -> int:
    """A port of the loopback interface that nobody uses at this moment."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def answers(port: int) -> bool:
    """Whether something on this machine accepts connections on a port."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@contextmanager
def scratch() -> Iterator[Path]:
    """A new folder on a disk, removed at the end. Others may pass through it to what is theirs."""
    for place in (Path(tempfile.gettempdir()), Path("/var/tmp"), ROOT):
        if place.is_dir() and file_system(place) not in NOT_A_DISK:
            break
    else:
        raise BenchError("there is no disk to measure on: every folder for temporary files is in memory")
    folder = Path(tempfile.mkdtemp(prefix="bankd-bench-", dir=place))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def file_system(place: Path) -> str:
    """The kind of the file system that holds a folder, as the system names it."""
    place = place.resolve()
    mounted = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}
    return next((mounted[str(at)] for at in (place, *place.parents) if str(at) in mounted), "unknown")


def syncs_per_second(folder: Path, seconds: float = 0.5) -> float:
    """How often a second this disk makes 4 KiB durable, one write after another, in a file that need not grow."""
    path, block, blocks, count = folder / "syncs", bytes(4096), 256, 0
    path.write_bytes(block * blocks)
    with path.open("r+b", buffering=0) as file:
        os.fsync(file.fileno())
        began = time.perf_counter()
        while (lasted := time.perf_counter() - began) < seconds:
            os.pwrite(file.fileno(), block, count % blocks * len(block))
            os.fdatasync(file.fileno())
            count += 1
    path.unlink()
    return round(count / lasted)
