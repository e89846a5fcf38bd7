"""A storm: a real bank, its database, its clients and the network between fail, one or another every few seconds.

    python -m tests.ordeals.storms [--engine sqlite] [--operations 10000] [--clients 32] [--seed N]

On SQLite the bank is one `twistd bankd`, on PostgreSQL two of them for one database. Clients in several processes ask
for operations of all kinds, with some under way at a time, through a proxy; some use the client's library, and some
listen for notices. Each writes down what it asks before it sends it, and asks under the same key until it knows what
became of it. The faults are those of ``faults``. A witness reads the diaries and the journal all the time; at the end
nothing may be unknown, and `bankctl ledger verify` must find nothing.
"""

import argparse
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic, time

from sqlalchemy.exc import DBAPIError
from twisted.trial.unittest import SkipTest

from bench import banks
from bench.banks import Made
from bench.programs import BIN, free_port, run
from tests.databases import POSTGRESQL
from tests.ordeals.crews import CrewProcess
from tests.ordeals.daemon import Daemon, make
from tests.ordeals.faults import EVERYWHERE, LEASE_SECONDS, OF_SERVERS, Faults, Scene
from tests.ordeals.plan import Plan
from tests.ordeals.report import Report, folder, numbers, seed_of
from tests.ordeals.rounds import Rounds
from tests.ordeals.strait import Strait
from tests.ordeals.witness import Witness, newest_events
from tests.ordeals.wrong import Wrong

ENGINES = ("sqlite", "postgresql")

CREW = 14
"""Clients in a process; those in the last one use the library."""

PROGRAMS = 4
"""How many do."""

DEPTH = 56
"""Requests that a client has under way, at most."""

OPERATION_OCTETS = 250
"""About so much is written down of an operation."""

WORK_OCTETS = 200 * OPERATION_OCTETS
"""How much the clients have to write down between two faults, or CALM_MOST_SECONDS pass; less in a short storm."""

CALM_MOST_SECONDS = 30

ROUND_SECONDS = 5
"""How often the witness looks."""

LAST_SECONDS = 10
"""Holds that end by themselves so shortly before listeners go may be told to nobody."""

END_SECONDS = 300
"""How long it may take after the last fault until nothing is unknown."""

SERVER_AWAY = (
    "the database failed, and ",
    "a checkpoint could not be written",
    "what the ledger comes to could not be looked up",
    "error ignored",  # psycopg, of a pipeline whose server is gone
)
"""What a bank may log as a fault when its server is stopped, killed or stands still."""

VERIFY_SECONDS = 3600

MANY_TRIES = "\n[lockout]\ntries_before_wait = 1000\nlock_after = 10000\n"
"""A log-in that a fault ended counts as a try with a wrong PIN; here there are more of them than anywhere."""


class Storm:
    """One storm over ``scene``, until all that ``plan`` has is asked and answered."""

    def __init__(self, scene: Scene, plan: Plan, report: Report, options: argparse.Namespace) -> None:
        self._scene, self._plan, self._report = scene, plan, report
        self._calm: float = options.calm
        self._bank = scene.nodes[0]
        with self._bank.looking() as connection:
            listeners = [plan.accounts[number] for number in plan.listeners]
            witness = Witness(connection, self._bank.made.chain_key, plan.rows, listeners)
        self.rounds = Rounds(plan, witness)
        self.faults = Faults(scene, options.only)
        self._total = plan.operations * len(plan.rows)
        self._began = self._looked = monotonic()
        self._heard_until_us = 0
        self._newest = (0, self._began)

    def run(self) -> None:
        """Let it rage, then calm down, and see what is left."""
        for node in self._scene.nodes:
            node.launch()
        for node in self._scene.nodes:
            node.first_answer()
        for crew in self._scene.crews:
            crew.launch()
        while self._is_at_work or not self.faults.each_was:
            self._let_work_go_on()
            self._look(ROUND_SECONDS)
            if self._is_at_work or not self.faults.each_was:
                self.faults.strike()
                self._check_all_run()
        self._wait_for_answers()
        self._heard_until_us = int((time() - LAST_SECONDS) * 1_000_000)
        self._plan.over.touch()
        for crew in self._scene.crews:
            crew.wait(END_SECONDS)
        self._settle()

    def summary(self) -> Iterator[str]:
        """What was seen."""
        done, refused, unknown = self.rounds.witness.count()
        seconds = monotonic() - self._began
        struck = self.faults.struck
        faults = ", ".join(f"{count} {name}" for name, count in struck.most_common())
        words = ", ".join(f"{count} {word}" for word, count in self.rounds.words.most_common())
        yield f"{done} operations carried out, {refused} refused, {unknown} unknown"
        yield f"{self.rounds.witness.resolved} were unknown on the way, and all of them resolved by their keys"
        yield f"{struck.total()} faults, one every {seconds / max(struck.total(), 1):.1f} s: {faults}"
        yield f"{self._scene.strait.struck} connections struck by the network; {words}"
        yield f"{(done + refused) / seconds:.0f} operations a second, {seconds:.0f} s"

    @property
    def _is_at_work(self) -> bool:
        """Whether there is anything left that nobody has asked for yet."""
        return self._answered + self._unknown < self._total

    @property
    def _answered(self) -> int:
        return sum(self.rounds.witness.count()[:2])

    @property
    def _unknown(self) -> int:
        return self.rounds.witness.count()[2]

    def _let_work_go_on(self) -> None:
        """Let a calm while pass; and, on a machine that is slow and busy, as long as it takes to have work again."""
        before, ends = self._plan.written, monotonic() + CALM_MOST_SECONDS
        self._scene.pass_seconds(self._calm / 2, self._calm * 3 / 2)
        work = min(WORK_OCTETS, self._total * OPERATION_OCTETS // 8)
        while self._plan.written < before + work and monotonic() < ends and self._is_at_work:
            self._scene.pass_seconds(0.1, 0.1)

    def _look(self, every_seconds: float = 0.0) -> None:
        """A round of the witness, where the last one is so long ago and the database is there."""
        if monotonic() - self._looked >= every_seconds:
            with suppress(DBAPIError), self._bank.looking() as connection:
                self.rounds.look(connection)
            self._looked = monotonic()
        if self._answered > self._newest[0]:
            self._newest = self._answered, monotonic()
        elif monotonic() - self._newest[1] > END_SECONDS:
            raise Wrong(f"nothing was answered for {END_SECONDS} seconds; {self._unknown} operations stay unknown")
        rate = self._answered / (monotonic() - self._began)
        more = f"{rate:.0f} a second, {self.faults.struck.total()} faults, {self._unknown} without an answer yet"
        self._report.progress(self._answered, self._total, f"operations, {more}")

    def _check_all_run(self) -> None:
        """Raises Wrong when a program has ended by itself."""
        for node in self._scene.nodes:
            if not node.runs:
                raise Wrong("the bank ended by itself")
        for crew in self._scene.crews:
            if crew.has_ended:
                raise Wrong("clients ended before the end")

    def _wait_for_answers(self) -> None:
        """Wait, with no more faults, until nothing is unknown. Raises Wrong when that takes too long."""
        ends = monotonic() + END_SECONDS
        while self._answered < self._total:
            self._check_all_run()
            if monotonic() > ends:
                raise Wrong(f"{self._unknown} operations stay unknown")
            self._scene.pass_seconds(0.2, 0.2)
            self._look()

    def _settle(self) -> None:
        """Everything is over: hold all against all."""
        for node in self._scene.nodes:
            node.stop()
        for _ in range(2):  # what is read last in a round counts in the next
            self._look()
        with self._bank.looking() as connection:
            self.rounds.witness.settle(connection, self._heard_until_us)
        made = self._bank.made
        run(
            [BIN / "bankctl", "ledger", "verify", "--config", made.settings_file, "--state", made.settings.state],
            made.folder,
        )


def _plan(made: Made, port: int, place: Path, options: argparse.Namespace, seed: int, seen: Mapping[int, int]) -> Plan:
    """Who asks what, and where."""
    all_numbers = [row.number for row in made.rows]
    wire, programs = all_numbers[:-PROGRAMS], all_numbers[-PROGRAMS:]
    crews = [tuple(wire[first : first + CREW]) for first in range(0, len(wire), CREW)]
    listeners = [*(crew[0] for crew in crews), *programs]
    state = made.settings.state
    return Plan(
        folder=place,
        port=port,
        pin=banks.PIN,
        ca=str(state / "ca.pem"),
        identity=str(state / "receipts.pem"),
        seed=seed,
        operations=max(1, options.operations // options.clients),
        depth=DEPTH,
        rows=tuple(made.rows),
        crews=(*crews, tuple(programs)),
        programs=frozenset({len(crews)}),
        listeners={row.number: seen[row.id] for row in made.rows if row.number in listeners},
    )


@contextmanager
def _scene(place: Path, options: argparse.Namespace, seed: int) -> Iterator[tuple[Scene, Plan]]:
    """A bank, its server, its clients and what is between them, of which nothing runs on after the end."""
    server = POSTGRESQL if options.engine == "postgresql" else None
    url = server.create_kept()[0] if server is not None else ""
    made = make(place, options.clients, LEASE_SECONDS, url, MANY_TRIES)
    first = Daemon(made, explained=() if server is None else SERVER_AWAY)
    nodes = [first] if server is None else [first, first.beside("node-2")]
    strait = Strait(free_port(), [node.port for node in nodes], seed)
    with first.looking() as connection:
        seen = newest_events(connection)
    plan = _plan(made, strait.port, place, options, seed, seen)
    plan.write()
    crews = [CrewProcess(plan, number) for number in range(len(plan.crews))]
    with ExitStack() as ends:
        for node in nodes:
            ends.callback(node.kill)
        for crew in crews:
            ends.callback(crew.kill)
        ends.callback(strait.close)
        yield Scene(nodes, server, strait, crews, random.Random(seed)), plan


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ordeal; the exit status."""
    parser = argparse.ArgumentParser(prog="storms", description="Let everything about a bank fail, again and again.")
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="what the bank is kept in (sqlite)")
    parser.add_argument("--calm", type=float, default=3.0, help="how many seconds it is calm between two faults (3)")
    parser.add_argument(
        "--only",
        action="append",
        choices=[*EVERYWHERE, *OF_SERVERS],
        default=[],
        help="only this fault, or these",
    )
    numbers(parser, operations=10_000, clients=32)
    options = parser.parse_args(argv)
    report = Report(f"storm on {options.engine}", seed_of(options))
    try:
        with report.verdict(), folder() as place, _scene(place, options, report.seed) as (scene, plan):
            storm = Storm(scene, plan, report, options)
            storm.run()
            report.say(*storm.summary())
    except SkipTest as reason:
        print(f"storms: skipped: {reason}", file=sys.stderr)
        return 0
    return report.status


if __name__ == "__main__":
    sys.exit(main())
