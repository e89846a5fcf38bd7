"""A backup of the bank that serves, and the bank that is made of it."""

import gzip
import json
import shutil
from contextlib import closing
from pathlib import Path

from tests.system.support import BIN, Bank, Done, environment, look_until, run
from tests.system.test_daemon import LEASE, DaemonCase, Line, MortalBank, Payer, deposit


class UnderLoad(DaemonCase):
    """Customers pay in as fast as they can, all the while."""

    def bankctl(self, bank: Bank, command: str, path: Path) -> Done:
        """Run the operator's command on a file, which must end well."""
        options = ("--config", str(bank._config), "--state", str(bank.state))
        done = run([str(BIN / "bankctl"), command, str(path), *options], environment({}), self.folder)
        self.assertEqual((done.status, done.complaints), (0, ""))
        return done

    def restored(self, bank: Bank, path: Path) -> tuple[MortalBank, Done]:
        """A bank with the keys of ``bank`` and the database that is in the backup; what the operator was told."""
        other = self.prepare(**LEASE)
        shutil.rmtree(other.state)
        shutil.copytree(bank.state, other.state, ignore=shutil.ignore_patterns("bank.sqlite3*", "*.sock"))
        return other, self.bankctl(other, "restore", path)

    def test_backed_up_and_restored(self) -> None:
        """Whatever was acknowledged before is in the backup, once; its sums are right, and nobody is logged in."""
        bank = self.serve(**LEASE)
        payers = [Payer(bank, customer) for customer in bank.customers]
        enough = 300
        look_until(lambda: all(len(payer.acknowledged) > enough for payer in payers), lambda: bank.log)
        before = [dict(payer.acknowledged) for payer in payers]
        path = self.folder / "bank.backup"
        saved = self.bankctl(bank, "backup", path)
        during = [len(payer.acknowledged) for payer in payers]
        look_until(lambda: all(len(p.acknowledged) > n for p, n in zip(payers, during, strict=True)), lambda: bank.log)
        bank.stop()
        for payer in payers:
            payer.join()

        other, told = self.restored(bank, path)
        self.assertEqual(told.lines[1:3], saved.lines[1:3])
        self.assertEqual(told.lines[4], "sessions that were open: 3; all are over, and everybody logs in anew")
        self.assertIn(
            f"checkpoints from before are now in {other.state / 'checkpoints.1'}: they may name", told.lines[5]
        )
        self.assertEqual((other.state / "checkpoints.1").read_bytes(), (bank.state / "checkpoints").read_bytes())
        other.start()
        self.addCleanup(other.stop)
        self.assert_right(other)
        for payer, known in zip(payers, before, strict=True):
            with closing(Line(other)) as line:
                self.assertTrue(line.log_in(payer.customer), "the lease of the session that was backed up is free")
                balance = int(line.ask("b BALANCE").split(" balance=")[1].split()[0])
                self.assertGreaterEqual(balance, 100_000 + len(known))
                for key, answer in known.items():
                    self.assertEqual(line.ask(deposit(key)), answer)
                self.assertIn(f" balance={balance} ", line.ask("b BALANCE"))
        with gzip.open(path) as lines:
            newest = json.loads(lines.readline())["newest_entry"]
        self.assertIn(f"customers: 3, accounts: 3, entries: {newest}", told.lines)
