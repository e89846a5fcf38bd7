"""What a conversation's lines become on their way: as they are, with what is secret in them sealed, or all sealed.

A conversation gives each request to its ``Envelope``, and takes each line that comes out of it.
"""

import re
from typing import Protocol

from bankd.wire import seal
from bankd.wire.grammar import MAX_LINE
from bankd.wire.seal import Sealed, SealingKey
from bankd.wire.sealed_lines import MAX_SEALED, both_ways

END = b"\r\n"
REFUSAL = re.compile(rb"(\*|[A-Za-z0-9]{1,16}) [45][0-9]{2} ")


class Envelope(Protocol):
    """How lines travel; ``limit`` is the length of the longest that may come."""

    limit: int

    def put_in(self, lines: bytes, secret: bool) -> bytes:
        """A request's lines, with CRLF between them, as they travel; ``secret`` says that it carries a secret.

        Raises TooLong.
        """

    def take_out(self, line: bytes) -> bytes:
        """A line as the bank meant it. Raises BrokenSeal."""


class Clear:
    """Lines as they are."""

    limit = MAX_LINE

    def put_in(self, lines: bytes, secret: bool) -> bytes:
        """The lines."""
        return lines + END

    def take_out(self, line: bytes) -> bytes:
        """The line."""
        return line


class SealedSecrets(Clear):
    """Requests that carry a secret are sealed one by one, with ``key`` and for the connection with ``nonce``."""

    def __init__(self, key: SealingKey, nonce: str) -> None:
        self._key = key
        self._nonce = nonce
        self._count = 0

    def put_in(self, lines: bytes, secret: bool) -> bytes:
        """The lines, sealed where they carry a secret. Raises TooLong."""
        return self.sealed(lines) + END if secret else lines + END

    def sealed(self, line: bytes, session: bytes | None = None) -> bytes:
        """A request's only line, sealed; with a secret, it begins a ``session``. Raises TooLong."""
        tag, _, request = line.partition(b" ")
        jwe = seal.seal(Sealed(self._nonce, self._count, request.decode("ascii"), session), self._key)
        self._count += 1
        return tag + b" SEALED jwe=" + jwe.encode("ascii")


class SealedSession:
    """Everything is sealed from the first request on, which brings the session's ``secret``.

    Until the bank has answered it, refusals in the clear are taken: by one of them it says that it could not open that.
    """

    limit = MAX_SEALED

    def __init__(self, key: SealingKey, nonce: str, secret: bytes) -> None:
        self._first: SealedSecrets | None = SealedSecrets(key, nonce)
        self._secret = secret
        self._to_bank, self._from_bank = both_ways(secret, nonce)
        self._answered = False

    def put_in(self, lines: bytes, secret: bool) -> bytes:
        """The lines, sealed. Raises TooLong."""
        first, self._first = self._first, None
        if first is not None:
            return first.sealed(lines, self._secret) + END
        return self._to_bank.seal_all(lines + END)

    def take_out(self, line: bytes) -> bytes:
        """What was sealed. Raises BrokenSeal."""
        if not self._answered and REFUSAL.match(line):
            return line
        opened = self._from_bank.unseal(line)
        self._answered = True
        return opened
