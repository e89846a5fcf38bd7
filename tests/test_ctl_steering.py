"""``bankctl account freeze``, ``unfreeze`` and ``close``, and ``bankctl session``."""

import builtins
import json
import sys

from bankd.store import customers, operators
from tests.test_ctl_desk import AMY, BEN, Answers, DeskCase, Terminal


class Accounts(DeskCase):
    """A bank in which one person is enough."""

    def test_frozen(self) -> None:
        """An account is frozen and unfrozen; what is found of it says so."""
        number = self.alice.account
        told = self.told(AMY, "account", "freeze", number, "--reason", "Card stolen")
        self.assertEqual(told, [f"account {number} is frozen: no money leaves it"])
        self.assertIn("  frozen ", "\n".join(self.told(AMY, "account", "find", "--account", number)))
        told = self.told(AMY, "account", "unfreeze", number, "--reason", "Card found")
        self.assertEqual(told, [f"account {number} is no longer frozen"])

    def test_closed(self) -> None:
        """It is shown first, and asked; what is on it goes to the account named."""
        command = ("account", "close", self.alice.account, "--payout", self.bob.account, "--reason", "Moved away")
        self.patch(sys, "stdin", Terminal())
        self.patch(builtins, "input", Answers("n"))
        done = self.run_as(AMY, *command)
        self.assertEqual((done.status, done.printed.splitlines()[-1]), (1, "nothing was done"))
        lines = self.told(AMY, *command, "--yes")
        self.assertEqual(lines[0], f"to close: account {self.alice.account} of customer 1")
        self.assertEqual(lines[1], f"  balance 1,000.00 USD, to be paid out to account {self.bob.account}")
        self.assertEqual(
            lines[2], f"account {self.alice.account} is closed, and paid out to account {self.bob.account}; receipt 2"
        )
        self.assertEqual(self.balances(), (0, 1000_00))
        self.assertIn("was closed at 20", self.refused(AMY, *command, "--yes"))

    def test_closed_empty(self) -> None:
        """An account with nothing on it needs no other."""
        with self.bank.store.writing() as tx:
            customers.change_customer(tx, self.bob.customer_id, name="Bob")
        lines = self.told(AMY, "account", "close", self.bob.account, "--reason", "Moved away", "--yes")
        self.assertEqual(lines[0], f"to close: account {self.bob.account} of customer 2, Bob")
        self.assertEqual(lines[-1], f"account {self.bob.account} is closed")

    def test_not_closed(self) -> None:
        """Money without a place to go, and what is no account's number, are told."""
        command = ("account", "close", self.alice.account, "--reason", "x", "--yes")
        self.assertIn("holds 1,000.00 USD; name the account", self.refused(AMY, *command))
        self.assertIn("--payout no/ne is no account's number", self.refused(AMY, *command, "--payout", "no/ne"))
        self.assertIn("there is no such account; nothing was done", self.refused(AMY, *command, "--payout", "99"))


class Proposed(DeskCase):
    """A bank in which another has to approve."""

    two_people = True

    def test_approved(self) -> None:
        """Freezing takes one person; unfreezing and closing are proposed, listed and approved."""
        number = self.alice.account
        self.told(AMY, "account", "freeze", number, "--reason", "x")
        self.told(AMY, "account", "unfreeze", number, "--reason", "y")
        self.told(AMY, "account", "close", number, "--payout", self.bob.account, "--reason", "z", "--yes")
        listed = self.told(BEN, "proposal", "list")
        self.assertTrue(listed[0].startswith(f"1: unfreeze account {number} (y), by amy until "))
        self.assertTrue(
            listed[1].startswith(f"2: close account {number} with payout to account {self.bob.account} (z), by amy ")
        )
        self.assertEqual(self.told(BEN, "proposal", "approve", "1"), ["proposal 1 is carried out"])
        self.assertEqual(self.told(BEN, "proposal", "approve", "2"), ["proposal 2 is carried out: receipt 2"])
        self.assertEqual(self.told(BEN, "proposal", "approve", "2"), ["proposal 2 is carried out: receipt 2"])


class Customers(DeskCase):
    """Who the bank's customers are."""

    def test_lists(self) -> None:
        """Accounts and customers are a line each, or an object, however many pages that takes."""
        self.patch(operators, "PAGE", 1)
        self.told(AMY, "account", "freeze", self.alice.account, "--reason", "x")
        lines = self.told(BEN, "account", "list")
        self.assertEqual(len(lines), 2)
        self.assertIn(f"{self.alice.account}: 1,000.00 USD, customer 1 (alice), frozen", lines)
        self.assertIn(f"{self.bob.account}: 0.00 USD, customer 2 (bob)", lines)
        self.assertEqual(self.told(BEN, "customer", "list"), ["1: alice, 1 open account", "2: bob, 1 open account"])
        for noun in ("account", "customer"):
            listed = [json.loads(line) for line in self.told(BEN, noun, "list", "--json")]
            self.assertEqual(sorted(each["username"] for each in listed), ["alice", "bob"])

    def test_shown(self) -> None:
        """What there is to log in with is told, and what is in the way."""
        lines = self.told(AMY, "customer", "show", "--username", "alice")
        self.assertEqual(lines[0], "customer 1")
        self.assertEqual(lines[4:], ["  last log-in  never", "  accounts     1", "  logs in by   password and PIN"])
        with self.bank.store.writing() as tx:
            for kind in ("pin", "password"):
                customers.remove_secret(tx, self.bob.customer_id, kind)
        self.assertIn("nothing: 'bankctl pin reset'", self.told(AMY, "customer", "show", "--username", "bob")[-1])
        told = json.loads(self.told(AMY, "customer", "show", "--account", self.alice.account, "--json")[0])
        self.assertEqual((told["customer"], told["has_pin"]), (1, "yes"))
        self.assertEqual(self.refused(AMY, "customer", "show", "--mobile", "x"), "x will not do for --mobile")

    def test_unlocked(self) -> None:
        """A customer who is kept waiting may try again."""
        for _ in range(4):
            self.bank.connect().ask(f"l LOGIN account={self.alice.account} pin=86420")
        self.assertIn(
            "  locked       somewhere, until 20", "\n".join(self.told(AMY, "customer", "show", "--username", "alice"))
        )
        self.assertIn(", locked somewhere until 20", self.told(BEN, "customer", "list")[0])
        lines = self.told(AMY, "customer", "unlock", "--username", "alice", "--reason", "Called")
        self.assertEqual(lines[0], "customer 1 may try again from everywhere")
        self.assertNotIn("locked", "\n".join(lines))
        self.assertEqual(len(self.told(AMY, "customer", "unlock", "--username", "alice", "--reason", "x", "--json")), 1)


class Uniform(DeskCase):
    """What every order can be given."""

    def orders(self) -> list[tuple[str, ...]]:
        """Each order of the desk."""
        number, receipt = self.alice.account, str(self.pay())
        return [
            ("credit", number, "5"),
            ("reverse", receipt, "--yes"),
            ("pin", "reset", number),
            ("account", "freeze", number),
            ("account", "unfreeze", number),
            ("session", "end", number),
            ("customer", "unlock", "--account", number),
            ("account", "close", number, "--payout", self.bob.account, "--yes"),
        ]

    def test_dry_run(self) -> None:
        """With --dry-run it is said what the bank would be asked, and nothing is done."""
        orders, before = self.orders(), self.balances()
        for order in orders:
            [*_, line] = self.told(AMY, *order, "--reason", "Why not", "--dry-run")
            self.assertRegex(line, r"^nothing was done; the bank would be asked: [A-Z_]+ .*reason=Why%20not$")
            self.assertNotIn("key=", line)
        self.assertEqual(self.balances(), before)
        acts = [json.loads(line)["verb"] for line in self.told(BEN, "act", "list", "--json")]
        self.assertEqual({*acts}, {"find_account"})

    def test_json(self) -> None:
        """With --json what became of it is an object."""
        for order in self.orders():
            lines = self.told(AMY, *order, "--reason", "x", "--json")
            self.assertEqual(len(lines), 0 if "session" in order else 1)  # nobody is logged in
            self.assertTrue(all(isinstance(json.loads(line), dict) for line in lines))


class Sessions(DeskCase):
    """Who is logged in."""

    def test_listed(self) -> None:
        """A line, or an object, for each."""
        self.assertEqual(self.told(AMY, "session", "list"), ["nobody is logged in"])
        self.bank.log_in(self.alice)
        [line] = self.told(AMY, "session", "list")
        self.assertRegex(
            line,
            rf"^account {self.alice.account}: customer 1 \(alice\) from 192.0.2.1 since 20.*Z, until 20.*Z or longer$",
        )
        [line] = self.told(AMY, "session", "list", "--json")
        told = json.loads(line)
        self.assertEqual({*told}, {"account", "customer", "since", "expires", "username", "host"})

    def test_ended(self) -> None:
        """What was ended is told, and that there was nothing to end."""
        wire = self.bank.log_in(self.alice)
        command = ("session", "end", self.alice.account, "--reason", "Left the terminal")
        [line] = self.told(AMY, *command)
        self.assertTrue(line.startswith(f"ended: account {self.alice.account}: customer 1 (alice) from "))
        self.assertFalse(wire.connected)
        self.assertEqual(self.told(AMY, *command), [f"no session is open on account {self.alice.account}"])
