"""A disk that is full, or fails: writes are refused for now, reads go on, and nothing is lost once there is room again.

The real daemon runs on a file system of a few megabytes that only it sees (a tmpfs in a mount namespace), and, where
nobody may mount, on files that may not grow (RLIMIT_FSIZE), which is an I/O error to the database.
"""

import os
import resource
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic

from twisted.trial.unittest import SkipTest

from tests.system.support import SystemTestCase, TriedBank, look_until, need
from tests.system.test_daemon import Line

LEASE_SECONDS = 1
"""So short that leases run out while the disk is full."""

ON_A_SMALL_DISK = """
    mount -t tmpfs -o size=3m,mode=700 none "$1" && cp -a "$2"/. "$1" && mount --bind "$1" "$2" && shift 2 && exec "$@"
"""


class FailingBank(TriedBank):
    """A bank on a disk that a test can have fail."""

    @property
    def pid(self) -> int:
        """The daemon's process."""
        assert self._daemon is not None
        return self._daemon.pid

    def fail(self) -> None:
        """Have the disk fail."""
        raise NotImplementedError

    def mend(self) -> None:
        """Have it work again."""
        raise NotImplementedError

    def files(self) -> Path:
        """Where the database is, as this process can reach it."""
        return self.state

    def copy(self, to: Path) -> Path:
        """A copy of the state as it is on the disk: the database and its log, without what only memory holds."""
        shutil.copytree(self.files(), to / "var", ignore=shutil.ignore_patterns("*-shm", "*.sock", "ballast"))
        return to / "var"


class SmallDisk(FailingBank):
    """A bank whose state is on a file system of its own, seen by it alone."""

    def daemon_command(self) -> list[str]:
        """Serve in a namespace of its own, where the small file system is mounted over the state."""
        mounted = self.folder / "mounted"
        mounted.mkdir(exist_ok=True)
        place = ("sh", "-c", ON_A_SMALL_DISK, "sh", str(mounted), str(self.state))
        return ["unshare", "--mount", *place, *super().daemon_command()]

    def files(self) -> Path:
        """The small file system, by way of the daemon's own view."""
        return Path(f"/proc/{self.pid}/root{self.state}")

    def fail(self) -> None:
        """Fill the disk to the last octet."""
        with (self.files() / "ballast").open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"x" * 4096)
            except OSError:
                return

    def mend(self) -> None:
        """Make room."""
        (self.files() / "ballast").unlink()


class SmallFiles(FailingBank):
    """A bank whose files may not grow any more."""

    def fail(self) -> None:
        """Let no file grow beyond what the database's log has."""
        self._limit((self.state / "bank.sqlite3-wal").stat().st_size)

    def mend(self) -> None:
        """Let files grow."""
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, octets: int) -> None:
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (octets, resource.RLIM_INFINITY))


class FullDisk(SystemTestCase):
    """What customers and the operator see of it."""

    def serve(self, kind: type[FailingBank]) -> FailingBank:
        """A bank that serves."""
        bank = kind(Path(mkdtemp(dir=self.folder)), {"lease_seconds": str(LEASE_SECONDS)})
        bank.start()
        self.addCleanup(bank.stop)
        return bank

    def test_full(self) -> None:
        """On a full disk the bank refuses what it cannot write, reads on, and goes on by itself when there is room."""
        need("unshare")
        if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
            raise SkipTest("only who may mount has a disk to fill")
        self.see_through(self.serve(SmallDisk))

    def test_error(self) -> None:
        """The same holds when the database cannot write its files."""
        self.see_through(self.serve(SmallFiles))

    def see_through(self, bank: FailingBank) -> None:
        """Pay in until the disk fails, look around, and pay in again once it works."""
        alice = bank.customers[0]
        line = Line(bank)
        self.addCleanup(line.close)
        self.assertTrue(line.log_in(alice))
        receipts = {key: self.pay_in(line, key) for key in ("before0", "before1")}
        for _ in range(2):
            receipts |= self.fail_and_mend(bank, line, receipts)
        for key, receipt in receipts.items():
            self.assertEqual(self.pay_in(line, key), receipt, "a deposit sent again was done again")
        self.assertIn(f" balance={100_000 + len(receipts)} ", line.ask("b BALANCE"))
        self.assert_copy_is_right(bank, "at the end")
        self.assertIn("the database works again", bank.log)

    def fail_and_mend(self, bank: FailingBank, line: Line, done: Mapping[str, str]) -> dict[str, str]:
        """Have the disk fail and work again; the receipts of what was paid in meanwhile and after."""
        bank.fail()
        receipts: dict[str, str] = {}
        while receipt := self.pay_in(line, key := f"last{len(done) + len(receipts)}"):
            receipts[key] = receipt
        self.assert_reads_go_on(bank, line, f" balance={100_000 + len(done) + len(receipts)} ")
        refused = [key, *(f"refused{len(done)}.{number}" for number in range(20))]
        began = monotonic()
        self.assertEqual([self.pay_in(line, key) for key in refused], [""] * len(refused))
        self.assertLess((monotonic() - began) / len(refused), 1, "refusing takes long")
        self.assert_copy_is_right(bank, f"after {len(done)}")
        bank.mend()
        look_until(lambda: self.pay_in(line, key) != "", lambda: f"the bank never recovers:\n{bank.log}")
        return receipts | {key: self.pay_in(line, key) for key in refused}

    def pay_in(self, line: Line, key: str) -> str:
        """Pay a cent in: the receipt, or nothing when the bank says that it cannot now."""
        answer = line.ask(f"d DEPOSIT amount=1 currency=USD key={key}")
        if answer == "d 503 reason=busy":
            return ""
        self.assertTrue(answer.startswith("d 200 receipt="), answer)
        return answer

    def assert_reads_go_on(self, bank: FailingBank, line: Line, balance: str) -> None:
        """Check that what needs no writing is answered, also when the lease has long run out."""
        until = monotonic() + 2 * LEASE_SECONDS

        def is_over() -> bool:
            self.assertIn(balance, line.ask("b BALANCE"))
            line.send("s STATEMENT limit=1")
            self.assertTrue(line.read().startswith("s - "))
            self.assertTrue(line.read().startswith("s 200 "))
            self.assertEqual(line.ask("n NOOP"), "n 200")
            return monotonic() > until

        look_until(is_over, lambda: "")
        self.assertEqual(bank.status()["connections"], 1)

    def assert_copy_is_right(self, bank: FailingBank, name: str) -> None:
        """Check that what is on the disk is a bank whose ledger adds up, as after a power cut at this moment."""
        folder = self.folder / name.replace(" ", "-")
        folder.mkdir()
        there, bank.state = bank.state, bank.copy(folder)
        self.assert_right(bank)
        bank.state = there
