"""The ports of a bank: what listens where, who serves at each, and how they close together."""

import secrets
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.logger import Logger

from bankd import descriptors, operator_socket
from bankd.descriptors import TooFew
from bankd.entrance import GuardedFactory
from bankd.figures import GateTally
from bankd.gate import Capacity, Gate

BACKLOG = 512
"""Connections that the system may hold for us while we accept others."""


class Listening:
    """Every port of a bank. ``wanted`` is how many connections the settings allow; ``tally`` counts. Raises TooFew."""

    log = Logger()

    def __init__(self, wanted: Capacity, reactor: Any, tally: GateTally) -> None:
        self._reactor = reactor
        self._gate = Gate(_possible(wanted), reactor, secrets.randbelow, tally)
        self._ports: list[Any] = []
        self._factories: list[Any] = []
        self._notices: Any = None

    def tcp(self, name: str, host: str, number: int, factory: Any, secured: Any) -> None:
        """Serve the protocol ``name`` by ``factory``; ``secured`` is the same with TLS under it, where it has any."""
        guarded = GuardedFactory(self._gate, secured)
        port = self._reactor.listenTCP(number, guarded, backlog=BACKLOG, interface=host)
        self._ports.append(port)
        self._factories.append(factory)
        self.log.info("{name} on TCP {host} port {port}", name=name, host=host, port=port.getHost().port)

    def operators(self, path: Path | None, factory: Any) -> None:
        """Serve operators at a UNIX socket, if the settings name one. Raises OSError."""
        if path is None:
            self.log.info("operators have no socket: operator_socket is empty")
            return
        self._ports.append(operator_socket.listen(self._reactor, path, factory))
        self._factories.append(factory)
        self.log.info("operators on {path}", path=path)

    def notices(self, host: str, number: int, board: Any) -> None:
        """Send the datagrams of ``board`` from a UDP port."""
        self._notices = self._reactor.listenUDP(number, board, interface=host)
        port = self._notices.getHost().port
        self.log.info("notices from UDP {host} port {port}", host=host, port=port)

    def stop_accepting(self) -> Deferred[Any]:
        """Let nobody in any more; fires when no port listens."""
        return _all(maybeDeferred(port.stopListening) for port in self._ports)

    def hang_up(self) -> Deferred[Any]:
        """Close every connection once it has its answers; fires when all are closed."""
        self._gate.close()
        return _all(factory.hang_up() for factory in self._factories)

    def close(self) -> Deferred[Any]:
        """Send no more notices."""
        return maybeDeferred(self._notices.stopListening)


def _possible(wanted: Capacity) -> Capacity:
    """As many connections as there are descriptors for, where the settings leave that open."""
    available = descriptors.raise_limit()
    connections = wanted.connections or available
    if not 0 < connections <= available:
        raise TooFew(
            f"{max(connections, 1)} connections take {max(connections, 1) + descriptors.RESERVE} open files, and "
            f"the system allows {available + descriptors.RESERVE} (ulimit -n)"
        )
    # Strangers never have more than half of all: the rest is for who has logged in.
    return replace(wanted, connections=connections, strangers=min(wanted.strangers, max(connections // 2, 1)))


def _all(waiting: Iterable[Deferred[Any]]) -> Deferred[Any]:
    return DeferredList(list(waiting), consumeErrors=True)
