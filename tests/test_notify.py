"""Live notices: to whom a datagram goes, and that no failure of the network is anybody's business."""

import errno
from typing import Any

from twisted.internet.error import MessageLengthError
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from bankd.ibank import INoticeBoard
from bankd.notify import Notices
from bankd.records import Event, NoticeKind
from bankd.testing import PracticeBoard
from bankd.wire import notice
from bankd.wire.notice import Hint

ALICE, BOB = 1, 2


class FakeUDP:
    """A UDP transport that keeps what is sent, and fails where ``failing`` says so."""

    def __init__(self) -> None:
        self.sent: list[tuple[Hint | None, tuple[str, int]]] = []
        self.failing: dict[str, Exception] = {}

    def write(self, datagram: bytes, address: tuple[str, int]) -> None:
        """Send."""
        if address[0] in self.failing:
            raise self.failing[address[0]]
        self.sent.append((notice.read(datagram), address))


class NoticesCase(SynchronousTestCase):
    """A test with a board and its transport."""

    def setUp(self) -> None:
        numbers = iter(range(1, 100))
        self.board = Notices(lambda octets: f"{next(numbers):0{2 * octets}x}")
        self.udp = FakeUDP()
        self.board.makeConnection(self.udp)  # type: ignore[arg-type]

    def sent_to(self) -> list[Any]:
        """Where something was sent since the last time."""
        sent, self.udp.sent = self.udp.sent, []
        return [address for _, address in sent]


class Telling(NoticesCase):
    """To whom a datagram goes."""

    def test_promises(self) -> None:
        """The board keeps its contract, and so does its double for tests."""
        verifyObject(INoticeBoard, self.board)
        verifyObject(INoticeBoard, PracticeBoard())

    def test_hint(self) -> None:
        """A listener is sent a hint of the event: its own id, the number and the kind, and nothing else."""
        listener = self.board.listen(ALICE, "192.0.2.1", 4711)
        self.board.tell([Event(ALICE, 7, NoticeKind.RECEIVED)])
        self.assertEqual(self.udp.sent, [(Hint(listener, 7, "received"), ("192.0.2.1", 4711))])

    def test_every_kind_can_be_sent(self) -> None:
        """There is a hint for every kind of event, and it can be read."""
        self.board.listen(ALICE, "192.0.2.1", 4711)
        self.board.tell([Event(ALICE, 1, kind) for kind in NoticeKind])
        self.assertEqual([hint and hint.kind for hint, _ in self.udp.sent], list(NoticeKind))

    def test_targeted(self) -> None:
        """Each account's listeners are told of its own events only, and all of them are."""
        for account_id, port in ((ALICE, 1), (ALICE, 2), (BOB, 3)):
            self.board.listen(account_id, "192.0.2.1", port)
        self.board.tell([Event(ALICE, 1, NoticeKind.PAID)])
        self.assertEqual({port for _, port in self.sent_to()}, {1, 2})
        self.board.tell([Event(BOB, 1, NoticeKind.RECEIVED), Event(99, 1, NoticeKind.DEPOSIT)])
        self.assertEqual([port for _, port in self.sent_to()], [3])

    def test_ids(self) -> None:
        """Every listener has an id of its own, of 32 hex digits, also at one address."""
        ids = {self.board.listen(ALICE, "192.0.2.1", 4711) for _ in range(3)}
        self.assertEqual(sorted(ids), [f"{number:032x}" for number in (1, 2, 3)])

    def test_silenced(self) -> None:
        """A silenced listener is told nothing more; the others are, and an unknown or used id changes nothing."""
        first, second = (self.board.listen(ALICE, "192.0.2.1", port) for port in (1, 2))
        for listener in (first, first, "f" * 32):
            self.board.silence(listener)
        self.board.tell([Event(ALICE, 1, NoticeKind.PAID)])
        self.assertEqual(self.sent_to(), [("192.0.2.1", 2)])
        self.board.silence(second)
        self.board.tell([Event(ALICE, 2, NoticeKind.PAID)])
        self.assertEqual(self.sent_to(), [])

    def test_nothing_is_kept(self) -> None:
        """When the last listener is gone nothing is left of any, nor of accounts that nobody listens for."""
        for _ in range(3):
            self.board.silence(self.board.listen(ALICE, "192.0.2.1", 1))
        self.board.tell([Event(BOB, 1, NoticeKind.PAID)])
        self.assertEqual((dict(self.board._by_id), dict(self.board._by_account)), ({}, {}))


class Failing(NoticesCase):
    """What the network can do to a datagram."""

    def setUp(self) -> None:
        super().setUp()
        for host in ("192.0.2.1", "192.0.2.2"):
            self.board.listen(ALICE, host, 4711)

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
            self.board.tell([Event(ALICE, 1, NoticeKind.PAID)])
            self.assertEqual(self.sent_to(), [("192.0.2.2", 4711)], repr(error))

    def test_next_datagram_is_sent(self) -> None:
        """A listener whose datagram failed is sent the next one."""
        self.udp.failing = {"192.0.2.1": OSError(errno.ENETUNREACH, "")}
        self.board.tell([Event(ALICE, 1, NoticeKind.PAID)])
        self.udp.failing = {}
        self.board.tell([Event(ALICE, 2, NoticeKind.PAID)])
        self.assertEqual({host for host, _ in self.sent_to()}, {"192.0.2.1", "192.0.2.2"})

    def test_without_a_port(self) -> None:
        """Before the port is open and after it is closed, telling does nothing."""
        board = Notices(lambda octets: "a" * 2 * octets)
        board.listen(ALICE, "192.0.2.1", 4711)
        board.tell([Event(ALICE, 1, NoticeKind.PAID)])
        self.board.transport = None  # as Twisted leaves it when the port is closed
        self.board.tell([Event(ALICE, 1, NoticeKind.PAID)])
        self.assertEqual(self.udp.sent, [])

    def test_nobody_talks_to_the_bank(self) -> None:
        """A datagram that comes in is passed over."""
        self.board.datagramReceived(b"BANK/1 hello", ("192.0.2.1", 4711))
        self.board.datagramReceived(b"\xff" * 65507, ("192.0.2.1", 4711))
        self.assertEqual(self.udp.sent, [])
