"""Fees, limits, overdrafts and holds as a customer meets them, through BANK/1 and a whole bank."""

from dataclasses import replace
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bankd import rounds
from bankd.bank import accounts, payments
from bankd.ledger.commands import Reversal
from bankd.ledger.tariff import Tariff
from bankd.records import Limits
from bankd.rounds import Rounds
from bankd.testing import OPENED, PRACTICE_TERMS, PracticeBank

DAY = 86_400
PATIENT = Limits(login_seconds=9 * DAY, idle_seconds=9 * DAY, session_seconds=9 * DAY)
TARIFF = Tariff(
    fees={"transfer": {"USD": 25}, "withdrawal": {"USD": 100}},
    payment_limits={"USD": 5000},
    day_limits={"USD": 8000},
)


class TariffCase(SynchronousTestCase):
    """A bank with fees and limits; Alice and Bob have a hundred dollars each, and a session."""

    tariff = TARIFF

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder, replace(PRACTICE_TERMS, tariff=self.tariff), PATIENT)
        self.addCleanup(self.bank.close)
        self.bank.clock.advance(DAY - OPENED % DAY)  # to midnight in UTC, so that no test runs over one by itself
        self.alice, self.bob = (self.bank.add_customer(name, 10_000) for name in ("alice", "bob"))
        self.hers, self.his = self.bank.log_in(self.alice), self.bank.log_in(self.bob)
        self.hers.received(), self.his.received()

    def tearDown(self) -> None:
        """Whatever was done, the ledger is right."""
        self.assertEqual(self.bank.faults(), [])

    def asked(self, line: str) -> str:
        """What Alice is answered, without the tag and what differs from run to run."""
        return " ".join(word for word in self.hers.ask(f"a {line}")[-1].split()[1:] if not word.startswith("at="))

    def field(self, line: str, name: str) -> str:
        """A field of what Alice is answered."""
        fields = dict(word.split("=", 1) for word in self.asked(line).split() if "=" in word)
        return fields.get(name, "")

    def notices(self) -> tuple[list[str], list[str]]:
        """The kinds of Alice's and of Bob's notices."""
        answers = (wire.ask("n NOTICES since=0")[:-1] for wire in (self.hers, self.his))
        hers, his = ([line.split("kind=")[1].split()[0] for line in answer] for answer in answers)
        return hers, his


class Unusual(TariffCase):
    """Cash that is more at once than the settings call usual."""

    tariff = Tariff(unusual_withdrawals={"USD": 1000})

    def test_told(self) -> None:
        """More than that gets a notice of its own, taken out or paid of a hold; as much, and transfers, get none."""
        for request in (
            "WITHDRAW amount=1000 currency=USD key=1",
            f"TRANSFER to={self.bob.account} amount=1001 currency=USD key=2",
            "WITHDRAW amount=1001 currency=USD key=3",
            "WITHDRAW amount=1001 currency=USD key=3",
            f"HOLD to={self.bob.account} amount=1001 currency=USD key=4",
        ):
            self.assertTrue(self.asked(request).startswith("200 "), request)
        self.asked(f"CAPTURE hold={self.field('HOLD amount=1002 currency=USD key=5', 'hold')} key=6")
        hers, his = self.notices()
        self.assertEqual(hers[1:], ["withdrawal", "paid", "withdrawal", "unusual", "hold", "hold", "paid", "unusual"])
        self.assertNotIn("unusual", his)

    def test_other_currency(self) -> None:
        """A currency without a limit has nothing unusual."""
        with self.bank.store.writing() as tx:
            fresh = accounts.open_account(tx, self.bank.branch.random_below, self.bob.customer_id, "EUR")
        wire = self.bank.connect()
        wire.ask(f"l LOGIN account={fresh.number} pin={self.bob.pin}", "d DEPOSIT amount=5000 currency=EUR key=d")
        wire.ask("w WITHDRAW amount=5000 currency=EUR key=w")
        self.assertEqual(len(wire.ask("n NOTICES since=0")), 3)


class Closing(TariffCase):
    """An account that is overdrawn by a fee, with a hold open on it."""

    tariff = Tariff(fees={"transfer": {"USD": 25}})

    def test_order(self) -> None:
        """Of the two reasons not to close it, that which stands first among the codes is told."""
        self.bank.run(lambda tx: accounts.set_limits(tx, self.alice.account, {"floor_minor": -200}))
        self.asked(f"HOLD to={self.bob.account} amount=100 currency=USD key=h")
        self.assertTrue(self.asked(f"DELETE_ACCOUNT pin={self.alice.pin}").startswith("409 reason=holds"))
        self.asked(f"TRANSFER to={self.bob.account} amount=10000 currency=USD key=t")
        self.assertEqual(self.asked(f"DELETE_ACCOUNT pin={self.alice.pin}"), "402 reason=funds")


class Fees(TariffCase):
    """What payments cost."""

    def test_on_the_statement(self) -> None:
        """A fee is a line of its own before that of its payment, and the receipt's balance is the one after both."""
        self.assertIn("balance=8975 ", self.asked(f"TRANSFER to={self.bob.account} amount=1000 currency=USD key=1"))
        self.assertIn("balance=8375 ", self.asked("WITHDRAW amount=500 currency=USD key=2"))
        lines = self.hers.ask("s STATEMENT")
        told = [[part.split(" ")[0] for part in line.split("kind=")[1].split("=")[:3]] for line in lines[:-1]]
        self.assertEqual(
            told,
            [
                ["withdrawal", "-500", "8375"],
                ["fee", "-100", "8875"],
                ["paid", "-1000", "8975"],
                ["fee", "-25", "9975"],
                ["deposit", "10000", "10000"],
            ],
        )
        self.assertEqual(self.notices()[0], ["deposit", "fee", "paid", "fee", "withdrawal"])

    def test_told(self) -> None:
        """LIMITS tells fees and limits, and what is left today."""
        self.asked("WITHDRAW amount=500 currency=USD key=1")
        self.assertEqual(
            self.asked("LIMITS"),
            "200 currency=USD available=9400 overdraft=0 transfer_fee=25 withdrawal_fee=100"
            " payment=5000 day=8000 left=7500",
        )

    def test_not_enough_for_the_fee(self) -> None:
        """A payment is refused where the fee is not there besides it, and nothing is charged."""
        self.asked("WITHDRAW amount=4900 currency=USD key=1")
        self.assertEqual(self.field("BALANCE", "balance"), "5000")
        self.bank.clock.advance(DAY)
        self.assertEqual(self.asked("WITHDRAW amount=4901 currency=USD key=2"), "402 reason=funds")
        self.assertEqual(self.field("BALANCE", "balance"), "5000")
        self.assertTrue(self.asked("WITHDRAW amount=4900 currency=USD key=3").startswith("200 "))
        self.assertEqual(self.field("BALANCE", "balance"), "0")

    def test_sent_again(self) -> None:
        """A payment that is sent again is charged once."""
        for _ in range(2):
            self.assertIn("balance=9400 ", self.asked("WITHDRAW amount=500 currency=USD key=1"))
        self.assertEqual(self.field("BALANCE", "balance"), "9400")

    def test_of_a_hold(self) -> None:
        """What sets money aside costs nothing; what is paid out of it costs what a transfer does."""
        hold = self.field(f"HOLD to={self.bob.account} amount=1000 currency=USD key=1", "hold")
        self.assertEqual(self.field("BALANCE", "balance"), "10000")
        self.assertIn("balance=8975 ", self.asked(f"CAPTURE hold={hold} key=2"))


class SpendingLimits(TariffCase):
    """The most at once, and in a day."""

    def test_at_once(self) -> None:
        """More than the limit is refused, whatever is on the account; the limit itself is not."""
        kinds = ("WITHDRAW", f"TRANSFER to={self.bob.account}", f"HOLD to={self.bob.account}", "HOLD")
        for number, kind in enumerate(kinds, 2):
            self.assertEqual(self.asked(f"{kind} amount=5001 currency=USD key={number}"), "422 reason=payment_limit")
        self.assertTrue(self.asked("WITHDRAW amount=5000 currency=USD key=1").startswith("200 "))

    def test_in_a_day(self) -> None:
        """Payments and holds add up to the day's limit, what they cost does not, and a day begins at midnight, UTC."""
        self.asked("WITHDRAW amount=3000 currency=USD key=1")
        self.asked("HOLD amount=4000 currency=USD key=2")
        self.assertEqual(self.asked("WITHDRAW amount=1001 currency=USD key=3"), "422 reason=day_limit")
        self.assertTrue(self.asked("WITHDRAW amount=1000 currency=USD key=4").startswith("200 "))
        self.assertEqual(self.field("LIMITS", "left"), "0")
        self.bank.clock.advance(DAY - 1)
        self.assertEqual(self.asked("WITHDRAW amount=1 currency=USD key=5"), "422 reason=day_limit")
        self.bank.clock.advance(1)
        self.assertEqual(self.field("LIMITS", "left"), "8000")
        self.assertTrue(self.asked("WITHDRAW amount=1 currency=USD key=6").startswith("200 "))

    def test_captured_and_given_back(self) -> None:
        """What comes of a hold is not counted again, and what is given back counts for nobody."""
        hold = self.field(f"HOLD to={self.bob.account} amount=5000 currency=USD key=1", "hold")
        self.assertEqual(self.field("LIMITS", "left"), "3000")
        receipt = self.field(f"CAPTURE hold={hold} key=2", "receipt")
        self.assertEqual(self.field("LIMITS", "left"), "3000")
        self.his.ask(f"b REVERSE receipt={receipt} key=3")
        self.assertEqual((self.field("LIMITS", "left"), self.field("BALANCE", "balance")), ("3000", "9975"))

    def test_of_its_own(self) -> None:
        """An account's own limits hold in place of the bank's from the next request on, and so does an overdraft."""
        with self.bank.store.writing() as tx:
            accounts.set_limits(
                tx, self.alice.account, {"payment_limit_minor": 20_000, "day_limit_minor": 30_000, "floor_minor": -5000}
            )
        self.assertEqual(self.field("BALANCE", "available"), "15000")
        self.assertEqual(self.asked("WITHDRAW amount=14901 currency=USD key=1"), "402 reason=funds")
        self.assertIn("balance=-5000 ", self.asked("WITHDRAW amount=14900 currency=USD key=2"))
        self.assertEqual(self.field("LIMITS", "overdraft"), "5000")
        self.assertEqual(
            self.asked(f"DELETE_ACCOUNT pin={self.alice.pin} payout={self.bob.account}"), "402 reason=funds"
        )

    def test_given_back_by_the_bank(self) -> None:
        """What the bank itself gives back, beside the daemon, the customer's next request shows."""
        receipt = int(self.field(f"TRANSFER to={self.bob.account} amount=1000 currency=USD key=1", "receipt"))
        back = Reversal(
            customer_id=0,
            account_id=self.bob.account_id,
            fence=None,
            key="reversal:1",
            reference="Sorry",
            of_id=receipt,
        )
        with self.bank.store.writing() as tx:
            payments.apply(tx, [back])
        self.assertEqual(self.field("BALANCE", "balance"), "9975")
        self.assertEqual(self.notices(), (["deposit", "fee", "paid", "reversal"], ["deposit", "received", "reversal"]))


class Expiry(TariffCase):
    """Holds that end by themselves."""

    tariff = Tariff()

    def hold(self, seconds: int = 60) -> str:
        """The number of a hold of Alice's for Bob."""
        order = f"HOLD to={self.bob.account} amount=1000 currency=USD seconds={seconds} key=hold{seconds}"
        return self.field(order, "hold")

    def open_holds(self) -> list[str]:
        """The numbers of Bob's open holds."""
        return [line.split("hold=")[1].split()[0] for line in self.his.ask("h HOLDS")[:-1]]

    def test_time_passed(self) -> None:
        """After its time the money is available again, and both sides are told, once."""
        first, second = self.hold(60), self.hold(61)
        self.bank.clock.advance(59)
        self.assertEqual((self.bank.expire_holds(), self.open_holds()), (0, [first, second]))
        self.bank.clock.advance(1)
        self.assertEqual((self.bank.expire_holds(), self.open_holds()), (1, [second]))
        self.assertEqual(self.field("BALANCE", "available"), "9000")
        self.bank.clock.advance(1)
        self.assertEqual((self.bank.expire_holds(), self.bank.expire_holds()), (1, 0))
        self.assertEqual(self.field("BALANCE", "available"), "10000")
        hers = ["deposit", "hold", "hold", "released", "released"]
        self.assertEqual(self.notices(), (hers, ["deposit", "promised", "promised", "withdrawn", "withdrawn"]))

    def test_cannot_be_captured_any_more(self) -> None:
        """From its end on a hold is not paid, also while it still stands in the list."""
        hold = self.hold()
        self.bank.clock.advance(60)
        self.assertEqual(self.asked(f"CAPTURE hold={hold} key=c"), "404 reason=hold")
        self.assertEqual(self.open_holds(), [hold])

    def test_more_than_are_ended_at_once(self) -> None:
        """Holds beyond what one transaction ends are ended by the next, those longest due first."""
        self.patch(payments, "MOST_EXPIRED", 1)
        first, second = self.hold(2), self.hold(1)
        self.bank.clock.advance(2)
        self.assertEqual((self.bank.expire_holds(), self.open_holds()), (1, [first]))
        self.assertEqual((self.bank.expire_holds(), self.open_holds()), (1, []))
        self.assertNotEqual(first, second)

    def make_rounds(self) -> None:
        """Have the bank do by itself what the daemon does."""
        going = Rounds(self.bank.lane, self.bank.clock)
        going.begin()
        self.addCleanup(going.end)

    def test_daemon_ends_them(self) -> None:
        """The daemon looks for holds that are due by itself, and sends both sides a notice."""
        self.make_rounds()
        self.hold(5)
        self.bank.board.events.clear()
        self.bank.clock.pump([rounds.SECONDS] * 4)
        self.assertEqual(len(self.open_holds()), 1)
        self.bank.clock.advance(rounds.SECONDS)
        self.assertEqual(self.open_holds(), [])
        told = {(event.account_id, event.kind) for event in self.bank.board.events}
        self.assertEqual(told, {(self.alice.account_id, "released"), (self.bob.account_id, "withdrawn")})

    def test_daemon_goes_on_after_a_fault(self) -> None:
        """A fault is logged and the next look is made; that the bank is stopping or busy is nobody's fault."""
        self.make_rounds()
        self.hold(1)
        with self.bank.store.writing() as tx:
            tx.connection.exec_driver_sql("ALTER TABLE holds RENAME TO mislaid")
        self.bank.clock.advance(rounds.SECONDS)
        with self.bank.store.writing() as tx:
            tx.connection.exec_driver_sql("ALTER TABLE mislaid RENAME TO holds")
        self.flushLoggedErrors()
        self.bank.clock.advance(rounds.SECONDS)
        self.assertEqual(self.open_holds(), [])
