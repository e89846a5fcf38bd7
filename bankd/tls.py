"""TLS for the bank's side of a connection: version 1.3 and nothing older."""

import ssl
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key


class Unusable(Exception):
    """A certificate or key that cannot be served with; the message names the file."""


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A context to serve with the chain in ``certificate`` (PEM, the leaf first) and its ``key``.

    Clients are not asked for certificates; whoever wants them sets ``verify_mode`` and loads what signs them. Raises
    OSError when a file cannot be read, and Unusable when it is of no use.
    """
    leaf = _read_leaf(certificate)
    if _read_key(key).public_key() != leaf.public_key():
        raise Unusable(f"{key} is not the key of {certificate}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # Who comes back shakes hands anew: a connection lasts long, so tickets would cost each of them more than they spare
    # a few, and what they resume is less secret than what is agreed upon anew.
    context.num_tickets = 0
    try:
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        raise Unusable(f"{certificate} and {key} cannot be served with: {error.reason}") from None
    return context


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
