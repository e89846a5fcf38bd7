"""The daybook: what happened on connections, logged a turn at a time."""

from pathlib import Path
from typing import cast

from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from bankd.log import LogFile
from bankd.protocols.daybook import Daybook


class DaybookTests(SynchronousTestCase):
    """Lines that are noted, and what then is in the log."""

    def setUp(self) -> None:
        self.events: list[LogEvent] = []
        observer = cast(ILogObserver, self.events.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.clock = Clock()
        self.daybook = Daybook(self.clock)

    def note(self, peer: str, verb: str, code: int) -> None:
        """Note a request."""
        self.daybook.note("request", peer=peer, verb=verb, code=code)

    def logged(self) -> list[str]:
        """The text of each event since the last time."""
        events, self.events[:] = self.events[:], []
        return [formatEvent(event) for event in events]

    def test_once_a_turn(self) -> None:
        """What is noted in one turn is one event in the next, in order; what comes then is another."""
        self.note("a", "LOGIN", 200)
        self.note("b", "LOGIN", 401)
        self.assertEqual(self.logged(), [])
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.clock.advance(0)
        self.assertEqual(self.logged(), ["a LOGIN 200\nb LOGIN 401"])
        self.note("a", "NOOP", 200)
        self.clock.advance(0)
        self.assertEqual(self.logged(), ["a NOOP 200"])

    def test_lines(self) -> None:
        """The event says that it has several lines, so that each can be written with its own time and source."""
        self.note("a", "LOGIN", 200)
        self.clock.advance(0)
        told = [[str(line) for line in event["lines"]] for event in self.events]
        self.assertEqual(told, [["a LOGIN 200"]])

    def test_log_file(self) -> None:
        """In a log file each of them is a line by itself."""
        path = Path(self.mktemp())
        file = LogFile(path)
        self.addCleanup(file.close)
        for word in ("LOGIN", "NOOP"):
            self.note("a", word, 200)
        self.daybook.write()
        for event in self.events:
            file(event)
        said = [line.partition(" ")[2] for line in path.read_text(encoding="utf-8").splitlines()]
        source = "[bankd.protocols.daybook.Daybook#info]"
        self.assertEqual(said, [f"{source} a LOGIN 200", f"{source} a NOOP 200"])

    def test_at_once(self) -> None:
        """What was noted can be logged at once, and then nothing is left to do."""
        self.daybook.note("closed", peer="a", answers=3)
        self.daybook.write()
        self.assertEqual(self.logged(), ["a closed after 3 answers"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nothing_noted(self) -> None:
        """Where nothing was noted nothing is logged."""
        self.daybook.write()
        self.assertEqual(self.logged(), [])

    def test_braces(self) -> None:
        """What is noted is a value, and never a format."""
        self.note("{log_source} %(verb)s {0} {", "%s", 200)
        self.daybook.write()
        self.assertEqual(self.logged(), ["{log_source} %(verb)s {0} { %s 200"])
