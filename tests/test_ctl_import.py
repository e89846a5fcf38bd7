"""``bankctl import accounts``."""

import json
import os
import sys
from pathlib import Path

from bankd.bank import hashing
from bankd.ctl import import_accounts
from bankd.ctl.import_accounts import Progress
from bankd.store import audit, customers, operators
from tests.test_ctl import CtlCase, Done

FILE = """# what the old bank kept
zz-99999, 9999, 150.50
ab-12345, 4821, 20
ab-12346, 4821, 0
ab-12345, 1111, 5   # once more
nonsense
"""
FAULTS = (
    "line 5: account AB-12345 stands in line 3 already\nline 6: it is not number, PIN and balance with commas between\n"
)


class ImportCase(CtlCase):
    """A bank without customers, and a file."""

    demo = "no"

    def setUp(self) -> None:
        super().setUp()
        self.patch(os, "nice", lambda _more: None)
        self.config = self.settings(f"[bank]\ndemo = {self.demo}\ncurrency = USD\nregion = US\n")
        self.bankctl("init", "--config", self.config, "--state", str(self.state))
        self.file = Path(self.mktemp())
        self.file.write_text(FILE)

    def run_import(self, *options: str) -> Done:
        """Import the file."""
        where = ("--config", self.config, "--state", str(self.state))
        return self.bankctl("import", "accounts", str(self.file), *options, *where)

    def count(self) -> int:
        """How many of the file's accounts the bank has."""
        with self.store().reading() as connection:
            return len(customers.numbers_taken(connection, ["ZZ-99999", "AB-12345", "AB-12346"]))


class Import(ImportCase):
    """What it does, and says."""

    def test_dry_run(self) -> None:
        """What would be done is said, and nothing is."""
        told = (
            "would be opened: 3 accounts with 170.50 USD in all\n"
            "with a PIN that has to be changed at the first log-in: 1\n"
            "lines that will not do, and were passed over: 2\n"
        )
        self.assertEqual(self.run_import("--dry-run"), Done(1, FAULTS + told, ""))
        self.assertEqual(self.count(), 0)

    def test_opened(self) -> None:
        """The accounts are opened, and that is an act; the bad lines are told, and make the status 1."""
        done = self.run_import("--reason", "Moved")
        self.assertEqual((done.status, done.complaints), (1, ""))
        self.assertEqual(done.printed.splitlines()[2], "opened: 3 accounts with 170.50 USD in all")
        with self.store().reading() as connection:
            [act] = operators.acts_after(connection, None)
            chain_key = (self.state / "chain.key").read_bytes()
            self.assertEqual(list(audit.faults(connection, chain_key)), [])
        self.assertEqual((act.verb, act.details), ("import_accounts", "lines 2 to 4: 3 accounts with 170.50 USD"))
        self.assertEqual((act.outcome, act.reason), ("done", "Moved"))

    def test_again(self) -> None:
        """A second time nothing is done, in as many pieces as it may be; a file without bad lines ends with 0."""
        self.patch(import_accounts, "CHUNK", 2)
        self.file.write_text("".join(FILE.splitlines(True)[:4]))
        self.assertEqual(self.run_import().status, 0)
        told = "opened: 0 accounts with 0.00 USD in all\nthere already, and passed over: 3\n"
        self.assertEqual(self.run_import(), Done(0, told, ""))
        with self.store().reading() as connection:
            self.assertEqual(len(operators.acts_after(connection, None)), 2)

    def test_interrupted(self) -> None:
        """What was opened before an interruption stays, and the next time the rest is opened."""
        self.patch(import_accounts, "CHUNK", 2)
        real, hashed = hashing.Hasher.hash, []

        def hash_some(hasher: hashing.Hasher, secret: str) -> str:
            hashed.append(secret)
            if len(hashed) == 5:  # after nobody's, that which is timed, and the first piece
                raise KeyboardInterrupt
            return real(hasher, secret)

        self.patch(hashing.Hasher, "hash", hash_some)
        done = self.run_import()
        self.assertEqual((done.status, done.complaints), (2, "bankctl: interrupted\n"))
        self.assertEqual(self.count(), 2)
        self.assertIn("opened: 1 accounts", self.run_import().printed)
        self.assertEqual(self.count(), 3)

    def test_another_balance(self) -> None:
        """An account that the bank has otherwise is told with its line."""
        self.run_import()
        self.file.write_text("ab-12345,4821,21\nzz-99999,9999,150.50\n")
        done = self.run_import("--json")
        self.assertEqual(done.status, 1)
        fault, told = map(json.loads, done.printed.splitlines())
        self.assertEqual(fault["line"], 1)
        self.assertEqual(
            told,
            {
                **{"dry_run": False, "opened": 0, "amount": 0, "currency": "USD"},
                **{"must_change": 0, "there": 1, "bad": 1},
            },
        )

    def test_unusable(self) -> None:
        """No file, or none that can be read twice, is told."""
        self.file.unlink()
        self.assertEqual(self.run_import(), Done(2, "", f"bankctl: there is no file {self.file}\n"))
        self.file.mkdir()
        self.assertEqual(self.run_import(), Done(2, "", f"bankctl: {self.file} is no file; it is read twice\n"))

    def test_long_lines(self) -> None:
        """A line of megabytes is one bad line."""
        self.file.write_bytes(b"1," * 1_000_000 + b"\nab-1,4821,1")
        done = self.run_import("--dry-run")
        self.assertEqual(done.printed.splitlines()[0], "line 1: it is too long, or no text")
        self.assertIn("1 accounts with 1.00 USD", done.printed)

    def test_progress(self) -> None:
        """Long work is announced, and at a terminal shown."""
        self.patch(sys.stderr, "isatty", lambda: True)
        written: list[str] = []
        self.patch(sys.stderr, "write", written.append)
        progress = Progress(100_000, 0.0135)
        list(progress.counted(["hash"] * 10))
        progress.end()
        told = "".join(written)
        self.assertIn("100,000 PINs are to be hashed, which takes about 22 minutes\n", told)
        self.assertIn("\r10 of 100,000 accounts, about 22 minutes left", told)
        self.assertIn("10 seconds", Progress(10, 1.0)._left())


class Demo(ImportCase):
    """A bank of play money."""

    demo = "yes"

    def test_weak_pins(self) -> None:
        """Weak PINs are good as they are."""
        self.assertNotIn("has to be changed", self.run_import().printed)
        with self.store().reading() as connection:
            account = customers.account_numbered(connection, "ZZ-99999")
            assert account is not None
            self.assertFalse(customers.must_change(connection, account.customer_id, "pin"))
