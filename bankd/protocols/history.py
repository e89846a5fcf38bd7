"""The last hour of a bank as samples, and what happened between them; no clock, no network.

1. A sample is a row of numbers, taken every EVERY_SECONDS. No more than an hour of them is kept.
2. What happened is told by counts alone: so many answers of a kind. Nothing of who asked is known here.
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from bankd.figures import Histogram, together
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


class History:
    """What ``take`` was given, for an hour."""

    def __init__(self) -> None:
        self.samples: deque[Sample] = deque(maxlen=SAMPLES)
        self.happenings: deque[Happening] = deque(maxlen=HAPPENINGS)
        self._counted: deque[_Counts] = deque(maxlen=SMOOTHED + 1)

    def take(self, watched: Watched) -> tuple[Sample, list[Happening]] | None:
        """The sample of now and what happened since the last one; None for the first, which has nothing to compare."""
        counts = _counts(watched)
        self._counted.append(counts)
        if len(self._counted) == 1:
            return None
        before, earliest = self._counted[-2], self._counted[0]
        sample = _sample(watched, counts, before, earliest)
        happened = list(_happenings(counts, before))
        self.samples.append(sample)
        self.happenings += happened
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


def _sample(watched: Watched, now: _Counts, before: _Counts, earliest: _Counts) -> Sample:
    elapsed = max(now.at - before.at, 0.001)  # the system's clock may be set back
    answered = now.answers - before.answers
    refusals = sum(count for (_, code, _), count in answered.items() if code >= 400)
    known = now.entries is not None and before.entries is not None
    latency, batches = now.latency.since(earliest.latency), now.batches.since(earliest.batches)
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
    first = sorted(new, key=lambda told: (told[0][1] < 400, -told[1], told[0]))
    for (what, code, reason), count in first[:AT_ONCE]:
        yield Happening(round(now.at, 1), what, code, reason, count)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
