"""The measurement's arithmetic, and one short run of it.

The run is the only test outside tests/system that starts programs: what it shows is that a measurement measures.
"""

import io
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

from twisted.trial.unittest import SynchronousTestCase

import bench
from bankd.store import audit
from bench import __main__ as command
from bench import (
    banks,
    crowds,
    delays,
    figures,
    growth,
    load,
    pages,
    pgbench,
    plot,
    postgresql,
    programs,
    steady,
    threaded,
    transfers,
)
from tests.test_house import docstring_complaints, size_complaints

REPORT = """\
pgbench (18.4)
transaction type: /tmp/transfer.sql
number of clients: 32
number of threads: 2
maximum number of tries: 10
number of transactions actually processed: 14250
number of failed transactions: 3 (0.021%)
number of transactions retried: 7 (0.049%)
latency average = 6.737 ms
initial connection time = 51.300 ms
tps = 4750.250000 (without initial connection time)
"""


def one_round(**per_second: float) -> dict[str, figures.Figures]:
    """A round in which each case gave so many transfers a second."""
    return {case: {"per_second": value, "p99_ms": 10.0} for case, value in per_second.items()}


class Percentiles(SynchronousTestCase):
    """What share of the answers took no longer."""

    def test_nearest_rank(self) -> None:
        """The value is one that was measured: the first that so many percent do not exceed."""
        hundred = [float(value) for value in range(1, 101)]
        for percent, expected in ((1, 1), (50, 50), (99, 99), (100, 100), (0, 1)):
            self.assertEqual(figures.percentile(hundred, percent), expected)

    def test_few(self) -> None:
        """Of few values the 99th percentile is the largest; of none it is 0."""
        self.assertEqual(figures.percentile([1.0, 2.0, 9.0], 99), 9.0)
        self.assertEqual(figures.percentile([1.0, 2.0, 9.0], 50), 2.0)
        self.assertEqual(figures.percentile([], 99), 0.0)


class Rounds(SynchronousTestCase):
    """What is reported of several rounds."""

    def test_medians(self) -> None:
        """Each figure of each case has its own median; a round without the case is left out."""
        rounds = [one_round(pgbench=10), one_round(pgbench=50, sqlite_50=7), one_round(pgbench=20)]
        found = figures.medians(rounds)
        self.assertEqual(found["pgbench"], {"per_second": 20, "p99_ms": 10})
        self.assertEqual(found["sqlite_50"]["per_second"], 7)

    def test_ratios_within_rounds(self) -> None:
        """A ratio compares what ran in one round: a machine three times slower for a while changes nothing."""
        rounds = [one_round(sqlite_50=300, pgbench=100), one_round(sqlite_50=100, pgbench=33.3)]
        rounds.append(one_round(sqlite_50=900, pgbench=100))
        self.assertEqual(figures.ratios(rounds), {"sqlite_vs_pgbench": 3.003})

    def test_what_was_not_measured(self) -> None:
        """A ratio without its anchor is not made up, nor one to nothing."""
        self.assertEqual(figures.ratios([one_round(sqlite_50=300)]), {})
        self.assertEqual(figures.ratios([one_round(sqlite_50=300, pgbench=0)]), {})
        self.assertEqual(figures.ratios([]), {})

    def test_every_ratio_has_its_cases(self) -> None:
        """Every ratio is of cases that are run, and the kept report has each under its name."""
        everything = one_round(**{case.name: 2.0 for case in transfers.CASES})
        told = command.report({}, {}, [everything], {})
        self.assertEqual(told["ratios"].keys(), {ratio.name for ratio in figures.RATIOS} | {"p99_ms_50_sessions"})
        self.assertEqual(told["p99_ms_50_sessions"], 10.0)

    def test_verdicts(self) -> None:
        """A ratio is at or above its goal or floor, below the floor, or held against neither."""
        ratio = figures.Ratio("r", "a", "b", 3, 5)
        said = [figures.verdict(here, ratio) for here in (2.99, 3, 4.99, 5)]
        self.assertEqual(said, ["BELOW THE FLOOR", "above the floor", "above the floor", "goal reached"])
        self.assertEqual(figures.verdict(1, figures.Ratio("r", "a", "b")), "for comparison")

    def test_tables(self) -> None:
        """What was measured is shown, and nothing else."""
        lines = figures.table_of_ratios({"sqlite_vs_pgbench": 4.25})
        self.assertEqual(lines[1].split(), ["sqlite_vs_pgbench", "4.25", "3", "5", "above", "the", "floor"])
        self.assertEqual(len(lines), 2)
        self.assertEqual(
            figures.table_of_cases({"pgbench": {"per_second": 4750.25}})[1].split(), ["pgbench", "4,750.25"]
        )

    def test_warnings(self) -> None:
        """A generator that had no time left, and requests that were refused, are told of."""
        calm = {"per_second": 1.0, "generator_busy": 0.5, "refused": 0.0}
        self.assertEqual(figures.warnings({"calm": calm}), [])
        self.assertEqual(len(figures.warnings({"busy": calm | {"generator_busy": 0.95, "refused": 2.0}})), 2)


class Cases(SynchronousTestCase):
    """Which cases are run."""

    def test_named(self) -> None:
        """Those that are named, or all; an unknown name is no case."""
        self.assertEqual([case.name for case in transfers.named(["pgbench", "sqlite_50"])], ["pgbench", "sqlite_50"])
        self.assertEqual(transfers.named([]), list(transfers.CASES))
        self.assertRaises(KeyError, transfers.named, ["sqlite_51"])

    def test_there_and_back(self) -> None:
        """Every other round runs backwards, and no round begins that would end too late, except the first."""
        ran: list[str] = []

        class Fake(transfers.Contenders):
            def measure(self, case: transfers.Case, seconds: float) -> figures.Figures:
                ran.append(case.name)
                return {"per_second": 1.0}

        cases = transfers.named(["sqlite_50", "pgbench"])
        fake = Fake(Path(), cases, 0, lambda _: None)
        rounds = transfers.run_rounds(fake, cases, 2, 1.0, float("inf"), lambda _: None)
        self.assertEqual(ran, ["sqlite_50", "pgbench", "pgbench", "sqlite_50"])
        self.assertEqual([list(one) for one in rounds], [["sqlite_50", "pgbench"]] * 2)
        self.assertEqual(len(transfers.run_rounds(fake, cases, 5, 1.0, 0.0, lambda _: None)), 1)


class Pgbench(SynchronousTestCase):
    """What pgbench says."""

    def test_report(self) -> None:
        """Rate, number, mean and failures are read."""
        expected = {"transfers": 14250, "per_second": 4750.25, "mean_ms": 6.737, "refused": 3}
        self.assertEqual(pgbench.read_report(REPORT), expected)

    def test_another_report(self) -> None:
        """A report without them is an error, not a rate of nothing."""
        self.assertRaises(programs.BenchError, pgbench.read_report, "pgbench: error: connection refused")

    def test_durable(self) -> None:
        """PostgreSQL is told to make every commit durable."""
        settings = postgresql.SETTINGS
        self.assertEqual({settings[name] for name in ("fsync", "synchronous_commit", "full_page_writes")}, {"on"})


class TheGenerator(SynchronousTestCase):
    """What the load is made of."""

    def test_keys(self) -> None:
        """A key is a UUID of version 7, and no two are the same."""
        source = random.Random(1)
        keys = [load.new_key(source) for _ in range(100)]
        self.assertEqual(len(set(keys)), 100)
        for key in keys:
            self.assertEqual((str(UUID(key)), UUID(key).version), (key, 7))


class TheThreadedLedger(SynchronousTestCase):
    """The design that the bank is measured against keeps its own books."""

    def test_transfers(self) -> None:
        """Money moves, or it is refused and nothing changes."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        ledger = threaded.Ledger(str(folder / "ledger.sqlite3"), 2)
        first, second = threaded.account_number(0), threaded.account_number(1)
        self.assertEqual(ledger.transfer(first, second, 400), (1, threaded.OPENING_MINOR - 400))
        self.assertIsNone(ledger.transfer(first, second, threaded.OPENING_MINOR))
        self.assertIsNone(ledger.transfer(first, "nobody", 1))
        self.assertEqual(ledger.transfer(second, first, 1), (2, threaded.OPENING_MINOR + 399))


class ThePlot(SynchronousTestCase):
    """The picture of the ratios."""

    def test_without_the_library(self) -> None:
        """Where matplotlib is missing there is no plot, and no fault."""

        def missing(name: str) -> None:
            raise ModuleNotFoundError(name)

        self.patch(plot, "import_module", missing)
        path = Path(self.mktemp())
        self.assertFalse(plot.draw({"sqlite_vs_pgbench": 4.0}, path))
        self.assertFalse(path.exists())


class TheRoom(SynchronousTestCase):
    """The code of the measurement keeps the rules of the house."""

    def test_sizes_and_docstrings(self) -> None:
        """No module and no function is too long, and all say what they are."""
        folder = Path(bench.__file__).parent
        self.assertEqual(size_complaints(folder) + docstring_complaints(folder), [])


class AShortRun(SynchronousTestCase):
    """A measurement of a third of a second for each of two cases."""

    def test_a_run(self) -> None:
        """It ends well, its report is complete, nothing was refused, and nothing is left behind."""
        out = Path(self.mktemp()).absolute()
        options = ("--quick", "--rounds=1", "--seconds=0.3", "--accounts=60", "--only=sqlite_50,threaded_50")
        run = [sys.executable, "-m", "bench", *options, "--out", str(out)]
        done = subprocess.run(run, cwd=programs.ROOT, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        told = json.loads(out.read_text())
        self.assertEqual(told["ratios"].keys(), {"sqlite_vs_threaded", "p99_ms_50_sessions"})
        for case in ("sqlite_50", "threaded_50"):
            measured = told["medians"][case]
            self.assertGreater(measured["transfers"], 0)
            self.assertEqual(measured["refused"], 0)
            self.assertLessEqual(measured["p50_ms"], measured["p99_ms"])
        self.assertIn("sqlite_vs_threaded", done.stdout)

    def test_a_wrong_case(self) -> None:
        """A case that there is not is refused before anything is started."""
        done = subprocess.run(
            [sys.executable, "-m", "bench", "--only=sqlite_51"], cwd=programs.ROOT, capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no case 'sqlite_51'", done.stderr)


class Pages(SynchronousTestCase):
    """What is asked of a long journal."""

    def test_a_page(self) -> None:
        """A page is as long as the one that a customer gets who does not say."""
        from bankd.bank.reports import STATEMENT_LINES

        self.assertEqual(pages.LINES, STATEMENT_LINES)


class Notices(SynchronousTestCase):
    """How soon the datagrams of notices leave."""

    def test_figures(self) -> None:
        """Delays are told in milliseconds, whatever their order, and the verdict is on the 99th percentile."""
        found = delays.figures([0.004, *[0.001] * 98, 0.1], 100, 99, 10)
        told = (found["p50_ms"], found["p99_ms"], found["most_ms"], found["per_second"], found["hints_received"])
        self.assertEqual(told, (1, 4, 100, 10, 99))
        self.assertIn("as soon as it is to be", delays.verdict(found))
        self.assertIn("LATER THAN IT MAY BE", delays.verdict(found | {"p99_ms": 5.0}))

    def test_a_run(self) -> None:
        """In a second every payment is made, told of to who listens, and its delay is kept."""
        out = Path(self.mktemp()).absolute()
        run = [sys.executable, "-m", "bench", "--notices=1", "--out", str(out)]
        done = subprocess.run(run, cwd=programs.ROOT, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        found = json.loads(out.read_text())["others"]["notice_delay"]
        self.assertGreater(found["transfers"], 0)
        self.assertEqual(found["hints_received"], found["transfers"])
        self.assertGreater(found["datagrams"], 0)
        self.assertIn("datagrams had left", done.stdout)


class TheSteadyLoad(SynchronousTestCase):
    """One load, whose tenths are compared."""

    def tenth(self, per_second: float, p99_ms: float) -> figures.Figures:
        """A tenth of ten seconds."""
        return {"transfers": per_second, "per_second": per_second, "p99_ms": p99_ms}

    def test_summary(self) -> None:
        """The last tenth is compared with the first, whatever was between; the slowest is told of too."""
        found = steady.summary([self.tenth(100, 9), *[self.tenth(50, 30)] * 8, self.tenth(90, 11)], 10)
        self.assertEqual((found["last_vs_first"], found["slowest_vs_first"]), (0.9, 0.5))
        self.assertEqual((found["first_p99_ms"], found["last_p99_ms"]), (9, 11))
        self.assertEqual((found["transfers"], found["per_second"]), (590, 59))

    def test_verdict(self) -> None:
        """Nine tenths are enough, less is not."""
        self.assertIn("as steady as it is to be", steady.verdict({"last_vs_first": 0.9}))
        self.assertIn("SLOWER THAN IT MAY BE", steady.verdict({"last_vs_first": 0.89}))

    def test_a_run(self) -> None:
        """A load of a second is told of tenth by tenth and kept; the cases are not run beside it."""
        out = Path(self.mktemp()).absolute()
        run = [sys.executable, "-m", "bench", "--steady=1", "--accounts=60", "--out", str(out)]
        done = subprocess.run(run, cwd=programs.ROOT, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        told = json.loads(out.read_text())
        self.assertEqual(told["others"].keys(), {"steady", *(f"steady_tenth_{number}" for number in range(1, 11))})
        self.assertEqual((told["rounds"], told["medians"], told["ratios"]), ([], {}, {}))
        for name, found in told["others"].items():
            self.assertGreater(found["transfers"], 0, name)
        self.assertIn("steady load, 10 of 10", done.stdout)
        self.assertIn("the last tenth of the steady load did", done.stdout)


class ALargeBank(SynchronousTestCase):
    """What a transfer costs in a large bank, against a small one."""

    def test_compared_within_rounds(self) -> None:
        """A machine that is slow for a round changes neither the ratio by the clock nor the processor's."""
        pairs = [
            {"small": growth.Cost(10 * slow, 8 * slow), "large": growth.Cost(12 * slow, 10 * slow)}
            for slow in (1, 9, 2)
        ]
        found = growth.compare(pairs)
        self.assertEqual((found["large_vs_small_wall"], found["large_vs_small_cpu"]), (1.2, 1.25))
        self.assertEqual((found["small_wall_us"], found["large_cpu_us"]), (20, 20))

    def test_verdicts(self) -> None:
        """Each ratio is held against the most that it may be; what is none is not."""
        found = {"fill": {"entries": 1.0}, "a": {"large_vs_small_wall": 1.3}, "b": {"large_vs_small_wall": 1.31}}
        lines = growth.verdicts(found)
        self.assertEqual([line[:2] for line in lines], ["a:", "b:"])
        self.assertIn("as cheap as it is to be", lines[0])
        self.assertIn("DEARER THAN IT MAY BE", lines[1])

    def test_room_on_the_disk(self) -> None:
        """What is needed is told before anything is made, and a disk that is too small is refused."""
        self.patch(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 30))
        said: list[str] = []
        crowds.check_room(Path("/scratch"), 1000, 1000, said.append)
        self.assertIn("1.0 GiB are free", said[0])
        with self.assertRaisesRegex(programs.BenchError, "needed: about .* TMPDIR chooses another disk"):
            crowds.check_room(Path("/scratch"), 10**6, 10**7, said.append)

    def test_a_crowd(self) -> None:
        """Its customers are inserted in bulk, and its ledger is as right as any other."""
        crowd = crowds.make(Path(self.mktemp()).absolute(), 30, 100, lambda _: None)
        self.assertEqual(len({owner.number for owner in crowd.owners}), 30)
        self.assertGreater(crowd.octets, 0)
        with banks.opened(crowd.made.settings) as store, store.reading() as connection:
            self.assertEqual(list(audit.faults(connection, store.chain_key)), [])

    def test_a_run(self) -> None:
        """Both banks are measured in turns, in batches and by sessions; each account has an entry."""
        self.patch(growth, "TRANSFERS", 500)
        said: list[str] = []
        folder = Path(self.mktemp()).absolute()
        found = growth.measure(folder, 60, 10, 1, 0.3, said.append)
        sizes = {"growth_batches_50", "growth_batches_500"}
        self.assertEqual(found.keys(), {"growth_fill", "growth_50_sessions"} | sizes)
        self.assertEqual(found["growth_fill"]["entries"], 60)
        self.assertEqual(len(growth.verdicts(found)), 3)
        for name in found.keys() - {"growth_fill"}:
            for kind in ("wall", "cpu"):
                self.assertGreater(found[name][f"large_vs_small_{kind}"], 0, name)

    def test_wrong_sizes(self) -> None:
        """A size that cannot be measured is refused before anything is started."""
        self.patch(sys, "stderr", io.StringIO())
        for wrong in ("--large-accounts=50", "--large-accounts=5000001", "--steady=0", "--steady=-1", "--notices=0"):
            self.assertRaises(SystemExit, command.read_arguments, ["--growth", wrong])
        command.read_arguments(["--large-accounts=51", "--steady=0.1"])

    def test_defaults(self) -> None:
        """Who asks for it gets a million accounts and ten million entries; who does not, neither it nor the other."""
        asked = command.read_arguments(["--growth"])
        self.assertEqual((asked.growth, asked.large_accounts, asked.large_entries), (True, 10**6, 10**7))
        plain = command.read_arguments([])
        self.assertEqual((plain.growth, plain.steady), (False, None))
