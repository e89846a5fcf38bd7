"""Live notices: to whom a datagram goes, what comes first, and that no failure of the network is anybody's business."""

import errno
from random import Random
from typing import Any

from twisted.internet.error import MessageLengthError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from bankd import codes
from bankd.codes import Refused
from bankd.ibank import INoticeBoard
from bankd.notify import Notices
from bankd.records import Event, Listening, NoticeKind, Wait
from bankd.testing import PracticeBoard
from bankd.wire import notice
from bankd.wire.notice import MOST_HINTS, Hint, Opening, Probe
from bankd.wire.paths import PROBE_SECONDS, PROBES_OF_ACCOUNT, PROBES_TO_HOST

ALICE, BOB = 1, 2
HOST = "192.0.2.1"


class FakeUDP:
    """A UDP transport that keeps what is sent, and fails where ``failing`` says so."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.failing: dict[str, Exception] = {}

    def write(self, datagram: bytes, address: tuple[str, int]) -> None:
        """Send."""
        if address[0] in self.failing:
            raise self.failing[address[0]]
        self.sent.append((datagram, address))

    def getHost(self) -> Any:
        """Where it sends from."""
        return type("Host", (), {"port": 65433})


class Terminal:
    """A terminal that the board was asked to tell: what it knows, and what it has received."""

    def __init__(self, listening: Listening, address: tuple[str, int]) -> None:
        self.listener = listening.listener
        self.port = listening.port
        self.address = address
        self._opening = Opening(listening.listener, notice.read_key(listening.notice_key))

    def opened(self, sent: list[tuple[bytes, tuple[str, int]]]) -> list[object]:
        """What it finds in what was sent, of what was sent to it."""
        return [self._opening.open(datagram) for datagram, address in sent if address == self.address]


class NoticesCase(SynchronousTestCase):
    """A test with a board and its transport."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.board = Notices(Random(1).randbytes, self.clock.seconds)
        self.udp = FakeUDP()
        self.board.makeConnection(self.udp)  # type: ignore[arg-type]

    def sent(self) -> list[tuple[bytes, tuple[str, int]]]:
        """What was sent since the last time."""
        sent, self.udp.sent = self.udp.sent, []
        return sent

    def sent_to(self) -> list[Any]:
        """Where something was sent since the last time."""
        return [address for _, address in self.sent()]

    def ask(self, account_id: int, host: str = HOST, port: int = 4711) -> tuple[Terminal, str]:
        """Ask for notices; the terminal, and the proof in its probe, which is all that is sent."""
        terminal = Terminal(self.board.listen(account_id, host, port), (host, port))
        (probe,) = terminal.opened(self.sent())
        assert isinstance(probe, Probe)
        return terminal, probe.proof

    def listen(self, account_id: int, host: str = HOST, port: int = 4711) -> Terminal:
        """A terminal that has proved its address."""
        terminal, proof = self.ask(account_id, host, port)
        self.assertTrue(self.board.confirm(terminal.listener, proof))
        return terminal

    def tell(self, *events: tuple[int, int, NoticeKind]) -> None:
        """Tell of events, each of an account, with its number and kind."""
        self.board.tell([Event(*event) for event in events], self.clock.seconds())


class Telling(NoticesCase):
    """To whom a datagram goes."""

    def test_promises(self) -> None:
        """The board keeps its contract, and so does its double for tests."""
        verifyObject(INoticeBoard, self.board)
        verifyObject(INoticeBoard, PracticeBoard())

    def test_hint(self) -> None:
        """A listener is sent a hint of the event: the number and the kind, sealed with its own key."""
        terminal = self.listen(ALICE)
        self.tell((ALICE, 7, NoticeKind.RECEIVED))
        self.assertEqual(terminal.opened(self.udp.sent), [(Hint(7, "received"),)])
        for word in (b"received", b"\0" * 7 + b"\7"):
            self.assertNotIn(word, self.udp.sent[0][0])

    def test_every_kind_can_be_sent(self) -> None:
        """There is a hint for every kind of event, and it can be read."""
        terminal = self.listen(ALICE)
        self.tell(*((ALICE, 1, kind) for kind in NoticeKind))
        self.assertEqual(terminal.opened(self.udp.sent), [tuple(Hint(1, kind) for kind in NoticeKind)])

    def test_a_batch_is_a_datagram(self) -> None:
        """All that one batch has for a listener goes into one datagram, in order, or into few where there is more."""
        alice, bob = self.listen(ALICE), self.listen(BOB, port=4712)
        both = ((ALICE, BOB)[number % 2] for number in range(2 * MOST_HINTS + 2))
        self.tell(*((account_id, number, NoticeKind.PAID) for number, account_id in enumerate(both)))
        self.assertEqual(len(self.udp.sent), 4)
        for terminal, first in ((alice, 0), (bob, 1)):
            brought = terminal.opened(self.udp.sent)
            numbers = [hint.number for some in brought for hint in some]  # type: ignore[attr-defined]
            self.assertEqual(numbers, [*range(first, 2 * MOST_HINTS + 2, 2)])

    def test_targeted(self) -> None:
        """Each account's listeners are told of its own events only, and all of them are."""
        for account_id, port in ((ALICE, 1), (ALICE, 2), (BOB, 3)):
            self.listen(account_id, port=port)
        self.tell((ALICE, 1, NoticeKind.PAID))
        self.assertEqual({port for _, port in self.sent_to()}, {1, 2})
        self.tell((BOB, 1, NoticeKind.RECEIVED), (99, 1, NoticeKind.DEPOSIT))
        self.assertEqual([port for _, port in self.sent_to()], [3])

    def test_ids_and_keys(self) -> None:
        """Every listener has an id and a key of its own, also at one address, and knows the bank's port."""
        found = [self.board.listen(ALICE, HOST, 4711) for _ in range(4)]
        self.assertEqual([len({one.listener for one in found}), len({one.notice_key for one in found})], [4, 4])
        self.assertEqual({one.port for one in found}, {65433})
        self.assertNotIn(found[0].notice_key, repr(found[0]) + repr(self.board._by_id))

    def test_silenced(self) -> None:
        """A silenced listener is told nothing more; the others are, and an unknown or used id changes nothing."""
        first, second = (self.listen(ALICE, port=port) for port in (1, 2))
        for listener in (first.listener, first.listener, "f" * 32):
            self.board.silence(listener)
        self.tell((ALICE, 1, NoticeKind.PAID))
        self.assertEqual(self.sent_to(), [(HOST, 2)])
        self.board.silence(second.listener)
        self.tell((ALICE, 2, NoticeKind.PAID))
        self.assertEqual(self.sent_to(), [])

    def test_nothing_is_kept(self) -> None:
        """When the last listener is gone nothing is left of any, nor of accounts that nobody listens for."""
        for _ in range(2):
            self.board.silence(self.listen(ALICE).listener)
            self.board.silence(self.ask(ALICE)[0].listener)
        self.tell((BOB, 1, NoticeKind.PAID))
        self.assertEqual((dict(self.board._by_id), dict(self.board._proven)), ({}, {}))

    def test_delay(self) -> None:
        """Whoever wants to know is told how long each datagram of hints took from the commit until it had left."""
        delays: list[float] = []
        self.board.on_delay = delays.append
        self.listen(ALICE)
        at = self.clock.seconds()
        self.clock.advance(0.25)
        self.board.tell([Event(ALICE, 1, NoticeKind.PAID), Event(BOB, 1, NoticeKind.RECEIVED)], at)
        self.assertEqual(delays, [0.25])


class Unproven(NoticesCase):
    """An address that has not proved itself."""

    def test_gets_one_probe(self) -> None:
        """It gets the probe, of at most 64 octets, and not one datagram more, whatever happens on the account."""
        terminal, _ = self.ask(ALICE)
        for number in range(1, 100):
            self.tell((ALICE, number, NoticeKind.RECEIVED))
            self.assertFalse(self.board.confirm(terminal.listener, "0" * 32))
        self.board.silence(terminal.listener)
        self.assertEqual(self.sent(), [])

    def test_bounded(self) -> None:
        """What an account can have sent to unproven addresses in an hour is what is promised, and no probe is long."""
        at_once, interval = PROBES_OF_ACCOUNT
        octets, refused = 0, 0
        for _ in range(3600):
            for port in (53, 4711):
                try:
                    self.board.listen(ALICE, HOST, port)
                except Refused as refusal:
                    self.assertIs(refusal.code, codes.WAIT)
                    refused += 1
            octets += sum(len(datagram) for datagram, _ in self.sent())
            self.clock.advance(1)
        self.assertEqual(octets, (at_once + 3599 // interval) * notice.PROBE_OCTETS)
        self.assertEqual(refused, 7200 - octets // notice.PROBE_OCTETS)
        self.assertLessEqual(octets, (at_once + 3600 // interval) * 64)

    def test_bounded_for_a_host(self) -> None:
        """However many accounts somebody has, their one address gets no more than is promised for a host."""
        at_once, interval = PROBES_TO_HOST
        for _ in range(60):
            for account_id in range(1000, 1010 + at_once):
                try:
                    self.board.listen(account_id, HOST, account_id)
                except Refused as refusal:
                    self.assertIs(refusal.code, codes.WAIT)
            self.clock.advance(10)
        self.assertLessEqual(len(self.sent()), at_once + 600 / interval)
        self.board.listen(ALICE, "192.0.2.2", 4711)  # and another host is served

    def test_refused_probe_costs_nothing(self) -> None:
        """A refusal says how long to wait, after which there is a probe again."""
        for _ in range(PROBES_OF_ACCOUNT[0]):
            self.ask(ALICE)
        for _ in range(3):
            refused = self.assertRaises(Refused, self.board.listen, ALICE, HOST, 4711)
            self.assertEqual((refused.code, refused.about), (codes.WAIT, Wait(15)))
        self.clock.advance(15)
        self.listen(ALICE)

    def test_proof(self) -> None:
        """Only the listener's own proof will do, and the same proof again changes nothing."""
        (alice, of_alice), (_, of_bob) = self.ask(ALICE, port=1), self.ask(BOB, port=2)
        self.assertNotEqual(of_alice, of_bob)
        answers = [self.board.confirm(alice.listener, proof) for proof in (of_bob, of_alice, of_alice, of_bob)]
        self.assertEqual(answers, [False, True, True, False])
        self.assertFalse(self.board.confirm("f" * 32, of_bob))
        self.tell((ALICE, 1, NoticeKind.PAID), (BOB, 1, NoticeKind.RECEIVED))
        self.assertEqual(self.sent_to(), [alice.address])

    def test_late_proof(self) -> None:
        """A proof that comes too late is none, and ends it; once given in time it holds for as long as the session."""
        late, proof = self.ask(ALICE)
        self.clock.advance(PROBE_SECONDS)
        self.assertFalse(self.board.confirm(late.listener, proof))
        terminal, proof = self.ask(ALICE)
        self.clock.advance(PROBE_SECONDS - 1)
        self.assertTrue(self.board.confirm(terminal.listener, proof))
        self.clock.advance(PROBE_SECONDS)
        self.assertTrue(self.board.confirm(terminal.listener, proof))
        self.tell((ALICE, 1, NoticeKind.PAID))
        self.assertEqual(len(self.sent()), 1)
        self.assertEqual([*self.board._by_id], [terminal.listener])

    def test_not_by_udp(self) -> None:
        """What comes by UDP proves nothing, is not answered, and is not read."""
        terminal, proof = self.ask(ALICE)
        for datagram in (b"", bytes.fromhex(proof), bytes.fromhex(terminal.listener + proof), b"\xff" * 65507):
            self.board.datagramReceived(datagram, terminal.address)
        self.tell((ALICE, 1, NoticeKind.PAID))
        self.assertEqual(self.sent(), [])


class Failing(NoticesCase):
    """What the network can do to a datagram."""

    def setUp(self) -> None:
        super().setUp()
        for host in ("192.0.2.1", "192.0.2.2"):
            self.listen(ALICE, host)

    def test_every_error(self) -> None:
        """No error of the network is raised, and the other listeners are told all the same."""
        for error in (
            *(OSError(number, "") for number in sorted(errno.errorcode)),
            BlockingIOError(errno.EAGAIN, ""),
            PermissionError(errno.EPERM, ""),
            ValueError("not an address"),
            MessageLengthError("too long"),
        ):
            self.udp.failing = {"192.0.2.1": error}
            self.tell((ALICE, 1, NoticeKind.PAID))
            self.assertEqual(self.sent_to(), [("192.0.2.2", 4711)], repr(error))

    def test_next_datagram_is_sent(self) -> None:
        """A listener whose datagram failed is sent the next one."""
        self.udp.failing = {"192.0.2.1": OSError(errno.ENETUNREACH, "")}
        self.tell((ALICE, 1, NoticeKind.PAID))
        self.udp.failing = {}
        self.tell((ALICE, 2, NoticeKind.PAID))
        self.assertEqual([*map(str, sorted(host for host, _ in self.sent_to()))], ["192.0.2.1"] + ["192.0.2.2"] * 2)

    def test_probe_that_cannot_be_sent(self) -> None:
        """It is lost like any other; whoever asked for it is answered."""
        self.udp.failing = {"192.0.2.1": OSError(errno.EPERM, "")}
        self.assertEqual(len(self.board.listen(BOB, "192.0.2.1", 1).listener), 32)

    def test_without_a_port(self) -> None:
        """After the port is closed, telling does nothing."""
        self.board.transport = None  # as Twisted leaves it when the port is closed
        self.tell((ALICE, 1, NoticeKind.PAID))
        self.assertEqual(self.board.listen(BOB, HOST, 4711).port, 0)
        self.assertEqual(self.udp.sent, [])
