"""Log-ins a second, and what a session costs that asks nothing."""

import itertools
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from bench import banks
from bench.banks import Say
from bench.figures import Figures, percentile
from bench.load import Served, Session, log_in, logged_in, trust
from bench.programs import busy_seconds

VISITORS = 16
"""How many log in at the same time."""

FIRST_SESSIONS, IDLE_SESSIONS = 20, 500
"""Sessions that are opened before the memory is first looked at, and those that are there at the end."""


def measure_log_ins(folder: Path, seconds: float, say: Say) -> Figures:
    """Customers who connect, log in with the bank's own cost of a hash, log out and go, ``VISITORS`` at a time."""
    say("log-ins")
    with banks.serve(banks.make(folder, VISITORS, real_hash=True)) as server:
        before = time.perf_counter(), time.process_time(), busy_seconds(server.process)
        with ThreadPoolExecutor(VISITORS) as visitors:
            deadline = before[0] + seconds
            taken = sorted(
                itertools.chain(*visitors.map(lambda account: _come_and_go(server, account, deadline), server.accounts))
            )
        lasted = time.perf_counter() - before[0]
        return {
            "log_ins": len(taken),
            "per_second": round(len(taken) / lasted, 1),
            "p50_ms": round(1000 * percentile(taken, 50), 1),
            "p99_ms": round(1000 * percentile(taken, 99), 1),
            "generator_busy": round((time.process_time() - before[1]) / lasted, 3),
            "server_busy": round((busy_seconds(server.process) - before[2]) / lasted, 3),
        }


def measure_idle(folder: Path, say: Say) -> Figures:
    """What each of ``IDLE_SESSIONS`` adds to the memory of a bank that has had some already, in KiB."""
    say(f"the memory of {IDLE_SESSIONS} idle sessions")
    with banks.serve(banks.make(folder, IDLE_SESSIONS + 1)) as server:
        with logged_in(server, FIRST_SESSIONS):
            before = _memory_kib(server)
        with logged_in(server, IDLE_SESSIONS) as opened:
            _check_alive(opened)
            return {
                "sessions": IDLE_SESSIONS,
                "kib_a_session": round((_memory_kib(server) - before) / (IDLE_SESSIONS - FIRST_SESSIONS), 1),
                "kib_of_the_bank_before": round(before),
            }


def _come_and_go(server: Served, account: str, deadline: float) -> list[float]:
    """One customer, again and again until ``deadline``; how long each log-in took, from before the connection."""
    context, taken = trust(server.authority), []
    while (began := time.perf_counter()) < deadline:
        session = log_in(server, context, account)
        taken.append(time.perf_counter() - began)
        session.leave()
    return taken


def _check_alive(sessions: Sequence[Session]) -> None:
    for session in sessions:
        session.ask("NOOP")


def _memory_kib(server: Served) -> float:
    return float(psutil.Process(server.process).memory_info().rss) / 1024
