"""A rough road for datagrams: some are lost, some come twice, some are overtaken, and a seed says which.

``RoughRoad`` decides by counting, without a clock: the same datagrams in the same order and the same seed are the same
fates. What is held back comes out when as many others have gone by as chance has it; so nothing waits for a timer, and
at the end ``rest`` gives what is still on its way. ``Detour`` is a port of UDP whose datagrams go on by such a road.
"""

import contextlib
import socket
from dataclasses import dataclass
from random import Random
from threading import Lock, Thread

LONGEST = 65_507
"""Octets in a datagram of UDP over IPv4, at most."""


@dataclass(frozen=True, slots=True)
class Weather:
    """What becomes of datagrams, as shares of all: lost, doubled, held back while up to ``most_behind`` others pass."""

    lost: float = 0.3
    doubled: float = 0.1
    overtaken: float = 0.3
    most_behind: int = 5


CLEAR = Weather(0, 0, 0)
"""Everything arrives, in order, once."""


class RoughRoad:
    """One way through ``weather``; ``counted`` are those that were sent, lost, doubled and overtaken."""

    def __init__(self, seed: int, weather: Weather = Weather()) -> None:
        self.weather = weather
        self.counted = {"sent": 0, "lost": 0, "doubled": 0, "overtaken": 0}
        self._chance = Random(seed)
        self._held: list[tuple[int, bytes]] = []  # at which count it comes out

    def carry(self, datagram: bytes) -> list[bytes]:
        """What comes out at the far end now that ``datagram`` was sent."""
        self.counted["sent"] += 1
        now = self.counted["sent"]
        due = [octets for at, octets in self._held if at <= now]
        self._held = [(at, octets) for at, octets in self._held if at > now]
        return self._fate(datagram, now) + due

    def rest(self) -> list[bytes]:
        """What was held back all the time, and comes out at last."""
        held, self._held = self._held, []
        return [octets for _, octets in held]

    def _fate(self, datagram: bytes, now: int) -> list[bytes]:
        if self._happens("lost", self.weather.lost):
            return []
        copies = [datagram] * (2 if self._happens("doubled", self.weather.doubled) else 1)
        arriving = []
        for copy in copies:
            if self._happens("overtaken", self.weather.overtaken):
                self._held.append((now + self._chance.randint(1, self.weather.most_behind), copy))
            else:
                arriving.append(copy)
        return arriving

    def _happens(self, what: str, share: float) -> bool:
        happens = self._chance.random() < share
        self.counted[what] += happens
        return happens


class Detour:
    """A UDP port of this machine, in a thread of its own: what comes there goes on to ``target`` by ``road``."""

    def __init__(self, target: int, road: RoughRoad) -> None:
        self.road = road
        self.seen: list[bytes] = []
        self._target = ("127.0.0.1", target)
        self._lock = Lock()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        Thread(target=self._relay, daemon=True).start()

    @property
    def target(self) -> int:
        """The port to which it leads now."""
        return self._target[1]

    def lead_to(self, target: int) -> None:
        """Go on to another port from now on."""
        with self._lock:
            self._target = ("127.0.0.1", target)

    def close(self) -> None:
        """Relay no more."""
        with contextlib.suppress(OSError):  # the thread that waits for a datagram gets one, and finds the port closed
            self._socket.sendto(b"", self._socket.getsockname())
        self._socket.close()

    def _relay(self) -> None:
        with contextlib.suppress(OSError):
            while datagram := self._socket.recv(LONGEST):
                self.seen.append(datagram)
                with self._lock:
                    for arriving in self.road.carry(datagram):
                        self._socket.sendto(arriving, self._target)
