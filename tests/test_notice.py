"""The datagram that tells of a notice."""

from twisted.trial.unittest import SynchronousTestCase

from bankd.wire import notice
from bankd.wire.notice import Hint

LISTENER = "9f86d081884c7d659a2feaa0c55ad015"


class HintTests(SynchronousTestCase):
    """Hints as they travel."""

    def test_written(self) -> None:
        """A hint is the protocol, the listener, the notice's number and its kind."""
        self.assertEqual(notice.write(Hint(LISTENER, 7, "received")), f"BANK/1 {LISTENER} 7 received".encode())

    def test_read(self) -> None:
        """A terminal reads what the bank wrote."""
        for number in (1, 10, 10**18 - 1):
            hint = Hint(LISTENER, number, "a_kind_of_notice")
            self.assertEqual(notice.read(notice.write(hint)), hint)

    def test_longest(self) -> None:
        """No hint is longer than is promised."""
        self.assertEqual(len(notice.write(Hint(LISTENER, 10**18 - 1, "a_kind_of_notice"))), notice.MAX_HINT)

    def test_dropped(self) -> None:
        """Anything else is dropped without a word."""
        right = notice.write(Hint(LISTENER, 7, "received"))
        for wrong in (
            b"",
            b"\x00",
            b"\xff" * 100,
            right + b"\n",
            b" " + right,
            right.replace(b"BANK/1", b"BANK/2"),
            right.replace(b"9f86", b"9F86"),
            right.replace(b" 7 ", b" 0 "),
            right.replace(b" 7 ", b" 07 "),
            right.replace(b" 7 ", b" -7 "),
            right.replace(b" 7 ", b"  7 "),
            right.replace(b" 7 ", b" %d " % 10**18),
            right.replace(b" 7 ", " ٧ ".encode()),
            right.replace(b"received", b"Received"),
            right.replace(b"received", b""),
            right.replace(b"received", b"r" * 17),
            right.replace(b"9f86", b"9f8"),
            right + right,
        ):
            self.assertIsNone(notice.read(wrong), wrong)
