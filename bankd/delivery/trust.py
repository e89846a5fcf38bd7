"""Whom a courier believes, and as whom it is believed: TLS to a host by name, and passwords out of files."""

from pathlib import Path
from typing import Any

from cryptography import x509
from OpenSSL.crypto import X509
from twisted.internet.ssl import Certificate, optionsForClientTLS, platformTrust, trustRootFromCertificates

from bankd.idelivery import Unusable

MOST_OCTETS = 4096
"""What a file with a password may hold; a larger one is some other file."""


def trust_root(authorities: Path | None) -> Any:
    """What signs the certificates of servers: the authorities in a PEM file, or those of this machine for None.

    Raises Unusable, and OSError.
    """
    if authorities is None:
        return platformTrust()
    try:
        found = x509.load_pem_x509_certificates(authorities.read_bytes())
    except ValueError:
        raise Unusable(f"ca_file: {authorities} holds no certificate") from None
    return trustRootFromCertificates([Certificate(X509.from_cryptography(each)) for each in found])


def client_tls(host: str, authorities: Path | None) -> Any:
    """TLS to ``host``, whose certificate must name it. Raises Unusable, and OSError."""
    try:
        return optionsForClientTLS(host, trustRoot=trust_root(authorities))
    except ValueError:
        raise Unusable(f"{host!r} is no name of a host") from None


def secret_in(path: Path) -> str:
    """The secret on the first line of a file; in ASCII, and without what could end a header. Raises Unusable, OSError.

    The file itself is named in messages, never what is in it.
    """
    with path.open("rb") as file:
        octets = file.read(MOST_OCTETS + 1)
    line = octets.split(b"\n", 1)[0].strip()
    if len(octets) > MOST_OCTETS or not line or not all(0x20 <= octet < 0x7F for octet in line):
        raise Unusable(f"{path} must hold one line, in ASCII, with the secret")
    return line.decode()
