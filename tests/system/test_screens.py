"""What a customer sees at a terminal, from log-in to log-out: one bank, and terminals of several kinds and sizes."""

import os
import re

from bankd.client import prompts
from tests.system.support import BIN, Bank, Customer, Screen, SystemTestCase, look_until

CHOICE = "Your choice:"
LONG = "a reference that is so long that it wraps from one row onto the next one"


class ScreensTests(SystemTestCase):
    """Alice sits at a terminal while Bob pays her."""

    bank: Bank
    alice: Customer
    bob: Customer

    def test_every_screen(self) -> None:
        """Notices, the bar, colours, sizes and another language, all at one bank."""
        self.bank = self.open_bank()
        self.alice, self.bob, _carol = self.bank.customers
        self.notices_in_the_middle()
        self.list_of_notices()
        self.without_colours()
        self.in_german()
        self.assert_right(self.bank)

    def sit_down(self, columns: int, rows: int, **variables: str) -> Screen:
        """Alice's terminal, once she has logged in, in an environment of its own."""
        found = {"PATH": f"{BIN}:{os.environ['PATH']}"}
        screen = self.open_screens(self.bank.environment | found | variables).open(columns, rows)
        screen.enter(f"bankd-client --login user:{self.alice.username}")
        screen.wait_for_question("Passwort:" if "LANG" in variables else "Password:")
        screen.enter(self.alice.password)
        return screen

    def pay(self, amount: str) -> None:
        """Bob pays Alice, elsewhere."""
        task = f"Transfer {amount} to Account {self.alice.account}"
        self.bank.told(f"user:{self.bob.username}", self.bob.password, task)

    def wait_for_end(self, screen: Screen, *rows: str) -> None:
        """Wait until these are the last rows on the screen."""

        def holds() -> bool:
            shown = "\n".join(screen.visible()).rstrip().split("\n")
            return [row.rstrip() for row in shown[-len(rows) :]] == list(rows)

        look_until(holds, lambda: screen.never_saw("\n".join(rows)))

    def notices_in_the_middle(self) -> None:
        """A notice comes in a wrapped line, at a question for a secret, and the terminal is resized; all goes on."""
        screen = self.sit_down(60, 20)
        screen.wait_for_question(CHOICE)
        self.wait_for_end(screen, prompts.waiting(1), CHOICE)
        screen.enter("2")
        screen.answer("Transfer to account:", self.bob.account)
        screen.wait_for(f"Account {self.bob.account} belongs to B***.")
        screen.answer("Amount in USD:", "1,000.00")
        screen.wait_for_question("Reference (may be empty):")
        screen.type(LONG)
        rows = [
            "Reference (may be empty): a reference that is so long that i",
            "t wraps from one row onto the next one",
        ]
        self.wait_for_end(screen, prompts.waiting(1), *rows)
        self.pay("5")
        screen.wait_for("[2] You received 5.00 USD from account")
        self.wait_for_end(screen, prompts.waiting(2), *rows)
        screen.resize(120, 20)
        self.wait_for_end(screen, prompts.waiting(2), "".join(rows))
        screen.resize(40, 20)
        bar = prompts.waiting(2)[:39].rstrip()
        self.wait_for_end(
            screen,
            bar,
            "Reference (may be empty): a reference th",
            "at is so long that it wraps from one row",
            " onto the next one",
        )
        screen.resize(80, 20)
        whole = "Reference (may be empty): " + LONG
        self.wait_for_end(screen, prompts.waiting(2), whole[:80], whole[80:])
        screen.press("Enter")
        screen.wait_for("Payee: B***. Balance afterwards: 5.00 USD.")
        screen.press("C-c")
        screen.wait_for("Nothing was done.")
        screen.enter("Change Password")
        screen.wait_for_question("Your present password:")
        screen.type("half a ")
        self.pay("6")
        screen.wait_for("[3] You received 6.00 USD")
        self.wait_for_end(screen, prompts.waiting(3), "Your present password:")
        screen.enter("secret")
        screen.answer("New password:", "a kettle of Finches")
        screen.answer("Once more:", "a kettle of Finches")
        screen.wait_for("The bank does not accept these credentials.")
        self.leave(screen)

    def list_of_notices(self) -> None:
        """The list shows what waits, in colour, and takes what is acknowledged off the bar."""
        screen = self.sit_down(80, 24, TERM="xterm-256color")
        screen.wait_for_question(CHOICE)
        screen.enter("Notices")
        screen.wait_for_question(prompts.UPTO_NOTICE)
        shown = screen.coloured()
        self.assert_coloured(shown, "36", "[1] 1,000.00 USD was paid in")
        self.assert_coloured(shown, "7", prompts.waiting(3))
        screen.enter("2")
        screen.wait_for("2 notices acknowledged.")
        self.wait_for_end(screen, prompts.waiting(1), CHOICE)
        self.assert_coloured(screen.coloured(), "32", "2 notices acknowledged.")
        screen.enter("ok")
        screen.wait_for("1 notice acknowledged.")
        screen.enter("Withdraw")
        screen.answer("Amount in USD:", "12,50")
        screen.wait_for("That will not do: an amount is digits with at most 2 decimals, such as 12.50.")
        self.assert_coloured(screen.coloured(), "31", "That will not do")
        screen.press("C-c")
        screen.enter("Notices")
        screen.wait_for(prompts.EARLIER)
        self.assertNotIn("unread", "\n".join(screen.visible()))
        self.leave(screen)

    def assert_coloured(self, shown: str, colour: str, text: str) -> None:
        """Check that a row begins in a colour; tmux may say more than one thing before it."""
        self.assertRegex(shown, rf"(?m)^(\x1b\[\d*m)*\x1b\[{colour}m(\x1b\[\d*m)*{re.escape(text)}")

    def without_colours(self) -> None:
        """NO_COLOR has no colours, and --plain nothing that moves the cursor."""
        screen = self.sit_down(80, 24, TERM="xterm-256color", NO_COLOR="1")
        screen.wait_for_question(CHOICE)
        self.pay("7")
        screen.wait_for("[4] You received 7.00 USD")
        self.wait_for_end(screen, prompts.waiting(1), CHOICE)
        self.assertNotIn("\x1b[", screen.coloured())
        screen.enter("ok")
        screen.wait_for("1 notice acknowledged.")
        self.leave(screen)

    def in_german(self) -> None:
        """LANG has the terminal speak German, and read amounts as Germans write them; a notice comes in mid-typing."""
        screen = self.sit_down(80, 24, LANG="de_DE.UTF-8", LC_ALL="")
        screen.wait_for_question("Ihre Wahl:")
        screen.wait_for(f"Willkommen. Dies ist Konto {self.alice.account}, geführt in USD. Ihre letzte Anmeldung war")
        screen.enter("Überweisen")
        screen.answer("Überweisung an Konto:", self.bob.account)
        screen.wait_for(f"Konto {self.bob.account} gehört B***.")
        screen.answer("Betrag in USD:", "1.5")
        screen.wait_for("So geht es nicht: ein Betrag besteht aus Ziffern mit höchstens 2")
        screen.wait_for_question("Betrag in USD:")
        screen.type("1.01")
        self.pay("1.50")
        screen.wait_for("[5] Sie haben 1,50 USD von Konto")
        self.wait_for_end(screen, "1 ungelesene Mitteilung. Mit ok im Menü ist sie gelesen.", "Betrag in USD: 1.01")
        screen.enter("8,00")
        screen.answer("Verwendungszweck (darf leer sein):", "")
        screen.wait_for("Empfänger: B***. Kontostand danach: 1,50 USD.")
        screen.answer(f"1.018,00 USD an Konto {self.bob.account} überweisen? (j/N)", "j")
        screen.wait_for(f"Erledigt: 1.018,00 USD an Konto {self.bob.account} überwiesen. Kontostand: 1,50 USD.")
        screen.enter("Kontoauszug")
        screen.wait_for("-1018,00")
        screen.wait_for("gezahlt an")
        screen.enter("Ende")
        screen.wait_for("Sie sind abgemeldet.")
        screen.press("C-d")

    def leave(self, screen: Screen) -> None:
        """Log out, and end the client."""
        screen.enter("Exit")
        screen.wait_for(prompts.LOGGED_OUT)
        screen.press("C-d")
