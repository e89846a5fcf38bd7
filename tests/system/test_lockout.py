"""Lockout against the real bank: strangers try a PIN by the thousand, and the customer's own terminal gets in.

LOCKOUT_TRIES is how many tries they make; some hundreds by default, so that the test is quick.
"""

import os
import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from tests.system.support import DEADLINE_SECONDS, Bank, Customer, SystemTestCase

TRIES = int(os.environ.get("LOCKOUT_TRIES", "400"))

A_CONNECTION = 20
"""Tries on one connection."""

NETWORKS = 200
"""Networks of this machine that strangers come from, by turns; the customer's own is one of them."""


@contextmanager
def line(bank: Bank, host: str) -> Iterator[Any]:
    """A connection to the bank from an address of this machine, past the greeting."""
    trust = ssl.create_default_context(cafile=str(bank.state / "ca.pem"))
    tcp = socket.create_connection(("127.0.0.1", bank.port), DEADLINE_SECONDS, (host, 0))
    with trust.wrap_socket(tcp, server_hostname="localhost") as tls, tls.makefile("rwb") as file:
        file.readline()
        yield file


def answers(bank: Bank, host: str, requests: list[str]) -> list[str]:
    """What requests that are sent together from an address are answered, without their tags."""
    with line(bank, host) as file:
        file.write("".join(f"t {request}\r\n" for request in requests).encode())
        file.flush()
        return [file.readline().decode().strip().removeprefix("t ") for _ in requests]


class LockoutTests(SystemTestCase):
    """A bank with the demo's customers, of whom strangers want to be Alice."""

    def setUp(self) -> None:
        super().setUp()
        self.bank = self.open_bank()
        self.alice, self.bob, _ = self.bank.customers

    def guess(self, turn: int) -> Counter[str]:
        """Try PINs that are wrong on one connection; how often each answer came."""
        wrong = [f"LOGIN account={self.alice.account} pin=9{turn:05}{number:02}" for number in range(A_CONNECTION)]
        said = answers(self.bank, f"127.0.{turn % NETWORKS}.{1 + turn % 250}", wrong)
        return Counter(" ".join(answer.split()[:2]) for answer in said)

    def balance(self, customer: Customer) -> tuple[int, list[str]]:
        """Ask for the balance at the customer's own terminal."""
        done = self.bank.client(f"account:{customer.account}", customer.pin, "Check Balance")
        return done.status, done.lines

    def test_owner_gets_in(self) -> None:
        """Of thousands of tries some fifty are looked at; Alice's terminal logs in every time, and she is told."""
        told = (0, [f"Balance of account {self.alice.account}: 1,000.00 USD"])
        self.assertEqual(self.balance(self.alice), told)
        said: Counter[str] = Counter()
        logged_in = 0
        with ThreadPoolExecutor(4) as strangers:
            guesses = [strangers.submit(self.guess, turn) for turn in range(TRIES // A_CONNECTION)]
            while not logged_in or not all(guess.done() for guess in guesses):
                self.assertEqual(self.balance(self.alice), told)
                logged_in += 1
        for guess in guesses:
            said += guess.result()
        looked_at = said["401 reason=credentials"]
        print(f"{sum(said.values())} tries by strangers: {dict(said)}; {logged_in} log-ins by the owner")
        self.assertEqual(sum(said.values()), TRIES // A_CONNECTION * A_CONNECTION)
        self.assertEqual(looked_at, sum(said.values()) - said["429 reason=wait"] - said["429 reason=locked"])
        self.assertLessEqual(looked_at, 50)
        notices = self.bank.client(f"account:{self.alice.account}", self.alice.pin, "Notices").lines
        self.assertTrue(any("Too many tries to log in" in notice for notice in notices), notices)

    def test_operator_lifts(self) -> None:
        """Who is locked out is listed, and lifted; until then the right PIN is of no use to a stranger."""
        right = f"LOGIN account={self.alice.account} pin={self.alice.pin}"
        for turn in range(17):
            self.guess(turn)
        [refused] = answers(self.bank, "127.0.250.1", [right])
        self.assertTrue(refused.startswith("429 reason=locked seconds="), refused)
        listed = self.bank.bankctl("lockout", "list").lines
        self.assertIn("customer 1 (alice): pin strangers: 50 failed", " ".join(listed))
        self.assertEqual(self.bank.bankctl("lockout", "list", "--user", "bob").lines, ["nobody is kept waiting"])
        lifted = self.bank.bankctl("lockout", "lift", "--user", "alice")
        self.assertEqual((lifted.status, lifted.complaints), (0, ""))
        [answer] = answers(self.bank, "127.0.250.1", [right])
        self.assertIn("failed=50", answer)
