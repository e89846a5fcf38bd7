"""A file of payments from the real client to the real daemon, as large as may be."""

import json
from pathlib import Path

from bankd.client import exits
from bankd.wire.messages import MAX_BULK
from tests.system.support import SystemTestCase

LONGEST = "\N{BANK}" * 140
"""A reference of which every character takes twelve octets of a line."""


class Largest(SystemTestCase):
    """A thousand payments with the longest references there are: some 1.7 MB in one request."""

    def write(self, *lines: str) -> Path:
        """A file of these lines."""
        path = self.folder / "payments.csv"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    def test_paid_once(self) -> None:
        """All are made, together and however often they are sent; the books are right."""
        bank = self.open_bank()
        alice, bob = bank.customers[:2]
        path = self.write(*[f"{bob.account},0.01,{LONGEST}"] * MAX_BULK)
        task = f"Pay File {path}"
        first, again = bank.told("user:alice", alice.password, task, task)
        self.assertEqual((first["made"], first["amount"], first["before"]), ("1000", "1000", "0"), first["words"])
        self.assertEqual((again["key"], again["before"]), (first["key"], "1000"))
        (balance,) = bank.told("user:bob", bob.password, "Check Balance")
        self.assertEqual(balance["balance"], "101000")
        self.assert_right(bank)

    def test_refused_together(self) -> None:
        """Where the last of them cannot be made none is, and its line is told."""
        bank = self.open_bank()
        alice, bob = bank.customers[:2]
        path = self.write(*[f"{bob.account},0.01,{LONGEST}"] * (MAX_BULK - 1), "77777777,0.01")
        done = bank.client("user:alice", alice.password, f"Pay File {path}", "Check Balance", as_json=True)
        self.assertEqual(done.status, exits.REFUSED)
        refused, balance = map(json.loads, done.lines)
        self.assertEqual((refused["reason"], refused["line"]), ("account", "1000"))
        self.assertEqual(balance["balance"], "100000")
