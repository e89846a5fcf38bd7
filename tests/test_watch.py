"""How long a peer may take, for each thing that it may take long for."""

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.protocols.watch import Watch
from bankd.records import Limits

LIMITS = Limits(10, 120, 30, 60, 300, 60, 1000)


class WatchCase(SynchronousTestCase):
    """A test with a watch; what it calls for is in ``said``, with the time."""

    limits = LIMITS

    def setUp(self) -> None:
        self.clock = Clock()
        self.said: list[tuple[float, Any]] = []
        self.watch = Watch(self.clock, self._say, self._say, lambda: self._say("cut"))
        self.watch.begin(self.limits)

    def _say(self, what: Any) -> None:
        self.said.append((self.clock.seconds(), what))

    def wait(self, seconds: int) -> None:
        """Let time pass, second by second."""
        self.clock.pump([1.0] * seconds)


class LoggingIn(WatchCase):
    """The time before a log-in."""

    def test_too_long(self) -> None:
        """Who has not logged in in time is told, whatever they asked."""
        self.wait(100)
        self.watch.note()
        self.wait(100)
        self.assertEqual(self.said, [(120, codes.IDLE)])

    def test_end(self) -> None:
        """After the end nothing is watched, and nothing begins to be."""
        self.watch.line(begun=True)
        self.watch.read(stalled=True)
        self.watch.end()
        self.watch.line(begun=True, anew=True)
        self.watch.read(stalled=True)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class Idling(WatchCase):
    """A session that asks nothing."""

    def setUp(self) -> None:
        super().setUp()
        self.wait(50)
        self.watch.log_in()

    def test_warned(self) -> None:
        """It is warned once, with the seconds that are left, and then over."""
        self.wait(300)
        self.assertEqual(self.said, [(290, 60), (350, codes.IDLE)])

    def test_asks_before(self) -> None:
        """What is asked before the warning puts it off."""
        self.wait(200)
        self.watch.note()
        self.wait(239)
        self.assertEqual(self.said, [])
        self.wait(1)
        self.assertEqual(self.said, [(490, 60)])

    def test_asks_after(self) -> None:
        """What is asked after the warning does too, and there is another warning the next time."""
        self.wait(295)
        self.watch.note()
        self.wait(240)
        self.assertEqual(self.said, [(290, 60), (585, 60)])
        self.wait(60)
        self.assertEqual(self.said[2:], [(645, codes.IDLE)])

    def test_whole_session(self) -> None:
        """However busy it is, a session comes to its end."""
        for _ in range(1000):
            self.watch.note()
            self.wait(1)
        self.assertEqual(self.said, [(1050, codes.SESSION_TIME)])


class IdlingBriefly(WatchCase):
    """A session that may idle for no longer than it would be warned before."""

    limits = Limits(10, 120, 30, 60, 60, 60, 1000)

    def test_not_warned(self) -> None:
        """It is over without a warning."""
        self.watch.log_in()
        self.wait(60)
        self.assertEqual(self.said, [(60, codes.IDLE)])


class Lines(WatchCase):
    """The time for a line."""

    def test_never_ended(self) -> None:
        """A line to which octets are added for ever is too slow."""
        for _ in range(30):
            self.watch.line(begun=True)
            self.wait(1)
        self.assertEqual(self.said, [(30, codes.SLOW)])

    def test_others(self) -> None:
        """Each line has its own time: who ends one and begins another is not slow."""
        for _ in range(80):
            self.watch.line(begun=True, anew=True)
            self.wait(1)
        self.assertTrue(self.watch.in_line)
        self.wait(28)
        self.assertEqual(self.said, [])
        self.wait(1)
        self.assertEqual(self.said, [(109, codes.SLOW)])

    def test_ended(self) -> None:
        """A line that was ended is watched no more, and the next one anew."""
        self.watch.line(begun=True)
        self.wait(20)
        self.watch.line(begun=False)
        self.assertFalse(self.watch.in_line)
        self.wait(20)
        self.watch.line(begun=True)
        self.wait(29)
        self.assertEqual(self.said, [])
        self.wait(1)
        self.assertEqual(self.said, [(70, codes.SLOW)])


class Stalling(WatchCase):
    """A peer that does not read."""

    def test_for_ever(self) -> None:
        """It is cut off when it has not read for too long, and not when it did in between."""
        self.watch.read(stalled=True)
        self.wait(59)
        self.watch.read(stalled=False)
        self.wait(10)
        self.watch.read(stalled=True)
        self.wait(49)
        self.assertEqual(self.said, [])
        self.watch.log_in()
        self.wait(11)
        self.assertEqual(self.said, [(129, "cut")])
