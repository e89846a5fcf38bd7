"""What the bank signs, and what is refused to be its signature."""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_public_key
from twisted.trial.unittest import SynchronousTestCase

from bankd import signing
from bankd.signing import Kind, NotKey, NotSigned, PrivateKey, PublicKey

CLAIMS = {"bank": "Bänk", "amount": -2500}


def part(octets: bytes) -> str:
    """A part of a signed text."""
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


class SigningCase(SynchronousTestCase):
    """A test with a key."""

    def setUp(self) -> None:
        self.key = PrivateKey(signing.new_key())
        self.public = PublicKey(self.key.pem)
        self.signed = self.key.sign(Kind.RECEIPT, CLAIMS)


class Signing(SigningCase):
    """Signed texts."""

    def test_read(self) -> None:
        """Whoever has the public key reads what was signed, and so does the bank itself."""
        for key in (self.public, self.key):
            self.assertEqual(key.read(Kind.RECEIPT, self.signed), CLAIMS)

    def test_by_other_means(self) -> None:
        """The signature is Ed25519 over header and claims, and the header says so, as RFC 7515 and RFC 9864 have it."""
        header, claims, signature = (base64.urlsafe_b64decode(text + "==") for text in self.signed.split("."))
        self.assertEqual(json.loads(header), {"alg": "Ed25519", "typ": "bankd-receipt"})
        self.assertEqual(json.loads(claims), CLAIMS)
        checker: Any = load_pem_public_key(self.public.pem)
        checker.verify(signature, self.signed.rpartition(".")[0].encode())

    def test_every_octet_counts(self) -> None:
        """A text with any one character altered, dropped or added is refused, in each of many ways."""
        for at, letter in enumerate(self.signed):
            for other in {"A", "B", "w", "x", "-", ".", "=", " ", "\n", "é", "\x00", letter.swapcase()} - {letter}:
                self.assertRefused(self.signed[:at] + other + self.signed[at + 1 :])
            self.assertRefused(self.signed[:at] + self.signed[at + 1 :])
            self.assertRefused(self.signed[:at] + "\n" + self.signed[at:])
        for text in ("", ".", "..", "...", self.signed + "=", self.signed + "\n", self.signed + ".", "\ud800"):
            self.assertRefused(text)

    def test_other_spelling(self) -> None:
        """Bits that base64 leaves unused must be zero: 64 octets of signature end in one of four characters."""
        other = {"A": "B", "Q": "R", "g": "h", "w": "x"}[self.signed[-1]]
        self.assertRefused(self.signed[:-1] + other)

    def test_other_kind(self) -> None:
        """A checkpoint is no receipt."""
        self.assertRefused(self.key.sign(Kind.CHECKPOINT, CLAIMS), "not a bankd-receipt")

    def test_other_key(self) -> None:
        """What another key has signed is refused."""
        self.assertRefused(PrivateKey(signing.new_key()).sign(Kind.RECEIPT, CLAIMS))

    def test_other_header(self) -> None:
        """A text that names another algorithm, or none, is refused, whatever its signature."""
        _, claims, signature = self.signed.split(".")
        headers: tuple[Any, ...] = (
            {"alg": "none"},
            {"alg": "HS256"},
            {"alg": "EdDSA"},
            {},
            [],
            None,
        )
        for header in headers:
            self.assertRefused(f"{part(json.dumps(header).encode())}.{claims}.{signature}")

    def test_no_json(self) -> None:
        """What the key signed and no reader of JSON takes is refused as what is not signed."""
        header = part(json.dumps({"alg": "Ed25519", "typ": str(Kind.RECEIPT)}).encode())
        for octets in (b"", b"\xff", b"[" * 100_000, b"9" * 5000):
            text = f"{header}.{part(octets)}"
            private: Any = self.key._key.private_key
            self.assertRefused(f"{text}.{part(private.sign(text.encode()))}")

    def assertRefused(self, text: str, why: str = "") -> None:
        """Fail unless a text is refused."""
        error = self.assertRaises(NotSigned, self.public.read, Kind.RECEIPT, text)
        self.assertIn(why, str(error))


class Keys(SigningCase):
    """The two halves of a key."""

    def test_halves(self) -> None:
        """The public half holds nothing of the private one, and has the same fingerprint: 64 hexadecimal digits."""
        self.assertTrue(self.public.pem.startswith(b"-----BEGIN PUBLIC KEY-----\n"))
        self.assertEqual(self.public.fingerprint, self.key.fingerprint)
        self.assertRegex(self.public.fingerprint, "^[0-9a-f]{64}$")
        self.assertNotEqual(PrivateKey(signing.new_key()).fingerprint, self.key.fingerprint)

    def test_no_private_key(self) -> None:
        """The public half cannot sign."""
        self.assertRaises(NotKey, PrivateKey, self.public.pem)

    def test_no_key(self) -> None:
        """What is no Ed25519 key is told to be none: nothing, noise, half a key, keys of other kinds."""
        others = (
            ed448.Ed448PrivateKey.generate(),
            ec.generate_private_key(ec.SECP256R1()),
            rsa.generate_private_key(65537, 2048),
        )
        pems = [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for key in others]
        for pem in (b"", b"key", b"\xff\x00" * 40, self.public.pem[:40], *pems):
            self.assertRaises(NotKey, PublicKey, pem)
