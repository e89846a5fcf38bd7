"""Holds, reversals, limits, fees and sets: what each rule of the ledger makes, refuses, and leaves as it was."""

import inspect
import re
from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from bankd import codes
from bankd.codes import Code
from bankd.ledger import book, rules
from bankd.ledger.books import Account, Books, OpenHold, Outcome
from bankd.ledger.commands import Bulk, Capture, Command, Expiry, Hold, Release, Reversal, Transfer
from bankd.ledger.entries import Entry, Side
from bankd.ledger.tariff import Tariff, day_of
from bankd.money import MAX_BALANCE_MINOR, MAX_HOLDING_MINOR
from tests.test_book import (
    ANNA,
    BEN,
    CLOSED,
    EVA,
    NOW_US,
    TILL,
    BookCase,
    books,
    commands,
    common,
    deposit,
    steady,
    transfer,
    withdrawal,
)

FEES = 3
DAY_US = 86_400_000_000


def priced(on: Books, **tariff: Any) -> Books:
    """``on`` with a tariff, and with the till that fees go to."""
    on.accounts[FEES] = Account(FEES, "FEES-USD", "USD", floor_minor=None)
    return replace(on, tariff=Tariff(**tariff), fee_tills={"USD": FEES})


def hold(amount_minor: int = 60, key: str = "h", payee: str | None = "20", seconds: int = 600, **other: Any) -> Hold:
    """Anna sets money aside, for Ben unless it says otherwise."""
    return Hold(**common(amount_minor, key, payee=payee, seconds=seconds, **other))


def about(kind: Any, of_id: int, amount_minor: int | None = None, key: str = "s", **other: Any) -> Any:
    """What Ben's session asks about an entry, unless it says otherwise."""
    said = {"customer_id": 2, "account_id": BEN, "fence": 6, "key": key, "of_id": of_id, "amount_minor": amount_minor}
    return kind(**{**said, **other})


ANNAS: dict[str, Any] = {"customer_id": 1, "account_id": ANNA, "fence": 5}
"""What makes a command that is ``about`` something Anna's."""


class RuleCase(BookCase):
    """What the tests of the rules share."""

    def done(self, command: Command, on: Books) -> Entry:
        """The entry that a command makes."""
        outcome = self.decide_one(command, on)
        self.assertEqual(outcome.code, codes.DONE)
        assert outcome.entry is not None
        return outcome.entry

    def assertLeaves(self, command: Command, on: Books, code: Code) -> None:
        """Fail unless a command is refused with a code, and nothing is changed but that this is kept."""
        before = ({key: replace(a) for key, a in on.accounts.items()}, dict(on.holds), dict(on.reversed), on.next_id)
        posted = list(on.posted)
        self.assertEqual(self.decide_one(command, on).code, code)
        self.assertEqual((on.accounts, on.holds, on.reversed, on.next_id), before)
        self.assertEqual(on.posted, posted)

    def held(self, on: Books) -> tuple[int, int]:
        """Anna's balance, and what of it is set aside."""
        return on.accounts[ANNA].balance_minor, on.accounts[ANNA].held_minor


class Holds(RuleCase):
    """Money set aside, and what becomes of it."""

    def test_hold(self) -> None:
        """A hold sets the amount aside and moves nothing; its entry says until when."""
        on = books(anna=100)
        entry = self.done(hold(60, reference="hotel"), on)
        self.assertEqual(self.held(on), (100, 60))
        self.assertEqual(on.holds, {100: OpenHold(100, ANNA, BEN, 60, NOW_US + 600_000_000)})
        self.assertEqual((entry.debit_balance, entry.credit_balance, entry.moves), (100, 0, False))
        self.assertEqual((entry.expires_us, entry.reference), (NOW_US + 600_000_000, "hotel"))
        self.assertEqual(entry.side(ANNA), Side("hold", -60, 100, 1, BEN))
        self.assertEqual(entry.side(BEN), Side("promised", 60, 0, 1, ANNA))

    def test_rules_use_what_is_available(self) -> None:
        """What is held can be neither paid, nor taken out, nor held again."""
        on = books(anna=100)
        self.done(hold(60), on)
        for command in (transfer(41), withdrawal(41, "w"), hold(41, "h2")):
            self.assertLeaves(command, on, codes.NO_FUNDS)
        self.done(transfer(40, "t"), on)
        self.assertEqual(self.held(on), (60, 60))

    def test_refused_as_a_transfer_is(self) -> None:
        """A hold is refused where a transfer of the amount would be."""
        for command, code in (
            (hold(payee="99"), codes.NO_ACCOUNT),
            (hold(payee="40"), codes.NO_ACCOUNT),
            (hold(payee="10"), codes.SAME_ACCOUNT),
            (hold(payee="30"), codes.OTHER_CURRENCY),
            (hold(payee=None, currency="EUR"), codes.OTHER_CURRENCY),
            (hold(101), codes.NO_FUNDS),
            (hold(fence=4), codes.OVER),
        ):
            self.assertLeaves(command, books(anna=100), code)

    def test_capture_whole(self) -> None:
        """The payee captures all of a hold, which is then over."""
        on = books(anna=100)
        made = self.done(hold(60), on)
        entry = self.done(about(Capture, made.id), on)
        self.assertEqual((entry.debit_id, entry.credit_id, entry.amount_minor, entry.of_id), (ANNA, BEN, 60, made.id))
        self.assertEqual((self.held(on), on.accounts[BEN].balance_minor, on.holds), ((40, 0), 60, {}))
        self.assertEqual((entry.side(ANNA).kind, entry.side(BEN).kind), ("paid", "received"))
        self.assertLeaves(about(Capture, made.id, key="again"), on, codes.NO_HOLD)

    def test_capture_part(self) -> None:
        """What is not captured is free again."""
        on = books(anna=100)
        self.done(about(Capture, self.done(hold(60), on).id, 25), on)
        self.assertEqual((self.held(on), on.accounts[BEN].balance_minor, on.holds), ((75, 0), 25, {}))

    def test_payer_captures(self) -> None:
        """The payer may have the payment made, too."""
        on = books(anna=100)
        self.done(about(Capture, self.done(hold(60), on).id, **ANNAS), on)
        self.assertEqual((self.held(on), on.accounts[BEN].balance_minor), ((40, 0), 60))

    def test_capture_refused(self) -> None:
        """No more than was held, not by strangers, not after its time, not to a closed or full account."""
        on = books(anna=100)
        made = self.done(hold(60), on)
        self.assertLeaves(about(Capture, made.id, 61), on, codes.MORE_THAN_LEFT)
        self.assertLeaves(about(Capture, 99, key="n"), on, codes.NO_HOLD)
        stranger = about(Capture, made.id, customer_id=3, account_id=EVA, fence=7)
        self.assertLeaves(stranger, on, codes.NO_HOLD)
        on.accounts[BEN].balance_minor = MAX_HOLDING_MINOR - 59
        self.assertLeaves(about(Capture, made.id, key="full"), on, codes.TOO_MUCH)
        on.accounts[BEN].closed = True
        self.assertLeaves(about(Capture, made.id, key="closed"), on, codes.NO_ACCOUNT)
        late = replace(on, at_us=NOW_US + 600_000_000)
        self.assertLeaves(about(Capture, made.id, key="late"), late, codes.NO_HOLD)

    def test_release(self) -> None:
        """The payee gives a hold up; the payer cannot."""
        on = books(anna=100)
        made = self.done(hold(60), on)
        self.assertLeaves(about(Release, made.id, key="p", **ANNAS), on, codes.NOT_PAYEE)
        entry = self.done(about(Release, made.id), on)
        self.assertEqual((self.held(on), on.holds, entry.of_id), ((100, 0), {}, made.id))
        self.assertEqual(entry.side(ANNA), Side("released", 60, 100, 2, BEN))
        self.assertEqual(entry.side(BEN), Side("withdrawn", -60, 0, 2, ANNA))

    def test_payee_closed(self) -> None:
        """A hold for an account that was closed since is the payer's to release."""
        on = books(anna=100)
        made = self.done(hold(60), on)
        on.accounts[BEN].closed = True
        self.done(about(Release, made.id, **ANNAS), on)
        self.assertEqual((self.held(on), on.holds), ((100, 0), {}))

    def test_cash(self) -> None:
        """A hold for cash, as a machine makes before it counts the notes, is the payer's to capture or release."""
        on = books(anna=100)
        counted, jammed = self.done(hold(60, payee=None), on), self.done(hold(40, "h2", payee=None), on)
        self.assertEqual(self.done(about(Capture, counted.id, **ANNAS), on).credit_id, TILL)
        self.done(about(Release, jammed.id, key="r", **ANNAS), on)
        self.assertEqual((self.held(on), on.accounts[TILL].balance_minor), ((40, 0), -40))

    def test_expiry(self) -> None:
        """The bank ends a hold when its time has passed, and not before."""
        on = books(anna=100)
        made = self.done(hold(60), on)
        ended = about(Expiry, made.id, customer_id=0, account_id=ANNA, fence=None)
        self.assertLeaves(ended, replace(on, at_us=made.at_us + 599_999_999, kept={}, noted=[]), codes.NO_HOLD)
        late = replace(on, at_us=made.at_us + 600_000_000)
        entry = self.done(replace(ended, key="due"), late)
        self.assertEqual((self.held(late), late.holds, entry.kind), ((100, 0), {}, "expiry"))

    def test_again(self) -> None:
        """Everything about holds has one outcome under its key; with other content it is refused."""
        on = books(anna=100, ben=100)
        made = self.done(hold(60), on)
        self.assertEqual(self.done(hold(60), on), made)
        for other in (hold(61), hold(60, seconds=601), hold(60, payee=None), hold(60, reference="x")):
            self.assertEqual(self.decide_one(other, on).code, codes.OTHER_CONTENT)
        captured = self.done(about(Capture, made.id, 50), on)
        self.assertEqual(self.done(about(Capture, made.id, 50), on), captured)
        for other in (about(Capture, made.id), about(Capture, made.id, 49), about(Capture, 7), about(Release, made.id)):
            self.assertEqual(self.decide_one(other, on).code, codes.OTHER_CONTENT)


class Frozen(RuleCase):
    """An account from which no money goes."""

    def frozen(self, account_id: int = ANNA, anna: int = 150) -> Books:
        """Books in which an account is frozen."""
        on = books(anna=anna)
        on.accounts[account_id] = replace(on.accounts[account_id], frozen=True)
        return on

    def test_out(self) -> None:
        """It pays nobody, gives no cash, and sets nothing aside; other reasons that come first are told."""
        on = self.frozen()
        for command in (transfer(40), withdrawal(40, "w"), hold(40), withdrawal(400, "much")):
            self.assertLeaves(command, on, codes.FROZEN)
        self.assertLeaves(transfer(40, "none", payee="99"), on, codes.NO_ACCOUNT)

    def test_in(self) -> None:
        """It is paid, in cash and by others."""
        on = self.frozen(BEN)
        self.done(transfer(40), on)
        self.done(deposit(5, account_id=BEN, customer_id=2, fence=6, key="d"), on)
        self.assertEqual(on.accounts[BEN].balance_minor, 45)

    def test_holds_end(self) -> None:
        """What was set aside before is not paid, and is released or expires as ever."""
        for ending, other in ((Release, {}), (Expiry, {**ANNAS, "customer_id": 0, "fence": None})):
            on = books(anna=150)
            held = self.done(hold(60), on)
            on.accounts[ANNA] = replace(on.accounts[ANNA], frozen=True)
            self.assertLeaves(about(Capture, held.id), on, codes.FROZEN)
            self.assertLeaves(about(Capture, held.id, 61, key="b"), on, codes.MORE_THAN_LEFT)
            later = replace(on, at_us=NOW_US + (601_000_000 if ending is Expiry else 0))
            self.done(about(ending, held.id, key="e", **other), later)
            self.assertEqual(self.held(on), (150, 0))

    def test_giving_back(self) -> None:
        """Its owner gives nothing back; the bank itself takes back what it received."""
        on = books(anna=150)
        paid = self.done(transfer(100), on)
        on.originals[paid.id] = paid
        on.accounts[BEN] = replace(on.accounts[BEN], frozen=True)
        self.assertLeaves(about(Reversal, paid.id), on, codes.FROZEN)
        self.done(about(Reversal, paid.id, key="bank", customer_id=0, fence=None), on)
        self.assertEqual(self.held(on), (150, 0))

    def test_set(self) -> None:
        """No part of a set of payments is made."""
        on = self.frozen()
        for together in (True, False):
            key = f"b{together}"
            parts = tuple(transfer(10, f"{key}:{place}") for place in (1, 2))
            outcome = self.decide_one(Bulk(**ANNAS, key=key, transfers=parts, together=together), on)
            self.assertEqual(outcome.code, codes.FROZEN if together else codes.DONE)
            self.assertEqual([part.code for part in outcome.parts], [] if together else [codes.FROZEN] * 2)
        self.assertEqual(on.posted, [])


class Reversals(RuleCase):
    """Payments given back."""

    def paid(self, amount_minor: int = 100) -> tuple[Books, Entry]:
        """Books in which Anna paid Ben, and that payment."""
        on = books(anna=150)
        entry = self.done(transfer(amount_minor), on)
        on.originals[entry.id] = entry
        return on, entry

    def test_whole(self) -> None:
        """The payee gives back all that was paid, and the entry says of what."""
        on, paid = self.paid()
        entry = self.done(about(Reversal, paid.id, reference="sorry"), on)
        self.assertEqual((entry.debit_id, entry.credit_id, entry.of_id, entry.reference), (BEN, ANNA, paid.id, "sorry"))
        self.assertEqual((self.held(on), on.reversed), ((150, 0), {paid.id: 100}))
        self.assertEqual((entry.side(ANNA).kind, entry.side(ANNA).amount_minor), ("reversal", 100))

    def test_parts(self) -> None:
        """Parts can be given back, never more in all than was paid."""
        on, paid = self.paid()
        self.done(about(Reversal, paid.id, 30), on)
        self.assertLeaves(about(Reversal, paid.id, 71, key="b"), on, codes.MORE_THAN_LEFT)
        self.assertEqual(self.done(about(Reversal, paid.id, key="c"), on).amount_minor, 70)
        self.assertLeaves(about(Reversal, paid.id, key="d"), on, codes.MORE_THAN_LEFT)
        self.assertLeaves(about(Reversal, paid.id, 1, key="e"), on, codes.MORE_THAN_LEFT)

    def test_refused(self) -> None:
        """Only what the account received can be given back, only what it has, and only to whom it can be paid."""
        on, paid = self.paid()
        self.assertLeaves(about(Reversal, paid.id, **ANNAS), on, codes.NO_ENTRY)
        self.assertLeaves(about(Reversal, 7, key="n"), on, codes.NO_ENTRY)
        cash = self.done(deposit(5, "cash"), on)
        on.originals[cash.id] = cash
        self.assertLeaves(about(Reversal, cash.id, key="m", **ANNAS), on, codes.NO_ENTRY)
        on.accounts[BEN].held_minor = 1
        self.assertLeaves(about(Reversal, paid.id, key="h"), on, codes.NO_FUNDS)
        on.accounts[BEN].held_minor, on.accounts[ANNA].balance_minor = 0, MAX_HOLDING_MINOR - 99
        self.assertLeaves(about(Reversal, paid.id, key="f"), on, codes.TOO_MUCH)
        on.accounts[ANNA].closed = True
        self.assertLeaves(about(Reversal, paid.id, key="c"), on, codes.NO_ACCOUNT)

    def test_by_the_bank(self) -> None:
        """The bank itself reverses every movement, cash too, but no reversal and nothing that moved nothing."""
        on = books(anna=100)
        cash, aside = self.done(withdrawal(30), on), self.done(hold(10), on)
        on.originals = {cash.id: cash, aside.id: aside}
        bank: dict[str, Any] = {"customer_id": 0, "fence": None}
        entry = self.done(about(Reversal, cash.id, account_id=TILL, **bank), on)
        on.originals[entry.id] = entry
        self.assertEqual((entry.debit_id, entry.credit_id, self.held(on)), (TILL, ANNA, (100, 10)))
        for other in (entry, aside):
            self.assertLeaves(
                about(Reversal, other.id, key=f"x{other.id}", account_id=ANNA, **bank), on, codes.NO_ENTRY
            )


class Spending(RuleCase):
    """Limits, overdrafts and fees."""

    def test_payment_limit(self) -> None:
        """Neither a transfer nor a withdrawal nor a hold passes the limit for one; cash can be paid in."""
        on = priced(books(anna=1000), payment_limits={"USD": 50})
        for command in (transfer(51, "t"), withdrawal(51, "w"), hold(51)):
            self.assertLeaves(command, on, codes.PAYMENT_LIMIT)
        self.done(transfer(50, "u"), on)
        self.done(deposit(51, "d"), on)

    def test_day_limit(self) -> None:
        """What is spent on a day in UTC adds up, holds as they are made, and begins anew on the next."""
        on = priced(books(anna=1000), day_limits={"USD": 100})
        self.done(transfer(50), on)
        self.done(hold(30), on)
        self.assertLeaves(withdrawal(21, "w"), on, codes.DAY_LIMIT)
        self.done(withdrawal(20, "x"), on)
        self.assertLeaves(transfer(1, "y"), on, codes.DAY_LIMIT)
        tomorrow = replace(on, at_us=NOW_US - NOW_US % DAY_US + DAY_US)
        self.done(transfer(100, "z"), tomorrow)
        self.assertEqual((on.accounts[ANNA].day, on.accounts[ANNA].spent_minor), (day_of(tomorrow.at_us), 100))

    def test_own_limits(self) -> None:
        """An account's own limits take the place of the tariff's, wider or narrower."""
        on = priced(books(anna=1000), payment_limits={"USD": 50}, day_limits={"USD": 50})
        on.accounts[ANNA].payment_limit_minor, on.accounts[ANNA].day_limit_minor = 200, 210
        self.done(transfer(200), on)
        self.assertLeaves(transfer(11, "b"), on, codes.DAY_LIMIT)
        self.assertEqual(on.tariff.left_minor(on.accounts[ANNA], on.day), 10)
        self.assertEqual(on.tariff.left_minor(on.accounts[BEN], on.day), 50)
        self.assertIsNone(on.tariff.left_minor(on.accounts[EVA], on.day))

    def test_overdraft(self) -> None:
        """An account goes as far below zero as it was granted, and not further."""
        on = books(anna=10)
        on.accounts[ANNA].floor_minor = -20
        self.assertLeaves(transfer(31), on, codes.NO_FUNDS)
        self.done(transfer(30, "b"), on)
        self.assertEqual(self.held(on), (-20, 0))

    def test_fee(self) -> None:
        """The fee is an entry of its own before the payment, whose balance is that after both."""
        on = priced(books(anna=110), fees={"transfer": {"USD": 10}})
        entry = self.done(transfer(100), on)
        fee = on.posted[0]
        self.assertEqual((fee.kind, fee.debit_id, fee.credit_id, fee.amount_minor), ("fee", ANNA, FEES, 10))
        self.assertEqual((fee.of_id, fee.key, entry.debit_balance), (entry.id, f":fee:{entry.id}", 0))
        self.assertEqual(entry.debit_previous, fee.id)
        self.assertEqual(on.accounts[ANNA].spent_minor, 100)
        self.assertEqual((self.done(transfer(100), on), len(on.posted)), (entry, 2))

    def test_fee_of_a_capture(self) -> None:
        """What is paid out of a hold has the fee of its kind, as far as that is there: the payee gets the amount."""
        on = priced(books(anna=130), fees={"transfer": {"USD": 10}, "withdrawal": {"USD": 15}})
        paid, counted = self.done(hold(50), on), self.done(hold(50, "h2", payee=None), on)
        self.assertEqual(self.done(about(Capture, paid.id), on).debit_balance, 70)
        self.assertEqual(self.done(about(Capture, counted.id, key="c", **ANNAS), on).debit_balance, 5)
        self.assertEqual(self.done(deposit(95, "d"), on).credit_balance, 100)
        self.assertEqual(self.done(about(Capture, self.done(hold(100, "h3"), on).id, key="e"), on).debit_balance, 0)
        self.assertEqual([entry.amount_minor for entry in on.posted if entry.kind == "fee"], [10, 15])

    def test_spent_without_end(self) -> None:
        """What is spent in a day is counted as far as the bank can count, and no farther."""
        on = books(anna=1000)
        on.accounts[ANNA].day, on.accounts[ANNA].spent_minor = on.day, MAX_BALANCE_MINOR - 1
        self.done(transfer(100), on)
        self.assertEqual(on.accounts[ANNA].spent_minor, MAX_BALANCE_MINOR)

    def test_fee_not_there(self) -> None:
        """Who has the amount but not the fee pays neither; other kinds and currencies cost nothing."""
        on = priced(books(anna=109), fees={"transfer": {"USD": 10}, "withdrawal": {"EUR": 1}})
        self.assertLeaves(transfer(100), on, codes.NO_FUNDS)
        self.done(withdrawal(109, "w"), on)
        self.assertEqual(len(on.posted), 1)


class Sets(RuleCase):
    """Many transfers under one key."""

    def bulk(self, *amounts_minor: int, together: bool = True, key: str = "b", payee: str = "20") -> Bulk:
        """Anna pays Ben several times."""
        transfers = tuple(
            transfer(amount_minor, f"{key}:{place}", payee) for place, amount_minor in enumerate(amounts_minor, 1)
        )
        return Bulk(**ANNAS, key=key, transfers=transfers, together=together)

    def codes_of(self, outcome: Outcome) -> list[Code]:
        """The codes of a set's transfers."""
        return [part.code for part in outcome.parts]

    def test_all(self) -> None:
        """A set that can be carried out is, each transfer an entry."""
        on = books(anna=100)
        outcome = self.decide_one(self.bulk(10, 20, 30), on)
        self.assertEqual((outcome.code, self.codes_of(outcome)), (codes.DONE, [codes.DONE] * 3))
        self.assertEqual([entry.amount_minor for entry in on.posted], [10, 20, 30])

    def test_nothing(self) -> None:
        """When one of a set that goes together is refused none is made, and the set has that refusal for ever."""
        on = priced(books(anna=100), fees={"transfer": {"USD": 1}})
        on.accounts[ANNA].events, on.accounts[ANNA].newest = 3, 7
        self.assertLeaves(self.bulk(10, 20, 90, 1), on, codes.NO_FUNDS)
        on.accounts[ANNA].balance_minor = 1000
        self.assertEqual(self.decide_one(self.bulk(10, 20, 90, 1), on), Outcome(codes.NO_FUNDS, place=3))
        self.done(transfer(10, "t"), on)

    def test_unknown_payee(self) -> None:
        """A payee that does not exist is the reason, and its place is told."""
        outcome = self.decide_one(self.bulk(10, payee="99"), books(anna=100))
        self.assertEqual(outcome, Outcome(codes.NO_ACCOUNT, place=1))

    def test_each(self) -> None:
        """Where each goes by itself those that can be made are."""
        on = books(anna=50)
        outcome = self.decide_one(self.bulk(10, 60, 40, together=False), on)
        self.assertEqual(self.codes_of(outcome), [codes.DONE, codes.NO_FUNDS, codes.DONE])
        on.accounts[ANNA].balance_minor = 1000
        self.assertEqual(self.decide_one(self.bulk(10, 60, 40, together=False), on), outcome)

    def test_other_content(self) -> None:
        """A set's key stands for that set: one more, one fewer, another way or a single payment is refused."""
        on = books(anna=1000)
        first = self.decide_one(self.bulk(10, 20), on)
        for other in (self.bulk(10), self.bulk(10, 20, 30), self.bulk(10, 20, together=False), transfer(10, "b")):
            self.assertLeaves(other, on, codes.OTHER_CONTENT)
        self.assertEqual(self.decide_one(self.bulk(10, 20), on), first)

    def test_over(self) -> None:
        """A set of a session that is over is refused."""
        self.assertLeaves(replace(self.bulk(10), fence=4), books(anna=100), codes.OVER)

    def test_between_others(self) -> None:
        """What came before a refused set in the batch stands, and what comes after sees nothing of it."""
        on = books(anna=100)
        outcomes = book.decide([transfer(10, "x"), self.bulk(50, 50), transfer(90, "y")], on)
        self.assertEqual([outcome.code for outcome in outcomes], [codes.DONE, codes.NO_FUNDS, codes.DONE])
        self.assertEqual([entry.id for entry in on.posted], [100, 101])


@st.composite
def everything(draw: DrawFn) -> Command:
    """A command of any kind, right or wrong; sequels are mostly about entries that a batch may well have made."""
    plain = draw(commands())
    who = {name: getattr(plain, name) for name in ("customer_id", "account_id", "fence", "key")}
    of_id, part = draw(st.integers(100, 112)), draw(st.sampled_from([None, 1, 50]))
    match draw(st.integers(0, 6)):
        case 0:
            return Hold(
                **{**common(draw(st.integers(1, 200)), payee=draw(st.sampled_from(["10", "20", None]))), **who},
                seconds=draw(st.sampled_from([1, 600])),
            )
        case 1:
            return Capture(**who, of_id=of_id, amount_minor=part)
        case 2:
            return Release(**who, of_id=of_id)
        case 3:
            return Reversal(**who, of_id=of_id, amount_minor=part)
        case 4 if who["fence"] is not None:
            amounts = draw(st.lists(st.integers(1, 150), min_size=1, max_size=3))
            made = tuple(
                Transfer(
                    **{
                        **common(amount, payee=draw(st.sampled_from(["10", "20", "99"]))),
                        **who,
                        "key": f"{who['key']}:{n}",
                    }
                )
                for n, amount in enumerate(amounts)
            )
            return Bulk(**who, transfers=made, together=draw(st.booleans()))
        case _:
            return plain


class Stored(RuleCase):
    """What a key keeps."""

    def test_codes(self) -> None:
        """The codes that are marked as stored are success and what the rules refuse with."""
        refusing = {getattr(codes, name) for name in re.findall(r"codes\.([A-Z_]+)", inspect.getsource(rules))}
        self.assertEqual({code for code in codes.ALL if code.stored}, refusing | {codes.DONE})

    def test_refusals(self) -> None:
        """A refusal is kept also where it was one about a hold: the same is answered again, other content is not."""
        on = books(anna=100)
        self.assertEqual(self.decide_one(about(Release, 1), on).code, codes.NO_HOLD)
        self.assertEqual(self.decide_one(about(Release, 1), on).code, codes.NO_HOLD)
        self.assertEqual(self.decide_one(about(Release, 2), on).code, codes.OTHER_CONTENT)


class Properties(RuleCase):
    """What holds of every batch, whatever is in it."""

    def decided(self, batch: list[Command]) -> Books:
        """The books after a batch, entry by entry so that each can be reversed by those after it."""
        on = priced(books(anna=300, ben=200), fees={"transfer": {"USD": 3}}, day_limits={"USD": 700})
        for command in batch:
            book.decide([command], on)
            on.originals = {entry.id: entry for entry in on.posted}
        return on

    @steady
    @given(st.lists(everything(), max_size=30))
    def test_sound(self, batch: list[Command]) -> None:
        """Balances add up to zero and to their entries; what is held is the open holds; nothing passes its bounds."""
        start = books(anna=300, ben=200)
        on = self.decided(batch)
        self.assertEqual(sum(a.balance_minor for a in on.accounts.values() if a.currency == "USD"), 0)
        balances = Counter({account.id: account.balance_minor for account in start.accounts.values()})
        for entry in on.posted:
            moved = entry.amount_minor if entry.moves else 0
            balances[entry.debit_id] -= moved
            balances[entry.credit_id] += moved
            after = (balances[entry.debit_id], balances[entry.credit_id])
            self.assertEqual((entry.debit_balance, entry.credit_balance), after)
        held = Counter[int]()
        for open_hold in on.holds.values():
            held[open_hold.account_id] += open_hold.amount_minor
        for account in on.accounts.values():
            self.assertEqual(account.held_minor, held[account.id])
            if account.floor_minor is not None:
                self.assertGreaterEqual(account.balance_minor - account.held_minor, account.floor_minor)
        self.assertFalse(on.accounts[CLOSED].events)

    @steady
    @given(st.lists(everything(), max_size=30))
    def test_ids_and_events(self, batch: list[Command]) -> None:
        """Entries are numbered without gaps, and so are each account's events and its way back through them."""
        on = self.decided(batch)
        self.assertEqual([entry.id for entry in on.posted], list(range(100, on.next_id)))
        newest: dict[int, int] = {}
        events = Counter[int]()
        for entry in on.posted:
            for side, previous in ((entry.debit_id, entry.debit_previous), (entry.credit_id, entry.credit_previous)):
                events[side] += 1
                self.assertEqual((previous, entry.side(side).event), (newest.get(side), events[side]))
                newest[side] = entry.id
        for account in on.accounts.values():
            self.assertEqual((account.newest, account.events), (newest.get(account.id), events[account.id]))

    @steady
    @given(st.lists(everything(), max_size=30))
    def test_given_back(self, batch: list[Command]) -> None:
        """No payment is given back more than once over, and a hold ends once, with no more than it was."""
        on = self.decided(batch)
        by_id = {entry.id: entry for entry in on.posted}
        back, ended = Counter[int](), Counter[int]()
        for entry in on.posted:
            if entry.kind == "reversal":
                back[entry.of_id or 0] += entry.amount_minor
            elif entry.kind in ("capture", "release", "expiry"):
                ended[entry.of_id or 0] += 1
                self.assertLessEqual(entry.amount_minor, by_id[entry.of_id or 0].amount_minor)
        for entry_id, amount_minor in back.items():
            self.assertLessEqual(amount_minor, by_id[entry_id].amount_minor)
        self.assertLessEqual(set(ended.values()), {1})

    @steady
    @given(st.lists(everything(), max_size=20))
    def test_again(self, batch: list[Command]) -> None:
        """A batch sent once more has the outcomes it had, and changes nothing."""
        on = priced(books(anna=300, ben=200), fees={"transfer": {"USD": 3}})
        first = book.decide(batch, on)
        before = {account_id: replace(account) for account_id, account in on.accounts.items()}
        posted, noted = len(on.posted), len(on.noted)
        self.assertEqual(book.decide(batch, on), first)
        self.assertEqual((on.accounts, len(on.posted), len(on.noted)), (before, posted, noted))
