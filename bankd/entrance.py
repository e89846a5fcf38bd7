"""The entrance to every protocol over TCP: each connection takes a place at the gate, and gives it back.

It stands between TCP and the protocol when a connection begins and when it ends. What arrives goes past it.
"""

from typing import Any

from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from bankd import codes
from bankd.gate import Gate, Place


class Entrance(Protocol):
    """One connection's way in, to a protocol that ``lead_to`` names before it is connected."""

    transport: Any

    def __init__(self, gate: Gate, host: str) -> None:
        self._gate = gate
        self.place: Place | None = gate.enter(host, self._drop)
        self.inside: set[Entrance] = set()

    def lead_to(self, protocol: Any) -> None:
        """Connect ``protocol`` when the connection begins."""
        self._protocol = protocol

    def makeConnection(self, transport: Any) -> None:
        """Connect the protocol, to TCP itself."""
        self.transport = transport
        self.inside.add(self)
        transport.admit = self._admit
        self.dataReceived = self._protocol.dataReceived  # type: ignore[method-assign]
        self._protocol.makeConnection(transport)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Give the place back."""
        self.inside.discard(self)
        self.leave()
        del self.transport.admit, self.dataReceived  # or they would hold each other in memory
        self._protocol.connectionLost(reason)

    def leave(self) -> None:
        """Give the place back."""
        place, self.place = self.place, None
        if place is not None:
            self._gate.leave(place)

    def _admit(self) -> None:
        if self.place is not None:
            self._gate.admit(self.place)

    def _drop(self) -> None:
        """Close, for another to come in."""
        dismiss = getattr(self._protocol, "dismiss", None)
        if dismiss is None:
            self.transport.abortConnection()
        else:
            dismiss(codes.CROWDED)


@implementer(IProtocolFactory)
class GuardedFactory:
    """Makes the protocols of ``factory`` for connections that find a place at ``gate``."""

    def __init__(self, gate: Gate, factory: Any) -> None:
        self._gate = gate
        self._factory = factory
        self._inside: set[Entrance] = set()

    def doStart(self) -> None:
        """A port listens for us."""
        self._factory.doStart()

    def doStop(self) -> None:
        """A port listens no more."""
        self._factory.doStop()

    def buildProtocol(self, addr: Any) -> Protocol | None:
        """A protocol for a new connection; None where there is no place, or the other factory wants none."""
        entrance = Entrance(self._gate, getattr(addr, "host", ""))
        if entrance.place is None:
            return None
        protocol = self._factory.buildProtocol(addr)
        if protocol is None:
            entrance.leave()
            return None
        entrance.lead_to(protocol)
        entrance.inside = self._inside
        return entrance

    def cut_off(self) -> int:
        """Cut every connection off that is open; how many those were."""
        inside = list(self._inside)
        for entrance in inside:
            entrance.transport.abortConnection()
        return len(inside)
