"""Serve an ordinary day's mix for long, and see that the bank's memory stays as it is, and that it logs no fault.

    python -m tests.ordeals.soak [--minutes 60] [--rate 120] [--customers 12] [--seed N] [--most-kib 1024]

A real ``twistd bankd`` with its CSV files has customers who log in by every way, pay, hold, ask, are refused and leave
with or without a word; hints go out by UDP; operators, onlookers, strangers and an auditor come as well (``regulars``).

What is judged is the memory that the process has to itself (Private_Clean and Private_Dirty of
/proc/PID/smaps_rollup), looked at every two seconds. A sixth of the time is for warming up. Of what is left the median
of the last tenth may be no more than ``--most-kib`` above the median of the first tenth. The SQLite of the writer keeps
CACHE_MIB of the database here, which is full before the measurement begins; of an ordinary bank it keeps up to 256 MiB
as the journal grows, which would hide anything else.
"""

import argparse
import os
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from threading import Event
from time import monotonic

from bench import crowds
from bench.programs import scratch
from tests.hostile.target import Sections, Target
from tests.hostile.traces import in_log
from tests.ordeals.regulars import Auditor, Banker, Clerk, Onlooker, Regular, Stranger
from tests.ordeals.report import Report, numbers, seed_of
from tests.ordeals.wrong import Wrong

EACH = 4
"""Accounts that each customer has."""

CACHE_MIB = 2

PAST = 100_000
"""Payments that were made before, so that the readers' SQLite has from the beginning as much to keep as it keeps."""

LOOK_SECONDS = 2
WARMING = 6
"""One part in so many of the time is for warming up."""

TENTHS = 10

SETTINGS: Sections = {
    "database": {"cache_mib": CACHE_MIB},
    "bank": {"two_people": "no"},
    "logging": {"client_csv": "client.csv", "bank_csv": "bank.csv"},
    "lockout": {"tries_before_wait": 1_000_000, "lock_after": 1_000_000, "lock_strangers_after": 1_000_000},
}
"""Nobody has to wait for what others tried; and an operator needs nobody else."""


def private_kib(process: int) -> int:
    """The memory that a process shares with none, KiB."""
    told = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in told if line.startswith(("Private_Clean:", "Private_Dirty:")))


def fill(bank: Target, seed: int) -> None:
    """Give the bank a past, of PAST payments between everybody."""
    source = random.Random(seed)
    owners = [crowds.Owner(row.id, row.customer_id, row.number) for row in bank.rows]
    with bank.opened() as store:
        for _ in range(PAST // crowds.BATCH):
            pairs = [source.sample(owners, 2) for _ in range(crowds.BATCH)]
            crowds.carry_out(store, [crowds.pay(payer, payee, source) for payer, payee in pairs])


def people(bank: Target, customers: int, rate: float, seed: int) -> list[Regular]:
    """Everybody who comes, ``rate`` requests a second of customers in all."""
    bankers: list[Regular] = [
        Banker(bank, seed + place, rate / customers, bank.customers[place * EACH : (place + 1) * EACH])
        for place in range(customers)
    ]
    return [*bankers, Clerk(bank, seed, 4), Onlooker(bank, seed, 1), Stranger(bank, seed, 2), Auditor(bank, seed, 0.02)]


def medians_kib(looks: Sequence[tuple[float, int]], began: float, ends: float) -> list[int]:
    """The median of each tenth of the time after the warming, KiB."""
    first = began + (ends - began) / WARMING
    tenth = (ends - first) / TENTHS
    return [
        int(median(kib for at, kib in looks if first + place * tenth <= at <= first + (place + 1) * tenth))
        for place in range(TENTHS)
    ]


def endure(bank: Target, options: argparse.Namespace, report: Report) -> None:
    """Have everybody come, and judge. Raises Wrong."""
    bank.bankctl("operator", "add", "amy", "--role", "administrator", "--uid", str(os.getuid()))
    regulars = people(bank, options.customers, options.rate, report.seed)
    process, began = bank.process, monotonic()
    ends = began + options.minutes * 60
    looks: list[tuple[float, int]] = []
    for regular in regulars:
        regular.start()
    told = began
    try:
        while (now := monotonic()) < ends:
            looks.append((now, private_kib(process)))
            if now - told >= 60:
                told = now
                asked = sum(regular.answers.total() for regular in regulars)
                minutes = f"{(now - began) / 60:.0f} of {options.minutes} minutes"
                report.say(f"{minutes}, {asked:,} requests, {looks[-1][1]:,} KiB")
            Event().wait(LOOK_SECONDS)
    finally:
        for regular in regulars:
            regular.over.set()
        for regular in regulars:
            regular.join(60)
    answers = sum((regular.answers for regular in regulars), Counter())
    report.say(f"{answers.total():,} requests, {answers.total() / (options.minutes * 60):.0f} a second")
    report.say(", ".join(f"{what}: {count}" for what, count in sorted(answers.items())))
    bank.bankctl("ledger", "verify")
    bank.stop()
    if complaints := list(in_log(bank.log)):
        raise Wrong(f"the log: {complaints[:5]}")
    medians = medians_kib(looks, began, ends)
    growth = medians[-1] - medians[0]
    tenths = ", ".join(f"{kib:,}" for kib in medians)
    report.say(f"private memory, the medians of the tenths: {tenths} KiB: grown by {growth} KiB")
    if faults := [fault for regular in regulars for fault in regular.faults]:
        raise Wrong(f"{len(faults)} faults: {faults[:5]}")
    if growth > options.most_kib:
        raise Wrong(f"memory grew by {growth} KiB, and may grow by {options.most_kib}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ordeal; the exit status."""
    parser = argparse.ArgumentParser(prog="soak", description="Load a bank for long; does its memory stay?")
    numbers(parser, minutes=60, rate=120, customers=12)
    parser.add_argument("--most-kib", type=int, default=1024, metavar="N", help="how much it may grow, KiB (1024)")
    options = parser.parse_args(argv)
    report = Report("soak", seed_of(options))
    with report.verdict(), scratch() as folder:
        bank = Target(folder / "bank", options.customers * EACH, SETTINGS)
        fill(bank, report.seed)
        bank.launch()
        try:
            endure(bank, options, report)
        finally:
            bank.stop()
    return report.status


if __name__ == "__main__":
    sys.exit(main())
