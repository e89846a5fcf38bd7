"""What the hostile cases cost a customer beside them: how long answers took during cases and in quiet moments between.

Everything is by turns in one run, so that what else the machine does is in both. The figures are told and judge
nothing: on a busy machine they say more about the machine than about the bank.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from time import monotonic, sleep

from bench.figures import percentile
from bench.programs import scratch
from tests.hostile.bystander import Waits, beside
from tests.hostile.case import Case, Subject
from tests.hostile.scene import CAST
from tests.hostile.siege import Played, siege
from tests.hostile.target import target

QUIET_EVERY = 5
"""Cases between two quiet moments."""

QUIET_SECONDS = 0.5

FEWEST = 20
"""Answers that a subject needs for its figures to be told."""

WORST = 8
"""Cases that are told by their name, those with the longest waits."""

Span = tuple[float, float]
"""Two moments, by ``time.monotonic``."""


@dataclass(frozen=True, slots=True)
class Calm:
    """What a bystander saw, in seconds: waits in quiet moments, during each subject, and the ``worst`` of each case."""

    quiet: list[float]
    during: dict[str, list[float]]
    worst: list[tuple[float, str]]

    def lines(self) -> Iterator[str]:
        """The report, a line for each subject, then for all of them."""
        yield f"{'':12} {'answers':>8} {'median ms':>10} {'p99 ms':>8} {'p99 / quiet p99':>16}"
        yield self._line("quiet", self.quiet)
        for subject, waits in self.during.items():
            if len(waits) >= FEWEST:
                yield self._line(subject, waits)
        yield self._line("all cases", [wait for waits in self.during.values() for wait in waits])
        for wait, name in sorted(self.worst, reverse=True)[:WORST]:
            yield f"a wait of {1e3 * wait:.1f} ms during {name}"

    def _line(self, name: str, waits: Sequence[float]) -> str:
        worst, quiet = percentile(sorted(waits), 99), percentile(sorted(self.quiet), 99)
        return f"{name:12} {len(waits):8} {1e3 * median(waits):10.2f} {1e3 * worst:8.2f} {worst / quiet:16.2f}"


def measure(found: Sequence[tuple[Subject, Case]], tell: Callable[[Played], object]) -> tuple[list[Played], Calm]:
    """Play cases with a bystander beside them; what came of each (``tell`` is told it), and what the bystander saw."""
    played: list[Played] = []
    quiet: list[float] = []
    during: dict[str, list[float]] = {}
    worst: list[tuple[float, str]] = []
    for settings, group in groupby(found, key=lambda one: one[0].settings):
        with (
            scratch() as folder,
            target(folder / "bank", CAST, settings) as bank,
            beside(bank) as bystander,
            siege(bank) as laid,
        ):
            here, calm = [], [_rest()]
            for place, (subject, case) in enumerate(group):
                here.append(laid.play(subject, case))
                tell(here[-1])
                if place % QUIET_EVERY == 0:
                    calm.append(_rest())
            bystander.end()
            quiet += _within(bystander.waits, calm)
            for one in here:
                waits = _within(bystander.waits, [(one.began, one.ended)])
                during.setdefault(one.subject, []).extend(waits)
                worst.append((max(waits, default=0.0), f"{one.subject}: {one.case.name}"))
            played += here
    return played, Calm(quiet, during, worst)


def _rest() -> Span:
    """Do nothing for a moment; between which moments that was."""
    began = monotonic()
    sleep(QUIET_SECONDS)
    return began, monotonic()


def _within(waits: Waits, spans: Iterable[Span]) -> list[float]:
    """The waits that began within one of the spans, or were under way when it began; the spans are in order."""
    found = []
    for began, ended in spans:
        place = bisect_left(waits, (began, 0.0))
        if place and sum(waits[place - 1]) > began:
            place -= 1
        while place < len(waits) and waits[place][0] < ended:
            found.append(waits[place][1])
            place += 1
    return found
