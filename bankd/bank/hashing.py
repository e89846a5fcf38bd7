"""Hashes of passwords and PINs: argon2id (RFC 9106) over HMAC-SHA256 (RFC 2104), keyed with a pepper.

The pepper is kept in a file outside the database, so that nobody can try secrets on a copy of the database alone, not
even four digits.
"""

import hmac

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PEPPER_OCTETS = 32
"""How long a pepper is."""


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
        return self._argon2.hash(self._peppered(secret))

    def matches(self, hashed: str | None, secret: str) -> bool:
        """Whether ``hashed`` was made from ``secret``. With None, for nobody, it takes as long and is false."""
        try:
            return self._argon2.verify(hashed or self._nobodys, self._peppered(secret)) and hashed is not None
        except (VerificationError, InvalidHashError):
            return False

    def _peppered(self, secret: str) -> bytes:
        return hmac.digest(self._pepper, secret.encode("utf-8"), "sha256")
