"""``bankctl account`` and ``bankctl reverse``: what an account may spend, and movements that the bank gives back."""

import builtins
import json
import sys
from io import StringIO

from bankd.bank import payments
from bankd.ctl import reverse
from bankd.ledger.commands import Capture, Command, Hold, Transfer
from bankd.ledger.entries import Entry
from bankd.store import customers
from bankd.store.customers import AccountRow
from bankd.store.engines import DatabaseFault, Store
from bankd.store.failures import Unknown
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


class Reverse(AccountCase):
    """The bank itself gives a movement back."""

    def reverse(self, entry: Entry | int, *options: str) -> Done:
        """Give an entry back."""
        number = entry if isinstance(entry, int) else entry.id
        return self.run_on("reverse", str(number), "--reason", "Paid in error", *options)

    def balances(self) -> tuple[int, int]:
        """What Alice and Bob have."""
        return self.row(self.alice.number).balance_minor, self.row(self.bob.number).balance_minor

    def test_given_back(self) -> None:
        """It is shown first, and then done; the reason is on the statements, and the ledger stays right."""
        paid = self.pay(2500)
        done = self.reverse(paid, "--yes")
        self.assertEqual((done.status, done.complaints), (0, ""))
        alice, bob = f"account {self.alice.number}", f"account {self.bob.number}"
        lines = done.printed.splitlines()
        self.assertRegex(lines[0], rf"^receipt {paid.id} of 20\d\d-.*Z: transfer of 25.00 USD$")
        self.assertEqual(
            lines[1:],
            [
                f"  from {alice} to {bob} (Rent\\x1b)",
                f"to give back: 25.00 USD from {bob} to {alice}",
                f"given back; receipt {paid.id + 1}",
                f"{bob} has 1,000.00 USD, {alice} has 1,000.00 USD",
            ],
        )
        self.assertEqual(self.balances(), (100_000, 100_000))
        self.assertEqual(self.verify().status, 0)

    def test_part_by_part(self) -> None:
        """Parts are given back until nothing is left, and what was given before is told."""
        paid = self.pay(2500)
        self.reverse(paid, "--yes", "--amount", "10")
        self.assertIn("only 15.00 USD of receipt", self.reverse(paid, "--yes", "--amount", "15.01").complaints)
        done = self.reverse(paid, "--yes")
        self.assertIn("  given back before: 10.00 USD\nto give back: 15.00 USD", done.printed)
        self.assertEqual(self.balances(), (100_000, 100_000))
        self.assertIn("was given back before", self.reverse(paid, "--yes").complaints)

    def test_cash(self) -> None:
        """A deposit goes back to the till."""
        done = self.reverse(1, "--yes", "--amount", "1")
        self.assertIn("from the bank's till to account", done.printed)
        self.assertIn("the bank's till has -2,999.00 USD\n", done.printed)

    def test_out_of_a_hold(self) -> None:
        """What a hold paid is given back; the hold itself is not, nor is a reversal."""
        hold = self.hold(500)
        asked = {"customer_id": self.alice.customer_id, "account_id": self.alice.id, "fence": None}
        captured = self.apply(Capture(key="capture", of_id=hold.id, **asked))  # type: ignore[arg-type]
        self.assertIn(f"receipt {hold.id} is a hold: it is no entry", self.reverse(hold, "--yes").complaints)
        self.assertEqual(self.reverse(captured, "--yes").status, 0)
        again = self.reverse(captured.id + 1, "--yes")
        self.assertEqual((again.status, "is a reversal" in again.complaints), (2, True))
        self.assertEqual(self.verify().status, 0)

    def test_not_there_any_more(self) -> None:
        """What the account no longer has is not given back, nor to an account that is closed."""
        paid = self.pay(2500)
        with self.store().writing() as tx:
            customers.change_account(tx, self.bob.id, held_minor=100_001)
        done = self.reverse(paid, "--yes")
        self.assertEqual(done.status, 2)
        self.assertIn("has not so much available; nothing was done", done.complaints)
        self.pay(97_500, "all")
        with self.store().writing() as tx:
            customers.change_account(tx, self.alice.id, closed_us=tx.at_us)
        self.assertIn("one of the two accounts is closed", self.reverse(paid, "--yes").complaints)

    def test_asks(self) -> None:
        """Without --yes the operator is asked; anything but a yes, and the end of input, leaves it."""
        paid = self.pay(2500)
        self.patch(sys, "stdin", Terminal())
        for answer, status, balance in (("", 1, 97_500), (None, 1, 97_500), ("yes", 0, 100_000)):
            self.patch(builtins, "input", Answers(answer))
            self.assertEqual(self.reverse(paid).status, status)
            self.assertEqual(self.balances()[0], balance)

    def test_nobody_to_ask(self) -> None:
        """Without a terminal and without --yes nothing is done."""
        paid = self.pay(2500)
        self.patch(sys, "stdin", StringIO("y\n"))
        self.assertIn("--yes does it without", self.reverse(paid).complaints)
        self.assertEqual(self.balances()[0], 97_500)

    def test_unusable(self) -> None:
        """An entry that is not there, no amount and no reason are told."""
        self.assertIn("there is no entry 99 in the journal", self.reverse(99, "--yes").complaints)
        self.assertIn("--amount x will not do", self.reverse(1, "--yes", "--amount", "x").complaints)
        for number in ("99999999999999999999", "x", "-1", "1_0", ""):
            done = self.run_on("reverse", number, "--reason", "x", "--yes")
            self.assertEqual((done.status, done.printed, len(done.complaints.splitlines())), (2, "", 1), number)
            self.assertIn("RECEIPT takes the number of an entry", done.complaints)
        for reason in ("", "x" * 141, "\x1b"):
            done = self.run_on("reverse", "1", "--reason", reason, "--yes")
            self.assertIn("--reason takes 1 to 140 printable characters", done.complaints)

    def test_asked_again_under_one_key(self) -> None:
        """A commit of which nothing is known is asked for again, and what was done is not done twice."""
        paid = self.pay(2500)
        tries: list[Command] = []

        def once(store: Store, command: Command) -> object:
            tries.append(command)
            with store.writing() as tx:
                [outcome] = payments.apply(tx, [command])
            if len(tries) < reverse.MAX_TRIES:
                raise Unknown("the server is gone")
            return outcome

        self.patch(reverse, "_once", once)
        self.assertEqual(self.reverse(paid, "--yes", "--amount", "10").status, 0)
        self.assertEqual(len({command.key for command in tries}), 1)
        self.assertEqual(self.balances()[0], 98_500)

    def test_database_that_fails(self) -> None:
        """Any other fault of the database is told at once, in a line."""

        def failing(store: Store, command: Command) -> object:
            raise DatabaseFault("disk I/O error")

        self.patch(reverse, "_once", failing)
        done = self.reverse(1, "--yes")
        self.assertEqual((done.status, done.complaints), (1, "bankctl: disk I/O error\n"))


class Answers:
    """What somebody at a terminal types: a line, or with None the end of input."""

    def __init__(self, line: str | None) -> None:
        self.line = line

    def __call__(self, prompt: str) -> str:
        """The line."""
        if self.line is None:
            raise EOFError
        return self.line


class Terminal(StringIO):
    """Standard input that somebody sits at."""

    def isatty(self) -> bool:
        """Yes."""
        return True
