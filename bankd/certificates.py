"""Local certificate authorities, and the certificates that servers and terminals show to each other.

The rules that this file lives by:

1. What a certificate says is `certificate_forms.py`'s.
2. A private key is readable by its owner alone from the first moment it exists, and a file is replaced
   whole or not at all.
3. The authority's own certificate is never put beside the server's in a file that is served: clients have
   it already, and Twisted's `tls:` endpoint hangs on it.
4. What somebody else made is never overwritten; `CertificateError` says what to do instead.
"""

import errno
import os
import re
import socket
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bankd import certificate_forms
from bankd.certificate_forms import Key

RENEW_BEFORE = timedelta(days=30)
RESOLVE_SECONDS = 1.0

PRIVATE, PUBLIC = 0o600, 0o644

# RFC 1123, section 2.1: letters, digits and inner hyphens; and RFC 1035, 2.3.4 for the lengths.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DNS_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z")


class CertificateError(Exception):
    """A certificate or key cannot be used or made; the message says why and what to do, for an operator."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority that can sign: its certificate, where that stands, and its private key."""

    certificate: x509.Certificate
    certificate_path: Path
    key: Key = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServerPaths:
    """Where a server's certificate and its private key stand, both PEM."""

    certificate: Path
    key: Path


def ensure_authority(folder: Path, now: datetime, what: str = "bankd local authority") -> Authority:
    """The authority in a folder, made there if it has none: `ca.pem`, and `ca.key` for the owner alone.

    Its certificate calls it `what`, and names this machine.

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
        certificate = certificate_forms.issue_authority(key, what, now)
        _write(path, certificate.public_bytes(serialization.Encoding.PEM), PUBLIC)
    return Authority(certificate, path, key)


def ensure_server_certificate(
    authority: Authority, folder: Path, names: Iterable[str], now: datetime, within: timedelta = RENEW_BEFORE
) -> ServerPaths:
    """A server's certificate for all these DNS names and IP addresses, `server.pem` with `server.key`.

    The one that stands there is kept while it serves every name and does not end `within` 30 days; otherwise a new
    one is issued to the same key. Raises CertificateError for a name that is neither kind, for a key
    that cannot be read, and for a certificate that this authority did not issue.
    """
    paths = ServerPaths(folder / "server.pem", folder / "server.key")
    wanted = list(dict.fromkeys(_general_name(name) for name in names))
    if not wanted:
        raise CertificateError("a server certificate needs at least one name")
    key = _ensure_key(paths.key)
    if not (paths.certificate.exists() and _serves(authority, paths.certificate, key, wanted, (now, now + within))):
        certificate = certificate_forms.issue_server(authority, key, wanted, now)
        _write(paths.certificate, certificate.public_bytes(serialization.Encoding.PEM), PUBLIC)
    return paths


def make_terminal(authority: Authority, path: Path, name: str, now: datetime, life: timedelta) -> x509.Certificate:
    """A new key with a certificate for the terminal called ``name``, both PEM in one new file for its owner alone.

    Raises FileExistsError where there is such a file, and OSError when it cannot be written.
    """
    if path.exists():
        raise FileExistsError(errno.EEXIST, "exists already", str(path))
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = certificate_forms.issue_terminal(authority, key, name, now, life)
    _write(path, _encoded(key) + certificate.public_bytes(serialization.Encoding.PEM), PRIVATE)
    return certificate


def renew_server_certificate(folder: Path, now: datetime, within: timedelta = RENEW_BEFORE) -> None:
    """Issue the certificate `server.pem` in a folder anew, for the names that it has, if it ends `within` 30 days.

    Raises OSError and CertificateError as `ensure_server_certificate` does, and when the authority is not there.
    """
    certificate = _read_certificate(folder / "server.pem")
    if now + within > certificate.not_valid_after_utc:
        if not (folder / "ca.key").exists():
            raise CertificateError(f"{folder / 'ca.key'} is not there to renew {folder / 'server.pem'} with")
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        wanted = [str(name.value) for name in names]
        ensure_server_certificate(ensure_authority(folder, now), folder, wanted, now, within)


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


def _serves(
    authority: Authority, path: Path, key: Key, wanted: list[x509.GeneralName], time: tuple[datetime, datetime]
) -> bool:
    """Whether a certificate of ours is good from one time to another; one that is not ours raises CertificateError."""
    since, until = time
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
        and certificate.not_valid_before_utc <= since
        and until <= certificate.not_valid_after_utc
    )


def _read_certificate(path: Path) -> x509.Certificate:
    """The first certificate of a PEM file."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError:
        raise CertificateError(f"{path} is not a certificate in PEM form") from None


def _read_key(path: Path) -> Key:
    """The elliptic-curve key of a PEM file without a pass phrase."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CertificateError(f"{path} is not a private key in PEM form without a pass phrase") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError(f"{path} is not an elliptic-curve key")
    return key


def _ensure_key(path: Path) -> Key:
    """The key in a file, made there (P-256) if there is none."""
    if path.exists():
        return _read_key(path)
    key = ec.generate_private_key(ec.SECP256R1())
    _write(path, _encoded(key), PRIVATE)
    return key


def _encoded(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


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
