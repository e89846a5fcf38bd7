"""Whose address datagrams go to: the table, and how few probes there are."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from bankd.wire.paths import NEXT, PROBES_OF_ACCOUNT, Path, Ration, Step


class TableTests(SynchronousTestCase):
    """Every step on every path."""

    def test_complete(self) -> None:
        """The table says where each step leads from each state, and nothing else."""
        self.assertEqual(set(NEXT), set(product(Path, Step)))

    def test_one_way_to_be_proven(self) -> None:
        """An address is proven by the proof, in time, and by nothing else."""
        ways = [(before, step) for (before, step), after in NEXT.items() if after is Path.PROVEN is not before]
        self.assertEqual(ways, [(Path.PROBED, Step.PROOF)])

    def test_end(self) -> None:
        """What is over stays so, and silence ends everything."""
        for path, step in product(Path, Step):
            if path is Path.OVER or step is Step.SILENCED:
                self.assertIs(NEXT[path, step], Path.OVER)


class RationTests(SynchronousTestCase):
    """How many of something each key gets."""

    def take(self, ration: Ration, key: object, now: float) -> int:
        """Have one if it may be had; how long to wait for it."""
        wait = ration.wait(key, now)
        if not wait:
            ration.take(key, now)
        return wait

    def test_at_once_and_later(self) -> None:
        """So many come at once, then one in each interval, and the wait is said in whole seconds, rounded up."""
        ration = Ration(4, 15.0)
        self.assertEqual([self.take(ration, "a", 100.0) for _ in range(6)], [0, 0, 0, 0, 15, 15])
        self.assertEqual([self.take(ration, "a", at) for at in (101.5, 114.9, 115.0, 115.0, 130.0)], [14, 1, 0, 15, 0])

    def test_each_by_itself(self) -> None:
        """What one has taken is nobody else's loss."""
        ration = Ration(1, 10.0)
        self.assertEqual([self.take(ration, key, 0.0) for key in "aab"], [0, 10, 0])

    def test_all_again(self) -> None:
        """Who takes none for long enough may have as many at once as in the beginning, and not more."""
        ration = Ration(2, 10.0)
        self.assertEqual([self.take(ration, "a", at) for at in (0, 0, 1000, 1000, 1000)], [0, 0, 0, 0, 10])

    def test_nothing_is_kept(self) -> None:
        """Of a hundred thousand that took one each, those that have everything again are forgotten."""
        ration = Ration(2, 10.0)
        for number in range(100_000):
            self.take(ration, number, number / 100)
        self.assertLess(len(ration._full_at), 4000)

    @given(st.lists(st.floats(0, 30), max_size=60))
    def test_never_more(self, gaps: list[float]) -> None:
        """In no stretch of time there are more than the first few and one for each interval of it."""
        at_once, interval = PROBES_OF_ACCOUNT
        ration, now, given_at = Ration(at_once, interval), 0.0, []
        for gap in gaps:
            now += gap
            if not self.take(ration, "a", now):
                given_at.append(now)
        for first, begin in enumerate(given_at):
            for count, end in enumerate(given_at[first:], 1):
                self.assertLessEqual(count, at_once + (end - begin) / interval + 1e-6)
