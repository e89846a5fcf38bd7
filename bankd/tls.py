"""TLS for the bank's side of a connection: version 1.3 and nothing older."""

import re
from pathlib import Path

from OpenSSL import SSL
from OpenSSL.crypto import FILETYPE_PEM, X509, Error, PKey, load_certificate, load_privatekey
from twisted.internet.ssl import CertificateOptions, TLSVersion

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class Unusable(Exception):
    """A certificate or key that cannot be served with; the message names the file."""


def server_options(certificate: Path, key: Path) -> CertificateOptions:
    """Options to serve with the chain in ``certificate`` (PEM, the leaf first) and its ``key``.

    Raises OSError when a file cannot be read, and Unusable when it is of no use.
    """
    leaf, *chain = _read_chain(certificate)
    options = CertificateOptions(
        privateKey=_read_key(key), certificate=leaf, extraCertChain=chain, raiseMinimumTo=TLSVersion.TLSv1_3
    )
    try:
        options.getContext().check_privatekey()
    except SSL.Error:
        raise Unusable(f"{key} is not the key of {certificate}") from None
    return options


def _read_chain(path: Path) -> list[X509]:
    try:
        chain = [load_certificate(FILETYPE_PEM, found) for found in _CERTIFICATE.findall(path.read_bytes())]
    except Error:
        chain = []
    if not chain:
        raise Unusable(f"{path} holds no certificate in PEM")
    return chain


def _read_key(path: Path) -> PKey:
    try:
        return load_privatekey(FILETYPE_PEM, path.read_bytes(), passphrase=b"")
    except Error:
        raise Unusable(f"{path} holds no private key in PEM that can be read without a pass phrase") from None
