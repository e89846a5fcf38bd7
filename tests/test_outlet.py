"""The way out of a connection: everything put goes out once and in order, whatever the system takes."""

from twisted.internet.interfaces import ISystemHandle
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from bankd.outlet import Outlet


class Socket:
    """A socket that takes so many octets at a time, then none; ``broken`` makes it fail."""

    def __init__(self, *takes: int) -> None:
        self.taken = b""
        self.broken = False
        self._takes = list(takes)

    def send(self, octets: bytes) -> int:
        """Take some."""
        if self.broken or not self._takes:
            raise BlockingIOError
        count = min(self._takes.pop(0), len(octets))
        self.taken += octets[:count]
        return count


@implementer(ISystemHandle)
class Transport(StringTransport):
    """A transport over a socket."""

    def __init__(self, socket: Socket) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._socket = socket

    def getHandle(self) -> Socket:
        """The socket."""
        return self._socket


class Outlets(SynchronousTestCase):
    """What goes where."""

    def test_at_once(self) -> None:
        """What the system takes never waits in the transport."""
        socket = Socket(99, 99)
        transport = Transport(socket)
        outlet = Outlet(transport)
        for octets in (b"one", b"two"):
            outlet.put(octets)
        self.assertEqual((socket.taken, transport.value()), (b"onetwo", b""))

    def test_in_part(self) -> None:
        """The rest of what the system took in part goes by the transport, and all that comes after."""
        socket = Socket(99, 2, 99)
        transport = Transport(socket)
        outlet = Outlet(transport)
        for octets in (b"one", b"two", b"three"):
            outlet.put(octets)
        self.assertEqual((socket.taken, transport.value()), (b"onetw", b"othree"))

    def test_not_at_all(self) -> None:
        """A socket that fails, or that takes nothing now, leaves everything to the transport."""
        socket = Socket(99)
        socket.broken = True
        transport = Transport(socket)
        Outlet(transport).put(b"one")
        self.assertEqual((socket.taken, transport.value()), (b"", b"one"))

    def test_no_socket(self) -> None:
        """A transport without a socket is written to."""
        transport = StringTransport()
        Outlet(transport).put(b"one")
        self.assertEqual(transport.value(), b"one")
