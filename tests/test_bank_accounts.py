"""Customers and accounts: how they begin, change and end."""

from pathlib import Path
from typing import Any

from stdnum import damm
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.bank import access, accounts, payments, reports
from bankd.codes import Code, Refused
from bankd.ledger.commands import Hold, Release, Transfer
from bankd.records import CustomerView, Event, NoticeKind, Session
from bankd.store import customers, journal
from bankd.store.claims import Identity
from bankd.store.customers import AccountRow
from bankd.testing import OPENED, PRACTICE_TERMS, Known, PracticeBank
from bankd.wire import grammar


class Numbers:
    """A source of numbers that gives these, and then fails."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = list(numbers)
        self.below: list[int] = []

    def __call__(self, below: int) -> int:
        """The next number."""
        self.below.append(below)
        return self.numbers.pop(0)


class AccountsCase(SynchronousTestCase):
    """A test with a practice bank, at which Alice has a session and 100 dollars, and Bob nothing."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder)
        self.addCleanup(self.bank.close)
        self.alice = self.bank.add_customer("alice", deposit_minor=100_00)
        self.bob = self.bank.add_customer("bob")
        self.session = self.open_session(self.alice.account_id)
        self.events: list[Event] = []

    def open_session(self, account_id: int) -> Session:
        """A session of Alice's on one of her accounts."""
        with self.bank.store.writing() as tx:
            return access.open_session(tx, self.bank.claim(self.alice, account_id), PRACTICE_TERMS)

    def open_account(self, currency: str = "USD", number: str | None = None) -> AccountRow:
        """Another account of Alice's."""
        with self.bank.store.writing() as tx:
            return accounts.open_account(tx, self.bank.random.randrange, self.alice.customer_id, currency, number)

    def account(self, known: Known) -> AccountRow:
        """A customer's account as it is."""
        with self.bank.store.reading() as connection:
            return customers.account(connection, known.account_id)

    def assertRefused(self, caught: Refused, code: codes.Code, field: str | None = None) -> None:
        """It is this code, and this field is at fault."""
        self.assertEqual((caught.code, caught.field), (code, field))


class SigningUp(AccountsCase):
    """How a customer begins."""

    def sign_up(self, hashes: dict[str, str], **details: str | None) -> AccountRow:
        """Make a customer."""
        with self.bank.store.writing() as tx:
            return accounts.sign_up(tx, PRACTICE_TERMS, self.bank.random.randrange, details, hashes)

    def test_signed_up(self) -> None:
        """A customer has the details and secrets given, and an empty account in the bank's currency."""
        account = self.sign_up({"pin": "hashed"}, username="carol", mobile="+12025550170", name="Carol", email=None)
        self.assertEqual((account.currency, account.balance_minor, account.closed_us), ("USD", 0, None))
        with self.bank.store.reading() as connection:
            at_us = OPENED * 1_000_000
            self.assertEqual(
                customers.customer(connection, account.customer_id),
                CustomerView(at_us, at_us, "carol", "Carol", "+12025550170", None),
            )
            self.assertEqual(access.kept_hash(connection, account.customer_id, "pin"), "hashed")
            self.assertIsNone(access.kept_hash(connection, account.customer_id, "password"))

    def test_taken(self) -> None:
        """A user name and a mobile number belong to one customer, and the user name is looked at first."""
        for details, field in (
            ({"username": "alice", "mobile": "+12025550170"}, "username"),
            ({"username": "carol", "mobile": self.bob.mobile}, "mobile"),
            ({"username": "alice", "mobile": self.bob.mobile}, "username"),
            ({"mobile": self.bob.mobile}, "mobile"),
        ):
            with self.assertRaises(Refused) as caught:
                self.sign_up({}, **details)
            self.assertRefused(caught.exception, codes.TAKEN, field)

    def test_without_names(self) -> None:
        """Customers without a user name do not take it from each other."""
        first, second = self.sign_up({}, mobile="+12025550171"), self.sign_up({}, mobile="+12025550172")
        self.assertNotEqual(first.customer_id, second.customer_id)


class Opening(AccountsCase):
    """Accounts and their numbers."""

    def test_number(self) -> None:
        """A new number has eight digits, no leading zero, and a check digit by Damm."""
        for lowest_and_highest in (0, 8_999_999):
            random = Numbers(lowest_and_highest)
            with self.bank.store.writing() as tx:
                number = accounts.open_account(tx, random, self.alice.customer_id, "USD").number
            self.assertEqual(random.below, [9_000_000])
            self.assertEqual((len(number), number[:7]), (8, str(1_000_000 + lowest_and_highest)))
            self.assertTrue(damm.is_valid(number))

    def test_number_in_use(self) -> None:
        """A number that an account has, or had before it was closed, is not given again."""
        body = int(self.alice.account[:-1]) - 1_000_000
        with self.bank.store.writing() as tx:
            customers.change_account(tx, self.bob.account_id, closed_us=tx.at_us)
            closed = int(self.bob.account[:-1]) - 1_000_000
            opened = accounts.open_account(tx, Numbers(body, closed, 5), self.alice.customer_id, "USD")
        self.assertEqual(opened.number[:7], "1000005")

    def test_number_given(self) -> None:
        """An account that is brought from elsewhere keeps its number."""
        self.assertEqual(self.open_account(number="ZZ-99999").number, "ZZ-99999")

    def test_till(self) -> None:
        """The first account in a currency brings its till, and the second finds it there."""
        for _ in range(2):
            account = self.open_account("EUR")
            self.assertEqual(account.currency, "EUR")
        with self.bank.store.reading() as connection:
            self.assertTrue(customers.has_till(connection, "EUR"))
        self.assertEqual(self.bank.faults(), [])

    def test_most(self) -> None:
        """A customer has at most MAX_ACCOUNTS open accounts; one that is closed makes room for another."""
        for _ in range(accounts.MAX_ACCOUNTS - 1):
            last = self.open_account()
        with self.assertRaises(Refused) as caught:
            self.open_account()
        self.assertRefused(caught.exception, codes.TOO_MANY)
        with self.bank.store.writing() as tx:
            customers.change_account(tx, last.id, closed_us=tx.at_us)
        self.open_account()

    def test_no_such_currency(self) -> None:
        """A code that is no currency, or has no minor units, is refused."""
        for currency in ("ABC", "XAU"):
            with self.assertRaises(Refused) as caught:
                self.open_account(currency)
            self.assertRefused(caught.exception, codes.BAD_FIELD, "currency")


class Contact(AccountsCase):
    """How a customer's details change."""

    def update(self, **details: str) -> CustomerView:
        """Update, and keep what is told."""
        with self.bank.store.writing() as tx:
            view = accounts.update_contact(tx, self.session, details)
            self.events = tx.events
            return view

    def test_changed(self) -> None:
        """What is given is set, the rest stays, the time is noted, and the customer is told once."""
        self.bank.clock.advance(5)
        view = self.update(name="Alice A.", email="alice@example.com")
        self.assertEqual((view.name, view.email, view.username), ("Alice A.", "alice@example.com", "alice"))
        self.assertEqual(view.contact_us - view.opened_us, 5_000_000)
        self.assertEqual(self.events, [Event(self.alice.account_id, 2, NoticeKind.CONTACT)])

    def test_confirmed(self) -> None:
        """Details that are confirmed, by giving none or the same, are confirmed now, and nobody is told."""
        for details in ({}, {"mobile": self.alice.mobile}):
            self.bank.clock.advance(5)
            view = self.update(**details)
            self.assertEqual(view.contact_us, int(self.bank.clock.seconds()) * 1_000_000)
            self.assertEqual(self.events, [])

    def test_taken(self) -> None:
        """A mobile number of another customer is refused, and nothing else of the request is done."""
        with self.assertRaises(Refused) as caught:
            self.update(name="Eve", mobile=self.bob.mobile)
        self.assertRefused(caught.exception, codes.TAKEN, "mobile")
        with self.bank.store.reading() as connection:
            self.assertIsNone(reports.details(connection, self.session).name)

    def test_every_account_is_told(self) -> None:
        """A change is an event on each of the customer's open accounts, and on no closed one."""
        second, third = self.open_account(), self.open_account("EUR")
        with self.bank.store.writing() as tx:
            customers.change_account(tx, second.id, closed_us=tx.at_us)
        self.update(name="Alice A.")
        self.assertEqual([event.account_id for event in self.events], [self.alice.account_id, third.id])

    def test_secret(self) -> None:
        """A new secret takes the place of the one before, and the customer is told."""
        with self.bank.store.writing() as tx:
            accounts.set_secret(tx, self.session, "pin", "hashed")
            self.assertEqual(tx.events, [Event(self.alice.account_id, 2, NoticeKind.SECRET)])
            self.assertEqual(access.kept_hash(tx.connection, self.alice.customer_id, "pin"), "hashed")


class Deleting(AccountsCase):
    """How an account ends."""

    def delete(self, payout: str | None = None, session: Session | None = None) -> None:
        """Delete the session's account."""
        with self.bank.store.writing() as tx:
            accounts.delete_account(tx, session or self.session, payout)
            self.events = tx.events

    def assertDeleteRefused(self, payout: str, code: Code) -> None:
        """Fail unless the account cannot be deleted and paid out to another, with a code."""
        with self.assertRaises(Refused) as caught:
            self.delete(payout)
        self.assertRefused(caught.exception, code)

    def pay_out_by_hand(self, key: str, amount_minor: int) -> None:
        """A payment from Alice to Bob under a key that she chose."""
        with self.bank.store.writing() as tx:
            payments.apply(
                tx,
                [
                    Transfer(
                        customer_id=self.alice.customer_id,
                        account_id=self.alice.account_id,
                        fence=self.session.fence,
                        key=key,
                        amount_minor=amount_minor,
                        currency="USD",
                        payee=self.bob.account,
                    )
                ],
            )

    def test_money_needs_somewhere_to_go(self) -> None:
        """An account that holds money stays as it is when no account to pay out to is named."""
        with self.assertRaises(Refused) as caught:
            self.delete()
        self.assertRefused(caught.exception, codes.NOT_EMPTY)
        self.assertIsNone(self.account(self.alice).closed_us)

    def test_paid_out(self) -> None:
        """What is on the account goes to the one named, both owners are told, and the account is closed."""
        self.delete(self.bob.account)
        self.assertEqual(self.account(self.alice).balance_minor, 0)
        self.assertEqual(self.account(self.alice).closed_us, OPENED * 1_000_000)
        self.assertEqual(self.account(self.bob).balance_minor, 100_00)
        alice, bob = self.alice.account_id, self.bob.account_id
        self.assertEqual(
            self.events,
            [
                Event(alice, 2, NoticeKind.PAID),
                Event(bob, 1, NoticeKind.RECEIVED),
                Event(alice, 3, NoticeKind.DELETION),
            ],
        )
        self.assertEqual(self.bank.faults(), [])

    def test_empty(self) -> None:
        """An empty account is closed without a payment, whether or not an account is named."""
        for payout in (None, self.bob.account, "77777777"):
            empty = self.open_account()
            self.delete(payout, self.open_session(empty.id))
            with self.bank.store.reading() as connection:
                self.assertIsNotNone(customers.account(connection, empty.id).closed_us)

    def test_payout_refused(self) -> None:
        """What refuses a transfer refuses the pay-out, and the account stays as it is, also for the next try."""
        euros = self.open_account("EUR")
        for payout, code in (
            ("77777777", codes.NO_ACCOUNT),
            (self.alice.account, codes.SAME_ACCOUNT),
            (euros.number, codes.OTHER_CURRENCY),
        ):
            self.assertDeleteRefused(payout, code)
        self.assertEqual(self.account(self.alice).balance_minor, 100_00)
        self.delete(self.bob.account)

    def test_account_before_payout(self) -> None:
        """What is wrong with the account itself is told before anything about the account to pay out to."""
        mine: dict[str, Any] = {"customer_id": self.alice.customer_id, "account_id": self.alice.account_id}
        mine["fence"] = self.session.fence
        with self.bank.store.writing() as tx:
            (held,) = payments.apply(tx, [Hold(**mine, key="h", currency="USD", amount_minor=1, seconds=600)])
            accounts.freeze(tx, self.alice.account)
        assert held.entry is not None
        self.assertDeleteRefused("77777777", codes.FROZEN)
        with self.bank.store.writing() as tx:
            accounts.unfreeze(tx, self.alice.account)
        self.assertDeleteRefused("77777777", codes.HELD)
        with self.bank.store.writing() as tx:
            payments.apply(tx, [Release(**mine, key="r", of_id=held.entry.id)])
            accounts.set_limits(tx, self.alice.account, {"payment_limit_minor": 5})
        self.assertDeleteRefused("77777777", codes.NO_ACCOUNT)
        self.assertDeleteRefused(self.bob.account, codes.PAYMENT_LIMIT)

    def test_key_of_the_payout_is_the_banks(self) -> None:
        """A customer cannot use up the key of the pay-out beforehand: no key that can be sent is like it."""
        self.pay_out_by_hand(f"payout.{self.alice.account_id}", 100_00)
        with self.bank.store.writing() as tx:
            payments.apply(tx, [self.bank.deposit(self.alice, 100_00, "again")])
        self.delete(self.bob.account)
        self.assertEqual(self.account(self.bob).balance_minor, 200_00)
        with self.bank.store.reading() as connection:
            entry = journal.entry(connection, journal.newest(connection)[0])
        assert entry is not None
        self.assertRaises(ValueError, grammar.KEY.parse, entry.key)

    def test_overdrawn(self) -> None:
        """An account that is overdrawn is not closed, whatever account is named: nobody else pays what is missing."""
        with self.bank.store.writing() as tx:
            accounts.set_limits(tx, self.alice.account, {"floor_minor": -50})
        self.pay_out_by_hand("more", 100_50)
        for payout in (None, self.bob.account):
            with self.assertRaises(Refused) as caught:
                self.delete(payout)
            self.assertRefused(caught.exception, codes.NO_FUNDS)
        self.assertEqual(self.account(self.bob).balance_minor, 100_50)
        self.assertIsNone(self.account(self.alice).closed_us)

    def test_session_lost(self) -> None:
        """The money stays where it is when the session has lost the account to another."""
        self.bank.clock.advance(60)
        self.open_session(self.alice.account_id)
        with self.assertRaises(Refused) as caught:
            self.delete(self.bob.account)
        self.assertRefused(caught.exception, codes.OVER)

    def test_last_account(self) -> None:
        """With the last account the customer is forgotten; name and number may be another's, the account's may not."""
        self.delete(self.bob.account)
        with self.bank.store.reading() as connection:
            self.assertIsNone(access.claim(connection, Identity("username", "alice", "password")))
            self.assertIsNone(access.kept_hash(connection, self.alice.customer_id, "pin"))
            self.assertIsNotNone(customers.account_numbered(connection, self.alice.account))
        again = self.bank.add_customer("alice", mobile=self.alice.mobile)
        self.assertNotEqual(again.customer_id, self.alice.customer_id)

    def test_another_account(self) -> None:
        """While another account is open the customer stays, and it is told of the deletion too."""
        second = self.open_account()
        self.delete(self.bob.account)
        self.assertIn(Event(second.id, 1, NoticeKind.DELETION), self.events)
        with self.bank.store.reading() as connection:
            claim = access.claim(connection, Identity("username", "alice", "password"))
        self.assertEqual(claim and claim.account_id, second.id)

    def test_nobody_can_pay_it_any_more(self) -> None:
        """A closed account can be paid by nobody, and its owner's session is over."""
        self.delete(self.bob.account)
        with self.assertRaises(Refused) as caught, self.bank.store.writing() as tx:
            access.open_session(tx, self.bank.claim(self.alice), PRACTICE_TERMS)
        self.assertRefused(caught.exception, codes.WRONG_SECRET)
        with self.bank.store.writing() as tx:
            outcome = payments.apply(
                tx,
                [
                    Transfer(
                        customer_id=self.bob.customer_id,
                        account_id=self.bob.account_id,
                        fence=None,
                        key="k",
                        amount_minor=1,
                        currency="USD",
                        payee=self.alice.account,
                    )
                ],
            )[0]
        self.assertIs(outcome.code, codes.NO_ACCOUNT)


class LimitsOfItsOwn(AccountsCase):
    """What an operator lets one account spend."""

    def set_limits(self, number: str = "", **limits: int | None) -> AccountRow:
        """Set limits of Alice's account, or of the one with a number."""
        with self.bank.store.writing() as tx:
            return accounts.set_limits(tx, number or self.alice.account, limits)

    def test_set(self) -> None:
        """What is given is set, the rest stays, and the account as it then is comes back."""
        self.set_limits(payment_limit_minor=10, floor_minor=-30)
        row = self.set_limits(payment_limit_minor=None, day_limit_minor=0)
        self.assertEqual(row, self.account(self.alice))
        self.assertEqual((row.payment_limit_minor, row.day_limit_minor, row.floor_minor), (None, 0, -30))

    def test_below_what_is_used(self) -> None:
        """The overdraft stays at least what is used of it, with what is held."""
        self.set_limits(floor_minor=-50)
        with self.bank.store.writing() as tx:
            customers.change_account(tx, self.alice.account_id, held_minor=100_20)
        with self.assertRaises(Refused) as caught:
            self.set_limits(floor_minor=-19, day_limit_minor=1)
        self.assertRefused(caught.exception, codes.NO_FUNDS)
        self.assertIsNone(self.account(self.alice).day_limit_minor)
        self.assertEqual(self.set_limits(floor_minor=-20).available_minor, 0)

    def test_no_such_account(self) -> None:
        """An account that is closed, or never was, has no limits to set."""
        empty = self.open_account()
        session = self.open_session(empty.id)
        with self.bank.store.writing() as tx:
            accounts.delete_account(tx, session, None)
        for number in (empty.number, "77777777", "TILL-USD"):
            with self.assertRaises(Refused) as caught:
                self.set_limits(number, day_limit_minor=1)
            self.assertRefused(caught.exception, codes.NO_ACCOUNT)
