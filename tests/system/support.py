"""What the system tests share: a bank as a daemon, its clients as programs, and terminals that a test types into.

1. Every bank has a folder and ports of its own, so that tests can run beside each other and beside a bank in use.
2. Nothing waits for a time to pass: a test looks until something holds, and fails at a deadline with what it saw.
3. Only what was started here is ended, by its own id, and it must end well; a bank's log is part of every failure.
"""

import json
import os
import random
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from threading import Event
from time import monotonic
from typing import IO, Any, ClassVar, Protocol
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from bankd.client import prompts

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
DEMO = ROOT / "etc" / "demo.ini"

DEADLINE_SECONDS = 30
"""How long anything may take on a machine that is slow and busy."""

LOOK_SECONDS = 0.02
"""How long to leave the processor to others between two looks."""

PORTS = range(20_000, 32_000)
"""Ports to serve on: not below, where others are at home, and not above, where the system takes ports for its own."""

FAULTS = re.compile(r".*(?:incident|Unhandled|Traceback|#error|#critical).*")
"""What a line of a bank's log holds when the bank is at fault."""

SHELL = "$ "
"""What the shell in a terminal prompts with."""

_NOT_PASSED_ON = (
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "TMUX",
    "BANKD_SECRET",
    "BANKD_SERVER",
    "BANKD_CA",
    "BANKD_IDENTITY",
    "BANKD_SEAL",
)
"""Variables that tell of the terminal or the `make` that this test itself runs in."""

_ELSEWHERE = {
    "broker": ("mqtt", "url"),
    "broker_password_file": ("mqtt", "password_file"),
    "broker_user": ("mqtt", "user"),
    "database": ("database", "url"),
    "events": ("delivery", "events"),
    "logfile": ("logging", "logfile"),
    "operator_socket": ("server", "operator_socket"),
    "secret_file": ("webhook", "secret_file"),
    "topic": ("mqtt", "topic"),
    "webhook": ("webhook", "url"),
}
"""Settings that are not in [bank]: their sections, and what they are called there."""

_ports = random.SystemRandom()
_servers = count()


class Failed(AssertionError):
    """Something was not seen before the deadline, or a program that should not have ended did."""


def look_until(holds: Callable[[], bool], what: Callable[[], str], seconds: float = DEADLINE_SECONDS) -> None:
    """Look again and again until ``holds``; at the deadline, fail with ``what``, which is made then."""
    deadline = monotonic() + seconds
    between = Event()
    while not holds():
        if monotonic() > deadline:
            raise Failed(what())
        between.wait(LOOK_SECONDS)


def need(program: str) -> str:
    """The path of a program that this test needs; where there is none the test is skipped, and says so."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")  # where not every PATH leads
    if path is None:
        print(f"a system test is skipped: {program} is not installed", file=sys.stderr)
        raise SkipTest(f"{program} is not installed")
    return path


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses at this moment, for TCP or for UDP."""
    found: list[int] = []
    while len(found) < count:
        port = _ports.choice(PORTS)
        if port not in found and _is_free(port):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with closing(socket.socket(socket.AF_INET, kind)) as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                return False
    return True


def answers(port: int) -> bool:
    """Whether something on this machine accepts connections on a port."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def named(port: int, notice_port: int, status_port: int, state: Path) -> dict[str, str]:
    """The variables by which the README lets a person say which bank is meant."""
    return {
        "PORT": str(port),
        "NOTICE_PORT": str(notice_port),
        "STATUS_PORT": str(status_port),
        "STATE": str(state),
        "BANKD_SERVER": f"localhost:{port}",
        "BANKD_CA": str(state / "ca.pem"),
        "BANKD_IDENTITY": str(state / "receipts.pem"),
    }


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """An environment for what a test starts: this one, without what would leak in, and with ``own``."""
    passed_on = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    apart = {"XDG_DATA_HOME": str(Path("data").absolute())}  # and not where the person who runs the tests keeps theirs
    return passed_on | apart | {"LC_ALL": "C.UTF-8", "HISTFILE": "", "PS1": SHELL, **own}


@dataclass(frozen=True)
class Customer:
    """A customer of the demo, with everything that is needed to be them."""

    username: str
    password: str
    account: str
    pin: str
    mobile: str


def demo_customers(state: Path) -> list[Customer]:
    """The customers that 'bankctl init' made for the demo."""
    return [Customer(**row) for row in json.loads((state / "demo.json").read_text(encoding="utf-8"))]


@dataclass(frozen=True)
class Done:
    """A program that has ended: its exit status, and the lines that it printed."""

    status: int
    lines: list[str]
    complaints: str


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Done:
    """Run a program in ``folder``, and wait for its end."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * DEADLINE_SECONDS,
    )
    return Done(done.returncode, done.stdout.splitlines(), done.stderr)


class Bank:
    """A bank that runs as ``twistd`` runs it, in ``folder``; ``settings`` are lines that replace those of the demo."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.state = folder / "var"
        self.port, self.notice_port, self.status_port = free_ports(3)
        self._config = folder / "settings.ini"
        self._config.write_text(_changed(DEMO.read_text(encoding="utf-8"), settings), encoding="utf-8")
        self._log_file = folder / "log"
        self._daemon: subprocess.Popen[bytes] | None = None
        self.prepare()

    def prepare(self) -> None:
        """Have the operator's command make what a bank needs before it can serve."""
        done = self.bankctl("init")
        if done.status != 0:
            raise Failed(f"bankctl init ended with {done.status}: {done.lines} {done.complaints}")

    @property
    def server(self) -> str:
        """Where the bank is, as a client is told."""
        return f"localhost:{self.port}"

    @property
    def log(self) -> str:
        """All that the bank has logged."""
        return self._log_file.read_text(encoding="utf-8", errors="replace") if self._log_file.exists() else ""

    @property
    def customers(self) -> list[Customer]:
        """The demo's customers: alice, bob and carol."""
        return demo_customers(self.state)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a person whose bank this is: what the README names, and nothing of our own terminal."""
        return environment(named(self.port, self.notice_port, self.status_port, self.state))

    def start(self) -> None:
        """Serve, and return once connections are accepted."""
        with self._log_file.open("ab") as log:
            self._daemon = subprocess.Popen(
                self.daemon_command(),
                cwd=self.folder,
                env=environment({}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        look_until(self._serves, lambda: f"the bank does not serve:\n{self.log}")

    def daemon_command(self) -> list[str]:
        """The command that serves."""
        return [
            *(str(BIN / "twistd"), "--nodaemon", "--pidfile=", "bankd"),
            *("--config", str(self._config), "--state", str(self.state), "--port", str(self.port)),
            *("--notice-port", str(self.notice_port), "--status-port", str(self.status_port)),
        ]

    def stop(self) -> None:
        """Stop the bank as an operator does; fail when it does not end well, or logged a fault."""
        daemon, self._daemon = self._daemon, None
        if daemon is None:
            return
        daemon.terminate()
        try:
            status = daemon.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
            raise Failed(f"the bank does not stop:\n{self.log}") from None
        faults = FAULTS.findall(self.log)
        if status not in (0, -signal.SIGTERM) or faults:
            raise Failed(f"the bank ended with {status} and these faults: {faults}\n{self.log}")

    def kill(self) -> None:
        """End the bank as a crash does."""
        daemon, self._daemon = self._daemon, None
        if daemon is not None:
            daemon.kill()
            daemon.wait()

    def verify(self) -> Done:
        """Have the operator's command add every balance up again."""
        return self.bankctl("ledger", "verify")

    def status(self) -> dict[str, Any]:
        """What ``/status`` answers."""
        with urlopen(f"http://127.0.0.1:{self.status_port}/status", timeout=DEADLINE_SECONDS) as answer:
            figures: dict[str, Any] = json.load(answer)
        return figures

    def metrics(self) -> dict[tuple[str, ...], float]:
        """Every value that ``/metrics`` answers, by its name and its labels' values in their names' order."""
        with urlopen(f"http://127.0.0.1:{self.status_port}/metrics", timeout=DEADLINE_SECONDS) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        return {
            (each.name, *(value for _, value in sorted(each.labels.items()))): each.value
            for family in families
            for each in family.samples
        }

    def client(self, login: str, secret: str, *tasks: str, as_json: bool = False) -> Done:
        """Run the client with tasks, and wait for its end."""
        return run(
            self.command(login, *tasks, as_json=as_json), self.environment | {"BANKD_SECRET": secret}, self.folder
        )

    def told(self, login: str, secret: str, *tasks: str) -> list[dict[str, str]]:
        """Run the client with tasks that all succeed; what each was answered, field by field."""
        done = self.client(login, secret, *tasks, as_json=True)
        if done.status != 0:
            raise Failed(f"{tasks} ended with {done.status}: {done.lines} {done.complaints}\n{self.log}")
        return [json.loads(line) for line in done.lines]

    def popen(self, login: str, secret: str, *tasks: str, stdout: int | IO[bytes]) -> subprocess.Popen[bytes]:
        """Start the client with tasks, and do not wait for it."""
        environment = self.environment | {"BANKD_SECRET": secret}
        return subprocess.Popen(
            self.command(login, *tasks), cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=stdout
        )

    def command(self, login: str, *tasks: str, as_json: bool = False) -> list[str]:
        """The command that runs the client with tasks."""
        asked = [word for task in tasks for word in ("--task", task)]
        return [str(BIN / "bankd-client"), "--login", login, *(["--json"] if as_json else []), *asked]

    def bankctl(self, *command: str) -> Done:
        """Run the operator's command on this bank."""
        options = ("--config", str(self._config), "--state", str(self.state))
        return run([str(BIN / "bankctl"), *command, *options], environment({}), self.folder)

    def _serves(self) -> bool:
        assert self._daemon is not None
        if self._daemon.poll() is not None:
            raise Failed(f"the bank ended with {self._daemon.returncode}:\n{self.log}")
        return answers(self.port) and answers(self.status_port)


class CopiedBank(Bank):
    """A bank whose state is a copy of what the first in this process with the same settings was given.

    To make it takes a second of the processor, which most tests need not spend. Two copies have the same keys.
    """

    _made: ClassVar[dict[frozenset[tuple[str, str]], Path]] = {}
    _place: ClassVar[TemporaryDirectory[str] | None] = None

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._settings = frozenset(settings.items())
        super().__init__(folder, settings)

    def prepare(self) -> None:
        """Copy the state, or make it and keep a copy."""
        if made := self._made.get(self._settings):
            shutil.copytree(made, self.state)
            return
        super().prepare()
        place = CopiedBank._place = self._place or TemporaryDirectory(prefix="bankd-test-states-")
        self._made[self._settings] = Path(shutil.copytree(self.state, Path(place.name) / str(len(self._made))))


class Way(Protocol):
    """A way to a bank: the bank itself, or a road to it."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a person who goes there."""


class TriedBank(Bank):
    """A bank whose database is made to fail: its log may tell of that, and of no other fault."""

    def stop(self) -> None:
        """Stop the bank; the failures that its log holds must be those of the database."""
        if self.log.count("Traceback") != self.log.count("the database failed, and ") or "incident" in self.log:
            raise Failed(self.log)
        self._log_file = self._log_file.with_name("log-of-the-end")
        super().stop()


class PlainClient:
    """The client without a terminal: lines are written to it, and what it prints is read as it comes."""

    def __init__(self, way: Way) -> None:
        self.process = subprocess.Popen(
            [str(BIN / "bankd-client")],
            env=way.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._stdin, self._stdout = self.process.stdin, self.process.stdout
        os.set_blocking(self._stdout.fileno(), False)
        self.printed = ""
        self._unread = 0

    def type(self, *lines: str) -> None:
        """Give lines to the client."""
        self._stdin.write("".join(f"{line}\n" for line in lines).encode())
        self._stdin.flush()

    def wait_for(self, text: str) -> str:
        """Wait until the client prints ``text``, after what was waited for before; all that it printed until then."""
        deadline = monotonic() + DEADLINE_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdout, selectors.EVENT_READ)
            while (found := self.printed.find(text, self._unread)) < 0:
                if not selector.select(max(0, deadline - monotonic())):
                    raise Failed(f"the client never said {text!r}, but:\n{self.printed}")
                octets = os.read(self._stdout.fileno(), 65536)
                if not octets:
                    raise Failed(f"the client ended before it said {text!r}; it said:\n{self.printed}")
                self.printed += octets.decode()
        begun, self._unread = self._unread, found + len(text)
        return self.printed[begun : self._unread]

    def log_in(self, account: str, pin: str) -> None:
        """Open a session by account number and PIN, up to its menu."""
        self.type("Log In", "Account number and PIN", account, pin)
        self.wait_for(f"Welcome. This is account {account}")
        self.wait_for("Exit\n")

    def end(self) -> int:
        """Leave, as at the end of a file; the exit status."""
        self._stdin.close()
        try:
            return self.process.wait(DEADLINE_SECONDS)
        finally:
            self.kill()

    def kill(self) -> None:
        """End the client at once, if it has not ended."""
        self.process.kill()
        self.process.wait()
        for stream in (self._stdin, self._stdout):
            try:
                stream.close()
            except BrokenPipeError:
                continue


class Screens:
    """A tmux server of our own, on a private socket, and the terminals on it."""

    def __init__(self, environment: Mapping[str, str], folder: Path = ROOT) -> None:
        self._socket = f"bankd-test-{os.getpid()}-{next(_servers)}"
        self._environment = dict(environment)
        self._folder = folder
        self._count = 0

    def open(self, columns: int = 110, rows: int = 50) -> "Screen":
        """A terminal with a shell in it."""
        self._count += 1
        name = f"screen{self._count}"
        size = ("-x", str(columns), "-y", str(rows), "-c", str(self._folder))
        self.tmux("-f", "/dev/null", "-u", "new-session", "-d", "-s", name, *size, "bash", "--noprofile", "--norc")
        screen = Screen(self, name)
        screen.wait_for_question(SHELL)
        return screen

    def tmux(self, *arguments: str) -> str:
        """Run one tmux command on our server; what it prints."""
        command = ["tmux", "-L", self._socket, *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def close(self) -> None:
        """End the server, and with it all that runs in its terminals; tmux itself would leave the socket behind."""
        if self._count:
            path = self.tmux("display-message", "-p", "#{socket_path}").strip()
            self.tmux("kill-server")
            Path(path).unlink(missing_ok=True)


class Screen:
    """One terminal: keys go in, and what a person would see comes out."""

    def __init__(self, screens: Screens, name: str) -> None:
        self._screens = screens
        self._name = name
        self._answered = 0

    def rows(self) -> list[str]:
        """Every row since the terminal was opened, wrapped ones joined, without the spaces at their ends."""
        shown = self._screens.tmux("capture-pane", "-p", "-J", "-S", "-", "-t", self._name)
        return [row.rstrip() for row in shown.rstrip().split("\n")]

    def kept(self) -> list[str]:
        """The same without the bar, which goes with the question that it stands above."""
        rows = self.rows()
        bars = {prompts.waiting(count) for count in range(1, 100)}
        return [row for row in rows[:-1] if row not in bars] + rows[-1:]

    def visible(self) -> list[str]:
        """The rows that are on the screen now, as they are."""
        return self._screens.tmux("capture-pane", "-p", "-t", self._name).split("\n")

    def coloured(self) -> str:
        """What is on the screen now, with the sequences that tell its colours."""
        return self._screens.tmux("capture-pane", "-p", "-e", "-t", self._name)

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal so large."""
        self._screens.tmux("resize-window", "-t", self._name, "-x", str(columns), "-y", str(rows))

    def type(self, text: str) -> None:
        """Type ``text``."""
        self._screens.tmux("send-keys", "-t", self._name, "-l", "--", text)

    def enter(self, text: str) -> None:
        """Type a line and its end."""
        self._answered = len(self.rows())
        self.type(f"{text}\r")

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names, such as C-c."""
        self._screens.tmux("send-keys", "-t", self._name, *keys)

    def wait_for(self, text: str) -> None:
        """Wait until ``text`` is in one of the rows."""
        look_until(lambda: any(text in row for row in self.rows()), lambda: self.never_saw(text))

    def wait_for_question(self, question: str) -> None:
        """Wait until ``question`` is asked, below what was entered last."""

        def is_asked() -> bool:
            rows = self.rows()
            # A long one has more spaces where a row of it ends.
            return len(rows) > self._answered and rows[-1].split() == question.split()

        look_until(is_asked, lambda: self.never_saw(question))

    def answer(self, question: str, answer: str) -> None:
        """Wait until ``question`` is asked, and answer it."""
        self.wait_for_question(question)
        self.enter(answer)

    def never_saw(self, what: str) -> str:
        """What to fail with: what was wanted, and what was on the screen instead."""
        return "\n".join([f"never saw {what!r}; on the screen was:", *self.rows()])


class SystemTestCase(SynchronousTestCase):
    """A test with a folder of its own, and banks, clients and terminals that end with it."""

    def setUp(self) -> None:
        """Make the folder."""
        self.folder = Path(mkdtemp(prefix="bankd-test-"))
        self._opened = False
        self.addCleanup(shutil.rmtree, self.folder)

    def open_bank(self, **settings: str) -> Bank:
        """A bank that serves until the test ends; ``settings`` replace those of the demo."""
        # Of two banks in a test, neither shall have the other's keys.
        kind = Bank if self._opened else CopiedBank
        self._opened = True
        bank = kind(Path(mkdtemp(dir=self.folder)), settings)
        bank.start()
        self.addCleanup(bank.stop)
        return bank

    def open_client(self, bank: Bank) -> PlainClient:
        """A client that waits for lines."""
        client = PlainClient(bank)
        self.addCleanup(client.kill)
        return client

    def open_screens(self, environment: Mapping[str, str]) -> Screens:
        """A tmux server; the test is skipped where there is no tmux."""
        need("tmux")
        screens = Screens(environment)
        self.addCleanup(screens.close)
        return screens

    def assert_right(self, bank: Bank) -> None:
        """Check that the ledger adds up and is chained, by the operator's command."""
        done = bank.verify()
        self.assertEqual(done.status, 0, done.lines)
        right, chained = done.lines
        self.assertEqual(right, "the ledger is right: every balance equals its entries, and all add up to zero")
        self.assertRegex(chained, r"^chained: \d+ entries; signed checkpoints, which agree: [1-9]\d*$")


def _changed(text: str, settings: Mapping[str, str]) -> str:
    """A settings file with values in [bank] replaced or added; those in _ELSEWHERE go into sections of their own."""
    for name, value in settings.items():
        section, key = _ELSEWHERE.get(name, ("bank", name))
        if f"[{section}]\n" not in text:
            text += f"\n[{section}]\n"
        text = re.sub(rf"^{key} *=.*\n", "", text, flags=re.MULTILINE)
        text = text.replace(f"[{section}]\n", f"[{section}]\n{key} = {value}\n")
    return text
