"""A local certificate authority, and the certificates that the bank's servers show to their clients.

The rules that this file lives by:

1. Extensions follow RFC 5280 closely enough for the strict verifiers (`openssl verify -x509_strict`,
   cryptography's, and Python's own since 3.13); each choice names its section.
2. A private key is readable by its owner alone from the first moment it exists, and a file is replaced
   whole or not at all.
3. The authority's own certificate is never put beside the server's in a file that is served: clients have
   it already, and Twisted's `tls:` endpoint hangs on it.
4. What somebody else made is never overwritten; `CertificateError` says what to do instead.
"""

import os
import re
import socket
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=3653)
# Clients of public authorities refuse more than 398 days (CA/Browser Forum, Baseline Requirements 6.3.2).
SERVER_LIFE = timedelta(days=397)
RENEW_BEFORE = timedelta(days=30)
# A client whose clock is a little behind must not meet a certificate from the future.
CLOCK_TOLERANCE = timedelta(hours=1)
RESOLVE_SECONDS = 1.0

PRIVATE, PUBLIC = 0o600, 0o644

# RFC 1123, section 2.1: letters, digits and inner hyphens; and RFC 1035, 2.3.4 for the lengths.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DNS_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z")
_KEY_USES = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment"]
_KEY_USES += ["key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
_LONGEST_COMMON_NAME = 64  # RFC 5280, appendix A.1, ub-common-name

_Key = ec.EllipticCurvePrivateKey


class CertificateError(Exception):
    """A certificate or key cannot be used or made; the message says why and what to do, for an operator."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority that can sign: its certificate, where that stands, and its private key."""

    certificate: x509.Certificate
    certificate_path: Path
    key: _Key = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServerPaths:
    """Where a server's certificate and its private key stand, both PEM."""

    certificate: Path
    key: Path


def ensure_authority(folder: Path, now: datetime) -> Authority:
    """The authority in a folder, made there if it has none: `ca.pem`, and `ca.key` for the owner alone.

    Raises CertificateError when what stands there is unreadable, incomplete or out of date, and OSError
    when the folder cannot be used. An interrupted making is taken up again.
    """
    path = folder / "ca.pem"
    if path.exists():
        certificate = _read_certificate(path)
        key = _read_key(folder / "ca.key")
        if key.public_key() != certificate.public_key():
            raise CertificateError(f"{folder / 'ca.key'} is not the key of {path}; remove both to start anew")
        if certificate.not_valid_after_utc <= now:
            raise CertificateError(f"{path} ended on {certificate.not_valid_after_utc:%Y-%m-%d}; remove it")
    else:
        key = _ensure_key(folder / "ca.key")
        certificate = _issue_authority(key, now)
        _write(path, certificate.public_bytes(serialization.Encoding.PEM), PUBLIC)
    return Authority(certificate, path, key)


def ensure_server_certificate(authority: Authority, folder: Path, names: Iterable[str], now: datetime) -> ServerPaths:
    """A server's certificate for all these DNS names and IP addresses, `server.pem` with `server.key`.

    The one that stands there is kept while it serves every name and has 30 days left; otherwise a new
    one is issued to the same key. Raises CertificateError for a name that is neither kind, for a key
    that cannot be read, and for a certificate that this authority did not issue.
    """
    paths = ServerPaths(folder / "server.pem", folder / "server.key")
    wanted = list(dict.fromkeys(_general_name(name) for name in names))
    if not wanted:
        raise CertificateError("a server certificate needs at least one name")
    key = _ensure_key(paths.key)
    if not (paths.certificate.exists() and _serves(authority, paths.certificate, key, wanted, now)):
        certificate = _issue_server(authority, key, wanted, now)
        _write(paths.certificate, certificate.public_bytes(serialization.Encoding.PEM), PUBLIC)
    return paths


def local_names() -> list[str]:
    """The DNS names and IP addresses by which clients may reach this machine, `localhost` first.

    Addresses that are only good on one link are left out. Takes at most about a second, however slow the
    resolver is.
    """
    names = ["localhost", "127.0.0.1", "::1", socket.gethostname().lower(), _full_name()]
    for addresses in psutil.net_if_addrs().values():
        names += [a.address for a in addresses if a.family in (socket.AF_INET, socket.AF_INET6)]
    return list(dict.fromkeys(name for name in names if _is_reachable(name)))


def _full_name() -> str:
    """This machine's fully qualified name, or nothing when the resolver takes too long."""
    answer: list[str] = []
    # The resolver has no time-out of its own to set; a thread that is still waiting is left behind.
    asking = threading.Thread(target=lambda: answer.append(socket.getfqdn().lower()), daemon=True)
    asking.start()
    asking.join(RESOLVE_SECONDS)
    return answer[0] if answer else ""


def _is_reachable(name: str) -> bool:
    """Whether a certificate can carry a name, and another machine could use it."""
    try:
        address = ip_address(name)
    except ValueError:
        return bool(_DNS_NAME.match(name))
    return not (address.is_link_local or address.is_unspecified)


def _general_name(name: str) -> x509.GeneralName:
    """A name as RFC 5280, section 4.2.1.6 carries it: an iPAddress or a dNSName."""
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        pass
    if not _DNS_NAME.match(name.lower()):
        raise CertificateError(f"{name!r} is neither an IP address nor a DNS name in ASCII")
    return x509.DNSName(name.lower())


def _serves(authority: Authority, path: Path, key: _Key, wanted: list[x509.GeneralName], now: datetime) -> bool:
    """Whether a certificate of ours is still good; one that is not ours raises CertificateError."""
    certificate = _read_certificate(path)
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, TypeError, InvalidSignature):
        raise CertificateError(
            f"{path} was not issued by {authority.certificate_path}; remove it to have a new one issued"
        ) from None
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        certificate.public_key() == key.public_key()
        and set(wanted) <= set(names)
        and certificate.not_valid_before_utc <= now
        and now + RENEW_BEFORE <= certificate.not_valid_after_utc
    )


def _issue_authority(key: _Key, now: datetime) -> x509.Certificate:
    """A self-signed certificate that may sign servers' certificates, and no other authority's."""
    name = _name(f"bankd local authority on {socket.gethostname()}")
    start = _start(now)
    return (
        _builder(name, name, key, start, start + AUTHORITY_LIFE)
        # RFC 5280, 4.2.1.9: critical in an authority's; a path length of 0 allows no authority below.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        # 4.2.1.3: an authority's certificate has it, and it should be critical.
        .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(key, hashes.SHA256())
    )


def _issue_server(authority: Authority, key: _Key, names: list[x509.GeneralName], now: datetime) -> x509.Certificate:
    """A certificate for a TLS server, which ends no later than its authority does."""
    start = _start(now)
    issuer = authority.certificate
    issuer_identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    # Both ends of the validity are inside it (RFC 5280, 4.1.2.5), hence a second less.
    end = min(start + SERVER_LIFE - timedelta(seconds=1), issuer.not_valid_after_utc)
    return (
        _builder(_name("bankd server"), issuer.subject, key, start, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        # RFC 5280, 4.2.1.3: a TLS 1.3 server's key only signs (RFC 8446, 4.4.2.2).
        .add_extension(_key_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        # 4.2.1.6: critical only where the subject is empty.
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        # 4.2.1.1: in every certificate that is not self-signed, never critical.
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_identifier), critical=False
        )
        .sign(authority.key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: _Key, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    """What both kinds of certificate share: names, key, validity, a serial number and a key identifier."""
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


def _read_certificate(path: Path) -> x509.Certificate:
    """The first certificate of a PEM file."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError:
        raise CertificateError(f"{path} is not a certificate in PEM form") from None


def _read_key(path: Path) -> _Key:
    """The elliptic-curve key of a PEM file without a pass phrase."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CertificateError(f"{path} is not a private key in PEM form without a pass phrase") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError(f"{path} is not an elliptic-curve key")
    return key


def _ensure_key(path: Path) -> _Key:
    """The key in a file, made there (P-256) if there is none."""
    if path.exists():
        return _read_key(path)
    key = ec.generate_private_key(ec.SECP256R1())
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(path, encoded, PRIVATE)
    return key


def _write(path: Path, content: bytes, mode: int) -> None:
    """Replace a file whole, durably, and never readable by more than `mode` allows."""
    # mkstemp opens with O_EXCL and 0600.
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
