"""``bankctl backup`` and ``bankctl restore``: what the operator types, and is told."""

import os
import sys
from io import StringIO
from pathlib import Path

from sqlalchemy import update

from bankd.ctl import backup
from bankd.store import archive
from bankd.store.schema import accounts
from tests.test_ctl import RIGHT, CtlCase, Done


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
        self.assert_refused(self.backup(), "there is no database")
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

    def test_told(self) -> None:
        """The operator reads the same figures, that the ledger is right, and who has to log in again."""
        said = self.backup().printed.splitlines()
        done = self.restore()
        self.assertEqual((done.status, done.complaints), (0, ""))
        first, *rest = done.printed.splitlines(keepends=True)
        self.assertEqual(first, said[0].replace("backed up", "restored") + "\n")
        pepper = f"{self.other.absolute()} has no pepper yet: copy the bank's own there before 'bankctl init' makes"
        self.assertEqual(
            rest,
            [
                *(f"{line}\n" for line in said[1:3]),
                RIGHT,
                "sessions that were open: 0; all are over, and everybody logs in anew\n",
                f"{pepper} another\n",
            ],
        )
        self.state = self.other
        self.assertEqual(self.verify(), Done(0, RIGHT, ""))

    def test_with_the_keys(self) -> None:
        """Nothing is said of the pepper where it is."""
        self.backup()
        self.other.mkdir()
        (self.other / "pepper").write_bytes((self.state / "pepper").read_bytes())
        self.assertNotIn("pepper", self.restore().printed)

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
        self.assertFalse(self.other.exists())

    def test_wrong(self) -> None:
        """A ledger that is wrong is not restored: the faults are told as 'bankctl verify' tells them."""
        with self.store().writing() as tx:
            tx.connection.execute(update(accounts).where(accounts.c.id == 2).values(balance_minor=7))
        self.backup()
        done = self.restore()
        self.assertEqual(done.status, 1)
        self.assertEqual(done.printed, self.verify().printed)
        self.assertEqual(done.complaints, "bankctl: the ledger in the backup is wrong; nothing was restored\n")
        self.assertEqual(list(self.other.iterdir()), [])

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
