"""A machine in a simulated world, as a program on it sees it: the reactor, with a clock and a network of its own.

It gives what Twisted's reactors give to the bank and to its clients, by the same interfaces, and nothing more. The
clock of a host can jump, as a system's can. When the host dies nothing of it happens any more.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IHostnameResolver,
    IReactorPluggableNameResolver,
    IReactorTCP,
    IReactorTime,
    IReactorUDP,
    IReactorUNIX,
)
from twisted.logger import Logger
from zope.interface import implementer

from bankd.simulation.datagrams import DatagramPort
from bankd.simulation.network import Call, Network, Port
from bankd.simulation.world import Step, World


@implementer(IReactorTime, IReactorTCP, IReactorUDP, IReactorUNIX, IReactorPluggableNameResolver)
class Host:
    """The host ``name`` at ``address`` in ``network``; ``ahead`` is by how much its clock is before the world's."""

    log = Logger()
    running = True

    def __init__(self, world: World, network: Network, name: str, address: str) -> None:
        self.world = world
        self.network = network
        self.name = name
        self.address = address
        self.ahead = 0.0
        self.alive = True
        self.nameResolver = Names(network)
        self.threads: Callable[..., Deferred[Any]] | None = None
        self._calls: dict[DelayedCall, Step] = {}

    def __repr__(self) -> str:
        return f"<host {self.name}>"

    # Time.

    def seconds(self) -> float:
        """The time by the host's own clock, seconds since 1970."""
        return self.world.now + self.ahead

    def callLater(self, delay: float, callable: Callable[..., Any], *args: object, **kw: object) -> DelayedCall:
        """Call something when the host's clock has gone on by ``delay`` seconds."""
        call = DelayedCall(self.seconds() + delay, callable, args, kw, self._forget, self._move, self.seconds)
        if self.alive:
            self._put_down(call)
        return call

    def getDelayedCalls(self) -> list[DelayedCall]:
        """All that is still to be called."""
        return list(self._calls)

    def callFromThread(self, callable: Callable[..., Any], *args: object, **kw: object) -> None:
        """Call something in a turn of its own."""
        self.callLater(0, callable, *args, **kw)

    def callWhenRunning(self, callable: Callable[..., Any], *args: object, **kw: object) -> None:
        """Call something in the first turn."""
        self.callLater(0, callable, *args, **kw)

    def jump(self, seconds: float) -> None:
        """Set the host's clock forward, or back where ``seconds`` are negative."""
        self.world.note(f"{self.name} clock {seconds:+.3f}")
        self.ahead += seconds
        for call in list(self._calls):
            self._move(call)

    def getThreadPool(self) -> "Host":
        """What calls functions in other threads: the host itself, where it has ``threads``."""
        return self

    def callInThreadWithCallback(
        self, onResult: Callable[[bool, Any], object], func: Any, *args: Any, **kw: Any
    ) -> None:
        """Call ``func`` in another thread, and ``onResult`` with whether that went well, and what it gave."""
        assert self.threads is not None
        called = self.threads(func, *args, **kw)
        called.addCallbacks(lambda result: onResult(True, result), lambda failure: onResult(False, failure))

    # The network.

    def installNameResolver(self, resolver: Any) -> Any:
        """Have names looked up by ``resolver``; the one before it."""
        before, self.nameResolver = self.nameResolver, resolver
        return before

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Port:
        """Let others connect."""
        return self.network.listen(self, port, factory)

    def listenUNIX(self, address: str, factory: Any, backlog: int = 50, mode: int = 0o666, wantPID: int = 0) -> Port:
        """Let programs on this host connect."""
        return self.network.listen(self, address, factory)

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float = 30, bindAddress: tuple[str, int] | None = None
    ) -> Call:
        """Connect."""
        return self.network.connect(self, (host, port), factory, timeout)

    def connectUNIX(self, address: str, factory: Any, timeout: float = 30, checkPID: int = 0) -> Call:
        """Connect to another program on this host."""
        return self.network.connect(self, (self.address, address), factory, timeout)

    def listenUDP(self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 8192) -> DatagramPort:
        """Send and receive datagrams."""
        return self.network.datagrams.open(self, port, protocol)

    # Life and death.

    def die(self) -> None:
        """End at once: nothing that was under way goes on."""
        self.world.note(f"{self.name} dies")
        self.alive = False
        for step in self._calls.values():
            step.call_off()
        self._calls.clear()
        self.network.forget(self)

    def _put_down(self, call: DelayedCall) -> None:
        self._calls[call] = self.world.put_down(call.getTime() - self.seconds(), lambda: self._fall_due(call))

    def _fall_due(self, call: DelayedCall) -> None:
        del self._calls[call]
        if call.delayed_time > 0:  # it was put off meanwhile
            call.activate_delay()
            self._put_down(call)
            return
        call.called = 1
        try:
            call.func(*call.args, **call.kw)
        except Exception:  # as reactors do
            self.log.failure("a call failed on {host}", host=self.name)

    def _forget(self, call: DelayedCall) -> None:
        step = self._calls.pop(call, None)
        if step is not None:
            step.call_off()

    def _move(self, call: DelayedCall) -> None:
        """Have ``call`` happen when it is due by the clock as it is now."""
        if call in self._calls:
            self._forget(call)
            call.activate_delay()
            self._put_down(call)


@implementer(IHostnameResolver)
class Names:
    """Finds hosts by their names, at once."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Any = None,
        transportSemantics: str = "TCP",
    ) -> Any:
        """Tell the one address that a host has."""
        resolutionReceiver.resolutionBegan(self)
        address = self._network.names.get(hostName, hostName)
        resolutionReceiver.addressResolved(IPv4Address("TCP", address, portNumber))
        resolutionReceiver.resolutionComplete()
        return self

    def cancel(self) -> None:
        """There is nothing to cancel."""
