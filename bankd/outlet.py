"""The way out of a connection: to the system at once where that is possible, by the reactor's next turn where not.

A transport of Twisted's keeps what it is given until the reactor finds that the system will take it, which costs two
calls of the system and a turn each time. But the system nearly always takes it at once.
"""

from typing import Any

from twisted.internet.interfaces import ISystemHandle


class Outlet:
    """The way out by ``transport``, which nothing else writes to.

    A peer that once did not read as fast as it was sent is sent to by the transport from then on, in order and with its
    back-pressure.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._socket: Any = transport.getHandle() if ISystemHandle.providedBy(transport) else None

    def put(self, octets: bytes) -> None:
        """Send ``octets`` after all that were put before."""
        if self._socket is not None:
            try:
                sent = self._socket.send(octets)
            except OSError:
                sent = 0  # the transport will meet it again, and knows what it means
            if sent == len(octets):
                return
            self._socket, octets = None, octets[sent:]
        self._transport.write(octets)
