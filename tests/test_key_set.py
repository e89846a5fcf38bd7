"""The signed set of keys: what a client seals to is the bank's, and of today."""

from typing import Any

from joserfc.jwk import RSAKey
from twisted.trial.unittest import SynchronousTestCase

from bankd.signing import Kind, NotKey, PublicKey
from bankd.wire import key_set
from bankd.wire.key_set import LEEWAY_SECONDS, BadKeySet
from bankd.wire.seal import SealingKey
from tests.sealing import bank_key, identity, public_half
from tests.test_seal import ALPHABET

SINCE, UNTIL = 1_790_000_000, 1_790_172_800


def signed(**claims: Any) -> str:
    """What the bank signed, with other claims where they are given; None leaves one out."""
    jwk = {**public_half().key.as_dict(), "kid": public_half().kid}
    right = {"bank": "Practice Bank", "iat": SINCE, "exp": UNTIL, "keys": [jwk]}
    return identity().sign(Kind.KEYS, {name: value for name, value in (right | claims).items() if value is not None})


class KeySets(SynchronousTestCase):
    """Reading what the bank publishes."""

    def read(self, text: str, now: float = SINCE) -> SealingKey:
        """The key in ``text``, for a client that knows the bank's identity."""
        return key_set.read(PublicKey(identity().pem), text, now)

    def test_round_trip(self) -> None:
        """The client gets the public half of the bank's key, and no more."""
        text = key_set.sign(identity(), "Practice Bank", bank_key(), SINCE, UNTIL)
        read = self.read(text)
        self.assertEqual((read.kid, read.key.is_private), (bank_key().kid, False))
        self.assertEqual(read.key.as_dict()["n"], public_half().key.as_dict()["n"])

    def test_longest_fits(self) -> None:
        """The set of a bank with the longest name there may be is no longer than a signed text may be."""
        self.assertLessEqual(len(key_set.sign(identity(), "\U0001f3e6" * 64, bank_key(), SINCE, UNTIL)), 2048)

    def test_time(self) -> None:
        """It is believed from a little before its time until its end."""
        self.read(signed(), SINCE - LEEWAY_SECONDS)
        self.read(signed(), UNTIL - 1)
        for now in (SINCE - LEEWAY_SECONDS - 1, UNTIL, UNTIL + 1):
            self.assertRaises(BadKeySet, self.read, signed(), now)

    def test_another_signer(self) -> None:
        """What somebody else signed is refused, and so is what the bank signed as something else."""
        other = key_set.sign(identity(1), "Practice Bank", bank_key(), SINCE, UNTIL)
        receipt = identity().sign(Kind.RECEIPT, {"iat": SINCE, "exp": UNTIL, "keys": []})
        for text in (other, receipt, "", "a.b.c"):
            self.assertRaises(BadKeySet, self.read, text)

    def test_altered(self) -> None:
        """Another letter in any one place is refused."""
        text = signed()
        for place, letter in enumerate(text):
            other = ALPHABET[(ALPHABET.find(letter) + 1) % 64]
            self.assertRaises(BadKeySet, self.read, text[:place] + other + text[place + 1 :])

    def test_content(self) -> None:
        """What the bank did sign is still read strictly: one RSA key of 3072 bits or more."""
        small = {**RSAKey.generate_key(2048, private=False).as_dict(), "kid": "k"}
        shared = {"kty": "oct", "kid": "k", "k": "A" * 43}
        keys: tuple[Any, ...] = (None, [], [small], [shared], "x")
        others: list[dict[str, Any]] = [{"iat": None}, {"exp": "x"}, *({"keys": each} for each in keys)]
        for claims in others:
            self.assertRaises(BadKeySet, self.read, signed(**claims))

    def test_identity_by_its_octets(self) -> None:
        """The bank's identity travels as 32 octets in base64url; anything else is no key."""
        self.assertEqual(PublicKey.from_x(identity().x).pem, PublicKey(identity().pem).pem)
        self.assertEqual(len(identity().x), 43)
        for x in ("", "AAAA", "!" * 43, "A" * 42 + "B", identity().x + "A"):
            self.assertRaises(NotKey, PublicKey.from_x, x)
