"""A strait between clients and banks: a TCP proxy whose weather delays, cuts, swallows and half closes connections.

Each connection goes to one of the banks, by chance. What is carried is TLS, and not opened: a cut comes in the middle
of a record, and so of the lines in it. The weather strikes each connection by itself, when octets go by.
"""

import contextlib
import random
import socket
from dataclasses import dataclass
from enum import Enum, auto
from threading import Event, Lock, Thread

MOST = 65536


class Blow(Enum):
    """What can happen to a connection."""

    CUT = auto()  # a part of the octets goes on, then both ends are closed
    SWALLOW = auto()  # nothing passes any more, either way, and it stays open
    HALF_CLOSE = auto()  # a part goes on, then that way is closed; the other stays open


@dataclass(frozen=True, slots=True)
class Weather:
    """What octets meet that go by: up to ``delay_seconds`` later, and with a chance of ``share`` the ``blow``."""

    delay_seconds: float = 0.0
    blow: Blow | None = None
    share: float = 0.0


CALM = Weather()


class Strait:
    """A port that leads to ``targets``, other ports of this machine; ``struck`` counts connections that a blow hit."""

    def __init__(self, port: int, targets: list[int], seed: int) -> None:
        self.port = port
        self.targets = targets
        self.weather = CALM
        self.struck = 0
        self.chance = random.Random(seed)
        self.lock = Lock()
        self.closed = Event()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Let nobody through any more."""
        self.closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self.closed.is_set():
                client, _ = self._listener.accept()
                Thread(target=self._open, args=(client,), daemon=True).start()

    def _open(self, client: socket.socket) -> None:
        with self.lock:
            target = self.chance.choice(self.targets)
        try:
            bank = socket.create_connection(("127.0.0.1", target), 10)
        except OSError:
            client.close()
            return
        _Passage(self, client, bank).carry()


class _Passage:
    """One connection: each way in a thread of its own."""

    def __init__(self, strait: Strait, client: socket.socket, bank: socket.socket) -> None:
        self._strait = strait
        self._ends = (client, bank)
        self._swallowed = False
        for end in self._ends:
            end.settimeout(None)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def carry(self) -> None:
        """Carry octets until both ways are closed."""
        client, bank = self._ends
        back = Thread(target=self._go, args=(bank, client), daemon=True)
        back.start()
        self._go(client, bank)
        back.join()
        for end in self._ends:
            end.close()

    def _go(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while octets := source.recv(MOST):
                weather = self._strait.weather
                if weather is not CALM and self._strikes(weather, octets, sink):
                    return
                if not self._swallowed:
                    sink.sendall(octets)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _strikes(self, weather: Weather, octets: bytes, sink: socket.socket) -> bool:
        """Whether this way ends here."""
        strait = self._strait
        with strait.lock:
            late, hits = strait.chance.uniform(0, weather.delay_seconds), strait.chance.random() < weather.share
            part = strait.chance.randrange(len(octets) + 1)
            strait.struck += hits
        strait.closed.wait(late)
        if not hits:
            return False
        if weather.blow is Blow.SWALLOW:
            self._swallowed = True
            return False
        sink.sendall(octets[:part])
        if weather.blow is Blow.CUT:
            for end in self._ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        else:
            sink.shutdown(socket.SHUT_WR)
        return True
