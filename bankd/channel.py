"""TLS under a protocol: the bank's end of a connection, between a TCP transport and the protocol that is served.

1. Octets do not wait in TLS: what it has to send goes to TCP at once, and what TCP brings is read at once, unless the
   protocol has paused; then TCP is not read from either.
2. The protocol is connected before the handshake, so that its own timers are a stranger's limit. What it writes waits
   for the handshake, and a producer that it registers is paused until then.
3. What is written in one turn of the reactor goes out together, in as few records of TLS as it fits.
4. After ``loseConnection`` the protocol gets no more octets. Everything written goes out, then close_notify (RFC 8446,
   section 6.1), then TCP closes when the peer has closed as well, or after CLOSING_SECONDS.
5. A peer that breaks TLS gets the alert that TLS has for it and is closed; nothing of that is a fault to be logged.

Left out, as nothing here needs them: the client's end, STARTTLS, ALPN, closing one direction only, TCP's options. It is
none of Twisted's wrappers: their ``__getattr__`` leads past TLS, and makes every look-up of an attribute slower.
"""

import ssl
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, cast

from cryptography.x509 import Certificate
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IAddress, IConsumer, IDelayedCall, IPushProducer, IReactorTime, ITransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from bankd.outlet import Outlet
from bankd.tls import Session

TOGETHER = 2**16
"""Octets written in one turn that are sent without waiting for its end, so that TCP can stop a producer."""

MAX_UNASKED = 2**16
"""Octets that TLS may say of its own accord after the handshake: 2,400 changes of keys. More is an attack."""

CLOSING_SECONDS = 30
"""How long a peer may take to read what is left and to close its end; protocols with less patience abort."""


class Stage(Enum):
    """How far a channel is."""

    HANDSHAKE = "what the protocol writes waits"
    OPEN = "octets go in and out"
    CLOSING = "we have closed our end, and wait for the peer to close its own"
    CLOSED = "nothing goes in or out"


HANDSHAKE, OPEN, CLOSING, CLOSED = Stage  # by a name of its own each is found five times as fast


@implementer(ITransport, IConsumer, IPushProducer)
class Channel(Protocol):
    """One connection. ``call_soon`` is to have it ``work`` before the turn of the reactor is over."""

    transport: Any

    def __init__(
        self, context: ssl.SSLContext, clock: IReactorTime, call_soon: Callable[["Channel"], None], protocol: Any
    ) -> None:
        self.protocol = protocol
        self.disconnecting = False
        self._clock = clock
        self._call_soon = call_soon
        self._tls = Session(context)
        self._stage = HANDSHAKE
        self._unsent: list[bytes] = []
        self._unsent_octets = self._unasked_octets = 0
        self._gathering = self._paused = False
        self._producer: Any = None
        self._reason: Failure | None = None
        self._patience: IDelayedCall | None = None

    # As the protocol over TCP.

    def connectionMade(self) -> None:
        """Connect the protocol; TLS is to follow."""
        self._outlet = Outlet(self.transport)
        self.protocol.makeConnection(self)

    def dataReceived(self, data: bytes) -> None:
        """Go on with the handshake, or deliver what is in ``data``."""
        if self._stage is CLOSED:
            return
        self._tls.incoming.write(data)
        if self._stage is HANDSHAKE:
            self._shake_hands()
        elif not self._paused:
            self._receive()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Tell the protocol why: what ended TLS, or else TCP; a peer that just stops did not close, but was lost."""
        if self._stage in (HANDSHAKE, OPEN) and reason.check(ConnectionDone):
            reason = Failure(ConnectionLost("the peer did not close TLS"))
        reason, self._reason = self._reason or reason, None
        self._shut()
        if self._patience is not None and self._patience.active():
            self._patience.cancel()
        protocol, self.protocol, self._producer, self._patience = self.protocol, None, None, None  # they know us
        protocol.connectionLost(reason)

    # As the protocol's transport.

    def getPeer(self) -> IAddress:
        """Where the connection comes from."""
        return cast(IAddress, self.transport.getPeer())

    def getHost(self) -> IAddress:
        """Where it came to."""
        return cast(IAddress, self.transport.getHost())

    def getPeerCertificate(self) -> Certificate | None:
        """The certificate that the peer has proved to be its own; None before that, and if it was not asked for one."""
        return None if self._stage is HANDSHAKE else self._tls.peer_certificate()

    def write(self, data: bytes) -> None:
        """Send ``data``, at the latest when the turn of the reactor ends; dropped once the connection is closing."""
        if self._stage is CLOSED or (self.disconnecting and self._producer is None):
            return
        if type(data) is not bytes:
            data = bytes(memoryview(data))  # a copy, since the caller may change it; a TypeError for text
        if not data:
            return
        self._unsent.append(data)
        self._unsent_octets += len(data)
        if self._stage is HANDSHAKE:
            return
        if self._unsent_octets > TOGETHER:
            self._send()
        elif not self._gathering:
            self._gathering = True
            self._call_soon(self)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send all of ``data``."""
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """Close when all that was written is sent; a producer that is registered may go on until it is done."""
        if self.disconnecting:
            return
        self.disconnecting = True
        if self._producer is None:
            self._close()

    def abortConnection(self) -> None:
        """Cut the connection, whatever is under way."""
        self._shut()
        self.transport.abortConnection()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Have ``producer`` write as fast as the peer reads, from the end of the handshake on."""
        if self._stage is CLOSED:
            producer.stopProducing()
            return
        self.transport.registerProducer(producer, streaming)
        self._producer = producer
        if streaming and self._stage is HANDSHAKE:
            producer.pauseProducing()

    def unregisterProducer(self) -> None:
        """Forget the producer."""
        if self._producer is not None:
            self._producer = None
            self.transport.unregisterProducer()
            if self.disconnecting and self._stage in (HANDSHAKE, OPEN):
                self._close()

    def pauseProducing(self) -> None:
        """Deliver nothing until told to, and read nothing once the handshake is done."""
        if self._stage in (HANDSHAKE, OPEN):
            self._paused = True
            if self._stage is OPEN:
                self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Deliver again; what has arrived meanwhile, in this turn of the reactor but not at once."""
        if self._paused:
            self._paused = False
            self.transport.resumeProducing()
            if self._tls.incoming.pending:
                self._call_soon(self)

    def stopProducing(self) -> None:
        """Close."""
        self.loseConnection()

    # Between the two.

    def work(self) -> None:
        """Do what has waited for the end of a turn: deliver what had arrived, and send what was written."""
        self._gathering = False
        if self._stage is OPEN:
            if self._tls.incoming.pending and not self._paused:
                self._receive()
            else:
                self._send()

    def _shake_hands(self) -> None:
        try:
            done = self._tls.shake_hands()
        except ssl.SSLError as error:
            self._end(error)
            return
        self._flush()
        if not done:
            return
        self._stage = OPEN
        if self._producer is not None:
            self._producer.resumeProducing()
        self._send()
        if self.disconnecting and self._producer is None:
            self._close()
        elif self._paused:
            self.transport.pauseProducing()
        elif self._tls.incoming.pending:
            self._receive()

    def _receive(self) -> None:
        """Deliver what has arrived, all of it at once, and send what the protocol answers to it."""
        octets, end = self._tls.read()
        if octets and not self.disconnecting:
            self._gathering = True
            try:
                self.protocol.dataReceived(octets)
            finally:
                self._gathering = False
        if end is not None:
            self._end(end)
        elif self._unsent:
            self._send()
        elif self._tls.outgoing.pending:
            self._flush()

    def _send(self) -> None:
        if self._unsent and self._stage is OPEN:
            octets = b"".join(self._unsent)
            self._unsent.clear()
            self._unsent_octets = 0
            self._outlet.put(self._tls.write(octets))

    def _flush(self) -> None:
        """Send what TLS has to say of its own accord; who makes it talk without end is cut off."""
        octets = self._tls.outgoing.read()
        if self._stage is not HANDSHAKE:
            self._unasked_octets += len(octets)
        if self._unasked_octets > MAX_UNASKED:
            self.abortConnection()
        elif octets:
            self._outlet.put(octets)

    def _close(self) -> None:
        """Send what is left and close our end; then the peer's close_notify is all that is waited for."""
        self._be_patient()
        if self._stage is HANDSHAKE and not self._unsent:  # or else what is left goes out after the handshake
            self._shut()
            self.transport.loseConnection()
        if self._stage is not OPEN:
            return
        _, end = self._tls.read()  # what the protocol had not got when it closed is dropped
        if end is not None:
            self._end(end)
            return
        self._send()
        self._tls.close()
        self._stage = CLOSING
        self._flush()
        if self._paused:
            self._paused = False
            self.transport.resumeProducing()

    def _end(self, end: ssl.SSLError) -> None:
        """Close TCP when it has sent the rest: the peer has closed, or broken TLS."""
        if self._stage is CLOSED:
            return
        closed = isinstance(end, ssl.SSLZeroReturnError)
        if closed and self._stage is OPEN:
            self._send()
            self._tls.close()
        self._flush()
        self._reason = Failure(ConnectionDone() if closed else end)
        producer, self._producer = self._producer, None
        self._shut()
        if producer is not None:
            self.transport.unregisterProducer()  # or TCP would wait for it
            producer.stopProducing()
        self._be_patient()
        self.transport.loseConnection()

    def _be_patient(self) -> None:
        """Give the peer CLOSING_SECONDS from now, if it has not been given them before."""
        if self._patience is None:
            self._patience = self._clock.callLater(CLOSING_SECONDS, self.abortConnection)

    def _shut(self) -> None:
        """Let nothing more in or out."""
        self._stage = CLOSED
        self.disconnecting = True
        self._paused = False
