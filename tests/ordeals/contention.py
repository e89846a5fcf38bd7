"""Crowd two accounts, and see that no payment is lost, doubled or made of nothing.

    python -m tests.ordeals.contention [--operations 100000] [--clients 64] [--seed N] [--only FORM]

Two accounts are hot, in three forms, each with so many operations of its own:

- payments: a session for each client and one on each hot account, all at once, through `twistd bankd`. The clients pay
  the hot accounts; those pay back, and each other, and often more than they hold, so that it is refused.
- turns: as many clients share the two accounts alone. Only one of them can be in an account's session; the others try
  again and again. Who is in pays the other account, and leaves.
- lane: as many posters give commands for the two accounts to the lane of a store, without a network, several at a time.

With one in ten operations that, or an earlier one, is sent again; it must get one answer and be carried out once.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from bench import banks
from tests.ordeals import posters
from tests.ordeals.crowd import Client, Crowd
from tests.ordeals.daemon import Daemon, bank_of
from tests.ordeals.operations import Operation
from tests.ordeals.report import Report, folder, numbers, seed_of
from tests.ordeals.turns import Turns
from tests.ordeals.wishes import Wishes
from tests.ordeals.witness import Witness
from tests.ordeals.wrong import Wrong

DEPTH = 16
"""Requests that each session has under way."""

HOT_MINOR = 1_000_000_000
"""What an account begins with, and the most that a hot one pays at a time."""

CLIENT_MINOR = 20_000_000
"""The most that a client pays a hot account at a time."""


class Payments:
    """Everybody's session is open; the first two accounts are hot."""

    def __init__(self, daemon: Daemon, operations: int, report: Report) -> None:
        self._daemon = daemon
        self._report = report
        self._wishes = Wishes(report.seed, daemon.rows, HOT_MINOR)
        self._witness = daemon.witness()
        self._operations = operations
        self._asked = 0

    def run(self) -> Witness:
        """Pay until all is asked and answered."""
        self._daemon.launch()
        self._daemon.first_answer()
        Crowd(self._witness, self._daemon.log_in_all(), self._wish, DEPTH).drive()
        with self._daemon.looking() as connection:
            self._witness.settle(connection)
        self._daemon.stop()
        return self._witness

    def _wish(self, client: Client, most: int) -> list[Operation]:
        hot, others = self._daemon.rows[:2], self._daemon.rows
        wished: list[Operation] = []
        while len(wished) < most and self._asked < self._operations:
            if client.account in hot:
                operation = self._wishes.transfer(client.account, others, HOT_MINOR)
            else:
                operation = self._wishes.transfer(client.account, hot, CLIENT_MINOR)
            self._witness.asked(operation)
            self._asked += 1
            wished += self._wishes.perhaps_again(operation)
        self._report.progress(self._asked, self._operations, "operations")
        return wished


def _payments(options: argparse.Namespace, report: Report) -> Witness:
    with bank_of(options.clients + 2) as daemon:
        return Payments(daemon, options.operations, report).run()


def _turns(options: argparse.Namespace, report: Report) -> Witness:
    with bank_of(2) as daemon:
        return Turns(daemon, options.clients, options.operations, report).run()


def _lane(options: argparse.Namespace, report: Report) -> Witness:
    with folder() as place:
        made = banks.make(place / "bank", 2)
        return posters.crowd(made, options.clients, options.operations, report)


FORMS: dict[str, Callable[[argparse.Namespace, Report], Witness]] = {
    "payments": _payments,
    "turns": _turns,
    "lane": _lane,
}
"""Each form by its name."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ordeals; the exit status."""
    parser = argparse.ArgumentParser(prog="contention", description="Crowd two accounts of a bank.")
    numbers(parser, operations=100_000, clients=64)
    parser.add_argument("--only", choices=FORMS, help="only this form")
    options = parser.parse_args(argv)
    seed, status = seed_of(options), 0
    for name in [options.only] if options.only else FORMS:
        report = Report(name, seed)
        with report.verdict():
            done, refused, unknown = FORMS[name](options, report).count()
            report.say(f"{options.clients} clients, 2 hot accounts: {done} operations carried out, {refused} refused")
            if unknown or done + refused < options.operations:
                raise Wrong(f"{options.operations} were wanted, and {unknown} have no answer")
        status |= report.status
    return status


if __name__ == "__main__":
    sys.exit(main())
