"""One process of a flood: it keeps so many connections to a bank open, and comes again where one is cut.

    python -m tests.ordeals.wave < ORDERS

The first line that it reads is its orders, in JSON. Every second it prints how many connections of each kind it has.
It ends, and with it all of its connections at once and without a word, when there is nothing more to read.
"""

import json
import os
import random
import select
import socket
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from tests.hostile.line import Line, Silence, reach

AT_ONCE = {True: 2, False: 6}
"""How many come at the same time of those who log in, and of the others: the former wait for a hash."""

CUSTOMERS = ("logged in", "slow readers")
"""The kinds that log in."""

PAUSE_SECONDS = 0.5
"""How long who was turned away waits before coming again."""

DEAF_OCTETS = 4096
"""What the system keeps, about, for who does not read; the rest waits in the bank."""

MOST_ASKED = 1 << 15
"""Octets of requests that a slow reader sends, at most, if the bank goes on reading them."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What a wave is to do: ``kinds`` has how many of each, ``customers`` who may log in, with ``pin``.

    It comes from the networks 127.``first``.0.0 to 127.``first + networks - 1``.0.0.
    """

    port: int
    authority: str
    first: int
    networks: int
    kinds: dict[str, int]
    customers: list[str]
    pin: str
    seed: int


class Wave:
    """All the connections of one process."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._random = random.Random(orders.seed)
        self._trust = ssl.create_default_context(cafile=orders.authority)
        self._customers: SimpleQueue[str] = SimpleQueue()
        for account in orders.customers:
            self._customers.put(account)
        self._wanted: dict[bool, SimpleQueue[str]] = {True: SimpleQueue(), False: SimpleQueue()}
        self._poll = select.epoll()
        self._open: dict[int, tuple[str, Any]] = {}
        self.lost: Counter[str] = Counter()

    def keep(self) -> None:
        """Come, stay, and come again, for ever."""
        for kind in _mixed(self._orders.kinds):
            self._want(kind)
        for log_in, wanted in self._wanted.items():
            for _ in range(AT_ONCE[log_in]):
                threading.Thread(target=self._come_again, args=(wanted,), daemon=True).start()
        while True:
            for number, _ in self._poll.poll(1):
                self._look(number)

    def counts(self) -> dict[str, int]:
        """How many connections of each kind are open."""
        return Counter(kind for kind, _ in list(self._open.values()))

    def _want(self, kind: str) -> None:
        self._wanted[kind in CUSTOMERS].put(kind)

    def _come_again(self, wanted: "SimpleQueue[str]") -> None:
        while True:
            kind = wanted.get()
            try:
                come = self._come(kind)
            except (OSError, Silence):
                self.lost[f"{kind}: turned away"] += 1
                time.sleep(PAUSE_SECONDS)
                wanted.put(kind)
                continue
            come.setblocking(False)
            self._open[come.fileno()] = kind, come
            events = select.EPOLLRDHUP if kind == "slow readers" else select.EPOLLIN | select.EPOLLRDHUP
            self._poll.register(come.fileno(), events)

    def _look(self, number: int) -> None:
        """Something has come of a connection: octets, which nobody wants, or its end."""
        kind, connection = self._open[number]
        octets = b""
        with suppress(OSError):
            octets = os.read(number, 65536)
        if octets and kind != "slow readers":
            return
        self._poll.unregister(number)
        del self._open[number]
        connection.close()
        self.lost[f"{kind}: ended"] += 1
        self._want(kind)

    def _come(self, kind: str) -> socket.socket:
        """A connection of a kind. Raises OSError or Silence where it was not let in."""
        source = f"127.{self._orders.first + self._random.randrange(self._orders.networks)}.0.1"
        plain = reach(self._orders.port, source)
        if kind == "silent in TCP":
            return plain
        if kind == "slow readers":
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, DEAF_OCTETS)
        line = Line.over(plain, self._trust, "localhost")
        if kind == "half lines":
            line.send(b"q LOGIN username=")
        if kind in CUSTOMERS:
            self._log_in(line)
        if kind == "slow readers":
            _ask_on(line)
        return line.socket

    def _log_in(self, line: Line) -> None:
        account = self._customers.get()
        answer = line.ask(f"LOGIN account={account} pin={self._orders.pin}")
        if not answer.startswith("200 "):
            self._customers.put(account)
            line.close()
            raise Silence(answer)


def _ask_on(line: Line) -> None:
    """Ask without reading an answer, until the bank does not read any more either."""
    line.socket.settimeout(1)
    requests = b"q KEYS\r\n" * 64
    with suppress(OSError):
        for _ in range(MOST_ASKED // len(requests)):
            line.socket.sendall(requests)


def _mixed(kinds: dict[str, int]) -> Iterator[str]:
    """So many of each, evenly mixed."""
    places = [((number + 0.5) / count, kind) for kind, count in kinds.items() for number in range(count)]
    return iter([kind for _, kind in sorted(places)])


def main() -> None:
    """Do as ordered, until there is nothing more to read."""
    wave = Wave(Orders(**json.loads(sys.stdin.readline())))

    def tell() -> None:
        while True:
            print(json.dumps({"open": wave.counts(), "lost": dict(wave.lost)}), flush=True)
            time.sleep(1)

    def watch() -> None:
        sys.stdin.read()
        os._exit(0)

    for does in (tell, watch):
        threading.Thread(target=does, daemon=True).start()
    wave.keep()


if __name__ == "__main__":
    main()
