"""Announcements: each customer is told once a month that the statement of the month that has ended is ready."""

from datetime import UTC, datetime
from itertools import count

from sqlalchemy import select
from twisted.trial.unittest import SynchronousTestCase

from bankd.bank import announcements, payments
from bankd.client import news
from bankd.forwarding.email import letter
from bankd.happenings import Happening
from bankd.ledger.commands import Transfer
from bankd.records import Event, Notice, NoticeKind, Period, period_of
from bankd.statement import LAST_MONTH, month_after, month_before, month_of
from bankd.store import schema
from bankd.store.engines import Transaction
from bankd.testing import Known, PracticeBank
from tests.databases import DatabaseCase, on_every_engine, on_servers

KEPT = ("month", "reached")


def at(moment: str) -> float:
    """A time in UTC, in seconds since 1970."""
    return datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()


class AnnouncementCase(DatabaseCase):
    """A bank that opens on 22 September 2026, with five customers of whom four have money; a piece is two accounts."""

    def setUp(self) -> None:
        self.patch(announcements, "PIECE", 2)
        self.bank = PracticeBank(url=self.database())
        self.addCleanup(self.bank.close)
        self.known = [self.bank.add_customer(f"customer{number}", deposit_minor=100) for number in range(4)]
        self.known.append(self.bank.add_customer("poor"))
        self.keys = count()

    def go_to(self, moment: str, *, rounds: bool = True) -> None:
        """Let the time come, and the bank do what it then does by itself."""
        self.bank.clock.advance(at(moment) - self.bank.clock.seconds())
        if rounds:
            self.bank.make_rounds()

    def piece(self, bank: PracticeBank | None = None) -> bool:
        """One piece of the work; whether there may be more."""
        return (bank or self.bank).run(announcements.go_on)

    def pay(self, payer: Known, payee: Known, amount_minor: int = 100) -> None:
        """One customer pays another."""
        order = Transfer(
            customer_id=payer.customer_id,
            account_id=payer.account_id,
            fence=None,
            key=f"k{next(self.keys)}",
            amount_minor=amount_minor,
            currency="USD",
            payee=payee.account,
        )
        self.bank.run(lambda tx: payments.apply(tx, [order]))

    def told(self) -> list[str]:
        """Whose account, under which number, was told of which month; in the order of the notices."""
        owners = {known.account_id: str(place) for place, known in enumerate(self.known)}
        table = schema.notices.c
        query = select(table.account_id, table.number, table.month).where(table.kind == "statement").order_by(table.id)
        with self.bank.store.reading() as connection:
            return [f"{owners[row.account_id]} {row.number} {row.month}" for row in connection.execute(query)]


class TheMonth(AnnouncementCase):
    """When it is told, and how often."""

    def test_month_end(self) -> None:
        """A minute after the end in UTC each account that has a statement is told, once, and at once who listens."""
        self.go_to("2026-10-01T00:00:59.999999")
        self.assertEqual(self.told(), [])
        self.bank.board.events.clear()
        self.go_to("2026-10-01T00:01:00")
        self.assertEqual(self.told(), [f"{number} 2 2026-09" for number in range(4)], "the last has no money")
        ids = [known.account_id for known in self.known[:4]]
        self.assertEqual(self.bank.board.events, [Event(one, 2, NoticeKind.STATEMENT) for one in ids])
        with self.bank.store.reading() as connection:
            kept = connection.execute(select(*(schema.announcements.c[name] for name in KEPT))).all()
        self.assertEqual(kept, [("2026-08", 0), ("2026-09", 4)])
        self.go_to("2026-10-31T23:59:59")
        self.assertEqual(len(self.told()), 4)
        self.assertEqual(self.bank.faults(), [])
        self.assertRegex(
            self.bank.log_in(self.known[1]).ask("n NOTICES")[-2],
            r"^n - number=2 kind=statement at=2026-10-01T00:01:00\.000000Z period=2026-09$",
        )

    def test_pieces(self) -> None:
        """A piece tells no more than it may; one that is undone is done again, and tells nobody twice."""
        self.go_to("2026-10-01T00:01:00", rounds=False)
        self.assertTrue(self.piece())
        self.assertEqual(len(self.told()), 2)
        self.assertRaises(ZeroDivisionError, self.fail_in_a_piece)
        self.assertEqual(len(self.told()), 2)
        again = PracticeBank(url=self.bank.store.url.render_as_string(hide_password=False))
        self.addCleanup(again.close)
        again.clock.advance(self.bank.clock.seconds() - again.clock.seconds())
        self.assertEqual([self.piece(again) for _ in range(4)], [True, True, False, False])
        self.assertEqual(self.told(), [f"{number} 2 2026-09" for number in range(4)])

    def fail_in_a_piece(self) -> None:
        """A piece, and then the bank crashes before it is committed."""
        with self.bank.store.writing() as tx:
            announcements.go_on(tx)
            raise ZeroDivisionError


@on_every_engine
class Everybody(AnnouncementCase):
    """Who has a statement."""

    def test_who(self) -> None:
        """Told is who had an entry in the month or money at its end, whatever came after; a closed account is not."""
        self.go_to("2026-10-05T00:00:00")
        self.pay(self.known[0], self.known[1])  # so the first has nothing more, but an entry in October
        closing = self.bank.log_in(self.known[3])
        closing.ask(f"d DELETE_ACCOUNT pin={self.known[3].pin} payout={self.known[2].account}")
        self.go_to("2026-11-01T00:00:30", rounds=False)
        self.pay(self.known[1], self.known[4])  # after the month, and before anybody was told
        self.pay(self.known[1], self.known[0])
        self.known.append(self.bank.add_customer("late", deposit_minor=100))
        self.go_to("2026-11-01T00:01:00")
        october = [told for told in self.told() if told.endswith("2026-10")]
        self.assertEqual(october, ["0 5 2026-10", "1 6 2026-10", "2 4 2026-10"])
        self.pay(self.known[0], self.known[1])
        self.go_to("2026-12-01T00:01:00")
        self.pay(self.known[4], self.known[1])
        self.go_to("2027-01-01T00:01:00")
        # The fifth paid all that it had in December; the first had nothing since November.
        self.assertEqual([told[0] for told in self.told() if told.endswith("2026-11")], ["0", "1", "2", "4", "5"])
        self.assertEqual([told[0] for told in self.told() if told.endswith("2026-12")], ["1", "2", "4", "5"])
        self.go_to("2027-02-01T00:01:00")
        self.assertEqual([told[0] for told in self.told() if told.endswith("2027-01")], ["1", "2", "5"])


@on_servers
class OnServers(AnnouncementCase):
    """Several banks on one database."""

    def test_two_banks(self) -> None:
        """Two banks take turns, from the first piece on, and everybody is told once."""
        other = PracticeBank(url=self.bank.store.url.render_as_string(hide_password=False))
        self.addCleanup(other.close)
        self.go_to("2026-10-01T00:01:00", rounds=False)
        other.clock.advance(self.bank.clock.seconds() - other.clock.seconds())
        while self.piece() | self.piece(other):
            pass
        self.assertEqual(self.told(), [f"{number} 2 2026-09" for number in range(4)])

    def test_begun_at_once(self) -> None:
        """Where the other has begun between the look and the beginning, the piece is done again behind it."""
        other = PracticeBank(url=self.bank.store.url.render_as_string(hide_password=False))
        self.addCleanup(other.close)
        self.go_to("2026-10-01T00:01:00", rounds=False)
        other.clock.advance(self.bank.clock.seconds() - other.clock.seconds())
        real = announcements._next_month
        between = [lambda: self.piece(other)]

        def next_month(tx: Transaction, newest: str | None) -> str | None:
            month = real(tx, newest)
            if between:
                between.pop()()
            return month

        self.patch(announcements, "_next_month", next_month)
        while self.piece():
            pass
        self.assertEqual(self.told(), [f"{number} 2 2026-09" for number in range(4)])


class Off(AnnouncementCase):
    """A bank that was not there when a month ended."""

    def test_made_up_for(self) -> None:
        """What was missed is told when it is back: of the months in which anything was entered, and of the last."""
        self.go_to("2026-10-01T00:01:00")
        self.go_to("2026-11-10T00:00:00", rounds=False)
        self.pay(self.known[0], self.known[1])
        self.go_to("2027-04-30T12:00:00")
        months = [told[4:] for told in self.told()]
        self.assertEqual(months[4:], ["2026-11"] * 4 + ["2027-03"] * 3, "nothing happened in October")

    def test_first(self) -> None:
        """A bank that never announced anything begins with the month before, and tells whoever had money at its end.

        Where its clock is set back nothing is told again.
        """
        self.go_to("2026-12-01T00:00:30", rounds=False)
        for payer in self.known[1:4]:
            self.pay(payer, self.known[4])
        self.go_to("2026-12-15T00:00:00")
        told = [f"{number} {3 if number else 2} 2026-11" for number in range(4)]
        self.assertEqual(self.told(), told, "also those whose money has left since")
        self.bank.clock.rightNow = at("2026-10-20T00:00:00")
        self.bank.make_rounds()
        self.go_to("2026-12-31T00:00:00")
        self.assertEqual(self.told(), told)


class Chosen(AnnouncementCase):
    """It is for the customer to say whether to be told."""

    def test_muted(self) -> None:
        """Who has muted it is not told, live or later; its number is counted, and it can be had again."""
        wire = self.bank.log_in(self.known[0])
        self.assertEqual(
            wire.ask("p PREFERENCES muted=statement"), ["p 200 muted=statement least=0 currency=USD"], "it can be"
        )
        wire.ask("a ACKNOWLEDGE upto=2")
        self.bank.board.events.clear()
        self.go_to("2026-10-01T00:01:00")
        wire = self.bank.log_in(self.known[0])
        self.assertEqual(wire.ask("n NOTICES", "m NOOP notices=yes"), ["n 200 acknowledged=2", "m 200 newest=0"])
        wire.ask("p PREFERENCES muted=none least=1000000")  # of an amount it has none
        self.assertIn("number=3 kind=statement", wire.ask("n NOTICES")[0])


class Months(SynchronousTestCase):
    """Months, and how they are told."""

    def test_turns(self) -> None:
        """Ends of months short and long, of February and of years."""
        for month, following, last in (
            ("2026-01", "2026-02", "2026-01-31"),
            ("2027-02", "2027-03", "2027-02-28"),
            ("2028-02", "2028-03", "2028-02-29"),
            ("2026-12", "2027-01", "2026-12-31"),
        ):
            self.assertEqual((month_after(month), month_before(following)), (following, month))
            whole = period_of(month)
            self.assertEqual(whole.since_us, int(at(f"{month}-01T00:00:00") * 1_000_000))
            assert whole.before_us is not None
            self.assertEqual(month_of(whole.before_us), following)
            self.assertEqual(whole.before_us - 1, int(at(f"{last}T23:59:59") * 1_000_000) + 999_999)
        self.assertEqual(period_of(LAST_MONTH), Period(int(at(f"{LAST_MONTH}-01T00:00:00") * 1_000_000), None))

    def test_words(self) -> None:
        """The terminal names the month, and an e-mail its number; where only the kind is known there is none."""
        told = news.notice(Notice(4, "statement", 0, period="2026-10"), between="|")
        self.assertTrue(told.startswith("Your statement of October 2026 is ready|"), told)
        self.assertEqual(news.kind_alone("statement"), "A statement of yours is ready.")
        self.assertTrue(news.notice(Notice(4, "statement", 0)).startswith("A statement of yours is ready,"))
        event = Happening("10000042", Notice(4, "statement", 0, period="2026-10"))
        self.assertEqual(event.as_json()["data"]["period"], "2026-10")
        self.assertIn("Your statement is ready. It is that of 2026-10.\n", letter(event).text)
