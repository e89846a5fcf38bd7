"""Who is at the other end of a connection, as far as the connection itself tells."""

import socket
import struct
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from twisted.internet.address import UNIXAddress
from zope.interface import implementer

from bankd.codes import Code
from bankd.credentials import Origin
from bankd.ibank import IMind

_CREDENTIALS = struct.Struct("3i")
"""Linux's ``struct ucred``: process, user and group (unix(7), SO_PEERCRED)."""


@implementer(IMind)
class Peer:
    """The peer of ``transport``: ``host`` is its address, ``label`` what the log calls it.

    ``uid`` is the system's user at the other end of a UNIX socket, as it was when that connected; None on any other.
    """

    def __init__(self, transport: Any, dismiss: Callable[[Code], None]) -> None:
        address = transport.getPeer()
        self.host: str = getattr(address, "host", "")
        self.uid: int | None = None
        self.label = f"{self.host}:{address.port}" if self.host else "local"
        if isinstance(address, UNIXAddress):
            pid, self.uid, _ = _CREDENTIALS.unpack(_credentials(transport))
            self.label = f"uid {self.uid} (process {pid})"
        self._transport = transport
        self._dismiss = dismiss

    @property
    def certificate(self) -> str | None:
        """SHA-256, in hex, of the certificate (in DER) that the peer has proved to be its own; None without one.

        Only after the TLS handshake it is known.
        """
        proved = getattr(self._transport, "getPeerCertificate", lambda: None)()
        return proved.fingerprint(SHA256()).hex() if proved is not None else None

    def dismiss(self, code: Code) -> None:
        """Close the connection, after saying why."""
        self._dismiss(code)

    def admit(self) -> None:
        """The peer has logged in; the gate, if it came by one, is not to take it for a stranger any more."""
        getattr(self._transport, "admit", lambda: None)()

    @property
    def origin(self) -> Origin:
        """Where what the peer sends comes from, for whoever judges its credentials."""
        return Origin(self.host, self.certificate, uid=self.uid)


def _credentials(transport: Any) -> bytes:
    """What the kernel says of who made the connection."""
    told: bytes = transport.getHandle().getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return told
