"""The connections of BANK/1 that are open: made one by one, and closed together when the bank stops."""

from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory

from bankd.protocols.daybook import Daybook
from bankd.protocols.line import LineProtocol


class LineFactory(Factory):
    """Makes a protocol for each connection, and knows those that are open."""

    noisy = False

    def __init__(self, portal: Portal, clock: IReactorTime) -> None:
        self._portal = portal
        self._clock = clock
        self._daybook = Daybook(clock)
        self._opened: set[LineProtocol] = set()

    def buildProtocol(self, addr: object) -> LineProtocol:
        """The protocol for a new connection."""
        return LineProtocol(self._portal, self._clock, self._opened, self._daybook)

    def hang_up(self) -> Deferred[None]:
        """Close every connection once it has its answers; fires when all are closed."""
        for protocol in list(self._opened):
            protocol.stop()
        closed = [protocol.closed for protocol in self._opened]
        return DeferredList(closed).addCallback(lambda _: None)
