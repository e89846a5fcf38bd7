"""Who is at the other end of a connection, as far as the connection itself tells."""

from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from zope.interface import implementer

from bankd.credentials import Origin
from bankd.ibank import IMind


@implementer(IMind)
class Peer:
    """The peer of ``transport``: ``host`` is its address, ``label`` what the log calls it."""

    def __init__(self, transport: Any) -> None:
        address = transport.getPeer()
        self.host: str = getattr(address, "host", "")
        self.label = f"{self.host}:{address.port}" if self.host else "local"
        self._transport = transport

    @property
    def certificate(self) -> str | None:
        """SHA-256, in hex, of the certificate (in DER) that the peer has proved to be its own; None without one.

        Only after the TLS handshake it is known.
        """
        proved = getattr(self._transport, "getPeerCertificate", lambda: None)()
        return proved.fingerprint(SHA256()).hex() if proved is not None else None

    def admit(self) -> None:
        """The peer has logged in; the gate, if it came by one, is not to take it for a stranger any more."""
        getattr(self._transport, "admit", lambda: None)()

    @property
    def origin(self) -> Origin:
        """Where what the peer sends comes from, for whoever judges its credentials."""
        return Origin(self.host, self.certificate)
