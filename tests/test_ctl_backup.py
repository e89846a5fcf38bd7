"""``bankctl backup`` and ``bankctl restore``: what the operator types, and is told."""

import os
import sys
from io import StringIO
from pathlib import Path

from sqlalchemy import update

from bankd import keyring, signing
from bankd.ctl import backup
from bankd.ctl.ledger import MOST_FAULTS
from bankd.ledger import book
from bankd.ledger.checkpoint import read_claims
from bankd.ledger.commands import Deposit
from bankd.signing import PrivateKey
from bankd.store import archive, checkpoints, journal
from bankd.store.checkpoints import CheckpointFile
from bankd.store.schema import accounts
from bankd.store.schema import journal as entries
from tests.test_backup import save_first_schema
from tests.test_ctl import RIGHT, CtlCase, Done

RESTORED = "the ledger is right: every balance equals its entries, all add up to zero, and the chain holds"
WRONG = "bankctl: the ledger in the backup is wrong; nothing was restored\n"
KEYS = ("pepper", "chain.key", "receipts.key")


class BackupCase(CtlCase):
    """A test with a bank, and a state folder for the one that is made of its backup."""

    def setUp(self) -> None:
        super().setUp()
        self.nice: list[int] = []
        self.patch(os, "nice", self.nice.append)
        self.init()
        self.file = self.state.parent / "bank.backup"
        self.other = self.state.parent / "other"

    def backup(self) -> Done:
        """Back the bank up."""
        return self.bankctl("backup", str(self.file), "--state", str(self.state))

    def copy(self, *names: str) -> None:
        """Copy files of the bank's to the other one's state folder."""
        self.other.mkdir(mode=0o700, exist_ok=True)
        for name in names:
            (self.other / name).write_bytes((self.state / name).read_bytes())

    def others(self) -> set[str]:
        """What is in the other bank's state folder."""
        return {path.name for path in self.other.iterdir()}

    def pay_in(self, key: str) -> None:
        """Pay a cent into an account of the bank's, and sign what the ledger then comes to."""
        paid = Deposit(customer_id=1, account_id=3, fence=None, key=key, amount_minor=1, currency="USD")
        with self.store().writing() as tx:
            books = journal.load(tx, [paid])
            self.assertFalse(book.decide([paid], books)[0].code.refuses)
            journal.append(tx, books)
        self.assertEqual(self.bankctl("ledger", "checkpoint", "--state", str(self.state)).status, 0)

    def verify_other(self) -> Done:
        """Verify the bank that was made."""
        return self.bankctl("ledger", "verify", "--state", str(self.other))

    def restore(self) -> Done:
        """Make another bank of the backup."""
        return self.bankctl("restore", str(self.file), "--state", str(self.other))

    def assert_refused(self, done: Done, said: str) -> None:
        """Check that nothing was done, and that one plain line says why."""
        self.assertEqual((done.status, done.printed, len(done.complaints.splitlines())), (1, "", 1), done.complaints)
        self.assertTrue(done.complaints.startswith("bankctl: "), done.complaints)
        self.assertIn(said, done.complaints)


class Backup(BackupCase):
    """Making a backup."""

    def test_told(self) -> None:
        """The operator reads what is in it, and what is not; the bank that serves comes first for the processor."""
        done = self.backup()
        self.assertEqual((done.status, done.complaints, self.nice), (0, "", [backup.NICENESS]))
        first, *rest = done.printed.splitlines()
        self.assertRegex(first, r"^bankd is backed up as it was at \d{4}-.*Z$")
        keys = f"the keys in {self.state.absolute()} are not in it; keep a copy of them in another place"
        figures = ["customers: 3, accounts: 3, entries: 3", "customers hold 3,000.00 USD"]
        self.assertEqual(rest, [*figures, keys])

    def test_overwrites_nothing(self) -> None:
        """A file that is there stays, and the line says so."""
        self.file.write_text("mine")
        self.assert_refused(self.backup(), f"{self.file} is there already, and a backup overwrites nothing")
        self.assertEqual(self.file.read_text(), "mine")

    def test_no_bank(self) -> None:
        """Where there is no bank, none is made, and no backup."""
        self.state = self.state.parent / "nowhere"
        self.assert_refused(self.backup(), "holds no bank yet")
        self.assertFalse(self.file.exists())

    def test_interrupted(self) -> None:
        """Ctrl-C is told in a line, and leaves no file."""

        def interrupt(*_arguments: object) -> None:
            raise KeyboardInterrupt

        self.patch(archive, "_written", interrupt)
        self.assert_refused(self.backup(), "interrupted")
        self.assertEqual([path.name for path in self.state.parent.iterdir()], ["bank"])


class Restore(BackupCase):
    """Making a bank of a backup."""

    def setUp(self) -> None:
        super().setUp()
        self.copy(*KEYS, keyring.CHECKPOINTS)

    def test_told(self) -> None:
        """The operator reads the same figures, that the ledger is right, who has to log in again, and where the
        checkpoints from before are; the bank that was made verifies.
        """
        said = self.backup().printed.splitlines()
        done = self.restore()
        self.assertEqual((done.status, done.complaints), (0, ""))
        first, *rest = done.printed.splitlines()
        aside = self.other.absolute() / "checkpoints.1"
        self.assertEqual(first, said[0].replace("backed up", "restored"))
        self.assertEqual(
            rest,
            [
                *said[1:3],
                RESTORED,
                "sessions that were open: 0; all are over, and everybody logs in anew",
                f"the checkpoints from before are now in {aside}: they may name entries that the backup does not have",
            ],
        )
        self.assertEqual(aside.read_bytes(), (self.state / "checkpoints").read_bytes())
        self.assertEqual(self.verify_other(), Done(0, RIGHT, ""))

    def test_without_checkpoints(self) -> None:
        """Where there is no file of checkpoints none is set aside, and one is begun."""
        (self.other / "checkpoints").unlink()
        self.backup()
        self.assertNotIn("checkpoints", self.restore().printed)
        self.assertEqual(
            self.others() - {"bank.sqlite3-wal", "bank.sqlite3-shm"}, {*KEYS, "checkpoints", "bank.sqlite3"}
        )
        self.assertEqual(self.verify_other(), Done(0, RIGHT, ""))

    def test_older_than_the_checkpoints(self) -> None:
        """Checkpoints of entries that came after the backup do not stop it; none that was set aside is overwritten."""
        self.backup()
        self.pay_in("later")
        for number in (1, 2):
            self.copy("checkpoints")
            self.assertIn(f"checkpoints.{number}: they may name", self.restore().printed)
            self.assertEqual(self.verify_other(), Done(0, RIGHT, ""))
            for path in self.other.glob("bank.sqlite3*"):
                path.unlink()
        signed = (self.state / "checkpoints").read_bytes()
        self.assertEqual([(self.other / f"checkpoints.{number}").read_bytes() for number in (1, 2)], [signed] * 2)

    def test_another_history(self) -> None:
        """A checkpoint of an entry that the backup has otherwise stops it, and so does a line of nobody's."""
        self.backup()
        lines = (self.state / "checkpoints").read_bytes()
        keys = keyring.load(self.state)
        store = self.store()
        with store.reading() as connection:
            taken = checkpoints.take(store, connection)
        for key, claims, said in (
            (keys.signer, {"head": "00" * 32}, "entry 3 is not the one that line 2 of the checkpoints names"),
            (PrivateKey(signing.new_key()), {}, "line 2 of the checkpoints is not to be trusted"),
        ):
            file = CheckpointFile(self.other / "checkpoints")
            file.path.write_bytes(lines)
            changed = read_claims(taken.claims() | claims)
            file.add(key, lambda changed=changed: changed)  # type: ignore[misc]
            done = self.restore()
            self.assertEqual((done.status, done.complaints), (1, WRONG))
            self.assertIn(said, done.printed)
            self.assertEqual(self.others(), {*KEYS, "checkpoints"})

    def test_torn_checkpoint(self) -> None:
        """A last line of the checkpoints that was never finished is passed over."""
        with (self.other / "checkpoints").open("ab") as file:
            file.write(b"eyJ")
        self.backup()
        self.assertEqual(self.restore().status, 0)

    def test_keys_missing(self) -> None:
        """A key that is not there is named, and what to do; nothing is made, least of all another key."""
        self.backup()
        for name in KEYS:
            self.copy(*KEYS)
            (self.other / name).unlink()
            before = self.others()
            said = f"there is no {self.other.absolute() / name}: put the copy of the bank's keys there first"
            self.assert_refused(self.restore(), said)
            self.assertEqual(self.others(), before)

    def test_another_key(self) -> None:
        """The chain's key of another bank is told to be that in a line, and nothing is restored."""
        self.backup()
        (self.other / "chain.key").write_bytes(bytes(32))
        self.assert_refused(self.restore(), "the ledger in the backup does not begin under this chain.key")
        self.assertEqual(self.others(), {*KEYS, "checkpoints"})

    def test_first_schema(self) -> None:
        """A bank from before there was a chain gets the keys it never had; how many entries were linked is told."""
        for name in ("chain.key", "receipts.key", "checkpoints"):
            (self.other / name).unlink()
        save_first_schema(self.store(), self.file)
        self.assert_refused(self.restore(), "chain.key: put the copy of the bank's keys there first")
        self.assertEqual(self.bankctl("init", "--state", str(self.other)).status, 0)
        done = self.restore()
        self.assertIn("entries from before there was a chain: 3; they are linked as they are\n", done.printed)
        self.assertEqual(self.verify_other(), Done(0, RIGHT, ""))

    def test_first_schema_forged(self) -> None:
        """A backup from which the chain was taken, to change an entry, is refused by a checkpoint that names it."""
        with self.store().writing() as tx:
            tx.connection.execute(update(entries).where(entries.c.id == 2).values(reference="forged"))
        save_first_schema(self.store(), self.file)
        done = self.restore()
        self.assertEqual((done.status, done.complaints), (1, WRONG))
        self.assertIn("entry 3 is not the one that line 1 of the checkpoints names", done.printed)

    def test_many_faults(self) -> None:
        """Of many faults the first are told."""
        for number in range(MOST_FAULTS + 1):
            self.pay_in(f"k{number}")
        with self.store().writing() as tx:
            tx.connection.execute(update(entries).where(entries.c.id > 1).values(hash=bytes(32)))
        self.backup()
        self.copy("checkpoints")
        told = self.restore().printed.splitlines()
        self.assertEqual((len(told), told[-1]), (MOST_FAULTS + 1, "there is more, which was not looked at"))
        self.assertEqual(told, self.verify().printed.splitlines())

    def test_not_empty(self) -> None:
        """A bank with customers is left alone."""
        self.backup()
        self.other = self.state
        self.assert_refused(self.restore(), "the database is not empty: there are customers in it")

    def test_damaged(self) -> None:
        """A file that was cut off is refused before anything is made."""
        self.backup()
        self.file.write_bytes(self.file.read_bytes()[:-100])
        self.assert_refused(self.restore(), f"{self.file}: it was cut off or changed since it was written")
        self.assertEqual(self.others(), {*KEYS, "checkpoints"})

    def test_wrong(self) -> None:
        """A ledger that is wrong is not restored: the faults are told as 'bankctl ledger verify' tells them."""
        with self.store().writing() as tx:
            tx.connection.execute(update(accounts).where(accounts.c.id == 2).values(balance_minor=7))
        self.backup()
        done = self.restore()
        self.assertEqual(done.status, 1)
        self.assertEqual(done.printed, self.verify().printed)
        self.assertEqual(done.complaints, WRONG)
        self.assertEqual(self.others(), {*KEYS, "checkpoints"})

    def test_no_database(self) -> None:
        """A database that cannot be opened is told of in a line."""
        self.backup()
        settings = self.settings(f"[database]\nurl = sqlite:///{Path(self.mktemp()).absolute()}/nowhere\n")
        self.assert_refused(
            self.bankctl("restore", str(self.file), "--config", settings, "--state", str(self.other)),
            "unable to open database file",
        )


class Words(BackupCase):
    """Help and progress."""

    def test_help(self) -> None:
        """Each command says what it takes, and what it does and does not do."""
        for command, said in (("backup", "none of the keys"), ("restore", "Every session is over")):
            done = self.bankctl(command, "--help")
            self.assertEqual(done.status, 0)
            self.assertIn("FILE", done.printed)
            self.assertIn(said, " ".join(done.printed.split()))
            self.assertIn("usage: bankctl", self.bankctl(command).complaints)

    def test_progress(self) -> None:
        """Who sits at a terminal sees how many rows are done, and no trace of it afterwards."""

        class Terminal(StringIO):
            """Where somebody looks on."""

            def isatty(self) -> bool:
                """It is one."""
                return True

        terminal = Terminal()
        self.patch(sys, "stderr", terminal)
        with backup._progress() as tell:
            tell(999)
            tell(1000)
        self.assertEqual(terminal.getvalue(), "\r999 rows\r1,000 rows\r\x1b[K")
