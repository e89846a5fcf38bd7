"""The log file."""

import os
import stat
from pathlib import Path

from twisted.logger import Logger, LogPublisher
from twisted.trial.unittest import SynchronousTestCase

from bankd.log import open_log


class LogFile(SynchronousTestCase):
    """A file to which events are appended."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def write(self, word: str) -> None:
        """Open the file, log a word, close it."""
        observer, file = open_log(self.path)
        publisher = LogPublisher(observer)
        Logger("bank", observer=publisher).info("{word} paid", word=word)
        file.close()

    def test_a_line_for_each_event(self) -> None:
        """Each event is a line with its time, where it comes from, and what it says; opening again appends."""
        self.write("alice")
        self.write("bob")
        lines = self.path.read_text(encoding="utf-8").splitlines()
        self.assertEqual([line.partition("[")[2] for line in lines], ["bank#info] alice paid", "bank#info] bob paid"])

    def test_written_at_once(self) -> None:
        """A line is in the file as soon as it was logged, so that a killed bank has told all it knew."""
        observer, file = open_log(self.path)
        self.addCleanup(file.close)
        Logger("bank", observer=LogPublisher(observer)).info("up")
        self.assertIn("up", self.path.read_text(encoding="utf-8"))

    def test_for_the_operator_alone(self) -> None:
        """Nobody else can read the file, whatever the umask."""
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        self.write("alice")
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_any_letters(self) -> None:
        """Letters of every script are written as they are."""
        self.write("Zoë Ωμέγα")
        self.assertIn("Zoë Ωμέγα paid", self.path.read_text(encoding="utf-8"))

    def test_cannot_be_opened(self) -> None:
        """A file that cannot be opened is an OSError."""
        self.assertRaises(OSError, open_log, self.path / "bank.log")
