"""Taking an account over from a session that was left open elsewhere."""

from dataclasses import replace
from typing import Any

from bankd.bank.terms import OneTime
from bankd.records import Session
from bankd.store import customers, sessions
from bankd.testing import PRACTICE_TERMS, PracticePost, Wire
from tests.test_second_factor import SecondFactorCase


class TakeOverCase(SecondFactorCase):
    """A test with a bank that asks for no one-time passwords otherwise, and a session of Alice's."""

    terms = replace(PRACTICE_TERMS, one_time=OneTime.OFF)

    def setUp(self) -> None:
        super().setUp()
        self.old = self.bank.log_in(self.alice)
        self.old.received()
        self.new = self.bank.connect()

    def enter(self, wire: Wire, more: str = " take_over=yes", pin: str | None = None) -> str:
        """What a log-in of Alice's is answered."""
        return self.ask(wire, f"LOGIN account={self.alice.account} pin={pin or self.alice.pin}{more}")

    def balance(self) -> int:
        """What Alice has."""
        with self.bank.store.reading() as connection:
            return customers.account(connection, self.alice.account_id).balance_minor


class TakingOver(TakeOverCase):
    """Who proves by a second factor to be the customer."""

    def test_with_the_second_factor(self) -> None:
        """The account is the new session's; the old one is told, closed, and can do nothing more."""
        answer = self.enter(self.new)
        self.assertEqual(self.ask(self.old, "NOOP"), "200")
        self.assertTrue(self.give(self.new, answer).startswith(f"200 account={self.alice.account} "))
        self.assertIn("end the session that is open elsewhere", self.bank.post.sent[-1][1].text)
        self.assertEqual(self.old.received(), ["* 410 reason=session"])
        self.assertFalse(self.old.connected)
        self.assertEqual(self.ask(self.new, "WITHDRAW amount=100 currency=USD key=k").split()[0], "200")
        self.new.drop()
        self.assertTrue(self.enter(self.bank.connect(), "").startswith("200 "))

    def test_at_another_node(self) -> None:
        """A session that this node does not know can do nothing more either: its fence is too low."""
        session: Session = self.old.protocol._standing.perspective.session
        realm: Any = self.bank.portal.realm
        realm._present.clear()
        self.assertTrue(self.give(self.new, self.enter(self.new)).startswith("200 "))
        self.assertTrue(self.old.connected)
        with self.bank.store.writing() as tx:
            moved = self.bank.deposit(self.alice, 1, "late")
            (outcome,) = self.bank.lane._apply(tx, [replace(moved, fence=session.fence)])
        self.assertIn("410", str(outcome))
        self.assertEqual(self.old.ask("x WITHDRAW amount=100 currency=USD key=x"), ["x 410 reason=session"])
        self.assertFalse(self.old.connected)
        self.assertEqual(self.balance(), 100_000)

    def test_without(self) -> None:
        """Without the field, with a wrong secret or a wrong one-time password the old session goes on undisturbed."""
        self.assertEqual(self.enter(self.new, ""), "423 reason=in_use")
        self.assertEqual(self.enter(self.new, pin="86420"), "401 reason=credentials")
        answer = self.enter(self.new)
        wrong = "00000000" if self.password() != "00000000" else "11111111"
        self.assertTrue(self.give(self.new, answer, wrong).startswith("401 reason=code"))
        self.assertTrue(self.ask(self.old, "BALANCE").startswith("200 "))

    def test_no_device(self) -> None:
        """A customer whom no one-time password reaches has to wait for the lease."""
        self.bank.branch.post = NoPost()
        self.assertEqual(self.enter(self.new), "403 reason=device")
        self.assertTrue(self.ask(self.old, "BALANCE").startswith("200 "))

    def test_free_account(self) -> None:
        """On an account that is free the field changes nothing."""
        self.old.ask("q LOGOUT")
        self.assertTrue(self.enter(self.new).startswith("200 "))
        self.assertEqual(self.bank.post.sent, [])

    def test_other_value(self) -> None:
        """It is asked by yes, or not at all."""
        self.assertEqual(self.enter(self.new, " take_over=no"), "400 reason=field field=take_over")


class PasswordsOfLogIns(SecondFactorCase):
    """One-time passwords that were asked for something less."""

    terms = replace(PRACTICE_TERMS, one_time=OneTime.LOGIN)

    def test_is_not_enough(self) -> None:
        """The one-time password of an ordinary log-in takes no account that has come into use meanwhile."""
        wire = self.bank.connect()
        for field, outcome in (("", "423 reason=in_use"), (" take_over=yes", "200 ")):
            answer = self.ask(wire, f"LOGIN account={self.alice.account} pin={self.alice.pin}{field}")
            with self.bank.store.writing() as tx:
                sessions.take(tx, self.alice.account_id, 30)
            self.assertTrue(self.give(wire, answer).startswith(outcome), outcome)


class NoPost(PracticePost):
    """A post that reaches nobody."""

    def route(self, contact: object) -> None:
        """By no way."""
