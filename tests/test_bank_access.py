"""Who may open a session, on which account, and with which secrets."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.bank import access, accounts
from bankd.bank.access import Claim
from bankd.codes import Refused
from bankd.records import PreferencesView, Session, Welcome
from bankd.store import customers
from bankd.store.claims import Identity
from bankd.testing import OPENED, PRACTICE_TERMS, PracticeBank


class AccessCase(SynchronousTestCase):
    """A test with a practice bank, at which Alice has two accounts."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder)
        self.addCleanup(self.bank.close)
        self.alice = self.bank.add_customer("alice")
        with self.bank.store.writing() as tx:
            opened = accounts.open_account(tx, self.bank.random.randrange, self.alice.customer_id, "EUR")
            self.second = customers.account(tx.connection, opened.id)

    def close_account(self, account_id: int) -> None:
        """Close an account."""
        with self.bank.store.writing() as tx:
            customers.change_account(tx, account_id, closed_us=tx.at_us)

    def assertRefused(self, caught: Refused, code: codes.Code, field: str | None = None) -> None:
        """It is this code, and this field is at fault."""
        self.assertEqual((caught.code, caught.field), (code, field))


class Claims(AccessCase):
    """Whom credentials claim to be."""

    def by_name(self, username: str, number: str | None = None) -> Claim | None:
        """The claim by user name."""
        with self.bank.store.reading() as connection:
            return access.claim(connection, Identity("username", username, "password", number))

    def by_mobile(self, mobile: str, number: str | None = None) -> Claim | None:
        """The claim by mobile number."""
        with self.bank.store.reading() as connection:
            return access.claim(connection, Identity("mobile", mobile, "pin", number))

    def by_account(self, number: str) -> Claim | None:
        """The claim by account number."""
        with self.bank.store.reading() as connection:
            return access.claim(connection, Identity("account", number, "pin", number))

    def hashed(self, kind: str) -> str | None:
        """Alice's kept secret."""
        with self.bank.store.reading() as connection:
            return access.kept_hash(connection, self.alice.customer_id, kind)

    def test_ways_in(self) -> None:
        """A user name is claimed with the password, a mobile and an account number with the PIN."""
        password, pin = self.hashed("password"), self.hashed("pin")
        self.assertNotEqual(password, pin)
        customer_id, account_id = self.alice.customer_id, self.alice.account_id
        self.assertEqual(self.by_name("alice"), Claim(customer_id, account_id, "password", password))
        self.assertEqual(self.by_mobile(self.alice.mobile), Claim(customer_id, account_id, "pin", pin))
        self.assertEqual(self.by_account(self.alice.account), Claim(customer_id, account_id, "pin", pin))

    def test_the_account_named(self) -> None:
        """Another of the customer's accounts is claimed when it is named."""
        claims = [
            self.by_name("alice", self.second.number),
            self.by_mobile(self.alice.mobile, self.second.number),
            self.by_account(self.second.number),
        ]
        self.assertEqual([claim and claim.account_id for claim in claims], [self.second.id] * 3)

    def test_the_oldest_open_account(self) -> None:
        """Without a name it is the oldest account that is open."""
        self.close_account(self.alice.account_id)
        claims = [self.by_name("alice"), self.by_mobile(self.alice.mobile)]
        self.assertEqual([claim and claim.account_id for claim in claims], [self.second.id] * 2)

    def test_nobody(self) -> None:
        """There is no claim to an unknown name or number, to another's account, or to a closed one."""
        bob = self.bank.add_customer("bob")
        self.close_account(self.alice.account_id)
        for claim in (
            self.by_name("eve"),
            self.by_name("alice", bob.account),
            self.by_name("alice", self.alice.account),
            self.by_mobile("+12025550999"),
            self.by_mobile(self.alice.mobile, bob.account),
            self.by_account("77777777"),
            self.by_account(self.alice.account),
            self.by_account("TILL-USD"),
        ):
            self.assertIsNone(claim)

    def test_customer_without_an_open_account(self) -> None:
        """A customer whose accounts are all closed has nothing to claim."""
        self.close_account(self.alice.account_id)
        self.close_account(self.second.id)
        self.assertIsNone(self.by_name("alice"))

    def test_known_mobile(self) -> None:
        """A mobile number is known when it is a customer's."""
        with self.bank.store.reading() as connection:
            self.assertTrue(access.is_known_mobile(connection, self.alice.mobile))
            self.assertFalse(access.is_known_mobile(connection, "+12025550999"))

    def test_claim_does_not_show_the_hash(self) -> None:
        """A claim that is printed or logged does not show the hash of the secret."""
        claim = self.by_name("alice")
        assert claim is not None and claim.hashed is not None
        self.assertNotIn(claim.hashed, repr(claim))


class Sessions(AccessCase):
    """A session from its opening to its end."""

    def setUp(self) -> None:
        super().setUp()
        self.claim = self.bank.claim(self.alice)

    def open(self, registered: bool = False) -> Session:
        """Open a session on the claimed account."""
        with self.bank.store.writing() as tx:
            return access.open_session(tx, self.claim, PRACTICE_TERMS, registered)

    def test_opened(self) -> None:
        """A session says who acts on which account under which fence, and when the customer was here last."""
        session = self.open(registered=True)
        welcome = Welcome(self.alice.account, "USD", 30, None)
        told_of_all = PreferencesView("none", 0, "USD")
        expected = Session(self.alice.customer_id, self.alice.account_id, 1, True, welcome, preferences=told_of_all)
        self.assertEqual(session, expected)
        self.bank.clock.advance(60)
        again = self.open()
        self.assertEqual((again.fence, again.registered), (2, False))
        self.assertEqual(again.welcome.last_login_us, OPENED * 1_000_000)

    def test_exclusive(self) -> None:
        """While one session is open another is refused, and that refusal is no log-in."""
        self.open()
        self.bank.clock.advance(1)
        with self.assertRaises(Refused) as caught:
            self.open()
        self.assertRefused(caught.exception, codes.IN_USE)
        with self.bank.store.reading() as connection:
            self.assertEqual(customers.last_login_us(connection, self.alice.customer_id), OPENED * 1_000_000)

    def test_account_closed_meanwhile(self) -> None:
        """An account that was closed after the claim was made has no sessions, and nobody learns why."""
        self.close_account(self.alice.account_id)
        with self.assertRaises(Refused) as caught:
            self.open()
        self.assertRefused(caught.exception, codes.WRONG_SECRET)

    def test_secret_changed_meanwhile(self) -> None:
        """A secret that was changed while it was being checked opens nothing."""
        with self.bank.store.writing() as tx:
            customers.set_secret(tx, self.alice.customer_id, "pin", "new")
        with self.assertRaises(Refused) as caught:
            self.open()
        self.assertRefused(caught.exception, codes.WRONG_SECRET)

    def test_ended(self) -> None:
        """The account is free as soon as its session has ended."""
        session = self.open()
        with self.bank.store.writing() as tx:
            access.end_session(tx, session)
        self.assertEqual(self.open().fence, 2)

    def test_renewed(self) -> None:
        """A renewed session keeps its account for a whole lease from then on."""
        session = self.open()
        self.bank.clock.advance(20)
        with self.bank.store.writing() as tx:
            access.renew_session(tx, session)
        self.bank.clock.advance(29)
        with self.assertRaises(Refused):
            self.open()

    def test_taken_over(self) -> None:
        """A session that lost its account to another cannot be renewed, and its end does not end the other."""
        session = self.open()
        self.bank.clock.advance(30)
        self.open()
        with self.assertRaises(Refused) as caught, self.bank.store.writing() as tx:
            access.renew_session(tx, session)
        self.assertRefused(caught.exception, codes.OVER)
        with self.bank.store.writing() as tx:
            access.end_session(tx, session)
        with self.assertRaises(Refused):
            self.open()
