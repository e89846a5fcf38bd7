"""``bankctl key``: keys that are shared with terminals."""

import json
import os
from pathlib import Path

from bankd import sealing_keys
from bankd.client.sealing import shared_key
from bankd.sealing_keys import SealingKeys
from bankd.testing import OPENED
from bankd.wire import seal
from bankd.wire.seal import BrokenSeal, Sealed
from tests.sealing import identity
from tests.test_ctl import CtlCase, Done

SEALED = Sealed("0f" * 16, 0, "NOOP")


class Keys(CtlCase):
    """Making, listing and ending shared keys."""

    def setUp(self) -> None:
        super().setUp()
        self.bankctl("init", "--state", str(self.state))
        self.out = Path(self.mktemp())

    def key(self, *arguments: str) -> Done:
        """Run a command on keys."""
        return self.bankctl("key", *arguments, "--state", str(self.state))

    def opened(self) -> Sealed:
        """What the bank makes of something that the terminal sealed. Raises BrokenSeal."""
        bank = SealingKeys(self.state, identity(), "bank", lambda: OPENED)
        return bank.unseal(seal.seal(SEALED, shared_key(self.out)))

    def test_share(self) -> None:
        """Terminal and bank have the same key, each in a file that only its owner can read."""
        done = self.key("share", "till-1", "--out", str(self.out))
        self.assertEqual((done.status, done.printed), (0, f"key till-1: in {self.out}, and accepted from now on\n"))
        self.assertEqual(self.opened(), SEALED)
        kept = sealing_keys.shared_path(self.state, "till-1")
        self.assertEqual([path.stat().st_mode & 0o777 for path in (kept, self.out)], [0o600, 0o600])
        self.assertNotIn(json.loads(self.out.read_text())["k"], done.printed)

    def test_not_twice(self) -> None:
        """No key is made anew under the same name, and no file is written over."""
        self.key("share", "till-1", "--out", str(self.out))
        again = self.key("share", "till-1", "--out", self.mktemp())
        self.assertEqual((again.status, "shared already" in again.complaints), (2, True))
        over = self.key("share", "till-2", "--out", str(self.out))
        self.assertEqual((over.status, str(self.out) in over.complaints), (1, True))
        self.assertFalse(sealing_keys.shared_path(self.state, "till-2").exists())

    def test_names(self) -> None:
        """A name is a plain word."""
        for name in ("", "../x", "a b", "a" * 65, "é"):
            self.assertEqual(self.key("share", name).status, 2)
            self.assertEqual(self.key("revoke", name).status, 2)

    def test_revoke(self) -> None:
        """A key that is revoked opens nothing any more, and is gone from the list."""
        self.key("share", "till-1", "--out", str(self.out))
        os.utime(sealing_keys.shared_path(self.state, "till-1"), (OPENED, OPENED))
        SealingKeys(self.state, identity(), "bank", lambda: OPENED).renew()
        listed = self.key("list").printed
        self.assertRegex(
            listed, r"the bank's own [\w-]{43}: published until 2026-09-22T\S+, accepted until 2026-09-23T"
        )
        self.assertIn("shared with till-1 since 2026-09-21T", listed)
        rows = [json.loads(line) for line in self.key("list", "--json").printed.splitlines()]
        self.assertEqual([{*row} for row in rows[:1]], [{"key", "published_until", "accepted_until"}])
        [since] = [row["since"] for row in rows if row.get("shared_with") == "till-1"]
        self.assertTrue(since.startswith("2026-09-21T"))
        self.assertEqual(self.key("revoke", "till-1").status, 0)
        self.assertRaises(BrokenSeal, self.opened)
        self.assertNotIn("till-1", self.key("list").printed)
        self.assertEqual(self.key("revoke", "till-1").status, 2)

    def test_no_bank(self) -> None:
        """Where there is no bank nothing is made."""
        done = self.bankctl("key", "share", "till-1", "--out", str(self.out), "--state", self.mktemp())
        self.assertEqual((done.status, self.out.exists()), (1, False))
