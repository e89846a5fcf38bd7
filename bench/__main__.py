"""``python -m bench``: measure this machine, print what was found, and keep it.

python -m bench [--quick] [--out FILE] [--rounds N] [--seconds N] [--accounts N] [--entries N] [--only CASE,CASE]
python -m bench [--steady SECONDS] [--notices SECONDS] [--growth [--large-accounts N] [--large-entries N]]
"""

import argparse
import json
import math
import os
import platform
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import psutil

from bench import delays, figures, growth, pages, plot, postgresql, programs, sessions, steady, transfers
from bench.figures import Figures
from bench.programs import BenchError

QUICK_ROUNDS, QUICK_SECONDS = 3, 3.0
FULL_ROUNDS, FULL_SECONDS = 5, 8.0

QUICK_TRANSFERS_SECONDS = 190
"""When a quick measurement begins no further round: it is to be done in less than four minutes."""

QUICK_LIMIT_SECONDS, FULL_LIMIT_SECONDS = 600, 3600
"""When a measurement is ended, whatever it is doing."""

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
"""What ends a measurement before its time."""


def read_arguments(words: Sequence[str]) -> argparse.Namespace:
    """What the command line asks for. Exits with a line that says what is wrong with it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure what a bank does on this machine.")
    parser.add_argument("--quick", action="store_true", help="the transfers only, in less than four minutes")
    parser.add_argument("--out", type=Path, help="where to keep the figures, as JSON; the plot is kept beside it")
    parser.add_argument("--rounds", type=int, help="how often each case is run")
    parser.add_argument("--seconds", type=float, help="for how long each case is run")
    parser.add_argument("--accounts", type=int, default=1000, help="accounts that pay each other (1000)")
    parser.add_argument("--entries", type=int, default=1_000_000, help="entries to page through (1000000)")
    parser.add_argument("--steady", type=float, metavar="SECONDS", help="instead: one load for so long, in tenths")
    parser.add_argument("--notices", type=float, metavar="SECONDS", help="instead: how soon notices leave, for so long")
    parser.add_argument("--growth", action="store_true", help="instead: a transfer's cost in a large bank and a small")
    parser.add_argument("--large-accounts", type=int, default=1_000_000, help="accounts of the large bank (1000000)")
    parser.add_argument("--large-entries", type=int, default=10_000_000, help="its entries (10000000)")
    parser.add_argument("--only", default="", help=f"some of: {', '.join(case.name for case in transfers.CASES)}")
    asked = parser.parse_args(words)
    try:
        asked.cases = transfers.named([name for name in asked.only.split(",") if name])
    except KeyError as error:
        parser.error(f"there is no case {error}")
    for name in ("steady", "notices"):
        if getattr(asked, name) is not None and getattr(asked, name) <= 0:
            parser.error(f"--{name} takes a number of seconds above 0")
    if asked.large_accounts not in growth.LARGE_ACCOUNTS:
        fewest, most = growth.LARGE_ACCOUNTS[0], growth.LARGE_ACCOUNTS[-1]
        parser.error(f"--large-accounts takes a number from {fewest} to {most}")
    asked.rounds = asked.rounds or (QUICK_ROUNDS if asked.quick else FULL_ROUNDS)
    asked.seconds = asked.seconds or (QUICK_SECONDS if asked.quick else FULL_SECONDS)
    return asked


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Everything that is asked for; the report as it is kept."""
    began = time.monotonic()
    deadline = began + (QUICK_TRANSFERS_SECONDS if asked.quick else FULL_LIMIT_SECONDS / 2)
    rounds: list[dict[str, Figures]] = []
    others: dict[str, Figures] = {}
    with programs.scratch() as folder:
        machine = describe(folder)
        if asked.steady or asked.notices or asked.growth:
            others = measure_apart(folder, asked)
        else:
            with transfers.Contenders(folder, asked.cases, asked.accounts, say) as contenders:
                machine["postgresql"] = contenders.version
                rounds = transfers.run_rounds(contenders, asked.cases, asked.rounds, asked.seconds, deadline, say)
            if not asked.quick:
                others = measure_others(folder, asked)
    asked_for = {"accounts": asked.accounts, "seconds": asked.seconds, "rounds": asked.rounds, "quick": asked.quick}
    return report(machine, asked_for, rounds, others)


def measure_others(folder: Path, asked: argparse.Namespace) -> dict[str, Figures]:
    """What a full measurement has beside the transfers."""
    log_ins = sessions.measure_log_ins(folder / "log-ins", asked.seconds, say)
    idle = sessions.measure_idle(folder / "idle", say)
    paged = pages.measure(folder / "pages", asked.entries, asked.seconds / 4, say)
    return {"log_ins": log_ins, "idle_session": idle} | paged


def measure_apart(folder: Path, asked: argparse.Namespace) -> dict[str, Figures]:
    """What takes so long that it is measured only when it is asked for, and then alone."""
    found: dict[str, Figures] = {}
    if asked.steady:
        found |= steady.measure(folder / "steady", asked.accounts, asked.steady, say)
    if asked.notices:
        found |= delays.measure(folder / "notices", asked.notices, say)
    if asked.growth:
        wanted = asked.large_accounts, asked.large_entries, asked.rounds, asked.seconds
        found |= growth.measure(folder / "growth", *wanted, say)
    return found


def report(
    machine: dict[str, Any], asked: dict[str, Any], rounds: list[dict[str, Figures]], others: dict[str, Figures]
) -> dict[str, Any]:
    """What is kept of a measurement: ratios and medians first, and every run, so that both can be worked out again."""
    found, medians = figures.ratios(rounds), figures.medians(rounds)
    p99 = {"p99_ms_50_sessions": medians[figures.P99_CASE]["p99_ms"]} if figures.P99_CASE in medians else {}
    return {
        "ratios": found | p99,
        **p99,
        "medians": medians,
        "others": others,
        "rounds": rounds,
        "asked": asked,
        "machine": machine,
        "warnings": figures.warnings(medians | others),
    }


def describe(folder: Path) -> dict[str, Any]:
    """The machine that is measured, as far as it matters."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "memory_mib": psutil.virtual_memory().total >> 20,
        "load_before": os.getloadavg()[0],
        "postgresql": None,
        "file_system": programs.file_system(folder),
        "syncs_per_second": programs.syncs_per_second(folder),
        "postgresql_settings": postgresql.SETTINGS,
        "sqlite_settings": "the bank's own: WAL, synchronous=FULL",
    }


def show(told: dict[str, Any]) -> None:
    """Print the report."""
    told_of = ("processors", "python", "postgresql", "file_system", "syncs_per_second", "load_before")
    print("\n" + ", ".join(f"{name} {told['machine'][name]}" for name in told_of))
    print("Every transfer counted was durable and answered 200.")
    if told["medians"]:
        print("\n".join(["Medians:\n", *figures.table_of_cases(told["medians"])]))
    for name, found in told["others"].items():
        print(f"\n{name}: " + ", ".join(f"{key} {value:,.10g}" for key, value in found.items()))
    if told["ratios"]:
        print("\n".join(["", *figures.table_of_ratios(told["ratios"])]))
    if "steady" in told["others"]:
        print("\n" + steady.verdict(told["others"]["steady"]))
    if "notice_delay" in told["others"]:
        print("\n" + delays.verdict(told["others"]["notice_delay"]))
    print("".join(f"\n{line}" for line in growth.verdicts(told["others"])))
    if "p99_ms_50_sessions" in told:
        print(f"\np99 at 50 sessions: {told['p99_ms_50_sessions']:.1f} ms (to be under {figures.P99_MS:g})")
    for line in told["warnings"]:
        print(f"NOTE: {line}")


def keep(told: dict[str, Any], path: Path) -> None:
    """Write the report, and a plot of its ratios beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=2) + "\n")
    print(f"\nkept in {path}", end="")
    if not told["ratios"]:
        print("; no plot, since no cases were compared")
    elif plot.draw(told["ratios"], path.with_suffix(".svg")):
        print(f" and {path.with_suffix('.svg')}")
    else:
        print("; no plot, since matplotlib is not installed")


def say(line: str) -> None:
    """Tell of the progress."""
    print(f"[{time.strftime('%H:%M:%S')}] {line}", flush=True)


def _end(number: int, _frame: object) -> NoReturn:
    """End the measurement, once: a second signal must not cut its clearing up short."""
    for other in ENDING:
        signal.signal(other, lambda *_: None)
    raise BenchError(f"ended by {signal.Signals(number).name}")


def main(words: Sequence[str]) -> int:
    """Measure, show and keep; the exit status. Everything started is stopped also when a signal ends it."""
    asked = read_arguments(words)
    for number in ENDING:
        signal.signal(number, _end)
    limit = QUICK_LIMIT_SECONDS if asked.quick else FULL_LIMIT_SECONDS
    signal.alarm(limit + math.ceil((asked.steady or 0) + (asked.notices or 0)))
    try:
        told = measure(asked)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    show(told)
    if asked.out is not None:
        keep(told, asked.out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
