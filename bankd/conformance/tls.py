"""The server that is graded, over TLS: how it is reached, and who has to have signed its certificate."""

import socket
import ssl
from pathlib import Path

from bankd.client.address import Address
from bankd.conformance.candidate import Candidate

HOST_NAMES = (62, 64)
"""OpenSSL's numbers for a certificate that is right and bears another name, or another IP address."""


class BadAuthorities(Exception):
    """The file of who signs the server's certificate cannot be used; the message names it."""


class TlsStream:
    """A connection by TLS over TCP, on which nothing is waited for longer than ``patience_seconds``."""

    def __init__(self, address: Address, context: ssl.SSLContext, patience_seconds: float) -> None:
        plain = socket.create_connection((address.host, address.port), patience_seconds)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._socket = context.wrap_socket(plain, server_hostname=address.host)
        except BaseException:
            plain.close()
            raise

    def send(self, octets: bytes) -> None:
        """See ``Stream.send``."""
        try:
            self._socket.sendall(octets)
        except OSError:
            return  # what the server said before it closed is still to be read

    def receive(self) -> bytes:
        """See ``Stream.receive``. A connection that is cut has ended as well."""
        try:
            return self._socket.recv(65536)
        except TimeoutError:
            raise
        except OSError:
            return b""

    def close(self) -> None:
        """See ``Stream.close``."""
        self._socket.close()


def by_tls(address: Address, authorities: Path | None, patience_seconds: float) -> Candidate:
    """The server at ``address``, whose certificate is signed by ``authorities``. Raises BadAuthorities."""
    try:
        context, old = (ssl.create_default_context(cafile=authorities) for _ in range(2))
    except ssl.SSLError:
        raise BadAuthorities(f"{authorities} holds no certificate in PEM form") from None
    except OSError as error:
        raise BadAuthorities(f"{authorities} cannot be read: {error.strerror}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    return Candidate(
        lambda: TlsStream(address, context, patience_seconds),
        lambda: TlsStream(address, old, patience_seconds).close(),
    )


def why_unreached(error: OSError, authorities: Path | None) -> str:
    """Why no connection came about, and what could help."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in HOST_NAMES:
            return f"its certificate is for another host: {error.verify_message}"
        who = f"{authorities} has not who signed it" if authorities else "name who signed it by --ca FILE"
        return f"its certificate cannot be verified ({error.verify_message}): {who}"
    if isinstance(error, ssl.SSLError):
        return f"it does not speak TLS 1.3: {getattr(error, 'reason', None) or error}"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(error, socket.gaierror):
        return f"there is no such host: {error.strerror}"
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    return str(error)
