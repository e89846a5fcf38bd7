"""The arithmetic of a measurement: percentiles, medians over rounds, ratios, and the table that people read.

1. A ratio is taken within a round, whose runs follow each other closely, and its median over the rounds is reported:
   a machine that is slow for a minute is slow for both.
2. The floors and goals are the project's own, set before the bank was written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

Figures = dict[str, float]
"""What one run gave, by the names of its figures; ``per_second`` is always among them."""

Round = Mapping[str, Figures]
"""What every case of a round gave, by the names of the cases."""

BUSY_GENERATOR = 0.85
"""A generator that is busier than this may itself be what was measured."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as fast ``case`` is to be as ``anchor``: the least that is accepted, and what is hoped for."""

    name: str
    case: str
    anchor: str
    floor: float | None = None
    goal: float | None = None


RATIOS = (
    Ratio("sqlite_vs_pgbench", "sqlite_50", "pgbench", 3, 5),
    Ratio("sqlite_500_vs_pgbench", "sqlite_500", "pgbench", 3.5, 5.5),
    Ratio("sqlite_pipelined_vs_pgbench", "sqlite_50x16", "pgbench", 8, 15),
    Ratio("postgresql_vs_pgbench", "postgresql_50", "pgbench", 2, 3),
    Ratio("postgresql_500_vs_pgbench", "postgresql_500", "pgbench", 3, 4.5),
    Ratio("postgresql_pipelined_vs_pgbench", "postgresql_50x16", "pgbench", 7, 11),
    Ratio("postgresql_hot_vs_pgbench_hot", "postgresql_hot_50x16", "pgbench_hot", 20, 45),
    Ratio("sqlite_vs_threaded", "sqlite_50", "threaded_50", 3, 5),
    Ratio("sqlite_500_vs_threaded", "sqlite_500", "threaded_500", 3.5, 7),
    Ratio("pgbench_function_vs_pgbench", "pgbench_function", "pgbench"),
    Ratio("pgbench_many_vs_pgbench", "pgbench_many", "pgbench"),
)
"""Every ratio there is, in the order in which they are shown."""

P99_CASE, P99_MS = "sqlite_50", 15.0
"""The case whose 99th percentile is held to a limit, and the limit."""


def percentile(ascending: Sequence[float], percent: float) -> float:
    """The smallest of the ``ascending`` values that ``percent`` of them do not exceed (nearest rank); 0 of none."""
    if not ascending:
        return 0.0
    rank = -int(-len(ascending) * percent // 100)
    return ascending[max(rank, 1) - 1]


def medians(rounds: Sequence[Round]) -> dict[str, Figures]:
    """The median of each figure of each case over the rounds that have it."""
    gathered: dict[str, dict[str, list[float]]] = {}
    for one in rounds:
        for case, figures in one.items():
            for name, value in figures.items():
                gathered.setdefault(case, {}).setdefault(name, []).append(value)
    return {
        case: {name: round(median(values), 3) for name, values in named.items()} for case, named in gathered.items()
    }


def ratios(rounds: Sequence[Round]) -> dict[str, float]:
    """The median over the rounds of each ratio that was measured."""
    found = {}
    for ratio in RATIOS:
        pairs = [(one[ratio.case], one[ratio.anchor]) for one in rounds if {ratio.case, ratio.anchor} <= one.keys()]
        taken = [case["per_second"] / anchor["per_second"] for case, anchor in pairs if anchor["per_second"]]
        if taken:
            found[ratio.name] = round(median(taken), 3)
    return found


def table_of_ratios(found: Mapping[str, float]) -> list[str]:
    """The ratios as lines for people, each beside its floor and goal."""
    row = "{:<32} {:>7} {:>7} {:>7}  {}"
    lines = [row.format("ratio", "here", "floor", "goal", "")]
    for ratio in RATIOS:
        if ratio.name in found:
            here = found[ratio.name]
            lines.append(
                row.format(ratio.name, f"{here:.2f}", ratio.floor or "", ratio.goal or "", verdict(here, ratio))
            )
    return lines


def verdict(here: float, ratio: Ratio) -> str:
    """What a ratio is held against its floor and goal, in a word or two."""
    if ratio.floor is None or ratio.goal is None:
        return "for comparison"
    return "goal reached" if here >= ratio.goal else "above the floor" if here >= ratio.floor else "BELOW THE FLOOR"


def table_of_cases(found: Mapping[str, Figures]) -> list[str]:
    """The medians of every case as lines for people; what a case does not measure is left empty."""
    names = ("per_second", "p50_ms", "p99_ms", "generator_busy", "server_busy", "refused")
    row = "{:<22}" + " {:>14}" * len(names)
    lines = [row.format("case", *names)]
    for case, figures in found.items():
        lines.append(row.format(case, *(f"{figures[name]:,.10g}" if name in figures else "" for name in names)))
    return lines


def warnings(found: Mapping[str, Figures]) -> list[str]:
    """What a reader must know before believing the figures."""
    lines = []
    for case, figures in found.items():
        if figures.get("generator_busy", 0) > BUSY_GENERATOR:
            lines.append(f"{case}: the load generator was {figures['generator_busy']:.0%} busy; the server may do more")
        if figures.get("refused", 0):
            lines.append(f"{case}: {figures['refused']:g} requests were refused, and are not counted")
    return lines
