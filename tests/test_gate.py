"""The gate: who is let in, who has to leave for it, and what the log says of that."""

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any, cast

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from bankd import codes
from bankd.codes import Code
from bankd.entrance import GuardedFactory
from bankd.gate import CALM_SECONDS, CLOSING, Capacity, Gate, Place, network_of

ROOMY = Capacity(connections=10_000, per_network=10_000, strangers=10_000)


class Networks(SynchronousTestCase):
    """Which addresses belong together."""

    def test_networks(self) -> None:
        """IPv4 addresses do by 24 bits, IPv6 addresses by 56, and an IPv4 address inside IPv6 is IPv4."""
        for one, other, same in (
            ("192.0.2.1", "192.0.2.255", True),
            ("192.0.2.1", "192.0.3.1", False),
            ("2001:db8:0:ff00::1", "2001:db8:0:ffff::2", True),
            ("2001:db8:0:ff00::1", "2001:db8:1::1", False),
            ("::ffff:192.0.2.1", "192.0.2.7", True),
            ("fe80::1%eth0", "fe80::2%eth1", True),
            ("::1", "127.0.0.1", False),
            ("", "", True),
        ):
            self.assertEqual(network_of(one) == network_of(other), same, (one, other))


class GateCase(SynchronousTestCase):
    """A test with a gate whose chances are always the same."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.random_below: Callable[[int], int] = random.Random(1).randrange
        self.logged: list[str] = []
        observer = cast(ILogObserver, self._note)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.dropped: list[Place] = []

    def _note(self, event: LogEvent) -> None:
        if event.get("log_namespace") == "bankd.gate.Gate":
            self.logged.append(formatEvent(event))

    def gate(self, **changes: int) -> None:
        """Open a gate that is roomy but for ``changes``."""
        self.the_gate = Gate(replace(ROOMY, **changes), self.clock, self.random_below)

    def enter(self, host: str = "192.0.2.1") -> Place | None:
        """A connection that comes; where it is dropped that is noted, and it closes at once."""
        places: list[Place] = []

        def drop() -> None:
            self.dropped.append(places[0])
            self.the_gate.leave(places[0])

        place = self.the_gate.enter(host, drop)
        if place is not None:
            places.append(place)
        return place

    def come(self, count: int, host: str = "192.0.2.1") -> list[Place]:
        """Connections that all come in."""
        places = [self.enter(host) for _ in range(count)]
        return [place for place in places if place is not None]


class Strangers(GateCase):
    """Those who have not logged in."""

    def test_few(self) -> None:
        """Up to half of their limit nobody is dropped."""
        self.gate(strangers=100)
        self.come(51)
        self.assertEqual(self.dropped, [])

    def test_more(self) -> None:
        """From then on some are, more and more; all come in, and there are never more than the limit."""
        self.gate(strangers=100)
        self.come(70)
        early = len(self.dropped)
        self.assertTrue(0 < early < 10, early)
        self.come(1000)
        self.assertLess(1070 - len(self.dropped), 101)

    def test_every_chance(self) -> None:
        """At the limit every newcomer costs a stranger the place, whatever chance says."""
        self.random_below = lambda below: below - 1
        self.gate(strangers=4)
        self.come(4)
        self.assertEqual(self.dropped, [])
        self.come(1)
        self.assertEqual(len(self.dropped), 1)

    def test_who_logs_in(self) -> None:
        """Who has logged in, even twice, is dropped for no stranger, and has a place that strangers do not count."""
        self.gate(strangers=20)
        known = self.come(10)
        for place in (*known, known[0]):
            self.the_gate.admit(place)
        self.come(1000)
        self.assertFalse(set(known) & set(self.dropped))
        self.assertGreater(len(self.dropped), 900)

    def test_too_late(self) -> None:
        """Who logs in when already dropped stays dropped, and leaves no trace."""
        self.gate(strangers=2)
        self.come(10)
        for place in self.dropped:
            self.the_gate.admit(place)
        self.come(10)
        self.assertGreaterEqual(len(self.dropped), 17)

    def test_honest_log_ins(self) -> None:
        """A log-in that takes as long as 1,000 others take to come from anywhere succeeds nine times in ten."""
        self.gate(strangers=2000)
        anywhere = (f"10.{number // 256 % 256}.{number % 256}.1" for number in count())
        failed = 0
        for _ in range(6000):
            self.enter(next(anywhere))
        for _ in range(100):
            (honest,) = self.come(1)
            for _ in range(1000):
                self.enter(next(anywhere))
            if honest in self.dropped:
                failed += 1
            else:
                self.the_gate.admit(honest)
            self.dropped.clear()
        self.assertLessEqual(failed, 10)

    def test_crowded_networks_first(self) -> None:
        """Strangers from networks that have few are hardly ever dropped for a network that has many."""
        self.gate(strangers=200)
        lonely = [self.enter(f"10.{number}.0.1") for number in range(50)]
        self.come(5000, "192.0.2.1")
        self.assertLess(len(set(lonely) & set(self.dropped)), 15)


class Room(GateCase):
    """Connections in all, and of one network."""

    def test_full_of_strangers(self) -> None:
        """When all places are taken, each newcomer takes a stranger's."""
        self.gate(connections=10)
        self.assertEqual(len(self.come(15)), 15)
        self.assertEqual(len(self.dropped), 5)

    def test_full_of_customers(self) -> None:
        """When all who are there have logged in, newcomers are turned away until one of them leaves."""
        self.gate(connections=10)
        known = self.come(10)
        for place in known:
            self.the_gate.admit(place)
        self.assertIsNone(self.enter())
        self.the_gate.leave(known[3])
        self.assertIsNotNone(self.enter())
        self.assertEqual(self.dropped, [])

    def test_network(self) -> None:
        """A network that is full makes room among its own strangers only, and other networks have theirs."""
        self.gate(per_network=10)
        others = self.come(10, "203.0.113.1")
        places = self.come(12)
        self.assertEqual((len(places), len(self.dropped)), (12, 2))
        for place in set(places) - set(self.dropped):
            self.the_gate.admit(place)
        self.assertIsNone(self.enter("192.0.2.200"))
        self.assertIsNotNone(self.enter("192.0.3.1"))
        self.assertFalse(set(others) & set(self.dropped))

    def test_closing(self) -> None:
        """Connections that were dropped and are not closed yet count too, when there are many: each is a descriptor."""
        self.gate(connections=10)
        places = [self.the_gate.enter("192.0.2.1", lambda: None) for _ in range(10 + CLOSING + 5)]
        self.assertEqual([place is None for place in places], [False] * (10 + CLOSING) + [True] * 5)

    def test_all_leave(self) -> None:
        """When all have left, however they stood, everything is as in the beginning."""
        self.gate(connections=30, strangers=20)
        places = self.come(60)
        for place in places[::2]:
            self.the_gate.admit(place)
        for place in places:
            if place not in self.dropped:
                self.the_gate.leave(place)
        self.dropped.clear()
        self.come(10)
        self.assertEqual(self.dropped, [])
        self.assertEqual(len(self.the_gate._networks), 1)


class Telling(GateCase):
    """What an operator sees of it."""

    def test_begin_and_end(self) -> None:
        """One line tells when it begins to be crowded, and one, with the counts, when that is over."""
        self.gate(connections=10)
        self.come(15)
        self.assertEqual(self.logged, ["it is crowded: 10 connections of 1 networks, 9 strangers"])
        self.clock.advance(CALM_SECONDS)
        self.come(3)
        self.clock.advance(CALM_SECONDS)
        self.clock.advance(CALM_SECONDS)
        said = "it is crowded no more: 8 strangers were dropped, 0 newcomers turned away"
        self.assertEqual(self.logged[1:], [said])
        self.clock.advance(10 * CALM_SECONDS)
        self.assertEqual((len(self.logged), self.clock.getDelayedCalls()), (2, []))

    def test_again(self) -> None:
        """The next time is told again, with counts of its own."""
        self.gate(connections=1)
        for _ in range(2):
            self.come(2)
            self.clock.pump([CALM_SECONDS] * 2)
        self.assertIn("1 strangers were dropped", self.logged[1])
        self.assertIn("2 strangers were dropped", self.logged[3])

    def test_close(self) -> None:
        """A bank that stops tells what there is to tell, and leaves no timer."""
        self.gate(connections=1)
        self.the_gate.close()
        self.assertEqual(self.logged, [])
        (place,) = self.come(1)
        self.the_gate.admit(place)
        self.come(1)
        self.the_gate.close()
        self.assertIn("0 strangers were dropped, 1 newcomers turned away", self.logged[1])
        self.assertEqual(self.clock.getDelayedCalls(), [])


class Served(Protocol):
    """A protocol that keeps what it gets."""

    transport: Any

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.lost = 0

    def dataReceived(self, data: bytes) -> None:
        """Keep ``data``."""
        self.got.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Count it."""
        self.lost += 1


class Polite(Served):
    """A protocol that can say why it closes."""

    def dismiss(self, code: Code) -> None:
        """Say why."""
        self.transport.write(code.reason.encode())
        self.transport.loseConnection()


class Entrances(GateCase):
    """The way from a port to a protocol."""

    def factory(self, protocol: type[Served] = Served, **changes: int) -> GuardedFactory:
        """A guarded factory; the protocols that it makes are in ``made``."""
        self.gate(**changes)
        self.made: list[Any] = []
        inner: Any = Factory()
        inner.noisy = False
        inner.buildProtocol = lambda addr: self._make(protocol)
        self.inner = inner
        return GuardedFactory(self.the_gate, inner)

    def _make(self, protocol: type[Served]) -> Served:
        self.made.append(protocol())
        return cast(Served, self.made[-1])

    def connect(self, factory: GuardedFactory, address: Any = None) -> StringTransportWithDisconnection:
        """A connection that comes in by ``factory``."""
        address = address or IPv4Address("TCP", "192.0.2.1", 4711)
        protocol = factory.buildProtocol(address)
        assert protocol is not None
        transport = StringTransportWithDisconnection(peerAddress=address)
        transport.protocol = protocol
        protocol.makeConnection(transport)
        return transport

    def test_factory(self) -> None:
        """It is what a port expects, and the factory behind it is told when the port opens and closes."""
        factory = self.factory()
        verifyObject(IProtocolFactory, factory)
        factory.doStart()
        self.assertEqual(self.inner.numPorts, 1)
        factory.doStop()
        self.assertEqual(self.inner.numPorts, 0)

    def test_what_arrives(self) -> None:
        """A protocol gets TCP itself as its transport, what arrives there, and its end, once."""
        transport = self.connect(self.factory())
        (served,) = self.made
        self.assertIs(served.transport, transport)
        transport.protocol.dataReceived(b"hello")
        transport.loseConnection()
        self.assertEqual((served.got, served.lost), ([b"hello"], 1))
        self.assertFalse(hasattr(transport, "admit"))

    def test_dropped(self) -> None:
        """One that cannot say why it closes is cut off; the newcomer comes in."""
        factory = self.factory(connections=1)
        first, second = self.connect(factory), self.connect(factory)
        self.assertEqual((first.connected, second.connected), (False, True))
        self.assertEqual([served.lost for served in self.made], [1, 0])

    def test_dismissed(self) -> None:
        """One that can, says it."""
        factory = self.factory(Polite, connections=1)
        first, _ = self.connect(factory), self.connect(factory)
        self.assertEqual((first.value(), first.connected), (codes.CROWDED.reason.encode(), False))

    def test_logged_in(self) -> None:
        """Who has logged in stays, and the newcomer is turned away."""
        factory = self.factory(connections=1)
        first: Any = self.connect(factory)
        first.admit()
        self.assertIsNone(factory.buildProtocol(IPv6Address("TCP", "::1", 4711)))
        self.assertTrue(first.connected)
        self.assertEqual(len(self.made), 1)

    def test_nobody_is_served(self) -> None:
        """Where the factory wants no connection none takes a place."""
        factory = self.factory(connections=1)
        self.inner.buildProtocol = lambda addr: None
        for _ in range(3):
            self.assertIsNone(factory.buildProtocol(None))
        self.assertEqual(self.logged, [])
