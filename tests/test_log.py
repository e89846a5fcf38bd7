"""The log file."""

import errno
import json
import os
import re
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import ILogObserver, Logger, LogPublisher, capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from bankd import entry_log, log_forms
from bankd.figures import ProcessView, Snapshot, Tally, snapshot
from bankd.ledger.entries import Entry, Posted
from bankd.log import LogFile
from bankd.log_lines import EVENTS, FIELDS, Line, Lines, entries
from bankd.monitor import Monitor
from bankd.records import Event, NoticeKind

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
        self.logger.info("{lines}", lines=Lines([Line("connected", {"peer": peer}) for peer in ("alice", "bob")]))
        self.assertEqual(self.lines(), ["[bank#info] alice connected", "[bank#info] bob connected"])

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


class Rotating(LogFileCase):
    """A file that is moved away, and gone on with in another."""

    def test_reopened(self) -> None:
        """What comes after reopening is in a new file at the path, and what came before in the one that was moved."""
        older = self.path.with_suffix(".1")
        self.logger.info("one")
        self.path.rename(older)
        self.logger.info("two")
        self.file.reopen()
        self.logger.info("three")
        self.assertEqual(self.lines(), ["[bank#info] three"])
        self.assertEqual(older.read_text(encoding="utf-8").count("\n"), 2)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_elsewhere(self) -> None:
        """It can be gone on with at another path, and then goes on there."""
        self.path = self.path.with_suffix(".log")
        self.file.reopen(self.path)
        self.logger.info("one")
        self.path.unlink()
        self.file.reopen()
        self.logger.info("two")
        self.assertEqual(self.lines(), ["[bank#info] two"])

    def test_cannot_be_reopened(self) -> None:
        """Where there can be no new file it is an error, and the one before is gone on with."""
        before = len(os.listdir("/dev/fd"))
        self.assertRaises(OSError, self.file.reopen, self.path / "nowhere")
        self.logger.info("one")
        self.file.reopen()
        self.assertEqual(self.lines(), ["[bank#info] one"])
        self.assertEqual(len(os.listdir("/dev/fd")), before)


class AsJson(LogFileCase):
    """The same events as objects."""

    def setUp(self) -> None:
        super().setUp()
        self.file.close()
        self.file = LogFile(self.path, log_forms.FORMS["json"])
        self.logger = Logger("bank", observer=LogPublisher(self.file))

    def objects(self) -> list[dict[str, Any]]:
        """Each line of the file."""
        lines = self.path.read_bytes().decode("ascii").split("\n")
        self.assertEqual(lines.pop(), "")
        return [json.loads(line) for line in lines]

    def test_event(self) -> None:
        """An event is an object: when, how grave, from where, and what it says."""
        self.logger.warn("{word} paid", word="alice")
        (said,) = self.objects()
        self.assertRegex(said.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertEqual(said, {"level": "warn", "source": "bank", "text": "alice paid"})
        self.file({"log_format": "on the second", "log_time": 1_790_000_000.0})
        self.file({"log_format": "whenever"})
        times = [told["time"] for told in self.objects()[1:]]
        self.assertEqual(times, ["2026-09-21T14:13:20.000000Z", None])

    def test_no_more_than_is_allowed(self) -> None:
        """Of an event's values only those are written that have a place in the log, and are numbers or texts."""
        secret = "hush"
        self.logger.info("a fault", pin=secret, incident="17", account=[secret], password=secret, time=secret)
        (said,) = self.objects()
        self.assertEqual(set(said), {"time", "level", "source", "text", "incident"})
        self.logger.info("{lines}", lines=Lines([Line("closed", {"peer": "a", "answers": 1, "pin": secret})]))
        self.assertNotIn(secret, self.text())
        self.assertEqual(self.objects()[1]["answers"], 1)

    def test_lines(self) -> None:
        """Each line of an event is an object of its own."""
        told = [Line("connected", {"peer": "a"}), Line("request", {"peer": "a", "verb": "NOOP", "code": 200})]
        self.file({"log_format": "{lines}", "lines": Lines(told), "log_namespace": "bank"})
        begin = {"time": None, "level": "info", "source": "bank"}
        first = {**begin, "event": "connected", "peer": "a"}
        second = {**begin, "event": "request", "peer": "a", "verb": "NOOP", "code": 200}
        self.assertEqual(self.objects(), [first, second])

    def test_failure(self) -> None:
        """A fault has its text and its traceback on the one line."""
        try:
            raise KeyError("hush")
        except KeyError:
            self.logger.failure("incident {incident}", Failure(), incident="7")
        (said,) = self.objects()
        self.assertEqual((said["text"], said["incident"], said["level"]), ("incident 7", "7", "critical"))
        self.assertIn("KeyError: 'hush'", said["traceback"])

    def test_nothing_to_say(self) -> None:
        """An event without a text is no line; one that has no level or source is one all the same."""
        self.file({"log_time": 1.0})
        self.file({"log_time": 1.0, "log_format": "up", "log_system": "twisted"})
        (said,) = self.objects()
        self.assertEqual((said["level"], said["source"], said["text"]), ("info", "twisted", "up"))

    def test_cannot_forge_a_line(self) -> None:
        """What an event tells of breaks no line, and every line is ASCII and an object."""
        forged = ("x\n{}", "x\r", "\x1b[2J", "\x00", "\u2028", "\u202e", "\ud800", '"}\n{"a":"')
        for word in forged:
            self.logger.info("{word}", word=word)
            self.logger.info("{lines}", lines=Lines([Line("connected", {"peer": word})]))
        said = [each.get("text", each.get("peer")) for each in self.objects()]
        self.assertEqual(said, [word for word in forged for _ in range(2)])

    def test_missing(self) -> None:
        """That lines are missing is an object too, on a line of its own after a line that is torn."""
        room = [40]

        def write_while_there_is_room(file: int, data: bytes) -> int:
            return write(file, data[: room[0]])

        self.patch(os, "write", write_while_there_is_room)
        self.logger.info("one")
        room[0] = 10_000
        self.logger.info("two")
        torn, *others = self.text().splitlines()
        self.assertEqual(len(torn), 40)
        said = [json.loads(line)["text"] for line in others]
        self.assertEqual(said, ["up to 1 lines are missing here", "two"])


class ThePage(SynchronousTestCase):
    """What docs/records.md says of the log."""

    page = (Path(__file__).resolve().parent.parent / "docs" / "records.md").read_text(encoding="utf-8")

    def test_fields(self) -> None:
        """It has every field, in their order, and says of each what the program does."""
        of_the_log = self.page.partition("\n## client.csv")[0]
        self.assertEqual(dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", of_the_log, re.MULTILINE)), FIELDS)

    def test_events(self) -> None:
        """It names every event, and whatever an event is told with is a field."""
        for event, (words, more) in EVENTS.items():
            self.assertIn(f"`{event}`", self.page)
            self.assertLessEqual({*re.findall(r"%\((\w+)\)s", words), *more}, set(FIELDS), event)

    def test_examples(self) -> None:
        """Its objects hold no field that there is not, and are of one entry and of who asked for it."""
        entry, request = (json.loads(line) for line in self.page.splitlines() if line.startswith("{"))
        for told in (entry, request):
            self.assertLessEqual(set(told), set(FIELDS))
        self.assertEqual((entry["event"], request["event"]), ("entry", "request"))
        self.assertEqual(entry["receipt"], request["receipt"])


class Entries(SynchronousTestCase):
    """What is logged of entries of the journal."""

    def posted(self, kind: str, of_id: int | None, currency: str = "USD") -> Posted:
        """An entry of 25.50 USD."""
        key, words = "hush-key", "hush words"
        entry = Entry(17, kind, 4, 1, 2550, 7450, -5000, 16, 12, 3, 9, 1_790_000_000_250_000, key, 3, words, of_id)
        return Posted(entry, "10000042", "TILL-USD", currency)

    def test_text_and_fields(self) -> None:
        """Text and fields tell the same: accounts, amount, balances, whose it was and when; not what was written."""
        (line,) = entries([self.posted("fee", 18)])
        fields = {
            "receipt": 17,
            "kind": "fee",
            "amount": "25.50",
            "currency": "USD",
            "debit": "10000042",
            "debit_balance": "74.50",
            "credit": "TILL-USD",
            "credit_balance": "-50.00",
            "customer": 3,
            "at": "2026-09-21T14:13:20.250000Z",
            "of": 18,
        }
        self.assertEqual(line.fields, fields)
        for name, value in fields.items():
            self.assertIn(str(value), str(line), name)
        self.assertNotIn("hush", str(line))
        self.assertLessEqual(set(fields), set(FIELDS))

    def test_of_nothing(self) -> None:
        """Where an entry comes of no other nothing is said of one; a currency may have no decimals."""
        (line,) = entries([self.posted("deposit", None, "JPY")])
        self.assertNotIn("of", line.fields)
        self.assertRegex(str(line), r"^entry 17 deposit 2550 JPY from 10000042 to TILL-USD .*at=[0-9TZ:.-]+$")

    def test_only_entries(self) -> None:
        """Of what was committed each entry is a line, in order and once; what moved no money is none."""
        posted = [self.posted("fee", 18), self.posted("transfer", None)]
        events = [Event(4, 3, NoticeKind.FEE, posted[0]), Event(1, 9, NoticeKind.FEE), Event(4, 4, NoticeKind.FAILED)]
        with capturedLogs() as logged:
            entry_log.note([*events, Event(4, 5, NoticeKind.PAID, posted[1])], 0.0)
            entry_log.note(events[1:], 0.0)
        (event,) = logged
        self.assertEqual([line.fields["kind"] for line in event["lines"]], ["fee", "transfer"])

    def test_of_thousands(self) -> None:
        """Of a large batch no event is larger than what reads a log can take (64 KiB), and no entry is missing."""
        many = [Event(4, 3, NoticeKind.FEE, self.posted("fee", 18)) for _ in range(2 * entry_log.TOGETHER + 1)]
        with capturedLogs() as logged:
            entry_log.note(many, 0.0)
        self.assertEqual([len(list(event["lines"])) for event in logged], [entry_log.TOGETHER, entry_log.TOGETHER, 1])
        self.assertLess(max(len(str(event["lines"])) for event in logged), 1 << 16)


class Figures(SynchronousTestCase):
    """The lines of figures."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.process = ProcessView(started=0.0, cpu_seconds=0.0, memory_bytes=1 << 20, threads=9, open_files=17)
        self.tally = Tally()
        self.monitor = Monitor(lambda: snapshot(self.tally, self.process, self.clock.seconds()), self.clock)

    def logged(self, *seconds: float) -> list[Any]:
        """The fields of each line that is logged while the clock moves by each of ``seconds``."""
        with capturedLogs() as logged:
            for some in seconds:
                self.clock.advance(some)
        return [line.fields for event in logged for line in event["lines"]]

    def test_at_an_interval(self) -> None:
        """Each interval has a line, whose share of the processor is that since the one before."""
        self.monitor.begin(60)
        self.tally.come()
        self.process = replace(self.process, cpu_seconds=30.0)
        first, second = self.logged(59, 1, 60)
        self.assertEqual((first["connections"], first["cpu_percent"], second["cpu_percent"]), (1, 50.0, 0.0))
        self.assertEqual((second["uptime_seconds"], second["threads"]), (120, 9))
        said = str(Line("figures", first))
        self.assertTrue(said.startswith("figures: cpu_percent=50.0 connections=1 most_connections=1 "), said)
        self.monitor.end()
        self.monitor.end()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_another_interval(self) -> None:
        """It can be given another interval while it runs; the same again changes nothing."""
        self.monitor.begin(60)
        self.monitor.begin(60)
        self.assertEqual(len(self.logged(59)), 0)
        self.monitor.begin(10)
        self.assertEqual(len(self.logged(10, 10)), 2)
        self.monitor.end()

    def test_cannot_be_seen(self) -> None:
        """Where the system tells nothing the log says so, and the next line comes all the same."""
        faults = [OSError("too many open files")]

        def look() -> Snapshot:
            if faults:
                raise faults.pop()
            return snapshot(self.tally, self.process, 1.0)

        monitor = Monitor(look, self.clock)
        with capturedLogs() as logged:
            monitor.begin(60)
            self.clock.advance(60)
        monitor.end()
        said = [formatEvent(event) for event in logged]
        self.assertEqual(said[0], "the figures cannot be seen: too many open files")
        self.assertTrue(said[1].startswith("figures: "), said)


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
