"""What ``bankctl`` does beside the daemon: exports, the database's schema, the certificate, completion."""

import csv
import json
import sqlite3
import subprocess
from pathlib import Path

from cryptography import x509

from bankd.ctl import main
from bankd.store import customers, migrate
from tests.test_ctl import CtlCase, Done
from tests.test_ctl_account import AccountCase


class Export(AccountCase):
    """The bank's books for other programs."""

    def rows(self, what: str) -> list[dict[str, str]]:
        """What is written of something, by the names of the columns."""
        done = self.run_on("export", what)
        self.assertEqual((done.status, done.complaints), (0, ""))
        return list(csv.DictReader(done.printed.splitlines()))

    def test_accounts(self) -> None:
        """Every account, the tills too, with amounts as people write them."""
        self.hold(2500)
        rows = {row["account"]: row for row in self.rows("accounts")}
        self.assertEqual({*rows} & {"TILL-USD", "FEES-USD"}, {"TILL-USD", "FEES-USD"})
        row = rows[self.alice.number]
        self.assertEqual((row["balance"], row["held"], row["closed"]), ("1000.00", "25.00", ""))
        self.assertEqual((row["kind"], row["customer"]), ("current", str(self.alice.customer_id)))
        self.assertEqual(rows["TILL-USD"]["balance"], "-3000.00")

    def test_customers(self) -> None:
        """Every customer, without secrets; no name is a formula."""
        with self.store().writing() as tx:
            customers.change_customer(tx, self.alice.customer_id, name="=1+1")
        row = self.rows("customers")[0]
        self.assertEqual({*row}, {"customer", "username", "name", "mobile", "email", "opened", "last_login"})
        self.assertEqual((row["name"], row["mobile"]), ("'=1+1", "+12025550123"))

    def test_journal(self) -> None:
        """Every entry, with both accounts and what they held after it."""
        paid = self.pay(2500)
        row = self.rows("journal")[-1]
        self.assertEqual((row["receipt"], row["kind"], row["amount"]), (str(paid.id), "transfer", "25.00"))
        self.assertEqual((row["payer"], row["payee"]), (self.alice.number, self.bob.number))
        self.assertEqual((row["payer_balance"], row["payee_balance"]), ("975.00", "1025.00"))

    def test_json(self) -> None:
        """For programs amounts are minor units, and what is not known is null."""
        done = self.run_on("export", "accounts", "--json")
        row = [json.loads(line) for line in done.printed.splitlines()][-1]
        self.assertEqual((row["balance"], row["closed"], row["opened"][-1]), (100_000, None, "Z"))

    def test_file(self) -> None:
        """A file is new, and its owner's alone; one that is there stays."""
        path = Path(self.mktemp())
        self.assertEqual(self.run_on("export", "journal", "--out", str(path)), Done(0, "", ""))
        self.assertEqual((path.stat().st_mode & 0o777, path.read_bytes()[:12]), (0o600, b"receipt,at,k"))
        again = self.run_on("export", "journal", "--out", str(path))
        self.assertEqual((again.status, again.complaints), (1, f"bankctl: {path}: File exists\n"))


class Upgrade(CtlCase):
    """An older bank's database."""

    def upgrade(self, *options: str) -> Done:
        """Bring it up to date."""
        return self.bankctl("db", "upgrade", *options, "--state", str(self.state))

    def test_nothing_to_do(self) -> None:
        """One that is up to date stays as it is."""
        self.init()
        self.assertEqual(self.upgrade(), Done(0, "the database is up to date\n", ""))
        self.assertEqual(self.upgrade("--dry-run"), Done(0, "the database is up to date\n", ""))

    def test_older(self) -> None:
        """What is left is told, and then done."""
        self.init("[bank]\ndemo = no\n")
        for path in self.state.glob("bank.sqlite3*"):
            path.unlink()
        store = self.store()
        with store.writer.begin() as connection:
            migrate.upgrade_to(connection, "0007")
        left = self.upgrade("--dry-run")
        self.assertEqual(left.printed.splitlines()[0], "0008: Secrets that have to be changed at the next log-in.")
        self.assertEqual(self.upgrade(), Done(0, f"{left.printed}the database is up to date\n", ""))
        with self.store().reading() as connection:
            self.assertTrue(migrate.is_current(connection))

    def test_no_bank(self) -> None:
        """Where there is no database, or nothing in it, that is told."""
        self.state.mkdir(parents=True)
        self.assertIn("there is no database", self.upgrade().complaints)
        sqlite3.connect(self.state / "bank.sqlite3").close()
        (self.state / "bank.sqlite3").touch()
        done = self.upgrade()
        self.assertEqual((done.status, done.printed), (2, ""))
        self.assertIn("there is no bank in this database", done.complaints)


class Certificate(CtlCase):
    """The bank's own certificate."""

    def serial(self) -> int:
        """The number of the certificate."""
        return x509.load_pem_x509_certificate((self.state / "server.pem").read_bytes()).serial_number

    def renew(self, *options: str) -> Done:
        """Renew it."""
        return self.bankctl("cert", "renew", *options, "--state", str(self.state))

    def test_renewed(self) -> None:
        """It is another one, with the same key, though it was good for long; a dry run leaves it."""
        self.init()
        before, files = self.serial(), self.files()
        self.assertRegex(self.renew("--dry-run").printed, r"server.pem is good until 20.*Z\n$")
        self.assertEqual(self.serial(), before)
        done = self.renew()
        self.assertEqual((done.status, done.complaints), (0, ""))
        self.assertNotEqual(self.serial(), before)
        changed = {name for name, octets in self.files().items() if octets != files[name]}
        self.assertEqual(changed, {"server.pem"})

    def test_anothers(self) -> None:
        """A certificate that the settings name is not the bank's to renew."""
        config = self.settings("[server]\ncertificate = /etc/other.pem\nkey = /etc/other.key\n")
        done = self.bankctl("cert", "renew", "--config", config)
        self.assertEqual(done.status, 2)
        self.assertIn("whoever issued it renews it", done.complaints)

    def test_none(self) -> None:
        """Where there is none that is told."""
        self.assertEqual(self.renew().status, 1)


class Completion(CtlCase):
    """What a shell needs to complete commands."""

    def test_every_command(self) -> None:
        """bash finds every verb of every noun, and its options."""
        done = self.bankctl("--print-completion", "bash")
        self.assertEqual((done.status, done.complaints), (0, ""))
        subprocess.run(["bash", "-n"], input=done.printed, text=True, check=True)
        for command in main.COMMANDS:
            self.assertIn(command.name.split()[-1], done.printed)
        self.assertIn("--dry-run", done.printed)
