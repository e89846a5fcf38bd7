"""The ordeals of tests/ordeals, for short: `make crashes`, `make contention` and `make storm` run the same for long."""

import re
import subprocess
import sys

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.ordeals import calls
from tests.system.support import DEADLINE_SECONDS, ROOT, environment

ORDEAL_SECONDS = 12 * DEADLINE_SECONDS
"""How long an ordeal may take on a machine that is slow and busy; on a quiet one each takes some seconds."""


class OrdealCase(SynchronousTestCase):
    """A test that runs a program of tests/ordeals."""

    def endure(self, name: str, **numbers: int) -> str:
        """Run an ordeal to its end, which must be a good one; what it said. Its seed is in what a failure shows."""
        options = [word for option, number in numbers.items() for word in (f"--{option}", str(number))]
        return self.run_to_the_end(name, *options)

    def run_to_the_end(self, name: str, *options: str) -> str:
        """The same with any options."""
        with subprocess.Popen(
            [sys.executable, "-m", f"tests.ordeals.{name}", *options],
            cwd=ROOT,
            env=environment({}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as ordeal:
            try:
                said, _ = ordeal.communicate(timeout=ORDEAL_SECONDS)
            except subprocess.TimeoutExpired:
                ordeal.terminate()
                said, _ = ordeal.communicate()
                self.fail(f"{name} takes too long:\n{said}")
        self.assertEqual(ordeal.returncode, 0, said)
        return said


class Crashes(OrdealCase):
    """What a bank that was killed still knows: all that it acknowledged, and nothing twice."""

    def test_at_any_moment(self) -> None:
        """Killed while it starts, is asked again, or works, and started again."""
        said = self.endure("kills", kills=2, within=DEADLINE_SECONDS)
        self.assertIn("kills: 2 kills: ", said)
        self.assertIn(" 0 unknown; ", said)

    def test_stopped(self) -> None:
        """Stopped in order under load: all that was acknowledged is there, and everybody was told."""
        said = self.endure("stops", stops=2)
        self.assertRegex(said, r"sessions ended: \d+ by 503 reason=stopping\n")
        self.assertIn(" 0 unknown; ", said)

    def test_at_a_call(self) -> None:
        """Killed as it writes, syncs or answers, also while the log is emptied into the database."""
        if reason := calls.obstacle():
            print(f"a system test is skipped: {reason}", file=sys.stderr)
            raise SkipTest(reason)
        said = self.endure("calls", calls=100, every=20)
        self.assertEqual(len(re.findall(r": 5 kills: ", said)), 2, said)


class Crowds(OrdealCase):
    """Many clients on two accounts: no balance below zero, none that its entries do not make, nothing twice."""

    def test_contention(self) -> None:
        """Everybody at once, by turns, and without a network."""
        said = self.endure("contention", operations=1000, clients=16)
        self.assertEqual(len(re.findall(r"16 clients, 2 hot accounts: ", said)), 3, said)


class Storms(OrdealCase):
    """Everything about a bank fails: nothing is lost, nothing is done twice, and nothing stays unknown."""

    def test_on_postgresql(self) -> None:
        """The server is stopped at once, clients are killed, and one of two banks stands still longer than a lease."""
        faults = ("server killed", "clients killed", "bank frozen")
        only = [word for fault in faults for word in ("--only", fault)]
        told = ("--engine", "postgresql", "--operations", "300", "--clients", "6", "--calm", "0.5")
        said = self.run_to_the_end("storms", *told, *only)
        if "storms: skipped: " in said:
            raise SkipTest(said)
        self.assertIn(" refused, 0 unknown\n", said)
        for fault in faults:
            self.assertIn(f" {fault}", said)


class Records(OrdealCase):
    """What the bank writes down of what happens, in the log and in the two files."""

    def test_line_for_line(self) -> None:
        """Log, files, journal and what the clients saw agree."""
        said = self.endure("records", length=2, rate=60, payers=10)
        agreed = re.search(r"agreed: \d+ lines of log, (\d+) of them entries, and \d+ rows", said)
        assert agreed is not None, said
        self.assertGreater(int(agreed[1]), 60)  # some payments are refused, of some seeds more

    def test_after_a_crash(self) -> None:
        """A bank that is killed on the way completes the files when it is started again."""
        said = self.endure("records", length=2, rate=60, payers=10, kill=1)
        self.assertRegex(said, r"agreed: \d+ lines of log")
