"""The cash machine in a real terminal, at a bank that takes PINs at its own terminals only: every page, and its end."""

import os
import signal

from bankd import codes
from bankd.client import atm_prompts, prompts, words
from tests.system.support import BIN, SHELL, SystemTestCase, look_until

NEWCOMER = "+31612345678"


class AtmTests(SystemTestCase):
    """One machine, and those who come to it."""

    def setUp(self) -> None:
        """A bank, a terminal of its own, and a machine behind a panel, of 80 by 24."""
        super().setUp()
        self.bank = self.open_bank(pin_terminals="yes")
        self.lobby = self.bank.folder / "lobby.pem"
        self.assertEqual(self.bank.bankctl("terminal", "enrol", "lobby", "--out", str(self.lobby)).status, 0)
        self.screen = self.open_screens(self.bank.environment).open(80, 24)
        self.pid_file = self.bank.folder / "pid"

    def test_from_customer_to_customer(self) -> None:
        """Cash out, a wrong PIN, cancelled, a newcomer, a bank that closes and opens again; SIGTERM ends it."""
        machine = f"exec {BIN}/bankd-client --atm --kiosk --terminal {self.lobby}"
        self.screen.enter(f"sh -c 'echo $$ > {self.pid_file}; {machine}'")
        alice = self.bank.customers[0]
        self.cash_out(alice.account, alice.pin)
        self.wrong_pin(alice.account)
        self.no_way_out(alice.account)
        self.newcomer()
        self.out_of_service(alice.account)
        self.ends()
        self.assert_right(self.bank)

    def come(self, who: str, pin: str) -> None:
        """Say who one is, at a machine that waits for somebody."""
        self.answer(atm_prompts.WHO, who)
        self.answer(prompts.PIN, pin)

    def answer(self, question: str, answer: str) -> None:
        """Answer a question once it is asked; what was asked before is wiped from the screen."""
        look_until(lambda: self.screen.rows()[-1] == question.rstrip(), lambda: self.screen.never_saw(question))
        self.screen.type(f"{answer}\r")

    def page(self, *wanted: str) -> list[str]:
        """The rows of the page, and all that can be scrolled back to, once these are there and a key is awaited."""
        look_until(lambda: self.shows(*wanted), lambda: self.screen.never_saw(f"{wanted}"))
        return self.screen.rows()

    def shows(self, *wanted: str) -> bool:
        """Whether these are on the page, below the bank's name in its first rows."""
        rows = self.screen.rows()
        return rows[1:2] == ["  Demo Bank"] and all(any(text in row for row in rows) for text in wanted)

    def cash_out(self, account: str, pin: str) -> None:
        """Every page of a withdrawal, each alone on the screen, and nothing of it at the end."""
        self.come(account, pin)
        rows = self.page(f"Welcome. This is account {account}", "[ 7 ]   Change PIN", "Press a key:")
        names = [prompts.WITHDRAW, prompts.DEPOSIT, prompts.EXIT]
        self.assertEqual(
            [row for row in rows if "[ " in row][:3], [f"   [ {n} ]   {w}" for n, w in enumerate(names, 1)]
        )
        self.screen.type("1")
        rows = self.page(atm_prompts.AMOUNT_OUT, "[ 5 ]   Another amount", "Press a key:")
        self.assertEqual([row.split()[3] for row in rows if "USD" in row], ["20.00", "50.00", "100.00", "200.00"])
        self.assertFalse(any(account in row or "Deposit" in row for row in rows))
        self.screen.type("3")
        self.page(
            "Success: 100.00 USD paid out. Balance: 900.00 USD.", atm_prompts.ANOTHER, "[ 2 ]   No", "Press a key:"
        )
        self.screen.type("2")
        self.page("Please take your card.")
        self.left_alone(account, "900")

    def wrong_pin(self, account: str) -> None:
        """A refusal is told, and then nothing is left."""
        self.come(account, "00000")
        self.page(words.CODES[codes.WRONG_SECRET], atm_prompts.GO_ON.rstrip())
        self.screen.press("Enter")
        self.left_alone(account)

    def no_way_out(self, account: str) -> None:
        """Ctrl-C is 'cancel', and neither it nor Ctrl-D, Ctrl-Z or Ctrl-\\ leads out; no answer can be recalled."""
        self.screen.press("C-c", "C-c", "C-d", "C-z", "C-\\", "Up")
        self.answer(atm_prompts.WHO, account)
        look_until(lambda: self.screen.rows()[-1] == "PIN:", lambda: self.screen.never_saw("PIN:"))
        self.screen.press("C-c")
        self.page("Please take your card.")
        self.left_alone(account)

    def newcomer(self) -> None:
        """A mobile number that is new is registered, as the demo's settings say."""
        self.come(NEWCOMER, "86420")
        self.page("Your mobile number was not known before", "Press a key:")
        self.screen.type("4")
        self.page("0.00 USD", "Press a key:")
        self.screen.type("2")
        self.left_alone(NEWCOMER)

    def out_of_service(self, account: str) -> None:
        """While the bank is closed the machine says so, and serves again by itself."""
        self.bank.stop()
        self.answer(atm_prompts.WHO, account)
        self.page(atm_prompts.OUT_OF_SERVICE)
        self.bank.start()
        self.left_alone(account)

    def ends(self) -> None:
        """SIGTERM ends it in the midst of a session; the shell that comes back has nothing to tell."""
        carol = self.bank.customers[2]
        self.come(carol.account, carol.pin)
        self.page(carol.account, "Press a key:")
        os.kill(int(self.pid_file.read_text()), signal.SIGTERM)
        look_until(lambda: self.screen.rows()[-1] == SHELL.rstrip(), lambda: self.screen.never_saw(SHELL))
        self.assertEqual([row for row in self.screen.rows() if carol.account in row], [])

    def left_alone(self, *gone: str) -> None:
        """Wait for the welcome, with nothing of the customer's on the screen or in what can be scrolled back to."""
        page = [atm_prompts.HELLO, atm_prompts.WHO.rstrip()]
        look_until(lambda: self.screen.rows()[4:] == page, lambda: self.screen.never_saw("the welcome"))
        for text in gone:
            self.assertFalse(any(text in row for row in self.screen.rows()))
