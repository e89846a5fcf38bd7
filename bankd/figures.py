"""What the bank counts of itself while it is open: plain numbers, to which whoever does the work adds.

Adding costs some tens of nanoseconds, as a request must not pay for being watched; whatever is to be worked out is
worked out when somebody looks.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Connections of protocols: those open now, the most that were at a time, and all that came; and tasks done."""

    connections: int = 0
    most_connections: int = 0
    total_connections: int = 0
    tasks_processed: int = 0

    def come(self) -> None:
        """Count a connection that was opened."""
        self.connections += 1
        self.total_connections += 1
        self.most_connections = max(self.most_connections, self.connections)

    def leave(self) -> None:
        """Count one that is closed."""
        self.connections -= 1


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
