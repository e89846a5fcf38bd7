"""A load of transfers through TLS: many sessions, each with a number of requests outstanding, from one thread.

1. It speaks BANK/1 by the standard library alone, so that it shares nothing with what it measures.
2. Only an answer ``200`` counts. Refusals are counted by themselves, and an end of the connection ends the measurement.
3. It says how busy it was: near 1.0 it is the generator, not the bank, that is being measured.
"""

import random
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Figures, percentile
from bench.programs import BenchError, busy_seconds

PATIENCE_SECONDS = 30
"""How long any one answer may take."""

WARMING_SECONDS = 0.5
"""For how long a load runs before it counts."""

CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Served:
    """A server of BANK/1 that can be loaded: where it is, what it is trusted by, its accounts, and its process."""

    port: int
    authority: Path
    accounts: tuple[str, ...]
    pin: str
    process: int


@dataclass(slots=True)
class Session:
    """One logged-in connection; ``sent`` holds when each unanswered request was sent, the oldest first."""

    socket: ssl.SSLSocket
    account: str
    sent: deque[float] = field(default_factory=deque)
    unread: bytes = b""

    def ask(self, request: str) -> list[bytes]:
        """Send one request outside of any load; the lines of its answer."""
        self.socket.settimeout(PATIENCE_SECONDS)
        self.socket.sendall(f"q {request}\r\n".encode())
        answer, lines = b"", [b""]
        while not (len(lines) > 1 and lines[-2][:2] == b"q " and lines[-2][:4] != b"q - "):
            octets = self.socket.recv(65536)
            if not octets:
                raise BenchError(f"the connection was closed after {request.split()[0]}: {answer!r}")
            answer += octets
            lines = answer.split(b"\r\n")
        return [line for line in lines if line.startswith(b"q ")]

    def leave(self) -> None:
        """Log out, so that the account is free at once, and close."""
        with suppress(OSError, BenchError):
            self.ask("LOGOUT")
        self.socket.close()


def trust(authority: Path) -> ssl.SSLContext:
    """What a client needs to know its bank by."""
    return ssl.create_default_context(cafile=str(authority))


def log_in(server: Served, context: ssl.SSLContext, account: str) -> Session:
    """A session on ``account``. Raises BenchError when the bank refuses."""
    raw = socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    session = Session(context.wrap_socket(raw, server_hostname="localhost"), account)
    answer = session.ask(f"LOGIN account={account} pin={server.pin}")
    if not answer[-1].startswith(b"q 200"):
        raise BenchError(f"a log-in was refused: {answer[-1]!r}")
    return session


@contextmanager
def logged_in(server: Served, count: int) -> Iterator[list[Session]]:
    """``count`` sessions on as many accounts, logged out at the end."""
    if count >= len(server.accounts):
        raise BenchError(f"{count} sessions need more than the {len(server.accounts)} accounts there are")
    context = trust(server.authority)
    with ThreadPoolExecutor(8) as several:
        opened = list(several.map(lambda account: log_in(server, context, account), server.accounts[:count]))
        try:
            yield opened
        finally:
            list(several.map(Session.leave, opened))


class Load:
    """The whole load; ``outstanding`` requests of each session are always under way."""

    def __init__(self, sessions: Sequence[Session], payees: Sequence[str], outstanding: int) -> None:
        self._sessions = {session.socket.fileno(): session for session in sessions}
        self._payees = payees
        self._outstanding = outstanding
        self._random = random.Random()
        self._taken: list[float] = []
        self._refused: list[bytes] = []
        self._poll = select.epoll()

    def drive(self, seconds: float, process: int) -> Figures:
        """Keep the load up for a warming and then for ``seconds``, wait for what is under way, and give the figures.

        ``process`` is the server's, whose use of the processors is noted beside the generator's own.
        """
        (figures,) = self.stretches(seconds, 1, process)
        return figures

    def stretches(self, seconds: float, count: int, process: int) -> Iterator[Figures]:
        """The same for ``count`` times ``seconds`` without a pause, the figures of each as soon as it is over."""
        for number, session in self._sessions.items():
            session.socket.setblocking(False)
            self._poll.register(number, select.EPOLLIN)
            self._ask(session, self._outstanding)
        self._keep_up(WARMING_SECONDS)
        for _ in range(count):
            yield self._stretch(seconds, process)
        self._finish()

    def _stretch(self, seconds: float, process: int) -> Figures:
        self._taken, self._refused = [], []
        before = time.perf_counter(), time.process_time(), busy_seconds(process)
        self._keep_up(seconds)
        lasted = time.perf_counter() - before[0]
        figures = self._figures(lasted)
        figures["generator_busy"] = round((time.process_time() - before[1]) / lasted, 3)
        figures["server_busy"] = round((busy_seconds(process) - before[2]) / lasted, 3)
        return figures

    def _figures(self, lasted: float) -> Figures:
        taken = sorted(self._taken)
        if not taken:
            raise BenchError(f"nothing was done; refusals: {set(self._refused)}")
        return {
            "transfers": len(taken),
            "per_second": round(len(taken) / lasted, 1),
            "p50_ms": round(1000 * percentile(taken, 50), 3),
            "p99_ms": round(1000 * percentile(taken, 99), 3),
            "refused": len(self._refused),
        }

    def _keep_up(self, seconds: float) -> None:
        """Answer every answer with another request, for ``seconds``."""
        ends = time.perf_counter() + seconds
        while (left := ends - time.perf_counter()) > 0:
            for number, _ in self._poll.poll(left):
                session = self._sessions[number]
                answered = self._read(session)
                if answered:
                    self._ask(session, answered)

    def _finish(self) -> None:
        ends = time.perf_counter() + PATIENCE_SECONDS
        while any(session.sent for session in self._sessions.values()):
            if time.perf_counter() > ends:
                raise BenchError("requests were never answered")
            for number, _ in self._poll.poll(1):
                self._read(self._sessions[number])
        self._poll.close()

    def _ask(self, session: Session, count: int) -> None:
        lines = []
        for _ in range(count):
            payee = self._random.choice(self._payees)
            while payee == session.account:
                payee = self._random.choice(self._payees)
            lines.append(f"t TRANSFER to={payee} amount=1 currency={CURRENCY} key={new_key(self._random)}\r\n")
        request = "".join(lines).encode()
        session.sent.extend([time.perf_counter()] * count)
        session.socket.sendall(request)

    def _read(self, session: Session) -> int:
        """Take in one record of TLS, and leave what follows to the next poll; how many answers it held."""
        try:
            octets = session.socket.recv(65536)
        except ssl.SSLWantReadError:
            return 0
        if not octets:
            raise BenchError("the server closed a connection")
        *lines, session.unread = (session.unread + octets).split(b"\r\n")
        now, waiting = time.perf_counter(), len(session.sent)
        for line in lines:
            if line.startswith(b"t 200 "):
                self._taken.append(now - session.sent.popleft())
            elif line.startswith(b"t "):
                session.sent.popleft()
                self._refused.append(line)
        return waiting - len(session.sent)


def new_key(source: random.Random) -> str:
    """A key as the bank's own client makes them: a UUID of version 7 (RFC 9562, section 5.7)."""
    time_ms, noise = time.time_ns() // 1_000_000, source.getrandbits(74)
    head, tail = f"{time_ms:012x}", f"{1 << 63 | noise >> 12:016x}"
    return f"{head[:8]}-{head[8:]}-7{noise & 0xFFF:03x}-{tail[:4]}-{tail[4:]}"


def measure(server: Served, sessions: int, outstanding: int, seconds: float, hot: bool = False) -> Figures:
    """The figures of ``sessions`` that pay anyone, or with ``hot`` all pay the same account."""
    payees = server.accounts[-1:] if hot else server.accounts
    with logged_in(server, sessions) as opened:
        return Load(opened, payees, outstanding).drive(seconds, server.process)
