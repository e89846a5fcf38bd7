"""Every metric of the bank: its name and unit by the conventions of Prometheus, what it means, and how it is read.

The table ``FAMILIES`` is all there is: ``/metrics`` is written from it, and so is the table in docs/monitoring.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bankd.figures import Histogram, LedgerView, Snapshot, Tally

Values = Mapping[tuple[str, ...], float | Histogram]
"""What was measured, by the values of the labels; nothing where it could not be."""


class Kind(StrEnum):
    """What a metric is: a count that only grows, a value of the moment, or how often a measure was where."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Watched:
    """The bank at a moment, as who watches sees it; ``ledger`` is None where the database does not answer.

    ``waiting`` is how many pieces of work wait to be written, ``hashes`` how many calls of strangers and of those whom
    the bank knows wait for a hash.
    """

    version: str
    now: float
    snapshot: Snapshot
    tally: Tally
    waiting: int
    hashes: tuple[int, int]
    ledger: LedgerView | None


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: all its values by their ``labels``."""

    name: str
    kind: Kind
    meaning: str
    read: Callable[[Watched], Values]
    labels: tuple[str, ...] = ()


def _one(read: Callable[[Watched], float | Histogram]) -> Callable[[Watched], Values]:
    """The reading of a metric without labels."""
    return lambda watched: {(): read(watched)}


def _requests(watched: Watched) -> Values:
    verbs = watched.tally.verbs.items()
    counts = ((verb, *answer) for verb, tally in verbs for answer in tally.answers.items())
    return {(verb, str(number), reason): count for verb, (number, reason), count in counts}


def _balances(watched: Watched) -> Values:
    ledger = watched.ledger
    if ledger is None:
        return {}
    sides = {"customers": ledger.customers_minor, "cash": ledger.cash_minor, "fees": ledger.fees_minor}
    return {(currency, side): minor for side, held in sides.items() for currency, minor in held.items()}


_SNAPSHOT = (
    Family("process_start_time_seconds", Kind.GAUGE, "When the process began, in seconds since 1970.",
           _one(lambda w: round(w.now - w.snapshot.uptime_seconds, 3))),
    Family("process_cpu_seconds_total", Kind.COUNTER, "Processor time that the process has used.",
           _one(lambda w: w.snapshot.cpu_seconds)),
    Family("process_resident_memory_bytes", Kind.GAUGE, "What of the process is in memory.",
           _one(lambda w: w.snapshot.memory_bytes)),
    Family("process_threads", Kind.GAUGE, "Threads of the process.", _one(lambda w: w.snapshot.threads)),
    Family("process_open_fds", Kind.GAUGE, "Files and sockets that the process has open.",
           _one(lambda w: w.snapshot.open_files)),
)  # fmt: skip

_PEERS = (
    Family("bankd_open_connections", Kind.GAUGE, "Connections of customers and operators that are open.",
           _one(lambda w: w.snapshot.connections)),
    Family("bankd_open_connections_max", Kind.GAUGE, "The most of them that were open at a time since the start.",
           _one(lambda w: w.snapshot.most_connections)),
    Family("bankd_connections_total", Kind.COUNTER, "Connections that were opened.",
           _one(lambda w: w.snapshot.total_connections)),
    Family("bankd_connections_dropped_total", Kind.COUNTER, "Strangers dropped for newcomers when it was crowded.",
           _one(lambda w: w.tally.gate.dropped)),
    Family("bankd_connections_turned_away_total", Kind.COUNTER, "Newcomers for whom there was no room.",
           _one(lambda w: w.tally.gate.turned_away)),
    Family("bankd_sessions", Kind.GAUGE, "Customers who are logged in.", _one(lambda w: w.tally.sessions)),
    Family("bankd_logins_total", Kind.COUNTER,
           "Log-ins by kind of credentials; the reason is done, or the word of the code that refused it.",
           lambda w: dict(w.tally.log_ins.items()), ("credentials", "reason")),
    Family("bankd_hashes_waiting", Kind.GAUGE,
           "Secrets that wait to be hashed: those of strangers, and of whom the bank knows.",
           lambda w: dict(zip((("strangers",), ("known",)), w.hashes, strict=True)), ("comers",)),
)  # fmt: skip

_REQUESTS = (
    Family("bankd_tasks_total", Kind.COUNTER, "Tasks of customers that were answered, whatever the answer.",
           _one(lambda w: w.snapshot.tasks_processed)),
    Family("bankd_requests_total", Kind.COUNTER,
           "Answers by verb, code and reason (docs/protocol.md); a line that is no request has the verb none.",
           _requests, ("verb", "code", "reason")),
    Family("bankd_request_duration_seconds", Kind.HISTOGRAM,
           "From the arrival of a request until its answer is written, by verb.",
           lambda w: {(verb,): tally.seconds for verb, tally in w.tally.verbs.items()}, ("verb",)),
    Family("bankd_notice_delay_seconds", Kind.HISTOGRAM,
           "From a commit until a datagram had left that tells of it.", _one(lambda w: w.tally.notice_seconds)),
)  # fmt: skip

_WRITING = (
    Family("bankd_batch_size", Kind.HISTOGRAM, "Pieces of work that were committed together.",
           _one(lambda w: w.tally.lane.size)),
    Family("bankd_batch_duration_seconds", Kind.HISTOGRAM, "The transaction of a batch, from its begin to its end.",
           _one(lambda w: w.tally.lane.seconds)),
    Family("bankd_commit_duration_seconds", Kind.HISTOGRAM, "The commit of a batch alone.",
           _one(lambda w: w.tally.lane.commit_seconds)),
    Family("bankd_batches_repeated_total", Kind.COUNTER, "Batches begun again because others were in their way.",
           _one(lambda w: w.tally.lane.repeated)),
    Family("bankd_batches_failed_total", Kind.COUNTER, "Batches that the database failed.",
           _one(lambda w: w.tally.lane.failed)),
    Family("bankd_work_waiting", Kind.GAUGE, "Pieces of work that wait for the next batch.",
           _one(lambda w: w.waiting)),
)  # fmt: skip

_LEDGER = (
    Family("bankd_database_up", Kind.GAUGE, "Whether the database answers: 1 or 0.",
           _one(lambda w: int(w.ledger is not None))),
    Family("bankd_ledger_entries_total", Kind.COUNTER, "Entries of the journal since the bank was made.",
           lambda w: {(): w.ledger.entries} if w.ledger else {}),
    Family("bankd_ledger_balance_minor_units", Kind.GAUGE,
           "What the ledger comes to, by currency: customers' accounts, cash on the other side of them, and fees;"
           " the three add up to zero.", _balances, ("currency", "of")),
)  # fmt: skip

FAMILIES: tuple[Family, ...] = (
    Family("bankd_build_info", Kind.GAUGE, "1, with the version of bankd.", lambda w: {(w.version,): 1}, ("version",)),
    *_SNAPSHOT,
    *_PEERS,
    *_REQUESTS,
    *_WRITING,
    *_LEDGER,
)
"""Every metric there is, in the order of the page."""
