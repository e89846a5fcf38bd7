"""A steady load: whether the bank is as fast at the end as at the beginning.

A journal that grows, a log that is written back, memory that is not given back: each of them would show here. The load
is one, without a pause; its tenths are measured one by one.
"""

from collections.abc import Sequence
from pathlib import Path

from bench import banks
from bench.banks import Say
from bench.figures import Figures
from bench.load import Load, logged_in

SESSIONS = 50
TENTHS = 10

LEAST = 0.9
"""What the last tenth is to do of the first, at least."""


def measure(folder: Path, accounts: int, seconds: float, say: Say) -> dict[str, Figures]:
    """So many ``seconds`` of transfers, one outstanding in each session: ``steady``, and each tenth by itself."""
    say(f"preparing a bank of {accounts:,} accounts for a steady load of {seconds:g} seconds")
    tenths: list[Figures] = []
    with banks.serve(banks.make(folder, accounts)) as server, logged_in(server, SESSIONS) as opened:
        for tenth in Load(opened, server.accounts, 1).stretches(seconds / TENTHS, TENTHS, server.process):
            tenths.append(tenth)
            rate, p99 = f"{tenth['per_second']:,.0f}/s", f"p99 {tenth['p99_ms']:.1f} ms"
            say(f"steady load, {len(tenths)} of {TENTHS}: {rate}, {p99}, server {tenth['server_busy']:.0%} busy")
    named = {f"steady_tenth_{number}": tenth for number, tenth in enumerate(tenths, 1)}
    return {"steady": summary(tenths, seconds)} | named


def summary(tenths: Sequence[Figures], seconds: float) -> Figures:
    """What the tenths of a load of so many ``seconds`` come to; ``last_vs_first`` compares the rates of two of them."""
    first, last = tenths[0], tenths[-1]
    transfers = sum(tenth["transfers"] for tenth in tenths)
    return {
        "seconds": seconds,
        "sessions": SESSIONS,
        "transfers": transfers,
        "per_second": round(transfers / seconds, 1),
        "first_per_second": first["per_second"],
        "last_per_second": last["per_second"],
        "last_vs_first": round(last["per_second"] / first["per_second"], 3),
        "slowest_vs_first": round(min(tenth["per_second"] for tenth in tenths) / first["per_second"], 3),
        "first_p99_ms": first["p99_ms"],
        "last_p99_ms": last["p99_ms"],
    }


def verdict(found: Figures) -> str:
    """The last tenth against the first, and against what it is to be, in a line."""
    here = found["last_vs_first"]
    held = "as steady as it is to be" if here >= LEAST else "SLOWER THAN IT MAY BE"
    return f"the last tenth of the steady load did {here:.2f} of the first (at least {LEAST:g}): {held}"
