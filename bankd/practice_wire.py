"""A connection to a bank in the same process, for tests: what a peer sends and receives, without a network."""

import struct
from functools import partial
from typing import Any

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection

from bankd.protocols.line import LineProtocol


class Socket:
    """A UNIX socket as the kernel tells of it: a process of the system's user ``uid`` is at the other end."""

    def __init__(self, uid: int) -> None:
        self._uid = uid

    def getsockopt(self, _level: int, _option: int, _size: int) -> bytes:
        """Process, user and group."""
        return struct.pack("3i", 4711, self._uid, 100)


class Wire:
    """A connection to a practice bank, spoken by hand: lines without CRLF, as text.

    It comes from ``port``, or with ``uid`` is a UNIX socket with that user of the system at the other end.
    """

    def __init__(self, protocol: LineProtocol, port: int, clock: Clock, uid: int | None = None) -> None:
        self.protocol = protocol
        self._clock = clock
        address = IPv4Address("TCP", "192.0.2.1", port) if uid is None else UNIXAddress(None)
        transport: Any = StringTransportWithDisconnection(peerAddress=address)
        self.transport = transport
        if uid is not None:
            self.transport.getHandle = partial(Socket, uid)
        self.transport.protocol = protocol
        protocol.makeConnection(self.transport)
        self.greeting = self.received()

    @property
    def connected(self) -> bool:
        """Whether the bank has not closed the connection."""
        return bool(self.transport.connected)

    def send(self, *lines: str) -> None:
        """Send ``lines``."""
        self.send_octets("".join(line + "\r\n" for line in lines).encode())

    def send_octets(self, octets: bytes) -> None:
        """Send ``octets`` as they are."""
        self.protocol.dataReceived(octets)
        self._clock.advance(0)

    def received(self) -> list[str]:
        """The lines that have come since the last time."""
        octets: bytes = self.transport.value()
        self.transport.clear()
        return octets.decode().split("\r\n")[:-1]

    def ask(self, *lines: str) -> list[str]:
        """Send ``lines``, and give what comes back."""
        self.send(*lines)
        return self.received()

    def drop(self) -> None:
        """Go away without a word."""
        self.transport.abortConnection()
