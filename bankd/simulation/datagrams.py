"""Datagrams in a simulated world: some are lost, doubled, overtaken, or sent by somebody else."""

from collections.abc import Callable
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IListeningPort
from zope.interface import implementer

from bankd.simulation.world import World

FORGED_OCTETS = 60
"""How long a datagram is that somebody makes up."""


class Datagrams:
    """All ports for datagrams in ``world``, under what ``weather`` there is."""

    def __init__(self, world: World, weather: Callable[[], Any]) -> None:
        self._world = world
        self._weather = weather
        self._ports: dict[tuple[str, int], DatagramPort] = {}
        self._next_port = 50_000
        self.on_sent: Callable[[tuple[str, int]], object] = lambda _address: None

    def open(self, host: Any, number: int, protocol: Any) -> "DatagramPort":
        """A port of ``host``."""
        if not number:
            self._next_port += 1
            number = self._next_port
        port = DatagramPort(self, host, number, protocol)
        self._ports[host.address, number] = port
        protocol.makeConnection(port)
        return port

    def close(self, port: "DatagramPort") -> None:
        """Nothing arrives at ``port`` any more."""
        if self._ports.get((port.host.address, port.number)) is port:
            del self._ports[port.host.address, port.number]

    def forget(self, host: Any) -> None:
        """A host has died."""
        for port in [port for port in self._ports.values() if port.host is host]:
            self.close(port)

    def carry(self, port: "DatagramPort", octets: bytes, to: tuple[str, int]) -> None:
        """Send a datagram, and perhaps somebody else's after it, on their ways."""
        world, weather = self._world, self._weather()
        self.on_sent(to)
        if world.happens(weather.forged):
            forged = world.chance.choice([octets[:-1] + bytes([octets[-1] ^ 1]), world.chance.randbytes(FORGED_OCTETS)])
            self._send(forged, port, to)
        if world.happens(weather.lost):
            return
        for _ in range(2 if world.happens(weather.doubled) else 1):
            self._send(octets, port, to)

    def _send(self, octets: bytes, port: "DatagramPort", to: tuple[str, int]) -> None:
        world = self._world
        origin = (port.host.address, port.number)
        world.put_down(
            world.chance.random() * self._weather().slow_seconds * 4, lambda: self._arrive(octets, origin, to)
        )

    def _arrive(self, octets: bytes, origin: tuple[str, int], to: tuple[str, int]) -> None:
        port = self._ports.get(to)
        if port is not None and port.host.alive:
            port.protocol.datagramReceived(octets, origin)


@implementer(IListeningPort)
class DatagramPort:
    """A port of a host for datagrams, and the transport of the protocol at it."""

    def __init__(self, datagrams: Datagrams, host: Any, number: int, protocol: Any) -> None:
        self.host = host
        self.number = number
        self.protocol = protocol
        self._datagrams = datagrams

    def write(self, packet: bytes, addr: tuple[str, int] | None = None) -> None:
        """Send a datagram."""
        assert addr is not None
        if self.host.alive:
            self._datagrams.carry(self, packet, addr)

    def startListening(self) -> None:
        """It listens from the beginning."""

    def stopListening(self) -> Deferred[None]:
        """Listen no more."""
        self._datagrams.close(self)
        self.protocol.doStop()
        return succeed(None)

    def getHost(self) -> IPv4Address:
        """Where it is."""
        return IPv4Address("UDP", self.host.address, self.number)
