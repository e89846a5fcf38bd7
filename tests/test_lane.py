"""The group commit: order, batches, whose fault is whose, and what is acknowledged when the database fails."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import OperationalError
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock

from bankd import codes, lane
from bankd.bank import payments
from bankd.codes import Refused
from bankd.lane import MAX_BATCH, MAX_TRIES, Lane
from bankd.ledger.books import Outcome
from bankd.ledger.commands import Bulk, Command, Transfer
from bankd.records import Event, NoticeKind
from bankd.store import customers, outbox
from bankd.store.engines import Transaction
from bankd.testing import Known, PracticeBank, Stepped
from tests.databases import DatabaseCase, on_every_engine


class Deadlock(Exception):
    """What PostgreSQL says to one of two that wait for each other (deadlock_detected)."""

    sqlstate = "40P01"


class LaneCase(DatabaseCase):
    """A test with a lane of its own on a practice bank's database; the test moves its thread.

    ``transactions`` counts those begun, ``log`` is what happened in order, and ``broken`` makes commits fail.
    """

    def setUp(self) -> None:
        self.bank = PracticeBank(url=self.database())
        self.addCleanup(self.bank.close)
        self.alice = self.bank.add_customer("alice", deposit_minor=1000)
        self.bob = self.bank.add_customer("bob")
        self.thread = Stepped()
        self.transactions = 0
        self.broken = False
        self.log: list[object] = []
        self.stored_at: list[float] = []
        self.lane = Lane(self.writing, self.apply, self.thread, self.committed)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction of the bank's store; a broken one fails when it is to be committed."""
        self.transactions += 1
        with self.bank.store.writing() as tx:
            yield tx
            if self.broken:
                raise OperationalError("COMMIT", None, Exception("disk I/O error"))

    def apply(self, tx: Transaction, commands: Sequence[Command]) -> list[Outcome]:
        """Carry out commands, and note how many came together."""
        self.log.append(len(commands))
        return payments.apply(tx, commands)

    def committed(self, events: Sequence[Event], at: float) -> None:
        """Note what was told, and when it was stored."""
        self.stored_at.append(at)
        self.log += [event.kind for event in events]

    def pay(self, amount_minor: int, key: str, payer: Known | None = None, payee: Known | None = None) -> Transfer:
        """A transfer, by default from Alice to Bob."""
        payer, payee = payer or self.alice, payee or self.bob
        return Transfer(
            customer_id=payer.customer_id,
            account_id=payer.account_id,
            fence=None,
            key=key,
            amount_minor=amount_minor,
            currency="USD",
            payee=payee.account,
        )

    def noting(self, word: str) -> Callable[[Transaction], str]:
        """An errand that notes that it was run, and gives the word back."""

        def errand(_tx: Transaction) -> str:
            self.log.append(word)
            return word

        return errand

    def given(self, *waited: Deferred[Any]) -> list[Any]:
        """The results of several Deferreds."""
        return [self.successResultOf(one) for one in waited]

    def balances(self) -> list[int]:
        """What Alice and Bob have."""
        with self.bank.store.reading() as connection:
            return [customers.account(connection, one.account_id).balance_minor for one in (self.alice, self.bob)]


@on_every_engine
class Batches(LaneCase):
    """What waits is done together."""

    def test_nothing_is_done_in_the_caller(self) -> None:
        """Posting does not touch the database; the thread does."""
        waiting = self.lane.post(self.pay(1, "a"))
        self.assertEqual((self.transactions, len(self.thread.waiting)), (0, 1))
        self.assertNoResult(waiting)

    def test_batching(self) -> None:
        """The first piece goes alone and at once; what comes while it is under way is the next batch, whole."""
        waiting = [self.lane.post(self.pay(1, key)) for key in "abcd"]
        self.assertEqual(len(self.thread.waiting), 1)
        self.thread.step()
        self.assertNotEqual(self.successResultOf(waiting[0]).entry, None)
        for later in waiting[1:]:
            self.assertNoResult(later)
        self.thread.drain()
        self.given(*waiting)
        self.assertEqual([entry for entry in self.log if isinstance(entry, int)], [1, 3])
        self.assertEqual(self.transactions, 2)

    def test_one_hop(self) -> None:
        """A batch is one call to the thread, whatever its size and mixture."""
        self.lane.run(self.noting("first"))
        for number in range(5):
            self.lane.post(self.pay(1, f"k{number}"))
            self.lane.run(self.noting("errand"))
        self.thread.step()
        self.assertEqual(len(self.thread.waiting), 1)
        self.thread.step()
        self.assertEqual((len(self.thread.waiting), self.transactions), (0, 2))

    def test_next_batch_is_handed_over_before_results(self) -> None:
        """The thread has its next batch before anybody hears of the last."""
        handed_over: list[int] = []
        first = self.lane.run(self.noting("first"))
        first.addCallback(lambda _: handed_over.append(len(self.thread.waiting)))
        self.lane.run(self.noting("second"))
        self.thread.step()
        self.assertEqual(handed_over, [1])

    def test_most(self) -> None:
        """A batch holds at most MAX_BATCH pieces; the rest is the one after."""
        self.patch(lane, "MAX_BATCH", 3)
        self.assertEqual(MAX_BATCH, 1000)
        self.lane.run(self.noting("first"))
        waiting = [self.lane.post(self.pay(1, f"k{number}")) for number in range(7)]
        self.thread.drain()
        self.given(*waiting)
        self.assertEqual([entry for entry in self.log if isinstance(entry, int)], [3, 3, 1])

    def test_sets_weigh(self) -> None:
        """A set of transfers is as many pieces as there are in it; one that is too large for any batch goes alone."""
        self.patch(lane, "MAX_BATCH", 3)
        self.lane.run(self.noting("first"))
        waiting = [self.lane.post(self.set_of(size, f"k{size}-{n}")) for n, size in enumerate((2, 1, 1, 5, 1, 2))]
        self.thread.drain()
        self.assertEqual([len(outcome.parts) for outcome in self.given(*waiting)], [2, 1, 1, 5, 1, 2])
        self.assertEqual([entry for entry in self.log if isinstance(entry, int)], [2, 1, 1, 2])

    def set_of(self, size: int, key: str) -> Bulk:
        """So many transfers under one key."""
        transfers = tuple(self.pay(1, f"{key}:{place}") for place in range(1, size + 1))
        return Bulk(
            customer_id=self.alice.customer_id,
            account_id=self.alice.account_id,
            fence=None,
            key=key,
            transfers=transfers,
            together=True,
        )


@on_every_engine
class Order(LaneCase):
    """What is posted first is done first."""

    def test_mixture(self) -> None:
        """Commands and errands of one batch see each other's work in the order in which they were posted."""
        self.lane.run(self.noting("first"))

        def balances(tx: Transaction) -> int:
            return customers.account(tx.connection, self.bob.account_id).balance_minor

        waiting: list[Deferred[Any]] = []
        for number in range(3):
            self.lane.post(self.pay(10, f"k{number}"))
            waiting.append(self.lane.run(balances))
        self.thread.drain()
        self.assertEqual(self.given(*waiting), [10, 20, 30])

    def test_results_in_order(self) -> None:
        """Results are given in the order of posting, after what happened was told: who hears may leave on a result."""
        self.lane.post(self.pay(1, "a")).addCallback(lambda _: self.log.append("a"))
        self.lane.post(self.pay(1, "b")).addCallback(lambda _: self.log.append("b"))
        self.lane.run(self.noting("run")).addCallback(self.log.append)
        self.thread.drain()
        paid = [NoticeKind.PAID, NoticeKind.RECEIVED]
        self.assertEqual(self.log, [1, *paid, "a", 1, "run", *paid, "b", "run"])

    def test_posting_from_a_result(self) -> None:
        """What is posted when a result is given joins the batch after the one handed over."""
        again: list[Deferred[Any]] = []
        self.lane.run(self.noting("a")).addCallback(lambda _: again.append(self.lane.run(self.noting("c"))))
        self.lane.run(self.noting("b"))
        self.thread.drain()
        self.assertEqual(self.log, ["a", "b", "c"])
        self.assertEqual(self.given(*again), ["c"])


@on_every_engine
class Faults(LaneCase):
    """Whose fault is whose."""

    def refusing(self, tx: Transaction) -> None:
        """An errand that does things, and then is refused."""
        customers.change_customer(tx, self.alice.customer_id, name="Eve")
        outbox.add(tx, self.alice.account_id, NoticeKind.CONTACT)
        raise Refused(codes.TAKEN, "username")

    def breaking(self, tx: Transaction) -> None:
        """An errand that does things, and then is at fault."""
        customers.change_customer(tx, self.alice.customer_id, name="Eve")
        outbox.add(tx, self.alice.account_id, NoticeKind.CONTACT)
        raise ZeroDivisionError

    def name(self) -> str | None:
        """The name that Alice has."""
        with self.bank.store.reading() as connection:
            return customers.customer(connection, self.alice.customer_id).name

    def test_refused_errand(self) -> None:
        """A refused errand is undone, with its events; what stands before and after it in the batch is done, once."""
        self.lane.run(self.noting("first"))
        waiting = [self.lane.post(self.pay(1, "a")), self.lane.post(self.pay(2, "b"))]
        before = self.lane.run(lambda tx: outbox.add(tx, self.bob.account_id, NoticeKind.SECRET))
        refused = self.lane.run(self.refusing)
        waiting.append(self.lane.post(self.pay(4, "c")))
        self.thread.drain()
        self.assertIs(self.failureResultOf(refused, Refused).value.code, codes.TAKEN)
        self.given(*waiting, before)
        self.assertEqual(self.balances(), [993, 7])
        self.assertIsNone(self.name())
        paid = [NoticeKind.PAID, NoticeKind.RECEIVED]
        self.assertEqual(self.log, ["first", 2, 1, *paid, *paid, NoticeKind.SECRET, *paid])
        self.assertEqual(self.transactions, 2)

    def test_refused_command(self) -> None:
        """A refused command is an outcome, not a failure, and is told of to nobody."""
        waiting = self.lane.post(self.pay(1001, "a"))
        self.thread.drain()
        self.assertEqual(self.successResultOf(waiting), Outcome(codes.NO_FUNDS))
        self.assertEqual(self.log, [1])

    def test_piece_at_fault_fails_alone(self) -> None:
        """One piece at fault fails and leaves nothing; the others of its batch are done, once each, in order."""
        self.lane.run(self.noting("first"))
        waiting: list[Deferred[Any]] = [self.lane.post(self.pay(1, "a"))]
        faulty = self.lane.run(self.breaking)
        refused = self.lane.run(self.refusing)
        waiting += [self.lane.run(self.noting("errand")), self.lane.post(self.pay(2, "b"))]
        self.thread.drain()
        self.failureResultOf(faulty, ZeroDivisionError)
        self.failureResultOf(refused, Refused)
        self.given(*waiting)
        self.assertEqual(self.balances(), [997, 3])
        self.assertIsNone(self.name())
        told = [kind for kind in self.log if isinstance(kind, NoticeKind)]
        self.assertEqual(told, [NoticeKind.PAID, NoticeKind.RECEIVED] * 2)

    def test_command_at_fault(self) -> None:
        """A command that cannot even be decided fails alone, and the lane goes on."""
        bad = self.pay(1, "bad", payer=Known(1, 999_999, "", "", "", "", ""))
        waiting = [self.lane.post(self.pay(1, "a")), self.lane.post(bad), self.lane.post(self.pay(2, "b"))]
        self.thread.drain()
        self.failureResultOf(waiting[1], KeyError)
        self.assertEqual(self.balances(), [997, 3])

    def test_deadlocks_as_a_batch(self) -> None:
        """What deadlocks with others, whenever it is done with what else waits, is done by itself."""
        batches: list[Transaction] = []

        def errand(tx: Transaction) -> int:
            if batches and batches[-1] is tx:
                raise OperationalError("SELECT", {}, Deadlock())
            batches.append(tx)
            return len(batches)

        self.lane.run(self.noting("first"))
        waiting = [self.lane.run(errand), self.lane.run(errand)]
        self.thread.drain()
        self.assertEqual([self.successResultOf(one) for one in waiting], [MAX_TRIES + 1, MAX_TRIES + 2])

    def test_database_fails(self) -> None:
        """When the database fails nothing of the batch is acknowledged or told of, and everybody is told BUSY."""
        self.lane.run(self.noting("first"))
        self.thread.step()
        waiting = [self.lane.post(self.pay(1, "a")), self.lane.run(self.noting("x")), self.lane.post(self.pay(2, "b"))]
        self.broken = True
        self.thread.drain()
        for one in waiting:
            self.assertIs(self.failureResultOf(one, Refused).value.code, codes.BUSY)
        self.assertNotIn(NoticeKind.PAID, self.log)
        self.assertEqual(self.balances(), [1000, 0])
        self.flushLoggedErrors(OperationalError)
        self.broken = False
        again = self.lane.post(self.pay(1, "a"))
        self.thread.drain()
        self.assertIs(self.successResultOf(again).code, codes.DONE)

    def test_locked_database(self) -> None:
        """A database that cannot even be entered is one that fails."""

        @contextmanager
        def locked() -> Iterator[Transaction]:
            raise OperationalError("BEGIN IMMEDIATE", None, Exception("database is locked"))
            yield

        busy = Lane(locked, payments.apply, self.thread, self.committed)
        waiting = busy.post(self.pay(1, "a"))
        self.thread.drain()
        self.assertIs(self.failureResultOf(waiting, Refused).value.code, codes.BUSY)
        self.flushLoggedErrors(OperationalError)

    def test_logged_failure_shows_no_values(self) -> None:
        """What is logged of a database that fails holds no amounts and no keys."""
        waiting = self.lane.post(self.pay(12345, "secret-key"))
        self.broken = True
        self.thread.drain()
        self.failureResultOf(waiting, Refused)
        (logged,) = self.flushLoggedErrors(OperationalError)
        for word in ("12345", "secret-key"):
            self.assertNotIn(word, logged.getTraceback())

    def test_told_when_it_was_stored(self) -> None:
        """With what happened goes the time, of a clock that only goes forward, at which the thread had stored it."""
        clock = Clock()
        lane = Lane(self.writing, self.apply, self.thread, self.committed, seconds=clock.seconds)
        for _ in range(3):
            waiting = lane.post(self.pay(1, "a"))
            clock.advance(1)
            self.thread.drain()
            clock.advance(10)
            self.given(waiting)
        self.assertEqual(self.stored_at, [1.0, 12.0, 23.0])

    def test_thread_is_gone(self) -> None:
        """When a batch is lost on its way to the thread or back everybody is told BUSY, and the lane goes on."""
        gone = Lane(self.writing, self.apply, lambda _function: fail(ZeroDivisionError()), self.committed)
        for _ in range(2):
            waiting = gone.post(self.pay(1, "a"))
            self.assertIs(self.failureResultOf(waiting, Refused).value.code, codes.BUSY)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
        self.given(gone.close())

    def test_cannot_be_told(self) -> None:
        """When what happened cannot be told, that is logged, and everybody has their results all the same."""

        def tell(_events: Sequence[Event], _at: float) -> None:
            raise ZeroDivisionError

        self.lane = Lane(self.writing, self.apply, self.thread, tell)
        waiting = [self.lane.post(self.pay(1, key)) for key in "ab"]
        self.thread.drain()
        self.assertEqual([outcome.code for outcome in self.given(*waiting)], [codes.DONE] * 2)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)


@on_every_engine
class Closing(LaneCase):
    """The end of a lane."""

    def test_idle(self) -> None:
        """A lane with nothing to do is closed at once, and asked again as well."""
        self.given(self.lane.close())
        self.given(self.lane.close())

    def test_drains(self) -> None:
        """What was posted before is done before the lane is closed, in however many batches."""
        waiting = [self.lane.post(self.pay(1, key)) for key in "abc"]
        closed = self.lane.close()
        self.thread.step()
        self.assertNoResult(closed)
        self.thread.drain()
        self.given(*waiting, closed)
        self.assertEqual(self.balances(), [997, 3])

    def test_refuses(self) -> None:
        """What comes after is refused, does nothing, and is not waited for."""
        waiting = self.lane.post(self.pay(1, "a"))
        closed = self.lane.close()
        for late in (self.lane.post(self.pay(2, "b")), self.lane.run(self.noting("late"))):
            self.assertIs(self.failureResultOf(late, Refused).value.code, codes.STOPPING)
        self.thread.drain()
        self.given(waiting, closed)
        self.assertEqual(self.balances(), [999, 1])

    def test_closed_after_the_last_result(self) -> None:
        """Whoever waits for the end has heard of every result, and every event was told, before it comes."""
        self.lane.post(self.pay(1, "a")).addCallback(lambda _: self.log.append("result"))
        self.lane.close().addCallback(lambda _: self.log.append("closed"))
        self.thread.drain()
        self.assertEqual(self.log, [1, NoticeKind.PAID, NoticeKind.RECEIVED, "result", "closed"])
