"""Ten thousand connections at a time to a real bank, and customers who log in all the while.

    python -m tests.ordeals.flood [--connections 10000] [--processes 4] [--hold 20] [--seed N]

The flood has processes of its own, from networks of the loopback interface. Who is cut off comes again at once, until
so many connections are open at once, and for ``--hold`` seconds more. Its kinds (``MIX``): silent before TLS and after
it, with half a line, logged in, and customers who ask and never read. The bank's limits of time are such that none has
to go for them. Meanwhile customers from networks of their own, whose PINs are hashed as everybody's, log in, look at
the balance and leave. Then the flood's processes end, all at once. A small flood goes before it, since what a bank
makes when it meets something for the first time, and keeps, is not the flood's doing.

It fails when a visit of an honest customer was in vain, however often they asked again; when the bank took more than
MOST_MIB of memory; when a minute after the flood it has more connections, files or threads than before, or is more than
LEFT_MIB above the memory that it had; and when it logged a fault.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass
from time import monotonic, sleep
from typing import Any

import psutil

from bankd import descriptors
from bench.figures import percentile
from bench.programs import scratch
from tests.hostile.crowd import Honest
from tests.hostile.target import PIN, Sections, Target, target
from tests.hostile.traces import in_log
from tests.ordeals.report import Report, numbers, seed_of
from tests.ordeals.wave import Orders
from tests.ordeals.wrong import Wrong

MIX = {"silent in TCP": 25, "silent in TLS": 40, "half lines": 25, "logged in": 7, "slow readers": 3}
"""Of a hundred connections so many are of each kind."""

ABOVE = 20
"""One part in so many more try to come in: near its limit the gate drops a stranger for nearly every one that comes."""

SECONDS = 3600
SETTINGS: Sections = {
    "server": dict.fromkeys(("handshake_seconds", "login_seconds", "line_seconds", "stall_seconds"), SECONDS)
    | {"idle_seconds": SECONDS}
}

HONEST = ("127.200.0.1", "127.201.0.1", "127.202.0.1")
NETWORKS = 40
"""Networks of each process of the flood."""

REHEARSAL = 300
"""Connections of the flood that goes before."""

QUIET_SECONDS = 5
LOOK_SECONDS = 1
COMING_SECONDS = 1800
BACK_SECONDS = 60
MOST_MIB = 600
LEFT_MIB = 32


@dataclass(frozen=True, slots=True)
class Figures:
    """What the bank's process has at a moment: memory in MiB, files, sockets among them, and threads."""

    memory_mib: float
    files: int
    sockets: int
    threads: int

    def __str__(self) -> str:
        """For a person."""
        return f"{self.memory_mib:.0f} MiB, {self.files} files, {self.sockets} sockets, {self.threads} threads"


def look(process: int) -> Figures:
    """What it has now."""
    folder, sockets = f"/proc/{process}/fd", 0
    names = os.listdir(folder)
    for name in names:
        try:
            sockets += os.readlink(f"{folder}/{name}").startswith("socket:")
        except FileNotFoundError:
            continue
    one = psutil.Process(process)
    return Figures(one.memory_info().rss / (1 << 20), len(names), sockets, one.num_threads())


class Flood:
    """The processes that make it; ``open`` and ``lost`` are what they said last."""

    def __init__(self, bank: Target, connections: int, processes: int, seed: int) -> None:
        self._said: list[dict[str, Any]] = [{"open": {}, "lost": {}}] * processes
        self._processes: list[subprocess.Popen[str]] = []
        customers = [customer.account for customer in bank.customers[len(HONEST) :]]
        for place in range(processes):
            wanted = connections + connections // ABOVE
            kinds = {kind: _share(wanted * share // 100, place, processes) for kind, share in MIX.items()}
            orders = Orders(
                port=bank.port,
                authority=str(bank.state / "ca.pem"),
                first=1 + place * NETWORKS,
                networks=NETWORKS,
                kinds=kinds,
                customers=customers[place::processes],
                pin=PIN,
                seed=seed + place,
            )
            self._processes.append(_started(orders))
            threading.Thread(target=self._hear, args=(place,), daemon=True).start()

    def told(self, what: str) -> Counter[str]:
        """The sums of what all have said."""
        return sum((Counter(said[what]) for said in self._said), Counter())

    def end(self) -> None:
        """End all of them at once."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()

    def _hear(self, place: int) -> None:
        said = self._processes[place].stdout
        assert said is not None
        for line in said:
            self._said[place] = json.loads(line)


def _share(count: int, place: int, places: int) -> int:
    """What of ``count`` falls to one of so many places."""
    return count * (place + 1) // places - count * place // places


def _started(orders: Orders) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.ordeals.wave"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(asdict(orders)) + "\n")
    process.stdin.flush()
    return process


@contextmanager
def honest(bank: Target) -> Iterator[list[Honest]]:
    """Customers who come and go until the end."""
    those = [Honest(bank, bank.customers[place], network) for place, network in enumerate(HONEST)]
    living = [threading.Thread(target=one.live) for one in those]
    for life in living:
        life.start()
    try:
        yield those
    finally:
        for one in those:
            one.leaving.set()
        for life in living:
            life.join()


class Ordeal:
    """One flood of one bank."""

    def __init__(self, bank: Target, options: argparse.Namespace, report: Report) -> None:
        self._bank = bank
        self._options = options
        self._report = report
        self._most = Figures(0, 0, 0, 0)

    def run(self) -> None:
        """Flood the bank, and see. Raises Wrong."""
        with honest(self._bank) as those:
            self._rehearse()
            sleep(QUIET_SECONDS)
            before = look(self._bank.process)
            self._say_visits("before", those)
            self._report.say(f"before: {before}")
            with self._flood(self._options.connections) as flood:
                self._come(flood, before, self._options.connections)
                self._say_visits("as it comes", those)
                self._stay(flood)
                self._say_visits("while it is there", those)
            after = self._go(before)
            self._say_visits("after it", those)
        self._judge(those, before, after)

    @contextmanager
    def _flood(self, connections: int) -> Iterator[Flood]:
        flood = Flood(self._bank, connections, self._options.processes, self._report.seed)
        try:
            yield flood
        finally:
            flood.end()

    def _rehearse(self) -> None:
        before = look(self._bank.process)
        with self._flood(REHEARSAL) as flood:
            self._come(flood, before, REHEARSAL)
        sleep(BACK_SECONDS)

    def _come(self, flood: Flood, before: Figures, wanted: int) -> None:
        began = monotonic()
        while (now := self._look()).sockets - before.sockets < wanted:
            if monotonic() - began > COMING_SECONDS:
                raise Wrong(f"there are {now.sockets} connections after {COMING_SECONDS} s: {flood.told('open')}")
            self._report.progress(now.sockets - before.sockets, wanted, "connections")
            sleep(LOOK_SECONDS)
        self._report.say(f"{wanted} connections are open after {monotonic() - began:.0f} s: {now}")

    def _stay(self, flood: Flood) -> None:
        ends, least = monotonic() + self._options.hold, 1 << 30
        while monotonic() < ends:
            least = min(least, self._look().sockets)
            sleep(LOOK_SECONDS)
        told = ", ".join(f"{count} {kind}" for kind, count in flood.told("open").items())
        lost = ", ".join(f"{what} {count} times" for what, count in sorted(flood.told("lost").items()))
        self._report.say(f"there for {self._options.hold} s, never less than {least}: {told}", f"of those {lost}")

    def _go(self, before: Figures) -> Figures:
        began = monotonic()
        back: dict[str, float] = {}
        while len(back) < 4 and monotonic() - began < BACK_SECONDS:
            now = self._look()
            for what, is_back in _back(before, now).items():
                if is_back and what not in back:
                    back[what] = monotonic() - began
            sleep(LOOK_SECONDS)
        self._report.say("back as before: " + ", ".join(f"{what} after {took:.1f} s" for what, took in back.items()))
        return now

    def _look(self) -> Figures:
        now = look(self._bank.process)
        self._most = Figures(*map(max, zip(astuple(self._most), astuple(now), strict=True)))
        return now

    def _say_visits(self, when: str, those: Sequence[Honest]) -> None:
        took = sorted(second for one in those for second in one.seconds)
        tries = sum((one.tries for one in those), Counter())
        failed = sum(len(one.failed) for one in those)
        for one in those:
            one.seconds.clear()
            one.tries.clear()
        if took:
            first = f"{tries[1]} at the first try, {failed} in vain so far"
            within = f"half within {percentile(took, 50):.3f} s, 99 of 100 within {percentile(took, 99):.3f} s"
            self._report.say(f"{when}: {len(took)} honest visits, {first}; {within}")

    def _judge(self, those: Sequence[Honest], before: Figures, after: Figures) -> None:
        self._report.say(f"at most: {self._most}", f"after: {after}")
        failed = [reason for one in those for reason in one.failed]
        if failed:
            raise Wrong(f"{len(failed)} visits were in vain: {failed[:3]}")
        if self._most.memory_mib > MOST_MIB:
            raise Wrong(f"the bank took {self._most.memory_mib:.0f} MiB")
        if left := [what for what, is_back in _back(before, after).items() if not is_back]:
            raise Wrong(f"not as before after {BACK_SECONDS} s: {left}: {after}")
        if complaints := list(in_log(self._bank.log)):
            raise Wrong(f"the log: {complaints[:5]}")


def _back(before: Figures, now: Figures) -> dict[str, bool]:
    """What is as it was. Honest customers come and go, and each may be there or not."""
    return {
        "connections": now.sockets <= before.sockets + len(HONEST),
        "files": now.files <= before.files + len(HONEST),
        "threads": now.threads <= before.threads,
        "memory": now.memory_mib <= before.memory_mib + LEFT_MIB,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ordeal; the exit status."""
    parser = argparse.ArgumentParser(prog="flood", description="Flood a bank with connections; do customers get in?")
    numbers(parser, connections=10_000, processes=4, hold=20)
    options = parser.parse_args(argv)
    descriptors.raise_limit()
    report = Report("flood", seed_of(options))
    customers = len(HONEST) + options.connections * (MIX["logged in"] + MIX["slow readers"]) // 90 + options.processes
    settings = {"server": {**SETTINGS["server"], "max_strangers": 2 * options.connections}}
    with report.verdict(), scratch() as folder, target(folder / "bank", customers, settings) as bank:
        Ordeal(bank, options, report).run()
    return report.status


if __name__ == "__main__":
    sys.exit(main())
