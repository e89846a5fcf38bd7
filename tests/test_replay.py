"""The window against datagrams that come again."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from bankd.wire.replay import WINDOW, ReplayWindow


def taken(*numbers: int) -> list[int]:
    """Which of these numbers a window takes, in their order."""
    window, took = ReplayWindow(), []
    for number in numbers:
        if window.admits(number):
            window.note(number)
            took.append(number)
    return took


class WindowTests(SynchronousTestCase):
    """Numbers that come once, again, late and too late."""

    def test_once(self) -> None:
        """Each number is taken once, in any order, as long as none is too far behind."""
        self.assertEqual(taken(1, 2, 2, 1, 5, 3, 5, 4, 3, 4), [1, 2, 5, 3, 4])

    def test_no_zero(self) -> None:
        """There is no number 0."""
        self.assertEqual(taken(0, 1, 0), [1])

    def test_edge(self) -> None:
        """The number that is WINDOW - 1 behind the highest is remembered; the one before it is refused unseen."""
        self.assertEqual(taken(WINDOW + 10, 11, 10, 11), [WINDOW + 10, 11])

    def test_leap(self) -> None:
        """A number far ahead leaves nothing remembered of those before it, and they are refused."""
        last = (1 << 64) - 1
        self.assertEqual(
            taken(1, 2, last, 2, 3, last - WINDOW, last - WINDOW + 1, last), [1, 2, last, last - WINDOW + 1]
        )

    def test_note_is_what_counts(self) -> None:
        """A number that was looked up and never noted is taken later: what did not open changed nothing."""
        window = ReplayWindow()
        self.assertTrue(window.admits(1 << 60))
        self.assertTrue(window.admits(1))

    @given(st.lists(st.integers(0, 3 * WINDOW), max_size=300))
    def test_as_a_set_would(self, numbers: list[int]) -> None:
        """It takes what a memory of everything would take, but for what is too far behind."""
        seen: set[int] = {0}
        expected = []
        for number in numbers:
            if number not in seen and number > max(seen) - WINDOW:
                seen.add(number)
                expected.append(number)
        self.assertEqual(taken(*numbers), expected)

    def test_long_run(self) -> None:
        """After a hundred thousand numbers, shuffled within the window and each sent twice, each was taken once."""
        chance = Random(6479)
        numbers = sorted((number + chance.randrange(WINDOW // 2), number) for number in [*range(1, 50_001)] * 2)
        self.assertEqual(sorted(taken(*(number for _, number in numbers))), [*range(1, 50_001)])
