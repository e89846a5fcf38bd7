"""What the certificates of the bank's own authorities say, as X.509 has it.

1. Extensions follow RFC 5280 closely enough for the strict verifiers (`openssl verify -x509_strict`, cryptography's,
   and Python's own since 3.13); each choice names its section.
2. Whoever is certified, here is what of them the certificate says; files are `certificates.py`'s.
"""

import socket
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=3653)
# Mozilla's "modern" profile has 90 days at most; the bank renews its own while it runs (``renewal``).
SERVER_LIFE = timedelta(days=90)
# A client whose clock is a little behind must not meet a certificate from the future.
CLOCK_TOLERANCE = timedelta(hours=1)

_KEY_USES = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment"]
_KEY_USES += ["key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
_LONGEST_COMMON_NAME = 64  # RFC 5280, appendix A.1, ub-common-name

Key = ec.EllipticCurvePrivateKey


class Signer(Protocol):
    """An authority: its certificate, and its private key."""

    @property
    def certificate(self) -> x509.Certificate: ...

    @property
    def key(self) -> Key: ...


def issue_authority(key: Key, what: str, now: datetime) -> x509.Certificate:
    """A self-signed certificate that may sign others', but no other authority's; ``what`` begins its name."""
    name = _name(f"{what} on {socket.gethostname()}")
    start = _start(now)
    return (
        _builder(name, name, key, start, start + AUTHORITY_LIFE)
        # RFC 5280, 4.2.1.9: critical in an authority's; a path length of 0 allows no authority below.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        # 4.2.1.3: an authority's certificate has it, and it should be critical.
        .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(key, hashes.SHA256())
    )


def issue_server(signer: Signer, key: Key, names: Iterable[x509.GeneralName], now: datetime) -> x509.Certificate:
    """A certificate for a TLS server that goes by ``names``."""
    return (
        _leaf(signer, "bankd server", key, now, SERVER_LIFE, ExtendedKeyUsageOID.SERVER_AUTH)
        # 4.2.1.6: critical only where the subject is empty.
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(signer.key, hashes.SHA256())
    )


def issue_terminal(signer: Signer, key: Key, name: str, now: datetime, life: timedelta) -> x509.Certificate:
    """A certificate for the terminal called ``name``, as a client in TLS."""
    return _leaf(signer, name, key, now, life, ExtendedKeyUsageOID.CLIENT_AUTH).sign(signer.key, hashes.SHA256())


def _leaf(
    signer: Signer, subject: str, key: Key, now: datetime, life: timedelta, use: x509.ObjectIdentifier
) -> x509.CertificateBuilder:
    """A certificate for one end of TLS, which ends no later than its authority does."""
    start = _start(now)
    issuer = signer.certificate
    issuer_identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    # Both ends of the validity are inside it (RFC 5280, 4.1.2.5), hence a second less.
    end = min(start + life - timedelta(seconds=1), issuer.not_valid_after_utc)
    return (
        _builder(_name(subject), issuer.subject, key, start, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        # RFC 5280, 4.2.1.3: in TLS 1.3 a key only signs (RFC 8446, 4.4.2.2 and 4.4.2.4).
        .add_extension(_key_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        # 4.2.1.1: in every certificate that is not self-signed, never critical.
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_identifier), critical=False
        )
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    """What all kinds of certificate share: names, key, validity, a serial number and a key identifier."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())  # RFC 5280, 4.1.2.2: positive, at most 20 octets
        .not_valid_before(start)
        .not_valid_after(end)
        # 4.2.1.2: in every authority's certificate, and well in the others; never critical.
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    """A distinguished name of one common name, cut to what X.520 allows."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:_LONGEST_COMMON_NAME])])


def _key_usage(*uses: str) -> x509.KeyUsage:
    """A key usage with these uses and no other."""
    return x509.KeyUsage(**{use: use in uses for use in _KEY_USES})


def _start(now: datetime) -> datetime:
    """Where a validity starts that is issued now: in UTC and whole seconds (RFC 5280, 4.1.2.5)."""
    if now.tzinfo is None:
        raise ValueError("the time must carry its zone")
    return now.astimezone(UTC).replace(microsecond=0) - CLOCK_TOLERANCE
