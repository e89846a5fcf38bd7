"""Kill a bank under load at random moments, start it on what it left behind, and see what it still knows.

    python -m tests.ordeals.kills [--kills 200] [--seed N] [--within SECONDS]

The bank is a real `twistd bankd` with a session on each of its accounts, which pay each other, pay in and pay out.
Each time it is started again, the journal is held against what was answered; every operation since the last time,
answered or not, is asked again under its key; and the accounts are held against the answers. Then the load goes on.
The bank is killed at a moment after its start, after everybody has logged in, or after the load began.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median
from threading import Timer

from tests.ordeals.crowd import Client, Crowd, Gone, chosen
from tests.ordeals.daemon import Daemon, Start, bank_of
from tests.ordeals.operations import Operation
from tests.ordeals.report import Report, numbers, seed_of
from tests.ordeals.wishes import Wishes
from tests.ordeals.wrong import Wrong

ACCOUNTS = 8
DEPTH = 8
"""Requests that each session has under way."""

LEASE_SECONDS = 1
"""So that nobody need wait long for the account of a session that a kill ended."""

MOST_MINOR = 1_500_000_000
"""The largest amount asked for; an account begins with two thirds of it, so that many requests are refused."""

PHASES = {"start": (1, 0.6), "asking again": (3, 0.4), "load": (6, 0.4)}
"""What the bank is doing when it is killed: how often of ten times, and for how many seconds at most by then."""

LAST_SAMPLE = 20_000
"""Operations of the whole ordeal that are asked once more at its end, at most."""


class Ordeal:
    """One bank, killed again and again."""

    def __init__(self, daemon: Daemon, seed: int) -> None:
        self._daemon = daemon
        self._random = random.Random(seed)
        self._wishes = Wishes(seed, daemon.rows, MOST_MINOR)
        self._witness = daemon.witness()
        self._recent: list[Operation] = []
        self._timer = Timer(0, self._kill)
        self._killed = False
        self.starts: list[Start] = []
        self.kills: Counter[str] = Counter()
        self.unknown_but_done = 0
        self.asked_again = 0

    def kill_and_see(self) -> None:
        """One life of the bank: from its start, through what it is asked again, to its end."""
        phases = list(PHASES)
        phase = self._random.choices(phases, [PHASES[phase][0] for phase in phases])[0]
        delay = self._random.uniform(0, PHASES[phase][1])
        self._timer, self._killed = Timer(delay, self._kill), False
        clients: list[Client] = []
        try:
            self._daemon.launch()
            self._at("start", phase)
            self.starts.append(self._daemon.first_answer())
            clients = self._daemon.log_in_all()
            self._at("asking again", phase)
            self._ask_again(clients)
            self._at("load", phase)
            Crowd(self._witness, clients, self._wish, DEPTH).drive()
        except Gone as gone:
            if not self._killed:
                raise Wrong(f"the bank went away by itself: {gone}") from gone
            self.kills[phase] += 1
        finally:
            self._timer.cancel()
            if self._timer.is_alive():
                self._timer.join()
            self._daemon.kill()
            for client in clients:
                client.close()

    def end(self) -> None:
        """Start the bank for the last time, ask it of all that ever happened, and stop it in order."""
        self._daemon.launch()
        self.starts.append(self._daemon.first_answer())
        clients = self._daemon.log_in_all()
        self._ask_again(clients)
        sample = self._witness.some(self._random, LAST_SAMPLE)
        Crowd(self._witness, clients, chosen(sample), DEPTH).drive()
        self.asked_again += len(sample)
        with self._daemon.looking() as connection:
            self._witness.settle(connection)
        self._daemon.stop()

    def summary(self) -> list[str]:
        """What was seen."""
        done, refused, unknown = self._witness.count()
        kills = ", ".join(f"{count} in {phase}" for phase, count in sorted(self.kills.items()))
        return [
            f"{sum(self.kills.values())} kills: {kills}",
            f"{done} operations carried out, {refused} refused, {unknown} unknown; {self.asked_again} asked again",
            f"{self.unknown_but_done} were carried out without an answer, and were not carried out again",
            f"{len(self.starts)} starts, to the first answer: {_figures(start.seconds for start in self.starts)}",
            f"without waiting for a processor: {_figures(start.own for start in self.starts)}",
        ]

    def _at(self, phase: str, chosen_phase: str) -> None:
        if phase == chosen_phase:
            self._timer.start()

    def _kill(self) -> None:
        self._killed = True
        self._daemon.send_kill()

    def _wish(self, client: Client, most: int) -> list[Operation]:
        wished = [self._wishes.anything(client.account) for _ in range(most)]
        for operation in wished:
            self._witness.asked(operation)
        self._recent += wished
        return wished

    def _ask_again(self, clients: Sequence[Client]) -> None:
        """Look what is there, ask all again, and look whether nothing more came of it than had to."""
        with self._daemon.looking() as connection:
            self.unknown_but_done += self._witness.look(connection)
        Crowd(self._witness, clients, chosen(self._recent), DEPTH).drive()
        self.asked_again += len(self._recent)
        with self._daemon.looking() as connection:
            self._witness.settle(connection)
        self._recent = []


def _figures(seconds: Iterable[float]) -> str:
    """The median and the worst."""
    every = sorted(seconds)
    return f"{median(every):.2f} s, at worst {every[-1]:.2f} s"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ordeal; the exit status."""
    parser = argparse.ArgumentParser(prog="kills", description="Kill a bank under load at random moments.")
    numbers(parser, kills=200, accounts=ACCOUNTS)
    parser.add_argument("--within", type=float, default=2.0, help="seconds in which a restart must answer (2)")
    options = parser.parse_args(argv)
    report = Report("kills", seed_of(options))
    with report.verdict(), bank_of(options.accounts, LEASE_SECONDS) as daemon:
        ordeal = Ordeal(daemon, report.seed)
        for kill in range(options.kills):
            ordeal.kill_and_see()
            report.progress(kill + 1, options.kills, "kills")
        ordeal.end()
        report.say(*ordeal.summary())
        longest = max(start.own for start in ordeal.starts)
        if longest > options.within:
            raise Wrong(f"a restart took {longest:.2f} s, and may take {options.within:g} s")
    return report.status


if __name__ == "__main__":
    sys.exit(main())
