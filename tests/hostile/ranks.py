"""How well one number tells two kinds of things apart: the area under the curve of a classifier, by ranks."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, variance

DEVIATIONS = 1.96
"""As many standard deviations to either side hold 95 of 100."""


@dataclass(frozen=True, slots=True)
class Area:
    """How often a member of the one kind has more than one of the other, ties half: 0.5 where nothing tells.

    The true one is between ``low`` and ``high`` in 95 of 100 measurements.
    """

    area: float
    low: float
    high: float

    @property
    def telling(self) -> float:
        """The same for whoever takes the better of 'more' and 'less'."""
        return max(self.area, 1 - self.area)


def area_under_curve(ones: Sequence[float], others: Sequence[float]) -> Area:
    """How well a number tells ``ones`` from ``others``, at least two of each.

    The area is Mann and Whitney's statistic over the number of pairs; its variance is that of E. R. DeLong, D. M.
    DeLong and D. L. Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
    characteristic curves", Biometrics 44 (1988), for one curve.
    """
    placed = _placements(ones, others)
    placed_others = _placements(others, ones)
    area = fmean(placed)
    around = DEVIATIONS * sqrt(variance(placed) / len(ones) + variance(placed_others) / len(others))
    return Area(area, max(0.0, area - around), min(1.0, area + around))


def _placements(numbers: Sequence[float], among: Sequence[float]) -> list[float]:
    """For each of ``numbers`` the part of ``among`` that is less, ties half."""
    ordered = sorted(among)
    return [(bisect_left(ordered, number) + bisect_right(ordered, number)) / 2 / len(ordered) for number in numbers]
