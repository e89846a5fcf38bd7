"""BANK/1 over real TLS in memory: what plain octets do not show, most of all how connections end."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from OpenSSL.SSL import Error as TLSError
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory
from twisted.internet.ssl import Certificate, TLSVersion, optionsForClientTLS
from twisted.protocols.basic import LineReceiver
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport
from twisted.trial.unittest import SynchronousTestCase

from bankd import certificates, codes, tls
from bankd.channel_factory import ChannelFactory
from bankd.perspectives.turns import Turns
from bankd.protocols.line import CLOSING_SECONDS, PIPELINE
from bankd.records import Limits
from bankd.store import customers
from bankd.testing import AtOnce, Known, PracticeBank, Stepped

LIMITS = Limits()
GREETING = "* 200 protocol=BANK/1 bank=Practice%20Bank currency=USD"


@cache
def identity() -> tuple[ssl.SSLContext, Certificate]:
    """The bank's certificate and key, ready to serve with, and the authority that clients trust; once a process."""
    with TemporaryDirectory() as folder:
        now = datetime.now(UTC)  # what clients compare with is the real clock
        authority = certificates.ensure_authority(Path(folder), now)
        paths = certificates.ensure_server_certificate(authority, Path(folder), ["localhost"], now)
        context = tls.server_context(paths.certificate, paths.key)
        return context, Certificate.loadPEM(authority.certificate_path.read_bytes())


class Socket(FakeTransport):
    """One end of a connection in memory, which reads nothing while it is paused, as a real one."""

    def __init__(self, protocol: Any, is_server: bool) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            protocol, is_server, peerAddress=IPv4Address("TCP", "192.0.2.1", 4711)
        )
        self.paused = False
        self.arrived: list[bytes] = []

    def pauseProducing(self) -> None:
        """Read nothing."""
        self.paused = True

    def resumeProducing(self) -> None:
        """Read again."""
        self.paused = False

    def read(self) -> bool:
        """Give the protocol what has arrived; whether there was something to give."""
        if self.paused or self.disconnected or not self.arrived:
            return False
        octets, self.arrived = b"".join(self.arrived), []
        self.protocol.dataReceived(octets)
        return True

    def lose(self) -> None:
        """Tell the protocol that the connection is gone."""
        if not self.disconnected:
            self.disconnecting = self.disconnected = True
            self.protocol.connectionLost(Failure(ConnectionDone()))


class Lines(LineReceiver):
    """The client's end: keeps the lines that come."""

    transport: Any

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.lost: Failure | None = None

    def lineReceived(self, line: bytes) -> None:
        """Keep a line."""
        self.lines.append(line.decode())

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Keep why it ended."""
        self.lost = reason


class Link:
    """A TLS connection to a practice bank. Nothing moves before ``flush``; ``deaf`` clients are delivered nothing."""

    def __init__(self, bank: PracticeBank, version: TLSVersion = TLSVersion.TLSv1_3, plain: bool = False) -> None:
        context, authority = identity()
        self.clock = bank.clock
        served = ChannelFactory(context, bank.factory, bank.clock)
        self.client = Lines()
        end: Any = self.client
        if not plain:
            wanted = {"lowerMaximumSecurityTo": version, "insecurelyLowerMinimumTo": version}
            trusting = optionsForClientTLS("localhost", trustRoot=authority, extraCertificateOptions=wanted)
            factory = Factory.forProtocol(lambda: self.client)
            end = TLSMemoryBIOFactory(trusting, True, factory, clock=bank.clock).buildProtocol(None)
        wrapper = served.buildProtocol(None)
        self.near, self.far = Socket(end, False), Socket(wrapper, True)
        self.protocol: Any = wrapper.protocol
        self.deaf = False
        wrapper.makeConnection(self.far)
        end.makeConnection(self.near)

    @property
    def is_open(self) -> bool:
        """Whether the bank's end is open."""
        return not self.far.disconnected

    def flush(self) -> list[str]:
        """Move octets until nothing moves, then ends; the lines that the client has got."""
        moved = True
        while moved:
            self.clock.advance(0)
            moved = self._carry(self.near, self.far)
            if not self.deaf:
                moved |= self._carry(self.far, self.near)
        if self.far.disconnecting:
            self.far.lose()
            if not self.deaf:
                self.near.lose()
        elif self.near.disconnecting and not self.far.paused:
            self.near.lose()
            self.far.lose()
        lines, self.client.lines = self.client.lines, []
        return lines

    def ask(self, *lines: str) -> list[str]:
        """Send ``lines``, and give what comes back."""
        self.client.transport.write("".join(f"{line}\r\n" for line in lines).encode())
        return self.flush()

    def send_one_by_one(self, *lines: str) -> None:
        """Send ``lines``, each in a TLS record and a packet of its own."""
        for line in lines:
            self.client.transport.write(f"{line}\r\n".encode())
            self.clock.advance(0)
            self._carry(self.near, self.far)

    def _carry(self, source: Socket, target: Socket) -> bool:
        octets = source.getOutBuffer()
        if octets:
            target.arrived.append(octets)
        return target.read() or bool(octets and not target.paused)


class TLSCase(SynchronousTestCase):
    """A test with a practice bank, at which Alice has 100 dollars."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.lane_pool = Stepped()
        self.stepped = False
        self.bank = PracticeBank(folder, limits=LIMITS, lane_pool=self.in_lane)
        self.addCleanup(self.bank.close)
        self.alice = self.bank.add_customer("alice", deposit_minor=100_00)
        self.bob = self.bank.add_customer("bob")

    def in_lane(self, function: Callable[[], Any]) -> Deferred[Any]:
        """The lane's thread: at once, or once ``stepped`` is set when the test says so."""
        return self.lane_pool(function) if self.stepped else AtOnce()(function)

    def log_in(self) -> Link:
        """A connection on which Alice has logged in."""
        link = Link(self.bank)
        lines = link.ask(f"in LOGIN account={self.alice.account} pin={self.alice.pin}")
        self.assertEqual([line.split()[1] for line in lines], ["200", "200"])
        return link

    def balance(self, known: Known) -> int:
        """What an account holds."""
        with self.bank.store.reading() as connection:
            return customers.account(connection, known.account_id).balance_minor

    def assertNothingLeft(self) -> None:
        """No timer runs, no connection is counted, and Alice's account is free."""
        self.assertEqual(self.bank.clock.getDelayedCalls(), [])
        self.assertEqual(self.bank.branch.tally.connections, 0)
        self.log_in()


class Talking(TLSCase):
    """A session from its handshake to its log-out."""

    def test_session(self) -> None:
        """Greeting, log-in, requests and log-out work, and both ends are closed at once."""
        link = Link(self.bank)
        self.assertEqual(link.flush(), [GREETING])
        answers = link.ask(f"a LOGIN account={self.alice.account} pin={self.alice.pin}", "b BALANCE")
        self.assertEqual([line[:5] for line in answers], ["a 200", "b 200"])
        self.assertEqual(link.ask("c LOGOUT"), ["c 200"])
        self.assertFalse(link.is_open)
        self.assertTrue(link.client.lost)
        self.assertNothingLeft()

    def test_request_before_the_greeting(self) -> None:
        """A client that sends with its handshake, before it has heard the greeting, is answered after it."""
        lines = Link(self.bank).ask("a NOOP", "b NOOP")
        self.assertEqual(lines, [GREETING, "a 200", "b 200"])

    def test_handshake_later(self) -> None:
        """A greeting that had to wait for a late handshake is not lost, and the bank reads what follows."""
        link = Link(self.bank)
        self.bank.clock.advance(LIMITS.handshake_seconds - 1)
        self.assertFalse(link.far.paused)
        self.assertEqual(link.flush(), [GREETING])
        self.assertEqual(link.ask("a NOOP"), ["a 200"])

    def test_many_at_once(self) -> None:
        """Hundreds of requests in one go are answered in order, each once, while the bank holds back at its limit."""
        link = self.log_in()
        self.stepped = True
        count = 5 * PIPELINE
        link.ask(*(f"t{number} DEPOSIT amount=1 currency=USD key=k{number}" for number in range(count)))
        self.assertTrue(link.far.paused)
        answers: list[str] = []
        while self.lane_pool.waiting:
            self.lane_pool.drain()
            answers += link.flush()
        self.assertEqual([line.split()[0] for line in answers], [f"t{number}" for number in range(count)])
        self.assertEqual(self.balance(self.alice), 100_00 + count)

    def test_peer_that_does_not_read(self) -> None:
        """A peer whose answers cannot be sent is not read from until they can."""
        link = self.log_in()
        valve: Any = link.far.producer
        valve.pauseProducing()
        self.assertTrue(link.far.paused)
        self.assertEqual(link.ask("a BALANCE"), [])
        valve.resumeProducing()
        self.assertFalse(link.far.paused)
        self.assertEqual([line[:5] for line in link.flush()], ["a 200"])


class Refusing(TLSCase):
    """Peers that do not speak as they should."""

    def test_old_version(self) -> None:
        """A client of TLS 1.2 does not get in."""
        link = Link(self.bank, TLSVersion.TLSv1_2)
        self.assertEqual(link.flush(), [])
        link.flush()
        self.assertFalse(link.is_open)
        assert link.client.lost is not None
        self.assertTrue(link.client.lost.check(TLSError))
        self.assertNothingLeft()

    def test_plain_text(self) -> None:
        """A client that speaks BANK/1 without TLS gets no answer in it, and nothing is done."""
        link = Link(self.bank, plain=True)
        link.near.write(f"a LOGIN account={self.alice.account} pin={self.alice.pin}\r\n".encode())
        for _ in range(2):
            self.assertNotIn("a 200", "".join(link.flush()))
        self.assertFalse(link.is_open)
        self.assertNothingLeft()

    def test_no_handshake(self) -> None:
        """A peer that never begins the handshake, or never ends it, is cut off when the time for it is over."""
        for octets in (b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
            link = Link(self.bank, plain=True)
            for second in range(LIMITS.handshake_seconds):
                self.assertFalse(link.far.disconnecting)
                link.near.write(octets[second : second + 1])
                link.flush()
                self.bank.clock.advance(1)
            link.flush()
            self.assertFalse(link.is_open)
        self.assertNothingLeft()

    def test_crowded_before_the_handshake(self) -> None:
        """A stranger that has to leave before the end of its handshake is cut off without a word."""
        link = Link(self.bank, plain=True)
        link.far.protocol.dismiss(codes.CROWDED)
        self.assertFalse(link.far.getOutBuffer())
        link.flush()
        self.assertFalse(link.is_open)
        self.assertNothingLeft()

    def test_crowded(self) -> None:
        """One that has to leave after it is told so, and its connection is closed whatever it does about it."""
        for deaf in (False, True):
            link = Link(self.bank)
            link.flush()
            link.deaf = deaf
            link.far.protocol.dismiss(codes.CROWDED)
            self.assertEqual(link.flush(), [] if deaf else ["* 503 reason=crowded"])
            self.assertFalse(link.is_open)
        self.assertNothingLeft()

    def test_crowded_in_the_middle_of_a_log_in(self) -> None:
        """One that has to leave while its secret is checked is not logged in after that, and keeps no account."""
        hash_pool = Stepped()
        self.bank.branch.hash_pool = Turns(hash_pool, 1)
        link = Link(self.bank)
        link.ask(f"a LOGIN account={self.alice.account} pin={self.alice.pin}")
        link.far.protocol.dismiss(codes.CROWDED)
        hash_pool.drain()
        self.assertEqual(link.flush()[-1], "* 503 reason=crowded")
        self.assertFalse(link.is_open)
        self.bank.branch.hash_pool = Turns(AtOnce(), 1)
        self.assertNothingLeft()

    def test_logged_in(self) -> None:
        """The gate, which knows TCP only, is told when the peer has logged in."""
        told: list[str] = []
        link = Link(self.bank)
        link.far.admit = lambda: told.append("admitted")  # type: ignore[attr-defined]
        link.ask("a NOOP")
        self.assertEqual(told, [])
        link.ask(f"a LOGIN account={self.alice.account} pin={self.alice.pin}")
        self.assertEqual(told, ["admitted"])


class Ending(TLSCase):
    """Peers that do not do their part of the closing, and banks that do theirs."""

    def commands(self) -> list[str]:
        """What would move money if it were begun."""
        return [f"x{number} WITHDRAW amount=100 currency=USD key=x{number}" for number in range(3)]

    def assertCutOff(self, link: Link) -> None:
        """The peer has CLOSING_SECONDS, and is then cut off; the session was over before."""
        self.assertTrue(link.is_open)
        self.bank.clock.advance(CLOSING_SECONDS - 0.1)
        link.flush()
        self.assertTrue(link.is_open)
        self.bank.clock.advance(0.1)
        link.flush()
        self.assertFalse(link.is_open)
        self.assertEqual(self.bank.clock.getDelayedCalls(), [])

    def test_deaf_peer(self) -> None:
        """After log-out no later command of a peer that never answers the closing is run, and it is cut off."""
        for one_by_one in (True, False):
            link = self.log_in()
            link.deaf = True
            if one_by_one:
                link.send_one_by_one("a LOGOUT", *self.commands())
            else:
                link.ask("a LOGOUT", *self.commands())
            self.assertEqual(self.balance(self.alice), 100_00)
            self.assertCutOff(link)
            self.assertEqual(self.balance(self.alice), 100_00)

    def test_log_out_that_waits(self) -> None:
        """Commands that arrive while a log-out waits for the database are not run when it is done."""
        link = self.log_in()
        link.deaf = True
        self.stepped = True
        link.send_one_by_one("a LOGOUT", *self.commands())
        self.lane_pool.drain()
        link.send_one_by_one(*self.commands())
        self.lane_pool.drain()
        self.stepped = False
        self.assertEqual(self.balance(self.alice), 100_00)
        self.assertCutOff(link)

    def test_log_out_in_the_middle(self) -> None:
        """Of commands in one go those before a log-out are carried out and answered, and none after it is begun.

        Wherever the packets end, and whether or not the peer reads.
        """
        for size in (1, 7, 100, 10_000):
            for deaf in (False, True):
                before = self.balance(self.alice)
                link = self.log_in()
                self.stepped = True
                first = f"a WITHDRAW amount=100 currency=USD key=a{size}{deaf}"
                lines = "".join(f"{line}\r\n" for line in (first, "b LOGOUT", *self.commands(), "c LOGOUT", "d NO"))
                for start in range(0, len(lines), size):
                    link.client.transport.write(lines[start : start + size].encode())
                    self.bank.clock.advance(0)
                    link._carry(link.near, link.far)
                link.deaf = deaf
                self.lane_pool.drain()
                answers = [line[:5] for line in link.flush()]
                self.assertEqual(answers, [] if deaf else ["a 200", "b 200"])
                self.lane_pool.drain()
                self.stepped = False
                self.assertEqual(self.balance(self.alice), before - 100)
                if deaf:
                    self.assertCutOff(link)

    def test_out_of_time(self) -> None:
        """When a session has lasted long enough, what was asked is answered, and what comes later is not begun."""
        for deaf in (False, True):
            link = self.log_in()
            before = self.balance(self.alice)
            for _ in range(LIMITS.session_seconds // 200 - 1):
                self.bank.clock.advance(200)
                link.ask("k NOTICES")
            self.stepped = True
            link.deaf = deaf
            link.send_one_by_one(f"a WITHDRAW amount=100 currency=USD key=out{deaf}")
            self.bank.clock.advance(200)
            link.send_one_by_one(*self.commands())
            self.lane_pool.drain()
            lines = [line[:5] for line in link.flush()]
            self.assertEqual(lines, [] if deaf else ["a 200", "* 408"])
            self.lane_pool.drain()
            self.stepped = False
            self.assertEqual(self.balance(self.alice), before - 100)
            if deaf:
                self.assertCutOff(link)

    def test_deleted(self) -> None:
        """After the deletion of an account no later command of a deaf peer is run either."""
        link = self.log_in()
        link.deaf = True
        delete = f"a DELETE_ACCOUNT pin={self.alice.pin} payout={self.bob.account}"
        link.send_one_by_one(delete, "b DEPOSIT amount=1 currency=USD key=k", *self.commands())
        self.assertEqual((self.balance(self.alice), self.balance(self.bob)), (0, 100_00))
        self.assertCutOff(link)

    def test_idle_deaf_peer(self) -> None:
        """A peer that just died is closed when it has been idle for too long, and cut off."""
        link = self.log_in()
        link.deaf = True
        self.bank.clock.advance(LIMITS.idle_seconds)
        link.flush()
        self.assertCutOff(link)

    def test_closed_while_not_read_from(self) -> None:
        """A connection that was not read from when the bank closed it is closed at once if the peer does its part."""
        link = self.log_in()
        self.stepped = True
        deposits = [f"t{number} DEPOSIT amount=1 currency=USD key=k{number}" for number in range(PIPELINE - 1)]
        link.ask(*deposits, "q LOGOUT", *self.commands())
        self.assertTrue(link.far.paused)
        self.lane_pool.drain()
        self.assertEqual(link.flush()[-1], "q 200")
        self.assertFalse(link.is_open)
        self.stepped = False
        self.assertNothingLeft()

    def test_dropped(self) -> None:
        """A peer that is gone without a word leaves nothing behind."""
        link = self.log_in()
        link.far.lose()
        self.assertNothingLeft()

    def test_closed_by_the_peer(self) -> None:
        """A peer that closes its end properly is gone at once; what it sent before is carried out."""
        link = self.log_in()
        link.client.transport.write(b"a WITHDRAW amount=100 currency=USD key=k\r\n")
        link.client.transport.loseConnection()
        link.flush()
        link.flush()
        self.assertFalse(link.is_open)
        self.assertEqual(self.balance(self.alice), 99_00)
        self.assertNothingLeft()

    def test_stop(self) -> None:
        """At the end of the day every peer is told, and the bank waits for them, the deaf ones only for so long."""
        listening, deaf = self.log_in(), Link(self.bank)
        deaf.flush()
        deaf.deaf = True
        hung_up = self.bank.factory.hang_up()
        self.assertEqual(listening.flush(), ["* 503 reason=stopping"])
        self.assertFalse(listening.is_open)
        deaf.flush()
        self.assertNoResult(hung_up)
        self.bank.clock.advance(CLOSING_SECONDS)
        deaf.flush()
        self.successResultOf(hung_up)
