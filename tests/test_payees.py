"""Whose an account is: what a payer is told, how often, and what that tells a stranger."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bankd.bank.payees import MOST_LOOKS
from bankd.payees import masked
from bankd.records import Limits
from bankd.testing import OPENED, PracticeBank

DAY = 86_400
PATIENT = Limits(login_seconds=9 * DAY, idle_seconds=9 * DAY, session_seconds=9 * DAY)


class Masks(SynchronousTestCase):
    """What is left of a name."""

    def test_first_letters(self) -> None:
        """Of each part the first letter, however long the part is, and of three parts at most."""
        for name, left in (
            ("Bob", "B***"),
            ("Bob Marley", "B*** M***"),
            ("  Li  ", "L***"),
            ("A", "A***"),
            ("Élodie van der Berg", "É*** v*** d***"),
            ("E\u0301lodie", "É***"),
            ("李 明", "李*** 明***"),
        ):
            self.assertEqual(masked(name), left)


class Payees(SynchronousTestCase):
    """Alice asks about others' accounts."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder, limits=PATIENT)
        self.addCleanup(self.bank.close)
        self.bank.clock.advance(DAY - OPENED % DAY)  # to midnight in UTC
        self.alice, self.bob = (self.bank.add_customer(name, 10_000) for name in ("alice", "bob"))
        self.hers = self.bank.log_in(self.alice)
        self.his = self.bank.log_in(self.bob)

    def asked(self, number: str) -> str:
        """What Alice is answered."""
        return self.hers.ask(f"a PAYEE to={number}")[-1].removeprefix("a ")

    def test_masked_name(self) -> None:
        """The name as its owner has told it, masked; none where the bank was told none."""
        told = f"200 account={self.bob.account} currency=USD"
        before = self.asked(self.bob.account)
        self.assertTrue(before.startswith(told), before)
        self.his.ask("a UPDATE_CONTACT name=Bob%20Marley")
        self.assertEqual(self.asked(self.bob.account), f"{told} name=B%2A%2A%2A%20M%2A%2A%2A")

    def test_who_cannot_be_paid(self) -> None:
        """An account that does not exist, one that is closed, a till, and one's own."""
        self.assertEqual(self.asked("10000000"), "404 reason=account")
        self.assertEqual(self.asked("TILL-USD"), "404 reason=account")
        self.assertEqual(self.asked(self.alice.account), "422 reason=same_account")
        closed = self.his.ask(f"a DELETE_ACCOUNT pin={self.bob.pin} payout={self.alice.account}")
        self.assertEqual(closed, ["a 200"])
        self.assertEqual(self.asked(self.bob.account), "404 reason=account")

    def test_so_many_a_day(self) -> None:
        """Every question counts, over sessions, until the day ends in UTC; paying goes on."""
        self.bank.clock.advance(DAY - 3600)
        for place in range(MOST_LOOKS - 1):
            self.assertEqual(self.asked(str(20_000_000 + place)), "404 reason=account")
        self.assertTrue(self.asked(self.bob.account).startswith("200 "))
        self.hers.ask("a LOGOUT")
        self.hers = self.bank.log_in(self.alice)
        self.assertRegex(self.asked(self.bob.account), r"^429 reason=wait seconds=3[56]\d\d$")
        paid = self.hers.ask(f"a TRANSFER to={self.bob.account} amount=1 currency=USD key=k1")[-1]
        self.assertTrue(paid.startswith("a 200 "), paid)
        self.bank.clock.advance(3600)
        self.assertTrue(self.asked(self.bob.account).startswith("200 "))

    def test_others_are_not_in_the_way(self) -> None:
        """Each customer has questions of their own."""
        for place in range(MOST_LOOKS + 1):
            self.asked(str(20_000_000 + place))
        told = self.his.ask(f"a PAYEE to={self.alice.account}")[-1]
        self.assertTrue(told.startswith("a 200 "), told)
