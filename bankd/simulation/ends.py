"""The two ends of a connection in a simulated world, and what is on its way between them.

1. What is written at one end arrives at the other in order, in pieces and after times that chance chooses; or, when the
   connection is cut or goes dead, no further than its fate lets it.
2. An end that does not read has a window of WINDOW octets; then who writes to it is told to pause.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, IPushProducer, ITCPTransport
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from bankd.practice_wire import Socket
from bankd.simulation.weather import Fate
from bankd.simulation.world import World

WINDOW = 2**16
"""Octets that may be on their way to an end that does not read them."""

MOST_PIECES = 3
"""In how many pieces one write may arrive."""

ALL_OR_NOTHING = 0.1
"""Of what is cut nothing arrives in such a share of all cases, and in another all of it."""


@implementer(ITCPTransport, IConsumer, IPushProducer)
class End:
    """One end of a connection: the transport of the protocol there."""

    log = Logger()
    other: "End"

    def __init__(self, network: Any, host: Any, here: Any, there: Any, fate: Fate) -> None:
        self.host = host
        self.fate = fate
        self.gone = False  # its protocol has been told, or is dead
        self.disconnecting = False
        self._network = network
        self._world: World = network.world
        self._here, self._there = here, there
        self._protocol: Any = None
        self._producer: Any = None
        self._held_up = False
        self._reading = True
        self._arrived: deque[bytes] = deque()
        self._unread = 0
        self._end: Failure | None = None
        self._last_arrival = 0.0

    def begin(self, protocol: Any) -> None:
        """Connect the protocol of this end."""
        self._protocol = protocol
        protocol.makeConnection(self)

    # What protocols ask of a transport.

    def write(self, data: bytes) -> None:
        """Send ``data``."""
        if self.gone or self.disconnecting or not data or not self.host.alive:
            return
        self._carry(bytes(data))

    def writeSequence(self, iovec: Any) -> None:
        """Send all of it."""
        self.write(b"".join(iovec))

    def loseConnection(self) -> None:
        """Close when a producer that is registered has ended."""
        if not self.disconnecting:
            self.disconnecting = True
            if self._producer is None:
                self._close(ConnectionDone())

    def abortConnection(self) -> None:
        """Close at once."""
        self.disconnecting = True
        self._close(ConnectionAborted(), ConnectionLost())

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Have a producer paused and resumed."""
        if self.gone:
            producer.stopProducing()
            return
        self._producer = producer
        if self._held_up:
            producer.pauseProducing()

    def unregisterProducer(self) -> None:
        """Forget the producer."""
        self._producer = None
        if self.disconnecting and not self.gone:
            self._close(ConnectionDone())

    def pauseProducing(self) -> None:
        """Deliver nothing."""
        self._reading = False

    def resumeProducing(self) -> None:
        """Deliver what has arrived, and what will."""
        if not self._reading:
            self._reading = True
            self._later(0.0, self._deliver)

    def stopProducing(self) -> None:
        """Close."""
        self.loseConnection()

    def getPeer(self) -> Any:
        """Where the other end is."""
        return self._there

    def getHost(self) -> Any:
        """Where this end is."""
        return self._here

    def getHandle(self) -> Socket:
        """What the system tells of a UNIX socket: the other end is the bank's owner."""
        return Socket(0)

    def setTcpNoDelay(self, enabled: bool) -> None:
        """There is nothing to delay."""

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """A dead connection is found by nobody."""

    def getTcpNoDelay(self) -> bool:
        """Nothing is delayed for others to join it."""
        return True

    def getTcpKeepAlive(self) -> bool:
        """Nothing is asked of a silent peer."""
        return False

    def loseWriteConnection(self) -> None:
        """Close."""
        self.loseConnection()

    # What the other end, and the network, make of it.

    def hear_end(self, why: Failure) -> None:
        """The other end has closed: that is heard after all that it sent."""
        self._later(self._delay(), lambda: self._take_end(why))

    def _carry(self, octets: bytes) -> None:
        """Bring what was written to the other end, piece by piece, as far as fate lets it."""
        if self.fate.is_dead:
            self._take_room(len(octets))
            return
        if self.fate.counts():
            self._carry_last(octets)
            return
        self._take_room(len(octets))
        chance, before = self._world.chance, 0
        for share in sorted(chance.random() for _ in range(chance.randrange(MOST_PIECES))):
            after = _part(octets, share)
            self.other._come(octets[before:after], self._delay())
            before = after
        self.other._come(octets[before:], self._delay())

    def _carry_last(self, octets: bytes) -> None:
        """Bring as much of what was written to the other end as fate lets it, and nothing after it."""
        fate, share = self.fate, self.fate.share
        self._world.note(f"{self.host.name} to {self.other.host.name}: {'cut' if fate.cuts else 'dead'}")
        self.other._come(octets[: 0 if share < ALL_OR_NOTHING else _part(octets, share)], self._delay())
        fate.is_dead = True
        if fate.cuts:
            for end in (self, self.other):
                end.hear_end(Failure(ConnectionLost()))

    def _delay(self) -> float:
        """How long a piece takes, in seconds: seldom much longer than usual."""
        chance = self._world.chance
        slow: float = self._network.weather.slow_seconds
        return chance.random() * slow * (10 if chance.random() < 0.02 else 1)

    def _come(self, octets: bytes, delay: float) -> None:
        self._later(delay, lambda: self._arrive(octets))

    def _later(self, delay: float, do: Callable[[], object]) -> None:
        """Have something happen at this end, after all that was to happen there."""
        self._last_arrival = max(self._last_arrival, self._world.now + delay)
        self._world.put_down(self._last_arrival - self._world.now, do)

    def _arrive(self, octets: bytes) -> None:
        if octets and not self.gone:
            self._arrived.append(octets)
            self._deliver()

    def _deliver(self) -> None:
        while self._arrived and self._reading and not self.gone:
            octets = self._arrived.popleft()
            self.other._give_room(len(octets))
            try:
                self._protocol.dataReceived(octets)
            except Exception:  # as reactors do
                self.log.failure("a protocol failed on {host}", host=self.host.name)
                self._finish(Failure())
        if self._end is not None and not self._arrived and self._reading:
            self._finish(self._end)

    def _take_end(self, why: Failure) -> None:
        self._end = why
        if why.check(ConnectionLost) and not self.gone:
            self._finish(why)
        else:
            self._deliver()

    def _take_room(self, octets: int) -> None:
        """So much more is on the way to the other end."""
        self._unread += octets
        if self._unread > WINDOW and not self._held_up:
            self._held_up = True
            if self._producer is not None:
                self._producer.pauseProducing()

    def _give_room(self, octets: int) -> None:
        """The other end has read so much."""
        self._unread -= octets
        if self._held_up and self._unread <= WINDOW // 2:
            self._held_up = False
            if self._producer is not None and not self.gone:
                self._producer.resumeProducing()

    def _close(self, why: Exception, told: Exception | None = None) -> None:
        """This end closes; the other one hears of it, where anything reaches it."""
        if self.gone or self._end is not None:
            return
        self._end = Failure(why)
        if not self.fate.is_dead:
            self.other.hear_end(Failure(told or ConnectionDone()))
        self._world.put_down(0.0, lambda: self._finish(Failure(why)))

    def _finish(self, why: Failure) -> None:
        """Tell the protocol that it is over, once."""
        if self.gone:
            return
        self.gone = True
        self._network.drop(self)
        if not self.host.alive:
            return
        producer, self._producer = self._producer, None
        if producer is not None and not self.disconnecting:
            producer.stopProducing()
        if not self.fate.is_dead:
            self.other.hear_end(Failure(ConnectionDone() if why.check(ConnectionDone) else ConnectionLost()))
        self._protocol.connectionLost(why)


def _part(octets: bytes, share: float) -> int:
    """How many of ``octets`` are about this share of them: neither none nor, but for large shares, all.

    The lengths of signatures differ by an octet or two from run to run: nothing else may come of that.
    """
    return len(octets) if share > 1 - ALL_OR_NOTHING else 1 + int((len(octets) - 2) * share)
