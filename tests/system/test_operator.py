"""What an operator does while the bank serves: accounts' limits, movements given back; and holds that end meanwhile."""

import json
from contextlib import closing
from typing import Any

from tests.system.support import SystemTestCase, look_until
from tests.system.test_daemon import Line

SETTINGS = {"transfer_fee": "0.25 USD", "withdrawal_fee": "1 USD", "payment_limit": "500 USD", "day_limit": "800 USD"}


class OperatorTests(SystemTestCase):
    """Alice has a session open; the operator's commands ask the daemon, or work beside it on the same database."""

    def setUp(self) -> None:
        super().setUp()
        self.bank = self.open_bank(**SETTINGS)
        self.alice, self.bob, _ = self.bank.customers
        self.session = self.open_client(self.bank)
        self.session.log_in(self.alice.account, self.alice.pin)

    def balance(self, told: str) -> None:
        """Alice's session says that this is what she has."""
        self.session.type("Check Balance")
        self.session.wait_for(f"Balance of account {self.alice.account}: {told}\n")

    def test_account(self) -> None:
        """An overdraft and a limit hold from the session's next request on, and are not taken back while used."""
        self.session.type("Withdraw", "600")
        self.session.wait_for("This is more than the account may pay at once: 500.00 USD at most.")
        done = self.bank.bankctl(
            *("account", "limit", self.alice.account),
            *("--payment", "2000", "--day", "2000", "--overdraft", "500", "--json"),
        )
        self.assertEqual((done.status, done.complaints), (0, ""))
        self.balance("1,000.00 USD; available: 1,500.00 USD")
        self.session.type("Withdraw", "1200")
        self.session.wait_for("Success: 1,200.00 USD paid out. Balance: -201.00 USD.")
        done = self.bank.bankctl("account", "limit", self.alice.account, "--overdraft", "200")
        self.assertEqual(done.status, 2)
        self.assertIn("uses 201.00 USD of its overdraft, which is more than 200.00 USD", done.complaints)
        figures = json.loads(self.bank.bankctl("account", "show", self.alice.account, "--json").lines[0])
        self.assertEqual((figures["balance"], figures["available"], figures["spent"]), (-20_100, 29_900, 120_000))
        self.assert_right(self.bank)

    def test_reverse(self) -> None:
        """A transfer goes back without its fee; both are told, and the open session shows the balance. What is told to
        all comes to who has a session open at once, and to the others with their next.
        """
        [paid] = self.bank.told(
            *(f"account:{self.bob.account}", self.bob.pin, f"Transfer 100 to {self.alice.account}"),
        )
        done = self.bank.bankctl("reverse", paid["receipt"], "--reason", "Paid in error", "--yes")
        self.assertEqual((done.status, done.complaints), (0, ""))
        self.assertIn(f"to give back: 100.00 USD from account {self.alice.account} to account", done.lines[2])
        self.session.wait_for("100.00 USD went back to account")
        self.balance("1,000.00 USD")
        lines = self.bank.client(f"account:{self.bob.account}", self.bob.pin, "Check Balance", "Notices").lines
        self.assertEqual(lines[0], f"Balance of account {self.bob.account}: 999.75 USD")
        given_back = f"100.00 USD came back to you from account {self.alice.account} (Paid in error)"
        self.assertIn(given_back, lines[-1])
        again = self.bank.bankctl("reverse", paid["receipt"], "--reason", "Again", "--yes")
        self.assertEqual((again.status, "was given back before" in again.complaints), (2, True))
        done = self.bank.bankctl("broadcast", "Closed on Sunday", "--reason", "New machine")
        self.assertEqual((done.status, done.lines), (0, ["broadcast 1: 3 accounts have a notice of it"]))
        self.session.wait_for("Your bank says: Closed on Sunday")
        lines = self.bank.client(f"account:{self.bob.account}", self.bob.pin, "Notices").lines
        self.assertIn("Your bank says: Closed on Sunday", lines[-1])
        self.assert_right(self.bank)

    def test_hold_ends_by_itself(self) -> None:
        """The daemon ends a hold whose time has passed, and both sides get a notice of it."""
        line = f"HOLD to={self.alice.account} amount=700 currency=USD seconds=1 key=k1"
        login = f"account:{self.bob.account}"

        def hold_is_over() -> bool:
            return self.bank.told(login, self.bob.pin, "Check Balance")[0]["available"] == "100000"

        with closing(Line(self.bank)) as wire:
            self.assertTrue(wire.log_in(self.bob))
            self.assertTrue(wire.ask(f"h {line}").startswith("h 200 hold="))
            wire.ask("o LOGOUT")
        look_until(hold_is_over, lambda: self.bank.log)
        items: Any = self.bank.told(login, self.bob.pin, "Notices")[0]["items"]
        kinds = [item["kind"] for item in items]
        self.assertEqual(kinds, ["deposit", "hold", "released"])
        self.session.wait_for("7.00 USD is no longer set aside for you")
        self.assert_right(self.bank)
