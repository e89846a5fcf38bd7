"""What customers want to be told of: what is switched off is not told live nor listed, and is not lost."""

from twisted.trial.unittest import SynchronousTestCase

from bankd.client import news, preference_words, slips
from bankd.client.tasks import Context, NotTask, read_task
from bankd.notices import OPTIONAL, NoticeKind, PreferencesView
from bankd.perspectives.quiet import Quiet
from bankd.records import Event, Session, Welcome
from bankd.testing import PracticeBank, Wire
from bankd.wire import messages
from tests.databases import DatabaseCase, on_every_engine


class PreferencesCase(DatabaseCase):
    """A bank with Alice, who is logged in and has a hundred dollars, and Bob."""

    def setUp(self) -> None:
        self.bank = PracticeBank(url=self.database())
        self.addCleanup(self.bank.close)
        self.alice = self.bank.add_customer("alice", deposit_minor=100_00)
        self.bob = self.bank.add_customer("bob", deposit_minor=100_00)
        self.wire = self.bank.log_in(self.alice)
        self.keys = 0

    def prefer(self, fields: str = "") -> str:
        """What the bank answers to Alice's choice."""
        [answer] = self.wire.ask(f"p PREFERENCES {fields}".rstrip())
        return answer.removeprefix("p ")

    def pay(self, amount_minor: int, wire: Wire | None = None) -> None:
        """Alice, or whose wire it is, pays the other."""
        self.keys += 1
        to = self.bob if wire is None else self.alice
        order = f"t TRANSFER to={to.account} amount={amount_minor} currency=USD key=k{self.keys}"
        self.assertIn(" 200 ", (wire or self.wire).ask(order)[0])

    def listed(self, since: str = "") -> list[str]:
        """The kinds of the notices that the bank lists for Alice, with their numbers."""
        *items, _end = self.wire.ask(f"n NOTICES {since}".rstrip())
        return [" ".join(word.split("=")[1] for word in item.split(" ")[2:4]) for item in items]

    def told(self) -> list[tuple[int, str]]:
        """What was told live of Alice's account since the last time."""
        events, self.bank.board.events = self.bank.board.events, []
        return [(event.number, event.kind) for event in events if event.account_id == self.alice.account_id]


@on_every_engine
class Choosing(PreferencesCase):
    """What was chosen is kept, and holds from then on, in this session and in the next."""

    def test_kinds(self) -> None:
        """A kind that is switched off is neither told nor listed; its number is taken, and the statement has it."""
        self.assertEqual(self.prefer(), "200 muted=none least=0 currency=USD")
        self.assertEqual(self.prefer("muted=received+paid+paid"), "200 muted=paid+received least=0 currency=USD")
        self.bank.board.events.clear()
        self.pay(500)
        self.wire.ask("d DEPOSIT amount=100 currency=USD key=d")
        self.assertEqual(self.told(), [(4, "deposit")])
        self.assertEqual(self.listed(), ["1 deposit", "2 preferences", "4 deposit"])
        self.assertIn("kind=paid", " ".join(self.wire.ask("s STATEMENT")))
        self.assertEqual(self.wire.ask("a ACKNOWLEDGE upto=4", "n NOTICES"), ["a 200", "n 200 acknowledged=4"])
        self.assertEqual(self.bank.faults(), [])

    def test_amounts(self) -> None:
        """Amounts below the least are not told, whichever way they move; at the least they are."""
        self.prefer("least=500")
        self.bank.board.events.clear()
        bob = self.bank.log_in(self.bob)
        for amount_minor in (499, 500):
            self.pay(amount_minor)
            self.pay(amount_minor, bob)
        self.assertEqual(self.told(), [(5, "paid"), (6, "received")])
        self.assertEqual(self.listed("since=2"), ["5 paid", "6 received"])
        self.assertEqual(self.prefer("least=0"), "200 muted=none least=0 currency=USD")
        self.assertEqual(self.listed("since=2"), ["3 paid", "4 received", "5 paid", "6 received", "7 preferences"])

    def test_newest(self) -> None:
        """What is left out is not the newest notice that a terminal is told to ask for."""
        self.wire.ask("a ACKNOWLEDGE upto=1")
        self.prefer("muted=paid")
        self.pay(500)
        self.assertEqual(self.wire.ask("o NOOP notices=yes"), ["o 200 newest=2"])
        self.wire.ask("a ACKNOWLEDGE upto=2")
        self.assertEqual(self.wire.ask("o NOOP notices=yes"), ["o 200 newest=0"])

    def test_next_session(self) -> None:
        """The choice is the account's, and the next session begins with it; nothing stays behind in memory."""
        self.prefer("muted=paid")
        self.wire.ask("o LOGOUT")
        self.assertEqual(self.bank.branch.quiet._chosen, {})
        self.wire = self.bank.log_in(self.alice)
        self.told()
        self.pay(500)
        self.assertEqual(self.told(), [])
        self.assertEqual(self.prefer("muted=none"), "200 muted=none least=0 currency=USD")
        self.told()
        self.pay(500)
        self.assertEqual(self.told(), [(5, "paid")])

    def test_always(self) -> None:
        """What protects the customer, what the bank says and what there is not cannot be switched off."""
        for kind in {*NoticeKind} - {*OPTIONAL}:
            self.assertEqual(self.prefer(f"muted=paid+{kind}"), "400 reason=field field=muted", kind)
        for muted in ("rain", "none+paid"):
            self.assertEqual(self.prefer(f"muted={muted}"), "400 reason=field field=muted")
        self.assertEqual(self.listed(), ["1 deposit"])

    def test_no_change(self) -> None:
        """What changes nothing is not told."""
        self.prefer("muted=none least=0")
        self.assertEqual(self.listed(), ["1 deposit"])


class Pages(PreferencesCase):
    """What is left out takes nobody's place."""

    def test_full_page(self) -> None:
        """A page has a hundred notices also where more than a hundred before them are left out."""
        self.prefer("least=2")
        with self.bank.store.writing() as tx:
            from bankd.bank import payments

            for amount_minor in (1, 2):
                deposits = [self.bank.deposit(self.alice, amount_minor, f"{amount_minor}.{n}") for n in range(150)]
                payments.apply(tx, deposits)
        self.assertEqual(len(self.listed("since=2")), 100)
        self.assertEqual(self.listed("since=2")[0], "153 deposit")


class Sessions(SynchronousTestCase):
    """What is known of sessions that want to be told of less."""

    def session(self, fence: int) -> Session:
        """A session on the account 7."""
        return Session(1, 7, fence, False, Welcome("7", "USD", 30))

    def test_taken_over(self) -> None:
        """A session that ends after another has begun on its account takes nothing of the other's away."""
        told: list[Event] = []
        quiet = Quiet(lambda events, _at: told.extend(events))
        muted = PreferencesView("paid", 0, "USD")
        quiet.choose(self.session(1), muted)
        quiet.choose(self.session(2), muted)
        quiet.forget(self.session(1))
        paid, other = Event(7, 1, NoticeKind.PAID), Event(8, 1, NoticeKind.PAID)
        quiet.tell([paid, other], 0.0)
        self.assertEqual(told, [other])
        quiet.forget(self.session(2))
        quiet.tell([paid, other], 0.0)
        self.assertEqual(told, [other, paid, other])


class Words(SynchronousTestCase):
    """How a person chooses, in words and by reading."""

    def read(self, text: str) -> object:
        """The request that a task becomes."""
        return read_task(text, Context("USD", lambda: "k"))

    def test_tasks(self) -> None:
        """Each form of task."""
        for text, request in (
            ("View Preferences", messages.Preferences()),
            ("Mute Fee Deposit", messages.Preferences(muted="fee+deposit")),
            ("mute nothing", messages.Preferences(muted="none")),
            ("Notices from 12.50", messages.Preferences(least=1250)),
            ("Notices of every amount", messages.Preferences(least=0)),
            ("Notices", messages.Notices()),
        ):
            self.assertEqual(self.read(text), request)
        self.assertRaises(NotTask, self.read, "mute lockout")

    def test_every_kind_has_a_name(self) -> None:
        """All that can be switched off is listed by a name, with what was chosen."""
        self.assertEqual({*preference_words.KINDS}, {*OPTIONAL})
        lines = slips.answer(messages.Preferences(), PreferencesView("fee", 1250, "USD"), []).splitlines()
        self.assertIn("Fees: not told", lines)
        self.assertIn("Cash paid in: told", lines)
        self.assertEqual(lines[-2], "Amounts: from 12.50 USD")
        self.assertIn("Amounts: every amount", preference_words.told(PreferencesView("none", 0, "USD")))
        self.assertIn("changed", news.kind_alone("preferences"))

    def test_with_other(self) -> None:
        """One kind more, and one less."""
        one = PreferencesView("none", 0, "USD").with_other(NoticeKind.FEE)
        self.assertEqual(one.muted, "fee")
        self.assertEqual(one.with_other(NoticeKind.PAID).muted, "fee+paid")
        self.assertEqual(one.with_other(NoticeKind.FEE).muted, "none")
        self.assertTrue(one.silent)
        self.assertFalse(one.silences(NoticeKind.LOCKOUT, None))
