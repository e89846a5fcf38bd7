"""Hashes of passwords and PINs: argon2id (RFC 9106) over HMAC-SHA256 (RFC 2104), keyed with a pepper.

The pepper is kept in a file outside the database, so that nobody can try secrets on a copy of the database alone, not
even four digits. What is hashed is the secret as RFC 8265 prepares it: "é" is one character from some keyboards, and
two from others.
"""

import hmac
from unicodedata import category, normalize

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PEPPER_OCTETS = 32
"""How long a pepper is."""


def prepared(secret: str) -> str:
    """``secret`` as it is compared: spaces of every kind are a space, and the rest is in normalization form C.

    These are the rules that map in the profile OpaqueString (RFC 8265, section 4.2.2); what characters a secret may
    have is the grammar's to say.
    """
    return normalize("NFC", "".join(" " if category(sign) == "Zs" else sign for sign in secret))


class Hasher:
    """Makes and checks hashes. Each takes tens of milliseconds by design: call it in a pool of its own.

    ``passes`` and ``memory_kib`` are argon2's time and memory cost.
    """

    def __init__(self, pepper: bytes, passes: int = 2, memory_kib: int = 19 * 1024) -> None:
        self._pepper = pepper
        self._argon2 = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._nobodys = self.hash("nobody's")

    def hash(self, secret: str) -> str:
        """The hash to keep of ``secret``."""
        return self._argon2.hash(self._peppered(prepared(secret)))

    def matches(self, hashed: str | None, secret: str) -> bool:
        """Whether ``hashed`` was made from ``secret``. With None, for nobody, it takes as long and is false."""
        return self._spelling(hashed, secret) is not None

    def proven(self, hashed: str | None, secret: str) -> str | None:
        """The hash to keep of ``secret`` from now on if ``hashed`` was made from it; None, after as much work, if not.

        It is ``hashed`` unless that was not made as ``hash`` does: with other costs, or of a secret as it came.
        """
        spelt = self._spelling(hashed, secret)
        if hashed is None or spelt is None:
            return None
        as_today = spelt == prepared(secret) and not self._argon2.check_needs_rehash(hashed)
        return hashed if as_today else self.hash(secret)

    def _spelling(self, hashed: str | None, secret: str) -> str | None:
        """The spelling of ``secret`` that ``hashed`` was made from: as prepared or, from before that was done, as it
        came. None when it was made from neither.
        """
        for spelt in dict.fromkeys((prepared(secret), secret)):
            if self._verifies(hashed or self._nobodys, spelt) and hashed is not None:
                return spelt
        return None

    def _verifies(self, hashed: str, spelt: str) -> bool:
        try:
            return self._argon2.verify(hashed, self._peppered(spelt))
        except (VerificationError, InvalidHashError):
            return False

    def _peppered(self, secret: str) -> bytes:
        return hmac.digest(self._pepper, secret.encode("utf-8"), "sha256")
