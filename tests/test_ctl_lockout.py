"""``bankctl lockout``: what an operator sees of failed tries, and lifts."""

import json

from bankd.bank import lockout
from bankd.bank.lockout import Tried
from bankd.bank.terms import LockoutRules
from bankd.store import customers
from tests.test_ctl import CtlCase, Done

STRANGER = Tried("pseudonym", None, "pin network 192.0.2.0/24", "pin strangers")


class LockoutCommands(CtlCase):
    """A bank with the demo's customers, at which some have failed."""

    def setUp(self) -> None:
        super().setUp()
        self.init()
        self.account = json.loads((self.state / "demo.json").read_text())[0]["account"]
        self.bank = self.store()
        self.fail_as(Tried("1", 1, "pin network 192.0.2.0/24", "pin strangers"), 10)
        self.fail_as(Tried("2", 2, "pin terminal x"), 2)
        self.fail_as(STRANGER, 1)

    def fail_as(self, tried: Tried, times: int) -> None:
        """Count failures one after the other, with no pauses."""
        for _ in range(times):
            with self.bank.writing() as tx:
                lockout.count(tx, tried, LockoutRules(tries_before_wait=100))

    def ask(self, *arguments: str) -> Done:
        """Run a command on the bank."""
        return self.bankctl("lockout", *arguments, "--state", str(self.state))

    def sources(self, *arguments: str) -> list[tuple[str, str, int]]:
        """What is listed: by customer, the sources and how often each failed."""
        rows = [json.loads(line) for line in self.ask("list", "--json", *arguments).printed.splitlines()]
        return sorted((row["user"] or "", row["source"], row["failures"]) for row in rows)

    def test_listed(self) -> None:
        """Everybody who has failed is listed, with a name where it is a customer's, and until when they are locked."""
        lines = self.ask("list").printed.splitlines()
        self.assertEqual(len(lines), 8)
        [locked] = [line for line in lines if "locked until" in line]
        self.assertRegex(
            locked, r"^customer 1 \(alice\): pin network 192\.0\.2\.0/24: 10 failed, last 20\S+, locked until "
        )
        self.assertIn("nobody: pin strangers: 1 failed", "\n".join(lines))
        self.assertIn("customer 2 (bob): all since the last log-in: 2 failed", "\n".join(lines))

    def test_waiting(self) -> None:
        """Who only has to wait is not called locked, and a customer without a user name has none."""
        with self.bank.writing() as tx:
            customers.change_customer(tx, 3, username=None)
            lockout.count(tx, Tried("3", 3, "pin session"), LockoutRules(tries_before_wait=1, lock_seconds=60))
        [line] = [line for line in self.ask("list").printed.splitlines() if "session" in line]
        self.assertRegex(line, r"^customer 3: pin session: 1 failed, last \S+, waiting until \S+$")

    def test_one_customer(self) -> None:
        """One customer is named by user name or by account, and need not have failed."""
        alice = [("alice", "pin network 192.0.2.0/24", 10), ("alice", "pin strangers", 10), ("alice", "since", 10)]
        self.assertEqual(self.sources("--user", "alice"), alice)
        self.assertEqual(self.sources("--account", self.account), alice)
        self.assertEqual(self.ask("list", "--user", "carol"), Done(0, "nobody is kept waiting\n", ""))
        self.assertEqual(self.sources("--user", "carol"), [])

    def test_lifted(self) -> None:
        """What was counted is forgotten, for one or for all, but not what the customer is to be told."""
        self.assertEqual(self.ask("lift", "--user", "alice"), Done(0, "lifted: 2 counts of failures forgotten\n", ""))
        self.assertEqual(self.sources("--user", "alice"), [("alice", "since", 10)])
        self.assertEqual(self.ask("lift", "--user", "bob").printed, "lifted: 1 count of failures forgotten\n")
        self.assertEqual(self.ask("lift", "--all").printed, "lifted: 2 counts of failures forgotten\n")
        self.assertEqual({source for _, source, _ in self.sources()}, {"since"})

    def test_distrusted(self) -> None:
        """The customer's tokens are of the next generation."""
        done = self.ask("distrust", "--account", self.account)
        self.assertEqual(done, Done(0, "no terminal of customer 1 is trusted any more\n", ""))
        with self.bank.reading() as connection:
            rows = connection.exec_driver_sql("SELECT token_generation FROM customers ORDER BY id").scalars().all()
        self.assertEqual(list(rows), [1, 0, 0])

    def test_unusable(self) -> None:
        """Who is meant must be said, once, and be a customer."""
        for arguments in (("lift",), ("distrust",), ("lift", "--all", "--user", "alice"), ("distrust", "--all")):
            self.assertEqual(self.ask(*arguments).status, 2, arguments)
        self.assertEqual(self.ask("list", "--user", "e\x1b").complaints, "bankctl: no customer is called e\\x1b\n")
        done = self.ask("lift", "--account", "77777777")
        self.assertEqual((done.status, done.complaints), (2, "bankctl: no customer has an account 77777777\n"))
