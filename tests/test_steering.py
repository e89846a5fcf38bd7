"""What operators do to accounts and sessions: freeze, unfreeze, close, and end."""

from typing import Any

from zope.interface.verify import verifyObject

from bankd.ioperator import IOperator
from bankd.store import customers, sessions
from bankd.testing import Wire
from tests.databases import on_every_engine
from tests.test_operators import OperatorCase


class SteeringCase(OperatorCase):
    """A bank in which one person is enough, with Bob beside Alice."""

    two_people = False

    def setUp(self) -> None:
        super().setUp()
        self.bob = self.bank.add_customer("bob")

    def act(self, verb: str, more: str = "", account: str | None = None) -> str:
        """What the teller is answered to an act about Alice's account."""
        return self.ask(self.amy, f"{verb} account={account or self.alice.account} reason=x{more}")

    def out(self, wire: Wire, key: str) -> str:
        """The code that Alice is answered with who takes a dollar out."""
        return wire.ask(f"t WITHDRAW amount=100 currency=USD key={key}")[-1].split(" ")[1]


@on_every_engine
class Freezing(SteeringCase):
    """An account from which no money goes."""

    def test_frozen(self) -> None:
        """Money comes in and does not go out, from that moment on; the owner looks, and has a notice."""
        wire = self.bank.log_in(self.alice)
        wire.received()
        self.assertEqual(self.act("FREEZE_ACCOUNT"), "200")
        self.assertEqual(self.out(wire, "a"), "423")
        self.assertEqual(self.ask(wire, "DEPOSIT amount=5 currency=USD key=d").split(" ")[0], "200")
        self.assertIn(" balance=10005 ", self.ask(wire, "BALANCE"))
        self.assertIn(" kind=frozen ", wire.ask("n NOTICES since=1")[0])
        self.assertEqual(self.ask(wire, f"DELETE_ACCOUNT pin={self.alice.pin}"), "423 reason=frozen")
        self.assertIn(" frozen=20", self.amy.ask(f"f FIND_ACCOUNT account={self.alice.account}")[0])

    def test_again(self) -> None:
        """A second time nothing is told, and no act recorded."""
        self.act("FREEZE_ACCOUNT")
        before = len(self.acts())
        self.assertEqual(self.act("FREEZE_ACCOUNT"), "200")
        self.assertEqual(len(self.acts()), before)
        with self.bank.store.reading() as connection:
            self.assertEqual(customers.account(connection, self.alice.account_id).events, 2)

    def test_unfrozen(self) -> None:
        """Money goes out again, under new keys; the owner is told once."""
        wire = self.bank.log_in(self.alice)
        wire.received()
        self.act("FREEZE_ACCOUNT")
        self.out(wire, "a")
        for key in "xy":
            self.assertTrue(self.act("UNFREEZE_ACCOUNT", f" key={key}").startswith("200 proposal="))
        self.assertEqual([self.out(wire, key) for key in "ab"], ["423", "200"])
        kinds = [line.split(" kind=")[1].split(" ")[0] for line in wire.ask("n NOTICES since=1")[:-1]]
        self.assertEqual(kinds, ["frozen", "unfrozen", "withdrawal"])
        self.assertEqual(self.bank.faults(), [])

    def test_no_account(self) -> None:
        """An account that there is not, or that is closed, is neither frozen nor unfrozen."""
        self.act("CLOSE_ACCOUNT", " key=c", self.bob.account)
        for number in ("99", self.bob.account, "TILL-USD"):
            for verb, more in (("FREEZE_ACCOUNT", ""), ("UNFREEZE_ACCOUNT", f" key={number}")):
                self.assertEqual(self.act(verb, more, number), "404 reason=account")


class Closing(SteeringCase):
    """An account that operators close."""

    def close(self, more: str = "") -> str:
        """What the teller is answered who closes Alice's account."""
        return self.act("CLOSE_ACCOUNT", f" key=c{more}")

    def test_paid_out(self) -> None:
        """What is on it goes to the account named, also from a frozen one; the session on it is over."""
        wire = self.bank.log_in(self.alice)
        wire.received()
        self.act("FREEZE_ACCOUNT")
        self.assertEqual(self.close(), "409 reason=balance")
        self.assertTrue(self.ask(wire, "NOOP") == "200")
        self.assertIn(" receipt=2", self.close(f" payout={self.bob.account}"))
        self.bank.clock.advance(30)
        self.assertEqual(self.ask(wire, "NOOP"), "410 reason=ended")
        with self.bank.store.reading() as connection:
            self.assertIsNotNone(customers.account(connection, self.alice.account_id).closed_us)
            self.assertEqual(customers.account(connection, self.bob.account_id).balance_minor, 100_00)
            self.assertIsNone(customers.customer(connection, self.alice.customer_id).username)
        self.assertIn(("amy", "close_account", "done"), self.acts())
        self.assertEqual(self.bank.faults(), [])

    def test_refused(self) -> None:
        """One with holds, or that cannot be paid out, stays as it was."""
        self.assertEqual(self.close(" payout=99"), "404 reason=account")
        wire = self.bank.log_in(self.alice)
        wire.received()
        self.ask(wire, "HOLD amount=5 currency=USD key=h")
        self.assertEqual(self.close(f" payout={self.bob.account}"), "409 reason=holds")
        self.assertEqual(self.out(wire, "a"), "200")


@on_every_engine
class Sessions(SteeringCase):
    """Who is logged in, and the end of that."""

    def test_listed(self) -> None:
        """Each account in use is told with whose session, since when, from where; that it was looked at is recorded."""
        self.assertEqual(self.amy.ask("s SESSIONS"), ["s 200"])
        self.bank.log_in(self.alice), self.bank.log_in(self.bob)
        *lines, end = self.amy.ask("s SESSIONS")
        first, second = sorted((self.alice, self.bob), key=lambda known: known.account)
        self.assertEqual(end, "s 200")
        for line, known in zip(lines, (first, second), strict=True):
            self.assertTrue(line.startswith(f"s - account={known.account} customer={known.customer_id} since=2026-"))
            self.assertTrue(line.endswith(f" username={known.username} host=192.0.2.1"), line)
        self.assertEqual(self.amy.ask(f"s SESSIONS after={first.account}"), [lines[1], end])
        self.assertEqual(self.acts().count(("amy", "sessions", "done")), 3)

    def test_ended(self) -> None:
        """The account is free at once; the old session is told, and can do nothing more."""
        wire = self.bank.log_in(self.alice)
        wire.received()
        session, end = self.amy.ask(f"e END_SESSION account={self.alice.account} reason=Away")
        self.assertIn(f" username={self.alice.username} ", session)
        self.assertEqual((end, wire.received(), wire.connected), ("e 200", ["* 410 reason=ended"], False))
        self.assertEqual(self.out(self.bank.log_in(self.alice), "a"), "200")
        self.assertIn(("amy", "end_session", "done"), self.acts())

    def test_at_another_node(self) -> None:
        """A session that this node does not know is told at its next request; money is refused by its fence."""
        for asked, answer in (
            ("NOOP", "410 reason=ended"),
            ("BALANCE", "410 reason=ended"),
            ("WITHDRAW amount=100 currency=USD key=w", "410 reason=session"),
        ):
            wire = self.bank.log_in(self.alice)
            wire.received()
            realm: Any = self.bank.portal.realm
            realm._present.clear()
            self.amy.ask(f"e END_SESSION account={self.alice.account} reason=x")
            self.bank.clock.advance(10)
            self.assertEqual((self.ask(wire, asked), wire.connected), (answer, False))
        self.assertEqual(self.balance_minor(), 100_00)

    def test_only_that_one(self) -> None:
        """The next session on the account is nobody's to mistake for it."""
        wire = self.bank.log_in(self.alice)
        self.amy.ask(f"e END_SESSION account={self.alice.account} reason=x")
        later = self.bank.log_in(self.alice)
        self.assertFalse(wire.connected)
        with self.bank.store.reading() as connection:
            self.assertTrue(sessions.was_ended(connection, self.alice.account_id, 1))
            self.assertFalse(sessions.was_ended(connection, self.alice.account_id, 3))
        later.received()
        self.assertEqual(self.out(later, "b"), "200")

    def test_nobody(self) -> None:
        """Without a session there is nothing to end; without an account that is told."""
        self.assertEqual(self.act("END_SESSION"), "200")
        self.assertEqual(self.act("END_SESSION", account="99"), "404 reason=account")


@on_every_engine
class Customers(SteeringCase):
    """Who the customers are, and what keeps one out."""

    def test_accounts(self) -> None:
        """All accounts are listed, in the order of their numbers, closed and frozen ones too; not the tills."""
        self.act("FREEZE_ACCOUNT")
        self.act("CLOSE_ACCOUNT", " key=c", self.bob.account)
        *lines, end = self.ben.ask("l LIST_ACCOUNTS")
        numbers = sorted([self.alice.account, self.bob.account])
        self.assertEqual([line.split("account=")[1].split(" ")[0] for line in lines], numbers)
        [alices] = [line for line in lines if self.alice.account in line]
        self.assertIn(" balance=10000 available=10000 ", alices)
        self.assertIn(" frozen=2026-", alices)
        self.assertIn(" closed=2026-", next(line for line in lines if self.bob.account in line))
        self.assertEqual(self.ben.ask(f"l LIST_ACCOUNTS after={numbers[0]}"), [lines[1], end])

    def test_customers(self) -> None:
        """All customers are listed, also who has left."""
        self.act("CLOSE_ACCOUNT", " key=c", self.bob.account)
        first, second, end = self.ben.ask("l LIST_CUSTOMERS")
        self.assertIn(f" customer={self.alice.customer_id} ", first)
        self.assertIn(" accounts=1 has_password=yes has_pin=yes username=alice ", first)
        self.assertTrue(second.endswith(" accounts=0"), second)
        self.assertEqual(self.ben.ask(f"l LIST_CUSTOMERS since={self.alice.customer_id}"), [second, end])
        self.assertEqual(self.acts().count(("ben", "list_customers", "done")), 2)

    def test_found(self) -> None:
        """A customer is found by name, number or account; nobody is not."""
        for which in (f"account={self.alice.account}", "username=alice", f"mobile={self.alice.mobile}"):
            self.assertIn(" username=alice ", self.ask(self.amy, f"FIND_CUSTOMER {which}"))
        for which in ("account=99", "username=nobody"):
            self.assertEqual(self.ask(self.amy, f"FIND_CUSTOMER {which}"), "404 reason=account")

    def test_unlocked(self) -> None:
        """Who has to wait for wrong secrets need not any more; that is told before and after."""
        for _ in range(4):
            self.bank.connect().ask(f"l LOGIN account={self.alice.account} pin=86420")
        right = f"l LOGIN account={self.alice.account} pin={self.alice.pin}"
        self.assertIn(" 429 reason=wait", self.bank.connect().ask(right)[0])
        self.assertIn(" locked=2026-", self.ask(self.amy, "FIND_CUSTOMER username=alice"))
        self.assertNotIn("locked=", self.ask(self.amy, "UNLOCK_CUSTOMER username=alice reason=Called"))
        self.assertEqual(self.bank.connect().ask(right)[0].split(" ")[1], "200")
        self.assertIn(("amy", "unlock_customer", "done"), self.acts())
        self.assertEqual(self.ask(self.amy, "UNLOCK_CUSTOMER account=99 reason=x"), "404 reason=account")


class Contract(SteeringCase):
    """What a protocol is handed."""

    def test_perspective(self) -> None:
        """It keeps the contract."""
        perspective: Any = self.amy.protocol._standing.perspective
        self.assertTrue(verifyObject(IOperator, perspective))
