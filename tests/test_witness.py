"""The witness of the ordeals: what it lets pass, and each thing that it must not."""

import random
from pathlib import Path

from sqlalchemy import text
from twisted.trial.unittest import SynchronousTestCase

from bankd.bank import payments
from bankd.store import customers
from bankd.testing import PracticeBank
from tests.ordeals.witness import Operation, Wishes, Witness, Wrong, spoken

DEPOSITED = 1_000


class WitnessCase(SynchronousTestCase):
    """A bank with two customers, and a witness of what they do from now on."""

    def setUp(self) -> None:
        """Open the bank."""
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder)
        self.addCleanup(self.bank.close)
        known = [self.bank.add_customer(name, DEPOSITED) for name in ("alice", "bob")]
        with self.bank.store.reading() as connection:
            self.alice, self.bob = (customers.account(connection, customer.account_id) for customer in known)
            self.witness = Witness(connection, self.bank.store.chain_key, [self.alice, self.bob])

    def payment(self, amount_minor: int = 100, key: str = "k") -> Operation:
        """Alice wants to pay bob."""
        operation = Operation(self.alice, "TRANSFER", amount_minor, key, self.bob)
        self.witness.asked(operation)
        return operation

    def carry_out(self, operation: Operation) -> str:
        """Have the bank carry an operation out; its answer, which nobody has heard yet."""
        with self.bank.store.writing() as tx:
            return spoken(operation, payments.apply(tx, [operation.command])[0])

    def do(self, amount_minor: int = 100, key: str = "k") -> Operation:
        """A payment that is asked, carried out and answered."""
        operation = self.payment(amount_minor, key)
        self.witness.answered(operation, self.carry_out(operation))
        return operation

    def tamper(self, statement: str) -> None:
        """Change what the bank keeps."""
        with self.bank.store.writing() as tx:
            tx.connection.execute(text(statement))

    def look(self) -> int:
        """Have the witness look at the journal."""
        with self.bank.store.reading() as connection:
            return self.witness.look(connection)

    def settle(self) -> None:
        """Have the witness settle the accounts."""
        with self.bank.store.reading() as connection:
            self.witness.settle(connection)

    def assertWrong(self, words: str) -> None:
        """The witness finds just this wrong."""
        self.assertIn(words, str(self.assertRaises(Wrong, self.settle)))


class Right(WitnessCase):
    """What a bank does that keeps its promises."""

    def test_all_is_well(self) -> None:
        """Payments that were carried out or refused are counted, in the order of the journal."""
        paid, refused = self.do(key="first"), self.do(DEPOSITED, "much")
        self.settle()
        self.assertEqual((paid.done, refused.answer), (True, "402 reason=funds"))
        self.assertEqual(self.witness.count(), (1, 1, 0))
        self.assertEqual(self.witness.made(self.alice), [paid])

    def test_answers_that_say_nothing(self) -> None:
        """After `503 busy` an outcome is as unknown as before, and the next answer counts."""
        operation = self.payment()
        self.witness.answered(operation, "503 reason=busy")
        self.assertEqual(self.witness.count(), (0, 0, 1))
        self.witness.answered(operation, self.carry_out(operation))
        self.settle()

    def test_unknown(self) -> None:
        """What nobody answered may be there or not; what is there is counted, and must be answered in the end."""
        there = self.payment(key="there")
        self.payment(key="not")
        self.carry_out(there)
        self.assertEqual(self.look(), 1)
        self.assertWrong("has no answer yet")


class NotRight(WitnessCase):
    """What a witness must not let pass."""

    def test_lost(self) -> None:
        """Acknowledged, and not there."""
        operation = self.payment()
        answer = "200 receipt=3 at=2026-09-21T14:13:20.000000Z amount=-100 balance=900 currency=USD"
        self.witness.answered(operation, answer)
        self.assertWrong("is lost")

    def test_not_as_acknowledged(self) -> None:
        """There, but with another balance than was acknowledged."""
        operation = self.payment()
        self.witness.answered(operation, self.carry_out(operation).replace("balance=900", "balance=901"))
        self.assertWrong("and stands in the journal as")

    def test_refused_and_done(self) -> None:
        """Refused, and there all the same."""
        operation = self.payment()
        self.carry_out(operation)
        self.witness.answered(operation, "402 reason=funds")
        self.assertWrong("was answered 402 reason=funds, and was carried out")

    def test_another_answer(self) -> None:
        """Answered otherwise when it was asked again."""
        operation = self.do()
        self.assertRaises(Wrong, self.witness.answered, operation, "402 reason=funds")

    def test_no_answer_to_expect(self) -> None:
        """An answer that such a request does not deserve."""
        for answer in ("500 reason=incident incident=1", "404 reason=account", "409 reason=key"):
            self.assertRaises(Wrong, self.witness.answered, self.payment(key=answer[:3]), answer)

    def test_twice(self) -> None:
        """Carried out a second time under the same key."""
        self.do()
        self.look()
        self.tamper("UPDATE journal SET id = id + 1 WHERE key = 'k'")
        self.assertWrong("was carried out twice")

    def test_nobody_asked(self) -> None:
        """There, and asked for by nobody."""
        self.carry_out(Operation(self.alice, "DEPOSIT", 5, "mine"))
        self.assertWrong("nobody asked for")

    def test_other_content(self) -> None:
        """There, with another amount than was asked, or the other way round."""
        changes = ("amount_minor = 99", "debit_id = credit_id, credit_id = debit_id", "kind = 'deposit'")
        for key, change in enumerate(changes):
            self.do(key=str(key))
            self.tamper(f"UPDATE journal SET {change} WHERE key = '{key}'")
        for _ in changes:
            self.assertWrong(" became ")

    def test_below_zero(self) -> None:
        """A balance below zero."""
        self.do()
        self.tamper("UPDATE journal SET debit_balance = -1 WHERE key = 'k'")
        self.assertWrong("went below zero")

    def test_balances(self) -> None:
        """Accounts and entries that agree with each other, and not with what was answered."""
        self.do()
        self.look()
        self.witness._balances[self.alice.id] += 1
        self.assertWrong(f"account {self.alice.number} holds 900, and the answers add up to 901")

    def test_audit(self) -> None:
        """What the bank's own audit finds."""
        self.do()
        self.tamper("UPDATE accounts SET balance_minor = balance_minor + 1 WHERE floor_minor = 0")
        self.assertWrong("the bank's own audit finds")


class WishesTests(WitnessCase):
    """Operations at random."""

    def test_repeatable(self) -> None:
        """The same seed gives the same operations, another one others; nobody pays themselves."""

        def some(seed: int) -> list[str]:
            wishes = Wishes(seed, [self.alice, self.bob], 50)
            return [again.request for _ in range(50) for again in wishes.perhaps_again(wishes.anything(self.alice))]

        self.assertEqual(some(1), some(1))
        self.assertNotEqual(some(1), some(2))
        self.assertGreater(len(some(1)), 50)
        self.assertFalse([request for request in some(1) if f"to={self.alice.number} " in request])

    def test_some(self) -> None:
        """A sample of all that was asked, in order, and no more than there is."""
        operations = [self.do(1, f"k{number}") for number in range(5)]
        self.assertEqual(self.witness.some(random.Random(1), 9), operations)
        self.assertEqual(len(self.witness.some(random.Random(1), 3)), 3)
