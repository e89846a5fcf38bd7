"""The group commit: whatever waits is decided and written together, in one transaction, in one thread.

1. While one batch commits the next one fills; there is no timer. Under load the batches grow, and a commit is shared.
2. Work is done in the order in which it was posted, and its results are given in that order.
3. A batch costs one hop to the thread and one back. The next is handed over before the results of the last are given.
4. Work that fails by a fault of its own fails alone: the batch is rolled back, and each piece is done by itself.
5. A batch that was undone, because another writer was in the way or the connection was lost before the commit, is done
   again from its reads on, a few times. Where it deadlocks each time with another node's, as batches of log-ins may,
   which lock accounts in the order in which they come, each piece is done by itself. A piece that is undone each time
   even alone is answered BUSY.
6. When the database fails nothing of the batch is acknowledged: the answer is BUSY, and a command's key tells later
   what was done. The log says so once for each kind of failure, and once when the database works again.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import groupby
from time import monotonic
from typing import Any, Protocol, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from bankd import codes
from bankd.codes import Refused
from bankd.figures import LaneTally
from bankd.ledger.books import Outcome
from bankd.ledger.commands import Command
from bankd.records import Event
from bankd.store.engines import Transaction
from bankd.store.failures import is_failure, is_passing, is_undone

T = TypeVar("T")

Errand = Callable[[Transaction], Any]
"""Work that is no money command. It may raise Refused, and has then changed nothing."""

Result = Any
"""What work gave, or the Failure that it ended with."""

MAX_BATCH = 1000
"""Pieces of work in one transaction, at most; a set of transfers is as many as there are in it."""

MAX_TRIES = 4
"""How often a batch is begun when others are in its way; then it is done piece by piece, or the answer is BUSY."""


class InThread(Protocol):
    """Calls a function in the one thread that writes, and gives its result on the reactor's thread."""

    def __call__(self, function: Callable[[], T], /) -> Deferred[T]: ...


class Lane:
    """The one way to write. ``apply`` carries out money commands.

    All ``committed`` are told of what then happened, and when it was stored by ``seconds``, a clock that only goes
    forward. What is written is counted in ``tally``.
    """

    log = Logger()

    def __init__(
        self,
        writing: Callable[[], AbstractContextManager[Transaction]],
        apply: Callable[[Transaction, Sequence[Command]], list[Outcome]],
        in_thread: InThread,
        *committed: Callable[[Sequence[Event], float], None],
        tally: LaneTally | None = None,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self._writing = writing
        self._apply = apply
        self._in_thread = in_thread
        self._committed = committed
        self._tally = tally or LaneTally()
        self._seconds = seconds
        self._waiting: list[tuple[Command | Errand, Deferred[Any]]] = []
        self._under_way = False
        self._begun = 0.0
        self._failing: str | None = None
        self._closed: Deferred[None] | None = None

    def post(self, command: Command) -> Deferred[Outcome]:
        """Carry out ``command`` with what else waits. Fires once its outcome is durable."""
        return self._add(command)

    def run(self, errand: Callable[[Transaction], T]) -> Deferred[T]:
        """Carry out ``errand`` with what else waits. Fires with its durable result, or with its Refused."""
        return cast("Deferred[T]", self._add(errand))

    @property
    def waiting(self) -> int:
        """How many pieces of work wait for the next batch."""
        return len(self._waiting)

    @property
    def fails(self) -> bool:
        """Whether the database failed the last batch."""
        return self._failing is not None

    @property
    def busy_seconds(self) -> float:
        """For how long a batch has been under way; 0 where none is."""
        return self._seconds() - self._begun if self._under_way else 0.0

    def close(self) -> Deferred[None]:
        """Refuse what comes from now on, and fire when all that was posted is done."""
        if self._closed is None:
            self._closed = Deferred()
            self._close_if_done()
        return self._closed

    def _add(self, work: Command | Errand) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        if self._closed is not None:
            done.errback(Refused(codes.STOPPING))
            return done
        self._waiting.append((work, done))
        self._take_next()
        return done

    def _take_next(self) -> None:
        """Hand the next batch over, unless one is under way."""
        if self._under_way:
            return
        size = self._batch_size()
        batch, self._waiting = self._waiting[:size], self._waiting[size:]
        if batch:
            self._under_way, self._begun = True, self._seconds()
            works = [work for work, _ in batch]
            carried_out = self._in_thread(lambda: (*self._carry_out(works), self._seconds()))
            carried_out.addErrback(self._lost, len(works))
            carried_out.addCallback(self._give, [done for _, done in batch])

    def _batch_size(self) -> int:
        """How much of what waits the next batch takes: MAX_BATCH of work, or else one piece that is more by itself."""
        room = MAX_BATCH
        for place, (work, _) in enumerate(self._waiting):
            room -= len(work.parts) if isinstance(work, Command) else 1
            if room < 0:
                return max(place, 1)
        return len(self._waiting)

    def _give(self, carried_out: tuple[list[Result], list[Event], float], waiting: list[Deferred[Any]]) -> None:
        """Start the next batch, tell of what happened in this one while all who are to hear it listen, give results."""
        self._under_way = False
        self._take_next()
        results, events, at = carried_out
        for tell in self._committed:
            try:
                tell(events, at)
            except Exception:
                self.log.failure("what happened could not be told")
        for done, result in zip(waiting, results, strict=True):
            done.callback(result)
        self._close_if_done()

    def _lost(self, failure: Failure, size: int) -> tuple[list[Result], list[Event], float]:
        """What a batch gave that the thread never took, or never gave back."""
        self.log.failure("a batch of {size} was lost on its way", failure, size=size)
        return [Failure(Refused(codes.BUSY)) for _ in range(size)], [], self._seconds()

    def _close_if_done(self) -> None:
        if self._closed is not None and not self._under_way and not self._closed.called:
            self._closed.callback(None)

    def _carry_out(self, works: Sequence[Command | Errand]) -> tuple[list[Result], list[Event]]:
        """In the thread: all works in one transaction, or each in its own when one of them is at fault."""
        try:
            carried_out = self._undisturbed(works)
        except Exception as error:
            single = len(works) == 1
            if (is_failure(error) and (single or not is_passing(error))) or (single and is_undone(error)):
                self._failed(error, len(works))
                return [Failure(Refused(codes.BUSY)) for _ in works], []
            if single:
                return [Failure()], []
        else:
            self._works()
            return carried_out
        alone = [self._carry_out([work]) for work in works]
        return [results[0] for results, _ in alone], [event for _, events in alone for event in events]

    def _undisturbed(self, works: Sequence[Command | Errand]) -> tuple[list[Result], list[Event]]:
        """All works in one transaction, which is done again while others are in its way."""
        for _ in range(MAX_TRIES - 1):
            try:
                return self._together(works)
            except Exception as error:
                if not is_undone(error):
                    raise
                self._tally.repeated += 1
        return self._together(works)

    def _together(self, works: Sequence[Command | Errand]) -> tuple[list[Result], list[Event]]:
        begun = self._seconds()
        with self._writing() as tx:
            results: list[Result] = []
            for is_money, run in groupby(works, key=lambda work: isinstance(work, Command)):
                if is_money:
                    results += self._apply(tx, cast("list[Command]", list(run)))
                elif len(works) == 1:  # what it did is undone with the transaction, and needs no savepoint of its own
                    results.append(cast("Errand", works[0])(tx))
                else:
                    results += [_try(tx, cast("Errand", errand)) for errand in run]
            decided = self._seconds()
        ended = self._seconds()
        self._tally.size.add(len(works))
        self._tally.seconds.add(ended - begun)
        self._tally.commit_seconds.add(ended - decided)
        return results, tx.events

    def _failed(self, error: Exception, size: int) -> None:
        """Log that the database failed, unless it failed in the same way the last time."""
        self._tally.failed += 1
        if (why := str(error).splitlines()[0]) != self._failing:
            self._failing = why
            self.log.failure("the database failed, and {size} requests are answered BUSY: {why}", size=size, why=why)

    def _works(self) -> None:
        if self._failing is not None:
            self._failing = None
            self.log.info("the database works again")


def _try(tx: Transaction, errand: Errand) -> Result:
    """The result of ``errand``, or its Refused as a Failure with everything it did undone."""
    try:
        with tx.part():
            return errand(tx)
    except Refused:
        return Failure()
