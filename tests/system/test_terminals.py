"""A terminal with a certificate, against the real bank: where a PIN is taken, and where it is of no use."""

from pathlib import Path

from tests.system.support import BIN, Bank, Done, SystemTestCase, run


class TerminalTests(SystemTestCase):
    """A bank that takes PINs only at terminals that it has enrolled."""

    def setUp(self) -> None:
        super().setUp()
        self.bank = self.open_bank(pin_terminals="yes")
        self.alice = self.bank.customers[0]

    def enrol(self, bank: Bank, name: str) -> Path:
        """Have a bank's operator enrol a terminal; the terminal's file."""
        file = bank.folder / f"{name}.pem"
        done = bank.bankctl("terminal", "enrol", name, "--out", str(file))
        self.assertEqual((done.status, done.complaints), (0, ""))
        return file

    def balance(self, file: Path | None, login: str, secret: str) -> Done:
        """Ask for the balance at a terminal."""
        shown = [] if file is None else ["--terminal", str(file)]
        command = [str(BIN / "bankd-client"), *shown, "--login", login, "--task", "Check Balance"]
        return run(command, self.bank.environment | {"BANKD_SECRET": secret}, self.bank.folder)

    def test_stolen_pin(self) -> None:
        """A PIN is taken at the bank's terminal until that is revoked, and nowhere else; a password everywhere."""
        told = f"Balance of account {self.alice.account}: 1,000.00 USD"
        refused = "The bank takes PINs only at its own terminals. Please log in with your password."
        terminal = self.enrol(self.bank, "lobby")
        logins = (f"account:{self.alice.account}", f"mobile:{self.alice.mobile}")
        for login in logins:
            self.assertEqual(self.balance(None, login, self.alice.pin).lines, [refused])
            self.assertEqual(self.balance(terminal, login, self.alice.pin).lines, [told])
        self.assertEqual(self.balance(None, "user:alice", self.alice.password).lines, [told])
        self.assertEqual(self.bank.bankctl("terminal", "revoke", "lobby").status, 0)
        for login in logins:
            self.assertEqual(self.balance(terminal, login, self.alice.pin).lines, [refused])
        self.assertEqual(self.balance(terminal, "user:alice", self.alice.password).lines, [told])

    def test_terminal_of_another_bank(self) -> None:
        """A certificate that another bank made is not accepted, and the terminal says so."""
        theirs = self.enrol(self.open_bank(), "lobby")
        done = self.balance(theirs, "user:alice", self.alice.password)
        self.assertEqual(done.status, 3)
        self.assertIn("does not accept the certificate given with --terminal", done.complaints)
