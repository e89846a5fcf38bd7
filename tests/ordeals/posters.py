"""Posters that crowd the lane of a store for two accounts, without sessions and without a network."""

from functools import partial
from typing import Any, TypeVar

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from bankd.bank import payments
from bankd.lane import Lane
from bankd.ledger.books import Outcome
from bankd.store.engines import Store
from bench import banks
from bench.banks import Made
from tests.ordeals.operations import Operation, spoken
from tests.ordeals.report import Report
from tests.ordeals.wishes import Wishes
from tests.ordeals.witness import Witness

T = TypeVar("T")

UNDER_WAY = 4
"""Commands that each poster has under way."""

MOST_MINOR = 700_000_000
"""The most that is moved at a time; an account begins with 1,000,000,000."""

reactor: Any = installed


def crowd(made: Made, count: int, operations: int, report: Report) -> Witness:
    """Have ``count`` posters post until all is done; what was seen. It runs the reactor, which runs only once."""
    with banks.opened(made.settings) as store:
        with store.reading() as connection:
            witness = Witness(connection, made.chain_key, made.rows)
        posters = Posters(store, witness, Wishes(report.seed, made.rows, MOST_MINOR), operations, report)
        posters.run(count)
        with store.reading() as connection:
            witness.settle(connection)
    return witness


class Posters:
    """All of them, on the reactor's thread; the lane writes in a thread of its own, as in the daemon."""

    def __init__(self, store: Store, witness: Witness, wishes: Wishes, operations: int, report: Report) -> None:
        self._witness = witness
        self._wishes = wishes
        self._operations = operations
        self._report = report
        self._rows = wishes.rows
        self._asked = self._under_way = 0
        self._failure: Failure | None = None
        self._pool = ThreadPool(1, 1, "lane")
        self._lane = Lane(store.writing, payments.apply, self._in_thread, lambda events, at: None)

    def run(self, count: int) -> None:
        """Post until all is done. Raises what went wrong."""
        self._pool.start()
        reactor.callWhenRunning(self._begin, count)
        reactor.run()
        self._pool.stop()
        if self._failure is not None:
            self._failure.raiseException()

    def _in_thread(self, function: Any, /) -> Deferred[Any]:
        return deferToThreadPool(reactor, self._pool, function)

    def _begin(self, count: int) -> None:
        for _ in range(count * UNDER_WAY):
            self._post()

    def _post(self) -> None:
        if self._asked == self._operations:
            return
        operation = self._wishes.anything(self._wishes.random.choice(self._rows))
        self._witness.asked(operation)
        self._asked += 1
        for again in self._wishes.perhaps_again(operation):
            self._under_way += 1
            posted = self._lane.post(again.command)
            posted.addCallback(partial(self._told, again)).addErrback(self._failed)
        self._report.progress(self._asked, self._operations, "operations")

    def _told(self, operation: Operation, outcome: Outcome) -> None:
        self._witness.answered(operation, spoken(operation, outcome))
        self._under_way -= 1
        self._post()
        if not self._under_way:
            reactor.stop()

    def _failed(self, failure: Failure) -> None:
        if self._failure is None:
            self._failure = failure
            reactor.stop()
