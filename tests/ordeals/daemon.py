"""A bank to be tried: made as an operator makes one, served by ``twistd``, and ended as nobody should end it."""

import re
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, sleep

from sqlalchemy import Connection

from bankd.store.customers import AccountRow
from bench import banks
from bench.banks import Made
from bench.programs import BIN, free_port
from tests.ordeals.crowd import PATIENCE_SECONDS, Client, Gone
from tests.ordeals.report import folder
from tests.ordeals.witness import Witness
from tests.ordeals.wrong import Wrong
from tests.system.support import FAULTS, environment

START_SECONDS = 3 * PATIENCE_SECONDS
"""How long a bank may take from its launch to its first answer, there."""

EVENT = re.compile(r"^(?=\d{4}-\d\d-\d\dT)", re.MULTILINE)
"""Where in a log an event begins."""

LOOK_SECONDS = 0.005
"""How long to leave the processor to others between two looks whether the bank serves."""


@dataclass(frozen=True, slots=True)
class Start:
    """From the launch of a bank to its first answer: in ``seconds``, of which it ``waited`` for a processor."""

    seconds: float
    waited: float

    @property
    def own(self) -> float:
        """What it took but for the wait: on a machine with nothing else to do there is none."""
        return self.seconds - self.waited


def make(folder: Path, count: int, lease_seconds: int, url: str = "", more: str = "") -> Made:
    """A bank of ``count`` accounts in ``folder``, on SQLite unless ``url`` says otherwise.

    ``lease_seconds`` is for how long a session that nobody ended keeps its account; ``more`` are further settings.
    """
    made = banks.make(folder / "bank", count, url)
    with made.settings_file.open("a") as settings:
        settings.write(f"lease_seconds = {lease_seconds}\n{more}")
    return made


class Daemon:
    """A program that serves the bank ``made``, from ``launch`` to ``kill`` or ``stop``; it logs into ``log``.

    ``explained`` are words about faults that are to be expected of it.
    """

    def __init__(self, made: Made, log: str = "log", explained: Sequence[str] = ()) -> None:
        self.made = made
        self._explained = explained
        self.rows: list[AccountRow] = self.made.rows
        self.port = free_port()
        self.trust = ssl.create_default_context(cafile=str(self.made.settings.state / "ca.pem"))
        self._log = self.made.folder / log
        self._process: subprocess.Popen[bytes] | None = None
        self._launched = 0.0

    def launch(self) -> None:
        """Start the program, and do not wait until it serves."""
        self._launched = monotonic()
        settings, state = self.made.settings_file, self.made.settings.state
        ports = ("--port", str(self.port), "--notice-port", "0", "--status-port", "0")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(BIN / "twistd", "--nodaemon", "--pidfile=", "bankd"),
                    *("--config", settings, "--state", state, *ports),
                ],
                cwd=self.made.folder,
                env=environment({}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def first_answer(self) -> "Start":
        """Wait for the first answer to a request; how long that took. Raises Gone when the bank ends before."""
        while monotonic() < self._launched + START_SECONDS:
            if self._process is None or self._process.poll() is not None:
                raise Gone("the bank ended while it started")
            try:
                visitor = self.connect(self.rows[0])
            except Gone:
                sleep(LOOK_SECONDS)
                continue
            with visitor.socket:
                if visitor.ask("NOOP") == "200":
                    return Start(monotonic() - self._launched, _waited_seconds(self._process.pid))
        raise Wrong("the bank does not serve")

    def connect(self, account: AccountRow) -> Client:
        """A connection for a session on ``account``. Raises Gone."""
        return Client(self.port, self.trust, account, banks.PIN)

    def log_in_all(self) -> list[Client]:
        """A session on every account, once the leases of those before have run out. Raises Gone."""
        clients = [self.connect(row) for row in self.rows]
        waiting, ends = list(clients), monotonic() + PATIENCE_SECONDS
        while waiting := [client for client in waiting if not client.log_in()]:
            if monotonic() > ends:
                raise Wrong("an account is never free again")
            sleep(LOOK_SECONDS)
        return clients

    def kill(self) -> None:
        """End the bank at once, if it has not ended; nothing of it runs any more."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def send_kill(self) -> None:
        """Have the bank end at once, from any thread."""
        process = self._process
        if process is not None:
            process.kill()

    def freeze(self) -> None:
        """Have the bank stand still, as on a machine that is suspended, until ``thaw``."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def send_stop(self) -> None:
        """Have the bank stop in order, from any thread."""
        process = self._process
        if process is not None:
            process.terminate()

    def knock(self) -> socket.socket:
        """A connection that nothing is said on."""
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)

    def wait(self) -> None:
        """Wait for the end of a bank that was told to stop. Raises Wrong as ``stop`` does."""
        self._end()

    def stop(self) -> None:
        """Stop the bank as an operator does. Raises Wrong when it does not end, or logged a fault at any time."""
        self.send_stop()
        self._end()

    @property
    def runs(self) -> bool:
        """Whether the program runs."""
        return self._process is not None and self._process.poll() is None

    def beside(self, name: str) -> "Daemon":
        """Another program for the same bank on the same server, with the same keys: a node, as its log calls it."""
        state = self.made.folder / name
        shutil.copytree(self.made.settings.state, state, ignore=shutil.ignore_patterns("*.sock"))
        made = replace(self.made, settings=replace(self.made.settings, state=state))
        return Daemon(made, f"log-{name}", self._explained)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise Wrong("the bank does not stop") from None
        if faults := self.faults:
            raise Wrong(f"the bank logged faults: {faults[:10]}")

    @property
    def faults(self) -> list[str]:
        """What was logged that says that the bank is at fault, but for what begins with a word in ``explained``."""
        return [
            " ".join(event.split())[:500]
            for event in EVENT.split(self.log)
            if FAULTS.search(event) and not any(word in event.partition("\n")[0] for word in self._explained)
        ]

    @property
    def log(self) -> str:
        """All that the bank has logged."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """The database, to be read beside the bank that serves it."""
        with banks.opened(self.made.settings) as store, store.reading() as connection:
            yield connection

    def witness(self) -> Witness:
        """A witness of all that happens from now on."""
        with self.looking() as connection:
            return Witness(connection, self.made.chain_key, self.rows)


def _waited_seconds(process: int) -> float:
    """For how long the main thread of a process was ready to run and had no processor; 0 where Linux does not tell."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


@contextmanager
def bank_of(count: int, lease_seconds: int = 30) -> Iterator[Daemon]:
    """A bank of so many accounts in a folder of its own; it does not run on after the end."""
    with folder() as place:
        daemon = Daemon(make(place, count, lease_seconds))
        try:
            yield daemon
        finally:
            daemon.kill()
