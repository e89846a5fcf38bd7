"""What the bank serves TLS with: certificates and keys that will do, and those that will not."""

import contextlib
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from twisted.trial.unittest import SynchronousTestCase

from bankd import certificates, tls
from bankd.tls import Unusable


class Contexts(SynchronousTestCase):
    """``server_context``."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        now = datetime.now(UTC)
        authority = certificates.ensure_authority(folder, now)
        paths = certificates.ensure_server_certificate(authority, folder, ["localhost"], now)
        self.certificate, self.key, self.authority = paths.certificate, paths.key, authority.certificate_path

    def assertUnusable(self, said: str) -> None:
        """The files cannot be served with, and that is what is said."""
        with self.assertRaises(Unusable) as caught:
            tls.server_context(self.certificate, self.key)
        self.assertEqual(str(caught.exception), said)

    def test_usable(self) -> None:
        """TLS 1.3 is spoken and nothing older, clients are asked for nothing, and nothing is kept of them."""
        context = tls.server_context(self.certificate, self.key)
        self.assertEqual(context.minimum_version, ssl.TLSVersion.TLSv1_3)
        self.assertEqual((context.verify_mode, context.num_tickets), (ssl.CERT_NONE, 0))

    def test_agreement(self) -> None:
        """Keys are agreed upon by X25519, and by nothing else that a client may offer."""
        context = tls.server_context(self.certificate, self.key)
        for group, agreed in (("X25519", True), ("secp521r1", False), ("X448", False)):
            client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            client.set_ecdh_curve(group)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            with contextlib.suppress(ssl.SSLWantReadError):
                client.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
            served = tls.Session(context)
            served.incoming.write(outgoing.read())
            if agreed:
                self.assertFalse(served.shake_hands())
            else:
                self.assertRaises(ssl.SSLError, served.shake_hands)

    def test_chain(self) -> None:
        """The leaf may be followed by those that signed it, with other text around them."""
        chain = b"the leaf:\n" + self.certificate.read_bytes() + b"its signer:\n" + self.authority.read_bytes()
        self.certificate.write_bytes(chain)
        tls.server_context(self.certificate, self.key)

    def test_not_there(self) -> None:
        """A file that is not there is told as the system tells it."""
        for path in (self.key, self.certificate):
            path.unlink()
            self.assertRaises(FileNotFoundError, tls.server_context, self.certificate, self.key)

    def test_no_certificate(self) -> None:
        """A file without a certificate, or with a broken one, is named."""
        whole = self.certificate.read_bytes()
        for content in (b"", b"junk", self.key.read_bytes(), whole[:100] + whole[-30:], whole.replace(b"M", b"N")):
            self.certificate.write_bytes(content)
            self.assertUnusable(f"{self.certificate} holds no certificate in PEM")

    def test_no_key(self) -> None:
        """A file without a key, or with one that a pass phrase protects, is named; nobody is asked for the phrase."""
        protected = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(os.urandom(8).hex().encode())
        )
        for content in (b"", b"junk", self.certificate.read_bytes(), protected):
            self.key.write_bytes(content)
            self.assertUnusable(f"{self.key} holds no private key in PEM that can be read without a pass phrase")

    def test_another_key(self) -> None:
        """A key that is not the certificate's is told here rather than to every client, also one of another kind."""
        for key in (ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)):
            self.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            self.assertUnusable(f"{self.key} is not the key of {self.certificate}")

    def test_weak_key(self) -> None:
        """What TLS itself finds too weak is told with its word for it."""
        key = rsa.generate_private_key(65537, 1024)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, key.public_key(), 7, now, now + timedelta(1))
        self.certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
        self.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.assertUnusable(f"{self.certificate} and {self.key} cannot be served with: EE_KEY_TOO_SMALL")

    def test_broken_chain(self) -> None:
        """A broken certificate behind the leaf is told as well."""
        leaf = self.certificate.read_bytes()
        self.certificate.write_bytes(leaf + b"-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----\n")
        self.assertUnusable(f"{self.certificate} holds no certificate in PEM")
