"""``bankctl``: what the operator does by hand."""

import json
import sqlite3
import stat
import sys
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from time import time

from sqlalchemy import delete, func, select, update
from twisted.trial.unittest import SynchronousTestCase

import bankd
from bankd import certificates, core_files, keyring
from bankd.bank import access
from bankd.bank.hashing import PEPPER_OCTETS, Hasher
from bankd.ctl import ledger, main
from bankd.ledger.commands import Transfer
from bankd.store import audit, checkpoints, customers, migrate
from bankd.store.claims import Identity
from bankd.store.engines import Store
from bankd.store.schema import accounts, journal, outcomes

RIGHT = """the ledger is right: every balance equals its entries, and all add up to zero
chained: 3 entries; signed checkpoints, which agree: 1
"""
KEYS = {"pepper", "chain.key", "receipts.key", "receipts.pem"}
AUTHORITY = {"terminals/ca.pem", "terminals/ca.key"}
FIRST = {"accounts", "alembic_version", "customers", "journal", "leases", "notices", "secrets"}
"""The tables of a bank of the first version that are still there."""


@dataclass(frozen=True)
class Done:
    """What a command gave: its exit status, and what it printed where."""

    status: int
    printed: str
    complaints: str


class CtlCase(SynchronousTestCase):
    """A test with a folder for a bank, and names for its certificate that take no looking up."""

    def setUp(self) -> None:
        self.state = Path(self.mktemp()) / "bank"
        self.patch(certificates, "local_names", lambda: ["localhost"])
        self.patch(core_files, "forbid", lambda: None)  # it would hold for whatever else runs in this process

    def bankctl(self, *arguments: str) -> Done:
        """Run the command."""
        printed, complaints = StringIO(), StringIO()
        with redirect_stdout(printed), redirect_stderr(complaints):
            try:
                status = main.main(arguments)
            except SystemExit as exit:
                status = int(exit.code or 0)
        return Done(status, printed.getvalue(), complaints.getvalue())

    def settings(self, text: str) -> str:
        """The path of a settings file that holds ``text``."""
        path = Path(self.mktemp())
        path.write_text(text, encoding="utf-8")
        return str(path)

    def init(self, settings: str = "[bank]\ndemo = yes\ncurrency = USD\nregion = US\n") -> Done:
        """Prepare a bank."""
        return self.bankctl("init", "--config", self.settings(settings), "--state", str(self.state))

    def verify(self) -> Done:
        """Verify it."""
        return self.bankctl("ledger", "verify", "--state", str(self.state))

    def store(self) -> Store:
        """The bank's database."""
        store = Store(f"sqlite:///{self.state / 'bank.sqlite3'}", (self.state / "chain.key").read_bytes(), time)
        self.addCleanup(store.close)
        return store

    def files(self) -> dict[str, bytes]:
        """Every file of the bank but the database, by name."""
        return {
            str(path.relative_to(self.state)): path.read_bytes()
            for path in self.state.rglob("*")
            if path.is_file() and "sqlite" not in path.name
        }


class Init(CtlCase):
    """Making what a bank needs."""

    def test_made(self) -> None:
        """Keys, certificates, pepper, demo customers and a database of the present schema are made, and told of."""
        done = self.init()
        self.assertEqual((done.status, done.complaints), (0, ""))
        names = {"ca.pem", "ca.key", "server.pem", "server.key", "demo.json", "checkpoints"}
        self.assertEqual(set(self.files()), names | KEYS | AUTHORITY)
        self.assertIn(f"clients trust it by {self.state.absolute() / 'ca.pem'}\n", done.printed)
        self.assertIn("demo customers (play money):\n", done.printed)
        with self.store().reading() as connection:
            self.assertTrue(migrate.is_current(connection))
            self.assertEqual(list(audit.faults(connection, (self.state / "chain.key").read_bytes())), [])

    def test_for_the_owner_alone(self) -> None:
        """Nobody but the owner can enter the folder, nor read a key, the pepper or the demo's secrets."""
        self.init()
        self.assertEqual(stat.S_IMODE(self.state.stat().st_mode), 0o700)
        for name in ("ca.key", "server.key", "pepper", "chain.key", "receipts.key", "demo.json", "checkpoints"):
            self.assertEqual(stat.S_IMODE((self.state / name).stat().st_mode), 0o600, name)

    def test_again(self) -> None:
        """A second run changes no file and no balance, and prints the same."""
        first, files = self.init(), self.files()
        self.assertEqual(self.init(), first)
        self.assertEqual(self.files(), files)
        with self.store().reading() as connection:
            count = connection.execute(select(func.count()).select_from(accounts)).scalar_one()
        self.assertEqual(count, 5, "three accounts and the two tills")

    def test_what_is_missing_is_made_again(self) -> None:
        """A file that was lost is made again without touching the others; a lost certificate keeps its key."""
        self.init()
        files = self.files()
        (self.state / "server.pem").unlink()
        self.assertEqual(self.init().status, 0)
        again = self.files()
        self.assertEqual({name for name, octets in again.items() if octets != files[name]}, {"server.pem"})

    def test_demo_customers(self) -> None:
        """The demo customers can log in with what demo.json and the table say, under the bank's own pepper."""
        printed = self.init().printed
        hasher = Hasher((self.state / "pepper").read_bytes())
        made = json.loads((self.state / "demo.json").read_text())
        self.assertEqual([sorted(one) for one in made], [["account", "mobile", "password", "pin", "username"]] * 3)
        with self.store().reading() as connection:
            for one in made:
                claim = access.claim(connection, Identity("username", one["username"], "password"))
                by_pin = access.claim(connection, Identity("mobile", one["mobile"], "pin", one["account"]))
                assert claim is not None and by_pin is not None
                self.assertTrue(hasher.matches(claim.hashed, one["password"]))
                self.assertTrue(hasher.matches(by_pin.hashed, one["pin"]))
                for secret in one.values():
                    self.assertIn(f" {secret}", printed)

    def test_demo_customers_that_left(self) -> None:
        """A demo customer who has left is not made again."""
        self.init()
        with self.store().writing() as tx:
            alice = customers.customer_named(tx.connection, "alice")
            assert alice is not None
            customers.forget(tx, alice)
        self.assertEqual(self.init().status, 0)
        with self.store().reading() as connection:
            self.assertIsNone(customers.customer_named(connection, "alice"))

    def test_a_bank_with_customers(self) -> None:
        """A bank that has customers of its own gets no demo customers beside them."""
        self.init("")
        with self.store().writing() as tx:
            customers.add_customer(tx, username="bob")
        done = self.init()
        self.assertEqual((done.status, done.complaints), (0, ""))
        self.assertNotIn("demo.json", self.files())
        with self.store().reading() as connection:
            self.assertIsNone(customers.customer_named(connection, "alice"))

    def test_demo_file_of_another_database(self) -> None:
        """The demo file is made anew with the customers, when the database was removed and the file was not."""
        self.init()
        before = (self.state / "demo.json").read_text()
        (self.state / "bank.sqlite3").unlink()
        self.init()
        made = json.loads((self.state / "demo.json").read_text())
        self.assertNotEqual((self.state / "demo.json").read_text(), before)
        with self.store().reading() as connection:
            self.assertIsNotNone(customers.account_numbered(connection, made[0]["account"]))

    def test_without_demo(self) -> None:
        """A bank that is no demo has no customers."""
        done = self.init("")
        self.assertNotIn("demo customers", done.printed)
        self.assertNotIn("demo.json", self.files())

    def test_certificate_of_others(self) -> None:
        """With a certificate from elsewhere the bank makes none of its own."""
        self.init("[server]\ncertificate = /tls/cert.pem\nkey = /tls/key.pem\n")
        self.assertEqual(set(self.files()), KEYS | AUTHORITY | {"checkpoints"})

    def test_more_names(self) -> None:
        """Names from the settings are in the certificate, which is made anew for them."""
        self.init()
        before = (self.state / "server.pem").read_bytes()
        done = self.init("[server]\nnames = bank.example 192.0.2.1\n")
        self.assertIn("certificate for localhost, bank.example, 192.0.2.1;", done.printed)
        self.assertNotEqual((self.state / "server.pem").read_bytes(), before)

    def test_interrupted(self) -> None:
        """A draft that an interrupted run left behind is no pepper, and is replaced."""
        self.state.mkdir(parents=True)
        (self.state / "pepper.new").write_bytes(b"half")
        self.assertEqual(self.init().status, 0)
        self.assertEqual(len((self.state / "pepper").read_bytes()), PEPPER_OCTETS)
        self.assertFalse((self.state / "pepper.new").exists())

    def test_cannot_be_made(self) -> None:
        """What stands in the way is told in a plain line."""
        self.state.parent.mkdir()
        self.state.write_text("a file")
        done = self.init()
        self.assertEqual((done.status, len(done.complaints.splitlines())), (1, 1), done.complaints)
        self.assertTrue(done.complaints.startswith("bankctl: "))
        self.assertIn(str(self.state), done.complaints)


class Verify(CtlCase):
    """Adding every balance up again."""

    def test_right(self) -> None:
        """A ledger that is right is told to be."""
        self.init()
        self.assertEqual(self.verify(), Done(0, RIGHT, ""))

    def test_changed_balance(self) -> None:
        """A balance that was changed behind the bank's back is found and named."""
        self.init()
        account = json.loads((self.state / "demo.json").read_text())[1]["account"]
        with self.store().writing() as tx:
            tx.connection.execute(update(accounts).where(accounts.c.number == account).values(balance_minor=100_001))
        done = self.verify()
        self.assertEqual(done.status, 1)
        self.assertEqual(
            done.printed.splitlines(),
            [
                f"account {account} has a balance of 100001, but its entries add up to 100000",
                "the balances in USD add up to 1 minor units, not to zero",
            ],
        )

    def test_no_bank(self) -> None:
        """Where there is no bank that is told in a plain line, and none is made; 1 is for a ledger that is wrong."""
        self.state.mkdir(parents=True)
        done = self.verify()
        self.assertEqual((done.status, done.printed, len(done.complaints.splitlines())), (2, "", 1), done.complaints)
        self.assertEqual(list(self.state.iterdir()), [])

    def test_no_checkpoints(self) -> None:
        """A copy of the checkpoints that cannot be read is told in words, with another status than a wrong ledger."""
        self.init()
        for path, said in (
            (self.state / "no", f"there is no file {self.state / 'no'}"),
            (self.state, "Is a directory"),
        ):
            done = self.bankctl("ledger", "verify", "--state", str(self.state), "--checkpoints", str(path))
            self.assertEqual((done.status, done.printed), (2, ""))
            self.assertIn(said, done.complaints)
            self.assertNotIn("Errno", done.complaints)

    def test_changed_entry(self) -> None:
        """The first row that is wrong comes first, then the others up to a bound; odd letters are shown plainly."""
        self.init()
        with self.store().writing() as tx:
            tx.connection.execute(update(accounts).where(accounts.c.id == 5).values(number="\x1b[2J", newest=None))
            tx.connection.execute(update(journal).where(journal.c.id == 2).values(reference="free"))
        done = self.verify()
        self.assertEqual(
            done.printed.splitlines(),
            [
                "entry 2 is not what was linked to the entry before it: one of the two was changed",
                "account \\x1b[2J points to entry None, but its newest is 3",
            ],
        )
        self.patch(ledger, "MOST_FAULTS", 1)
        self.assertEqual(self.verify().printed.splitlines()[1:], ["there is more, which was not looked at"])

    def test_truncated(self) -> None:
        """Entries that were taken off the end are missed by the checkpoint, also by a copy kept elsewhere."""
        self.init()
        with self.store().writing() as tx:
            tx.connection.execute(delete(journal).where(journal.c.id == 3))
        missing = "entry 3 is missing: line 1 of the checkpoints saw entries up to 3 at 20"
        self.assertTrue(self.verify().printed.startswith(missing))
        copy = Path(self.mktemp())
        (self.state / "checkpoints").rename(copy)
        self.assertEqual(self.verify().complaints.count("checkpoints"), 1)
        told = self.bankctl("ledger", "verify", "--state", str(self.state), "--checkpoints", str(copy)).printed
        self.assertTrue(told.startswith("entry 3 is missing"))

    def test_torn_checkpoint(self) -> None:
        """A checkpoint that was never finished is told of, and is no fault."""
        self.init()
        with (self.state / "checkpoints").open("a") as file:
            file.write("eyJ")
        done = self.verify()
        self.assertEqual((done.status, done.complaints), (0, ""))
        self.assertEqual(done.printed, "line 2 of the checkpoints was never finished, and is passed over\n" + RIGHT)

    def test_as_json(self) -> None:
        """A program gets the same as one object."""
        self.init()
        arguments = ("ledger", "verify", "--state", str(self.state), "--json")
        right = {"right": True, "entries": 3, "checkpoints": 1, "faults": [], "all_told": True, "notes": []}
        self.assertEqual(json.loads(self.bankctl(*arguments).printed), right)
        with self.store().writing() as tx:
            tx.connection.execute(update(accounts).where(accounts.c.id == 5).values(newest=2))
        done = self.bankctl(*arguments)
        told = json.loads(done.printed)
        self.assertEqual((done.status, told["right"]), (1, False))
        self.assertEqual([sorted(fault) for fault in told["faults"]], [["row", "what"]])
        self.assertTrue(told["faults"][0]["row"].startswith("account "))

    def test_progress(self) -> None:
        """A person at a terminal sees how far it has come, and then nothing of it any more."""
        self.init()
        terminal = StringIO()
        terminal.isatty = lambda: True  # type: ignore[method-assign]
        self.patch(sys, "stderr", terminal)
        printed = StringIO()
        with redirect_stdout(printed):
            self.assertEqual(main.main(["ledger", "verify", "--state", str(self.state)]), 0)
        self.assertEqual(printed.getvalue(), RIGHT)
        self.assertTrue(terminal.getvalue().startswith("\r3 entries "))
        self.assertTrue(terminal.getvalue().endswith("\r\x1b[K"))

    def test_checkpoint(self) -> None:
        """A checkpoint made by hand is one more that agrees."""
        self.init()
        done = self.bankctl("ledger", "checkpoint", "--state", str(self.state))
        self.assertEqual((done.status, done.complaints), (0, ""))
        self.assertIn("checkpoints: 3 entries up to 20", done.printed)
        self.assertIn("signed checkpoints, which agree: 2", self.verify().printed)


def columns(database: sqlite3.Connection) -> dict[str, list[str]]:
    """The columns of each table."""
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {table: [row[1] for row in database.execute(f"PRAGMA table_info({table})")] for table in tables}


REFUSAL = {
    "key": "k",
    "customer_id": 1,
    "kind": "transfer",
    "account_id": 2,
    "payee": "99",
    "amount_minor": 5,
    "currency": "EUR",
    "reference": "Café",
    "code": 404,
    "reason": "account",
    "at_us": 7,
}
"""A refusal as the first version kept it."""


class AnotherFolder(CtlCase):
    """A second state folder on the database of a bank, by mistake."""

    def setUp(self) -> None:
        super().setUp()
        self.init()
        self.other = Path(self.mktemp())
        self.config = self.settings(f"[database]\nurl = sqlite:///{self.state.absolute() / 'bank.sqlite3'}\n")

    def run_there(self, *arguments: str) -> Done:
        """Run a command on the bank's database with the other folder."""
        return self.bankctl(*arguments, "--config", self.config, "--state", str(self.other))

    def assert_refused(self, done: Done) -> None:
        """Fail unless the key's file is named in one line, and the bank is as it was."""
        said = f"bankctl: the journal in the database does not begin under {self.other.absolute() / 'chain.key'}: "
        self.assertEqual((done.status, len(done.complaints.splitlines())), (1, 1), done)
        self.assertTrue(done.complaints.startswith(said), done.complaints)
        self.assertEqual(self.verify(), Done(0, RIGHT, ""))

    def test_init(self) -> None:
        """Init makes none of the bank's own keys and no checkpoint in it, also when it is run again."""
        for _ in range(2):
            self.assert_refused(self.run_there("init"))
            self.assertEqual({path.name for path in self.other.iterdir()} & {*KEYS, "checkpoints"}, set())

    def test_no_customer(self) -> None:
        """Init adds no demo customers under the other key where every customer has left."""
        with self.store().writing() as tx:
            for username in ("alice", "bob", "carol"):
                customer = customers.customer_named(tx.connection, username)
                assert customer is not None
                customers.forget(tx, customer)
        with Path(self.config).open("a") as file:
            file.write("[bank]\ndemo = yes\ncurrency = USD\nregion = US\n")
        done = self.run_there("init")
        self.assertIn("does not begin under", done.complaints)
        with self.store().reading() as connection:
            self.assertEqual(connection.execute(select(func.count()).select_from(journal)).scalar_one(), 3)

    def test_other_commands(self) -> None:
        """With keys of its own the folder lets no command write to the bank, or sign what it comes to."""
        self.other.mkdir()
        keyring.ensure(self.other)
        before = self.keys_there()
        account = json.loads((self.state / "demo.json").read_text())[0]["account"]
        for arguments in (
            ("init",),
            ("account", "limit", account, "--day", "1"),
            ("ledger", "checkpoint"),
        ):
            self.assert_refused(self.run_there(*arguments))
        made = self.keys_there()
        self.assertEqual({path: made[path] for path in before}, before)
        self.assertNotIn("checkpoints", {path.name for path in made})

    def keys_there(self) -> dict[Path, bytes]:
        """The files in the other folder."""
        return {path: path.read_bytes() for path in self.other.iterdir() if path.is_file()}

    def test_the_keys_put_there(self) -> None:
        """With the bank's own keys the folder is as good as the first."""
        self.other.mkdir()
        for name in KEYS:
            (self.other / name).write_bytes((self.state / name).read_bytes())
        self.assertEqual(self.run_there("init").status, 0)
        account = json.loads((self.state / "demo.json").read_text())[0]["account"]
        self.assertEqual(self.run_there("account", "limit", account, "--day", "1").status, 0)
        self.assertEqual(self.verify(), Done(0, RIGHT, ""))


class Upgrade(CtlCase):
    """A bank from before there was a chain."""

    def make_old(self) -> None:
        """Make the bank one of the first version, with entries."""
        self.init()
        for name in ("chain.key", "receipts.key", "receipts.pem", "checkpoints"):
            (self.state / name).unlink()
        with closing(sqlite3.connect(self.state / "bank.sqlite3")) as old:
            first = self.columns_of_the_first_version()
            for table, names in columns(old).items():
                if table not in FIRST:
                    old.execute(f"DROP TABLE {table}")
                    continue
                if table == "notices":  # whose key was another
                    old.execute("ALTER TABLE notices RENAME TO later")
                    old.execute(f"CREATE TABLE notices AS SELECT {', '.join(first[table])} FROM later")
                    old.execute("DROP TABLE later")
                    continue
                for name in names:
                    if name not in first[table]:
                        old.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
            old.execute(f"CREATE TABLE refusals ({', '.join(REFUSAL)})")
            old.execute(f"INSERT INTO refusals VALUES ({', '.join('?' for _ in REFUSAL)})", tuple(REFUSAL.values()))
            old.execute("DELETE FROM accounts WHERE number LIKE 'FEES-%'")
            old.execute("UPDATE alembic_version SET version_num = '0001'")
            old.commit()

    def columns_of_the_first_version(self) -> dict[str, list[str]]:
        """The columns of each table that the first version had."""
        path = Path(self.mktemp())
        store = Store(f"sqlite:///{path}", bytes(32), time)
        with store.writer.begin() as connection:
            migrate.upgrade_to(connection, "0001")
        store.close()
        with closing(sqlite3.connect(path)) as first:
            return columns(first)

    def test_sealed(self) -> None:
        """Init adds what is new, links the entries from before, and the bank verifies."""
        self.make_old()
        self.assertEqual(self.init().status, 0)
        self.assertEqual(self.verify(), Done(0, RIGHT, ""))

    def test_refusals_stay(self) -> None:
        """A key that was refused before has its outcome still, and there is a till for fees."""
        self.make_old()
        self.init()
        asked = Transfer(
            customer_id=1,
            account_id=2,
            fence=None,
            key="k",
            amount_minor=5,
            currency="EUR",
            payee="99",
            reference="Café",
        )
        with self.store().reading() as connection:
            kept = connection.execute(select(outcomes)).one()
            tills = connection.execute(select(accounts.c.number).where(accounts.c.kind == "till")).scalars().all()
        self.assertEqual(tuple(kept), ("k", 1, asked.content, 404, "account", None, 7))
        self.assertEqual(sorted(tills), ["FEES-USD", "TILL-USD"])

    def test_interrupted(self) -> None:
        """What an interrupted run left half done is done by the next one."""
        self.make_old()
        patched = self.patch(checkpoints, "take", lambda *_: 1 / 0)
        self.assertRaises(ZeroDivisionError, self.init)
        patched.restore()
        self.assertEqual(self.init().status, 0)
        self.assertEqual(self.verify(), Done(0, RIGHT, ""))

    def test_never_twice(self) -> None:
        """Links that went missing later are not made up for: that would seal what somebody forged."""
        self.init()
        with self.store().writing() as tx:
            tx.connection.execute(update(journal).values(hash=None, reference="forged"))
        self.assertEqual(self.init().status, 0)
        self.assertEqual(self.verify().printed.splitlines()[0], "entry 1 has no link to the entries before it")

    def test_lost_key(self) -> None:
        """A chain's key that was lost is asked for, and no other is put in its place."""
        self.init()
        (self.state / "chain.key").unlink()
        done = self.init()
        self.assertEqual((done.status, len(done.complaints.splitlines())), (1, 1))
        self.assertIn("chain.key is lost", done.complaints)
        self.assertFalse((self.state / "chain.key").exists())


class Command(CtlCase):
    """The command line itself."""

    def test_settings_that_will_not_do(self) -> None:
        """Every fault in the settings is a line, and the status is 2."""
        done = self.init("[server]\nport = x\n[bank]\ndemo = x\n")
        self.assertEqual(done.status, 2)
        self.assertEqual([line[:9] for line in done.complaints.splitlines()], ["bankctl: "] * 2)
        self.assertFalse(self.state.exists())

    def test_no_such_command(self) -> None:
        """A command that there is not, or none, is told with status 2."""
        for arguments in (("serve",), (), ("ledger",), ("ledger", "serve")):
            done = self.bankctl(*arguments)
            self.assertEqual(done.status, 2)
            self.assertIn("usage: bankctl", done.complaints)

    def test_version(self) -> None:
        """The version is the package's."""
        self.assertEqual(self.bankctl("--version"), Done(0, f"bankctl {bankd.__version__}\n", ""))
