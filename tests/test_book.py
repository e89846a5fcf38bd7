"""The ledger: what is decided about commands, one by one and in any number.

Examples come first, with one statement each. Then Hypothesis makes batches of commands, right and wrong, and what must
hold of every decision is held of each.
"""

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.ledger import book
from bankd.ledger.books import Account, Books, Outcome
from bankd.ledger.commands import Command, Deposit, Transfer, Withdrawal
from bankd.ledger.entries import Entry, Side
from bankd.money import MAX_AMOUNT_MINOR, MAX_BALANCE_MINOR, MAX_HOLDING_MINOR

steady = settings(derandomize=True, database=None, deadline=None, max_examples=200)

NOW_US = 1_795_169_700_123_456

TILL, EURO_TILL, ANNA, BEN, EVA, CLOSED = 1, 2, 11, 12, 13, 14
"""Accounts: two tills, two customers in dollars, one in euros, and one that was closed."""

NUMBERS = {ANNA: "10", BEN: "20", EVA: "30", CLOSED: "40"}


def books(**balances: int) -> Books:
    """Books in which nothing happened yet but that Anna and Ben were given balances out of the till."""
    anna, ben = balances.get("anna", 0), balances.get("ben", 0)
    opened = [
        Account(TILL, "TILL-USD", "USD", balances.get("till", -anna - ben), floor_minor=None),
        Account(EURO_TILL, "TILL-EUR", "EUR", floor_minor=None),
        Account(ANNA, "10", "USD", anna, fence=5),
        Account(BEN, "20", "USD", ben, fence=6),
        Account(EVA, "30", "EUR", fence=7),
        Account(CLOSED, "40", "USD", fence=8, closed=True),
    ]
    return Books(
        at_us=NOW_US,
        next_id=100,
        accounts={account.id: account for account in opened},
        ids={number: account_id for account_id, number in NUMBERS.items()},
        tills={"USD": TILL, "EUR": EURO_TILL},
    )


def common(amount_minor: int = 100, key: str = "k1", **other: Any) -> dict[str, Any]:
    """What a command of Anna's session says, unless it says otherwise."""
    return {
        "customer_id": 1,
        "account_id": ANNA,
        "fence": 5,
        "key": key,
        "amount_minor": amount_minor,
        "currency": "USD",
        **other,
    }


def deposit(amount_minor: int = 100, key: str = "k1", **other: Any) -> Deposit:
    """Anna pays cash in."""
    return Deposit(**common(amount_minor, key, **other))


def withdrawal(amount_minor: int = 100, key: str = "k1", **other: Any) -> Withdrawal:
    """Anna takes cash out."""
    return Withdrawal(**common(amount_minor, key, **other))


def transfer(amount_minor: int = 100, key: str = "k1", payee: str | None = "20", **other: Any) -> Transfer:
    """Anna pays Ben."""
    return Transfer(**common(amount_minor, key, payee=payee, **other))


class BookCase(SynchronousTestCase):
    """What the tests of the book share."""

    def decide_one(self, command: Command, on: Books) -> Outcome:
        """The outcome of one command."""
        (outcome,) = book.decide([command], on)
        return outcome

    def assertRefused(self, command: Command, on: Books, code: codes.Code) -> None:
        """Fail unless a command is refused with a code, its refusal kept, and no account touched."""
        before = {account_id: replace(account) for account_id, account in on.accounts.items()}
        self.assertEqual(self.decide_one(command, on), Outcome(code))
        self.assertEqual(
            [(kept.content, kept.code, kept.at_us) for kept in on.noted], [(command.content, code, NOW_US)]
        )
        self.assertEqual((on.accounts, on.posted, on.next_id), (before, [], 100))


class DecideTests(BookCase):
    """What one command does."""

    def test_deposit(self) -> None:
        """Cash paid in goes from the till, which owes it from then on, to the account."""
        on = books(anna=50)
        entry = self.decide_one(deposit(100), on).entry
        assert entry is not None
        self.assertEqual(
            (entry.kind, entry.debit_id, entry.credit_id, entry.amount_minor), ("deposit", TILL, ANNA, 100)
        )
        self.assertEqual((on.accounts[TILL].balance_minor, on.accounts[ANNA].balance_minor), (-150, 150))

    def test_withdrawal(self) -> None:
        """Cash paid out goes from the account to the till."""
        on = books(anna=150)
        entry = self.decide_one(withdrawal(100), on).entry
        assert entry is not None
        self.assertEqual((entry.kind, entry.debit_id, entry.credit_id), ("withdrawal", ANNA, TILL))
        self.assertEqual((on.accounts[TILL].balance_minor, on.accounts[ANNA].balance_minor), (-50, 50))

    def test_transfer(self) -> None:
        """A payment goes from the session's account to the payee, and the entry says all there is to say."""
        on = books(anna=150, ben=5)
        on.accounts[ANNA] = replace(on.accounts[ANNA], newest=71, events=3)
        on.accounts[BEN] = replace(on.accounts[BEN], newest=72, events=8)
        outcome = self.decide_one(transfer(100, reference="rent"), on)
        self.assertEqual(
            outcome,
            Outcome(
                codes.DONE,
                Entry(
                    id=100,
                    kind="transfer",
                    debit_id=ANNA,
                    credit_id=BEN,
                    amount_minor=100,
                    debit_balance=50,
                    credit_balance=105,
                    debit_previous=71,
                    credit_previous=72,
                    debit_event=4,
                    credit_event=9,
                    at_us=NOW_US,
                    key="k1",
                    customer_id=1,
                    reference="rent",
                ),
            ),
        )
        self.assertEqual(on.posted, [outcome.entry])
        self.assertEqual(on.noted, [])
        anna, ben = on.accounts[ANNA], on.accounts[BEN]
        self.assertEqual((anna.balance_minor, anna.newest, anna.events, anna.fence), (50, 100, 4, 5))
        self.assertEqual((ben.balance_minor, ben.newest, ben.events, ben.fence), (105, 100, 9, 6))
        self.assertEqual(on.next_id, 101)

    def test_all_of_it(self) -> None:
        """An account can be emptied."""
        on = books(anna=100)
        self.assertEqual(self.decide_one(withdrawal(100), on).code, codes.DONE)
        self.assertEqual(on.accounts[ANNA].balance_minor, 0)

    def test_order(self) -> None:
        """Each command sees what those before it did, and the ids tell the order."""
        on = books()
        outcomes = book.decide([withdrawal(1, "a"), deposit(1, "b"), withdrawal(1, "c"), withdrawal(1, "d")], on)
        self.assertEqual([o.code for o in outcomes], [codes.NO_FUNDS, codes.DONE, codes.DONE, codes.NO_FUNDS])
        self.assertEqual([entry.id for entry in on.posted], [100, 101])

    def test_bank_itself(self) -> None:
        """The bank holds no lease, and needs none."""
        self.assertEqual(self.decide_one(deposit(fence=None), books()).code, codes.DONE)


class RefusalTests(BookCase):
    """What is refused, and why."""

    def test_no_funds(self) -> None:
        """An account never goes below its floor (S2.7)."""
        for command in (withdrawal(101), transfer(101)):
            self.assertRefused(command, books(anna=100), codes.NO_FUNDS)

    def test_floor(self) -> None:
        """A floor may be other than zero."""
        for floor, code in ((-50, codes.DONE), (1, codes.NO_FUNDS)):
            on = books(anna=100)
            on.accounts[ANNA] = replace(on.accounts[ANNA], floor_minor=floor)
            self.assertEqual(self.decide_one(withdrawal(100), on).code, code)

    def test_no_payee(self) -> None:
        """A number that no account has, a closed account's, and none at all, are answered alike."""
        for payee in ("99", "40", None, "", "TILL-USD"):
            self.assertRefused(transfer(payee=payee), books(anna=100), codes.NO_ACCOUNT)

    def test_closed(self) -> None:
        """A closed account neither pays nor is paid."""
        for make in (deposit, withdrawal, transfer):
            self.assertRefused(make(account_id=CLOSED, fence=8), books(), codes.NO_ACCOUNT)

    def test_same_account(self) -> None:
        """An account cannot pay itself."""
        self.assertRefused(transfer(payee="10"), books(anna=100), codes.SAME_ACCOUNT)

    def test_currency(self) -> None:
        """An account kept in another currency is refused, whether or not the bank has a till of that currency."""
        for currency in ("EUR", "JPY"):
            for make in (deposit, withdrawal, transfer):
                self.assertRefused(make(currency=currency), books(anna=100), codes.OTHER_CURRENCY)
        self.assertRefused(transfer(payee="30"), books(anna=100), codes.OTHER_CURRENCY)
        self.assertRefused(transfer(payee="30", currency="EUR"), books(anna=100), codes.OTHER_CURRENCY)

    def test_too_much(self) -> None:
        """No balance passes what the bank can keep, the payee's and the till's included."""
        full = MAX_BALANCE_MINOR
        self.assertRefused(deposit(1), books(anna=MAX_HOLDING_MINOR, till=0), codes.TOO_MUCH)
        self.assertRefused(transfer(1), books(anna=1, ben=MAX_HOLDING_MINOR, till=0), codes.TOO_MUCH)
        self.assertRefused(deposit(1), books(till=-full), codes.TOO_MUCH)
        self.assertRefused(withdrawal(1), books(anna=1, till=full), codes.TOO_MUCH)

    def test_almost_too_much(self) -> None:
        """The largest balances can be reached."""
        for on in (books(anna=MAX_HOLDING_MINOR - 1, till=0), books(till=1 - MAX_BALANCE_MINOR)):
            self.assertEqual(self.decide_one(deposit(1), on).code, codes.DONE)

    def test_over(self) -> None:
        """A session whose lease another took over is told so, and that is no outcome of the key's (S2.4)."""
        for command in (deposit(fence=4), withdrawal(fence=6), transfer(fence=0)):
            on = books(anna=100)
            self.assertEqual(self.decide_one(command, on), Outcome(codes.OVER))
            self.assertEqual((on.posted, on.noted, on.kept), ([], [], {}))

    def test_precedence(self) -> None:
        """Of several reasons the one that stands first in the order of codes is given."""
        self.assertRefused(transfer(101, payee="99", currency="JPY"), books(anna=100), codes.NO_ACCOUNT)
        self.assertRefused(transfer(101, payee="10", currency="JPY"), books(anna=100), codes.SAME_ACCOUNT)
        self.assertRefused(transfer(101, currency="JPY"), books(anna=100), codes.OTHER_CURRENCY)
        self.assertRefused(transfer(101), books(anna=100, ben=MAX_BALANCE_MINOR, till=0), codes.NO_FUNDS)


class KeyTests(BookCase):
    """A key is used once."""

    def test_done_again(self) -> None:
        """The same command again has the receipt that it had, in the same batch and later, and moves nothing."""
        for command in (deposit(), withdrawal(), transfer(reference="rent")):
            on = books(anna=1000)
            first, second = book.decide([command, command], on)
            after = dict(on.accounts)
            later = self.decide_one(replace(command, fence=on.accounts[ANNA].fence), on)
            self.assertEqual(first.code, codes.DONE)
            self.assertEqual([second, later], [first, first])
            self.assertEqual((len(on.posted), on.accounts), (1, after))

    def test_refused_again(self) -> None:
        """A refusal stays, also when the reason for it is gone."""
        on = books(anna=50)
        outcomes = book.decide([withdrawal(100, "a"), deposit(100, "b"), withdrawal(100, "a")], on)
        self.assertEqual([o.code for o in outcomes], [codes.NO_FUNDS, codes.DONE, codes.NO_FUNDS])
        self.assertEqual(len(on.noted), 1)

    def test_another_session(self) -> None:
        """The same command through the customer's next session is the same command."""
        for command in (deposit(100), withdrawal(2000)):
            on = books(anna=1000)
            first = self.decide_one(command, on)
            on.accounts[ANNA] = replace(on.accounts[ANNA], fence=9)
            self.assertEqual(self.decide_one(replace(command, fence=9), on), first)

    def test_over_comes_first(self) -> None:
        """A session that is over learns nothing more, not even of its own keys."""
        on = books(anna=1000)
        book.decide([deposit(100, "a"), withdrawal(9999, "b")], on)
        on.accounts[ANNA] = replace(on.accounts[ANNA], fence=9)
        for command in (deposit(100, "a"), withdrawal(9999, "b"), deposit(1, "a")):
            self.assertEqual(self.decide_one(command, on), Outcome(codes.OVER))

    def test_other_content(self) -> None:
        """Another command under a used key is refused, whatever the difference, and what the key stands for stays."""
        for first in (transfer(100, reference="rent"), transfer(5000, reference="rent")):
            for other in (
                replace(first, amount_minor=101),
                replace(first, payee="30"),
                replace(first, payee="99"),
                replace(first, payee=None),
                replace(first, currency="EUR"),
                replace(first, reference="rant"),
                replace(first, reference=None),
                transfer(first.amount_minor, payee="10", account_id=BEN, fence=6, reference="rent"),
                deposit(first.amount_minor, reference="rent"),
                withdrawal(first.amount_minor, reference="rent"),
            ):
                on = books(anna=1000, ben=1000)
                before, refused, after = book.decide([first, other, first], on)
                self.assertEqual(refused, Outcome(codes.OTHER_CONTENT), other)
                self.assertEqual(after, before)
                self.assertEqual(len(on.posted) + len(on.noted), 1)

    def test_other_cash(self) -> None:
        """A deposit and a withdrawal of the same content are two commands, and so is one in another currency."""
        for first, other in (
            (deposit(), withdrawal()),
            (withdrawal(), deposit()),
            (deposit(), deposit(currency="EUR")),
            (withdrawal(), withdrawal(currency="EUR")),
            (deposit(), deposit(account_id=BEN, fence=6)),
        ):
            on = books(anna=1000, ben=1000)
            self.assertEqual([o.code for o in book.decide([first, other], on)], [codes.DONE, codes.OTHER_CONTENT])

    def test_customers_apart(self) -> None:
        """Two customers may make the same key."""
        on = books(anna=100, ben=100)
        other = withdrawal(100, customer_id=2, account_id=BEN, fence=6)
        self.assertEqual([o.code for o in book.decide([withdrawal(100), other], on)], [codes.DONE, codes.DONE])

    def test_closed_since(self) -> None:
        """A payment keeps its outcome when the payee's account was closed since."""
        on = books(anna=100)
        first = self.decide_one(transfer(), on)
        on.accounts[BEN] = replace(on.accounts[BEN], closed=True)
        self.assertEqual(self.decide_one(transfer(), on), first)


class SideTests(BookCase):
    """An entry as the owner of either account sees it."""

    def test_transfer(self) -> None:
        """The payer paid and the payee received; each sees the balance, the event and the other side."""
        entry = self.decide_one(transfer(100), books(anna=150, ben=5)).entry
        assert entry is not None
        self.assertEqual(entry.side(ANNA), Side("paid", -100, 50, 1, BEN))
        self.assertEqual(entry.side(BEN), Side("received", 100, 105, 1, ANNA))

    def test_cash(self) -> None:
        """Cash in and out is called the same on both sides."""
        for command, amount_minor, after in ((deposit(100), 100, 150), (withdrawal(20), -20, 30)):
            entry = self.decide_one(command, books(anna=50)).entry
            assert entry is not None
            self.assertEqual(entry.side(ANNA), Side(command.kind, amount_minor, after, 1, TILL))
            self.assertEqual(entry.side(TILL), Side(command.kind, -amount_minor, -after, 1, ANNA))


AMOUNTS = st.one_of(st.integers(1, 300), st.integers(1, MAX_AMOUNT_MINOR))


@st.composite
def commands(draw: DrawFn) -> Command:
    """A command of some session, right or wrong, whose key may well have been used before."""
    account_id = draw(st.sampled_from([ANNA, BEN, EVA, CLOSED]))
    fence = {ANNA: 5, BEN: 6, EVA: 7, CLOSED: 8}[account_id]
    kind = draw(st.sampled_from([Deposit, Withdrawal, Transfer]))
    return kind(
        customer_id=draw(st.sampled_from([account_id, 1])),
        account_id=account_id,
        fence=draw(st.sampled_from([fence, fence, fence, None, fence - 1])),
        key=draw(st.text("abc", min_size=1, max_size=2)),
        amount_minor=draw(AMOUNTS),
        currency=draw(st.sampled_from(["USD", "USD", "USD", "EUR", "JPY"])),
        payee=draw(st.sampled_from([*NUMBERS.values(), "99"])) if kind is Transfer else None,
        reference=draw(st.sampled_from([None, "rent"])),
    )


batches = st.lists(commands(), max_size=40)


class PropertyTests(BookCase):
    """What holds of every decision, whatever was asked."""

    @steady
    @given(batches)
    def test_zero_sum(self, batch: list[Command]) -> None:
        """The balances of all accounts of a currency add up to zero."""
        on = books()
        book.decide(batch, on)
        sums: Counter[str] = Counter()
        for account in on.accounts.values():
            sums[account.currency] += account.balance_minor
        self.assertEqual(set(sums.values()), {0})

    @steady
    @given(batches)
    def test_replay(self, batch: list[Command]) -> None:
        """Every balance is what the entries make of it, one after another, and every entry tells it as it then was."""
        on = books()
        book.decide(batch, on)
        balances: Counter[int] = Counter()
        for entry in on.posted:
            balances[entry.debit_id] -= entry.amount_minor
            balances[entry.credit_id] += entry.amount_minor
            after = (balances[entry.debit_id], balances[entry.credit_id])
            self.assertEqual((entry.debit_balance, entry.credit_balance), after)
        self.assertEqual(
            {a.id: a.balance_minor for a in on.accounts.values() if a.balance_minor},
            {account_id: balance for account_id, balance in balances.items() if balance},
        )

    @steady
    @given(batches)
    def test_bounds(self, batch: list[Command]) -> None:
        """No balance is ever under its floor or beyond what the bank can keep; closed accounts never move."""
        on = books()
        book.decide(batch, on)
        for entry in on.posted:
            for account_id, balance in ((entry.debit_id, entry.debit_balance), (entry.credit_id, entry.credit_balance)):
                account = on.accounts[account_id]
                self.assertTrue(account.floor_minor is None or balance >= account.floor_minor)
                self.assertLessEqual(abs(balance), MAX_BALANCE_MINOR)
                self.assertFalse(account.closed)
            self.assertGreater(entry.amount_minor, 0)

    @steady
    @given(batches)
    def test_pointers(self, batch: list[Command]) -> None:
        """Walking back from an account's newest entry meets all of the account's, its events counting down to 1."""
        on = books()
        book.decide(batch, on)
        by_id = {entry.id: entry for entry in on.posted}
        for account in on.accounts.values():
            walked, at = [], account.newest
            while at is not None:
                entry = by_id[at]
                walked.append((entry.id, entry.side(account.id).event))
                at = entry.debit_previous if entry.debit_id == account.id else entry.credit_previous
            theirs = [entry.id for entry in on.posted if account.id in (entry.debit_id, entry.credit_id)]
            self.assertEqual(walked, list(zip(reversed(theirs), range(len(theirs), 0, -1), strict=True)))
            self.assertEqual(account.events, len(theirs))

    @steady
    @given(batches)
    def test_outcomes(self, batch: list[Command]) -> None:
        """Every command has one outcome, in order, and it is one that the ledger gives."""
        outcomes = book.decide(batch, books())
        self.assertEqual(len(outcomes), len(batch))
        given_by_ledger = {
            *(codes.DONE, codes.OVER, codes.OTHER_CONTENT, codes.NO_ACCOUNT, codes.SAME_ACCOUNT),
            *(codes.OTHER_CURRENCY, codes.NO_FUNDS, codes.TOO_MUCH),
        }
        for outcome in outcomes:
            self.assertIn(outcome.code, given_by_ledger)
            self.assertEqual(outcome.code is codes.DONE, outcome.entry is not None)

    @steady
    @given(batches)
    def test_again(self, batch: list[Command]) -> None:
        """Everything sent once more, also to a bank that remembers only what was written, has the outcome it had."""
        on = books()
        first = book.decide(batch, on)
        again = replace(
            on,
            entries={(entry.customer_id, entry.key): entry for entry in on.posted},
            kept={(kept.customer_id, kept.key): kept for kept in on.noted},
            posted=[],
            noted=[],
        )
        accounts = dict(on.accounts)
        self.assertEqual(book.decide(batch, again), first)
        self.assertEqual((again.posted, again.noted, again.accounts), ([], [], accounts))

    @steady
    @given(batches)
    def test_key_once(self, batch: list[Command]) -> None:
        """A key stands for one command: whoever got its outcome asked the same, and was answered the same."""
        outcomes = book.decide(batch, books())
        meant: dict[tuple[int, str], tuple[Command, Outcome]] = {}
        for command, outcome in zip(batch, outcomes, strict=True):
            if outcome.code in (codes.OVER, codes.OTHER_CONTENT):
                continue
            asked = replace(command, fence=None)
            self.assertEqual(meant.setdefault((command.customer_id, command.key), (asked, outcome)), (asked, outcome))

    @steady
    @given(batches, st.integers(0, 40))
    def test_batches(self, batch: list[Command], cut: int) -> None:
        """How commands are put into batches makes no difference to what becomes of them."""
        whole, parts = books(), books()
        self.assertEqual(book.decide(batch[:cut], parts) + book.decide(batch[cut:], parts), book.decide(batch, whole))
        self.assertEqual(parts, whole)
