"""What the bank and the service manager that started it (systemd) say to each other.

The bank says in datagrams how it is (sd_notify(3)), also that it is alive as often as it was told to
(sd_watchdog_enabled(3)), and takes the sockets over that were opened for it (sd_listen_fds(3)). Where nothing of that
was arranged, nothing is said and nothing taken over.
"""

import os
import socket
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from itertools import count
from time import CLOCK_MONOTONIC, clock_gettime_ns
from typing import Any

from twisted.internet.endpoints import serverFromString
from twisted.internet.task import LoopingCall
from twisted.logger import Logger


@dataclass(frozen=True, slots=True)
class Passed:
    """A socket that was opened for the bank: its descriptor, the name it was given, and what it is."""

    descriptor: int
    name: str
    family: int
    kind: int
    address: Any

    @property
    def port(self) -> int:
        """The port it is bound to; 0 for what has none."""
        return int(self.address[1]) if self.family in (socket.AF_INET, socket.AF_INET6) else 0

    def __str__(self) -> str:
        """What it is, for people."""
        kind = "TCP" if self.kind == socket.SOCK_STREAM else "UDP"
        where = f"{kind} {self.address[0]} port {self.port}" if self.port else f"{self.address!r}"
        return f"{where} ({self.name})"


class ServiceManager:
    """The one that ``environment`` tells of, to the process ``process``. What is read there is taken out of it.

    ``descriptors`` are those of the sockets that were passed, for Twisted has read those variables before we can.
    Children that the bank starts are told nothing, and could not speak for it.
    """

    log = Logger()

    def __init__(self, environment: MutableMapping[str, str], process: int, descriptors: Iterable[int] = ()) -> None:
        self._address = environment.pop("NOTIFY_SOCKET", "")
        watched = environment.pop("WATCHDOG_PID", str(process)) == str(process)
        microseconds = environment.pop("WATCHDOG_USEC", "")
        self.watchdog_seconds = int(microseconds) / 1_000_000 if watched and microseconds.isdigit() else 0.0
        names = environment.pop("LISTEN_FDNAMES", "").split(":")
        self.passed = [_passed(descriptor, name) for descriptor, name in zip(descriptors, names, strict=False)]
        self._watching: LoopingCall | None = None

    def ready(self) -> None:
        """The bank serves, for the first time or again."""
        self._tell("READY=1", "STATUS=The bank serves")

    def reloading(self) -> None:
        """The settings are being read anew; ``ready`` tells when that is done."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={clock_gettime_ns(CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """The bank is stopping."""
        self._tell("STOPPING=1", "STATUS=What was asked is answered; nobody else is let in")

    def watch(self, look: Callable[[], Any], clock: Any) -> None:
        """Say that the bank is alive each time that what ``look`` began has ended, twice in the time that is given."""
        if not self.watchdog_seconds:
            return
        self._watching = LoopingCall(lambda: look().addBoth(lambda _: self._tell("WATCHDOG=1")))
        self._watching.clock = clock
        self._watching.start(self.watchdog_seconds / 2)

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as way:
                way.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            self.log.warn("the service manager was not told {lines}: {why}", lines=lines[0], why=str(error))


def passed_descriptors(reactor: Any) -> Iterator[int]:
    """The sockets that were passed to this process, as Twisted knows them."""
    for index in count():
        try:
            yield serverFromString(reactor, f"systemd:domain=INET:index={index}").fileno
        except IndexError:
            return


def _passed(descriptor: int, name: str) -> Passed:
    """What a passed socket is; it is not passed on to children."""
    os.set_inheritable(descriptor, False)
    os.set_blocking(descriptor, False)
    with socket.socket(fileno=os.dup(descriptor)) as known:
        return Passed(descriptor, name, known.family, known.type, known.getsockname())
