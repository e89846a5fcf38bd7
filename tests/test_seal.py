"""One request under seal: what comes back is what was sealed, and nothing else is ever opened."""

import json
from base64 import urlsafe_b64encode
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import OctKey, RSAKey
from twisted.trial.unittest import SynchronousTestCase

from bankd.wire import seal
from bankd.wire.seal import BrokenSeal, NotSealingKey, Sealed, SealingKey, TooLong, key_from
from tests.sealing import bank_key, public_half, shared_key

NONCE = "0f" * 16
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

REQUESTS = st.builds(
    Sealed,
    st.text("0123456789abcdef", min_size=32, max_size=32),
    st.integers(0, 10**6),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=700),
    st.none() | st.binary(min_size=32, max_size=32),
)


def spelt(octets: bytes) -> str:
    """Base64url, as a JWE has it."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def by_hand(plain: bytes, key: SealingKey | None = None, **header: Any) -> str:
    """``plain`` as a JWE with another header than is right, where one is given."""
    key = key or shared_key()
    right = {"alg": "dir", "enc": "A256GCM", "kid": key.kid, "typ": "bankd-request"}
    members = {name: value for name, value in (right | header).items() if value is not None}
    registry = jwe.JWERegistry(algorithms=[*jwe.JWERegistry.algorithms["alg"], "A256GCM", "A128GCM", "DEF"])
    registry.strict_check_header = False
    return jwe.encrypt_compact(members, plain, key.key, registry=registry)


def plain(**members: Any) -> bytes:
    """What is sealed, with other members where they are given; None leaves one out. Padded to a multiple of 256."""
    right = {"nonce": NONCE, "n": 0, "request": "NOOP", "pad": ""}
    text = json.dumps({name: value for name, value in (right | members).items() if value is not None})
    return text.encode() + b" " * (-len(text) % seal.PAD)


class RoundTrips(SynchronousTestCase):
    """What is sealed is what is opened."""

    @given(REQUESTS)
    def test_shared(self, sealed: Sealed) -> None:
        """Under a key shared beforehand."""
        self.assertEqual(seal.unseal(seal.seal(sealed, shared_key()), shared_key()), sealed)

    def test_rsa(self) -> None:
        """Under the bank's own key, of which the client has the public half alone."""
        for sealed in (Sealed(NONCE, 0, "NOOP"), Sealed(NONCE, 7, 'LOGIN "\\', bytes(32))):
            self.assertEqual(seal.unseal(seal.seal(sealed, public_half()), bank_key()), sealed)
        self.assertFalse(public_half().key.is_private)

    def test_key_id(self) -> None:
        """The id of the key is read without the key."""
        self.assertEqual(seal.key_id(seal.seal(Sealed(NONCE, 0, "NOOP"), shared_key())), ("till-1", True))
        self.assertEqual(seal.key_id(seal.seal(Sealed(NONCE, 0, "NOOP"), public_half())), (bank_key().kid, False))

    def test_length_tells_little(self) -> None:
        """A log-in by PIN and one by a longer password are of one length."""
        requests = ("NOOP", "LOGIN account=1000001 pin=2468", "LOGIN username=alice password=amber-Kettle-40-and-more")
        lengths = {len(seal.seal(Sealed(NONCE, 0, request, bytes(32)), shared_key())) for request in requests}
        self.assertEqual(len(lengths), 1)

    def test_too_long(self) -> None:
        """What is sealed fits into a line, or is not sealed."""
        self.assertLessEqual(len(seal.seal(Sealed(NONCE, 0, "x" * 2000, bytes(32)), public_half())), seal.MAX_JWE)
        self.assertRaises(TooLong, seal.seal, Sealed(NONCE, 0, "x" * 2600), public_half())

    def test_secrets_do_not_show(self) -> None:
        """Neither request, session nor key is in the text that a traceback shows."""
        shown = repr([Sealed(NONCE, 0, "LOGIN pin=2468", b"S" * 32), shared_key()])
        self.assertNotIn("2468", shown)
        self.assertNotIn("SSSS", shown)
        self.assertNotIn("OctKey", shown)


class Refusals(SynchronousTestCase):
    """Whatever is not exactly what was sealed is refused."""

    def assertBroken(self, text: str, key: SealingKey | None = None) -> None:
        """``text`` is not opened."""
        self.assertRaises(BrokenSeal, seal.unseal, text, key or shared_key())

    def test_any_octet_altered(self) -> None:
        """Another letter in any one place is refused, under both kinds of key."""
        for way, whole in ((shared_key(), shared_key()), (public_half(), bank_key())):
            text = seal.seal(Sealed(NONCE, 0, "NOOP"), way)
            for place, letter in enumerate(text):
                other = ALPHABET[(ALPHABET.find(letter) + 1) % 64]
                self.assertBroken(text[:place] + other + text[place + 1 :], whole)

    @given(st.data())
    def test_any_octet_replaced(self, data: st.DataObject) -> None:
        """Whatever stands in one place instead of what was there, what is missing, and what is added, is refused."""
        text = seal.seal(Sealed(NONCE, 0, "NOOP"), shared_key())
        place = data.draw(st.integers(0, len(text) - 1))
        other = data.draw(st.characters(codec="utf-8").filter(lambda letter: letter != text[place]))
        self.assertBroken(text[:place] + other + text[place + 1 :])
        self.assertBroken(text[:place])
        self.assertBroken(text[:place] + other + text[place:])

    def test_another_key(self) -> None:
        """Another key with the same id does not open it, nor does the right key under another id."""
        text = seal.seal(Sealed(NONCE, 0, "NOOP"), shared_key())
        self.assertBroken(text, SealingKey("till-1", OctKey.generate_key(256)))
        self.assertBroken(text, SealingKey("till-2", shared_key().key))
        rsa = seal.seal(Sealed(NONCE, 0, "NOOP"), public_half())
        self.assertBroken(rsa, SealingKey(bank_key().kid, bank_key(1).key))
        self.assertBroken(rsa, SealingKey(bank_key().kid, shared_key().key))

    def test_header(self) -> None:
        """Exactly four members are read, each with the one value that it may have."""
        seal.unseal(by_hand(plain()), shared_key())
        for header in (
            {"zip": "DEF"},
            {"crit": ["cty"], "cty": "JWT"},
            {"jku": "https://example.com/keys"},
            {"x5u": "https://example.com/cert"},
            {"cty": "JWT"},
            {"jwk": shared_key().key.as_dict()},
            {"typ": None},
            {"typ": "JWT"},
            {"kid": None},
            {"kid": "../receipts"},
            {"kid": "k" * 65},
            {"alg": "A256KW"},
            {"alg": "A256GCMKW"},
        ):
            self.assertBroken(by_hand(plain(), **header))
        self.assertBroken(by_hand(plain(), SealingKey("till-1", OctKey.generate_key(128)), enc="A128GCM"))

    def test_other_rsa(self) -> None:
        """RSA1_5 and RSA-OAEP with SHA-1 are refused, though the key could open them."""
        for alg in ("RSA1_5", "RSA-OAEP"):
            self.assertBroken(by_hand(plain(), public_half(), alg=alg), bank_key())
        seal.unseal(by_hand(plain(), public_half(), alg="RSA-OAEP-256"), bank_key())

    def test_no_header(self) -> None:
        """What has no header that can be read is refused."""
        nested = spelt(b"[" * 2000) + "...."
        for text in (
            "",
            ".",
            "....",
            "é....",
            "AAA....",
            spelt(b"[]") + "....",
            spelt(b'"dir"') + "....",
            "a" * 4064,
            nested,
        ):
            self.assertRaises(BrokenSeal, seal.key_id, text)
            self.assertBroken(text)

    def test_nested(self) -> None:
        """JSON that is nested without end is no header, and nothing that is sealed."""
        with self.assertRaises(BrokenSeal):
            seal.key_id(spelt(b"[" * 2900) + "....")
        with self.assertRaises(BrokenSeal):
            seal.unseal(by_hand(b"[" * 8 * seal.PAD), shared_key())

    def test_content(self) -> None:
        """What was sealed with the right key is still read strictly."""
        for octets in (
            b"",
            b"x" * seal.PAD,
            b"[]" + b" " * (seal.PAD - 2),
            b"[" * 8 * seal.PAD,
            plain() + b" ",
            plain(more=1),
            plain(nonce=None),
            plain(nonce=1),
            plain(n=None),
            plain(n="0"),
            plain(n=True),
            plain(n=0.0),
            plain(request=None),
            plain(request=["NOOP"]),
            plain(request="UPDATE_CONTACT name=é"),
            plain(pad=None),
            plain(pad=0),
            plain(session=1),
            plain(session="AAAA"),
            plain(session="A" * 44),
            plain(session="é"),
        ):
            self.assertBroken(by_hand(octets))
        self.assertEqual(seal.unseal(by_hand(plain(session="A" * 43)), shared_key()).session, bytes(32))


class Keys(SynchronousTestCase):
    """Keys as they are written."""

    def test_whole_and_half(self) -> None:
        """A key is read back from its JWK, with its private half where that is there."""
        whole = key_from({**bank_key().key.as_dict(private=True), "kid": bank_key().kid, "iat": 1, "use": "enc"})
        self.assertTrue(whole.key.is_private)
        self.assertEqual((whole.kid, whole.algorithm), (bank_key().kid, "RSA-OAEP-256"))
        shared = key_from({"kty": "oct", "kid": "till-1", "k": "A" * 43})
        self.assertEqual((shared.kid, shared.algorithm, shared.key.raw_value), ("till-1", "dir", bytes(32)))

    def test_not_keys(self) -> None:
        """What is too short, broken, unnamed or something else is no key to seal with."""
        rsa = {**public_half().key.as_dict(), "kid": "k"}
        small = {**RSAKey.generate_key(2048, private=False).as_dict(), "kid": "k"}
        broken: tuple[Any, ...] = (
            None,
            [],
            {},
            small,
            {**rsa, "kid": "a b"},
            {**rsa, "kid": None},
            {**rsa, "n": "!"},
            {"kty": "RSA", "kid": "k"},
            {"kty": "oct", "kid": "k", "k": "A" * 22},
            {"kty": "oct", "kid": "k", "k": "!"},
            {"kty": "oct", "kid": "", "k": "A" * 43},
            {"kty": "oct", "k": "A" * 43},
            {"kty": "EC", "kid": "k", "crv": "P-256"},
        )
        for jwk in broken:
            self.assertRaises(NotSealingKey, key_from, jwk)
