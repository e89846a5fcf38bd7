"""Kill transfers at each of their first calls that write or sync, and see what the store still knows.

    python -m tests.ordeals.calls [--calls 200] [--every N] [--seed N]

The store and the lane are the bank's, with real files; a process of its own carries out bursts of operations, and
acknowledges each on a pipe. strace has it killed as it enters its first call, the next process as it enters its second,
and so on; a rehearsal, in which nobody is killed, tells which call that is, such as the ninth pwrite64. After each
kill a process that is not traced finds what was left, and asks every operation again under its key. Nobody closes the
database in order, so the log of SQLite grows until it is full, as in a bank that serves. All is done once as the bank
does it, and once with a log that is full after PAGES, so that some kills come while it is emptied.

The system's memory outlives a process: this shows what a kill or a crash of the program does, not a power cut.
"""

import argparse
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection

from bench import banks
from bench.banks import Made
from tests.ordeals.payer import Burst, Payer, begun
from tests.ordeals.report import Report, folder, numbers, seed_of
from tests.ordeals.wishes import Wishes
from tests.ordeals.witness import Witness
from tests.ordeals.wrong import Wrong

ACCOUNTS = 6
PAGES = 40
MOST_MINOR = 900_000_000
"""The largest amount asked for; an account begins with 1,000,000,000, so that some requests are refused."""

BURSTS = 100
"""Bursts that a process would carry out if nobody killed it; they have more calls than are counted."""

LONGEST_BURST = 5

CALLS = "pwrite64,pwritev,write,fdatasync,fsync,ftruncate"
"""The calls that are counted: those by which SQLite writes and syncs, and that by which an answer goes out."""

ENTERED = re.compile(r"^(\w+)\(", re.MULTILINE)
"""What strace writes of a call; the last is that from which a killed process did not return."""

NOT_REACHED = 65_535
"""The largest count that strace takes."""


class Ordeal:
    """One store, whose payers are killed again and again."""

    def __init__(self, made: Made, pages: int | None, seed: int) -> None:
        self._made = made
        self._pages = pages
        self._traced = made.folder / "strace"
        self._wishes = Wishes(seed, made.rows, MOST_MINOR)
        with self._looking() as connection:
            self._witness = Witness(connection, made.chain_key, made.rows)
        self.killed_at: Counter[str] = Counter()
        self.unknown_but_done = 0

    def rehearse(self, calls: int) -> list[tuple[str, int]]:
        """The first ``calls`` calls of a payer that is not killed: the name, and how many of that name by then."""
        self._live(f"{CALLS}:when={NOT_REACHED}", 0)
        counts: Counter[str] = Counter()
        found = []
        for name in ENTERED.findall(self._traced.read_text())[:calls]:
            counts[name] += 1
            found.append((name, counts[name]))
        if len(found) < calls:
            raise Wrong(f"a payer has {len(found)} calls, and {calls} were wanted")
        return found

    def kill_and_see(self, name: str, count: int) -> None:
        """Have a payer killed at its call so named and counted, and another take up what it left."""
        left = self._live(f"{name}:when={count}", -signal.SIGKILL)
        self.killed_at[ENTERED.findall(self._traced.read_text())[-1]] += 1
        payer = Payer(self._made, left, self._pages)
        try:
            payer.go_on()
            payer.told(self._witness)  # that it is open
            with self._looking() as connection:
                self.unknown_but_done += self._witness.look(connection)
            payer.go_on()
            payer.told(self._witness)
            with self._looking() as connection:
                self._witness.settle(connection)
        finally:
            status = payer.wait()
        if status != 0:
            raise Wrong(f"the payer after the one killed at {name} {count} ended with {status}")

    def summary(self) -> list[str]:
        """What was seen."""
        done, refused, unknown = self._witness.count()
        kills = ", ".join(f"{count} at {call}" for call, count in self.killed_at.most_common())
        return [
            f"{self.killed_at.total()} kills: {kills}",
            f"{done} operations carried out, {refused} refused, {unknown} unknown; all asked again",
            f"{self.unknown_but_done} were carried out without an answer, and were not carried out again",
        ]

    @contextmanager
    def _looking(self) -> Iterator[Connection]:
        """The database, read while a payer has it open: whoever closes it last empties its log."""
        with banks.opened(self._made.settings) as store, store.reading() as connection:
            yield connection

    def _burst(self) -> Burst:
        length = self._wishes.random.randint(1, LONGEST_BURST)
        return [self._wishes.anything(self._wishes.random.choice(self._made.rows)) for _ in range(length)]

    def _live(self, kill: str, expected: int) -> list[Burst]:
        """Have a payer carry bursts out until strace kills it as told, and end with a status; what it had begun."""
        bursts = [self._burst() for _ in range(BURSTS)]
        payer = Payer(self._made, bursts, self._pages)
        try:
            tracer = self._trace(payer.process, kill)
            payer.go_on(3)
            payer.told(self._witness)  # that it is open
            answers = payer.told(self._witness)
        finally:
            status = payer.wait()
        tracer.communicate()
        if status != expected:
            raise Wrong(f"a payer that was to be killed at {kill} ended with {status}")
        left = list(begun(bursts, answers))
        for burst in left:
            for operation in burst:
                self._witness.asked(operation)
        return left

    def _trace(self, process: int, kill: str) -> "subprocess.Popen[str]":
        """strace, once it holds the process."""
        told = ["-e", f"trace={CALLS}", "-e", f"inject={kill}:signal=KILL", "-o", str(self._traced)]
        tracer = subprocess.Popen(["strace", "-p", str(process), *told], stderr=subprocess.PIPE, text=True)
        assert tracer.stderr is not None
        said = tracer.stderr.readline()
        if "attached" not in said:
            raise Wrong(f"strace does not trace: {said}")
        return tracer


def _run(name: str, pages: int | None, options: argparse.Namespace, seed: int) -> int:
    """One series of kills; the exit status."""
    report = Report(name, seed)
    with report.verdict(), folder() as place:
        ordeal = Ordeal(banks.make(place / "bank", ACCOUNTS), pages, seed)
        calls = ordeal.rehearse(options.calls)
        for number in range(seed % options.every, options.calls, options.every):
            ordeal.kill_and_see(*calls[number])
            report.progress(number + 1, options.calls, "calls")
        report.say(*ordeal.summary())
    return report.status


def obstacle() -> str | None:
    """Why this ordeal cannot be run here; None when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True)
    return None if tried.returncode == 0 else f"strace may not trace: {tried.stderr.strip()}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ordeal; the exit status."""
    parser = argparse.ArgumentParser(prog="calls", description="Kill transfers at each of their first system calls.")
    numbers(parser, calls=200)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="kill only at one call in so many (1)")
    options = parser.parse_args(argv)
    if reason := obstacle():
        print(f"calls: skipped: {reason}", file=sys.stderr)
        return 0
    seed = seed_of(options)
    return _run("calls", None, options, seed) | _run("calls with checkpoints", PAGES, options, seed)


if __name__ == "__main__":
    sys.exit(main())
