"""What a customer may read, and how payments show in it."""

from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.bank import access, accounts, payments, reports
from bankd.codes import Refused
from bankd.ledger.books import Outcome
from bankd.ledger.commands import Command, Deposit, Payment, Transfer, Withdrawal
from bankd.records import (
    AccountView,
    Event,
    Inbox,
    Notice,
    NoticeKind,
    Period,
    Receipt,
    Session,
    Statement,
    StatementEnd,
    StatementLine,
)
from bankd.store import customers
from bankd.testing import OPENED, PRACTICE_TERMS, Known, PracticeBank

AT_US = OPENED * 1_000_000
HALF_DAY = 12 * 60 * 60


class ReportsCase(SynchronousTestCase):
    """A test with a practice bank, and sessions of Alice and Bob."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder)
        self.addCleanup(self.bank.close)
        self.alice, self.bob = self.bank.add_customer("alice"), self.bank.add_customer("bob")
        self.session, self.bobs = self.open_session(self.alice), self.open_session(self.bob)
        self.keys = 0

    def open_session(self, known: Known) -> Session:
        """A session of a customer."""
        with self.bank.store.writing() as tx:
            return access.open_session(tx, self.bank.claim(known), PRACTICE_TERMS)

    def command(self, kind: type[Payment], amount_minor: int, payer: Known | None = None, **more: str) -> Command:
        """A command, by default of Alice's, under a key of its own."""
        self.keys += 1
        payer = payer or self.alice
        return kind(
            customer_id=payer.customer_id,
            account_id=payer.account_id,
            fence=None,
            key=f"k{self.keys}",
            amount_minor=amount_minor,
            currency="USD",
            **more,
        )

    def apply(self, *commands: Command) -> list[Outcome]:
        """Carry commands out in one transaction."""
        with self.bank.store.writing() as tx:
            outcomes = payments.apply(tx, commands)
            self.events = tx.events
            return outcomes

    def deposit(self, *amounts_minor: int) -> None:
        """Pay cash in on Alice's account."""
        self.apply(*(self.command(Deposit, amount_minor) for amount_minor in amounts_minor))


class Payments(ReportsCase):
    """A batch of commands, and the receipts for it."""

    def test_in_order(self) -> None:
        """Each command sees what those before it in its batch did, and a refused one stops nothing."""
        outcomes = self.apply(
            self.command(Withdrawal, 60),
            self.command(Deposit, 100),
            self.command(Withdrawal, 60),
            self.command(Withdrawal, 60),
            self.command(Transfer, 40, payee=self.bob.account),
        )
        done, no_funds = codes.DONE, codes.NO_FUNDS
        self.assertEqual([outcome.code for outcome in outcomes], [no_funds, done, done, no_funds, done])
        self.assertEqual(self.bank.faults(), [])

    def test_told(self) -> None:
        """Owners are told of what moved money, and a till is nobody's to listen for."""
        self.apply(self.command(Deposit, 100), self.command(Transfer, 101, payee=self.bob.account))
        told = [event for event in self.events if event.account_id in (self.alice.account_id, self.bob.account_id)]
        self.assertEqual(told, [Event(self.alice.account_id, 1, NoticeKind.DEPOSIT)])

    def test_receipt(self) -> None:
        """A receipt shows an entry as the owner of one side sees it."""
        self.deposit(100)
        (paid,) = self.apply(self.command(Transfer, 30, payee=self.bob.account))
        self.assertEqual(payments.receipt(paid, self.alice.account_id, "USD"), Receipt(2, AT_US, -30, 70, "USD"))
        self.assertEqual(payments.receipt(paid, self.bob.account_id, "USD"), Receipt(2, AT_US, 30, 30, "USD"))


class Accounts(ReportsCase):
    """Details and balances."""

    def test_details(self) -> None:
        """The details are the session's own customer's."""
        with self.bank.store.reading() as connection:
            self.assertEqual(reports.details(connection, self.session).username, "alice")

    def test_accounts(self) -> None:
        """The customer's open accounts are listed, the oldest first, and nobody else's."""
        self.deposit(100)
        with self.bank.store.writing() as tx:
            second = accounts.open_account(tx, self.bank.random.randrange, self.alice.customer_id, "EUR")
        with self.bank.store.reading() as connection:
            self.assertEqual(
                reports.accounts(connection, self.session),
                [
                    AccountView(self.alice.account, "USD", 100, AT_US, 100),
                    AccountView(second.number, "EUR", 0, AT_US, 0),
                ],
            )

    def test_balance(self) -> None:
        """The balance is that of the session's own account."""
        self.deposit(100)
        with self.bank.store.reading() as connection:
            self.assertEqual(
                reports.balance(connection, self.session), AccountView(self.alice.account, "USD", 100, AT_US, 100)
            )
            self.assertEqual(reports.balance(connection, self.bobs).balance_minor, 0)


class Statements(ReportsCase):
    """Pages of an account's entries."""

    def statement(
        self, limit: int | None = None, cursor: int | None = None, since_us: int | None = None, before_us: Any = None
    ) -> Statement:
        """A page of Alice's statement."""
        with self.bank.store.reading() as connection:
            return reports.statement(connection, self.session, limit, cursor, Period(since_us, before_us))

    def test_empty(self) -> None:
        """An account on which nothing happened has an empty page, and its balance."""
        self.assertEqual(self.statement(), Statement((), StatementEnd("USD", 0, 0, 0)))

    def test_lines(self) -> None:
        """Each line shows its side of an entry: kind, sign, balance after it, the other's number and the words."""
        self.deposit(100)
        self.apply(self.command(Transfer, 30, payee=self.bob.account, reference="rent"))
        self.apply(self.command(Transfer, 10, payer=self.bob, payee=self.alice.account))
        self.apply(self.command(Withdrawal, 5))
        self.assertEqual(
            self.statement(),
            Statement(
                (
                    StatementLine(4, AT_US, "withdrawal", -5, 75),
                    StatementLine(3, AT_US, "received", 10, 80, self.bob.account),
                    StatementLine(2, AT_US, "paid", -30, 70, self.bob.account, "rent"),
                    StatementLine(1, AT_US, "deposit", 100, 100),
                ),
                StatementEnd("USD", 75, 0, 75),
            ),
        )

    def test_pages(self) -> None:
        """Pages follow each other by their cursors, each entry on one of them, and the last has no cursor."""
        self.deposit(*[1] * 5)
        pages, cursor = [], None
        for _ in range(3):
            page = self.statement(2, cursor)
            pages.append([line.receipt for line in page.lines])
            cursor = page.end.cursor
        self.assertEqual((pages, cursor), ([[5, 4], [3, 2], [1]], None))

    def test_page_that_ends_with_the_last_entry(self) -> None:
        """A full page after which there is nothing has no cursor."""
        self.deposit(1, 1)
        self.assertIsNone(self.statement(2).end.cursor)

    def test_twenty_lines(self) -> None:
        """A page has twenty lines where the customer does not say."""
        self.deposit(*[1] * 21)
        page = self.statement()
        self.assertEqual((len(page.lines), page.end.cursor), (20, 1))

    def test_new_entries_do_not_disturb(self) -> None:
        """What happens between two pages is on neither; only the balance is that of the moment."""
        self.deposit(1, 1, 1)
        cursor = self.statement(1).end.cursor
        self.deposit(5)
        page = self.statement(9, cursor)
        self.assertEqual([line.receipt for line in page.lines], [2, 1])
        self.assertEqual((page.end.balance_minor, page.end.closing_minor), (8, 2))

    def test_cursor_of_others(self) -> None:
        """A cursor that is no entry of this account is refused, whether it is another's or nobody's."""
        self.apply(self.command(Deposit, 5, payer=self.bob))
        for cursor in (0, 1, 2, 10**17):
            with self.assertRaises(Refused) as caught:
                self.statement(cursor=cursor)
            self.assertEqual((caught.exception.code, caught.exception.field), (codes.BAD_FIELD, "cursor"))

    def test_opening_and_closing(self) -> None:
        """Every page tells the balance before its oldest entry and after its newest, so that pages join."""
        self.deposit(1, 2, 3, 4, 5)
        ends, cursor = [], None
        for _ in range(3):
            end = self.statement(2, cursor).end
            ends.append((end.opening_minor, end.closing_minor))
            cursor = end.cursor
        self.assertEqual(ends, [(6, 15), (1, 6), (0, 1)])

    def spend_three_days(self) -> None:
        """Deposits of 1, 2 and 3 on Alice's account at noon of each of three days, between deposits of Bob's."""
        for amount_minor in (1, 2, 3):
            self.apply(self.command(Deposit, 50, payer=self.bob))
            self.bank.clock.advance(HALF_DAY)
            self.deposit(amount_minor)
            self.bank.clock.advance(HALF_DAY)

    def period(self, first: float, end: float, limit: int | None = None, cursor: int | None = None) -> Statement:
        """A page of what happened from one moment until before another, in days after the beginning."""
        first_us, end_us = (AT_US + round(days * 2 * HALF_DAY * 1_000_000) for days in (first, end))
        return self.statement(limit, cursor, first_us, end_us)

    def test_period(self) -> None:
        """A period has the entries from its first moment on and before its end, and its own opening and closing."""
        self.spend_three_days()
        for first, end, amounts, opening, closing in (
            (0, 3, [3, 2, 1], 0, 6),
            (1, 2, [2], 1, 3),
            (0.5, 1.5, [1], 0, 1),
            (0.6, 1.6, [2], 1, 3),
            (0, 0.5, [], 0, 0),
            (2.6, 9, [], 6, 6),
            (1, 1, [], 1, 1),
            (-9, -8, [], 0, 0),
        ):
            found = self.period(first, end)
            self.assertEqual([line.amount_minor for line in found.lines], amounts, (first, end))
            own = (found.end.opening_minor, found.end.closing_minor)
            self.assertEqual(own, (opening, closing), (first, end))
            self.assertEqual((found.end.period_opening_minor, found.end.period_closing_minor), own, (first, end))

    def test_half_a_period(self) -> None:
        """A period may be open at either side."""
        self.spend_three_days()
        middle_us = AT_US + 3 * HALF_DAY * 1_000_000
        for found, amounts, opening, closing in (
            (self.statement(since_us=middle_us), [3, 2], 1, 6),
            (self.statement(before_us=middle_us), [1], 0, 1),
        ):
            self.assertEqual([line.amount_minor for line in found.lines], amounts)
            self.assertEqual((found.end.period_opening_minor, found.end.period_closing_minor), (opening, closing))

    def test_pages_of_a_period(self) -> None:
        """Pages end where the period begins; its opening and closing are told once, with the first."""
        self.spend_three_days()
        first = self.period(0.6, 3, limit=1)
        self.assertEqual(
            first.end, StatementEnd("USD", 6, 3, 6, first.end.cursor, period_opening_minor=1, period_closing_minor=6)
        )
        second = self.period(0.6, 3, limit=1, cursor=first.end.cursor)
        self.assertEqual([line.amount_minor for line in second.lines], [2])
        self.assertEqual(second.end, StatementEnd("USD", 6, 1, 3))

    def test_cursor_of_another_period(self) -> None:
        """A cursor is refused where its entry is not in the period."""
        self.spend_three_days()
        oldest, newest = self.statement().lines[-1].receipt, self.statement().lines[0].receipt
        for cursor in (oldest, newest):
            with self.assertRaises(Refused) as caught:
                self.period(1, 2, cursor=cursor)
            self.assertEqual((caught.exception.code, caught.exception.field), (codes.BAD_FIELD, "cursor"))

    def test_period_that_ends_before_it_begins(self) -> None:
        """Such a period is refused, rather than found empty."""
        with self.assertRaises(Refused) as caught:
            self.period(2, 1)
        self.assertEqual((caught.exception.code, caught.exception.field), (codes.BAD_FIELD, "before"))

    def test_balance_at(self) -> None:
        """The balance at an instant is the one after the last entry at or before it; before the first it is zero."""
        self.spend_three_days()
        noon_us = AT_US + 3 * HALF_DAY * 1_000_000
        for at_us, balance in ((0, 0), (AT_US, 0), (noon_us - 1, 1), (noon_us, 3), (noon_us + 1, 3), (10**17, 6)):
            with self.bank.store.reading() as connection:
                view = reports.balance(connection, self.session, at_us)
            self.assertEqual((view.balance_minor, view.at_us), (balance, at_us))

    def test_clock_that_was_set_back(self) -> None:
        """Entries keep their order: a period has all of those between two places, and adds up."""
        self.spend_three_days()
        self.bank.clock.rightNow -= 4 * HALF_DAY
        self.spend_three_days()
        for end in range(8):
            period = self.period(0, end / 2)
            amounts = sum(line.amount_minor for line in period.lines)
            self.assertEqual(period.end.closing_minor, period.end.opening_minor + amounts)
            with self.bank.store.reading() as connection:
                at_us = AT_US + end * HALF_DAY * 1_000_000 - 1
                self.assertEqual(reports.balance(connection, self.session, at_us).balance_minor, amounts)


class Notices(ReportsCase):
    """The inbox, and what was acknowledged."""

    def inbox(self, since: int | None = None) -> Inbox:
        """Alice's inbox."""
        with self.bank.store.reading() as connection:
            return reports.inbox(connection, self.session, since)

    def numbers(self, since: int | None = None) -> list[int]:
        """The numbers of the notices in it."""
        return [notice.number for notice in self.inbox(since).notices]

    def acknowledge(self, upto: int) -> None:
        """Acknowledge."""
        with self.bank.store.writing() as tx:
            reports.acknowledge(tx, self.session, upto)

    def rename(self, name: str) -> None:
        """An event that moves no money."""
        with self.bank.store.writing() as tx:
            accounts.update_contact(tx, self.session, {"name": name})

    def test_notices(self) -> None:
        """Movements and other events come as one list, by number, each with what its owner needs to know."""
        self.deposit(100)
        self.rename("Alice A.")
        self.apply(self.command(Transfer, 30, payee=self.bob.account, reference="rent"))
        self.apply(self.command(Transfer, 10, payer=self.bob, payee=self.alice.account))
        self.assertEqual(
            self.inbox(),
            Inbox(
                (
                    Notice(1, "deposit", AT_US, 100, 100, "USD"),
                    Notice(2, "contact", AT_US),
                    Notice(3, "paid", AT_US, -30, 70, "USD", self.bob.account, "rent"),
                    Notice(4, "received", AT_US, 10, 80, "USD", self.bob.account),
                ),
                0,
            ),
        )

    def test_since(self) -> None:
        """A number says after which notice to begin; without one it is the last acknowledged."""
        self.deposit(1, 1, 1)
        self.acknowledge(2)
        for since, numbers in ((None, [3]), (0, [1, 2, 3]), (1, [2, 3]), (3, []), (4, []), (10**17, [])):
            self.assertEqual(self.numbers(since), numbers, since)

    def test_page(self) -> None:
        """A page has a hundred notices, the oldest, wherever among them the other events are."""
        self.rename("a")
        self.deposit(*[1] * 99)
        self.rename("b")
        self.deposit(1)
        self.assertEqual(self.numbers(), list(range(1, 101)))
        self.assertEqual(self.numbers(1), list(range(2, 102)))
        self.assertEqual(self.numbers(100), [101, 102])

    def test_acknowledged(self) -> None:
        """Acknowledging is cumulative, and a smaller number takes nothing back."""
        self.deposit(1, 1, 1)
        for upto, acknowledged in ((0, 0), (2, 2), (1, 2), (2, 2), (3, 3)):
            self.acknowledge(upto)
            self.assertEqual(self.inbox().acknowledged, acknowledged, upto)
        with self.bank.store.reading() as connection:
            self.assertEqual(customers.account(connection, self.bob.account_id).acknowledged, 0)

    def test_acknowledging_what_never_was(self) -> None:
        """A number that no notice has yet is refused, so that nothing is missed later."""
        self.deposit(1)
        with self.assertRaises(Refused) as caught:
            self.acknowledge(2)
        self.assertEqual((caught.exception.code, caught.exception.field), (codes.BAD_FIELD, "upto"))
        self.assertEqual(self.inbox().acknowledged, 0)
