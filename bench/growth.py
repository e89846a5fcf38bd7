"""What a transfer costs in a large bank, against a small one: the price of a million accounts.

1. Both banks are filled in the same way and measured in the same minutes, in turns: small large, large small. A ratio
   is taken within a round, and the median over the rounds is reported.
2. Batches go straight into the store, between any two accounts, so that nothing but the ledger is measured; the wall's
   time and the processor's are told apart. What the writing back of the log costs is in both.
3. Then the same banks are served, and 50 sessions pay anyone.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bankd.ledger.commands import Transfer
from bankd.store.engines import Store
from bench import banks, crowds, load
from bench.banks import Say
from bench.crowds import Crowd
from bench.figures import Figures
from bench.load import Served

SMALL_ACCOUNTS = SMALL_ENTRIES = 1000
BATCHES = (50, 500)
SESSIONS = 50

LARGE_ACCOUNTS = range(SESSIONS + 1, 5_000_001)
"""How many accounts the large bank can have: more than sessions, and so few that there are numbers for them."""

TRANSFERS = 10_000
"""Transfers of a run in batches: several times as many as the log holds before it is written back."""

MOST = 1.3
"""What a transfer in the large bank may cost, in costs of one in the small bank."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run cost: microseconds a transfer by the clock on the wall, and of the processor's time."""

    wall_us: float
    cpu_us: float


Pairs = Sequence[Mapping[str, Cost]]
"""The costs of the runs of each round, by the names of the banks: ``small`` and ``large``."""


def measure(folder: Path, accounts: int, entries: int, rounds: int, seconds: float, say: Say) -> dict[str, Figures]:
    """Costs and ratios for batches of each size and for sessions, ``seconds`` each time; and how the bank was filled.

    A bank in which not every account has an entry is filled up until each has.
    """
    folder.mkdir()
    entries = max(accounts, entries)
    crowds.check_room(folder, accounts, entries, say)
    small = crowds.make(folder / "small", SMALL_ACCOUNTS, SMALL_ENTRIES, say)
    large = crowds.make(folder / "large", accounts, entries, say)
    both = {"small": small, "large": large}
    filled = {"accounts": accounts, "entries": entries, "per_second": large.per_second}
    return (
        {"growth_fill": filled | {"gib": round(large.octets / (1 << 30), 3)}}
        | _measure_batches(both, rounds, say)
        | {f"growth_{SESSIONS}_sessions": _measure_served(both, rounds, seconds, say)}
    )


def compare(pairs: Pairs) -> Figures:
    """The medians of what the rounds cost, and of their ratios."""
    figures = {}
    for kind in ("wall_us", "cpu_us"):
        for name in ("small", "large"):
            figures[f"{name}_{kind}"] = round(median(getattr(pair[name], kind) for pair in pairs), 2)
    for kind in ("wall", "cpu"):
        ratios = [getattr(pair["large"], f"{kind}_us") / getattr(pair["small"], f"{kind}_us") for pair in pairs]
        figures[f"large_vs_small_{kind}"] = round(median(ratios), 3)
    return figures


def verdicts(found: Mapping[str, Figures]) -> list[str]:
    """Every ratio by the clock, and what it is held against, in a line."""
    lines = []
    for name, figures in found.items():
        if (here := figures.get("large_vs_small_wall")) is not None:
            held = "as cheap as it is to be" if here <= MOST else "DEARER THAN IT MAY BE"
            lines.append(f"{name}: a transfer costs {here:.2f} times that in a small bank (at most {MOST:g}): {held}")
    return lines


def _measure_batches(both: Mapping[str, Crowd], rounds: int, say: Say) -> dict[str, Figures]:
    with ExitStack() as stack:
        stores = {name: stack.enter_context(banks.opened(crowd.made.settings)) for name, crowd in both.items()}
        say("warming: a run of each, which does not count")
        found = {}
        for size in BATCHES:

            def run(name: str, size: int = size) -> Cost:
                return _run(stores[name], both[name], size)

            run("small"), run("large")
            found[f"growth_batches_{size}"] = compare(list(_take_turns(run, rounds, f"batches of {size}", say)))
        return found


def _measure_served(both: Mapping[str, Crowd], rounds: int, seconds: float, say: Say) -> Figures:
    with ExitStack() as stack:
        say("serving both banks")
        served = {name: stack.enter_context(_serve(crowd)) for name, crowd in both.items()}
        p99: dict[str, list[float]] = {"small": [], "large": []}

        def run(name: str) -> Cost:
            figures = load.measure(served[name], SESSIONS, 1, seconds)
            p99[name].append(figures["p99_ms"])
            return Cost(1e6 / figures["per_second"], 1e6 * figures["server_busy"] / figures["per_second"])

        found = compare(list(_take_turns(run, rounds, f"{SESSIONS} sessions", say)))
        return found | {f"{name}_p99_ms": median(values) for name, values in p99.items()}


def _take_turns(run: Callable[[str], Cost], rounds: int, what: str, say: Say) -> Iterator[Mapping[str, Cost]]:
    """Both banks once a round, every other time the large one first."""
    for number in range(1, rounds + 1):
        pair = {name: run(name) for name in (("small", "large") if number % 2 else ("large", "small"))}
        costs = " and ".join(f"{name} {cost.wall_us:.1f} us" for name, cost in sorted(pair.items(), reverse=True))
        say(f"{what}, round {number} of {rounds}: {costs} a transfer")
        yield pair


def _run(store: Store, crowd: Crowd, size: int) -> Cost:
    """TRANSFERS between any two accounts, ``size`` in a transaction. What makes the commands is not counted."""
    source = random.Random()
    batches = [[_pay_anyone(crowd, source) for _ in range(size)] for _ in range(TRANSFERS // size)]
    wall, cpu = time.perf_counter(), time.process_time()
    for batch in batches:
        crowds.carry_out(store, batch)
    made = len(batches) * size
    return Cost(1e6 * (time.perf_counter() - wall) / made, 1e6 * (time.process_time() - cpu) / made)


def _pay_anyone(crowd: Crowd, source: random.Random) -> Transfer:
    payer, payee = source.sample(crowd.owners, 2)
    return crowds.pay(payer, payee, source)


@contextmanager
def _serve(crowd: Crowd) -> Iterator[Served]:
    with banks.serve(crowd.made) as server:
        yield replace(server, accounts=tuple(owner.number for owner in crowd.owners))
