"""A database that has no room left, in one process: what is refused, what is answered, what the operator reads."""

from pathlib import Path
from typing import Any

from sqlalchemy import event
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from bankd.store.engines import DatabaseFault
from bankd.store.failures import Unknown, is_failure
from bankd.testing import PRACTICE_TERMS, PracticeBank

LEASE = PRACTICE_TERMS.lease_seconds


class FullDisk(SynchronousTestCase):
    """A bank whose database may not grow while ``full``."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder)
        self.addCleanup(self.bank.close)
        self.alice = self.bank.add_customer("alice", deposit_minor=1000)
        self.bob = self.bank.add_customer("bob")
        self.full = False
        self.opened = 0
        self.wire = self.bank.log_in(self.alice)
        event.listen(self.bank.store.writer, "begin", self.set_room)
        event.listen(self.bank.store.writer, "connect", self.count)

    def set_room(self, connection: Any) -> None:
        """Let the database have no page more than it has, or as many as it wants."""
        connection.exec_driver_sql(f"PRAGMA max_page_count={1 if self.full else 1_000_000}")

    def count(self, _connection: object, _record: object) -> None:
        """Count the connections that were opened to write."""
        self.opened += 1

    def fill(self) -> str:
        """Write until there is no room: the first request that was refused."""
        self.full = True
        for number in range(500):
            request = f"m TRANSFER to={self.bob.account} amount=1 currency=USD key=k{number} reference={'x' * 140}"
            if self.wire.ask(request) == ["m 503 reason=busy"]:
                return request
        self.fail("there was always room")

    def test_refused_for_now(self) -> None:
        """What cannot be written is refused for now; asked again when there is room it is done, once."""
        request = self.fill()
        self.assertEqual(self.wire.ask(request), ["m 503 reason=busy"])
        self.assertEqual(self.bank.faults(), [])
        self.full = False
        (done,) = self.wire.ask(request)
        self.assertIn(" 200 receipt=", done)
        self.assertEqual(self.wire.ask(request), [done])
        self.assertEqual(self.bank.faults(), [])
        self.flushLoggedErrors(DatabaseFault)

    def test_reads(self) -> None:
        """Balance, statement and notices are answered, also when the lease has run out and cannot be renewed."""
        self.fill()
        self.patch(self.bank.lane, "_together", self.no_room)
        for _ in range(3):
            for request in ("BALANCE", "STATEMENT limit=1", "NOTICES since=0", "VIEW_DETAILS", "NOOP"):
                self.assertIn(" 200", self.wire.ask(f"r {request}")[-1])
            self.bank.clock.advance(LEASE)
        self.assertEqual(self.wire.ask("u UPDATE_CONTACT name=Eve"), ["u 503 reason=busy"])
        self.flushLoggedErrors(DatabaseFault)

    def no_room(self, _works: object) -> None:
        """Fail as a full disk does."""
        raise Unknown("at a commit: database or disk is full")

    def test_reads_of_a_lost_session(self) -> None:
        """A session that lost its account is told so, also when nothing can be written."""
        self.bank.clock.advance(LEASE)
        self.bank.log_in(self.alice)
        self.patch(self.bank.lane, "_together", self.no_room)
        self.assertEqual(self.wire.ask("b BALANCE"), ["b 410 reason=session"])
        self.flushLoggedErrors(DatabaseFault)

    def test_new_connection(self) -> None:
        """A connection on which a write failed is not used again."""
        self.fill()
        self.assertEqual(self.opened, 0)
        self.full = False
        self.wire.ask("u UPDATE_CONTACT name=Eve")
        self.assertEqual(self.opened, 1)
        self.flushLoggedErrors(DatabaseFault)

    def test_log(self) -> None:
        """The operator is told once that the disk is full, and once that it is not any more."""
        request = self.fill()
        with capturedLogs() as captured:
            for _ in range(3):
                self.wire.ask(request)
            self.full = False
            for _ in range(3):
                self.wire.ask(request)
        (failure,) = self.flushLoggedErrors(DatabaseFault)
        self.assertIn("database or disk is full", str(failure.value))
        told = [line["log_format"] for line in captured if line["log_namespace"] == "bankd.lane.Lane"]
        self.assertEqual(told, ["the database works again"])

    def test_reads_fail_too(self) -> None:
        """When not even reading works the answer is BUSY, and not a fault of the bank's."""

        def broken(*_: object) -> None:
            raise Unknown("disk I/O error")

        self.patch(self.bank.branch, "reading", broken)
        self.assertEqual(self.wire.ask("b BALANCE"), ["b 503 reason=busy"])

    def test_faults_of_ours_are_no_failures(self) -> None:
        """Whatever is not the database's is not taken for its failure."""
        for error, failed in ((Unknown("at a commit"), True), (KeyError(), False), (DatabaseFault(), False)):
            self.assertEqual(is_failure(error), failed, error)
