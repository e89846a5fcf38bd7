"""The keys of one-time passwords, and what is made under them; they are not in the database.

Both come from the pepper by HKDF-SHA-256 (RFC 5869), each with an ``info`` of its own. So where the pepper is lost, or
replaced, open challenges and recovery codes are worthless, and every authenticator app must be enrolled anew.
"""

import hmac
import json
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_OCTETS = 12
"""A nonce of AES-GCM (NIST SP 800-38D, 8.2), made at random for each secret that is sealed."""


class Codebook:
    """What is kept of codes, and the secrets of apps, sealed."""

    def __init__(self, pepper: bytes) -> None:
        self._digesting = _derived(pepper, b"bankd one-time passwords")
        self._sealing = AESGCM(_derived(pepper, b"bankd authenticator apps"))

    def digest(self, *said: str | int) -> bytes:
        """HMAC-SHA-256 (RFC 2104) of values, which no other values have."""
        return hmac.digest(self._digesting, json.dumps(said).encode("ascii"), "sha256")

    def seal(self, customer_id: int, secret: bytes) -> bytes:
        """``secret`` by AES-256-GCM, bound to its customer: nonce, ciphertext and tag."""
        nonce = os.urandom(NONCE_OCTETS)
        return nonce + self._sealing.encrypt(nonce, secret, str(customer_id).encode())

    def unseal(self, customer_id: int, sealed: bytes) -> bytes | None:
        """The secret that was sealed for a customer; None where it was sealed under another key or changed."""
        nonce, rest = sealed[:NONCE_OCTETS], sealed[NONCE_OCTETS:]
        try:
            return self._sealing.decrypt(nonce, rest, str(customer_id).encode())
        except InvalidTag:
            return None


def _derived(pepper: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=info).derive(pepper)
