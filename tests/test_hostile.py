"""What the hostile suite judges by, judged: a checker that finds nothing may be blind."""

import random

from twisted.trial.unittest import SynchronousTestCase

from tests.hostile.ranks import area_under_curve
from tests.hostile.target import with_settings


class AreasUnderCurves(SynchronousTestCase):
    """What is said of two samples."""

    def test_nothing_tells(self) -> None:
        """Two samples of one distribution are told apart no better than by a coin."""
        source = random.Random(4)
        ones, others = ([source.gauss(20, 1) for _ in range(1000)] for _ in range(2))
        area = area_under_curve(ones, others)
        self.assertTrue(area.low < 0.5 < area.high, area)
        self.assertTrue(0.02 < area.high - area.low < 0.06, area)

    def test_a_difference_tells(self) -> None:
        """Normal distributions a deviation apart have an area of 0.760: the distribution's value at the root of 1/2."""
        source = random.Random(5)
        area = area_under_curve([source.gauss(1, 1) for _ in range(2000)], [source.gauss(0, 1) for _ in range(2000)])
        self.assertTrue(area.low < 0.760 < area.high, area)
        self.assertGreater(area.low, 0.7)

    def test_by_hand(self) -> None:
        """Of four pairs one is in order, two are not, and one is a tie; less tells as well as more."""
        area = area_under_curve([1.0, 2.0], [2.0, 1.5])
        self.assertEqual(area.area, (0 + 0.5 + 0 + 1) / 4)
        self.assertEqual(area.telling, 0.625)


class Settings(SynchronousTestCase):
    """Settings that are told on a command line."""

    def test_over_others(self) -> None:
        """One that is told replaces the one that stands there; others stay."""
        changed = with_settings({"server": {"login_seconds": 3}}, ["server.login_seconds=4", "bank.one_time=off"])
        self.assertEqual(changed, {"server": {"login_seconds": "4"}, "bank": {"one_time": "off"}})
