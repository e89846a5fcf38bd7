"""TLS for the bank's side of a connection, without a socket: version 1.3 and nothing older (RFC 8446)."""

import ssl
from contextlib import suppress
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

RECORD = 2**14
"""The most octets in a record (RFC 8446, section 5.1); asked for so many, ``read`` gives a whole one."""


class Unusable(Exception):
    """A certificate or key that cannot be served with; the message names the file."""


def server_context(certificate: Path, key: Path, terminals: Path | None = None) -> ssl.SSLContext:
    """A context to serve with the chain in ``certificate`` (PEM, the leaf first) and its ``key``.

    Where ``terminals`` names the authority that signs terminals' certificates, a client may show one, and one by
    anybody else ends the handshake; otherwise clients are not asked. Raises OSError when a file cannot be read, and
    Unusable when it is of no use.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # Every client of TLS 1.3 that one meets agrees on keys by this. OpenSSL would also do so by curves that only cost
    # time, and Python can allow one of them or all.
    context.set_ecdh_curve("X25519")
    # Who comes back shakes hands anew: a connection lasts long, so tickets would cost each of them more than they spare
    # a few, and what they resume is less secret than what is agreed upon anew.
    context.num_tickets = 0
    show(context, certificate, key)
    if terminals is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        try:
            context.load_verify_locations(terminals)
        except ssl.SSLError:
            raise Unusable(f"{terminals} holds no certificate in PEM") from None
    return context


def show(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Have new connections of ``context`` shown the chain in ``certificate``.

    Raises OSError and Unusable as ``server_context`` does; they are then shown what they were before.
    """
    leaf = _read_leaf(certificate)
    if _read_key(key).public_key() != leaf.public_key():
        raise Unusable(f"{key} is not the key of {certificate}")
    try:
        context.load_cert_chain(certificate, key, password="")  # a pass phrase is not to be asked for on the terminal
    except ssl.SSLError as error:
        raise Unusable(f"{certificate} and {key} cannot be served with: {error.reason}") from None


def _read_leaf(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0]
    except ValueError:
        raise Unusable(f"{path} holds no certificate in PEM") from None


def _read_key(path: Path) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Unusable(f"{path} holds no private key in PEM that can be read without a pass phrase") from None


class Session:
    """One connection's TLS: what the peer sent goes into ``incoming``; what is in ``outgoing`` is to be sent to it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def shake_hands(self) -> bool:
        """Go on with the handshake; whether it is done. Raises ssl.SSLError when it failed, with an alert to send."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def read(self) -> tuple[bytes, ssl.SSLError | None]:
        """The octets that have arrived, and what ended them: SSLZeroReturnError when the peer closed, None if nothing.

        After another error there may be an alert to send, and nothing can be written.
        """
        read, incoming = self._object.read, self.incoming
        records: list[bytes] = []
        end: ssl.SSLError | None = None
        try:
            while octets := read(RECORD):
                records.append(octets)
                if not incoming.pending:  # spares the exception that says that there is no more
                    break
            else:
                end = ssl.SSLZeroReturnError()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            end = error.with_traceback(None)  # or they would hold each other in memory
        return b"".join(records), end

    def write(self, octets: bytes) -> bytes:
        """Octets to send that carry ``octets``, of which there is at least one."""
        self._object.write(octets)
        return self.outgoing.read()

    def close(self) -> None:
        """Close our end, with a close_notify to send. Everything that arrived has to be read before."""
        with suppress(ssl.SSLWantReadError):  # it wants the peer's close_notify as well; ``read`` will see it
            self._object.unwrap()

    def peer_certificate(self) -> x509.Certificate | None:
        """The peer's certificate, once the handshake is done; None when it gave none, or was not asked."""
        der = self._object.getpeercert(binary_form=True)
        return None if der is None else x509.load_der_x509_certificate(der)
