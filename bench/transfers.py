"""The transfers: every case, and the rounds in which all of them are run again and again, there and back.

A B C, then C B A: what comes over a machine for a while comes over neighbours alike, and no case is always the first.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import banks, load, pgbench, postgresql
from bench.banks import Say
from bench.figures import Figures
from bench.load import Served
from bench.pgbench import Pgbench
from bench.postgresql import Postgresql


@dataclass(frozen=True, slots=True)
class Case:
    """Who does the transfers, and in which way; ``sessions`` is 0 for pgbench, which brings its own clients."""

    name: str
    who: str
    sessions: int = 0
    outstanding: int = 1
    way: str = "transfer"


CASES = (
    Case("sqlite_50", "sqlite", 50),
    Case("pgbench", "pgbench"),
    Case("postgresql_50", "postgresql", 50),
    Case("threaded_50", "threaded", 50),
    Case("sqlite_50x16", "sqlite", 50, 16),
    Case("postgresql_50x16", "postgresql", 50, 16),
    Case("pgbench_function", "pgbench", way="function"),
    Case("pgbench_many", "pgbench", way="many"),
    Case("sqlite_500", "sqlite", 500),
    Case("threaded_500", "threaded", 500),
    Case("postgresql_500", "postgresql", 500),
    Case("pgbench_hot", "pgbench", way="hot"),
    Case("postgresql_hot_50x16", "postgresql", 50, 16, way="hot"),
)
"""Every case, those beside each other that are compared."""


def named(names: Sequence[str]) -> list[Case]:
    """The cases of these names, or all of them for none. Raises KeyError for a name that is none."""
    known = {case.name: case for case in CASES}
    return [known[name] for name in names] if names else list(CASES)


class Contenders:
    """Everything that ``cases`` need, started when the ``with`` statement begins and stopped when it ends.

    ``version`` is PostgreSQL's, None where no case needs it.
    """

    def __init__(self, folder: Path, cases: Sequence[Case], accounts: int, say: Say) -> None:
        self._folder = folder
        self._needed = {case.who for case in cases}
        self._accounts = accounts
        self._say = say
        self._stack = ExitStack()
        self._served: dict[str, Served] = {}
        self._pgbench: Pgbench | None = None
        self.version: str | None = None

    def __enter__(self) -> "Contenders":
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def measure(self, case: Case, seconds: float) -> Figures:
        """The figures of one run of a case."""
        if case.who == "pgbench":
            assert self._pgbench is not None
            return self._pgbench.measure(case.way, seconds)
        return load.measure(self._served[case.who], case.sessions, case.outstanding, seconds, case.way == "hot")

    def _start(self, stack: ExitStack) -> None:
        folder, count = self._folder, self._accounts
        if self._needed & {"pgbench", "postgresql"}:
            self._say("preparing PostgreSQL")
            server = stack.enter_context(postgresql.serve(folder / "postgresql"))
            self.version = server.version
            self._start_on(server, stack)
        if "sqlite" in self._needed:
            self._say(f"preparing a bank of {count:,} accounts on SQLite")
            self._served["sqlite"] = stack.enter_context(banks.serve(banks.make(folder / "sqlite", count)))
        if "threaded" in self._needed:
            self._say(f"preparing the threaded server with {count:,} accounts")
            self._served["threaded"] = stack.enter_context(banks.serve_threaded(folder / "threaded", count))

    def _start_on(self, server: Postgresql, stack: ExitStack) -> None:
        folder, count = self._folder, self._accounts
        if "pgbench" in self._needed:
            self._pgbench = pgbench.prepare(server, count, folder)
        if "postgresql" in self._needed:
            self._say(f"preparing a bank of {count:,} accounts on PostgreSQL {server.version}")
            made = banks.make(folder / "on-postgresql", count, server.create("bank"))
            self._served["postgresql"] = stack.enter_context(banks.serve(made))


def run_rounds(
    contenders: Contenders, cases: Sequence[Case], rounds: int, seconds: float, deadline: float, say: Say
) -> list[dict[str, Figures]]:
    """Every case once a round. No round but the first is begun that would not end by ``deadline`` (monotonic)."""
    done: list[dict[str, Figures]] = []
    longest = 0.0
    for number in range(1, rounds + 1):
        began = time.monotonic()
        if done and began + longest > deadline:
            say(f"the time is up: {len(done)} of {rounds} rounds were run")
            break
        one: dict[str, Figures] = {}
        for case in cases if number % 2 else reversed(cases):
            one[case.name] = contenders.measure(case, seconds)
            say(f"round {number} of {rounds}, {len(one)} of {len(cases)}: {_in_short(case.name, one[case.name])}")
        done.append({case.name: one[case.name] for case in cases})
        longest = max(longest, time.monotonic() - began)
    return done


def _in_short(name: str, figures: Figures) -> str:
    p99 = f", p99 {figures['p99_ms']:.1f} ms" if "p99_ms" in figures else ""
    return f"{name} {figures['per_second']:,.0f}/s{p99}"
