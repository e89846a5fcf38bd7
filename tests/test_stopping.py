"""How long a stop may take: what ends in time, what does not, and what a further signal does."""

import signal
from threading import Event

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from bankd.pools import Pools
from bankd.stopping import StopTime


class Stopping(SynchronousTestCase):
    """A stop of thirty seconds."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.time = StopTime(30, self.clock)

    def test_in_time(self) -> None:
        """What ends within the time has ended, at once or later; nothing is left to be called."""
        self.assertTrue(self.successResultOf(self.time.clients.wait(succeed(None))))
        doing: Deferred[None] = Deferred()
        waiting = self.time.clients.wait(doing)
        self.clock.advance(19)
        self.assertNoResult(waiting)
        doing.callback(None)
        self.assertTrue(self.successResultOf(waiting))
        self.time.end()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_too_long(self) -> None:
        """Clients have two thirds of the time, all the rest the whole; what ends later is nobody's business."""
        clients, rest = Deferred[None](), Deferred[None]()
        waiting, waiting_longer = self.time.clients.wait(clients), self.time.all.wait(rest)
        self.clock.advance(20)
        self.assertFalse(self.successResultOf(waiting))
        self.clock.advance(9.5)
        self.assertNoResult(waiting_longer)
        self.clock.advance(0.5)
        self.assertFalse(self.successResultOf(waiting_longer))
        clients.callback(None)
        rest.callback(None)
        self.assertFalse(self.successResultOf(self.time.all.wait(Deferred())))

    def test_what_is_done_when_the_time_is_over(self) -> None:
        """What has ended already has ended, even when there is no time left."""
        self.time.clients.end()
        self.assertTrue(self.successResultOf(self.time.clients.wait(succeed(None))))

    def test_failures(self) -> None:
        """What fails has come to its end too, and is logged."""
        doing: Deferred[None] = Deferred()
        waiting = self.time.all.wait(doing)
        doing.errback(ValueError("a fault of this test"))
        self.assertTrue(self.successResultOf(waiting))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_further_signals(self) -> None:
        """A second SIGTERM ends the time of the clients, a third that of all; SIGINT does the same."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        reactor = AtOnce()
        self.time.listen(reactor)
        signal.raise_signal(signal.SIGTERM)
        self.assertEqual((self.time.clients.is_over, self.time.all.is_over), (True, False))
        signal.raise_signal(signal.SIGINT)
        self.assertTrue(self.time.all.is_over)


class ThePools(SynchronousTestCase):
    """The end of the threads."""

    def test_thread_that_hangs(self) -> None:
        """A thread that does not end is not waited for without end; one that does is."""
        pools, go_on = Pools(AtOnce()), Event()
        self.addCleanup(go_on.set)
        pools.open("test", 1)(go_on.wait)
        self.assertFalse(pools.close(0.01))
        go_on.set()

    def test_threads_that_end(self) -> None:
        """Threads with nothing to do end."""
        pools = Pools(AtOnce())
        pools.open("test", 2)
        self.assertTrue(pools.close(10))


class AtOnce:
    """A reactor that calls at once what other threads, or signals, want called."""

    def callFromThread(self, call: object, *args: object) -> None:
        """Call ``call``."""
        assert callable(call)
        call(*args)
