"""A road to a bank on which requests can be waylaid: a proxy with the bank's own certificate, which reads every line.

So a test need not guess when a request is under way: what is to happen to it happens as it goes by.
"""

import contextlib
import socket
import ssl
from collections.abc import Callable
from threading import Event, Thread
from typing import Protocol

from tests.system.support import DEADLINE_SECONDS, Bank, environment, free_ports, named


class Passage(Protocol):
    """One connection on the road, as an ambush sees it."""

    def forward(self, line: bytes) -> None:
        """Let a request go on to the bank."""

    def swallow(self) -> bytes:
        """The bank's next line, which the client will not get; empty when the bank is gone."""

    def cut(self) -> None:
        """End the connection at both ends."""


Ambush = Callable[[Passage, bytes], None]
"""What happens to a request instead of its being forwarded."""


def never_arrives(passage: Passage, line: bytes) -> None:
    """The connection is lost before the bank gets the request."""
    passage.cut()


def lost_at_once(passage: Passage, line: bytes) -> None:
    """The connection is lost as soon as the request is on its way to the bank."""
    passage.forward(line)
    passage.cut()


def answer_is_lost(passage: Passage, line: bytes) -> None:
    """The connection is lost once the bank has answered."""
    passage.forward(line)
    passage.swallow()
    passage.cut()


class Road:
    """A port that leads to ``bank``, for as long as it is open."""

    def __init__(self, bank: Bank) -> None:
        (self.port,) = free_ports(1)
        self.waylaid = Event()
        self.rewrite: Callable[[bytes], bytes] = lambda line: line
        """What a request is on its way to the bank, where it is not waylaid."""
        self._bank = bank
        self._ambushes: list[tuple[bytes, Ambush]] = []
        self._inwards = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._inwards.load_cert_chain(bank.state / "server.pem", bank.state / "server.key")
        self._outwards = ssl.create_default_context(cafile=bank.state / "ca.pem")
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._accepting = Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a person who goes to the bank by this road."""
        bank = self._bank
        own = named(self.port, bank.notice_port, bank.status_port, bank.state)
        return environment(own | {"BANKD_SEAL": "off"})  # or there would be nothing to read

    def waylay(self, verb: str, ambush: Ambush) -> None:
        """Have ``ambush`` happen to the next request of this verb that is not waylaid yet; ``waylaid`` tells of it."""
        self._ambushes.append((verb.encode(), ambush))

    def close(self) -> None:
        """Let nobody on it any more."""
        # Closed under the thread that accepts, its descriptor could become another road's, with this one's certificate.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(DEADLINE_SECONDS)
        self._listener.close()

    def ambush_for(self, line: bytes) -> Ambush | None:
        """What is to happen to a request."""
        if not self._ambushes or line.split()[1] != self._ambushes[0][0]:
            return None
        return self._ambushes.pop(0)[1]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                Thread(target=self._carry, args=(connection,), daemon=True).start()

    def _carry(self, connection: socket.socket) -> None:
        connection.settimeout(2 * DEADLINE_SECONDS)
        with contextlib.suppress(OSError), connection:
            client = self._inwards.wrap_socket(connection, server_side=True)
            with client, socket.create_connection(("127.0.0.1", self._bank.port), 2 * DEADLINE_SECONDS) as beyond:
                _Passage(self, client, self._outwards.wrap_socket(beyond, server_hostname="localhost")).carry()


class _Passage:
    """One connection: requests are read here, answers in a thread of their own."""

    def __init__(self, road: Road, client: ssl.SSLSocket, bank: ssl.SSLSocket) -> None:
        self._road = road
        self._client, self._bank = client, bank
        self._requests, self._answers = client.makefile("rb"), bank.makefile("rb")
        self._swallowing = False
        self._swallowed = b""
        self._heard = Event()

    def carry(self) -> None:
        """Carry requests until either end is gone."""
        Thread(target=self._carry_answers, daemon=True).start()
        with contextlib.suppress(OSError):
            for line in self._requests:
                ambush = self._road.ambush_for(line)
                if ambush is None:
                    self.forward(self._road.rewrite(line))
                else:
                    self._swallowing = True
                    ambush(self, line)
                    self._road.waylaid.set()
        self.cut()

    def forward(self, line: bytes) -> None:
        """See ``Passage``."""
        self._bank.sendall(line)

    def swallow(self) -> bytes:
        """See ``Passage``."""
        self._heard.wait(DEADLINE_SECONDS)
        return self._swallowed

    def cut(self) -> None:
        """See ``Passage``."""
        for end in (self._client, self._bank):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _carry_answers(self) -> None:
        with contextlib.suppress(OSError):
            for line in self._answers:
                if self._swallowing:
                    self._swallowed = line
                    self._heard.set()
                else:
                    self._client.sendall(line)
        self._heard.set()
        self.cut()
