"""Lost connections and killed banks, for a person and for a script: the money moves once, and what is said is true."""

import json
import re
import signal
import subprocess
from pathlib import Path
from tempfile import mkdtemp

from tests.system.road import Ambush, Passage, Road, answer_is_lost, lost_at_once, never_arrives
from tests.system.support import DEADLINE_SECONDS, Screen, SystemTestCase, look_until
from tests.system.test_daemon import MortalBank

MENU = "Your choice:"
ASKING = "Connection lost. Asking the bank whether the transfer was made"

BRIEF_LEASE = {"lease_seconds": "2"}
"""So that the account of a session that a killed bank never ended is soon free."""


class LifelineCase(SystemTestCase):
    """A bank that may be killed, at the end of a road on which requests may be waylaid; alice pays bob 25 dollars."""

    def setUp(self) -> None:
        """Open the bank and the road."""
        super().setUp()
        self.bank = MortalBank(Path(mkdtemp(dir=self.folder)), BRIEF_LEASE)
        self.bank.start()
        self.addCleanup(self.bank.stop)
        self.road = Road(self.bank)
        self.addCleanup(self.road.close)
        self.alice, self.bob, _ = self.bank.customers

    def killed(self, *, answered: bool) -> Ambush:
        """The bank is killed as it works on the request, or when it has answered and nobody heard it."""

        def ambush(passage: Passage, line: bytes) -> None:
            passage.forward(line)
            if answered:
                passage.swallow()
            self.bank.kill()

        return ambush

    def restart(self) -> None:
        """Start the bank again once it was killed."""
        self.assertTrue(self.road.waylaid.wait(DEADLINE_SECONDS), "nothing was waylaid")
        self.bank.start()

    def wait_until_free(self) -> None:
        """Wait until the lease on alice's account has run out, which a killed bank left behind."""

        def is_free() -> bool:
            return self.bank.client(f"account:{self.alice.account}", self.alice.pin, "Exit").status == 0

        look_until(is_free, lambda: f"the account never became free:\n{self.bank.log}")

    def assertPaidOnce(self) -> None:
        """The ledger has the transfer once, on both sides, and adds up."""
        self.wait_until_free()
        for customer, balance, kind in ((self.alice, 97_500, "paid"), (self.bob, 102_500, "received")):
            told, page = self.bank.told(
                f"account:{customer.account}", customer.pin, "Check Balance", "Statement 100"
            )  # fmt: skip
            self.assertEqual(int(told["balance"]), balance)
            kinds = [line["kind"] for line in page["items"]]  # type: ignore[index]
            self.assertEqual(kinds.count(kind), 1, kinds)
        self.assert_right(self.bank)


class ScriptTests(LifelineCase):
    """A list of tasks, one of which is waylaid."""

    def start(self) -> subprocess.Popen[str]:
        """Start three tasks, the second of which is the transfer."""
        tasks = ("Check Balance", f"Transfer $25 to Account {self.bob.account}", "Check Balance")
        client = subprocess.Popen(
            self.bank.command("user:alice", *tasks, as_json=True),
            cwd=self.bank.folder,
            env=self.road.environment | {"BANKD_SECRET": self.alice.password},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(client.kill)
        return client

    def pay(self, *, restart: bool = False) -> None:
        """Do the tasks, and see that all were done, and each told once."""
        client = self.start()
        if restart:
            self.restart()
        printed, complaints = client.communicate(timeout=2 * DEADLINE_SECONDS)
        self.assertEqual(client.returncode, 0, (printed, complaints, self.bank.log))
        told = [json.loads(line) for line in printed.splitlines()]
        self.assertEqual([int(one["balance"]) for one in told], [100_000, 97_500, 97_500])
        self.assertIn(ASKING, complaints)
        self.assertNotIn(self.alice.password, printed + complaints)
        self.assertPaidOnce()

    def test_connection_lost(self) -> None:
        """Wherever it breaks, and also when it breaks again and again."""
        for ambush in (never_arrives, lost_at_once, answer_is_lost, lost_at_once):
            self.road.waylay("TRANSFER", ambush)
        self.pay()

    def test_bank_killed_in_mid_transfer(self) -> None:
        """Whatever the bank had done by then, it is done once when the bank is back."""
        self.road.waylay("TRANSFER", self.killed(answered=False))
        self.pay(restart=True)

    def test_bank_killed_before_its_answer_was_heard(self) -> None:
        """What was already done is not done again."""
        self.road.waylay("TRANSFER", self.killed(answered=True))
        self.pay(restart=True)

    def test_interrupted_while_the_bank_is_away(self) -> None:
        """Ctrl-C ends the script, which says what is not known, and by which key the bank finds it."""
        self.road.waylay("TRANSFER", self.killed(answered=True))
        client = self.start()
        assert client.stderr is not None
        said = [client.stderr.readline(), client.stderr.readline()]
        client.send_signal(signal.SIGINT)
        printed, complaints = client.communicate(timeout=DEADLINE_SECONDS)
        self.assertEqual((client.returncode, "Trying again" in said[1]), (130, True), (said, complaints))
        self.assertIn("It is not known whether the transfer of 25.00 USD was made.", complaints)
        self.assertIn(json.loads(printed.splitlines()[-1])["key"], complaints)
        self.restart()
        self.assertPaidOnce()


class TerminalTests(LifelineCase):
    """A person at a terminal."""

    def pay(self) -> Screen:
        """Log in and pay bob, at a terminal."""
        screen = self.open_screens(self.road.environment).open()
        screen.enter("make client")
        self.log_in(screen)
        screen.answer(MENU, "Transfer Funds")
        screen.answer("Transfer to account:", self.bob.account)
        screen.answer("Amount in USD:", "25")
        screen.answer("Reference (may be empty):", "")
        screen.answer(f"Transfer 25.00 USD to account {self.bob.account}? (y/N)", "y")
        return screen

    def log_in(self, screen: Screen) -> None:
        """Log in as alice, by account number."""
        screen.answer(MENU, "Log In")
        screen.answer(MENU, "Account number and PIN")
        screen.answer("Account number:", self.alice.account)
        screen.answer("PIN:", self.alice.pin)

    def test_bank_killed_in_mid_transfer(self) -> None:
        """The person reads what is going on, then the receipt, and banks on; notices come as before, each once."""
        self.road.waylay("TRANSFER", self.killed(answered=True))
        screen = self.pay()
        screen.wait_for(ASKING)
        self.restart()
        screen.wait_for(f"Success: 25.00 USD transferred to account {self.bob.account}. Balance: 975.00 USD.")
        screen.wait_for(f"[2] You paid 25.00 USD to account {self.bob.account}")
        screen.answer(MENU, "Check Balance")
        screen.wait_for(f"Balance of account {self.alice.account}: 975.00 USD")
        self.bank.told("user:bob", self.bob.password, f"Transfer $1 to Account {self.alice.account}")
        screen.wait_for(f"[3] You received 1.00 USD from account {self.bob.account}")
        shown = [row.split()[0] for row in screen.rows() if re.match(r"\[\d+\]", row)]
        self.assertEqual(shown, ["[1]", "[2]", "[3]"])
        self.assertNotIn(self.alice.pin, "\n".join(screen.rows()))
        screen.answer(MENU, "Exit")
        screen.wait_for("You are logged out.")
        self.assert_right(self.bank)
        told = self.bank.told(f"account:{self.alice.account}", self.alice.pin, "Check Balance")
        self.assertEqual(told[0]["balance"], "97600")

    def test_connection_lost_while_a_person_thinks(self) -> None:
        """The session comes back behind the question, and what was typed stays."""
        screen = self.open_screens(self.road.environment).open()
        screen.enter("make client")
        self.log_in(screen)
        screen.answer(MENU, "Transfer Funds")
        screen.wait_for_question("Transfer to account:")
        screen.type(self.bob.account[:4])
        self.road.waylay("NOOP", never_arrives)
        screen.wait_for("Connected again.")
        screen.wait_for_question(f"Transfer to account: {self.bob.account[:4]}")
        screen.enter(self.bob.account[4:])
        screen.answer("Amount in USD:", "25")
        screen.answer("Reference (may be empty):", "")
        screen.answer(f"Transfer 25.00 USD to account {self.bob.account}? (y/N)", "y")
        screen.wait_for("Success: 25.00 USD transferred")
        screen.answer(MENU, "Exit")
        screen.wait_for("You are logged out.")
        self.assertPaidOnce()

    def test_ctrl_c_while_the_bank_is_away(self) -> None:
        """The person need not wait; what is not known is said with its key, and the statement tells later."""
        self.road.waylay("TRANSFER", self.killed(answered=True))
        screen = self.pay()
        screen.wait_for("The bank does not answer yet. Trying again ...")
        screen.press("C-c")
        screen.wait_for("It is not known whether the transfer of 25.00 USD was made.")
        screen.wait_for("  1  Sign Up")
        self.assertRegex("".join(screen.rows()), r"by the key [0-9a-f-]{36}\.")
        self.restart()
        self.wait_until_free()
        self.log_in(screen)
        screen.answer(MENU, "Statement")
        screen.wait_for(f"paid to {self.bob.account}")
        screen.answer(MENU, "Exit")
        screen.wait_for("You are logged out.")
        self.assertPaidOnce()
