"""How long, and how often, to try again what did not work at first."""

from collections.abc import Callable, Iterator

from twisted.internet.interfaces import IReactorTime

Random = Callable[[], float]
"""Gives numbers from 0 to 1, each as likely as any other."""

FIRST_PAUSE_SECONDS = 0.4
"""The first pause at its longest."""

LONGEST_PAUSE_SECONDS = 8.0
"""What the pauses grow to."""


def pauses(clock: IReactorTime, random: Random, seconds: float) -> Iterator[float]:
    """Pauses in seconds between attempts, twice as long each time, until ``seconds`` from now.

    Each is shortened by up to a half, at random, so that all who lost the bank at one moment do not come back at one.
    """
    end, longest = clock.seconds() + seconds, FIRST_PAUSE_SECONDS
    while clock.seconds() < end:
        yield min(longest * (1 - random() / 2), end - clock.seconds())
        longest = min(2 * longest, LONGEST_PAUSE_SECONDS)
