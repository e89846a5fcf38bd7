"""One-time passwords, with the real daemon and the real client: sent to its console, and made by an app."""

import re
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from time import time

import pyotp

from bankd.delivery.address import masked
from tests.system.support import Bank, Customer, Done, Screen, SystemTestCase, look_until, run

MENU, PASSWORD = "Your choice:", "Password:"

TOGETHER = 50
"""Connections that give the same one-time password at once."""


class Connection:
    """A connection by hand."""

    def __init__(self, bank: Bank) -> None:
        trust = ssl.create_default_context(cafile=str(bank.state / "ca.pem"))
        plain = socket.create_connection(("127.0.0.1", bank.port), 10)
        self._socket = trust.wrap_socket(plain, server_hostname="localhost")
        self._file = self._socket.makefile("rwb")
        self._file.readline()

    def ask(self, request: str) -> str:
        """The line that answers a request."""
        self._file.write(f"a {request}\r\n".encode())
        self._file.flush()
        return self._file.readline().decode().removeprefix("a ").rstrip()

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()


class OneTimeTests(SystemTestCase):
    """A demo bank that asks for one-time passwords at each log-in, and where much is at risk."""

    def setUp(self) -> None:
        """Open the bank."""
        super().setUp()
        self.bank = self.open_bank(one_time="risk", one_time_above="100.00 USD")
        self.addCleanup(self.assert_right, self.bank)
        self.alice, self.bob, _ = self.bank.customers
        self.seen = 0

    def password(self, what: str) -> str:
        """The one-time password that the bank prints next, which says that it is for ``what``."""
        form = re.compile(r"^(\d{8}) is your one-time password (.*)\. It is good for", re.MULTILINE)
        look_until(lambda: len(form.findall(self.bank.log)) > self.seen, lambda: f"nothing was sent:\n{self.bank.log}")
        password, told = form.findall(self.bank.log)[self.seen]
        self.seen += 1
        self.assertEqual(told, what)
        return str(password)

    def connect(self) -> Connection:
        """A connection by hand, closed after the test."""
        connection = Connection(self.bank)
        self.addCleanup(connection.close)
        return connection

    def challenge(self, answer: str) -> str:
        """The challenge that a refusal names."""
        found = re.match(r"401 reason=one_time challenge=([0-9a-f]{32}) ", answer)
        assert found is not None, answer
        return found[1]

    def give_together(self, request: str) -> list[str]:
        """What is answered to one request that many connections send at once."""
        start = Barrier(TOGETHER)

        def give(connection: Connection) -> str:
            start.wait(30)
            return connection.ask(request)

        with ExitStack() as open_ones, ThreadPoolExecutor(TOGETHER) as threads:
            connections = [Connection(self.bank) for _ in range(TOGETHER)]
            for connection in connections:
                open_ones.callback(connection.close)
            return list(threads.map(give, connections))

    def test_fifty_at_once(self) -> None:
        """Of fifty connections that give the right password at once, one gets the session; three wrong ones count."""
        way = f"LOGIN account={self.alice.account} pin={self.alice.pin}"
        challenge = self.challenge(self.connect().ask(way))
        password = self.password("to log in")
        said = self.give_together(f"ONE_TIME challenge={challenge} code={password}")
        welcome, *refusals = sorted(said)
        self.assertTrue(welcome.startswith(f"200 account={self.alice.account} "), welcome)
        # Of one network not all fifty find a place in the queue at once.
        expected = {"404 reason=challenge", "429 reason=wait seconds=1", "503 reason=busy"}
        self.assertLessEqual(set(refusals), expected)
        self.assertEqual(len(refusals), TOGETHER - 1)
        challenge = self.challenge(self.connect().ask(f"LOGIN account={self.bob.account} pin={self.bob.pin}"))
        password = self.password("to log in")
        wrong = f"ONE_TIME challenge={challenge} code={'0' * 8 if password != '0' * 8 else '1' * 8}"
        said = self.give_together(wrong)
        tries = sorted(answer for answer in said if answer.startswith("401 "))
        self.assertEqual(tries, [f"401 reason=code left={left}" for left in range(3)])

    def script(self, customer: Customer, *options: str, **variables: str) -> Done:
        """Run the client for a customer, by account and PIN."""
        command = [*self.bank.command(f"account:{customer.account}"), *options]
        own = {"BANKD_SECRET": customer.pin, **variables}
        return run(command, self.bank.environment | own, self.bank.folder)

    def test_scripts(self) -> None:
        """A script without a password is told what it lacks; with an app's secret it logs in and pays by itself."""
        done = self.script(self.alice, "--task", "Check Balance")
        self.assertEqual(done.status, 1)
        self.assertEqual(done.lines, ["The bank wants a one-time password for this, and none was given."])
        self.password("to log in")
        secret = self.enrol_by_hand()
        self.file("app", secret)
        pay = f"Transfer $150 to Account {self.bob.account}"
        done = self.script(self.alice, "--totp-file", "app", "--task", pay, "--task", "Check Balance")
        self.assertEqual(done.status, 0, done)
        self.assertEqual(done.lines[1], f"Balance of account {self.alice.account}: 850.00 USD")
        used = pyotp.TOTP(secret).now()  # by the app just now, or it is older than what was
        for done in (
            self.script(self.alice, "--task", "Check Balance", BANKD_ONE_TIME=used),
            self.script(self.alice, "--one-time-file", self.file("code", used), "--task", "Check Balance"),
        ):
            self.assertEqual((done.status, len(done.lines)), (1, 1), done)
        recovery = self.script(self.alice, "--task", "Check Balance", BANKD_ONE_TIME=self.recovery)
        self.assertEqual((recovery.status, len(recovery.lines)), (0, 1), recovery)

    def file(self, name: str, text: str) -> str:
        """A file in the bank's folder."""
        (self.bank.folder / name).write_text(text)
        return name

    def enrol_by_hand(self) -> str:
        """Set alice's app up, and log out; its secret."""
        line = self.connect()
        challenge = self.challenge(line.ask(f"LOGIN account={self.alice.account} pin={self.alice.pin}"))
        line.ask(f"ONE_TIME challenge={challenge} code={self.password('to log in')}")
        enrol = f"ENROL_APP pin={self.alice.pin}"
        challenge = self.challenge(line.ask(enrol))
        line.ask(f"ONE_TIME challenge={challenge} code={self.password('to set up an authenticator app')}")
        secret = line.ask(enrol).split("secret=")[1].split(" ")[0]
        self.recovery = line.ask(f"CONFIRM_APP code={pyotp.TOTP(secret).now()}").removeprefix("- code=")
        line.close()
        return secret

    def test_terminal(self) -> None:
        """Alice logs in with what was sent, pays somebody new, sets an app up by its QR code, and pays with that."""
        screen = self.open_screens(self.bank.environment).open(80, 24)
        screen.enter("make client")
        for question, answer in ((MENU, "2"), (MENU, "1"), ("User name:", "alice"), (PASSWORD, self.alice.password)):
            screen.answer(question, answer)
        self.answer_password(screen, "00000000" if (right := self.password("to log in")) != "00000000" else "1")
        screen.wait_for("This is not the one-time password. 2 tries are left.")
        self.answer_password(screen, right)
        screen.wait_for("Welcome. This is account")
        self.pay(screen, "25")
        self.answer_password(screen, self.password(f"to pay 25.00 USD to account {self.bob.account}"))
        screen.wait_for("Success: 25.00 USD transferred")
        screen.answer(MENU, "Authenticator App...")
        screen.answer(MENU, "Set Up an App")
        screen.answer("Your present password:", self.alice.password)
        self.answer_password(screen, self.password("to set up an authenticator app"))
        screen.wait_for("The six digits that the app shows now:")
        self.assertEqual(sum(re.fullmatch("█[█▀▄ ]{39}█", row) is not None for row in screen.visible()), 21)
        found = re.search(r"or type the secret into it:\n  ((?:[A-Z2-7]{4} ?){8})\n", "\n".join(screen.rows()))
        assert found is not None, screen.rows()
        app = pyotp.TOTP(found[1].replace(" ", ""))
        screen.enter(app.now())
        screen.wait_for("are not shown again:")
        self.pay(screen, "150")
        screen.wait_for("One-time password (from your authenticator app):")
        screen.enter(app.at(time() + 30))
        screen.wait_for("Success: 150.00 USD transferred")
        screen.answer(MENU, "Exit")

    def answer_password(self, screen: Screen, password: str) -> None:
        """Answer the question for what was sent."""
        screen.answer(f"One-time password (sent to {masked(self.alice.mobile)}):", password)

    def pay(self, screen: Screen, dollars: str) -> None:
        """Ask for a transfer to bob."""
        screen.answer(MENU, "Transfer Funds")
        screen.answer("Transfer to account:", self.bob.account)
        screen.answer("Amount in USD:", dollars)
        screen.answer("Reference (may be empty):", "")
        screen.answer(f"Transfer {dollars}.00 USD to account {self.bob.account}? (y/N)", "y")
