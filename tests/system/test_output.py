"""What programs print where the encoding lacks it, where the disk is full, and where nobody reads."""

import os
import subprocess
from typing import IO

from bankd import output
from bankd.client import exits
from tests.system.support import BIN, DEADLINE_SECONDS, SystemTestCase

WORDS = "日本"


class Output(SystemTestCase):
    """A customer whose payment has words that are not in ASCII."""

    def setUp(self) -> None:
        super().setUp()
        self.bank = self.open_bank()
        self.alice, bob = self.bank.customers[:2]
        self.login = f"account:{self.alice.account}"
        self.bank.told(self.login, self.alice.pin, f"Transfer 1 to Account {bob.account} reference {WORDS}")

    def run_to(self, stdout: int | IO[bytes], *command: str) -> subprocess.CompletedProcess[bytes]:
        """Run a program in ASCII, which writes there."""
        environment = self.bank.environment | {"BANKD_SECRET": self.alice.pin, "PYTHONIOENCODING": "ascii"}
        return subprocess.run(
            command,
            env=environment,
            cwd=self.bank.folder,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            timeout=DEADLINE_SECONDS,
        )

    def client(self, stdout: int | IO[bytes], task: str) -> subprocess.CompletedProcess[bytes]:
        """Have the client do a task."""
        return self.run_to(stdout, *self.bank.command(self.login, task))

    def bankctl(self, stdout: int | IO[bytes], *words: str) -> subprocess.CompletedProcess[bytes]:
        """Run an operator's command."""
        return self.run_to(stdout, str(BIN / "bankctl"), *words, "--state", str(self.bank.state))

    def test_escaped(self) -> None:
        """What the encoding lacks is escaped for people, and an export has it in UTF-8."""
        done = self.client(subprocess.PIPE, "Statement 5")
        self.assertEqual((done.returncode, done.stderr), (exits.SUCCESS, b""))
        self.assertIn(WORDS.encode("ascii", "backslashreplace"), done.stdout)
        done = self.bankctl(subprocess.PIPE, "export", "journal")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(WORDS.encode(), done.stdout)

    def test_full_disk(self) -> None:
        """It is told in a line that the output cannot be written."""
        with open("/dev/full", "wb") as full:
            done = self.client(full, "Check Balance")
            told = b"bankd-client: standard output cannot be written: No space left on device\n"
            self.assertEqual((done.returncode, done.stderr), (exits.UNUSABLE, told))
            for command, status in ((("export", "journal"), 1), (("ledger", "verify"), 2)):
                done = self.bankctl(full, *command)
                told = b"bankctl: No space left on device\n"
                self.assertEqual((done.returncode, done.stderr), (status, told))

    def test_nobody_reads(self) -> None:
        """A program that nobody listens to any more ends without a word."""
        reading, writing = os.pipe()
        os.close(reading)
        self.addCleanup(os.close, writing)
        told = [self.client(writing, "Check Balance")]
        told += [self.bankctl(writing, *command) for command in (("export", "journal"), ("ledger", "verify"))]
        for done in told:
            self.assertEqual((done.returncode, done.stderr), (output.BROKEN_PIPE, b""))
