"""A channel against the standard library's own TLS client, in memory; BANK/1 over it is in test_line_tls."""

import contextlib
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, IProtocolFactory, IPushProducer, ITransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from bankd.channel import CLOSING_SECONDS, MAX_UNASKED, TOGETHER, Channel
from bankd.channel_factory import ChannelFactory
from tests.test_line_tls import identity
from tests.tls_keys import Keys

ALERT = 21
"""The content type of a record that holds an alert in the clear."""


class Served(Protocol):
    """The protocol over a channel: keeps what it gets, each time it gets something, and may do something then."""

    transport: Any

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.lost: Failure | None = None
        self.on_connection: Callable[[], object] = lambda: None
        self.on_data: Callable[[bytes], object] = lambda data: None

    def connectionMade(self) -> None:
        """Do what the test wants."""
        self.on_connection()

    def dataReceived(self, data: bytes) -> None:
        """Keep ``data``, and do what the test wants."""
        self.got.append(data)
        self.on_data(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Keep why."""
        assert self.lost is None
        self.lost = reason


@implementer(IPushProducer)
class Source:
    """A producer that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        """Told to pause."""
        self.told.append("pause")

    def resumeProducing(self) -> None:
        """Told to go on."""
        self.told.append("resume")

    def stopProducing(self) -> None:
        """Told that it is over."""
        self.told.append("stop")


def trusting() -> ssl.SSLContext:
    """How a client of the standard library trusts the bank."""
    return ssl.create_default_context(cadata=identity()[1].dumpPEM().decode())


class Client:
    """The other end: the standard library's TLS."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.arrived, self.leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.arrived, self.leaving, server_hostname="localhost")
        self.got = b""
        self.reads: list[bytes] = []
        self.closed = False
        self.error: ssl.SSLError | None = None
        self.go_on()

    def go_on(self) -> None:
        """Shake hands and read, as far as what has arrived goes."""
        try:
            self.tls.do_handshake()
            while octets := self.tls.read(2**14):
                self.reads.append(octets)
                self.got += octets
            self.closed = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.closed = True
        except ssl.SSLError as error:
            self.error = error

    def close(self) -> None:
        """Close our end, with a close_notify."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()


class Link:
    """A channel between a protocol and a TCP connection in memory. Nothing moves before ``carry``."""

    def __init__(
        self,
        client: ssl.SSLContext | None = None,
        context: ssl.SSLContext | None = None,
        protocol: Any = None,
        on_connection: Callable[[Served], object] = lambda served: None,
        seconds: float = 2 * CLOSING_SECONDS,
    ) -> None:
        self.clock = Clock()
        self.served = protocol or Served()
        if protocol is None:
            self.served.on_connection = lambda: on_connection(self.served)
        inner = Factory.forProtocol(lambda: self.served)
        self.factory = ChannelFactory(context or identity()[0], inner, self.clock, seconds)
        self.channel: Channel = self.factory.buildProtocol(None)
        self.tcp = StringTransport()
        self.channel.makeConnection(self.tcp)
        self.client = Client(client or trusting())

    def carry(self) -> None:
        """Move octets until none move, as TCP would."""
        while self._move():
            pass

    def _move(self) -> bool:
        self.clock.advance(0)
        moved = self.receive(self.client.leaving.read()) if self.tcp.producerState == "producing" else False
        return self.send() or moved

    def receive(self, octets: bytes) -> bool:
        """Give the channel ``octets`` by TCP; whether there were any."""
        if octets and not self.tcp.disconnecting:
            self.channel.dataReceived(octets)
        return bool(octets)

    def send(self) -> bool:
        """Give the client what the channel has sent; whether there was anything."""
        octets = self.tcp.value()
        self.tcp.clear()
        self.client.arrived.write(octets)
        self.client.go_on()
        return bool(octets)

    def lose(self, reason: Exception | None = None) -> type[BaseException]:
        """End TCP; why the protocol was told that it ended. No timer is left."""
        self.channel.connectionLost(Failure(reason or ConnectionDone()))
        self.clock.advance(0)
        assert not self.clock.getDelayedCalls()
        lost = self.served.lost
        assert lost is not None and lost.type is not None
        return lost.type


def opened(**options: Any) -> Link:
    """A link whose handshake is done."""
    link = Link(**options)
    link.carry()
    return link


class Handshakes(SynchronousTestCase):
    """From the first octet to the last of the handshake."""

    def test_interfaces(self) -> None:
        """A channel is what a protocol expects of its transport, and its factory what a port expects."""
        link = Link()
        for interface in (ITransport, IConsumer, IPushProducer):
            verifyObject(interface, link.channel)
        verifyObject(IProtocolFactory, link.factory)
        self.assertEqual(link.channel.getPeer(), link.tcp.getPeer())
        self.assertEqual(link.channel.getHost(), link.tcp.getHost())

    def test_greeting(self) -> None:
        """The protocol is connected at once, and what it writes then comes after the handshake, with nothing else."""
        link = Link(on_connection=lambda served: served.transport.write(b"hello"))
        link.clock.advance(1)
        self.assertEqual(link.tcp.value(), b"")
        link.carry()
        self.assertEqual(link.client.reads, [b"hello"])
        self.assertEqual(link.client.tls.version(), "TLSv1.3")
        session = link.client.tls.session
        self.assertFalse(session is not None and session.has_ticket)

    def test_octets_with_the_handshake(self) -> None:
        """What a client sends together with the end of its handshake is delivered."""
        link = Link()
        link.receive(link.client.leaving.read())
        link.send()
        link.client.tls.write(b"early")
        link.receive(link.client.leaving.read())
        self.assertEqual(link.served.got, [b"early"])

    def test_old_version(self) -> None:
        """A client that knows nothing newer than TLS 1.2 gets an alert."""
        old = trusting()
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        link = opened(client=old)
        assert link.client.error is not None
        self.assertEqual(link.client.error.reason, "TLSV1_ALERT_PROTOCOL_VERSION")
        self.assertTrue(link.tcp.disconnecting)
        self.assertEqual(link.lose(), ssl.SSLError)

    def test_no_tls(self) -> None:
        """What is not TLS ends the connection, whatever it is, with an alert if TLS has one for it."""
        for junk in (b"GET / HTTP/1.1\r\n\r\n", b"a NOOP\r\n", b"\x16\x03\x01\x00\x05junk!", bytes(100), b"\xff" * 9):
            link = Link(on_connection=lambda served: served.transport.write(b"secret"))
            link.receive(junk)
            self.assertTrue(link.tcp.disconnecting)
            self.assertTrue(link.tcp.value() == b"" or link.tcp.value()[0] == ALERT, junk)
            self.assertEqual(link.served.got, [])
            link.channel.dataReceived(junk)
            self.assertEqual(link.lose(), ssl.SSLError)
        self.assertEqual(self.flushLoggedErrors(), [])

    @settings(max_examples=50, deadline=None)
    @given(st.binary(min_size=1, max_size=400), st.binary(max_size=100))
    def test_any_junk(self, junk: bytes, more: bytes) -> None:
        """Whatever stands in place of a handshake, nothing of it is delivered, and nothing is raised."""
        link = Link()
        link.receive(b"\x16\x03\x01" + junk)
        link.receive(more)
        self.assertEqual(link.served.got, [])

    def test_given_up(self) -> None:
        """A client that goes away in the middle of its handshake was lost; one that was cut off, cut off."""
        for reason, told in ((ConnectionDone(), ConnectionLost), (ConnectionLost(), ConnectionLost)):
            link = Link()
            link.receive(link.client.leaving.read(100))
            self.assertEqual(link.lose(reason), told)
        link = Link()
        link.channel.abortConnection()
        self.assertTrue(link.tcp.disconnected)
        self.assertEqual(link.lose(ConnectionAborted()), ConnectionAborted)

    def test_nobody_is_served(self) -> None:
        """A factory that wants no connection gets none."""
        refusing: Any = Factory()
        refusing.buildProtocol = lambda addr: None
        self.assertIsNone(ChannelFactory(identity()[0], refusing, Clock()).buildProtocol(None))

    def test_factory(self) -> None:
        """A factory that stands over TLS is told when its port opens and closes."""
        inner: Any = Factory()
        outer = ChannelFactory(identity()[0], inner, Clock())
        inner.noisy = False
        outer.doStart()
        self.assertEqual(inner.numPorts, 1)
        outer.doStop()
        self.assertEqual(inner.numPorts, 0)


class ClientCertificates(SynchronousTestCase):
    """Contexts that ask for the client's certificate."""

    def setUp(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "terminal 7")])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), 7, now - timedelta(1), now + timedelta(1))
        ).sign(key, hashes.SHA256())
        pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        path = Path(self.mktemp())
        form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        path.write_bytes(pem + key.private_bytes(serialization.Encoding.PEM, *form))
        self.path = path
        self.pem = pem.decode()

    def asking(self) -> ssl.SSLContext:
        """A context as a terminal's port would have it; a new one, since the other one is shared."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=self.pem)
        context.load_cert_chain(self.path)
        return context

    def client(self) -> ssl.SSLContext:
        """A client that looks at no certificate, and has none."""
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        return client

    def test_given(self) -> None:
        """A certificate that is trusted can be asked for once the handshake is done."""
        client = self.client()
        client.load_cert_chain(self.path)
        link = Link(client, self.asking())
        self.assertIsNone(link.channel.getPeerCertificate())
        link.carry()
        self.assertEqual(link.channel.getPeerCertificate(), self.certificate)

    def test_not_given(self) -> None:
        """Who has none does not get in where one is asked for."""
        link = opened(client=self.client(), context=self.asking())
        self.assertTrue(link.tcp.disconnecting)
        self.assertEqual(link.lose(), ssl.SSLError)

    def test_not_asked_for(self) -> None:
        """Where none is asked for there is none."""
        self.assertIsNone(opened().channel.getPeerCertificate())


class Reading(SynchronousTestCase):
    """What the client sends."""

    def test_many_records_at_once(self) -> None:
        """The records that TCP brings together are delivered together."""
        link = opened()
        for number in range(100):
            link.client.tls.write(b"%d\n" % number)
        link.receive(link.client.leaving.read())
        self.assertEqual(link.served.got, [b"".join(b"%d\n" % number for number in range(100))])

    def test_large(self) -> None:
        """More than fits a record is delivered whole."""
        link = opened()
        sent = bytes(range(256)) * 1000
        link.client.tls.write(sent)
        link.carry()
        self.assertEqual(b"".join(link.served.got), sent)

    def test_octet_by_octet(self) -> None:
        """A connection of which each octet comes alone works, from the first of the handshake to the last."""
        link = Link()
        link.served.on_data = lambda data: link.channel.loseConnection()
        for step in range(10):
            if step == 4:
                link.client.tls.write(b"ping")
            for octet in link.client.leaving.read():
                link.receive(bytes([octet]))
            link.send()
        self.assertTrue(link.client.closed)
        self.assertEqual(link.served.got, [b"ping"])

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.binary(max_size=60).map(lambda line: line.replace(b"\n", b"")), max_size=12),
        st.lists(st.integers(1, 200), min_size=1, max_size=30),
        st.lists(st.integers(1, 60), min_size=1, max_size=30),
    )
    def test_however_it_is_split(self, lines: list[bytes], packets: list[int], records: list[int]) -> None:
        """However lines are split into records, and records into packets, they are the lines that come."""
        got: list[bytes] = []
        protocol: Any = LineReceiver()
        protocol.delimiter = b"\n"
        protocol.lineReceived = got.append
        link = opened(protocol=protocol)
        for piece in pieces(b"".join(line + b"\n" for line in lines), records):
            link.client.tls.write(piece)
        for piece in pieces(link.client.leaving.read(), packets):
            link.receive(piece)
        self.assertEqual(got, lines)

    def test_broken_record(self) -> None:
        """What was sent before a record that is not the client's is delivered; then there is an alert, and the end."""
        link = opened()
        link.client.tls.write(b"good")
        link.receive(link.client.leaving.read() + b"\x17\x03\x03\x00\x20" + bytes(32))
        self.assertEqual(link.served.got, [b"good"])
        link.channel.write(b"too late")
        link.send()
        assert link.client.error is not None
        self.assertEqual(link.client.error.reason, "SSLV3_ALERT_BAD_RECORD_MAC")
        self.assertTrue(link.tcp.disconnecting)
        self.assertEqual(link.lose(), ssl.SSLError)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_new_keys(self) -> None:
        """A client may change its keys, and ask for ours to be changed."""
        link, keys = self.with_keys()
        link.receive(keys.update() + keys.record(b"ping"))
        self.assertEqual(link.served.got, [b"ping"])
        for _ in range(500):
            link.receive(keys.update())
        link.receive(keys.record(b"pong"))
        self.assertEqual(link.served.got, [b"ping", b"pong"])
        link.channel.write(b"answer")
        link.carry()
        self.assertEqual(link.client.got, b"answer")

    def test_new_keys_without_end(self) -> None:
        """Who asks for new keys over and over is cut off before the answers, which it may not read, are many."""
        link, keys = self.with_keys()
        for _ in range(3000):
            link.receive(keys.update())
        self.assertTrue(link.tcp.disconnected)
        self.assertLessEqual(len(link.tcp.value()), MAX_UNASKED)
        self.assertEqual(link.lose(ConnectionAborted()), ConnectionAborted)

    def with_keys(self) -> tuple["Link", Keys]:
        """A link whose handshake is done, and the keys that the client has then."""
        log = Path(self.mktemp())
        client = trusting()
        client.keylog_filename = str(log)
        return opened(client=client), Keys(log.read_text())


def pieces(octets: bytes, sizes: list[int]) -> Iterator[bytes]:
    """``octets`` in pieces of ``sizes``, which are begun again when they run out."""
    at = turn = 0
    while at < len(octets):
        size = sizes[turn % len(sizes)]
        yield octets[at : at + size]
        at += size
        turn += 1


class Writing(SynchronousTestCase):
    """What the protocol sends."""

    def test_together(self) -> None:
        """What is written in one turn, also by many calls, is one record and one write to TCP."""
        link = opened()
        link.channel.write(b"a")
        link.channel.writeSequence([b"b", b"c"])
        self.assertEqual(link.tcp.value(), b"")
        link.carry()
        self.assertEqual(link.client.reads, [b"abc"])
        link.channel.write(b"d")
        link.carry()
        self.assertEqual(link.client.reads, [b"abc", b"d"])

    def test_answers(self) -> None:
        """What is written while octets are delivered goes out when they are, without waiting for the turn's end."""
        link = opened()
        link.served.on_data = lambda data: link.channel.writeSequence([data, data, data])
        link.channel.write(b"before ")
        link.client.tls.write(b"x")
        link.receive(link.client.leaving.read())
        link.send()
        self.assertEqual(link.client.reads, [b"before xxx"])
        link.carry()
        self.assertEqual(link.client.got, b"before xxx")
        link.client.tls.write(b"y")
        link.receive(link.client.leaving.read())
        self.assertEqual(link.clock.getDelayedCalls(), [])

    def test_large(self) -> None:
        """A megabyte is sent whole, and so much is not kept until the turn is over."""
        link = opened()
        sent = bytes(range(256)) * 4096
        link.channel.write(sent)
        self.assertGreater(len(link.tcp.value()), len(sent))
        link.carry()
        self.assertEqual(link.client.got, sent)

    def test_what_can_be_written(self) -> None:
        """Octets of any kind, as they are when they are written; text is refused, and nothing is nothing."""
        link = opened()
        changing = bytearray(b"one ")
        link.channel.write(changing)  # type: ignore[arg-type]
        changing[:] = b"two "
        link.channel.write(memoryview(b"three"))  # type: ignore[arg-type]
        link.channel.write(b"")
        for wrong in ("text", 7, None):
            self.assertRaises(TypeError, link.channel.write, wrong)
        link.carry()
        self.assertEqual(link.client.got, b"one three")
        link.channel.write(b"")
        self.assertEqual(link.clock.getDelayedCalls(), [])

    def test_one_that_breaks(self) -> None:
        """A connection that fails when its turn comes is cut off, and those after it have their turn."""
        broken = opened()
        whole = Channel(identity()[0], broken.clock, broken.channel._call_soon, Served())
        tcp, client = StringTransport(), Client(trusting())
        whole.makeConnection(tcp)
        for _ in range(2):
            whole.dataReceived(client.leaving.read())
            client.arrived.write(tcp.value())
            tcp.clear()
            client.go_on()
        self.patch(broken.tcp, "write", None)
        broken.channel.write(b"x")
        whole.write(b"y")
        broken.clock.advance(0)
        client.arrived.write(tcp.value())
        client.go_on()
        self.assertEqual(client.got, b"y")
        self.assertTrue(broken.tcp.disconnected)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)


class Flow(SynchronousTestCase):
    """Who is faster waits for the other."""

    def test_pause(self) -> None:
        """A protocol that has paused gets nothing, and TCP is not read from; afterwards it gets all, not at once."""
        link = opened()
        link.channel.pauseProducing()
        self.assertEqual(link.tcp.producerState, "paused")
        link.client.tls.write(b"late")
        link.receive(link.client.leaving.read())  # had been read when the pause came
        link.carry()
        self.assertEqual(link.served.got, [])
        link.channel.resumeProducing()
        self.assertEqual((link.tcp.producerState, link.served.got), ("producing", []))
        link.clock.advance(0)
        self.assertEqual(link.served.got, [b"late"])

    def test_pause_again(self) -> None:
        """A pause before the octets that had arrived could be delivered holds for them as well."""
        link = opened()
        link.channel.pauseProducing()
        link.client.tls.write(b"late")
        link.receive(link.client.leaving.read())
        link.channel.resumeProducing()
        link.channel.pauseProducing()
        link.channel.write(b"answer")
        link.carry()
        self.assertEqual((link.served.got, link.client.got), ([], b"answer"))
        link.channel.resumeProducing()
        link.channel.resumeProducing()
        link.carry()
        self.assertEqual(link.served.got, [b"late"])

    def test_pause_while_octets_are_delivered(self) -> None:
        """A protocol may pause, and go on, from within what it is given."""
        link = opened()
        link.served.on_data = lambda data: link.channel.pauseProducing()
        for _ in range(2):
            link.client.tls.write(b"x")
            link.carry()
        self.assertEqual((link.tcp.producerState, link.served.got), ("paused", [b"x"]))

        def hesitate(data: bytes) -> None:
            link.channel.pauseProducing()
            link.channel.resumeProducing()

        link.served.on_data = hesitate
        link.channel.resumeProducing()
        link.client.tls.write(b"y")
        link.carry()
        self.assertEqual((link.tcp.producerState, b"".join(link.served.got)), ("producing", b"xxy"))

    def test_pause_before_the_handshake(self) -> None:
        """A protocol that has paused from the start does not hold up the handshake, nor what it has to say."""

        def begin(served: Served) -> None:
            served.transport.pauseProducing()
            served.transport.write(b"hello")

        link = Link(on_connection=begin)
        link.receive(link.client.leaving.read())
        link.send()
        link.client.tls.write(b"early")
        link.carry()
        self.assertEqual((link.client.got, link.served.got, link.tcp.producerState), (b"hello", [], "paused"))
        link.channel.resumeProducing()
        link.carry()
        self.assertEqual(link.served.got, [b"early"])

    def test_producer(self) -> None:
        """TCP itself tells a producer when it is full."""
        link = opened()
        source = Source()
        link.channel.registerProducer(source, True)
        self.assertEqual((link.tcp.producer, link.tcp.streaming, source.told), (source, True, []))
        self.assertRaises(RuntimeError, link.channel.registerProducer, Source(), True)
        link.channel.unregisterProducer()
        link.channel.unregisterProducer()
        self.assertIsNone(link.tcp.producer)

    def test_producer_that_writes_without_end(self) -> None:
        """Within one turn a producer does not get far beyond what goes together before TCP can stop it."""
        link = opened()
        chunk = bytes(1000)
        while not link.tcp.value():
            link.channel.write(chunk)
        self.assertLess(len(link.tcp.value()), TOGETHER + 3000)

    def test_producer_before_the_handshake(self) -> None:
        """A producer that comes early is paused until the handshake is done; one that is asked is asked again."""
        source = Source()
        link = Link(on_connection=lambda served: served.transport.registerProducer(source, True))
        self.assertEqual(source.told, ["pause"])
        link.carry()
        self.assertEqual(source.told, ["pause", "resume"])
        link.channel.abortConnection()
        link.channel.unregisterProducer()
        self.assertIsNone(link.tcp.producer)
        asked = Source()
        opened(on_connection=lambda served: served.transport.registerProducer(asked, False))
        self.assertEqual(asked.told, ["resume"])

    def test_producer_that_cuts(self) -> None:
        """A producer that cuts the connection when it may begin leaves nothing to be closed."""
        link = Link()
        source = Source()
        self.patch(source, "resumeProducing", lambda: link.channel.abortConnection())
        link.channel.registerProducer(source, True)
        link.channel.loseConnection()
        link.receive(link.client.leaving.read())
        link.send()
        link.receive(link.client.leaving.read())
        self.assertEqual((link.tcp.value(), link.tcp.disconnected), (b"", True))
        link.channel.unregisterProducer()
        self.assertEqual(link.tcp.value(), b"")

    def test_producer_of_a_peer_that_closes(self) -> None:
        """A producer is stopped when the client closes, and does not keep TCP open; a later one is stopped at once."""
        link = opened()
        source, later = Source(), Source()
        link.channel.registerProducer(source, True)
        link.client.close()
        link.carry()
        self.assertEqual((source.told, link.tcp.producer, link.tcp.disconnecting), (["stop"], None, True))
        link.channel.registerProducer(later, True)
        self.assertEqual(later.told, ["stop"])

    def test_producer_that_is_not_done(self) -> None:
        """A connection is closed when its producer is done, and takes what it writes until then."""
        for early in (True, False):
            link = Link() if early else opened()
            link.channel.registerProducer(Source(), True)
            link.channel.loseConnection()
            link.carry()
            self.assertFalse(link.client.closed)
            link.channel.write(b"the end")
            link.channel.unregisterProducer()
            link.channel.write(b"too late")
            link.carry()
            self.assertEqual((link.client.got, link.client.closed), (b"the end", True))


class Closing(SynchronousTestCase):
    """Ends of connections, of which the bank begins some."""

    def assertClosed(self, link: Link) -> None:
        """The client has closed as well, so that TCP is closed after what was sent."""
        self.assertTrue(link.client.closed)
        self.assertFalse(link.tcp.disconnecting)
        link.client.close()
        link.carry()
        self.assertTrue(link.tcp.disconnecting)
        self.assertEqual(link.lose(), ConnectionDone)

    def test_closed(self) -> None:
        """Everything written goes out, then close_notify; nothing that is written later does."""
        link = opened()
        link.channel.write(b"x" * 100_000)
        link.channel.write(b"bye")
        link.channel.loseConnection()
        link.channel.loseConnection()
        link.channel.write(b"no more")
        self.assertTrue(link.channel.disconnecting)
        link.carry()
        self.assertEqual(link.client.got, b"x" * 100_000 + b"bye")
        self.assertClosed(link)

    def test_stopped(self) -> None:
        """To stop reading for good is to close."""
        link = opened()
        link.channel.stopProducing()
        link.carry()
        self.assertClosed(link)

    def test_nothing_more_is_delivered(self) -> None:
        """What a client sends after we closed is dropped, and its close_notify behind it is still found."""
        for paused in (False, True):
            link = opened()
            if paused:
                link.channel.pauseProducing()
                link.client.tls.write(b"before")
                link.receive(link.client.leaving.read())
            link.channel.loseConnection()
            self.assertEqual(link.tcp.producerState, "producing")
            for _ in range(3):
                link.client.tls.write(b"after")
                link.receive(link.client.leaving.read())
            link.channel.pauseProducing()
            link.carry()
            self.assertEqual(link.served.got, [])
            self.assertClosed(link)

    def test_from_within(self) -> None:
        """A protocol may close from within what it is given, after its answer."""
        link = opened()

        def answer(data: bytes) -> None:
            link.channel.write(b"bye")
            link.channel.loseConnection()
            link.channel.write(b"no more")

        link.served.on_data = answer
        for _ in range(3):
            link.client.tls.write(b"x")
            link.receive(link.client.leaving.read())
        link.carry()
        self.assertEqual((link.served.got, link.client.got), ([b"x"], b"bye"))
        self.assertClosed(link)

    def test_before_the_handshake(self) -> None:
        """What was written before goes out after the handshake; where nothing was, TCP is closed at once."""

        def part(served: Served) -> None:
            served.transport.write(b"bye")
            served.transport.loseConnection()
            served.transport.write(b"no more")

        link = opened(on_connection=part)
        self.assertEqual(link.client.got, b"bye")
        self.assertClosed(link)
        link = Link(on_connection=lambda served: served.transport.loseConnection())
        self.assertTrue(link.tcp.disconnecting)
        link.channel.dataReceived(link.client.leaving.read())
        self.assertEqual(link.tcp.value(), b"")
        link.lose()

    def test_deaf_peer(self) -> None:
        """A client that does not do its part is cut off, at whatever point it stopped."""
        hello = lambda served: served.transport.write(b"hello")  # noqa: E731
        for link in (opened(), Link(on_connection=hello)):
            link.channel.loseConnection()
            link.clock.advance(CLOSING_SECONDS - 0.1)
            self.assertFalse(link.tcp.disconnected)
            link.clock.advance(0.1)
            self.assertTrue(link.tcp.disconnected)
            self.assertEqual(link.lose(ConnectionAborted()), ConnectionAborted)

    def test_deaf_peer_that_closed(self) -> None:
        """So is one that has closed its end, but does not read what TCP still has for it."""
        link = opened()
        link.client.close()
        link.carry()
        link.clock.advance(CLOSING_SECONDS)
        self.assertTrue(link.tcp.disconnected)
        self.assertEqual(link.lose(ConnectionAborted()), ConnectionDone)

    def test_closed_by_the_peer(self) -> None:
        """What a client sent before it closed is delivered and answered; then we close as well."""
        link = opened()
        link.served.on_data = link.channel.write
        link.client.tls.write(b"last")
        link.client.close()
        link.receive(link.client.leaving.read())
        link.send()
        self.assertEqual((link.served.got, link.client.got, link.client.closed), ([b"last"], b"last", True))
        self.assertTrue(link.tcp.disconnecting)
        self.assertEqual(link.lose(), ConnectionDone)

    def test_closed_by_both(self) -> None:
        """A client whose close_notify had arrived, but was not read when we closed, is done with at once."""
        link = opened()
        link.channel.pauseProducing()
        link.client.close()
        link.receive(link.client.leaving.read())
        link.channel.write(b"bye")
        link.channel.loseConnection()
        link.send()
        self.assertEqual((link.client.got, link.tcp.disconnecting), (b"bye", True))

    def test_gone(self) -> None:
        """A client that ends TCP without closing TLS was lost, unless we had closed; what broke TCP is told."""
        for reason, told in ((ConnectionDone(), ConnectionLost), (ConnectionLost(), ConnectionLost)):
            self.assertEqual(opened().lose(reason), told)
        link = opened()
        link.channel.loseConnection()
        self.assertEqual(link.lose(), ConnectionDone)

    def test_after_the_end(self) -> None:
        """A protocol may still do with a transport that is gone what it does with one that is not."""
        link = opened()
        link.channel.pauseProducing()
        link.channel.write(b"x")
        link.lose()
        sent = link.tcp.value()
        for act in (link.channel.resumeProducing, link.channel.pauseProducing, link.channel.loseConnection):
            act()
        link.channel.write(b"y")
        link.clock.advance(CLOSING_SECONDS)
        self.assertEqual(link.tcp.value(), sent)

    def test_abort(self) -> None:
        """Nothing goes in or out of a connection that was cut, not even from within what is delivered."""
        link = opened()

        def cut(data: bytes) -> None:
            link.channel.write(b"never")
            link.channel.abortConnection()
            link.channel.write(b"never")

        link.served.on_data = cut
        link.channel.write(b"never")
        link.client.tls.write(b"x")
        link.client.close()
        link.receive(link.client.leaving.read())
        link.receive(b"more")
        link.clock.advance(CLOSING_SECONDS)
        self.assertEqual((link.tcp.value(), link.served.got), (b"", [b"x"]))
        self.assertTrue(link.tcp.disconnected)
        self.assertEqual(link.lose(ConnectionAborted()), ConnectionAborted)

    def test_fault_of_the_protocol(self) -> None:
        """What a protocol raises reaches TCP, which ends the connection; what it had written before is not sent."""
        link = opened()

        def fail(data: bytes) -> None:
            link.channel.write(b"never")
            raise ArithmeticError

        link.served.on_data = fail
        link.client.tls.write(b"x")
        self.assertRaises(ArithmeticError, link.carry)
        self.assertEqual(link.lose(ArithmeticError()), ArithmeticError)
        self.assertEqual(link.tcp.value(), b"")
