"""Memory is given back when a crowd has gone."""

import gc
import weakref

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from bankd.thrift import AFTERWARDS, CROWD, SECONDS, TIDYING_SECONDS, Thrift, give_back, settle


class Ring:
    """What knows itself."""

    itself: "Ring"


class AfterACrowd(SynchronousTestCase):
    """When it is given back, and when that is not worth it."""

    def given(self, *connections: int) -> list[int]:
        """At which of the looks, each with so many connections, memory was given back."""
        clock, found = Clock(), list[int]()
        looks = iter(enumerate(connections))
        place = 0

        def look() -> int:
            nonlocal place
            place, count = next(looks)
            return count

        settled: list[bool] = []
        thrift = Thrift(look, clock, lambda: settled.append(True), lambda: found.append(place), lambda: None)
        thrift.begin()
        clock.pump([SECONDS] * (len(connections) - 1))
        thrift.end()
        self.assertEqual(settled, [True])
        self.assertEqual(clock.getDelayedCalls(), [])
        return found

    def test_half_has_gone(self) -> None:
        """It is given back once half has gone, and at the next looks.

        The same when half of what was left has, down to what is no crowd.
        """
        quiet = [0] * (AFTERWARDS + 2)
        some = (0, 8 * CROWD, 5 * CROWD, 4 * CROWD)
        self.assertEqual(self.given(*some, *[3 * CROWD] * len(quiet)), [*range(3, 4 + AFTERWARDS)])
        self.assertEqual(self.given(*some, 3 * CROWD, 2 * CROWD, *quiet), [*range(3, 7 + AFTERWARDS)])

    def test_no_crowd(self) -> None:
        """A few who come and go are not worth it."""
        self.assertEqual(self.given(CROWD - 1, 0, CROWD - 1, 0), [])

    def test_a_crowd_each_time(self) -> None:
        """After the next crowd it is given back again."""
        first, quiet = [*range(1, 2 + AFTERWARDS)], [0] * AFTERWARDS
        self.assertEqual(self.given(CROWD, 0, *quiet, 0, CROWD, 0), [*first, 4 + AFTERWARDS])

    def test_always(self) -> None:
        """Free pages go back all the time, until the end."""
        clock, tidied = Clock(), list[float]()
        thrift = Thrift(lambda: 0, clock, lambda: None, self.fail, lambda: tidied.append(clock.seconds()))
        thrift.begin()
        clock.pump([TIDYING_SECONDS] * 3)
        thrift.end()
        self.assertEqual(tidied, [0, TIDYING_SECONDS, 2 * TIDYING_SECONDS, 3 * TIDYING_SECONDS])
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_the_real_thing(self) -> None:
        """What is settled is not looked at again; what is over after that is found, and given back."""
        self.addCleanup(gc.unfreeze)
        settle()
        self.assertGreater(gc.get_freeze_count(), 10_000)
        ring = Ring()
        ring.itself = ring
        known = weakref.ref(ring)
        del ring
        give_back()
        self.assertIsNone(known())
