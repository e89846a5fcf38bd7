"""Pages of a statement in a long journal: the newest, one in the middle, the oldest, and another customer's.

The journal is filled through the bank's own rooms, without the network. Half of the entries are one busy account's; the
others belong to all accounts in turn, so that a page of theirs is spread over the whole journal.
"""

import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from bankd.bank import payments
from bankd.store.customers import AccountRow
from bankd.store.engines import Store
from bench import banks
from bench.banks import Say
from bench.figures import Figures, percentile
from bench.load import Served, log_in, trust
from bench.programs import BenchError

ACCOUNTS = 1000
BATCH = 1000
LINES = 20
"""Lines on a page, which is what a customer gets who does not say."""


def measure(folder: Path, entries: int, seconds: float, say: Say) -> dict[str, Figures]:
    """Pages a second, asked one after another by one session, of each kind; and the rate at which it was filled."""
    made = banks.make(folder, ACCOUNTS)
    began = time.perf_counter()
    with banks.opened(made.settings) as store:
        middle, oldest = _fill(store, made.rows, entries, say)
    filled = {"entries": entries, "per_second": round(entries / (time.perf_counter() - began), 1)}
    busy, other = made.rows[0].number, made.rows[-1].number
    wanted = {"newest": (busy, None), "middle": (busy, middle), "oldest": (busy, oldest), "other": (other, None)}
    with banks.serve(made) as server:
        say("pages of statements")
        return {"fill": filled} | {
            f"page_{name}": _ask(server, account, cursor, seconds) for name, (account, cursor) in wanted.items()
        }


def _fill(store: Store, rows: Sequence[AccountRow], entries: int, say: Say) -> tuple[int, int]:
    """Pay in, a minor unit at a time; the entries of the busy account in the middle, and a page after its first."""
    busy, others = rows[0], cycle(rows[1:])
    mine: list[int] = []
    for start in range(0, entries, BATCH):
        serials = range(start, min(start + BATCH, entries))
        commands = [banks.deposit(busy if serial % 2 else next(others), 1, f"fill-{serial}") for serial in serials]
        with store.writing() as tx:
            outcomes = payments.apply(tx, commands)
        mine += [entry.id for outcome in outcomes if (entry := outcome.entry) and entry.credit_id == busy.id]
        if (start + BATCH) % (100 * BATCH) == 0:
            say(f"filling the journal: {start + BATCH:,} of {entries:,} entries")
    if not mine:
        raise BenchError("a journal of at least two entries is needed")
    return mine[len(mine) // 2], mine[min(LINES, len(mine)) - 1]


def _ask(server: Served, account: str, cursor: int | None, seconds: float) -> Figures:
    session = log_in(server, trust(server.authority), account)
    request = f"STATEMENT limit={LINES}" + (f" cursor={cursor}" if cursor is not None else "")
    taken: list[float] = []
    began = time.perf_counter()
    while (asked := time.perf_counter()) < began + seconds:
        answer = session.ask(request)
        if not answer[-1].startswith(b"q 200"):
            raise BenchError(f"a statement was refused: {answer[-1]!r}")
        taken.append(time.perf_counter() - asked)
    lasted = time.perf_counter() - began
    session.leave()
    taken.sort()
    return {
        "lines": len(answer) - 1,
        "per_second": round(len(taken) / lasted, 1),
        "p50_ms": round(1000 * percentile(taken, 50), 3),
        "p99_ms": round(1000 * percentile(taken, 99), 3),
    }
