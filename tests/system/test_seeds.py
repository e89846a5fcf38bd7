"""What the five small banks could do, seen through the real server and the real client.

The labels in the docstrings are those of the requirements. After each test the ledger is added up again.
"""

import contextlib
import json
import re
import signal
import socket
import ssl
import subprocess
from contextlib import ExitStack, closing
from random import Random
from select import select
from socket import AF_INET
from time import monotonic
from typing import IO

from psutil import net_if_addrs
from twisted.trial.unittest import SkipTest

from bankd.wire import notice
from bankd.wire.notice import Hint, Opening, Probe
from tests.system.support import (
    DEADLINE_SECONDS,
    Bank,
    Customer,
    Failed,
    Screen,
    SystemTestCase,
    look_until,
    run,
)

MENU, ACCOUNT, PIN, PASSWORD = "Your choice:", "Account number:", "PIN:", "Password:"

IN_USE = "This account is in use at another terminal. Please choose Exit there, or try again later."
REFUSED = "The bank does not accept these credentials."

NEW_MOBILE = "+12025550160"
"""A number kept for fiction that no demo customer has."""


class SeedTestCase(SystemTestCase):
    """A demo bank with alice, bob and carol, which must be in order at the end of each test."""

    settings: dict[str, str] = {}

    def setUp(self) -> None:
        """Open the bank."""
        super().setUp()
        self.bank = self.open_bank(**self.settings)
        self.addCleanup(self.assert_right, self.bank)
        self.alice, self.bob, self.carol = self.bank.customers

    def balance(self, customer: Customer) -> int:
        """What a customer's account holds, in cents, once it is free."""
        return int(self.told_when_free(customer, "Check Balance")[0]["balance"])

    def told_when_free(self, customer: Customer, *tasks: str) -> list[dict[str, str]]:
        """What tasks are answered in a session of the customer's, which begins as soon as the account is free."""
        self.wait_until_free(customer)
        return self.bank.told(f"account:{customer.account}", customer.pin, *tasks)

    def wait_until_free(self, customer: Customer) -> None:
        """Try to log in until the account is not in use any more."""

        def is_free() -> bool:
            done = self.bank.client(f"account:{customer.account}", customer.pin, "Exit")
            if done.status != 0:
                self.assertEqual((done.status, done.lines), (1, [IN_USE]), done.complaints)
            return done.status == 0

        look_until(is_free, lambda: f"account {customer.account} never became free:\n{self.bank.log}")


def three_tasks(payee: Customer) -> tuple[str, str, str]:
    """The three tasks of S1, as its authors wrote them."""
    return "Check Balance", f"Transfer $100 to Account {payee.account}", "Update Contact Information"


class TaskTests(SeedTestCase):
    """S1: tasks in words, by clients without a person."""

    def test_one_client(self) -> None:
        """The three tasks give the balance, a success and a confirmation, and the client ends well (S1.5-S1.7)."""
        alice, bob = self.alice, self.bob
        done = self.bank.client("user:alice", alice.password, *three_tasks(bob))
        self.assertEqual(
            done.lines,
            [
                f"Balance of account {alice.account}: 1,000.00 USD",
                f"Success: 100.00 USD transferred to account {bob.account}. Balance: 900.00 USD. Receipt 4.",
                f"Confirmed. Your contact information on record: name Alice, mobile {alice.mobile}.",
            ],
        )
        self.assertEqual((done.status, done.complaints), (0, ""))
        self.assertEqual(self.balance(bob), 110_000)

    def test_anything_else(self) -> None:
        """Other words are answered 'Invalid Request', the session goes on, and the client ends with 1 (S1.8)."""
        done = self.bank.client("user:bob", self.bob.password, "Sing a Song", "¿Qué?", "Check Balance")
        self.assertEqual(done.lines, ["Invalid Request"] * 2 + [f"Balance of account {self.bob.account}: 1,000.00 USD"])
        self.assertEqual((done.status, done.complaints), (1, ""))

    def test_three_clients_at_once(self) -> None:
        """Three clients do their tasks at the same time, and each is served as if it were alone (S1.3, S1.11)."""
        ring = [(self.alice, self.bob), (self.bob, self.carol), (self.carol, self.alice)]
        clients = [self.start(payer, *three_tasks(payee), stdout=subprocess.PIPE) for payer, payee in ring]
        for client, (payer, payee) in zip(clients, ring, strict=True):
            printed, _ = client.communicate(timeout=DEADLINE_SECONDS)
            self.assertEqual(client.returncode, 0)
            balance, success, confirmed = printed.decode().splitlines()
            self.assertRegex(balance, rf"^Balance of account {payer.account}: (1,0|1,1|9)00\.00 USD$")
            self.assertRegex(success, rf"^Success: 100\.00 USD transferred to account {payee.account}\. ")
            self.assertRegex(confirmed, r"^Confirmed\. ")
        self.assertLessEqual({"connections": 0, "tasks_processed": 9}.items(), self.bank.status().items())
        self.assertEqual([self.balance(customer) for customer in self.bank.customers], [100_000] * 3)

    def test_status_while_three_clients_are_connected(self) -> None:
        """After three tasks each, and before the three leave, the status is 3 connections and 9 tasks (S1.9)."""
        self.assertLessEqual({"connections": 0, "tasks_processed": 0}.items(), self.bank.status().items())
        ring = [(self.alice, self.bob), (self.bob, self.carol), (self.carol, self.alice)]
        clients = [self.start_typing(payer) for payer, _ in ring]
        for client, (_, payee) in zip(clients, ring, strict=True):
            for task, begin in zip(three_tasks(payee), (b"Balance", b"Success", b"Confirmed"), strict=True):
                self.assertTrue(answered(client, task).startswith(begin))
        self.assertLessEqual({"connections": 3, "tasks_processed": 9}.items(), self.bank.status().items())
        for client in clients:
            printed, _ = client.communicate(timeout=DEADLINE_SECONDS)
            self.assertEqual((client.returncode, printed), (0, b""))
        look_until(lambda: self.bank.status()["connections"] == 0, lambda: "the clients never left")
        self.assertEqual(self.bank.status()["tasks_processed"], 9)

    def test_tasks_from_a_file_as_standard_input(self) -> None:
        """A file can be given in place of a pipe; its last line need not end, and Exit ends it before (S1.11)."""
        file = self.folder / "tasks.txt"
        for text, status in (("# three\nCheck Balance\n\nCheck Balance", 0), ("Sing\nCheck Balance\nExit\nSing\n", 1)):
            file.write_text(text, encoding="utf-8")
            with file.open("rb") as stdin:
                client = self.start_typing(self.alice, stdin)
            printed, _ = client.communicate(timeout=DEADLINE_SECONDS)
            self.assertEqual(client.returncode, status)
            self.assertEqual(len(printed.splitlines()), 2 + status)

    def test_a_bank_that_closes_is_waited_for(self) -> None:
        """A client that waits for its next task says that the bank closes, and goes on when it is back."""
        client = self.start_typing(self.alice, stderr=subprocess.STDOUT)
        self.assertTrue(answered(client, "Check Balance").startswith(b"Balance"))
        self.bank.stop()
        assert client.stdout is not None
        self.assertIn(b"The bank is closing.", client.stdout.readline())
        self.bank.start()
        told, _ = client.communicate(b"Check Balance\n", timeout=DEADLINE_SECONDS)
        self.assertIn(b"Balance of account", told)
        self.assertEqual(client.returncode, 0)

    def test_the_log_tells_who(self) -> None:
        """S1.10: connecting, each task and closing are logged with the client's address; nonsense is counted."""
        self.bank.client("user:alice", self.alice.password, "Check Balance", "Sing a Song")
        look_until(lambda: "LOGOUT 200" in self.bank.log, lambda: f"no log-out in the log:\n{self.bank.log}")
        self.bank.stop()
        told = re.findall(r"\] (\S+:\d+) (.*)$", self.bank.log, re.MULTILINE)
        (client,) = {peer for peer, what in told if what.startswith("LOGIN")}
        self.assertRegex(client, r"^127\.0\.0\.1:\d+$")
        whose = f"account={self.alice.account}"
        self.assertEqual(
            [what for peer, what in told if peer == client],
            [
                "connected",
                "KEYS 200",
                f"LOGIN 200 {whose}",
                f"BALANCE 200 {whose}",
                f"LOGOUT 200 {whose}",
                "closed after 6 answers",
            ],
        )

    def test_a_real_address(self) -> None:
        """The bank is reached, and trusted, at an address of this machine that others can use too (S0.12, S2.13)."""
        addresses = [one.address for interface in net_if_addrs().values() for one in interface if one.family == AF_INET]
        real = [address for address in addresses if not address.startswith("127.")]
        if not real:
            raise SkipTest("this machine has no address but its own")
        there = {"BANKD_SERVER": f"{real[0]}:{self.bank.port}", "BANKD_SECRET": self.alice.pin}
        command = self.bank.command(f"account:{self.alice.account}", "Check Balance")
        done = run(command, self.bank.environment | there, self.folder)
        self.assertEqual((done.status, done.complaints), (0, ""))
        self.assertIn(f"{real[0]}:", self.bank.log)

    def start_typing(
        self, customer: Customer, stdin: int | IO[bytes] = subprocess.PIPE, stderr: int | None = None
    ) -> "subprocess.Popen[bytes]":
        """Start a client whose tasks come by standard input; it is ended with the test."""
        client = subprocess.Popen(
            [*self.bank.command(f"user:{customer.username}"), "--tasks", "-"],
            env=self.bank.environment | {"BANKD_SECRET": customer.password},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
        self.addCleanup(end, client)
        return client

    def start(self, customer: Customer, *tasks: str, stdout: int) -> "subprocess.Popen[bytes]":
        """Start a client with tasks; it is ended with the test if it has not ended by itself."""
        client = self.bank.popen(f"user:{customer.username}", customer.password, *tasks, stdout=stdout)
        self.addCleanup(end, client)
        return client


class SessionTests(SeedTestCase):
    """S2: a session on an account, and nobody else on it."""

    def test_any_sequence(self) -> None:
        """Deposits, withdrawals and checks in any order give what arithmetic gives, never below 0 (S2.6, S2.7)."""
        chance = Random(26)
        balance, tasks, expected = 100_000, [], []
        for _ in range(40):
            kind, cents = (
                chance.choice(("Deposit", "Withdraw", "Withdraw", "Check Balance")),
                chance.randrange(1, 60_000),
            )
            tasks.append(kind if kind == "Check Balance" else f"{kind} {cents // 100}.{cents % 100:02}")
            change = {"Deposit": cents, "Withdraw": -cents}.get(kind, 0)
            refused = balance + change < 0
            balance += 0 if refused else change
            expected.append("funds" if refused else str(balance))
        self.assertIn("funds", expected)
        done = self.bank.client(f"account:{self.alice.account}", self.alice.pin, *tasks, as_json=True)
        answers = [json.loads(line) for line in done.lines]
        self.assertEqual([answer["reason"] or answer["balance"] for answer in answers], expected)
        self.assertEqual(done.status, 1)

    def test_overdraft_in_words(self) -> None:
        """Who asks for a cent too much is told so, keeps what there is, and can have all of it (S2.7)."""
        done = self.bank.client(
            f"account:{self.alice.account}", self.alice.pin, "Withdraw 1000.01", "Withdraw 1000", "Check Balance"
        )
        self.assertEqual(
            done.lines,
            [
                "Not enough money in the account.",
                "Success: 1,000.00 USD paid out. Balance: 0.00 USD. Receipt 4.",
                f"Balance of account {self.alice.account}: 0.00 USD",
            ],
        )

    def test_the_pin_comes_first(self) -> None:
        """With a wrong PIN, or for an account that there is not, nothing is done and nothing is told (S2.3)."""
        wrong = f"{(int(self.alice.pin) + 1) % 100_000:05}"
        for account in (self.alice.account, "10000000"):
            done = self.bank.client(f"account:{account}", wrong, "Check Balance", "Withdraw 1")
            self.assertEqual((done.status, done.lines), (1, [REFUSED]))

    def test_refused_while_in_use(self) -> None:
        """While a session is open every other log-in to its account is refused; after log-out none is (S2.4, S2.9)."""
        first, second = self.open_client(self.bank), self.open_client(self.bank)
        first.log_in(self.alice.account, self.alice.pin)
        second.type("Log In", "Account number and PIN", self.alice.account, self.alice.pin)
        second.wait_for("End that session by a one-time password? (y/N) ")
        second.type("n")
        done = self.bank.client("user:alice", self.alice.password, "Check Balance")
        self.assertEqual((done.status, done.lines), (1, [IN_USE]))
        first.type("Exit")
        first.wait_for("You are logged out.")
        second.log_in(self.alice.account, self.alice.pin)
        self.assertEqual((first.end(), second.end()), (0, 0))

    def test_free_after_the_client_is_killed(self) -> None:
        """A client that is killed leaves its account free (S2.9)."""
        client = self.open_client(self.bank)
        client.log_in(self.alice.account, self.alice.pin)
        client.kill()
        self.assertEqual(self.balance(self.alice), 100_000)


class LeaseTests(SeedTestCase):
    """S2.4 with a terminal that neither leaves nor answers."""

    settings = {"lease_seconds": "4"}

    def test_free_after_the_terminal_stopped(self) -> None:
        """A terminal that stopped keeps its account for its lease; then another may have it, and the first is out."""
        first, second = self.open_client(self.bank), self.open_client(self.bank)
        first.log_in(self.alice.account, self.alice.pin)
        first.process.send_signal(signal.SIGSTOP)
        done = self.bank.client("user:alice", self.alice.password, "Check Balance")
        self.assertEqual((done.status, done.lines), (1, [IN_USE]))
        self.wait_until_free(self.alice)
        second.log_in(self.alice.account, self.alice.pin)
        first.process.send_signal(signal.SIGCONT)
        first.type("Withdraw", "1")
        first.wait_for("The session is over: the account was opened at another terminal, or closed.")
        first.wait_for("  1  Sign Up")
        for untrue in ("Success", "It is not known", "The connection to the bank was lost"):
            self.assertNotIn(untrue, first.printed)
        second.type("Check Balance")
        second.wait_for(f"Balance of account {self.alice.account}: 1,000.00 USD")
        self.assertEqual((first.end(), second.end()), (0, 0))

    def test_kept_while_the_terminal_is_alive(self) -> None:
        """A terminal whose person only thinks keeps its account for longer than a lease."""
        client = self.open_client(self.bank)
        client.log_in(self.alice.account, self.alice.pin)
        lapsed = monotonic() + 2 * int(self.settings["lease_seconds"])
        while monotonic() < lapsed:
            done = self.bank.client("user:alice", self.alice.password, "Check Balance")
            self.assertEqual((done.status, done.lines), (1, [IN_USE]))
        self.assertEqual(client.end(), 0)


class CashMachineTests(SeedTestCase):
    """S3: a mobile number and a five-digit PIN at a cash machine."""

    def test_a_new_number(self) -> None:
        """A new number is registered; it deposits, withdraws and leaves, and comes back to its money (S3.1-S3.4)."""
        screen = self.open_screens(self.bank.environment).open()
        screen.enter("make client")
        self.log_in(screen)
        screen.wait_for("Your mobile number was not known before, so you are now registered with it.")
        screen.wait_for_question(MENU)
        menu = [row.split(maxsplit=1)[1] for row in screen.rows() if re.match(r" +\d+  ", row)]
        menu = menu[menu.index("Withdraw") :]
        self.assertEqual((menu[:2], menu[-1]), (["Withdraw", "Deposit"], "Exit"))
        screen.answer(MENU, "2")
        screen.answer("Amount in USD:", "80")
        screen.answer(MENU, "1")
        screen.answer("Amount in USD:", "30.50")
        screen.answer(MENU, "1")
        screen.answer("Amount in USD:", "49.51")
        screen.wait_for("Not enough money in the account.")
        screen.answer(MENU, "Exit")
        self.log_in(screen)
        screen.answer(MENU, "Check Balance")
        screen.wait_for(": 49.50 USD")
        screen.answer(MENU, "Exit")
        screen.answer(MENU, "Exit")
        screen.wait_for("Goodbye.")
        done = self.bank.client(f"mobile:{NEW_MOBILE}", "58263", "Check Balance")
        self.assertEqual((done.status, done.lines), (1, [REFUSED]))

    def log_in(self, screen: Screen) -> None:
        """Log in by the new number, on the screen."""
        screen.answer(MENU, "Log In")
        screen.answer(MENU, "Mobile number and PIN")
        screen.answer("Mobile number:", NEW_MOBILE)
        screen.answer(PIN, "58264")


class MenuTests(SeedTestCase):
    """S0: the menus in a terminal, from signing up to deleting the account."""

    def test_from_beginning_to_end(self) -> None:
        """Dana signs up, logs in, banks and deletes her account; bob, who is paid, sees it at once (S0.1-S0.7)."""
        screens = self.open_screens(self.bank.environment)
        dana, bob = screens.open(), screens.open()
        for screen in (dana, bob):
            screen.enter("make client")
        self.log_in(bob, "bob", self.bob.password)
        account = self.sign_up(dana)
        self.log_in(dana, "dana", "plum-Wagon-58")
        dana.answer(MENU, "View Account Details")
        dana.wait_for("User name:   dana")
        dana.wait_for(f"Account {account}: 0.00 USD, opened")
        dana.answer(MENU, "Deposit")
        dana.answer("Amount in USD:", "100")
        self.pay(dana, account)
        for text in (f"You received 40.00 USD from account {account} (Lunch)", "balance 1,040.00 USD."):
            bob.wait_for(text)
        dana.wait_for(f"You paid 40.00 USD to account {self.bob.account} (Lunch)")
        dana.answer(MENU, "Check Balance")
        dana.wait_for(f"Balance of account {account}: 60.00 USD")
        self.delete(dana, account)
        bob.wait_for(f"You received 60.00 USD from account {account}")
        dana.answer(MENU, "Log In")
        dana.answer(MENU, "User name and password")
        dana.answer("User name:", "dana")
        dana.answer(PASSWORD, "plum-Wagon-58")
        dana.wait_for_question(MENU)
        self.assertEqual(dana.rows().count(REFUSED), 2)
        bob.answer(MENU, "ok")
        bob.wait_for("3 notices acknowledged.")

    def log_in(self, screen: Screen, username: str, password: str) -> None:
        """Log in by user name and password, up to the menu."""
        screen.answer(MENU, "2")
        screen.answer(MENU, "1")
        screen.answer("User name:", username)
        screen.answer(PASSWORD, password)
        screen.wait_for(" Delete Account")

    def sign_up(self, screen: Screen) -> str:
        """Sign dana up; her account's number."""
        screen.answer(MENU, "Sign Up")
        screen.answer("User name:", "dana")
        for question in ("New password:", "Once more:"):
            screen.answer(question, "plum-Wagon-58")
        screen.answer("Mobile number:", NEW_MOBILE)
        screen.answer("PIN for log-in by account or mobile number (empty for none):", "")
        screen.wait_for("Welcome to the bank.")
        found = re.search(r"Your account is (\d+), kept in USD\.", "\n".join(screen.rows()))
        assert found is not None
        return found[1]

    def pay(self, screen: Screen, account: str) -> None:
        """Transfer 40 dollars to bob."""
        screen.answer(MENU, "Transfer Funds")
        screen.answer("Transfer to account:", self.bob.account)
        screen.answer("Amount in USD:", "40")
        screen.answer("Reference (may be empty):", "Lunch")
        screen.answer(f"Transfer 40.00 USD to account {self.bob.account}? (y/N)", "y")
        screen.wait_for(f"Success: 40.00 USD transferred to account {self.bob.account}. Balance: 60.00 USD.")

    def delete(self, screen: Screen, account: str) -> None:
        """Delete the account: with a wrong password in vain, then with the right one, paying out to bob."""
        for password in ("plum-Wagon-85", "plum-Wagon-58"):
            screen.answer(MENU, "Delete Account")
            screen.answer("The account holds money. Pay it out to account:", self.bob.account)
            paid = f"and 60.00 USD paid to account {self.bob.account}"
            screen.answer(f"Account {account} will be closed for good, {paid}. Go on? (y/N)", "y")
            screen.answer("Your present password:", password)
        screen.wait_for(f"Account {account} is closed.")
        for hint in ("A payment left your account.", "Your account was closed."):
            screen.wait_for(hint)


class NoticeTests(SeedTestCase):
    """S0.7: what travels by UDP."""

    def test_payer_and_payee(self) -> None:
        """A transfer sends one hint to the payer and one to the payee, from the bank's one UDP port (S0.7, S0.19)."""
        with ExitStack() as opened:
            payer, payee, other = (
                opened.enter_context(closing(Terminal(self.bank, customer))) for customer in self.bank.customers
            )
            payer.ask(f"TRANSFER to={self.bob.account} amount=2500 currency=USD key=k1")
            self.assertEqual(payer.hints(), [Hint(2, "paid")])
            self.assertEqual(payee.hints(), [Hint(2, "received")])
            other.ask("DEPOSIT amount=100 currency=USD key=k1")
            self.assertEqual(other.hints(), [Hint(2, "deposit")])

    def test_deletion(self) -> None:
        """Deleting an account sends a hint of that to the terminal that did it, and of the payout (S0.8)."""
        with ExitStack() as opened:
            leaver = opened.enter_context(closing(Terminal(self.bank, self.alice)))
            heir = opened.enter_context(closing(Terminal(self.bank, self.bob)))
            leaver.ask(f"DELETE_ACCOUNT pin={self.alice.pin} payout={self.bob.account}")
            self.assertEqual(leaver.hints(), [Hint(2, "paid"), Hint(3, "deletion")])
            self.assertEqual(heir.hints(), [Hint(2, "received")])


class Terminal:
    """A session on a customer's account by hand: a TLS connection, and a UDP port that listens."""

    def __init__(self, bank: Bank, customer: Customer) -> None:
        self._bank = bank
        trust = ssl.create_default_context(cafile=str(bank.state / "ca.pem"))
        plain = socket.create_connection(("127.0.0.1", bank.port), DEADLINE_SECONDS)
        self._line = trust.wrap_socket(plain, server_hostname="localhost")
        self._answers = self._line.makefile("r", newline="\r\n")
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind(("127.0.0.1", 0))
        self._datagrams.settimeout(DEADLINE_SECONDS)
        self._answers.readline()
        self.ask(f"LOGIN account={customer.account} pin={customer.pin}")
        answer = self.ask(f"LISTEN port={self._datagrams.getsockname()[1]}")
        told = dict(word.split("=", 1) for word in answer.split(" ")[2:])
        self._opening = Opening(told["listener"], notice.read_key(told["notice_key"]))
        probe = self._next()
        assert isinstance(probe, Probe), probe
        self.ask(f"CONFIRM proof={probe.proof}")

    def ask(self, request: str) -> str:
        """What the bank answers to a request, which it must not refuse."""
        self._line.sendall(f"t {request}\r\n".encode())
        answer = self._answers.readline().rstrip("\r\n")
        assert answer.startswith("t 200"), answer
        return answer

    def hints(self) -> list[Hint]:
        """The hints in the next datagram."""
        hints = self._next()
        assert isinstance(hints, tuple), hints
        return list(hints)

    def _next(self) -> object:
        """What is in the next datagram, which must come from the bank."""
        datagram, sender = self._datagrams.recvfrom(2048)
        assert sender == ("127.0.0.1", self._bank.notice_port), sender
        return self._opening.open(datagram)

    def close(self) -> None:
        """Go away."""
        for opened in (self._answers, self._line, self._datagrams):
            opened.close()


class KilledClientTests(SeedTestCase):
    """A client that is killed in the middle of its transfers loses nothing and invents nothing."""

    ROUNDS = 4
    TASKS = 60

    def test_at_random_moments(self) -> None:
        """Whatever was acknowledged is on the statements, at most one more for each client, and no cent is gone."""
        chance = Random(2604)
        before = {customer.account: 0 for customer in self.bank.customers}
        for _ in range(self.ROUNDS):
            acknowledged = self.kill_three(chance)
            for customer in self.bank.customers:
                lines = self.told_when_free(customer, "Statement 100")[0]["items"]
                paid = {
                    int(line["receipt"])  # type: ignore[index]
                    for line in lines
                    if line["kind"] == "paid" and int(line["receipt"]) > before[customer.account]  # type: ignore[index]
                }
                before[customer.account] = max(paid | {before[customer.account]})
                self.assertLessEqual(acknowledged[customer.account], paid)
                self.assertLessEqual(len(paid - acknowledged[customer.account]), 1)
            self.assertEqual(sum(self.balance(customer) for customer in self.bank.customers), 300_000)
            self.assert_right(self.bank)

    def kill_three(self, chance: Random) -> dict[str, set[int]]:
        """Have each customer pay the next, and kill them one after another; the receipts that they printed."""
        customers = self.bank.customers
        clients = [
            self.bank.popen(
                f"account:{payer.account}",
                payer.pin,
                *[f"Transfer 1.25 to Account {payee.account}"] * self.TASKS,
                stdout=subprocess.PIPE,
            )
            for payer, payee in zip(customers, customers[1:] + customers[:1], strict=True)
        ]
        receipts = {}
        for customer, client in zip(customers, clients, strict=True):
            self.addCleanup(end, client)
            assert client.stdout is not None
            printed = [client.stdout.readline() for _ in range(chance.randrange(1, 12))]
            with contextlib.suppress(subprocess.TimeoutExpired):
                client.wait(chance.uniform(0, 0.02))
            client.kill()
            client.wait(DEADLINE_SECONDS)
            printed += client.stdout.readlines()
            receipts[customer.account] = {int(number) for number in re.findall(rb"Receipt (\d+)\.", b"".join(printed))}
            self.assertTrue(receipts[customer.account])
        return receipts


def answered(client: "subprocess.Popen[bytes]", task: str) -> bytes:
    """The line with which a client answers a task that is typed to it."""
    assert client.stdin is not None and client.stdout is not None
    client.stdin.write(f"{task}\n".encode())
    client.stdin.flush()
    if not select([client.stdout], [], [], DEADLINE_SECONDS)[0]:
        raise Failed(f"{task!r} was never answered")
    return client.stdout.readline()


def end(client: "subprocess.Popen[bytes]") -> None:
    """End a client that has not ended by itself."""
    client.kill()
    client.wait()
    for stream in (client.stdin, client.stdout):
        if stream is not None:
            stream.close()
