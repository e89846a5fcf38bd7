"""Thousands of strangers who open connections and do nothing good with them: each must be gone within its limit.

They come from many networks, all in a few seconds, and each kind stays as long as the bank lets it (``KINDS``). Nobody
answers the bank's close. Meanwhile an honest customer logs in, looks at the balance and leaves, again and again, from a
network of the customer's own; who is turned away asks again, as every client does.

    python -m tests.hostile.crowd [--count 2000] [--networks 50] [--set server.KEY=VALUE ...]
"""

import argparse
import os
import resource
import select
import socket
import ssl
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from time import monotonic, sleep

import psutil

from bankd import config
from bench.figures import percentile
from bench.programs import BenchError, scratch
from tests.hostile.cases.tls import first_flight
from tests.hostile.line import PATIENCE_SECONDS, Line, Silence, reach
from tests.hostile.target import PIN, Sections, Target, target, with_settings
from tests.hostile.traces import held, settle
from tests.system.support import Customer

KINDS = {
    "silent in TCP": "handshake_seconds",
    "half a hello": "handshake_seconds",
    "a hello, an octet at a time": "handshake_seconds",
    "half an end": "handshake_seconds",
    "silent in TLS": "login_seconds",
    "a line, an octet at a time": "line_seconds",
    "lines that ask nothing": "login_seconds",
}
"""How strangers stay, and the setting that limits it; ``login_seconds`` also where the bank has not that setting."""

SETTINGS = {"handshake_seconds": 4, "line_seconds": 4, "login_seconds": 8, "stall_seconds": 8}
"""Limits of the bank, where it has them: as many seconds as a measurement should take."""

GRACE_SECONDS = 8
"""What a limit may be passed by: the bank gives a closing five seconds, and its machine may be slow."""

DROP_SECONDS = 0.5
"""How often whoever sends an octet at a time sends one."""

COMING_SECONDS = 30
"""How long all of them may take to come."""

SETTLED_SECONDS = 2
"""For how long the honest customer goes on when everybody has gone."""

TRIES = 8
"""How often a customer who is turned away asks, with pauses that grow."""

FIRST_PAUSE_SECONDS = 0.1
HONEST_NETWORK = "127.200.0.1"


@dataclass(slots=True, eq=False)
class Stranger:
    """A connection of the crowd's: how it stays, since when, and when it was ended by the bank."""

    kind: str
    socket: socket.socket
    drops: bytes
    began: float = field(default_factory=monotonic)
    ended: float | None = None

    def drop(self) -> None:
        """Send the next octet, or for TLS a piece; a bank that has closed does not hear it."""
        if self.drops:
            size = 8 if self.kind == "lines that ask nothing" else 1
            with suppress(OSError):
                self.socket.send(self.drops[:size])
            self.drops = self.drops[size:]

    def hear(self) -> bool:
        """Look whether it was ended. What the bank says is not read as TLS: nobody answers its close."""
        try:
            octets = os.read(self.socket.fileno(), 65536)
        except BlockingIOError:
            return False
        except OSError:
            octets = b""
        if not octets:
            self.ended = monotonic()
        return not octets


@dataclass(slots=True)
class Honest:
    """A customer who only wants to see the balance: how long each visit took, and how often it was tried."""

    bank: Target
    customer: Customer
    network: str = HONEST_NETWORK
    seconds: list[float] = field(default_factory=list)
    tries: Counter[int] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    leaving: threading.Event = field(default_factory=threading.Event)

    def live(self) -> None:
        """Visit the bank until told to leave."""
        while not self.leaving.is_set():
            began = monotonic()
            for attempt in range(1, TRIES + 1):
                try:
                    self._visit()
                except (OSError, Silence) as error:
                    last = f"{type(error).__name__}: {error}"
                    sleep(FIRST_PAUSE_SECONDS * 2 ** min(attempt, 4))
                    continue
                self.tries[attempt] += 1
                self.seconds.append(monotonic() - began)
                break
            else:
                self.failed.append(last)
            sleep(FIRST_PAUSE_SECONDS)

    def _visit(self) -> None:
        line = self.bank.call(self.network)
        try:
            for request in (f"LOGIN account={self.customer.account} pin={PIN}", "BALANCE"):
                answer = line.ask(request)
                if not answer.startswith("200 "):
                    raise Silence(answer)
            line.leave()
        finally:
            line.close()


class Crowd:
    """All the strangers: ``count`` of them, who come as fast as they can."""

    def __init__(self, bank: Target, count: int, networks: int) -> None:
        self._bank = bank
        self._count = count
        self._networks = networks
        self._kinds = list(KINDS)
        self._hello = first_flight()
        self._arrived: SimpleQueue[Stranger | None] = SimpleQueue()
        self._here: dict[int, Stranger] = {}
        self.strangers: list[Stranger] = []
        self.turned_away = 0

    def stay(self, seconds: float) -> None:
        """Come, and stay until all are gone, but no longer than so many seconds."""
        ends = monotonic() + seconds
        dropped = monotonic()
        with ThreadPoolExecutor(16) as several, select.epoll() as poll:
            for place in range(self._count):
                several.submit(self._come, place)
            while (self._here or self._is_awaited()) and monotonic() < ends:
                self._let_in(poll)
                for number, _ in poll.poll(DROP_SECONDS / 10):
                    if self._here[number].hear():
                        poll.unregister(number)
                        self._here.pop(number).socket.close()
                if monotonic() - dropped > DROP_SECONDS:
                    dropped = monotonic()
                    for stranger in self._here.values():
                        stranger.drop()
        for stranger in self._here.values():
            stranger.socket.close()

    def _is_awaited(self) -> bool:
        return len(self.strangers) + self.turned_away < self._count

    def _let_in(self, poll: select.epoll) -> None:
        """Watch those who have arrived since."""
        while not self._arrived.empty():
            stranger = self._arrived.get()
            if stranger is None:
                self.turned_away += 1
                continue
            stranger.socket.setblocking(False)
            self.strangers.append(stranger)
            self._here[stranger.socket.fileno()] = stranger
            poll.register(stranger.socket.fileno(), select.EPOLLIN)

    def _come(self, place: int) -> None:
        """Have a stranger arrive, or none when the bank turned it away."""
        kind = self._kinds[place % len(self._kinds)]
        source = f"127.{place % self._networks + 1}.0.1"
        try:
            plain = reach(self._bank.port, source)
        except OSError:
            self._arrived.put(None)
            return
        try:
            self._arrived.put(self._act(kind, plain))
        except (OSError, Silence):
            plain.close()
            self._arrived.put(None)

    def _act(self, kind: str, plain: socket.socket) -> Stranger:
        """What a stranger of a kind does before it stays."""
        drops, hello, stranger = b"", self._hello, Stranger(kind, plain, b"")
        match kind:
            case "half a hello":
                plain.sendall(hello[: len(hello) // 2])
            case "a hello, an octet at a time":
                drops = hello
            case "half an end":
                plain.shutdown(socket.SHUT_WR)
            case "silent in TLS" | "a line, an octet at a time" | "lines that ask nothing":
                stranger.socket = Line.over(plain, self._bank.trust, "localhost").socket
                drops = {"a line, an octet at a time": b"A" * 4000, "lines that ask nothing": b"a NOOP\r\n" * 500}.get(
                    kind, b""
                )
        stranger.drops = drops
        return stranger


def tell(crowd: Crowd, honest: Honest, limits: dict[str, float]) -> bool:
    """Say what became of everybody; whether it is as it should be."""
    passed = True
    print(f"{len(crowd.strangers)} strangers came in, {crowd.turned_away} were turned away")
    for kind in KINDS:
        stays = [(one.ended - one.began) if one.ended else None for one in crowd.strangers if one.kind == kind]
        gone = sorted(stay for stay in stays if stay is not None)
        right = len(gone) == len(stays) and (not gone or gone[-1] <= limits[kind] + GRACE_SECONDS)
        passed &= right
        within = f"half within {percentile(gone, 50):.1f} s, all within {percentile(gone, 100):.1f} s"
        print(f"{_verdict(right)} {kind}, for {limits[kind]:g} s: {len(gone)} of {len(stays)} are gone, {within}")
    right = bool(honest.seconds) and not honest.failed
    visits = ", ".join(f"{count} at try {attempt}" for attempt, count in sorted(honest.tries.items()))
    took = sorted(honest.seconds)
    within = f"half within {percentile(took, 50):.3f} s, all within {percentile(took, 100):.3f} s"
    print(f"{_verdict(right)} an honest customer's visits: {visits}; {within}; {len(honest.failed)} were in vain")
    print(*(f"       {reason}: {count} times" for reason, count in Counter(honest.failed).items()), sep="\n", end="")
    return passed and right


def _verdict(right: bool) -> str:
    return f"{'ok' if right else 'FAILED':6}"


def settings(told: Sequence[str]) -> Sections:
    """Settings of the bank: those of SETTINGS that it knows, and those that were told."""
    known = {key.name for key in config.KEYS if key.section == "server"}
    return with_settings({"server": {name: value for name, value in SETTINGS.items() if name in known}}, told)


def measure(bank: Target, count: int, networks: int, limits: dict[str, float]) -> bool:
    """Have the crowd come and stay, with an honest customer beside it; whether all is as it should be."""
    before, honest = held(bank.process), Honest(bank, bank.customers[0])
    living = threading.Thread(target=honest.live)
    living.start()
    try:
        crowd = Crowd(bank, count, networks)
        crowd.stay(max(limits.values()) + COMING_SECONDS + GRACE_SECONDS)
        most = psutil.Process(bank.process).memory_info().rss
        sleep(SETTLED_SECONDS)
    finally:
        honest.leaving.set()
        living.join(PATIENCE_SECONDS)
    passed = tell(crowd, honest, limits)
    left = settle(bank, before)
    print(f"{_verdict(not left)} the bank has {most >> 20} MiB of memory; {', '.join(left) or 'no connection is left'}")
    return passed and not left


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; the exit status is 1 where somebody stays too long, or the honest customer is not let in."""
    parser = argparse.ArgumentParser(prog="crowd", description="Do strangers go away, and customers get in?")
    parser.add_argument("--count", type=int, default=2000, help="strangers (2000)")
    parser.add_argument("--networks", type=int, default=50, help="networks that they come from (50)")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="a setting of the bank")
    options = parser.parse_args(argv)
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    sections = settings(options.set)
    server = {name: float(str(value)) for name, value in sections["server"].items() if name in SETTINGS}
    limits = {kind: server.get(key, server["login_seconds"]) for kind, key in KINDS.items()}
    try:
        with scratch() as folder, target(folder / "bank", 10, sections) as bank:
            passed = measure(bank, options.count, options.networks, limits)
    except (BenchError, AssertionError, ssl.SSLError) as wrong:
        print(f"FAILED: {wrong}", file=sys.stderr)
        return 1
    print("passed" if passed else "FAILED")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
