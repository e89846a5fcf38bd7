"""Tasks that come one after another, those of standard input as its lines arrive."""

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from bankd.client.feed import Feed, Later, Lines, Unreadable


class Readers:
    """The part of a reactor that says what can be read, when the test says so."""

    def __init__(self) -> None:
        self.reading: list[Any] = []

    def addReader(self, reader: Any) -> None:
        """Watch a reader."""
        if reader not in self.reading:
            self.reading.append(reader)

    def removeReader(self, reader: Any) -> None:
        """Watch it no more."""
        if reader in self.reading:
            self.reading.remove(reader)

    def turn(self) -> None:
        """Have each reader read once."""
        for reader in list(self.reading):
            assert reader.doRead() is None


class LinesTestCase(SynchronousTestCase):
    """A descriptor into which the test writes."""

    def setUp(self) -> None:
        self.reactor = Readers()
        reading, self.writing = os.pipe()
        self.addCleanup(os.close, reading)
        self.addCleanup(self.end)
        self.lines = Lines(self.reactor, reading)

    def arrive(self, octets: bytes) -> None:
        """Have octets arrive, and the reactor notice."""
        os.write(self.writing, octets)
        self.reactor.turn()

    def end(self) -> None:
        """Close the other end, once, and have the reactor notice."""
        if self.writing is not None:
            os.close(self.writing)
            self.writing = None  # type: ignore[assignment]
            self.reactor.turn()


class LinesTests(LinesTestCase):
    """Lines as they arrive."""

    def test_interface(self) -> None:
        """A reactor can watch it."""
        self.assertTrue(verifyObject(IReadDescriptor, self.lines))
        self.assertEqual(self.lines.logPrefix(), "Lines")

    def test_line_comes_when_it_is_whole(self) -> None:
        """Half a line is none, and the next is waited for only when it is asked."""
        line = self.lines.next()
        self.arrive(b"Check ")
        self.assertNoResult(line)
        self.arrive(b"Balance\nNotices\nEx")
        self.assertEqual(self.successResultOf(line), "Check Balance")
        self.assertEqual(self.reactor.reading, [])
        self.assertEqual(self.successResultOf(self.lines.next()), "Notices")
        self.assertNoResult(self.lines.next())

    def test_last_line_needs_no_end(self) -> None:
        """What stands before the end of the input counts; then there is nothing, however often it is asked."""
        line = self.lines.next()
        self.arrive(b"Check Balance")
        self.end()
        self.assertEqual(self.successResultOf(line), "Check Balance")
        for _ in range(2):
            self.assertIsNone(self.successResultOf(self.lines.next()))
        self.assertEqual(self.reactor.reading, [])

    def test_end_told_by_the_reactor(self) -> None:
        """A pipe without a writer may be reported without anything to read."""
        line = self.lines.next()
        self.lines.connectionLost(Failure(ConnectionDone()))
        self.assertIsNone(self.successResultOf(line))

    def test_closing_answers_who_waits(self) -> None:
        """Who waits for a line hears that there will be none, and nothing is watched any more."""
        line = self.lines.next()
        self.lines.close()
        self.assertIsNone(self.successResultOf(line))
        self.assertEqual(self.reactor.reading, [])

    def test_cancelling(self) -> None:
        """Who does not wait any more loses no line to it."""
        line = self.lines.next()
        line.addErrback(lambda failure: None)
        line.cancel()
        self.assertEqual(self.reactor.reading, [])
        line = self.lines.next()
        self.arrive(b"a\n")
        self.assertEqual(self.successResultOf(line), "a")

    def test_octets_that_are_no_text(self) -> None:
        """They stay apart from every character, as in the arguments of a program, and nothing is sent for them."""
        line = self.lines.next()
        self.arrive(b"Caf\xe9\n")
        self.assertEqual(self.successResultOf(line), "Caf\udce9")

    def test_what_cannot_be_read(self) -> None:
        """A folder, for one, is not the end of the input but an error, which says why."""
        folder = os.open(".", os.O_RDONLY)
        self.addCleanup(os.close, folder)
        line = Lines(self.reactor, folder).next()
        self.reactor.turn()
        self.assertEqual(str(self.failureResultOf(line, Unreadable).value), "Is a directory")
        self.assertEqual(self.reactor.reading, [])

    def test_nothing_to_read_after_all(self) -> None:
        """A descriptor that others made non-blocking may have lost what the reactor saw."""
        os.set_blocking(self.lines.fileno(), False)
        line = self.lines.next()
        self.reactor.turn()
        self.assertNoResult(line)


class FeedTests(LinesTestCase):
    """Tasks in their order."""

    def next_of(self, feed: Feed) -> Deferred[str | None]:
        """The next task of a feed."""
        return Deferred.fromCoroutine(feed.next())

    def test_tasks_are_handed_out_in_order(self) -> None:
        """What is given comes before and after what is typed, wherever it stands; comments are none of it."""
        feed = Feed(("a", Later.TYPED, "-"), self.lines)
        self.assertEqual(self.successResultOf(self.next_of(feed)), "a")
        self.assertEqual(self.reactor.reading, [])
        task = self.next_of(feed)
        self.arrive(b"\n# a comment\n")
        self.assertNoResult(task)
        self.arrive(b"  b \r\n")
        self.assertEqual(self.successResultOf(task), "b")
        task = self.next_of(feed)
        self.end()
        self.assertEqual(self.successResultOf(task), "-")
        self.assertIsNone(self.successResultOf(self.next_of(feed)))

    def test_closing_ends_it(self) -> None:
        """Nothing is handed out after it, and who waits hears so."""
        feed = Feed((Later.TYPED, "a"), self.lines)
        waiting = self.next_of(feed)
        feed.close()
        for task in (waiting, self.next_of(feed)):
            self.assertIsNone(self.successResultOf(task))
