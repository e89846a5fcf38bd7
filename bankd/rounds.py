"""The rounds: what the running bank does by itself, every second, a piece at a time.

1. A chore is an errand of the lane like any other, and a small one: what customers ask for has its turn between two.
2. How far it has come is in the database, so that it goes on after a crash where it was, and nothing is done twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from bankd.bank import announcements, broadcasts, payments
from bankd.codes import Refused
from bankd.lane import Lane
from bankd.store.engines import Transaction

SECONDS = 1.0
"""How often each chore is looked at. A hold cannot be captured any more as soon as its time has passed, whenever it is
ended."""


@dataclass(frozen=True, slots=True)
class Chore:
    """``piece`` does some of it, and says whether there may be more; ``undone`` is what is left when it fails."""

    piece: Callable[[Transaction], bool]
    undone: str


def _expire_holds(tx: Transaction) -> bool:
    return payments.expire_holds(tx) == payments.MOST_EXPIRED


CHORES = (
    Chore(_expire_holds, "holds whose time has passed are still there"),
    Chore(broadcasts.go_on, "a broadcast has not reached everybody yet"),
    Chore(announcements.go_on, "not everybody has been told of the last month's statement yet"),
)
"""What there is to do."""


class Rounds:
    """Has each of ``chores`` done on ``lane`` every so many ``seconds``, from ``begin`` on until ``end``."""

    log = Logger()

    def __init__(self, lane: Lane, clock: Any, chores: Sequence[Chore] = CHORES, *, seconds: float = SECONDS) -> None:
        self._lane = lane
        self._seconds = seconds
        self._calls = [LoopingCall(self._begin, chore) for chore in chores]
        for call in self._calls:
            call.clock = clock

    def begin(self) -> None:
        """Do every chore at once, and then again and again."""
        for call in self._calls:
            call.start(self._seconds)

    def end(self) -> None:
        """Begin no chore any more."""
        for call in self._calls:
            if call.running:
                call.stop()

    def _begin(self, chore: Chore) -> Deferred[None]:
        return Deferred.fromCoroutine(self._do(chore))

    async def _do(self, chore: Chore) -> None:
        """Do a chore until nothing is left of it; others have their turn between its pieces."""
        try:
            while await self._lane.run(chore.piece):
                pass
        except Refused:
            pass  # of a database that fails the lane itself tells, and once
        except Exception as error:
            self.log.warn("{undone}: {why}", undone=chore.undone, why=str(error))
