"""The programs that docs/client.md prints do what it says, with a bank that serves."""

import re
import subprocess
import sys
from pathlib import Path

from tests.system.support import DEADLINE_SECONDS, ROOT, Customer, Done, SystemTestCase, run

PROGRAM = re.compile(r"^```python (?P<name>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)

PAGE = ROOT / "docs" / "client.md"


class ProgramTests(SystemTestCase):
    """Every program of the page, in its order, as Alice's, who pays Bob."""

    def setUp(self) -> None:
        """Open a bank, and write the programs down as a reader would: with this bank's address and Bob's number."""
        super().setUp()
        self.bank = self.open_bank()
        self.alice, self.bob, _ = self.bank.customers
        self.programs = {found["name"]: found["text"] for found in PROGRAM.finditer(PAGE.read_text(encoding="utf-8"))}

    def environment(self, customer: Customer) -> dict[str, str]:
        """What a program of the customer's is told."""
        return self.bank.environment | {"BANKD_SECRET": customer.password}

    def command(self, name: str) -> list[str]:
        """The command for a program of the page."""
        text = (
            self.programs[name].replace("localhost:65432", self.bank.server).replace("BOBS-ACCOUNT", self.bob.account)
        )
        path = self.bank.folder / f"{name}_program.py"
        path.write_text(text, encoding="utf-8")
        return [sys.executable, "-u", str(path)]

    def run_program(self, name: str) -> Done:
        """Run a program to its end."""
        done = run(self.command(name), self.environment(self.alice), self.bank.folder)
        self.assertEqual(done.status, 0, done.complaints)
        return done

    def test_as_printed(self) -> None:
        """Pay and watch; pay once though asked twice; and the same in asyncio."""
        self.assertEqual(set(self.programs), {"pay", "retry", "asyncio"})
        self.pay_and_watch()
        kept = Path(self.bank.folder, "rent.key")
        kept.write_text("the-key-of-before", encoding="utf-8")
        first = self.run_program("retry").lines
        self.assertFalse(kept.exists())
        kept.write_text("the-key-of-before", encoding="utf-8")  # as if the program had died before it was removed
        self.assertEqual(self.run_program("retry").lines, first)
        self.assertRegex(first[0], r"^paid, receipt \d+$")
        again = self.run_program("retry").lines
        self.assertEqual(again, ["Nothing was paid: Not enough money in the account."])
        self.assertFalse(kept.exists())
        done = self.run_program("asyncio")
        self.assertEqual((done.lines, done.complaints), (["slept 47600"], ""))
        self.assert_right(self.bank)

    def pay_and_watch(self) -> None:
        """The first program goes on watching: after its own payment it hears of one that Bob makes to Alice."""
        with subprocess.Popen(
            self.command("pay"),
            env=self.environment(self.alice),
            cwd=self.bank.folder,
            stdout=subprocess.PIPE,
            text=True,
        ) as program:
            assert program.stdout is not None
            try:
                said = [program.stdout.readline().strip() for _ in range(5)]
                self.assertEqual(said[0], "paid; now I have 97500 cents")
                self.assertEqual([line.split()[1:] for line in said[1:3]], [["paid", "-2500"], ["deposit", "100000"]])
                self.assertEqual([line.split()[1:] for line in said[3:5]], [["deposit", "100000"], ["paid", "-2500"]])
                self.bank.told(f"user:{self.bob.username}", self.bob.password, f"Transfer 1 to {self.alice.account}")
                self.assertEqual(program.stdout.readline().split()[1:], ["received", "100"])
            finally:
                program.terminate()
                program.wait(DEADLINE_SECONDS)
