"""How far long work has come: often in place, seldom by lines, and not at all where it is soon done."""

import io

from twisted.trial.unittest import SynchronousTestCase

from bankd.client.progress import OFTEN_SECONDS, SELDOM_SECONDS, Row


class Rows(SynchronousTestCase):
    """What a program without a screen shows."""

    def open(self, *, in_place: bool) -> None:
        """A row on a stream of its own."""
        self.now = 0.0
        self.stream, self.said = io.StringIO(), list[str]()
        self.row = Row(self.stream, in_place, self.said.append, lambda: self.now)

    def show(self, after: float, text: str) -> None:
        """Show ``text`` so many seconds later."""
        self.now += after
        self.row.show(text)

    def test_in_place(self) -> None:
        """One row is written over, not more often than can be read, and is gone at the end."""
        self.open(in_place=True)
        for number in range(4):
            self.show(OFTEN_SECONDS, f"{number} of 4")
            self.show(OFTEN_SECONDS / 10, "too soon")
        self.show(0, "")
        self.assertEqual(
            self.stream.getvalue(), "".join(f"\r\x1b[K{text}" for text in ("1 of 4", "2 of 4", "3 of 4", ""))
        )
        self.assertEqual(self.said, [])

    def test_lines(self) -> None:
        """Elsewhere a line is said after ten seconds, and again every ten; nothing that a terminal would obey."""
        self.open(in_place=False)
        for number in range(31):
            self.show(1, f"{number} of 31")
        self.show(SELDOM_SECONDS, "")
        self.assertEqual(self.said, ["10 of 31", "20 of 31", "30 of 31"])
        self.assertEqual(self.stream.getvalue(), "")

    def test_soon_done(self) -> None:
        """Work that is soon done shows nothing, however often it is done."""
        for in_place in (True, False):
            self.open(in_place=in_place)
            for _ in range(3):
                self.show(9, "1 of 2")
                self.show(0.01, "2 of 2")
                self.show(0.01, "")
            self.assertEqual((self.said, self.stream.getvalue()), ([], ""))
