"""``bankctl account``: what an account may spend."""

import json
import os

from bankd.bank import payments
from bankd.ledger.commands import Command, Hold, Transfer
from bankd.ledger.entries import Entry
from bankd.operator_socket import user_name
from bankd.store import customers, operators
from bankd.store.customers import AccountRow
from tests.test_ctl import CtlCase, Done

LIMITED = "[bank]\ndemo = yes\ncurrency = USD\nregion = US\npayment_limit = 500 USD\n"


class AccountCase(CtlCase):
    """A bank with the demo's customers, who have 1,000 dollars each; its settings limit payments to 500."""

    def setUp(self) -> None:
        super().setUp()
        self.config = self.settings(LIMITED)
        self.bankctl("init", "--config", self.config, "--state", str(self.state))
        self.made = json.loads((self.state / "demo.json").read_text())
        self.alice, self.bob = (self.row(one["account"]) for one in self.made[:2])

    def row(self, number: str) -> AccountRow:
        """An account as it is now."""
        with self.store().reading() as connection:
            found = customers.account_numbered(connection, number)
        assert found is not None
        return found

    def apply(self, command: Command) -> Entry:
        """Have the bank carry out a command; the entry that it made."""
        with self.store().writing() as tx:
            [outcome] = payments.apply(tx, [command])
        assert outcome.entry is not None, outcome
        return outcome.entry

    def pay(self, amount_minor: int, key: str = "rent") -> Entry:
        """Alice pays Bob."""
        return self.apply(
            Transfer(
                customer_id=self.alice.customer_id,
                account_id=self.alice.id,
                fence=None,
                key=key,
                amount_minor=amount_minor,
                currency="USD",
                payee=self.bob.number,
                reference="Rent\x1b",
            )
        )

    def hold(self, amount_minor: int) -> Entry:
        """Alice sets money aside for cash."""
        return self.apply(
            Hold(
                customer_id=self.alice.customer_id,
                account_id=self.alice.id,
                fence=None,
                key="hold",
                amount_minor=amount_minor,
                currency="USD",
                seconds=60,
            )
        )

    def run_on(self, *arguments: str) -> Done:
        """Run a command on this bank."""
        return self.bankctl(*arguments, "--config", self.config, "--state", str(self.state))

    def close_account(self) -> None:
        """Close Alice's account, after all of it was paid to Bob."""
        self.pay(100_000, "all")
        with self.store().writing() as tx:
            customers.change_account(tx, self.alice.id, closed_us=tx.at_us)


class Show(AccountCase):
    """What an account has and may spend."""

    def test_lines(self) -> None:
        """Balance, holds, overdraft and limits are a line each, with whose limit it is."""
        self.hold(2500)
        done = self.run_on("account", "show", self.alice.number)
        self.assertEqual((done.status, done.complaints), (0, ""))
        lines = done.printed.splitlines()
        self.assertEqual(lines[0], f"account {self.alice.number} of customer {self.alice.customer_id}")
        self.assertEqual(
            lines[2:],
            [
                "  balance      1,000.00 USD",
                "  held         25.00 USD",
                "  available    975.00 USD",
                "  overdraft    0.00 USD",
                "  at once      500.00 USD (default)",
                "  in a day     no limit (default)",
                "  spent today  25.00 USD",
            ],
        )

    def test_json(self) -> None:
        """As JSON amounts are minor units, and null is no limit."""
        figures = json.loads(self.run_on("account", "show", self.alice.number, "--json").printed)
        self.assertEqual(figures["account"], self.alice.number)
        wanted = {"balance": 100_000, "payment": 50_000, "own_payment": False, "day": None, "spent": 0, "closed": None}
        self.assertLessEqual(wanted.items(), figures.items())

    def test_what_was_spent_on_another_day(self) -> None:
        """What was spent yesterday counts no more."""
        with self.store().writing() as tx:
            customers.change_account(tx, self.alice.id, day=1, spent_minor=500)
        self.assertIn("  spent today  0.00 USD\n", self.run_on("account", "show", self.alice.number).printed)

    def test_closed(self) -> None:
        """Of a closed account it is told when it was closed."""
        self.close_account()
        done = self.run_on("account", "show", self.alice.number)
        self.assertIn("  closed  ", done.printed)
        self.assertIsNotNone(json.loads(self.run_on("account", "show", self.alice.number, "--json").printed)["closed"])

    def test_nobodys(self) -> None:
        """Numbers that no customer's account has, those of tills among them, are named."""
        for verb in ("show", "limit"):
            for number in ("77777777", "TILL-USD"):
                done = self.run_on("account", verb, number)
                self.assertEqual(done, Done(2, "", f"bankctl: no customer has an account {number}\n"))


class Limit(AccountCase):
    """Setting what an account may spend."""

    def limit(self, *options: str) -> Done:
        """Set it for Alice's account."""
        return self.run_on("account", "limit", self.alice.number, *options)

    def test_own(self) -> None:
        """An account gets limits of its own, which may be zero, and what it then has is shown."""
        done = self.limit("--payment", "750.50", "--day", "0", "--overdraft", "$100")
        for line in ("at once      750.50 USD (its own)", "in a day     0.00 USD (its own)", "overdraft    100.00 USD"):
            self.assertIn(line, done.printed)
        row = self.row(self.alice.number)
        self.assertEqual((row.payment_limit_minor, row.day_limit_minor, row.floor_minor), (75_050, 0, -10_000))

    def test_recorded(self) -> None:
        """What was set is an act of whoever runs the command."""
        self.limit("--payment", "2000", "--day", "default", "--overdraft", "0")
        with self.store().reading() as connection:
            [act] = operators.acts_after(connection, None)
        self.assertEqual((act.operator, act.verb, act.outcome), (user_name(os.geteuid()), "account_limit", "done"))
        told = "at once 2,000.00 USD, in a day default, overdraft 0.00 USD"
        self.assertEqual((act.subject, act.details), (self.alice.number, told))

    def test_left_out(self) -> None:
        """What is not named stays as it is."""
        self.limit("--payment", "10", "--overdraft", "5")
        self.limit("--day", "20")
        row = self.row(self.alice.number)
        self.assertEqual((row.payment_limit_minor, row.day_limit_minor, row.floor_minor), (1000, 2000, -500))
        self.assertEqual(self.row(self.bob.number), self.bob)

    def test_default(self) -> None:
        """The limits of the settings can be had again."""
        self.limit("--payment", "10", "--day", "20")
        done = self.limit("--payment", "default", "--day", "default", "--json")
        figures = json.loads(done.printed)
        self.assertEqual((figures["payment"], figures["own_payment"], figures["day"]), (50_000, False, None))

    def test_overdraft_in_use(self) -> None:
        """An overdraft is not taken back below what is used of it, holds included; down to that it is."""
        self.limit("--overdraft", "100")
        self.pay(103_000)
        self.hold(2000)
        done = self.limit("--overdraft", "49.99", "--day", "1")
        self.assertEqual(
            done.complaints,
            f"bankctl: account {self.alice.number} uses 50.00 USD of its overdraft, which is more than 49.99 USD\n",
        )
        self.assertEqual((done.status, done.printed), (2, ""))
        self.assertIsNone(self.row(self.alice.number).day_limit_minor)
        self.assertIn("available    0.00 USD", self.limit("--overdraft", "50").printed)
        self.assertIn("uses 50.00 USD", self.limit("--overdraft", "0").complaints)

    def test_unusable(self) -> None:
        """What is no amount is told, with what would be; and so is a command that sets nothing."""
        for options, complaint in (
            (("--payment=-5",), "--payment -5 will not do: an amount is digits"),
            (("--day", "x\x1b"), "--day x\\x1b will not do"),
            (("--overdraft", "default"), "--overdraft default will not do"),
            ((), "nothing is to be set; name --payment, --day or --overdraft"),
        ):
            done = self.limit(*options)
            self.assertEqual((done.status, done.printed), (2, ""))
            self.assertIn(complaint, done.complaints)
        self.assertEqual(self.row(self.alice.number), self.alice)

    def test_closed(self) -> None:
        """A closed account spends nothing more, whatever its limits."""
        self.close_account()
        done = self.limit("--payment", "1")
        self.assertEqual(done, Done(2, "", f"bankctl: account {self.alice.number} is closed\n"))
