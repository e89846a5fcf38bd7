"""The witness of the ordeals: what it lets pass, and each thing that it must not."""

import random
from pathlib import Path

from sqlalchemy import text
from twisted.trial.unittest import SynchronousTestCase

from bankd.bank import payments
from bankd.store import customers
from bankd.testing import PracticeBank
from bankd.wire.grammar import write_time
from tests.ordeals.operations import NOBODY, Item, Operation, fields, read, spoken
from tests.ordeals.wishes import Wishes
from tests.ordeals.witness import Witness
from tests.ordeals.wrong import Wrong

DEPOSITED = 1_000


class WitnessCase(SynchronousTestCase):
    """A bank with two customers, and a witness of what they do from now on. Who is ``listening`` is told of it."""

    listening: tuple[str, ...] = ()

    def setUp(self) -> None:
        """Open the bank."""
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder)
        self.addCleanup(self.bank.close)
        known = [self.bank.add_customer(name, DEPOSITED) for name in ("alice", "bob")]
        with self.bank.store.reading() as connection:
            self.alice, self.bob = (customers.account(connection, customer.account_id) for customer in known)
            rows = {"alice": self.alice, "bob": self.bob}
            listening = [rows[name] for name in self.listening]
            self.witness = Witness(connection, self.bank.store.chain_key, rows.values(), listening)

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


class EveryVerb(WitnessCase):
    """Holds, what ends them, and sets of payments."""

    def wish(self, operation: Operation) -> Operation:
        """Have an operation asked, carried out and answered."""
        self.witness.asked(operation)
        self.witness.answered(operation, self.carry_out(operation))
        return operation

    def hold(self, key: str = "h", seconds: int = 60) -> Operation:
        """Alice sets 100 aside for bob."""
        return self.wish(Operation(self.alice, "HOLD", 100, key, self.bob, seconds=seconds))

    def end(self, verb: str, key: str, hold: Operation, amount_minor: int = 0) -> Operation:
        """Bob ends a hold."""
        number = int(fields(hold.answer or "")["hold"])
        return self.wish(Operation(self.bob, verb, amount_minor, key, hold=number))

    def pay_all(self, *amounts: int, together: bool = False, to: str = "") -> Operation:
        """Alice pays bob, or ``to``, several amounts at once."""
        items = tuple(Item(to or self.bob.number, amount) for amount in amounts)
        return self.wish(Operation(self.alice, "BULK", 0, "set", items=items, together=together))

    def test_all_is_well(self) -> None:
        """Each verb, carried out and refused; all of it read back from how it travels."""
        first, second, third = (self.hold(key) for key in ("h1", "h2", "h3"))
        made = [
            self.end("CAPTURE", "c1", first, 40),
            self.end("CAPTURE", "c2", second),
            self.end("RELEASE", "r1", third),
            self.end("RELEASE", "r2", third),
            self.pay_all(1, 5_000, 2),
            self.wish(Operation(self.alice, "BULK", 0, "all", items=(Item(NOBODY, 1),), together=True)),
            self.wish(Operation(self.alice, "TRANSFER", 1, "nobody")),
        ]
        self.settle()
        self.assertEqual([operation.done for operation in made], [True, True, True, False, True, False, False])
        self.assertEqual(self.witness.count(), (7, 3, 0))
        accounts = {row.number: row for row in (self.alice, self.bob)}
        for operation in made:
            self.assertEqual(read(operation.row, operation.lines, accounts).request, operation.request)

    def test_an_expiry(self) -> None:
        """The bank ends a hold whose time has passed; before that it must not."""
        self.hold("short", seconds=1)
        self.bank.clock.advance(2)
        self.expire()
        self.settle()
        self.hold("long", seconds=60)
        self.bank.clock.advance(61)
        self.expire()
        self.tamper("UPDATE journal SET at_us = at_us - 30000000 WHERE kind = 'expiry' AND of_id > 4")
        self.assertWrong("nobody asked for")

    def expire(self) -> None:
        """Have the bank end what has to end."""
        with self.bank.store.writing() as tx:
            self.assertEqual(payments.expire_holds(tx), 1)

    def test_a_hold_not_as_acknowledged(self) -> None:
        """Set aside for another time, or another amount, than was acknowledged."""
        hold = self.hold()
        hold.answer = (hold.answer or "").replace("amount=100", "amount=10")
        self.assertWrong("and stands in the journal as")

    def test_ended_twice(self) -> None:
        """A hold that is captured after it was released."""
        hold = self.hold()
        self.end("RELEASE", "r", hold)
        self.look()
        again = self.end("CAPTURE", "c", self.hold("other"))
        again.hold = int(fields(hold.answer or "")["hold"])
        self.tamper(f"UPDATE journal SET of_id = {again.hold} WHERE key = 'c'")
        self.assertWrong(" became ")

    def test_more_than_was_held(self) -> None:
        """A capture of more than was set aside."""
        hold = self.hold()
        self.end("CAPTURE", "c", hold, 100).amount_minor = 101
        self.tamper("UPDATE journal SET amount_minor = 101 WHERE key = 'c'")
        self.assertWrong(" became ")

    def test_a_part_of_a_set(self) -> None:
        """A set that goes together, and of which a payment is missing."""
        self.pay_all(1, 2, together=True)
        self.tamper("DELETE FROM journal WHERE key = 'set:2'")
        self.assertWrong("and stands in the journal as")

    def test_a_set_not_as_acknowledged(self) -> None:
        """A set whose sum is not that of its payments; and one refused in part that was to go together."""
        paid = self.pay_all(1, 2)
        paid.answer = (paid.answer or "").replace("amount=3", "amount=4")
        self.assertWrong("and stands in the journal as")

    def test_a_set_refused_in_part(self) -> None:
        """A set that was to go together, and went in part."""
        self.pay_all(1, 5_000).together = True
        self.assertWrong("and stands in the journal as")

    def test_nobody_is_paid(self) -> None:
        """A payment to nobody that somebody got, and one that was refused for a reason that is not so."""
        payment = Operation(self.alice, "TRANSFER", 1, "nobody")
        self.assertRaises(Wrong, self.witness.answered, payment, "402 reason=funds")
        self.witness.asked(Operation(self.alice, "TRANSFER", 1, "k"))
        self.carry_out(Operation(self.alice, "TRANSFER", 1, "k", self.bob))
        self.assertWrong(" became ")

    def test_a_balance_out_of_nowhere(self) -> None:
        """A balance that is not the one before and what was moved."""
        self.do()
        self.tamper("UPDATE journal SET credit_balance = credit_balance + 1 WHERE key = 'k'")
        self.assertWrong("held 1000 before")


class ForLong(WitnessCase):
    """A witness that forgets what it found right."""

    def setUp(self) -> None:
        """A payment that was carried out, and one that was refused; both forgotten."""
        super().setUp()
        self.paid, self.refused = self.do(key="paid"), self.do(DEPOSITED, "refused")
        self.look()
        self.witness.forget()

    def test_all_is_well(self) -> None:
        """What was forgotten counts, and may be answered again; what was unknown once is counted."""
        self.witness.heard(self.alice, "paid", self.paid.answer or "")
        doubted = self.payment(key="doubted")
        self.witness.doubted(self.alice, "doubted")
        self.witness.heard(self.alice, "doubted", self.carry_out(doubted))
        self.settle()
        self.witness.forget()
        self.assertEqual((self.witness.count(), self.witness.resolved), ((2, 1, 0), 1))

    def test_answered_otherwise(self) -> None:
        """An answer that is not the first one."""
        for key, answer in (("paid", "402 reason=funds"), ("refused", self.paid.answer or "")):
            self.assertRaises(Wrong, self.witness.heard, self.alice, key, answer)

    def test_carried_out_later(self) -> None:
        """Carried out under a key that had its answer long ago."""
        self.tamper("DELETE FROM outcomes")
        self.carry_out(Operation(self.alice, "TRANSFER", 1, "refused", self.bob))
        self.assertWrong("was carried out twice, or was refused and carried out")

    def test_balances(self) -> None:
        """Accounts that do not hold what was forgotten."""
        self.witness._balances[self.alice.id] += 1
        self.assertWrong("and the answers add up to")


class Listening(WitnessCase):
    """Bob listens."""

    listening = ("bob",)

    def told(self, number: int, **otherwise: str) -> None:
        """Have bob told of a notice, of the payment to him unless ``otherwise``."""
        entry = self.paid.entries[0]
        said = {"kind": "received", "at": write_time(entry.at_us), "amount": "100", "balance": "1100"}
        self.witness.listeners.told(self.bob, {"number": str(number)} | said | otherwise)

    def setUp(self) -> None:
        """Alice has paid him."""
        super().setUp()
        self.paid = self.do()
        self.look()

    def test_all_is_well(self) -> None:
        """Told once, in order; and of what moves no money, which no entry tells."""
        self.told(2)
        self.witness.listeners.told(self.bob, {"number": "3", "kind": "failed"})
        self.settle()

    def test_never_told(self) -> None:
        """Not told at all."""
        self.assertWrong("nobody told")

    def test_by_itself(self) -> None:
        """The end of a hold by itself must be told as all else, unless nobody listened any more."""
        self.told(2)
        hold = Operation(self.alice, "HOLD", 100, "h", self.bob, seconds=1)
        self.witness.asked(hold)
        self.witness.answered(hold, self.carry_out(hold))
        self.look()
        self.bank.clock.advance(2)
        with self.bank.store.writing() as tx:
            payments.expire_holds(tx)
        self.look()
        at = write_time(hold.entries[0].at_us)
        self.witness.listeners.told(
            self.bob, {"number": "3", "kind": "promised", "at": at, "amount": "100", "balance": "1100"}
        )
        self.assertWrong("nobody told")
        self.witness.listeners.settle(hold.entries[0].at_us)

    def test_told_twice(self) -> None:
        """Told a second time, or of a later one first."""
        self.told(2)
        for number in (2, 4):
            self.assertRaises(Wrong, self.told, number)

    def test_told_otherwise(self) -> None:
        """Told of another amount, of another kind, or of what did not happen."""
        self.assertRaises(Wrong, self.told, 2, amount="101")
        self.witness.listeners.seen[self.bob.id] = 1
        self.assertRaises(Wrong, self.told, 2, kind="paid")
        self.assertRaises(Wrong, self.told, 3)


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
