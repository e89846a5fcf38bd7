"""TLS under a protocol, by the standard library: the server's end, between a TCP transport and the protocol served.

1. Octets go through two ``ssl.MemoryBIO`` and do not wait in them: what TLS has to send goes to TCP at once, and what
   TCP brings is decrypted at once unless the protocol has paused; then TCP is not read from either.
2. The protocol is connected before the handshake, so that its own timers are a stranger's limit. What it writes waits
   for the handshake, and a producer that it registers is paused until then.
3. What is written in one turn of the reactor goes out together, in as few TLS records as it fits.
4. After ``loseConnection`` the protocol gets no more octets. Everything written goes out, then close_notify (RFC 8446,
   section 6.1), then TCP closes when the peer has closed as well, or after CLOSING_SECONDS.
5. A peer that breaks TLS gets the alert that TLS has for it and is closed; nothing of that is a fault to be logged.

Left out, because nothing here needs them: the client's end, STARTTLS, ALPN, closing one direction only.
"""

import ssl
from collections.abc import Iterable
from contextlib import suppress
from enum import Enum
from typing import Any

from cryptography import x509
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IDelayedCall, IProtocol
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure

RECORD = 2**14
"""The most octets in a record of TLS (RFC 8446, section 5.1); so one read takes a whole one."""

TOGETHER = 2**16
"""Octets written in one turn that are sent without waiting for its end, so that TCP can stop a producer."""

CLOSING_SECONDS = 30
"""How long a peer may take to read what is left and to close its end; protocols with less patience abort."""


class Stage(Enum):
    """How far a channel is."""

    HANDSHAKE = "octets of the protocol wait"
    OPEN = "octets go in and out"
    CLOSING = "we have closed our end, and wait for the peer to close its own"
    CLOSED = "nothing goes in or out"


class Channel(ProtocolWrapper):
    """One connection: a protocol for the TCP transport, and the transport of the protocol that is served."""

    factory: Any
    transport: Any
    wrappedProtocol: Any

    def __init__(self, factory: Any, wrapped: IProtocol) -> None:
        super().__init__(factory, wrapped)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = factory.context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._stage = Stage.HANDSHAKE
        self._unsent: list[bytes] = []
        self._unsent_octets = 0
        self._gathering = False
        self._paused = False
        self._producer: Any = None
        self._reason: Failure | None = None
        self._patience: IDelayedCall | None = None

    # As the protocol over TCP.

    def dataReceived(self, data: bytes) -> None:
        """Go on with the handshake, or deliver what is in ``data``."""
        if self._stage is Stage.CLOSED:
            return
        self._incoming.write(data)
        if self._stage is Stage.HANDSHAKE:
            self._shake_hands()
        elif not self._paused:
            self._receive()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Tell the protocol why: what ended TLS, or else TCP; a peer that just stops did not close, but was lost."""
        if self._stage in (Stage.HANDSHAKE, Stage.OPEN) and reason.check(ConnectionDone):
            reason = Failure(ConnectionLost("the peer did not close TLS"))
        reason, self._reason = self._reason or reason, None
        self._shut()
        if self._patience is not None and self._patience.active():
            self._patience.cancel()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    # As the protocol's transport.

    def write(self, data: bytes) -> None:
        """Send ``data``, at the latest when the turn of the reactor ends; dropped once the connection is closing."""
        if self._stage is Stage.CLOSED or (self.disconnecting and self._producer is None):
            return
        if type(data) is not bytes:
            data = bytes(memoryview(data))  # a copy, since the caller may change it; a TypeError for text
        if not data:
            return
        self._unsent.append(data)
        self._unsent_octets += len(data)
        if self._stage is Stage.HANDSHAKE:
            return
        if self._unsent_octets > TOGETHER:
            self._send()
        elif not self._gathering:
            self._gathering = True
            self.factory.call_soon(self)

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
        if self._producer is not None:
            raise RuntimeError(f"{producer} cannot be registered: {self._producer} still is")
        if self._stage is Stage.CLOSED:
            producer.stopProducing()
            return
        self._producer = producer
        self.transport.registerProducer(producer, streaming)
        if streaming and self._stage is Stage.HANDSHAKE:
            producer.pauseProducing()

    def unregisterProducer(self) -> None:
        """Forget the producer."""
        self._producer = None
        self.transport.unregisterProducer()
        if self.disconnecting and self._stage in (Stage.HANDSHAKE, Stage.OPEN):
            self._close()

    def stopConsuming(self) -> None:
        """Forget the producer, and close."""
        self.unregisterProducer()
        self.loseConnection()

    def pauseProducing(self) -> None:
        """Deliver nothing until told to, and read nothing once the handshake is done."""
        if self._stage in (Stage.HANDSHAKE, Stage.OPEN):
            self._paused = True
            if self._stage is Stage.OPEN:
                self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Deliver again; what has arrived meanwhile, in this turn of the reactor but not at once."""
        if not self._paused:
            return
        self._paused = False
        self.transport.resumeProducing()
        if self._incoming.pending:
            self.factory.call_soon(self)

    def stopProducing(self) -> None:
        """Close."""
        self.loseConnection()

    def getPeerCertificate(self) -> x509.Certificate | None:
        """The certificate that the peer has proved to be its own, if the context asked for one. None before that."""
        der = None if self._stage is Stage.HANDSHAKE else self._tls.getpeercert(binary_form=True)
        return None if der is None else x509.load_der_x509_certificate(der)

    # Between the two.

    def work(self) -> None:
        """Do what has waited for the end of a turn: deliver what had arrived, and send what was written."""
        self._gathering = False
        if self._stage is Stage.OPEN:
            if self._incoming.pending and not self._paused:
                self._receive()
            else:
                self._send()

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._send()
            return
        except ssl.SSLError as error:
            self._end(Failure(error))
            return
        self._stage = Stage.OPEN
        if self._producer is not None:
            self._producer.resumeProducing()
        self._send()
        if self.disconnecting and self._producer is None:
            self._close()
        if self._paused:
            self.transport.pauseProducing()
        elif self._incoming.pending:
            self._receive()

    def _receive(self) -> None:
        """Deliver what has arrived, all of it at once, and send what the protocol answers to it."""
        octets, end = self._decrypt()
        if octets and not self.disconnecting:
            self._gathering = True
            try:
                self.wrappedProtocol.dataReceived(octets)
            finally:
                self._gathering = False
        self._send()
        if end is not None:
            self._end(end)

    def _decrypt(self) -> tuple[bytes, Failure | None]:
        """The octets that have arrived, and what ended them, if anything did."""
        read, incoming = self._tls.read, self._incoming
        records: list[bytes] = []
        end = None
        try:
            while octets := read(RECORD):
                records.append(octets)
                if not incoming.pending:  # spares the exception that says that there is no more
                    break
            else:
                end = Failure(ConnectionDone())
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:  # instead of no octets, once our own end is closed
            end = Failure(ConnectionDone())
        except ssl.SSLError as error:
            end = Failure(error)
        return b"".join(records), end

    def _send(self) -> None:
        """Send what was written, and whatever TLS itself has to say."""
        if self._unsent and self._stage is Stage.OPEN:
            octets = b"".join(self._unsent)
            self._unsent.clear()
            self._unsent_octets = 0
            self._tls.write(octets)
        if self._outgoing.pending and self._stage is not Stage.CLOSED:
            self.transport.write(self._outgoing.read())

    def _close(self) -> None:
        """Send what is left and close our end; then the peer's close_notify is all that is waited for."""
        self._be_patient()
        if self._stage is not Stage.OPEN:
            return
        _, end = self._decrypt()  # TLS does not close over octets that it has not read
        if end is not None:
            self._end(end)
            return
        self._send()
        self._close_our_end()
        self._stage = Stage.CLOSING
        if self._paused:
            self._paused = False
            self.transport.resumeProducing()

    def _end(self, reason: Failure) -> None:
        """Close TCP when it has sent the rest: ``reason`` is the peer's close_notify or its breach of TLS."""
        if self._stage is Stage.CLOSED:
            return
        self._reason = reason
        if not reason.check(ConnectionDone):
            self._unsent.clear()  # a TLS that is broken takes no more
            self._send()  # its alert
        elif self._stage is Stage.OPEN:
            self._send()
            self._close_our_end()
        if self._producer is not None:
            self.transport.unregisterProducer()  # or TCP would wait for it
            self._producer.stopProducing()
        self._shut()
        self._be_patient()
        self.transport.loseConnection()

    def _close_our_end(self) -> None:
        with suppress(ssl.SSLWantReadError):  # wants the peer's close_notify, which we do not wait for here
            self._tls.unwrap()
        self._send()

    def _be_patient(self) -> None:
        """Give the peer CLOSING_SECONDS from now, if it has not been given them before."""
        if self._patience is None:
            self._patience = self.factory.clock.callLater(CLOSING_SECONDS, self.abortConnection)

    def _shut(self) -> None:
        """Let nothing more in or out."""
        self._stage = Stage.CLOSED
        self.disconnecting = True
        self._unsent.clear()
        self._producer = None
