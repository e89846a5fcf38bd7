"""``python -m bankd.simulation``: simulate a bank under one seed after another, and tell of the first broken promise.

python -m bankd.simulation --seeds 1000       seeds 0 to 999, on all processors
python -m bankd.simulation --seed 417 -v      one seed again, step by step
"""

import argparse
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from time import monotonic

from twisted.logger import globalLogBeginner

from bankd.client.progress import Row
from bankd.simulation.run import Broken, Result, simulate
from bankd.simulation.site import Ground, ground

BROKEN = 1
"""The exit status where a promise was broken."""


@dataclass(slots=True)
class Sum:
    """What came of all simulations so far."""

    seeds: int = 0
    seconds: float = 0.0
    steps: int = 0
    orders: int = 0
    done: int = 0
    crashes: int = 0
    hints: int = 0

    def add(self, result: Result) -> None:
        """One more."""
        self.seeds += 1
        for name in ("seconds", "steps", "orders", "done", "crashes", "hints"):
            setattr(self, name, getattr(self, name) + getattr(result, name))


def main(arguments: list[str]) -> int:
    """Simulate as the arguments say; the exit status is 1 where a promise was broken."""
    options = _parser().parse_args(arguments)
    silence()
    if options.seed is not None:
        return _one(options.seed, options.verbose)
    began, told = monotonic(), Sum()
    row = Row(sys.stderr, sys.stderr.isatty(), lambda text: print(text, file=sys.stderr, flush=True))
    try:
        for result in _results(range(options.first, options.first + options.seeds), options.jobs):
            told.add(result)
            row.show(_progress(told, options.seeds, monotonic() - began))
    except Broken as broken:
        row.show("")
        print(f"{broken}\nagain: python -m bankd.simulation --seed {broken.seed} -v")
        return BROKEN
    except KeyboardInterrupt:
        row.show("")
        return 130
    row.show("")
    seconds = monotonic() - began
    if options.json:
        print(json.dumps(asdict(told) | {"took": round(seconds, 1), "jobs": options.jobs}))
    else:
        print(_progress(told, options.seeds, seconds))
        print(f"no promise was broken; {told.orders} orders, {told.done} of them done; {told.crashes} crashes;"
              f" {told.hints} datagrams heard; {told.steps} steps")  # fmt: skip
    return 0


def silence() -> None:
    """Let nothing that is logged come to the terminal: the witness reads it."""
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False, discardBuffer=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bankd.simulation",
        description="Simulate a bank, its customers and all that may go wrong, seed by seed, and check its promises.",
    )
    parser.add_argument("--seeds", type=int, default=100, metavar="N", help="how many seeds (100)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first of them (0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="at how many a time")
    parser.add_argument("--seed", type=int, metavar="N", help="only this one, and tell its trace")
    parser.add_argument("-v", "--verbose", action="store_true", help="with --seed: tell every step that was noted")
    parser.add_argument("--json", action="store_true", help="tell the result as JSON")
    return parser


def _one(seed: int, verbose: bool) -> int:
    with ground() as made:
        try:
            result = simulate(seed, made, print if verbose else None)
        except Broken as broken:
            print(broken)
            return BROKEN
    print(json.dumps(asdict(result)))
    return 0


def _progress(told: Sum, seeds: int, seconds: float) -> str:
    """How far it is, and how fast."""
    return (
        f"{told.seeds} of {seeds} seeds, {told.seeds / max(seconds, 0.001):.1f} a second;"
        f" {told.seconds / max(seconds, 0.001):.0f} times real time"
    )


def _results(seeds: range, jobs: int) -> Iterator[Result]:
    """What comes of each seed. Raises the first Broken."""
    if jobs == 1:
        with ground() as made:
            for seed in seeds:
                yield simulate(seed, made)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(jobs, len(seeds)), _prepare) as pool:
        for result in pool.imap_unordered(_simulated, seeds):
            if isinstance(result, Result):
                yield result
            else:
                raise result


_here: list[Ground] = []


def _prepare() -> None:
    """Lay the ground of a process that simulates."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it ends it
    silence()
    stack = ExitStack()
    _here.append(stack.enter_context(ground()))
    multiprocessing.util.Finalize(None, stack.close, exitpriority=1)


def _simulated(seed: int) -> Result | Broken:
    try:
        return simulate(seed, _here[0])
    except Broken as broken:
        return broken
