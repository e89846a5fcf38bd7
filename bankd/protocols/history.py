"""The last hour of a bank as samples, and what happened between them; no clock, no network.

1. A sample is a row of numbers, taken every EVERY_SECONDS. No more than an hour of them is kept.
2. What happened is told by counts alone: so many answers of a kind. Nothing of who asked is known here.
"""

from array import array
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any, NamedTuple

from bankd.figures import SECONDS, SIZES, Histogram, together
from bankd.metrics import Watched

EVERY_SECONDS = 2
SAMPLES = 3600 // EVERY_SECONDS
SMOOTHED = 15
"""Samples over which latencies and batches are taken together: half a minute."""

HAPPENINGS = 60
"""What happened is told of so many times back."""

AT_ONCE = 8
"""Kinds of what happened that one sample tells of, those refused first and then the most frequent."""

UNTOLD = ("NOOP",)
"""Verbs that nobody wants to be told of."""


class Sample(NamedTuple):
    """One row. Rates are per second, latencies in seconds; None is not known, or nothing to measure."""

    at: float
    connections: int
    sessions: int
    movements: float | None
    requests: float
    refusals: float
    log_ins: float
    notices: float
    p50: float | None
    p95: float | None
    p99: float | None
    batch: float | None
    cpu_percent: float


class Rows:
    """The last ``most`` rows of ``width`` numbers each, in memory that is taken once; None is not known.

    As objects they would lie among what the connections of their time had, and of a crowd that has gone each would keep
    the mebibyte of memory around it.
    """

    def __init__(self, most: int, width: int) -> None:
        self._most = most
        self._width = width
        self._numbers = array("d", (nan,)) * (most * width)
        self._taken = 0

    def append(self, row: Iterable[float | None]) -> None:
        """Keep one more, and where there are ``most``, the oldest no more."""
        self._numbers[self._place(self._taken)] = array("d", (nan if number is None else number for number in row))
        self._taken += 1

    def __len__(self) -> int:
        """How many there are."""
        return min(self._taken, self._most)

    def __getitem__(self, place: int) -> list[float | None]:
        """The row at a place, counted as in a list, from the oldest on. Raises IndexError."""
        row = self._numbers[self._place(range(self._taken)[-self._most :][place])]
        return [None if isnan(number) else number for number in row]

    def _place(self, number: int) -> slice:
        first = number % self._most * self._width
        return slice(first, first + self._width)


class Happening(NamedTuple):
    """Something that happened so many ``times`` until ``at``: answers to ``what``, by code and reason."""

    at: float
    what: str
    code: int
    reason: str
    times: int


@dataclass(frozen=True, slots=True)
class _Counts:
    """Everything counted until ``at``; ``entries`` is None where the database did not answer."""

    at: float
    entries: int | None
    answers: Counter[tuple[str, int, str]]
    troubles: Counter[tuple[str, int, str]]
    log_ins: int
    notices: int
    latency: Histogram
    batches: Histogram
    cpu_seconds: float

    def smoothed(self) -> list[float]:
        """What is taken together over some samples, as a row of numbers."""
        return [*self.latency.counts, self.latency.total, *self.batches.counts, self.batches.total]


class History:
    """What ``take`` was given, for an hour."""

    def __init__(self) -> None:
        self._happened = Rows(HAPPENINGS, 3)
        self._words: deque[str] = deque(maxlen=2 * HAPPENINGS)
        self._rows = Rows(SAMPLES, len(Sample._fields))
        self._smoothed = Rows(SMOOTHED + 1, len(SECONDS) + len(SIZES) + 4)
        self._before: _Counts | None = None

    @property
    def samples(self) -> list[Sample]:
        """All samples, the oldest first."""
        rows: list[Any] = [self._rows[place] for place in range(len(self._rows))]
        return [Sample(at, int(connections), int(sessions), *rest) for at, connections, sessions, *rest in rows]

    @property
    def happenings(self) -> list[Happening]:
        """What happened, the oldest first."""
        numbers: list[Any] = [self._happened[place] for place in range(len(self._happened))]
        words = iter(self._words)
        told = zip(numbers, words, words, strict=True)
        return [Happening(at, what, int(code), reason, int(times)) for (at, code, times), what, reason in told]

    def take(self, watched: Watched) -> tuple[Sample, list[Happening]] | None:
        """The sample of now and what happened since the last one; None for the first, which has nothing to compare."""
        counts, before = _counts(watched), self._before
        self._before = counts
        self._smoothed.append(counts.smoothed())
        if before is None:
            return None
        sample = _sample(watched, counts, before, self._smoothed[0])
        happened = list(_happenings(counts, before))
        self._rows.append(sample)
        for each in happened:
            self._happened.append((each.at, each.code, each.times))
            self._words += (each.what, each.reason)
        return sample, happened


def _counts(watched: Watched) -> _Counts:
    tally = watched.tally
    answers: Counter[tuple[str, int, str]] = Counter()
    for verb, counted in tally.verbs.items():
        for (code, reason), count in counted.answers.items():
            answers[verb, code, reason] = count
    crowded = tally.gate.dropped + tally.gate.turned_away
    return _Counts(
        at=watched.now,
        entries=watched.ledger.entries if watched.ledger else None,
        answers=answers,
        troubles=Counter({("connection", 503, "crowded"): crowded, ("batch", 503, "database"): tally.lane.failed}),
        log_ins=sum(count for (_, reason), count in tally.log_ins.items() if reason == "done"),
        notices=sum(tally.notice_seconds.counts),
        latency=together([counted.seconds for counted in tally.verbs.values()]),
        batches=tally.lane.size.since(None),
        cpu_seconds=watched.snapshot.cpu_seconds,
    )


def _sample(watched: Watched, now: _Counts, before: _Counts, earliest: list[Any]) -> Sample:
    elapsed = max(now.at - before.at, 0.001)  # the system's clock may be set back
    answered = now.answers - before.answers
    refusals = sum(count for (_, code, _), count in answered.items() if code >= 400)
    known = now.entries is not None and before.entries is not None
    latency, batches = now.latency.since(_histogram(SECONDS, earliest)), now.batches.since(_histogram(SIZES, earliest))
    p50, p95, p99 = (_rounded(latency.quantile(share)) for share in (0.5, 0.95, 0.99))
    commits = sum(batches.counts)
    return Sample(
        at=round(now.at, 1),
        connections=watched.snapshot.connections,
        sessions=watched.tally.sessions,
        movements=round(((now.entries or 0) - (before.entries or 0)) / elapsed, 2) if known else None,
        requests=round(answered.total() / elapsed, 2),
        refusals=round(refusals / elapsed, 2),
        log_ins=round((now.log_ins - before.log_ins) / elapsed, 2),
        notices=round((now.notices - before.notices) / elapsed, 2),
        p50=p50,
        p95=p95,
        p99=p99,
        batch=round(batches.total / commits, 2) if commits else None,
        cpu_percent=round(100 * (now.cpu_seconds - before.cpu_seconds) / elapsed, 1),
    )


def _happenings(now: _Counts, before: _Counts) -> Iterator[Happening]:
    added = (now.answers - before.answers) + (now.troubles - before.troubles)
    new = ((key, count) for key, count in added.items() if key[0] not in UNTOLD)
    at = round(now.at, 1)
    first = sorted(new, key=lambda told: (told[0][1] < 400, -told[1], told[0]))
    for (what, code, reason), count in first[:AT_ONCE]:
        yield Happening(at, what, code, reason, count)


def _histogram(bounds: Sequence[float], numbers: list[Any]) -> Histogram:
    """The histogram that begins a row of numbers, which are taken from it."""
    counts = [int(numbers.pop(0)) for _ in range(len(bounds) + 1)]
    return Histogram(bounds, counts, numbers.pop(0))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
