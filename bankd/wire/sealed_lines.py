"""Lines of a sealed session: each is AES-256-GCM over the line, in base64url, in its place in its direction.

1. Each direction has a key of its own: HKDF-SHA-256 (RFC 5869) over the session's secret, the connection's nonce as
   salt and the direction in ``info``. A line that is sent back to its sender does not open.
2. The GCM nonce is not sent: it is the number of the line in its direction, from 0, as 96 bits. A line that is missing,
   repeated, moved or altered does not open, nor does any after it.
3. A line is padded to a multiple of PAD octets with 0x80 and zeros (ISO/IEC 7816-4), so that short ones look alike.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from bankd.wire.grammar import MAX_LINE
from bankd.wire.seal import KEY_OCTETS, BrokenSeal

PAD = 64
"""A line is padded to a multiple of this before it is sealed."""

TAG_OCTETS = 16
"""What GCM adds to it."""

MAX_SEALED = -(-4 * ((MAX_LINE // PAD + 1) * PAD + TAG_OCTETS) // 3)
"""Octets of the longest sealed line: what a line of MAX_LINE octets seals to."""

TO_BANK = b"BANK/1 sealed session, client to bank"
TO_CLIENT = b"BANK/1 sealed session, bank to client"

_END = b"\x80"


class SealedLines:
    """The lines of one direction of a session with ``secret`` on the connection with the hexadecimal ``nonce``."""

    def __init__(self, secret: bytes, nonce: str, direction: bytes) -> None:
        derived = HKDF(SHA256(), KEY_OCTETS, salt=bytes.fromhex(nonce), info=direction).derive(secret)
        self._cipher = AESGCM(derived)
        self._count = 0

    def seal(self, line: bytes) -> bytes:
        """The next line, sealed."""
        padded = line + _END + bytes(-(len(line) + 1) % PAD)
        sealed = self._cipher.encrypt(self._next(), padded, None)
        return bytes(urlsafe_b64encode(sealed))

    def unseal(self, sealed: bytes) -> bytes:
        """What the next line was. Raises BrokenSeal where it is not the next, or not whole; there is no going on."""
        try:
            padded = self._cipher.decrypt(self._next(), urlsafe_b64decode(sealed), None)
        except (InvalidTag, ValueError) as error:
            raise BrokenSeal("not the line that is due, or altered") from error
        line, end, zeros = padded.rpartition(_END)
        if not end or zeros.strip(b"\0") or len(padded) % PAD or len(line) > MAX_LINE:
            raise BrokenSeal("padded in another way")
        return line

    def seal_all(self, octets: bytes) -> bytes:
        """The next lines, each with its CRLF, sealed one by one."""
        return b"".join(self.seal(line) + b"\r\n" for line in octets.split(b"\r\n")[:-1])

    def _next(self) -> bytes:
        """The nonce of the next line."""
        number = self._count.to_bytes(12, "big")
        self._count += 1
        return number


def both_ways(secret: bytes, nonce: str) -> tuple[SealedLines, SealedLines]:
    """The lines to the bank, and those from it."""
    return SealedLines(secret, nonce, TO_BANK), SealedLines(secret, nonce, TO_CLIENT)
