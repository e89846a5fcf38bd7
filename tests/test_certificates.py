"""The local authority and the server certificates, as files, as X.509 and on the wire."""

import os
import shutil
import socket
import stat
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from OpenSSL.SSL import Error as SSLError
from service_identity import VerificationError as IdentityError
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    wrapClientTLS,
)
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    TLSVersion,
    optionsForClientTLS,
)
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from bankd import certificates
from bankd.certificates import (
    Authority,
    CertificateError,
    ServerPaths,
    ensure_authority,
    ensure_server_certificate,
    local_names,
)

NOW = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
DAY = timedelta(days=1)
NAMES = ["localhost", "127.0.0.1", "::1"]


def mode(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def load(path: Path) -> x509.Certificate:
    """The certificate of a PEM file."""
    return x509.load_pem_x509_certificate(path.read_bytes())


class CertificateCase(SynchronousTestCase):
    """A test with a folder of its own and an authority in it."""

    def setUp(self) -> None:
        """Make the folder and the authority."""
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.authority = ensure_authority(self.folder, NOW)

    def issue(self, names: list[str] = NAMES, now: datetime = NOW) -> ServerPaths:
        """A server certificate from the test's authority."""
        return ensure_server_certificate(self.authority, self.folder, names, now)


class TheAuthority(CertificateCase):
    """What stands in a folder after `ensure_authority`."""

    def test_files_and_their_modes(self) -> None:
        """The certificate is for everybody and the key for its owner, and nothing else is left."""
        self.assertEqual(sorted(os.listdir(self.folder)), ["ca.key", "ca.pem"])
        self.assertEqual(mode(self.folder / "ca.pem"), 0o644)
        self.assertEqual(mode(self.folder / "ca.key"), 0o600)

    def test_it_is_kept(self) -> None:
        """Asked again, the same authority answers."""
        again = ensure_authority(self.folder, NOW + DAY)
        self.assertEqual(again.certificate, self.authority.certificate)
        self.assertEqual(again.key.private_numbers(), self.authority.key.private_numbers())

    def test_extensions(self) -> None:
        """It may sign certificates of servers, and no authority under it."""
        extensions = self.authority.certificate.extensions
        basic = extensions.get_extension_for_class(x509.BasicConstraints)
        usage = extensions.get_extension_for_class(x509.KeyUsage)
        self.assertEqual((basic.critical, basic.value.ca, basic.value.path_length), (True, True, 0))
        self.assertTrue(usage.critical and usage.value.key_cert_sign and usage.value.crl_sign)
        self.assertFalse(usage.value.digital_signature)

    def test_life_and_name(self) -> None:
        """It lives for ten years, and its name says whose it is and where."""
        certificate = self.authority.certificate
        self.assertGreaterEqual(certificate.not_valid_after_utc, NOW + 10 * 365 * DAY)
        name = certificate.subject.rfc4514_string()
        self.assertTrue(name.startswith("CN=bankd local authority on "), name)

    def test_the_key_is_not_shown(self) -> None:
        """The key does not appear where an authority is printed."""
        self.assertNotIn("key=", repr(self.authority))

    def test_an_interrupted_making_is_taken_up(self) -> None:
        """A key without its certificate gets one."""
        (self.folder / "ca.pem").unlink()
        again = ensure_authority(self.folder, NOW)
        self.assertEqual(again.key.private_numbers(), self.authority.key.private_numbers())

    def test_a_missing_key(self) -> None:
        """A certificate without its key is an OSError that names the key, and nothing is made."""
        (self.folder / "ca.key").unlink()
        error = self.assertRaises(FileNotFoundError, ensure_authority, self.folder, NOW)
        self.assertIn("ca.key", str(error))
        self.assertFalse((self.folder / "ca.key").exists())

    def test_another_key(self) -> None:
        """A key that is not the certificate's is refused."""
        self.issue()
        os.replace(self.folder / "server.key", self.folder / "ca.key")
        error = self.assertRaises(CertificateError, ensure_authority, self.folder, NOW)
        self.assertIn("is not the key of", str(error))

    def test_rubbish(self) -> None:
        """A file that is no PEM is refused by its name."""
        for name in ("ca.key", "ca.pem"):
            (self.folder / name).write_bytes(b"rubbish\n")
            error = self.assertRaises(CertificateError, ensure_authority, self.folder, NOW)
            self.assertIn(name, str(error))

    def test_another_kind_of_key(self) -> None:
        """A key that is not on an elliptic curve is refused."""
        other = ed25519.Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.folder / "ca.key").write_bytes(other)
        error = self.assertRaises(CertificateError, ensure_authority, self.folder, NOW)
        self.assertIn("is not an elliptic-curve key", str(error))

    def test_its_end(self) -> None:
        """An authority that has ended is refused rather than used."""
        end = self.authority.certificate.not_valid_after_utc
        self.assertRaises(CertificateError, ensure_authority, self.folder, end)

    def test_naive_time(self) -> None:
        """A time without a zone is a mistake of the caller's."""
        (self.folder / "ca.pem").unlink()
        self.assertRaises(ValueError, ensure_authority, self.folder, NOW.replace(tzinfo=None))


class TheServerCertificate(CertificateCase):
    """What stands in a folder after `ensure_server_certificate`."""

    def test_files_and_their_modes(self) -> None:
        """The certificate is for everybody and the key for its owner."""
        paths = self.issue()
        self.assertEqual((mode(paths.certificate), mode(paths.key)), (0o644, 0o600))

    def test_the_root_is_not_beside_it(self) -> None:
        """The file that is served holds one certificate, the server's own."""
        served = x509.load_pem_x509_certificates(self.issue().certificate.read_bytes())
        self.assertEqual(len(served), 1)
        self.assertEqual(served[0].issuer, self.authority.certificate.subject)

    def test_names(self) -> None:
        """DNS names and addresses are carried as what they are, each once."""
        carried = (
            load(self.issue(["LocalHost", "bank.example", "localhost", "192.0.2.7", "2001:db8::7"]).certificate)
            .extensions.get_extension_for_class(x509.SubjectAlternativeName)
            .value
        )
        self.assertEqual(carried.get_values_for_type(x509.DNSName), ["localhost", "bank.example"])
        self.assertEqual(
            carried.get_values_for_type(x509.IPAddress), [ip_address("192.0.2.7"), ip_address("2001:db8::7")]
        )

    def test_extensions(self) -> None:
        """It is for TLS servers, signs with P-256, and names its issuer's key."""
        certificate = load(self.issue().certificate)
        extensions = certificate.extensions
        usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        self.assertEqual(list(usage), [ExtendedKeyUsageOID.SERVER_AUTH])
        self.assertFalse(extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
        issuer = self.authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        identifier = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        self.assertEqual(identifier.key_identifier, issuer.value.digest)
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        self.assertIsInstance(key.curve, ec.SECP256R1)

    def test_life(self) -> None:
        """It lives for at most 90 days, both ends included, and never beyond its authority."""
        certificate = load(self.issue().certificate)
        life = certificate.not_valid_after_utc - certificate.not_valid_before_utc + timedelta(seconds=1)
        self.assertLessEqual(life, 90 * DAY)
        end = self.authority.certificate.not_valid_after_utc
        late = load(self.issue(now=end - 10 * DAY).certificate)
        self.assertEqual(late.not_valid_after_utc, end)

    def test_it_is_kept(self) -> None:
        """While it serves every name and has 30 days left, it stays as it is."""
        paths = self.issue()
        first = paths.certificate.read_bytes()
        last_day = load(paths.certificate).not_valid_after_utc - 30 * DAY
        self.issue(["::1"], now=last_day)
        self.assertEqual(paths.certificate.read_bytes(), first)

    def test_clocks_that_are_behind(self) -> None:
        """It is valid already for a client whose clock is some minutes behind."""
        self.assertLess(load(self.issue().certificate).not_valid_before_utc, NOW - timedelta(minutes=30))

    def test_a_new_name(self) -> None:
        """A wanted name that it lacks has it issued again, to the same key."""
        first = load(self.issue().certificate)
        second = load(self.issue([*NAMES, "bank.example"]).certificate)
        self.assertNotEqual(first.serial_number, second.serial_number)
        self.assertEqual(first.public_key(), second.public_key())

    def test_near_its_end(self) -> None:
        """With less than 30 days left it is issued again."""
        first = load(self.issue().certificate)
        soon = first.not_valid_after_utc - 30 * DAY + timedelta(seconds=1)
        second = load(self.issue(now=soon).certificate)
        self.assertNotEqual(first.serial_number, second.serial_number)

    def test_a_clock_that_was_wrong(self) -> None:
        """A certificate from the future is issued again."""
        first = load(self.issue(now=NOW + 300 * DAY).certificate)
        second = load(self.issue(now=NOW).certificate)
        self.assertNotEqual(first.serial_number, second.serial_number)

    def test_a_new_key(self) -> None:
        """A key that was lost is made again, and the certificate with it."""
        paths = self.issue()
        first = load(paths.certificate)
        paths.key.unlink()
        self.issue()
        self.assertNotEqual(load(paths.certificate).public_key(), first.public_key())

    def test_somebody_elses(self) -> None:
        """A certificate that this authority did not issue is never overwritten."""
        path = self.issue().certificate
        before = path.read_bytes()
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        other = ensure_authority(elsewhere, NOW)
        error = self.assertRaises(
            CertificateError, ensure_server_certificate, other, self.folder, NAMES, NOW + 390 * DAY
        )
        self.assertIn("was not issued by", str(error))
        self.assertEqual(path.read_bytes(), before)

    def test_names_that_are_none(self) -> None:
        """What is neither an address nor a DNS name is refused by itself, and no names at all are too."""
        for name in ("", "a b", "under_score", "zoë.example", "-a", "a.", "x" * 64, "*.example", "a\n"):
            error = self.assertRaises(CertificateError, self.issue, ["localhost", name])
            self.assertIn(repr(name), str(error))
        self.assertRaises(CertificateError, self.issue, [])
        self.assertFalse((self.folder / "server.pem").exists())

    def test_a_folder_that_is_missing(self) -> None:
        """A folder that cannot be used is an OSError."""
        self.assertRaises(OSError, ensure_server_certificate, self.authority, self.folder / "none", NAMES, NOW)


class Writing(SynchronousTestCase):
    """How a file comes to be."""

    def test_private_from_the_first_moment(self) -> None:
        """Under the most open umask a key is never on disk for anybody but its owner."""
        folder = Path(self.mktemp())
        folder.mkdir()
        seen: list[int] = []
        fsync = os.fsync

        def watching(descriptor: int) -> None:
            seen.extend(mode(path) for path in folder.iterdir())
            fsync(descriptor)

        self.patch(os, "fsync", watching)
        self.addCleanup(os.umask, os.umask(0))
        certificates._write(folder / "a.key", b"secret", 0o600)
        self.assertEqual(seen, [0o600, 0o600])

    def test_a_failure_leaves_nothing(self) -> None:
        """When the disk fails, the old file stands and no temporary one is left."""
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "a.pem").write_bytes(b"old")

        def failing(descriptor: int) -> None:
            raise OSError(5, "Input/output error")

        self.patch(os, "fsync", failing)
        self.assertRaises(OSError, certificates._write, folder / "a.pem", b"new", 0o644)
        self.assertEqual([p.read_bytes() for p in folder.iterdir()], [b"old"])


class LocalNames(SynchronousTestCase):
    """The names by which this machine may be reached."""

    def test_the_loopback_comes_first(self) -> None:
        """Whatever the machine is called, the loopback's names are there, each once."""
        names = local_names()
        self.assertEqual(names[:3], NAMES)
        self.assertEqual(len(names), len(set(names)))

    def test_each_can_be_certified(self) -> None:
        """A certificate can be issued for all of them."""
        folder = Path(self.mktemp())
        folder.mkdir()
        ensure_server_certificate(ensure_authority(folder, NOW), folder, local_names(), NOW)

    def test_interfaces_without_link_local(self) -> None:
        """Interfaces' addresses are there, except those that are only good on one link."""
        addresses = ["192.0.2.7", "169.254.3.4", "2001:db8::7", "fe80::1%eth0"]
        families = [socket.AF_INET, socket.AF_INET, socket.AF_INET6, socket.AF_INET6]
        card = [type("Address", (), {"family": f, "address": a}) for f, a in zip(families, addresses, strict=True)]
        self.patch(psutil, "net_if_addrs", lambda: {"eth0": card})
        names = local_names()
        self.assertIn("192.0.2.7", names)
        self.assertIn("2001:db8::7", names)
        self.assertEqual([n for n in names if n.startswith(("169.254", "fe80"))], [])

    def test_a_host_name_that_no_certificate_carries(self) -> None:
        """A host name that is no DNS name is left out."""
        self.patch(socket, "gethostname", lambda: "my_machine")
        self.patch(socket, "getfqdn", lambda: "my_machine.example")
        self.assertEqual([name for name in local_names() if "my_machine" in name], [])

    def test_a_slow_resolver(self) -> None:
        """A resolver that does not answer in time is not waited for."""
        let_go = threading.Event()
        self.addCleanup(let_go.set)

        def resolve() -> str:
            let_go.wait(5)
            return "late.example"

        self.patch(certificates, "RESOLVE_SECONDS", 0.01)
        self.patch(socket, "getfqdn", resolve)
        self.assertNotIn("late.example", local_names())


class StrictVerification(CertificateCase):
    """What verifiers that take RFC 5280 at its word say."""

    def test_openssl(self) -> None:
        """`openssl verify -x509_strict` accepts the certificate, for a name and for addresses."""
        openssl = shutil.which("openssl")
        if openssl is None:
            self.skipTest("openssl is not installed")
        paths = self.issue()
        for check in (["-verify_hostname", "localhost"], ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"]):
            verify = [openssl, "verify", "-x509_strict", "-check_ss_sig", "-purpose", "sslserver"]
            when = ["-attime", str(int(NOW.timestamp()))]
            files = ["-CAfile", str(self.authority.certificate_path), str(paths.certificate)]
            run = subprocess.run([*verify, *when, *check, *files], capture_output=True, text=True)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_cryptography(self) -> None:
        """cryptography's verifier accepts it for each name, and for no other."""
        certificate = load(self.issue().certificate)
        policy = PolicyBuilder().store(Store([self.authority.certificate])).time(NOW)
        names: list[x509.DNSName | x509.IPAddress] = [x509.DNSName("localhost")]
        names += [x509.IPAddress(ip_address(a)) for a in NAMES[1:]]
        for name in names:
            chain = policy.build_server_verifier(name).verify(certificate, [])
            self.assertEqual(chain, [certificate, self.authority.certificate])
        stranger = policy.build_server_verifier(x509.DNSName("bank.example"))
        self.assertRaises(VerificationError, stranger.verify, certificate, [])


class Greeter(Protocol):
    """A server's end: it greets."""

    def connectionMade(self) -> None:
        """Greet at once."""
        assert self.transport is not None
        self.transport.write(b"welcome")


class Guest(Protocol):
    """A client's end: it leaves after the greeting, and then tells what it heard, or why it heard nothing."""

    def __init__(self, heard: Deferred[bytes]) -> None:
        """Fire `heard` at the end of the connection."""
        self.greeting = b""
        self.heard = heard

    def dataReceived(self, data: bytes) -> None:
        """Hear the greeting and leave."""
        assert self.transport is not None
        self.greeting += data
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell what was heard."""
        if self.greeting:
            self.heard.callback(self.greeting)
        else:
            self.heard.errback(reason)


class OnTheWire(TestCase):
    """Twisted's own client verification (service_identity), over TLS 1.3 on the real loopback.

    The network is real because a certificate's point is what a stranger's verifier says at the far end
    of a socket; it is the loopback alone, on a port that the system picks.
    """

    async def served(self, address: str) -> tuple[Authority, IListeningPort]:
        """An authority, and a server on an address that shows a certificate from it and greets."""
        from twisted.internet import reactor

        folder = Path(self.mktemp())
        folder.mkdir()
        now = datetime.now(UTC)
        authority = ensure_authority(folder, now)
        paths = ensure_server_certificate(authority, folder, NAMES, now)
        pair = PrivateCertificate.loadPEM(paths.certificate.read_bytes() + paths.key.read_bytes())
        options = CertificateOptions(
            privateKey=pair.privateKey.original,
            certificate=pair.original,
            raiseMinimumTo=TLSVersion.TLSv1_3,
        )
        endpoint = SSL4ServerEndpoint(reactor, 0, options, interface=address)
        port = await endpoint.listen(Factory.forProtocol(Greeter))
        self.addCleanup(port.stopListening)
        return authority, port

    async def greeted(self, name: str, authority: Authority, port: IListeningPort) -> bytes:
        """What a client gets that trusts an authority and expects a name."""
        from twisted.internet import reactor

        trusted = Certificate.loadPEM(authority.certificate_path.read_bytes())
        address = port.getHost()
        assert isinstance(address, IPv4Address | IPv6Address)
        kind = TCP6ClientEndpoint if ":" in address.host else TCP4ClientEndpoint
        wire = kind(reactor, address.host, address.port)
        heard: Deferred[bytes] = Deferred()
        client = Factory.forProtocol(lambda: Guest(heard))
        await wrapClientTLS(optionsForClientTLS(name, trustRoot=trusted), wire).connect(client)
        return await heard

    async def test_by_name(self) -> None:
        """A client that expects `localhost` accepts."""
        self.assertEqual(await self.greeted("localhost", *await self.served("127.0.0.1")), b"welcome")

    async def test_by_address(self) -> None:
        """A client that expects 127.0.0.1 accepts."""
        self.assertEqual(await self.greeted("127.0.0.1", *await self.served("127.0.0.1")), b"welcome")

    async def test_by_address_of_version_6(self) -> None:
        """A client that expects ::1 accepts."""
        try:
            authority, port = await self.served("::1")
        except OSError as error:
            self.skipTest(f"no IPv6 loopback here: {error}")
        self.assertEqual(await self.greeted("::1", authority, port), b"welcome")

    async def test_another_name(self) -> None:
        """A client that expects another name refuses."""
        authority, port = await self.served("127.0.0.1")
        await self.assertFailure(Deferred.fromCoroutine(self.greeted("bank.example", authority, port)), IdentityError)

    async def test_another_authority(self) -> None:
        """A client that trusts another authority refuses."""
        _, port = await self.served("127.0.0.1")
        stranger = Path(self.mktemp())
        stranger.mkdir()
        other = ensure_authority(stranger, datetime.now(UTC))
        await self.assertFailure(Deferred.fromCoroutine(self.greeted("localhost", other, port)), SSLError)
