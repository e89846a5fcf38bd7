"""The keys that requests are sealed to: when they are made, published and destroyed, and what survives a restart."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from joserfc.jwk import OctKey, RSAKey
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes, keyring, sealing_keys
from bankd.codes import Refused
from bankd.perspectives.turns import Comer, Turns
from bankd.sealing_keys import DAY, LOOK_SECONDS, SealingKeys, Seals
from bankd.testing import OPENED, AtOnce
from bankd.wire import key_set, seal
from bankd.wire.seal import BrokenSeal, Sealed, SealingKey
from tests.sealing import bank_key, identity

SEALED = Sealed("0f" * 16, 0, "NOOP")
COMER = Comer("somebody")


class KeysCase(SynchronousTestCase):
    """A bank's state folder, at a time that the test moves."""

    def setUp(self) -> None:
        self.state = Path(self.mktemp())
        self.state.mkdir()
        self.clock = Clock()
        self.clock.advance(OPENED)
        self.made = 0
        self.keys = self.open()

    def make(self) -> RSAKey:
        """A key that no other test of this process had to make."""
        self.made += 1
        key = bank_key(self.made).key
        assert isinstance(key, RSAKey)
        return key

    def open(self, make: Callable[[], RSAKey] | None = None) -> SealingKeys:
        """The keys as a bank finds them that was just started."""
        return SealingKeys(self.state, identity(), "Practice Bank", self.clock.seconds, make or self.make)

    def published(self, keys: SealingKeys | None = None) -> SealingKey:
        """The key that a client gets."""
        return key_set.read(identity(), (keys or self.keys).published(), self.clock.seconds())

    def files(self) -> set[str]:
        """What is in the folder."""
        return {path.stem for path in (self.state / "sealing").glob("*.jwk")}


class OwnKeys(KeysCase):
    """The bank's own keys."""

    def test_a_key_a_day(self) -> None:
        """One key is published for a day, then another; the first is accepted for a day more, and destroyed."""
        first = self.published()
        text = seal.seal(SEALED, first)
        self.clock.advance(DAY - 1)
        self.assertEqual(self.published().kid, first.kid)
        self.clock.advance(1)
        second = self.published()
        self.assertEqual((self.made, self.files()), (2, {first.kid, second.kid}))
        self.clock.advance(DAY - 1)
        self.assertEqual(self.keys.unseal(text), SEALED)
        self.clock.advance(1)
        self.assertRaises(BrokenSeal, self.keys.unseal, text)
        self.keys.renew()
        self.assertNotIn(first.kid, self.files())
        self.assertRaises(BrokenSeal, self.keys.unseal, text)

    def test_restart(self) -> None:
        """A bank that is started again goes on with the same keys, by what their files say."""
        first = self.published()
        self.clock.advance(DAY)
        second = self.published()
        for path in (self.state / "sealing").glob("*.jwk"):
            os.utime(path, (0, 0))
        again = self.open(make=lambda: self.fail("a new key was made"))
        self.assertEqual(self.published(again).kid, second.kid)
        self.assertEqual(again.unseal(seal.seal(SEALED, first)), SEALED)
        self.clock.advance(DAY)
        self.published(self.open())
        self.assertNotIn(first.kid, self.files())

    def test_long_closed(self) -> None:
        """A bank that was closed for days makes a new key, and destroys those it had."""
        first = self.published()
        self.clock.advance(10 * DAY)
        again = self.open()
        self.assertNotEqual(self.published(again).kid, first.kid)
        self.assertEqual(self.files(), {self.published(again).kid})

    def test_for_the_owner_alone(self) -> None:
        """Folder and files are the owner's, and nobody else may look."""
        self.published()
        (path,) = (self.state / "sealing").glob("*.jwk")
        self.assertEqual((path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777), (0o600, 0o700))

    def test_drafts(self) -> None:
        """What a crash has left of a key that was being written is destroyed when the bank starts again."""
        kid = self.published().kid
        draft = self.state / "sealing" / "another.jwk.new"
        draft.write_bytes((self.state / "sealing" / f"{kid}.jwk").read_bytes())
        self.assertEqual(self.published(self.open()).kid, kid)
        self.assertFalse(draft.exists())

    def test_a_key_from_elsewhere(self) -> None:
        """A key that came into the folder meanwhile is found when something is sealed to it."""
        other = self.open()
        text = seal.seal(SEALED, self.published())
        self.assertEqual(other.unseal(text), SEALED)
        self.assertEqual(other.unseal(text), SEALED)
        unknown = seal.seal(SEALED, SealingKey("unknown", bank_key().key))
        self.assertRaises(BrokenSeal, other.unseal, unknown)

    def test_broken_file(self) -> None:
        """What is no key is passed over; the bank makes another."""
        self.published()
        (path,) = (self.state / "sealing").glob("*.jwk")
        for text in ("", "{}", "[]", '{"iat": "x"}', json.dumps({"iat": 1, "kty": "RSA", "kid": "x"})):
            path.write_text(text)
            self.published(self.open())

    def test_disk_full(self) -> None:
        """Where no new key can be written the old one goes on."""
        first = self.published()
        self.clock.advance(DAY)

        def fail(path: Path, content: bytes) -> None:
            raise OSError(28, "No space left on device")

        patched = self.patch(keyring, "write_private", fail)
        self.keys.renew()
        self.assertEqual(self.published().kid, first.kid)
        self.clock.advance(DAY)
        self.assertRaises(OSError, self.keys.published)
        patched.restore()
        self.assertNotEqual(self.published().kid, first.kid)


class SharedKeys(KeysCase):
    """Keys that were shared beforehand."""

    def test_found_without_restart(self) -> None:
        """A key is accepted from when its file is there until it is gone."""
        key = SealingKey("till-1", OctKey.generate_key(256))
        text = seal.seal(SEALED, key)
        self.assertRaises(BrokenSeal, self.keys.unseal, text)
        path = sealing_keys.shared_path(self.state, "till-1")
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({**key.key.as_dict(), "kid": "till-1"}))
        self.assertEqual(self.keys.unseal(text), SEALED)
        path.unlink()
        self.assertRaises(BrokenSeal, self.keys.unseal, text)

    def test_broken_file(self) -> None:
        """A file without a key in it is no key."""
        path = sealing_keys.shared_path(self.state, "till-1")
        path.parent.mkdir(parents=True)
        path.write_text("x")
        text = seal.seal(SEALED, SealingKey("till-1", OctKey.generate_key(256)))
        self.assertRaises(BrokenSeal, self.keys.unseal, text)


class InTheBank(KeysCase):
    """What the branch has of the keys."""

    def setUp(self) -> None:
        super().setUp()
        self.seals = Seals(self.keys, Turns(AtOnce(), 1), self.clock)
        self.addCleanup(self.seals.close)

    def test_round_the_clock(self) -> None:
        """Keys are made and destroyed by themselves, though nobody asks for one."""
        self.seals.open()
        for _ in range(3 * DAY // int(LOOK_SECONDS)):
            self.clock.advance(LOOK_SECONDS)
        self.assertEqual((self.made, len(self.files())), (4, 2))

    def test_failure(self) -> None:
        """A key that cannot be made is tried for again."""
        failing = [True]

        def make() -> RSAKey:
            if failing:
                raise OSError("no entropy")
            return self.make()

        self.seals = Seals(self.open(make), Turns(AtOnce(), 1), self.clock)
        self.seals.open()
        self.addCleanup(self.seals.close)
        self.assertEqual(self.files(), set())
        failing.clear()
        self.clock.advance(LOOK_SECONDS)
        self.assertEqual(len(self.files()), 1)

    def test_answers(self) -> None:
        """What is published, and what is opened, comes from the pool; a broken seal is a refusal."""
        text = self.successResultOf(self.seals.published(COMER))
        key = key_set.read(identity(), text, self.clock.seconds())
        self.assertEqual(self.successResultOf(self.seals.unseal(seal.seal(SEALED, key), COMER)), SEALED)
        refused = self.failureResultOf(self.seals.unseal("x", COMER), Refused).value
        assert isinstance(refused, Refused)
        self.assertIs(refused.code, codes.BROKEN_SEAL)
