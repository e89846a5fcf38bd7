"""``bankctl ledger find``: what was done under a key."""

import json

from sqlalchemy import insert

from bankd.store.schema import outcomes
from tests.test_ctl import CtlCase, Done


class Find(CtlCase):
    """A bank with the demo's customers, each of whom has paid in under the same key."""

    def setUp(self) -> None:
        super().setUp()
        self.init()
        self.account = json.loads((self.state / "demo.json").read_text())[0]["account"]
        [self.entry, *_] = [json.loads(line) for line in self.export().splitlines()]

    def export(self) -> str:
        """The journal."""
        return self.bankctl("export", "journal", "--json", "--state", str(self.state)).printed

    def key(self) -> str:
        """The key of the first entry."""
        with self.store().reading() as connection:
            return str(connection.exec_driver_sql("SELECT key FROM journal WHERE id = 1").scalar_one())

    def find(self, *arguments: str) -> Done:
        """Look for a key."""
        return self.bankctl("ledger", "find", *arguments, "--state", str(self.state))

    def test_done(self) -> None:
        """Every entry is told, with its receipt, amount, accounts and customer: three used this one."""
        entry = self.entry
        done = self.find(self.key())
        self.assertEqual(done.status, 0)
        self.assertRegex(
            done.printed.splitlines()[0],
            rf"^asked by customer \d+: receipt {entry['receipt']}, {entry['kind']} of 1,000\.00 USD from account"
            rf" {entry['payer']} to account {entry['payee']}, 20\S+$",
        )
        self.assertEqual(len(done.printed.splitlines()), 3)
        told = json.loads(self.find(self.key(), "--json").printed.splitlines()[0])
        self.assertEqual({name: told[name] for name in entry}, entry)
        self.assertIsInstance(told["customer"], int)

    def test_refused(self) -> None:
        """A refusal that is kept is told, and that no money was moved by it."""
        with self.store().writing() as tx:
            row = {"key": "k1", "customer_id": 2, "content": "", "code": 422, "reason": "funds", "at_us": 1}
            tx.connection.execute(insert(outcomes), row)
        self.assertEqual(self.find("k1"), Done(1, "asked by customer 2: refused, 422 funds; no money was moved\n", ""))
        told = json.loads(self.find("k1", "--json").printed)
        self.assertEqual(told, {"customer": 2, "code": 422, "reason": "funds"})

    def test_nothing(self) -> None:
        """Where nothing was done that is said, and the exit status tells."""
        self.assertEqual(self.find("k\x1b2"), Done(1, "nothing was done under the key k\\x1b2\n", ""))
        self.assertEqual(self.find("k2", "--json"), Done(1, "", ""))
        self.assertEqual(self.bankctl("ledger", "find", "k2", "--state", self.mktemp()).status, 2)
