"""The ports of a bank: what listens where, who serves at each, and how they close together."""

import os
import socket
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
from bankd.service_manager import Passed
from bankd.surroundings import Surroundings

BACKLOG = 512
"""Connections that the system may hold for us while we accept others."""


class Listening:
    """Every port of a bank. ``wanted`` is how many connections the settings allow; ``tally`` counts. Raises
    TooFew.

    Where a socket was ``passed`` by the service manager it is taken over: by the protocol that it is named after, or by
    who would serve on its port.
    """

    log = Logger()

    def __init__(
        self, wanted: Capacity, surroundings: Surroundings, tally: GateTally, passed: Iterable[Passed] = ()
    ) -> None:
        self._reactor = surroundings.reactor
        self._gate = Gate(possible(wanted), self._reactor, surroundings.below, tally)
        self._passed = list(passed)
        self._entrances: list[GuardedFactory] = []
        self._ports: list[Any] = []
        self._factories: list[Any] = []
        self._notices: Any = None

    def tcp(self, name: str, host: str, number: int, factory: Any, secured: Any) -> None:
        """Serve the protocol ``name`` by ``factory``; ``secured`` is the same with TLS under it, where it has any."""
        guarded = GuardedFactory(self._gate, secured)
        passed = self._taken(name, socket.SOCK_STREAM, number)
        if passed is None:
            port = self._reactor.listenTCP(number, guarded, backlog=BACKLOG, interface=host)
        else:
            port = self._reactor.adoptStreamPort(passed.descriptor, passed.family, guarded)
            os.close(passed.descriptor)  # the reactor has its own
        self._entrances.append(guarded)
        self._ports.append(port)
        self._factories.append(factory)
        self._say(f"{name} on TCP", port, passed)

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
        passed = self._taken("notices", socket.SOCK_DGRAM, number)
        if passed is None:
            self._notices = self._reactor.listenUDP(number, board, interface=host)
        else:
            self._notices = self._reactor.adoptDatagramPort(passed.descriptor, passed.family, board)
            os.close(passed.descriptor)
        self._say("notices from UDP", self._notices, passed)

    def refuse_strays(self) -> None:
        """Raise Stray where a socket was passed that nobody has taken over: who connects to it would wait for ever."""
        if self._passed:
            found = ", ".join(map(str, self._passed))
            raise Stray(f"the service manager opened {found}, and the settings have nothing serve there")

    def take_up(self, wanted: Capacity) -> None:
        """Let as many in as ``wanted`` says. Raises TooFew."""
        self._gate.set_capacity(possible(wanted))

    def stop_accepting(self) -> Deferred[Any]:
        """Let nobody in any more; fires when no port listens."""
        return _all(maybeDeferred(port.stopListening) for port in self._ports)

    def hang_up(self) -> Deferred[Any]:
        """Close every connection once it has its answers; fires when all are closed."""
        self._gate.close()
        return _all(factory.hang_up() for factory in self._factories)

    def cut_off(self) -> int:
        """Cut off whoever is still connected; how many those are. Operators on this machine end with the process."""
        return sum(entrance.cut_off() for entrance in self._entrances)

    def close(self) -> Deferred[Any]:
        """Send no more notices."""
        return maybeDeferred(self._notices.stopListening)

    def _taken(self, name: str, kind: int, port: int) -> Passed | None:
        """The passed socket that is for a protocol, which then has it."""
        fitting = [passed for passed in self._passed if passed.kind == kind and passed.family != socket.AF_UNIX]
        fitting.sort(key=lambda passed: passed.name != name)
        for passed in fitting:
            if passed.name == name or (port and passed.port == port):
                self._passed.remove(passed)
                return passed
        return None

    def _say(self, what: str, port: Any, passed: Passed | None) -> None:
        address, by = port.getHost(), "" if passed is None else ", opened by the service manager"
        self.log.info("{what} {host} port {port}{by}", what=what, host=address.host, port=address.port, by=by)


class Stray(Exception):
    """A socket was opened for the bank that it has no use for."""


def possible(wanted: Capacity) -> Capacity:
    """As many connections as there are descriptors for, where the settings leave that open. Raises TooFew."""
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
