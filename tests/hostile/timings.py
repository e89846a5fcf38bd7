"""Whether the time of a refusal tells who is a customer: refused log-ins with known and unknown names, by turns.

For each way in there are as many refusals with a known name as with an unknown one, of the same form and in random
order, each with a name that was not tried before, so that no counter of failures tells. The bank hashes as it does by
default. The area under the curve of a classifier by the time is what counts: 0.5 where the time tells nothing. A
machine that is busy with other things makes it look better than it is, so the quartiles are told as well.

    python -m tests.hostile.timings [--count 1000] [--most 0.55] [--set bank.KEY=VALUE ...]
"""

import argparse
import random
import ssl
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from time import perf_counter

from bench.programs import BenchError, scratch
from tests.hostile.line import Line, Silence
from tests.hostile.ranks import area_under_curve
from tests.hostile.target import Sections, Target, target, with_settings
from tests.system.support import Customer

WRONG = "2739"
WAYS: dict[str, Callable[[Customer], str]] = {
    "name and password": lambda person: f"LOGIN username={person.username} password=not-{WRONG}-it",
    "account and PIN": lambda person: f"LOGIN account={person.account} pin={WRONG}",
    "mobile and PIN": lambda person: f"LOGIN mobile={person.mobile} pin={WRONG}",
}
"""How to be refused on each way in."""

SETTINGS: Sections = {"server": {"login_seconds": 3600}, "bank": {"register_mobiles": "no"}}

WARMING = 40
"""Refusals that do not count, before those that do."""

A_LINE = 10
"""Refusals on one connection, then comes another."""

BUSY = 0.15
"""The spread of the middle half, as a part of the median, from which on the machine is said to be busy."""

NETWORKS = 250
"""Networks of this machine that the connections come from, by turns, so that none is refused for failing too often."""


@dataclass(slots=True)
class Refusals:
    """The refusals of one kind of name: how long each took, in seconds, and what was said."""

    seconds: list[float] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)


def refuse(bank: Target, trust: ssl.SSLContext, tries: Sequence[tuple[bool, str]]) -> dict[bool, Refusals]:
    """Be refused with each of ``tries``, which tell whether the name is known; what came of it for either kind."""
    found = {True: Refusals(), False: Refusals()}
    lines = _lines(bank.port, trust)
    line = next(lines)
    for place, (known, request) in enumerate(tries):
        if place % A_LINE == 0:
            line.close()
            line = next(lines)
            line.ask("NOOP")
        began = perf_counter()
        answer = line.ask(request)
        took = perf_counter() - began
        if place >= WARMING:
            found[known].seconds.append(took)
            found[known].said[answer] += 1
    line.close()
    return found


def tell(way: str, found: dict[bool, Refusals], most: float) -> bool:
    """Say what came of one way in; whether it passed."""
    known, unknown = found[True], found[False]
    area = area_under_curve(known.seconds, unknown.seconds)
    print(f"{way}: AUC {area.area:.3f}, with 95 % between {area.low:.3f} and {area.high:.3f}")
    for name, kind in (("known", known), ("unknown", unknown)):
        first, median, third = quantiles(kind.seconds)
        milliseconds = " ".join(f"{1e3 * quartile:7.3f}" for quartile in (first, median, third))
        said = ", ".join(f"{count} x {answer}" for answer, count in sorted(kind.said.items()))
        print(f"    {name:8} quartiles {milliseconds} ms; {said}")
        if third - first > BUSY * median:
            print("             the machine is busy, so these figures tell little")
    if set(known.said) != set(unknown.said):
        print("    FAILED: the answers themselves tell")
    elif area.telling > most:
        print(f"    FAILED: the time tells, {area.telling:.3f} is more than {most:g}")
    else:
        return True
    return False


def _lines(port: int, trust: ssl.SSLContext) -> Iterator[Line]:
    """New connections, from one network after another."""
    place = 0
    while True:
        yield Line(port, trust, f"127.{place % NETWORKS + 1}.0.1")
        place += 1


def _tries(bank: Target, way: Callable[[Customer], str], count: int, serial: int) -> list[tuple[bool, str]]:
    """What to try on one way in, in random order, after what warms the bank up; ``serial`` chooses whose names."""
    chosen = slice(serial * count, (serial + 1) * count)
    tries = [(True, way(person)) for person in bank.customers[chosen]]
    tries += [(False, way(person)) for person in bank.strangers[chosen]]
    random.SystemRandom().shuffle(tries)
    return tries


def main(argv: Sequence[str] | None = None) -> int:
    """Measure every way in; the exit status is 1 where one tells."""
    parser = argparse.ArgumentParser(prog="timings", description="Does the time of a refusal tell who is a customer?")
    parser.add_argument("--count", type=int, default=1000, help="refusals of either kind, for each way in (1000)")
    parser.add_argument("--most", type=float, default=0.55, help="the largest area under the curve that passes (0.55)")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="a setting of the bank")
    options = parser.parse_args(argv)
    sections = with_settings(SETTINGS, options.set)
    each = options.count + WARMING // 2
    passed = True
    try:
        with scratch() as folder, target(folder / "bank", len(WAYS) * each, sections) as bank:
            for serial, (way, spelt) in enumerate(WAYS.items()):
                passed &= tell(way, refuse(bank, bank.trust, _tries(bank, spelt, each, serial)), options.most)
    except (BenchError, Silence) as wrong:
        print(f"FAILED: {wrong}", file=sys.stderr)
        return 1
    print("passed" if passed else "FAILED")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
