"""The ordeals of tests/ordeals, for short: `make crashes` and `make contention` run the same for long."""

import re
import subprocess
import sys

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.ordeals import calls
from tests.system.support import DEADLINE_SECONDS, ROOT, environment

ORDEAL_SECONDS = 6 * DEADLINE_SECONDS
"""How long an ordeal may take on a machine that is slow and busy; on a quiet one each takes some seconds."""


class OrdealCase(SynchronousTestCase):
    """A test that runs a program of tests/ordeals."""

    def endure(self, name: str, **numbers: int) -> str:
        """Run an ordeal to its end, which must be a good one; what it said. Its seed is in what a failure shows."""
        options = [word for option, number in numbers.items() for word in (f"--{option}", str(number))]
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


class Records(OrdealCase):
    """What the bank writes down of what happens, in the log and in the two files."""

    def test_line_for_line(self) -> None:
        """Log, files, journal and what the clients saw agree."""
        said = self.endure("records", length=2, rate=60, payers=10)
        self.assertRegex(said, r"agreed: \d+ lines of log, 100 of them entries, and \d+ rows")

    def test_after_a_crash(self) -> None:
        """A bank that is killed on the way completes the files when it is started again."""
        said = self.endure("records", length=2, rate=60, payers=10, kill=1)
        self.assertRegex(said, r"agreed: \d+ lines of log")
