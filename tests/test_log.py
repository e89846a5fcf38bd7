"""The log file."""

import errno
import os
import stat
from pathlib import Path

from twisted.logger import ILogObserver, Logger, LogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from bankd.log import LogFile

write = os.write


class LogFileCase(SynchronousTestCase):
    """A test with a log file, and a logger that writes to it alone."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.file = LogFile(self.path)
        self.addCleanup(lambda: self.file.close())
        self.logger = Logger("bank", observer=LogPublisher(self.file))

    def text(self) -> str:
        """What is in the file."""
        return self.path.read_text(encoding="utf-8")

    def lines(self) -> list[str]:
        """What each line in the file says, without its time."""
        return [line.partition(" ")[2] for line in self.text().split("\n")[:-1]]


class Writing(LogFileCase):
    """Events that are appended to a file."""

    def test_observer(self) -> None:
        """It is what Twisted takes for an observer."""
        verifyObject(ILogObserver, self.file)

    def test_a_line_for_each_event(self) -> None:
        """Each event is a line with its time, where it comes from, and what it says; opening again appends."""
        self.logger.info("{word} paid", word="alice")
        self.file.close()
        self.file = LogFile(self.path)
        Logger("bank", observer=LogPublisher(self.file)).warn("{word} paid", word="bob")
        self.assertEqual(self.lines(), ["[bank#info] alice paid", "[bank#warn] bob paid"])
        for line in self.text().splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} \[bank#")

    def test_times(self) -> None:
        """Each event has its own time, to the second, and one without a time has a dash."""
        for when in (1_790_000_000.9, 1_790_000_001.0, 1_790_000_001.9, None):
            self.file({"log_format": "now", **({} if when is None else {"log_time": when})})
        times = [line.split(" ")[0] for line in self.text().splitlines()]
        self.assertEqual([time[17:19] for time in times[:3]], ["20", "21", "21"])
        self.assertEqual(times[3], "-")

    def test_nothing_to_say(self) -> None:
        """An event without a text is no line."""
        self.file({"log_time": 1.0})
        self.assertEqual(self.text(), "")

    def test_lines_of_one_event(self) -> None:
        """An event that has lines is written as if each of them were an event."""
        self.logger.info("{lines}", lines="alice paid\nbob paid")
        self.assertEqual(self.lines(), ["[bank#info] alice paid", "[bank#info] bob paid"])

    def test_written_at_once(self) -> None:
        """A line is in the file as soon as it was logged, so that a killed bank has told all it knew."""
        self.logger.info("up")
        self.assertEqual(self.lines(), ["[bank#info] up"])

    def test_for_the_operator_alone(self) -> None:
        """Nobody else can read the file, whatever the umask."""
        self.addCleanup(os.umask, os.umask(0))
        path = Path(self.mktemp())
        LogFile(path).close()
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)

    def test_any_letters(self) -> None:
        """Letters of every script are written as they are, and half a character as an escape."""
        self.logger.info("{word}", word="Zoë Ωμέγα \ud800")
        self.assertEqual(self.lines(), ["[bank#info] Zoë Ωμέγα \\ud800"])

    def test_failure(self) -> None:
        """A failure has its whole traceback, on lines that begin with a tab."""
        try:
            raise KeyError("hush")
        except KeyError:
            self.logger.failure("incident {number}", Failure(), number=7)
        first, *others = self.text().splitlines()
        self.assertTrue(first.endswith("[bank#critical] incident 7"), first)
        self.assertTrue(all(line.startswith("\t") for line in others), others)
        self.assertIn("test_log.py", "".join(others))
        self.assertIn("KeyError: 'hush'", "".join(others))

    def test_cannot_forge_a_line(self) -> None:
        """What an event tells of begins no line of its own, and brings no controls to who reads the file."""
        for forged in ("x\n2026-11-20 [bank#info] bob paid", "x\r[", "\x1b[2J", "\x9b2J", "\x00", "\u2028", "\u202e"):
            self.logger.info("{word}", word=forged)
        lines = self.text().split("\n")[:-1]
        self.assertEqual([line for line in lines if "bob paid" in line], ["\t2026-11-20 [bank#info] bob paid"])
        self.assertTrue(all(line.lstrip("\t").isprintable() for line in lines), lines)
        self.assertIn("\\u001b[2J", self.text())

    def test_cannot_be_opened(self) -> None:
        """A file that cannot be opened is an OSError."""
        self.assertRaises(OSError, LogFile, self.path / "bank.log")


class Losing(LogFileCase):
    """A disk that is full, or fails."""

    def make_room(self, octets: int) -> None:
        """Let so many octets be written, and then none."""
        room = [octets]

        def write_while_there_is_room(file: int, data: bytes) -> int:
            if not room[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            written = write(file, data[: room[0]])
            room[0] -= written
            return written

        self.patch(os, "write", write_while_there_is_room)

    def test_counted(self) -> None:
        """Lines that cannot be written are no error, and are counted until something can be written again."""
        self.logger.info("before")
        self.make_room(0)
        self.logger.info("lost")
        self.logger.info("{lines}", lines="lost too\nand this")
        self.make_room(10_000)
        self.logger.info("after")
        self.logger.info("later")
        self.assertEqual(
            self.lines(),
            [
                "[bank#info] before",
                "[bankd.log#warn] up to 3 lines are missing here",
                "[bank#info] after",
                "[bank#info] later",
            ],
        )

    def test_torn(self) -> None:
        """A line that was written in part is ended before anything else is said."""
        self.make_room(33)
        self.logger.info("this is written in part")
        self.make_room(0)
        self.logger.info("lost")
        self.make_room(10_000)
        self.logger.info("after")
        torn, *others = self.lines()
        self.assertTrue("[bank#info] this is written in part".startswith(torn), torn)
        self.assertEqual(others, ["[bankd.log#warn] up to 2 lines are missing here", "[bank#info] after"])

    def test_torn_between_lines(self) -> None:
        """Where the disk is full just after a line there is nothing to end."""
        self.logger.info("one")
        octets = len(self.text())
        self.make_room(octets)
        self.logger.info("{lines}", lines="one\ntwo")
        self.make_room(10_000)
        self.logger.info("three")
        complaint = "[bankd.log#warn] up to 2 lines are missing here"
        self.assertEqual(self.lines(), ["[bank#info] one", "[bank#info] one", complaint, "[bank#info] three"])

    def test_closed(self) -> None:
        """What comes after closing is dropped without a word."""
        self.file.close()
        self.logger.info("late")
        self.assertEqual(self.text(), "")
        self.file = LogFile(self.path)
