"""A proxy that ends TLS with a certificate which the client trusts, and so reads, keeps and may change every line."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from threading import Lock, Thread

from tests.system.support import DEADLINE_SECONDS, Bank, environment, free_ports, named

Meddling = Callable[[str, int, bytes], list[bytes]]
"""What goes on instead of a line, which is the so-many-th of its connection to the "bank" or to the "client"."""


def hands_off(_to: str, _number: int, line: bytes) -> list[bytes]:
    """Nothing is changed."""
    return [line]


class Wiretap:
    """A port that leads to ``bank``; ``heard`` is all that went by, and ``meddle`` what is done to it."""

    def __init__(self, bank: Bank) -> None:
        (self.port,) = free_ports(1)
        self.meddle: Meddling = hands_off
        self.connections = 0
        self._heard: list[bytes] = []
        self._lock = Lock()
        self._bank = bank
        self._inwards = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._inwards.load_cert_chain(bank.state / "server.pem", bank.state / "server.key")
        self._outwards = ssl.create_default_context(cafile=bank.state / "ca.pem")
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=100)
        self._accepting = Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def heard(self) -> bytes:
        """All that was heard until now."""
        with self._lock:
            return b"".join(self._heard)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a person whose way to the bank is tapped."""
        bank = self._bank
        return environment(named(self.port, bank.notice_port, bank.status_port, bank.state))

    def close(self) -> None:
        """Accept no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(DEADLINE_SECONDS)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                Thread(target=self._carry, args=(connection,), daemon=True).start()

    def _carry(self, connection: socket.socket) -> None:
        connection.settimeout(DEADLINE_SECONDS)
        with contextlib.suppress(OSError), connection:
            client = self._inwards.wrap_socket(connection, server_side=True)
            with client, socket.create_connection(("127.0.0.1", self._bank.port), DEADLINE_SECONDS) as beyond:
                bank = self._outwards.wrap_socket(beyond, server_hostname="localhost")
                answers = Thread(target=self._pass_on, args=("client", bank, client), daemon=True)
                answers.start()
                self._pass_on("bank", client, bank)
                answers.join(DEADLINE_SECONDS)

    def _pass_on(self, to: str, here: ssl.SSLSocket, there: ssl.SSLSocket) -> None:
        with contextlib.suppress(OSError, ValueError):
            for number, line in enumerate(_lines(here)):
                with self._lock:
                    self._heard.append(line)
                for changed in self.meddle(to, number, line):
                    there.sendall(changed)
        with contextlib.suppress(OSError):
            there.shutdown(socket.SHUT_RDWR)


def _lines(connection: ssl.SSLSocket) -> Iterator[bytes]:
    with connection.makefile("rb") as file:
        yield from file
