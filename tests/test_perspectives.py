"""Who may do what: the checkers, the realm, a visitor's and a customer's perspective, and the exclusive session."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pyotp
from sqlalchemy import select
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import Anonymous, ICredentials, UsernamePassword
from twisted.cred.error import UnhandledCredentials
from twisted.cred.portal import IRealm
from twisted.internet.defer import Deferred
from twisted.plugin import IPlugin
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from bankd import codes
from bankd.bank import access, lockout, payments
from bankd.bank.hashing import Hasher
from bankd.codes import Code, Refused
from bankd.credentials import AccountPin, IAccountPin, IMobilePin, INamePassword, MobilePin, NamePassword, Origin
from bankd.ibank import IBankProtocol, ICustomer, IFigures, IMind, IVisitor
from bankd.ledger.commands import Transfer
from bankd.perspectives.branch import begin
from bankd.perspectives.checkers import CHECKERS, Checker, Proven
from bankd.perspectives.realm import Realm
from bankd.perspectives.turns import Turns
from bankd.perspectives.visitor import Visitor
from bankd.plugin import ProtocolMaker
from bankd.records import AccountView, Greeting, Held, NoticeKind, Payee, Receipt
from bankd.store import customers
from bankd.store.engines import Transaction
from bankd.store.schema import secrets
from bankd.testing import OPENED, PRACTICE_TERMS, Known, PracticeBank, Stepped

T = TypeVar("T")

HOST = "192.0.2.1"
LEASE = PRACTICE_TERMS.lease_seconds
NEW_MOBILE = "+12025550190"


@implementer(IMind)
class Terminal:
    """Somebody at an address."""

    host = HOST
    certificate = None

    def __init__(self) -> None:
        self.dismissed: list[Code] = []

    def dismiss(self, code: Code) -> None:
        """Keep why."""
        self.dismissed.append(code)


class BranchCase(SynchronousTestCase):
    """A test with a practice bank, at which Alice has 100 dollars and Bob nothing."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.lane_pool, self.read_pool, self.hash_pool = Stepped(), Stepped(), Stepped()
        self.pools = (self.lane_pool, self.read_pool, self.hash_pool)
        self.bank = PracticeBank(folder, lane_pool=self.lane_pool, read_pool=self.read_pool, hash_pool=self.hash_pool)
        self.addCleanup(self.bank.close)
        self.alice = self.bank.add_customer("alice", deposit_minor=100_00)
        self.bob = self.bank.add_customer("bob")

    def use_terms(self, **changes: Any) -> None:
        """Change the terms of business."""
        self.bank.branch.terms = replace(self.bank.branch.terms, **changes)

    def drain(self) -> None:
        """Make every call that waits in some pool, and those that come of them."""
        while any(pool.waiting for pool in self.pools):
            for pool in self.pools:
                pool.drain()

    def start(self, asked: Awaitable[T]) -> Deferred[T]:
        """Begin what was asked, and leave it at its first wait."""

        async def waited() -> T:
            return await asked

        return Deferred.fromCoroutine(waited())

    def result(self, asked: Awaitable[T]) -> T:
        """What comes of it in the end."""
        begun = self.start(asked)
        self.drain()
        return self.successResultOf(begun)

    def assertRefused(self, asked: Awaitable[Any], code: Code, field: str | None = None) -> None:
        """In the end it is refused with this code, and this field is at fault."""
        begun = self.start(asked)
        self.drain()
        refused = self.failureResultOf(begun, Refused).value
        self.assertEqual((refused.code, refused.field), (code, field))

    def log_in(self, credentials: Any) -> Deferred[Any]:
        """Log in; what the portal gives."""
        return self.bank.portal.login(credentials, Terminal(), ICustomer)

    def enter(self, known: Known | None = None) -> Any:
        """The perspective of a customer who logs in by account and PIN; by default Alice."""
        known = known or self.alice
        _, customer, log_out = self.result(self.log_in(AccountPin(known.account, known.pin)))
        self.assertEqual(log_out, customer.log_out)
        return customer

    def visit(self) -> Any:
        """A visitor's perspective, and what ends it."""
        _, visitor, leave = self.result(self.bank.portal.login(Anonymous(), Terminal(), IVisitor))
        return visitor, leave

    def visitor(self) -> Any:
        """A visitor's perspective."""
        return self.visit()[0]

    def balance(self, known: Known) -> int:
        """What an account holds."""
        with self.bank.store.reading() as connection:
            return customers.account(connection, known.account_id).balance_minor


class Contracts(BranchCase):
    """Everything that has an interface keeps it."""

    def test_perspectives(self) -> None:
        """Realm, checkers, visitor, customer and figures are what their interfaces say."""
        verifyObject(IRealm, Realm(self.bank.branch))
        for checker in CHECKERS:
            verifyObject(ICredentialsChecker, checker(self.bank.branch))
        verifyObject(IVisitor, self.visitor())
        verifyObject(ICustomer, self.enter())
        verifyObject(IFigures, self.result(self.bank.portal.login(Anonymous(), Terminal(), IFigures))[1])

    def test_credentials(self) -> None:
        """Each kind of credentials says which it is, and shows no secret."""
        for interface, credentials in (
            (INamePassword, NamePassword("alice", "hush", origin=Origin(HOST))),
            (IAccountPin, AccountPin("1", "hush")),
            (IMobilePin, MobilePin("+1", "hush")),
        ):
            verifyObject(interface, credentials)
            verifyObject(ICredentials, credentials)
            self.assertNotIn("hush", repr(credentials))

    def test_protocols(self) -> None:
        """A protocol is named as a plugin, is made only when it is wanted, and serves the portal that it is handed."""
        maker = ProtocolMaker("line", "bankd.protocols.line_factory.LineFactory")
        verifyObject(IBankProtocol, maker)
        verifyObject(IPlugin, maker)
        factory = maker.factory(self.bank.portal, self.bank.clock)
        self.successResultOf(factory.hang_up())


class ReturningNobody(Checker):
    """A checker that was not finished."""


class Checking(BranchCase):
    """Credentials that are right, and those that are not."""

    def test_ways_in(self) -> None:
        """Each kind of credentials opens a session of the same customer on the same account."""
        for credentials in (
            NamePassword("alice", self.alice.password),
            NamePassword("alice", self.alice.password, self.alice.account),
            AccountPin(self.alice.account, self.alice.pin),
            MobilePin(self.alice.mobile, self.alice.pin),
            MobilePin(self.alice.mobile.removeprefix("+1"), self.alice.pin, self.alice.account),
        ):
            _, customer, log_out = self.result(self.log_in(credentials))
            session = customer.session
            self.assertEqual((session.customer_id, session.account_id), (1, self.alice.account_id), credentials)
            self.assertFalse(session.registered)
            self.result(log_out())

    def test_refused(self) -> None:
        """Whatever is wrong about credentials has the same answer."""
        self.use_terms(registers_mobiles=False)
        for credentials in (
            NamePassword("alice", self.bob.password),
            NamePassword("eve", self.alice.password),
            NamePassword("alice", self.alice.password, self.bob.account),
            NamePassword("alice", self.alice.pin),
            AccountPin(self.alice.account, self.bob.pin),
            AccountPin(self.alice.account, self.alice.password),
            AccountPin("77777777", self.alice.pin),
            MobilePin(self.alice.mobile, self.bob.pin),
            MobilePin(self.alice.mobile, self.alice.pin, self.bob.account),
            MobilePin(NEW_MOBILE, self.alice.pin),
        ):
            self.assertRefused(self.log_in(credentials), codes.WRONG_SECRET)
            self.bank.clock.advance(60)  # lest the next one have to wait

    def test_unknown_costs_the_same(self) -> None:
        """Somebody unknown takes one look-up, one count and one hash, as somebody known with a wrong secret does."""
        self.use_terms(registers_mobiles=False)
        for credentials in (
            NamePassword("alice", "wrong"),
            NamePassword("eve", "wrong"),
            AccountPin(self.alice.account, "0"),
            AccountPin("77777777", "0"),
            MobilePin(self.alice.mobile, "0"),
            MobilePin(NEW_MOBILE, "0"),
        ):
            waiting = self.log_in(credentials)
            self.assertEqual([len(pool.waiting) for pool in self.pools], [0, 1, 0], credentials)
            self.read_pool.step()
            self.assertEqual([len(pool.waiting) for pool in self.pools], [1, 0, 0], credentials)
            self.lane_pool.step()
            self.assertEqual([len(pool.waiting) for pool in self.pools], [0, 0, 1], credentials)
            self.hash_pool.step()
            self.failureResultOf(waiting, Refused)
            self.drain()

    def test_no_number(self) -> None:
        """A mobile number that no network could dial is told to be the field at fault."""
        self.assertRefused(self.log_in(MobilePin("12", "24681")), codes.BAD_FIELD, "mobile")

    def test_other_kinds(self) -> None:
        """Credentials of a kind that the bank does not take, with a plain password for one, have no checker."""
        self.failureResultOf(self.log_in(UsernamePassword(b"alice", b"x")), UnhandledCredentials)

    def test_unfinished(self) -> None:
        """A checker that says nothing of how it checks lets nobody in."""
        self.failureResultOf(
            ReturningNobody(self.bank.branch).requestAvatarId(NamePassword("alice", "x")), NotImplementedError
        )

    def test_too_many(self) -> None:
        """When too many secrets wait to be hashed a log-in is told to come later, and is not checked at all."""
        self.bank.branch.hash_pool = Turns(self.hash_pool, 1, 1)
        first = self.log_in(AccountPin(self.alice.account, self.alice.pin))
        second = self.log_in(AccountPin(self.bob.account, self.bob.pin))
        self.read_pool.drain()
        self.lane_pool.drain()
        self.assertEqual(len(self.hash_pool.waiting), 1)
        self.assertIs(self.failureResultOf(second, Refused).value.code, codes.BUSY)
        self.drain()
        self.successResultOf(first)
        self.assertIsNone(self.enter(self.bob).session.welcome.failed)

    def test_too_many_log_ins(self) -> None:
        """When too many log-ins are under way the next is told so before anything is done for it."""
        self.bank.branch.tries = Turns(begin, 1, 1)
        self.log_in(AccountPin(self.alice.account, self.alice.pin))
        second = self.log_in(AccountPin(self.bob.account, self.bob.pin))
        self.assertIs(self.failureResultOf(second, Refused).value.code, codes.BUSY)
        self.assertEqual(len(self.read_pool.waiting), 1)

    def test_too_many_sign_ups(self) -> None:
        """Sign-ups count among them: they cannot fill the pool that hashes, so that each log-in is counted in vain."""
        self.bank.branch.tries = Turns(begin, 1, 1)
        visitor = Visitor(self.bank.branch, Terminal())
        details = ("+12025550177", None, None, None)
        first = Deferred.fromCoroutine(visitor.sign_up("carol", "a long and odd one", *details))
        refused = self.failureResultOf(self.log_in(AccountPin(self.alice.account, self.alice.pin)), Refused)
        self.assertIs(refused.value.code, codes.BUSY)
        second = Deferred.fromCoroutine(visitor.sign_up("dave", "a long and odd one", *details))
        self.assertIs(self.failureResultOf(second, Refused).value.code, codes.BUSY)
        self.assertEqual(len(self.hash_pool.waiting), 1)
        self.drain()
        self.successResultOf(first)


class Renewing(BranchCase):
    """Hashes that were made with other costs than today's."""

    def kept(self, kind: str) -> tuple[str, int]:
        """The hash of Alice's secret, and when she changed it."""
        mine = (secrets.c.customer_id == self.alice.customer_id) & (secrets.c.kind == kind)
        with self.bank.store.reading() as connection:
            hashed, changed_us = connection.execute(select(secrets.c.hash, secrets.c.changed_us).where(mine)).one()
        return hashed, changed_us

    def ways(self) -> Iterator[tuple[str, Any]]:
        """Alice's ways in, with the secret of each."""
        yield "password", NamePassword("alice", self.alice.password)
        yield "pin", AccountPin(self.alice.account, self.alice.pin)
        yield "pin", MobilePin(self.alice.mobile, self.alice.pin)

    def raise_costs(self) -> None:
        """Have the bank hash with another pass from now on."""
        passes = self.bank.branch.hasher._argon2.time_cost + 1
        self.bank.branch.hasher = Hasher(b"practice", passes, memory_kib=8)

    def test_renewed(self) -> None:
        """A log-in by an old hash succeeds and renews it, once; the next succeeds by the new one. Nothing is told."""
        for kind, credentials in self.ways():
            old = self.kept(kind)
            self.raise_costs()
            log_out = self.result(self.log_in(credentials))[2]
            self.result(log_out())
            new = self.kept(kind)
            self.assertNotEqual(new[0], old[0])
            self.assertIn(f",t={self.bank.branch.hasher._argon2.time_cost},", new[0])
            self.assertEqual(new[1], old[1])
            self.result(self.result(self.log_in(credentials))[2]())
            self.assertEqual(self.kept(kind), new)
        told = self.result(self.enter().notices(None)).notices
        self.assertEqual([one.kind for one in told], [NoticeKind.DEPOSIT])

    def test_wrong(self) -> None:
        """A wrong secret renews nothing."""
        old = self.kept("pin")
        self.raise_costs()
        self.assertRefused(self.log_in(AccountPin(self.alice.account, "13579")), codes.WRONG_SECRET)
        self.assertEqual(self.kept("pin"), old)

    def test_in_use(self) -> None:
        """A log-in that is refused because the account is in use renews nothing."""
        self.enter()
        old = self.kept("pin")
        self.raise_costs()
        self.assertRefused(self.log_in(AccountPin(self.alice.account, self.alice.pin)), codes.IN_USE)
        self.assertEqual(self.kept("pin"), old)

    def test_renewed_meanwhile(self) -> None:
        """The second of two log-ins at once, whose hash the first has renewed, has no wrong secret for that."""
        self.raise_costs()
        first, second = (self.start(self.log_in(AccountPin(self.alice.account, self.alice.pin))) for _ in range(2))
        for pool in (self.read_pool, self.lane_pool, self.hash_pool):
            pool.step()
            pool.step()
        self.drain()
        self.successResultOf(first)
        self.assertIs(self.failureResultOf(second, Refused).value.code, codes.IN_USE)

    def test_changed_meanwhile(self) -> None:
        """A secret that was changed while the old one was checked stays the one that it was changed to."""
        customer = self.enter()
        self.result(customer.log_out())
        self.raise_costs()
        begun = self.start(self.log_in(AccountPin(self.alice.account, self.alice.pin)))
        self.read_pool.step()
        self.lane_pool.step()
        self.hash_pool.step()
        changed = self.bank.branch.hasher.hash("86420")
        with self.bank.store.writing() as tx:
            customers.set_secret(tx, self.alice.customer_id, "pin", changed)
        self.drain()
        self.assertIs(self.failureResultOf(begun, Refused).value.code, codes.WRONG_SECRET)
        self.assertEqual(self.kept("pin")[0], changed)

    def test_busy(self) -> None:
        """An old hash is checked and renewed in one call of the pool: one that is full refuses neither half-way."""
        self.raise_costs()
        self.start(self.log_in(AccountPin(self.alice.account, self.alice.pin)))
        self.read_pool.step()
        self.lane_pool.step()
        self.assertEqual(len(self.hash_pool.waiting), 1)
        self.hash_pool.step()
        self.assertEqual((len(self.hash_pool.waiting), len(self.lane_pool.waiting)), (0, 1))
        self.drain()


class Registering(BranchCase):
    """A mobile number that nobody has."""

    def test_registered(self) -> None:
        """With a new number and a PIN the customer is made, and is there the next time."""
        _, customer, log_out = self.result(self.log_in(MobilePin(NEW_MOBILE, "24681")))
        self.assertTrue(customer.session.registered)
        details = self.result(customer.view_details())
        self.assertEqual((details.mobile, details.username), (NEW_MOBILE, None))
        self.result(log_out())
        again = self.result(self.log_in(MobilePin(NEW_MOBILE, "24681")))[1]
        self.assertFalse(again.session.registered)
        self.assertEqual(again.session.account_id, customer.session.account_id)

    def test_weak_pin(self) -> None:
        """A new number with a PIN too easy to guess makes nobody; a known one with it is only wrong."""
        for pin in ("1234", NEW_MOBILE[-5:]):
            self.assertRefused(self.log_in(MobilePin(NEW_MOBILE, pin)), codes.WEAK_SECRET, "pin")
        with self.bank.store.reading() as connection:
            self.assertFalse(access.is_known_mobile(connection, NEW_MOBILE))
        self.assertRefused(self.log_in(MobilePin(self.alice.mobile, "1234")), codes.WRONG_SECRET)

    def test_account_named(self) -> None:
        """Who names an account claims to be known, and is not registered."""
        self.assertRefused(self.log_in(MobilePin(NEW_MOBILE, "24681", self.alice.account)), codes.WRONG_SECRET)

    def test_two_at_once(self) -> None:
        """Of two who register one number at the same time one is registered, and the other checked against that."""
        for pin, code in (("24681", codes.IN_USE), ("13579", codes.WRONG_SECRET)):
            mobile = f"+12025550{pin[:3]}"
            first = self.log_in(MobilePin(mobile, "24681"))
            second = self.log_in(MobilePin(mobile, pin))
            self.read_pool.drain()
            self.drain()
            self.assertTrue(self.successResultOf(first)[1].session.registered)
            self.assertIs(self.failureResultOf(second, Refused).value.code, code)


class RealmTests(BranchCase):
    """Who is given which perspective."""

    def test_nobody_gets_what_is_not_theirs(self) -> None:
        """Anonymous comers are no customers, customers are no visitors, and nobody is what there is not."""
        realm = Realm(self.bank.branch)
        proven = Proven(self.bank.claim(self.alice), lockout.in_session(1, "pin"))
        for avatar_id, interface in ((b"", ICustomer), (proven, IVisitor), (proven, IFigures), ("alice", ICustomer)):
            with self.assertRaises(NotImplementedError):
                realm.requestAvatar(avatar_id, Terminal(), interface)

    def test_mind_says_where_it_is(self) -> None:
        """A customer's session needs to know where notices may go; who does not say that has none."""
        failed = self.bank.portal.login(AccountPin(self.alice.account, self.alice.pin), None, ICustomer)
        self.drain()
        self.failureResultOf(failed, TypeError)
        self.enter()

    def test_exclusive(self) -> None:
        """A second session on an account is refused while the first is open; another account is free."""
        self.enter()
        self.assertRefused(self.log_in(AccountPin(self.alice.account, self.alice.pin)), codes.IN_USE)
        self.assertRefused(self.log_in(NamePassword("alice", self.alice.password)), codes.IN_USE)
        self.enter(self.bob)

    def test_wrong_secret_before_in_use(self) -> None:
        """Who does not have the secret does not learn that the account is in use."""
        self.enter()
        self.assertRefused(self.log_in(AccountPin(self.alice.account, self.bob.pin)), codes.WRONG_SECRET)

    def test_welcome(self) -> None:
        """A session begins with what its terminal needs to know."""
        welcome = self.enter().session.welcome
        self.assertEqual((welcome.account, welcome.currency), (self.alice.account, "USD"))
        self.assertEqual((welcome.lease_seconds, welcome.last_login_us), (LEASE, None))


class Visiting(BranchCase):
    """Somebody who has not said who they are."""

    def sign_up(self, **changes: str | None) -> Awaitable[AccountView]:
        """Sign Carol up."""
        given: dict[str, Any] = {
            "username": "carol",
            "password": "carol's password",
            "mobile": "2025550177",
            "pin": "24688",
            "name": "Carol",
            "email": None,
        }
        signing_up: Awaitable[AccountView] = self.visitor().sign_up(**given | changes)
        return signing_up

    def test_greeting(self) -> None:
        """The greeting names protocol, bank and currency; the limits are the bank's."""
        visitor = self.visitor()
        self.assertEqual(visitor.greeting, Greeting("BANK/1", "Practice Bank", "USD"))
        self.assertIs(visitor.limits, self.bank.branch.limits)

    def test_counted(self) -> None:
        """A visitor is counted from coming to leaving, and leaves once."""
        tally = self.bank.branch.tally
        visitor, leave = self.visit()
        self.visitor()
        self.assertEqual(tally.connections, 2)
        leave()
        leave()
        self.assertEqual(tally.connections, 1)
        visitor.task_done()
        self.assertEqual(tally.tasks_processed, 1)

    def test_signed_up(self) -> None:
        """A new customer can log in by every way at once, with a number in its international spelling."""
        view = self.result(self.sign_up())
        self.assertEqual((view.currency, view.balance_minor), ("USD", 0))
        for credentials in (
            NamePassword("carol", "carol's password"),
            AccountPin(view.account, "24688"),
            MobilePin("+12025550177", "24688"),
        ):
            self.result(self.result(self.log_in(credentials))[2]())

    def test_without_a_pin(self) -> None:
        """A customer without a PIN cannot log in by one, not even an empty one."""
        view = self.result(self.sign_up(pin=None))
        for pin in ("", "24688"):
            self.assertRefused(self.log_in(AccountPin(view.account, pin)), codes.WRONG_SECRET)
        self.result(self.log_in(NamePassword("carol", "carol's password")))

    def test_refused(self) -> None:
        """What is wrong is told, in the order of the codes, and nobody is made."""
        for changes, code, field in (
            ({"mobile": "12", "password": "short"}, codes.BAD_FIELD, "mobile"),
            ({"password": "short", "username": "alice"}, codes.WEAK_SECRET, "password"),
            ({"pin": "1111", "username": "alice"}, codes.WEAK_SECRET, "pin"),
            ({"username": "carol-and-bob", "password": "Carol-and-Bob"}, codes.WEAK_SECRET, "password"),
            ({"mobile": "2025550177", "pin": "55501"}, codes.WEAK_SECRET, "pin"),
            ({"username": "alice"}, codes.TAKEN, "username"),
            ({"mobile": self.bob.mobile}, codes.TAKEN, "mobile"),
        ):
            self.assertRefused(self.sign_up(**changes), code, field)
        with self.bank.store.reading() as connection:
            self.assertIsNone(customers.customer_named(connection, "carol"))

    def test_two_at_once(self) -> None:
        """Of two who sign up with one name at the same time one gets it."""
        first, second = self.start(self.sign_up()), self.start(self.sign_up(mobile="2025550178"))
        self.drain()
        self.successResultOf(first)
        self.assertIs(self.failureResultOf(second, Refused).value.code, codes.TAKEN)

    def test_busy(self) -> None:
        """When too many secrets wait to be hashed nobody is made."""
        self.bank.branch.hash_pool = Turns(self.hash_pool, 1, 0)
        self.assertRefused(self.sign_up(), codes.BUSY)


class Acting(BranchCase):
    """What a customer can do."""

    def setUp(self) -> None:
        super().setUp()
        self.customer = self.enter()

    def test_details_and_accounts(self) -> None:
        """Details, accounts and balance are the session's own."""
        self.assertEqual(self.result(self.customer.view_details()).username, "alice")
        self.assertEqual(self.result(self.customer.balance()).balance_minor, 100_00)
        opened = self.result(self.customer.open_account("EUR"))
        default = self.result(self.customer.open_account(None))
        self.assertEqual((opened.currency, default.currency), ("EUR", "USD"))
        views = self.result(self.customer.accounts())
        self.assertEqual([view.account for view in views], [self.alice.account, opened.account, default.account])
        self.assertRefused(self.customer.open_account("XXX"), codes.BAD_FIELD, "currency")

    def test_money(self) -> None:
        """Deposits, withdrawals and transfers give receipts, and both sides have what they say."""
        receipts = [
            self.result(self.customer.deposit(50_00, "USD", "a")),
            self.result(self.customer.withdraw(20_00, "USD", "b")),
            self.result(self.customer.transfer(self.bob.account, 30_00, "USD", "c", "rent")),
        ]
        self.assertEqual([one.balance_minor for one in receipts], [150_00, 130_00, 100_00])
        self.assertEqual([one.amount_minor for one in receipts], [50_00, -20_00, -30_00])
        self.assertEqual((self.balance(self.alice), self.balance(self.bob)), (100_00, 30_00))
        statement = self.result(self.customer.statement(1, None))
        self.assertEqual(statement.lines[0].reference, "rent")
        self.assertEqual(self.bank.faults(), [])

    def test_money_refused(self) -> None:
        """What the ledger refuses is refused, and nothing moves."""
        euros = self.result(self.customer.open_account("EUR"))
        transfer = self.customer.transfer
        for asked, code in (
            (self.customer.withdraw(100_01, "USD", "a"), codes.NO_FUNDS),
            (self.customer.withdraw(1, "EUR", "b"), codes.OTHER_CURRENCY),
            (self.customer.deposit(1, "EUR", "c"), codes.OTHER_CURRENCY),
            (transfer("77777777", 1, "USD", "d", None), codes.NO_ACCOUNT),
            (transfer("TILL-USD", 1, "USD", "e", None), codes.NO_ACCOUNT),
            (transfer(self.alice.account, 1, "USD", "f", None), codes.SAME_ACCOUNT),
            (transfer(euros.account, 1, "USD", "g", None), codes.OTHER_CURRENCY),
            (self.customer.withdraw(1, "USD", "a"), codes.OTHER_CONTENT),
        ):
            self.assertRefused(asked, code)
        self.assertEqual(self.balance(self.alice), 100_00)

    def test_same_key_in_the_next_session(self) -> None:
        """A command sent again in another session, after its answer was lost, has the outcome it had."""
        first = self.result(self.customer.withdraw(20_00, "USD", "a"))
        self.result(self.customer.log_out())
        self.assertEqual(self.result(self.enter().withdraw(20_00, "USD", "a")), first)
        self.assertEqual(self.balance(self.alice), 80_00)

    def test_contact(self) -> None:
        """Details change, a mobile number in its international spelling; what is wrong changes nothing."""
        view = self.result(self.customer.update_contact("Alice", "alice@example.com", "2025550179"))
        self.assertEqual((view.name, view.email, view.mobile), ("Alice", "alice@example.com", "+12025550179"))
        self.assertEqual(self.result(self.customer.update_contact(None, None, None)).name, "Alice")
        self.assertRefused(self.customer.update_contact("X", None, "12"), codes.BAD_FIELD, "mobile")
        self.assertRefused(self.customer.update_contact("X", None, self.bob.mobile), codes.TAKEN, "mobile")
        self.assertEqual(self.result(self.customer.view_details()).name, "Alice")

    def test_secrets(self) -> None:
        """A secret is changed after either of the present ones was given; the old one then opens nothing."""
        self.result(self.customer.change_secret("pin", "97531", None, self.alice.pin))
        self.result(self.customer.change_secret("password", "another word", None, "97531"))
        self.result(self.customer.change_secret("pin", "86421", "another word", None))
        self.result(self.customer.log_out())
        self.assertRefused(self.log_in(AccountPin(self.alice.account, self.alice.pin)), codes.WRONG_SECRET)
        self.assertRefused(self.log_in(NamePassword("alice", self.alice.password)), codes.WRONG_SECRET)
        self.result(self.log_in(AccountPin(self.alice.account, "86421")))

    def test_secrets_refused(self) -> None:
        """A wrong secret is told before a weak one, and nothing changes."""
        change, pin, password = self.customer.change_secret, self.alice.pin, self.alice.password
        for asked, code, field in (
            (change("pin", "1111", None, "0000"), codes.WRONG_SECRET, None),
            (change("pin", "97531", self.bob.password, None), codes.WRONG_SECRET, None),
            (change("pin", "1111", password, None), codes.WEAK_SECRET, "new"),
            (change("password", "short", None, pin), codes.WEAK_SECRET, "new"),
            (change("password", "password1", None, pin), codes.WEAK_SECRET, "new"),
            (change("pin", self.alice.mobile[3:8], None, pin), codes.WEAK_SECRET, "new"),
            (change("pin", self.alice.account[-4:], None, pin), codes.WEAK_SECRET, "new"),
            (change("pin", "97531", None, None), codes.WRONG_SECRET, None),
        ):
            self.assertRefused(asked, code, field)
        self.result(self.customer.log_out())
        self.enter()

    def test_notices(self) -> None:
        """Notices are read and acknowledged."""
        self.result(self.customer.withdraw(1, "USD", "a"))
        inbox = self.result(self.customer.notices(None))
        self.assertEqual([one.kind for one in inbox.notices], [NoticeKind.DEPOSIT, NoticeKind.WITHDRAWAL])
        self.result(self.customer.acknowledge(2))
        self.assertEqual(self.result(self.customer.notices(None)).acknowledged, 2)
        self.assertRefused(self.customer.acknowledge(3), codes.BAD_FIELD, "upto")

    def test_told(self) -> None:
        """The board is told of what happened once it is stored, and not before."""
        begun = self.start(self.customer.transfer(self.bob.account, 1, "USD", "a", None))
        self.assertEqual(self.bank.board.events, [])
        self.drain()
        self.successResultOf(begun)
        self.assertEqual([one.kind for one in self.bank.board.events], [NoticeKind.PAID, NoticeKind.RECEIVED])

    def test_listening(self) -> None:
        """Notices go to the address that the terminal is at, to one port, until log-out."""
        listeners = self.bank.board.listeners
        first = self.customer.listen(4711).listener
        self.assertEqual(listeners, {first: (self.alice.account_id, HOST, 4711)})
        second = self.customer.listen(4712).listener
        self.assertEqual(listeners, {second: (self.alice.account_id, HOST, 4712)})
        self.result(self.customer.log_out())
        self.assertEqual(listeners, {})

    def test_refused_listening(self) -> None:
        """Where the board takes no other port now, the one before stays."""
        board = self.bank.board
        first = self.customer.listen(4711).listener
        board.full = True
        self.assertIs(self.assertRaises(Refused, self.customer.listen, 4712).code, codes.WAIT)
        self.assertEqual([*board.listeners], [first])

    def test_proven(self) -> None:
        """What the last probe brought proves the port, and nothing else does."""
        board = self.bank.board
        self.assertIs(self.assertRaises(Refused, self.customer.confirm, "0" * 32).code, codes.NO_PROBE)
        first, second = (self.customer.listen(port).listener for port in (4711, 4712))
        self.assertIs(self.assertRaises(Refused, self.customer.confirm, board.probes[first]).code, codes.NO_PROBE)
        self.customer.confirm(board.probes[second])
        self.assertEqual(board.proven, {second})
        self.result(self.customer.log_out())
        self.assertEqual(board.proven, set())

    def test_newest_notice(self) -> None:
        """It is the one that came last, or none where all were acknowledged."""
        self.assertEqual(self.result(self.customer.newest_notice()), 1)
        self.result(self.customer.withdraw(1, "USD", "a"))
        self.assertEqual(self.result(self.customer.newest_notice()), 2)
        self.result(self.customer.acknowledge(1))
        self.assertEqual(self.result(self.customer.newest_notice()), 2)
        self.result(self.customer.acknowledge(2))
        self.assertEqual(self.result(self.customer.newest_notice()), 0)

    def test_deleted(self) -> None:
        """With a secret the account is closed, what was on it is paid out, and the session is over."""
        delete = self.customer.delete_account
        self.assertRefused(delete(None, self.bob.pin, None), codes.WRONG_SECRET)
        self.assertRefused(delete(None, self.alice.pin, None), codes.NOT_EMPTY)
        self.assertRefused(delete(None, self.alice.pin, "77777777"), codes.NO_ACCOUNT)
        self.result(delete(self.alice.password, None, self.bob.account))
        self.assertEqual(self.balance(self.bob), 100_00)
        self.assertRefused(self.customer.balance(), codes.OVER)
        self.result(self.customer.log_out())
        self.assertRefused(self.log_in(AccountPin(self.alice.account, self.alice.pin)), codes.WRONG_SECRET)


MONEY = ("deposit", "withdraw", "transfer", "transfer_all", "hold", "capture", "release", "reverse")
"""What moves money or sets it aside."""


class LeaseCase(BranchCase):
    """A test with a session of Alice's, and another terminal that would like the account."""

    def setUp(self) -> None:
        super().setUp()
        self.customer = self.enter()
        self.received = self.pay_there_and_back()

    def pay_there_and_back(self) -> int:
        """Have Alice pay Bob, and Bob pay her; the number of what she received."""

        def pay(payer: Known, payee: Known) -> Transfer:
            return Transfer(
                customer_id=payer.customer_id,
                account_id=payer.account_id,
                fence=None,
                key="there and back",
                amount_minor=1,
                currency="USD",
                payee=payee.account,
            )

        with self.bank.store.writing() as tx:
            entry = payments.apply(tx, [pay(self.alice, self.bob), pay(self.bob, self.alice)])[1].entry
        assert entry is not None
        return entry.id

    def is_free(self) -> bool:
        """Whether the account can be had; who finds it free takes it."""
        begun = self.log_in(AccountPin(self.alice.account, self.alice.pin))
        self.drain()
        taken: list[bool] = []
        begun.addCallbacks(lambda _: taken.append(True), lambda failure: taken.append(failure.check(Refused) is None))
        return taken == [True]

    def everything(self) -> dict[str, Callable[[], Awaitable[Any]]]:
        """Everything that a customer may ask for, by name."""
        customer, pin, password = self.customer, self.alice.pin, self.alice.password
        return {
            "keep": customer.keep,
            "view_details": customer.view_details,
            "accounts": customer.accounts,
            "open_account": lambda: customer.open_account(None),
            "balance": customer.balance,
            "statement": lambda: customer.statement(None, None),
            "deposit": lambda: customer.deposit(1, "USD", "x1"),
            "withdraw": lambda: customer.withdraw(1, "USD", "x2"),
            "transfer": lambda: customer.transfer(self.bob.account, 1, "USD", "x3", None),
            "transfer_all": lambda: customer.transfer_all([Payee(self.bob.account, 1)], "USD", True, "x4"),
            "hold": self.release,  # an account with an open hold could not be deleted
            "capture": self.capture,
            "release": self.release,
            "holds": lambda: customer.holds(None),
            "reverse": lambda: customer.reverse(self.received, None, "x6", None),
            "allowance": customer.allowance,
            "payee": lambda: customer.payee(self.bob.account),
            "certify": lambda: customer.certify(1),
            "update_contact": lambda: customer.update_contact("Eve", None, None),
            "change_secret": lambda: customer.change_secret("pin", "97531", None, pin),
            "notices": lambda: customer.notices(None),
            "newest_notice": customer.newest_notice,
            "acknowledge": lambda: customer.acknowledge(1),
            "preferences": lambda: customer.preferences(None, None),
            "one_time": self.one_time,
            "enrol_app": lambda: customer.enrol_app(password, None),
            "confirm_app": self.confirm_app,
            "remove_app": self.remove_app,
            "delete_account": lambda: customer.delete_account(password, None, self.bob.account),
        }

    async def one_time(self) -> None:
        """Give a one-time password that nobody asked for."""
        try:
            await self.customer.one_time("0" * 32, "12345678")
        except Refused as refused:
            if refused.code is not codes.NO_CHALLENGE:
                raise

    async def confirm_app(self) -> None:
        """Have an app count that was offered a secret."""
        offered = await self.customer.enrol_app(self.alice.password, None)
        await self.customer.confirm_app(pyotp.TOTP(offered.secret).at(self.bank.clock.seconds()))

    async def remove_app(self) -> None:
        """Ask for an app to be removed, whether there is one or not."""
        try:
            await self.customer.remove_app(self.alice.password, None)
        except Refused as refused:
            if refused.code not in (codes.NO_APP, codes.ONE_TIME):
                raise

    async def capture(self) -> Receipt:
        """Hold and capture."""
        held: Held = await self.customer.hold(None, 1, "USD", None, "x7", None)
        receipt: Receipt = await self.customer.capture(held.hold, None, "x8", None)
        return receipt

    async def release(self) -> Receipt:
        """Hold and release."""
        held: Held = await self.customer.hold(None, 1, "USD", None, "x9", None)
        receipt: Receipt = await self.customer.release(held.hold, "x10")
        return receipt

    def state(self) -> tuple[object, ...]:
        """All that a customer could change."""
        with self.bank.store.reading() as connection:
            details = customers.customer(connection, self.alice.customer_id)
            secret = access.kept_hash(connection, self.alice.customer_id, "pin")
            account = customers.account(connection, self.alice.account_id)
            count = len(customers.open_accounts(connection, self.alice.customer_id))
            return details, secret, account, count, self.balance(self.bob)


class Leasing(LeaseCase):
    """For how long a session keeps its account."""

    def test_everything_is_tried_here(self) -> None:
        """The table of everything that can be asked is complete."""
        self.assertEqual({*self.everything(), "listen", "confirm", "session"}, set(ICustomer))

    def test_free_after_log_out(self) -> None:
        """The account is free as soon as the log-out is done."""
        self.result(self.customer.log_out())
        self.assertTrue(self.is_free())

    def test_log_out_twice(self) -> None:
        """A second log-out waits for the first, and ends nobody else's session."""
        first, second = self.customer.log_out(), self.customer.log_out()
        self.assertNoResult(second)
        self.drain()
        self.successResultOf(first)
        self.successResultOf(second)
        self.assertTrue(self.is_free())
        self.result(self.customer.log_out())
        self.assertFalse(self.is_free())

    def test_free_when_the_lease_has_run_out(self) -> None:
        """A terminal that just died keeps the account for its lease, to the second."""
        self.bank.clock.advance(LEASE - 1)
        self.assertFalse(self.is_free())
        self.bank.clock.advance(1)
        self.assertTrue(self.is_free())

    def test_every_request_renews(self) -> None:
        """Whatever is asked, keeping alive included, keeps the account for a whole lease more."""
        for name, ask in self.everything().items():
            if name == "delete_account":
                continue
            self.bank.clock.advance(LEASE * 2 / 3)
            self.result(ask())
            self.bank.clock.advance(LEASE * 2 / 3)
            self.assertFalse(self.is_free(), name)
            self.result(self.customer.keep())

    def test_renewed_when_due(self) -> None:
        """Requests close together cost no renewal each; from a third of the lease on the next one renews."""
        for advance, renewals in ((0, 0), (LEASE / 3 - 1, 0), (1, 1), (0, 0), (LEASE / 3 - 1, 0), (1, 1)):
            self.bank.clock.advance(advance)
            begun = self.start(self.customer.keep())
            self.assertEqual(len(self.lane_pool.waiting), renewals)
            self.drain()
            self.successResultOf(begun)

    def test_ran_out_and_nobody_took_it(self) -> None:
        """A session whose lease ran out, but whose account nobody took, goes on."""
        for name, ask in self.everything().items():
            self.bank.clock.advance(LEASE * 3)
            self.result(ask())
            if name != "delete_account":
                self.assertFalse(self.is_free(), name)

    def test_taken_over(self) -> None:
        """A session whose account was taken over is told so whatever it asks, and changes nothing."""
        self.bank.clock.advance(LEASE)
        self.assertTrue(self.is_free())
        before = self.state()
        for name, ask in self.everything().items():
            self.assertRefused(ask(), codes.OVER)
            self.assertEqual(self.state(), before, name)
        self.result(self.customer.log_out())
        self.assertFalse(self.is_free())

    def test_taken_over_between_two_thoughts(self) -> None:
        """Even what had found its lease good moves and changes nothing when another takes the account before it."""
        waiting = {}
        before = self.state()[:2]
        money = {name: ask for name, ask in self.everything().items() if name in ("deposit", "withdraw", "transfer")}
        self.start(self.bank.branch.lane.run(lambda _tx: None))
        self.start(self.bank.branch.lane.run(self.steal))
        for name, ask in {**money, "update_contact": self.everything()["update_contact"]}.items():
            waiting[name] = self.start(ask())
        self.drain()
        for name, begun in waiting.items():
            self.assertIs(self.failureResultOf(begun, Refused).value.code, codes.OVER, name)
        self.assertEqual(self.state()[:2], before)
        self.assertEqual((self.balance(self.alice), self.balance(self.bob)), (100_00, 0))

    def steal(self, tx: Transaction) -> None:
        """An errand in whose transaction the lease has run out, and another terminal takes the account."""
        later = replace(tx, at_us=tx.at_us + LEASE * 1_000_000)
        access.open_session(later, self.bank.claim(self.alice), PRACTICE_TERMS)

    def test_lease_of_the_day(self) -> None:
        """The lease is as long as the terms say."""
        self.result(self.customer.log_out())
        self.use_terms(lease_seconds=5)
        self.customer = self.enter()
        self.bank.clock.advance(5)
        self.assertTrue(self.is_free())


class LoggingOut(LeaseCase):
    """What is still done after log-out: nothing."""

    def test_nothing_begins(self) -> None:
        """After log-out whatever is asked is refused, before anything waits for a thread."""
        self.result(self.customer.log_out())
        before = self.state()
        for name, ask in self.everything().items():
            begun = self.start(ask())
            self.assertEqual([len(pool.waiting) for pool in self.pools], [0, 0, 0], name)
            self.assertIs(self.failureResultOf(begun, Refused).value.code, codes.OVER)
        self.assertEqual(self.state(), before)

    def test_what_waited_for_a_renewal(self) -> None:
        """What was waiting for the lease's renewal at log-out does not begin, and the account stays free."""
        for name in self.everything():
            if name in MONEY:
                continue  # money does not wait for a renewal, and arrives: see test_money_under_way
            self.setUp()
            before = self.state()
            self.bank.clock.advance(LEASE / 3)
            begun = self.start(self.everything()[name]())
            logged_out = self.customer.log_out()
            self.drain()
            self.successResultOf(logged_out)
            if name != "keep":
                self.assertIs(self.failureResultOf(begun, Refused).value.code, codes.OVER, name)
            else:
                begun.addErrback(lambda failure: failure.trap(Refused))
            self.assertEqual(self.state()[:2] + self.state()[3:], before[:2] + before[3:], name)
            self.assertTrue(self.is_free(), name)

    def test_what_waited_for_a_hash(self) -> None:
        """What was waiting for a secret to be checked at log-out does not go on."""
        before = self.state()
        waiting = [self.start(self.everything()[name]()) for name in ("change_secret", "delete_account")]
        self.read_pool.drain()
        logged_out = self.customer.log_out()
        self.drain()
        self.successResultOf(logged_out)
        for begun in waiting:
            self.assertIs(self.failureResultOf(begun, Refused).value.code, codes.OVER)
        self.assertEqual(self.state(), before)
        self.assertTrue(self.is_free())

    def test_money_under_way(self) -> None:
        """Money that was on its way before log-out arrives, and the account is free after it."""
        begun = self.start(self.customer.withdraw(20_00, "USD", "a"))
        logged_out = self.customer.log_out()
        self.drain()
        self.assertEqual(self.successResultOf(begun).balance_minor, 80_00)
        self.successResultOf(logged_out)
        self.assertTrue(self.is_free())

    def test_bank_is_closing(self) -> None:
        """When the bank takes nothing on any more log-out ends all the same; the lease then runs out by itself."""
        closed = self.bank.lane.close()
        self.result(self.customer.log_out())
        self.successResultOf(closed)
        self.assertEqual(self.bank.clock.seconds(), OPENED)
