"""What the bank counts of itself while it is open: plain numbers, to which whoever does the work adds.

1. Adding costs some tens of nanoseconds, as a request must not pay for being watched; what has to be worked out is
   worked out when somebody looks (``metrics``).
2. Each number is changed by one thread. Another that reads may find a count one ahead of its sum, and nothing worse.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SECONDS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Bounds for times, in seconds: a tenth of a millisecond to ten seconds, by the series 1, 2, 5."""

SIZES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
"""Bounds for how many are done together."""


@dataclass(slots=True)
class Histogram:
    """How often a measure was where: ``counts`` of those up to each of ``bounds``, then of those beyond them all."""

    bounds: Sequence[float] = SECONDS
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    def add(self, measure: float) -> None:
        """Count one measure."""
        self.counts[bisect_left(self.bounds, measure)] += 1
        self.total += measure

    def since(self, before: "Histogram | None") -> "Histogram":
        """What was added since it was as ``before``; all of it, and a copy, for None."""
        earlier = before.counts if before else [0] * len(self.counts)
        counts = [now - then for now, then in zip(self.counts, earlier, strict=True)]
        return Histogram(self.bounds, counts, self.total - (before.total if before else 0))

    def quantile(self, share: float) -> float | None:
        """The measure that ``share`` of all were up to, as if those between two bounds lay evenly; None for none.

        So does Prometheus' ``histogram_quantile``. What is beyond all bounds counts as the last of them.
        """
        rank, so_far = share * sum(self.counts), 0
        if not rank:
            return None
        below = 0.0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            if count and so_far + count >= rank:
                return below + (bound - below) * (rank - so_far) / count
            so_far += count
            below = bound
        return below


def together(histograms: Sequence[Histogram], bounds: Sequence[float] = SECONDS) -> Histogram:
    """All that was added to any of ``histograms``, which have the same ``bounds``."""
    columns = zip([0] * (len(bounds) + 1), *(histogram.counts for histogram in histograms), strict=True)
    return Histogram(bounds, [sum(column) for column in columns], sum(histogram.total for histogram in histograms))


@dataclass(slots=True)
class VerbTally:
    """The answers to one verb: how long they took, and how many there were by code and reason."""

    seconds: Histogram = field(default_factory=Histogram)
    answers: dict[tuple[int, str], int] = field(default_factory=dict)


@dataclass(slots=True)
class LaneTally:
    """What is written: pieces of work in a batch, how long its transaction took, and its commit alone.

    ``repeated`` batches were begun again because others were in their way, ``failed`` ones the database failed.
    """

    size: Histogram = field(default_factory=lambda: Histogram(SIZES))
    seconds: Histogram = field(default_factory=Histogram)
    commit_seconds: Histogram = field(default_factory=Histogram)
    repeated: int = 0
    failed: int = 0


@dataclass(slots=True)
class GateTally:
    """Who was not let in, or no longer: strangers dropped for others, and newcomers turned away."""

    dropped: int = 0
    turned_away: int = 0


@dataclass(slots=True)
class Tally:
    """Everything that is counted. ``serving`` is whether the bank listens.

    Connections are those of protocols: open now, the most that were at a time, and all that came. ``sessions`` are
    customers who are logged in. ``log_ins`` are by kind of credentials and reason, 'done' where nothing refused them.
    ``notice_seconds`` are from a commit until a datagram had left that tells of it.
    """

    connections: int = 0
    most_connections: int = 0
    total_connections: int = 0
    sessions: int = 0
    tasks_processed: int = 0
    serving: bool = False
    verbs: dict[str, VerbTally] = field(default_factory=dict)
    log_ins: Counter[tuple[str, str]] = field(default_factory=Counter)
    lane: LaneTally = field(default_factory=LaneTally)
    gate: GateTally = field(default_factory=GateTally)
    notice_seconds: Histogram = field(default_factory=Histogram)

    def come(self) -> None:
        """Count a connection that was opened."""
        self.connections += 1
        self.total_connections += 1
        self.most_connections = max(self.most_connections, self.connections)

    def leave(self) -> None:
        """Count one that is closed."""
        self.connections -= 1

    def answer(self, verb: str, number: int, reason: str, seconds: float) -> None:
        """Count an answer to ``verb``, by its code."""
        try:
            tally = self.verbs[verb]
        except KeyError:
            tally = self.verbs[verb] = VerbTally()
        tally.seconds.add(seconds)
        key = number, reason
        tally.answers[key] = tally.answers.get(key, 0) + 1


@dataclass(frozen=True, slots=True)
class LedgerView:
    """What the ledger comes to: the number of its entries, and minor units by currency.

    What customers hold, cash and fees add up to zero: cash stands on the other side.
    """

    entries: int
    customers_minor: Mapping[str, int]
    cash_minor: Mapping[str, int]
    fees_minor: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ProcessView:
    """What the system says of a process at a moment; ``started`` is in seconds since 1970."""

    started: float
    cpu_seconds: float
    memory_bytes: int
    threads: int
    open_files: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The bank at a moment: its connections and tasks since the start, and what the system says of its process.

    ``cpu_seconds`` is processor time used since the start, ``memory_bytes`` what is in memory of the process.
    """

    uptime_seconds: float
    connections: int
    most_connections: int
    total_connections: int
    tasks_processed: int
    cpu_seconds: float
    memory_bytes: int
    threads: int
    open_files: int

    def cpu_percent(self, before: "Snapshot | None" = None) -> float:
        """The share of one processor that was used since ``before``, or since the start; 100 is all of it."""
        elapsed = self.uptime_seconds - (before.uptime_seconds if before else 0)
        used = self.cpu_seconds - (before.cpu_seconds if before else 0)
        return round(100 * used / elapsed, 1) if elapsed > 0 else 0.0


def snapshot(tally: Tally, process: ProcessView, now: float) -> Snapshot:
    """How the bank is at ``now``, in seconds since 1970."""
    return Snapshot(
        uptime_seconds=round(max(0.0, now - process.started), 3),
        connections=tally.connections,
        most_connections=tally.most_connections,
        total_connections=tally.total_connections,
        tasks_processed=tally.tasks_processed,
        cpu_seconds=process.cpu_seconds,
        memory_bytes=process.memory_bytes,
        threads=process.threads,
        open_files=process.open_files,
    )
