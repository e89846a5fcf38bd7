"""Who is at the other end of a connection, and what a refusal tells of what it is about."""

import os
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from bankd import codes
from bankd.codes import Code, Refused
from bankd.credentials import Origin
from bankd.delivery.post import Post
from bankd.ibank import IMind, IPost, NotDelivered
from bankd.protocols import answers
from bankd.protocols.peer import Peer
from bankd.records import Contact, Parcel, Route
from bankd.testing import PracticePost


def certificate() -> x509.Certificate:
    """Any certificate."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime(2026, 11, 20, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    return builder.sign(key, SHA256())


def nobody(code: Code) -> None:
    """Nobody is to be told."""


class CertifiedTransport(StringTransport):
    """A transport whose peer has proved a certificate to be its own, or None."""

    proved: x509.Certificate | None = None

    def getPeerCertificate(self) -> Any:
        """The certificate."""
        return self.proved


class PeerTest(SynchronousTestCase):
    """What a connection tells of its peer."""

    def test_address(self) -> None:
        """A peer on a network has an address, by which the log calls it."""
        peer = Peer(StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.7", 4711)), nobody)
        verifyObject(IMind, peer)
        self.assertEqual((peer.host, peer.label, peer.certificate), ("192.0.2.7", "192.0.2.7:4711", None))
        self.assertEqual(peer.origin, Origin("192.0.2.7", None))

    def test_local(self) -> None:
        """A peer on the same machine, over a UNIX socket, has no address; the kernel tells which user it is."""
        here, there = socket.socketpair(socket.AF_UNIX)
        self.addCleanup(there.close)
        self.addCleanup(here.close)
        transport: Any = StringTransport(peerAddress=UNIXAddress(None))
        transport.getHandle = lambda: here
        peer = Peer(transport, nobody)
        self.assertEqual((peer.host, peer.label), ("", f"uid {os.geteuid()} (process {os.getpid()})"))
        self.assertEqual(peer.origin, Origin("", None, uid=os.geteuid()))

    def test_certificate(self) -> None:
        """A certificate is known by its fingerprint, once the handshake has shown it."""
        transport = CertifiedTransport(peerAddress=IPv4Address("TCP", "192.0.2.7", 4711))
        peer = Peer(transport, nobody)
        self.assertIsNone(peer.certificate)
        transport.proved = certificate()
        self.assertEqual(peer.certificate, transport.proved.fingerprint(SHA256()).hex())
        self.assertEqual(peer.origin.certificate, peer.certificate)


class RefusalTest(SynchronousTestCase):
    """What travels with a refusal."""

    def test_about(self) -> None:
        """The fields of the record that a refusal is about stand in the answer."""
        refused = Refused(codes.BUSY, "field_name", about=Route("sms", "…23"))
        spelt = answers.refusal(refused).spelt("a1")
        self.assertEqual(spelt, b"a1 503 reason=busy by=sms to=%E2%80%A623 field=field_name\r\n")


class PostTest(SynchronousTestCase):
    """The post that is set up to reach nobody, and the one for practice."""

    def test_nobody(self) -> None:
        """Without deliveries no way leads to anybody, and sending fails."""
        post, contact = Post(), Contact("Alice", "+12025550123")
        verifyObject(IPost, post)
        self.assertIsNone(post.route(contact))
        self.failureResultOf(post.send(contact, Parcel("Code", "12345678")), NotDelivered)

    def test_practice(self) -> None:
        """The practice post keeps what it was to send, and hides the text from whoever prints it."""
        post, contact, parcel = PracticePost(), Contact("Alice", "+12025550123"), Parcel("Code", "12345678")
        verifyObject(IPost, post)
        self.assertEqual(post.route(contact), Route("sms", "…23"))
        self.assertIsNone(post.route(Contact("Bob")))
        self.successResultOf(post.send(contact, parcel))
        self.assertEqual(post.sent, [(contact, parcel)])
        self.assertNotIn("12345678", repr(post))
