"""The network of a simulated world: who listens, who connects, and which connections there are.

1. Every connection has two ``ends`` and a fate, which the weather draws when it is made: it can be cut before or after
   any octet, and then both ends hear of it, each in its own time; or it goes dead: nothing arrives any more, and nobody
   hears of anything.
2. A host that dies closes its connections, as a system does for a program that was killed; one that is unplugged before
   says nothing.
"""

from typing import Any

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.internet.error import TimeoutError as ConnectTimeout
from twisted.internet.interfaces import IConnector, IListeningPort
from twisted.python.failure import Failure
from zope.interface import implementer

from bankd.simulation.datagrams import Datagrams
from bankd.simulation.ends import End
from bankd.simulation.weather import Fate, Weather
from bankd.simulation.world import World


class Network:
    """All connections and datagrams of ``world``; ``names`` has the addresses of hosts by their names."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.weather = Weather()
        self.names: dict[str, str] = {}
        self.datagrams = Datagrams(world, lambda: self.weather)
        self._ports: dict[tuple[str, int | str], Port] = {}
        self._ends: dict[End, None] = {}
        self._next_port = 40_000

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._ends) // 2

    def listen(self, host: Any, where: int | str, factory: Any) -> "Port":
        """A port of ``host`` at which ``factory`` serves."""
        port = Port(self, host, where, factory)
        self._ports[host.address, where] = port
        factory.doStart()
        return port

    def close(self, port: "Port") -> None:
        """Let nobody connect at ``port`` any more."""
        if self._ports.get((port.host.address, port.where)) is port:
            del self._ports[port.host.address, port.where]

    def connect(self, host: Any, to: tuple[str, int | str], factory: Any, timeout: float) -> "Call":
        """Begin to connect ``host`` to an address."""
        return Call(self, host, to, factory, timeout)

    def answers(self, to: tuple[str, int | str]) -> "Port | None":
        """The port that listens at an address."""
        return self._ports.get(to)

    def join(self, caller: Any, port: "Port", client: Any) -> None:
        """Connect two protocols; the side that listens may decline."""
        self._next_port += 1
        local = isinstance(port.where, str)
        here: IPv4Address | UNIXAddress = (
            UNIXAddress(None) if local else IPv4Address("TCP", caller.address, self._next_port)
        )
        there = port.getHost()
        server = port.factory.buildProtocol(here)
        fate = Fate.drawn(self.world, self.weather, reliable=local)
        near = End(self, caller, here, there, fate)
        far = End(self, port.host, there, here, fate)
        near.other, far.other = far, near
        self._ends[near] = self._ends[far] = None
        if server is None:
            near.begin(client)
            self._ends.pop(far, None)
            far.gone = True
            near.hear_end(Failure(ConnectionDone()))
            return
        far.begin(server)
        near.begin(client)

    def drop(self, end: "End") -> None:
        """Forget an end that is closed."""
        self._ends.pop(end, None)

    def forget(self, host: Any) -> None:
        """Forget a host that died; those that it was connected to hear of it, unless it was unplugged."""
        for port in [port for port in self._ports.values() if port.host is host]:
            self.close(port)
        self.datagrams.forget(host)
        for end in [end for end in self._ends if end.host is host]:
            end.gone = True
            self.drop(end)
            if not end.fate.is_dead:
                end.other.hear_end(Failure(ConnectionLost()))

    def unplug(self, host: Any) -> None:
        """Let nothing from or to a host through any more, on all connections that it has but those within it."""
        for end in self._ends:
            if end.host is host and not isinstance(end.getHost(), UNIXAddress):
                end.fate.is_dead = True


@implementer(IListeningPort)
class Port:
    """Where a host lets others connect."""

    def __init__(self, network: Network, host: Any, where: int | str, factory: Any) -> None:
        self.host = host
        self.where = where
        self.factory = factory
        self._network = network

    def startListening(self) -> None:
        """It listens from the beginning."""

    def stopListening(self) -> Deferred[None]:
        """Let nobody connect any more."""
        self._network.close(self)
        self.factory.doStop()
        return succeed(None)

    def getHost(self) -> IPv4Address | UNIXAddress:
        """Where it is."""
        if isinstance(self.where, str):
            return UNIXAddress(self.where)
        return IPv4Address("TCP", self.host.address, self.where)


@implementer(IConnector)
class Call:
    """One try to connect."""

    def __init__(self, network: Network, host: Any, to: tuple[str, int | str], factory: Any, timeout: float) -> None:
        self._network = network
        self._host = host
        self._to = to
        self._factory = factory
        self._over = False
        factory.doStart()
        factory.startedConnecting(self)
        world = network.world
        if world.happens(network.weather.refused):
            world.put_down(timeout, lambda: self._fail(ConnectTimeout()))
        else:
            world.put_down(world.chance.uniform(0.0, network.weather.slow_seconds), self._arrive)

    def stopConnecting(self) -> None:
        """Give up."""
        self._fail(ConnectTimeout())

    def disconnect(self) -> None:
        """Give up."""
        self.stopConnecting()

    def getDestination(self) -> IPv4Address:
        """Where to."""
        return IPv4Address("TCP", self._to[0], int(self._to[1]))

    def connect(self) -> None:
        """It is being done."""

    def _arrive(self) -> None:
        if self._over or not self._host.alive:
            return
        port = self._network.answers(self._to)
        if port is None:
            self._fail(ConnectionRefusedError())
            return
        self._over = True
        client = self._factory.buildProtocol(IPv4Address("TCP", self._to[0], 0))
        if client is not None:
            self._network.world.note(f"{self._host.name} connects to {port.host.name}")
            self._network.join(self._host, port, client)

    def _fail(self, error: Exception) -> None:
        if not self._over and self._host.alive:
            self._over = True
            self._network.world.note(f"{self._host.name} cannot connect")
            self._factory.clientConnectionFailed(self, Failure(error))
