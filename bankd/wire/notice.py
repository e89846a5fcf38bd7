"""The datagrams by which the bank tells a terminal of notices: sealed hints, never the truth.

    offset  octets  what                                                       sealed
    0       1       version: 1                                                 no, but authenticated
    1       16      listener, as LISTEN was answered                           no, but authenticated
    17      8       sequence number from 1, the highest octet first            no, but authenticated
    25      1       kind of datagram: 1 a probe, 2 hints                       yes
    26      n       a probe: 16 octets that prove that it arrived              yes
                    hints: 1 to 48 times 24 octets, of the notice's number     yes
                    (8, the highest first) and its kind (16, ASCII and zeros)
    26+n    16      the tag of AES-256-GCM

1. The key is drawn for one listener, told to it alone over TLS, and seals one direction. The nonce of GCM is four
   octets that stand for the direction, and the sequence number (RFC 5116, section 3.2). No number is used twice: a
   listener that has none left gets nothing more, and one that listens anew has a new key.
2. A hint has the same length whatever its kind, so that who looks on learns how many there are and no more.
3. What does not open, came before, or is of a form that is not known is dropped without a word.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from bankd.wire.grammar import Count, Listener, NoticeKey, Port
from bankd.wire.replay import ReplayWindow

VERSION = 1
KEY_OCTETS = 32
PROOF_OCTETS = 16

MAX_DATAGRAM = 1200
"""Octets in a datagram at most: what passes every path of today unfragmented (RFC 9000, section 14)."""

LAST = (1 << 64) - 1
"""The last sequence number there is."""

TO_CLIENT = 1
"""The direction in a nonce. From the client to the bank nothing is sealed, nor read."""

_HEADER = struct.Struct(">B16sQ")
_NONCE = struct.Struct(">IQ")
_HINT = struct.Struct(">Q16s")
_PROBE, _HINTS = b"\x01", b"\x02"
_TAG_OCTETS = 16

PROBE_OCTETS = _HEADER.size + len(_PROBE) + PROOF_OCTETS + _TAG_OCTETS
"""A probe's length; an address that has not proved itself gets nothing longer."""

MOST_HINTS = (MAX_DATAGRAM - _HEADER.size - len(_HINTS) - _TAG_OCTETS) // _HINT.size
"""Hints in one datagram."""


@dataclass(frozen=True, slots=True)
class Listening:
    """What every datagram for this terminal carries, the key that it is sealed with, and the bank's port it is from."""

    listener: Listener
    notice_key: NoticeKey = field(repr=False)
    port: Port


@dataclass(frozen=True, slots=True)
class Newest:
    """The number of an account's newest notice; 0 where all were acknowledged."""

    newest: Count


@dataclass(frozen=True, slots=True)
class Hint:
    """That a notice ``number`` exists on the account which is listened for, and of which ``kind`` it is, if known."""

    number: int
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """What proves that a terminal receives what is sent to it: ``proof`` in hex, to be told over TLS."""

    proof: str


def spell_key(key: bytes) -> str:
    """A key as it travels: base64url (RFC 4648, section 5) without padding."""
    return bytes(urlsafe_b64encode(key)).decode("ascii")


def read_key(spelt: str) -> bytes:
    """The key that ``spelt`` is."""
    return bytes(urlsafe_b64decode(spelt.encode("ascii")))


class Sealing:
    """The bank's end: what it sends to ``listener`` under ``key``, each datagram with the next sequence number."""

    def __init__(self, listener: str, key: bytes) -> None:
        self._listener = bytes.fromhex(listener)
        self._cipher = AESGCM(key)
        self._last = 0

    def probe(self, proof: bytes) -> bytes:
        """The datagram that brings ``proof``."""
        return self._seal(_PROBE + proof)

    def hints(self, hints: Sequence[Hint]) -> Iterator[bytes]:
        """The datagrams, of as many as go into one, that bring ``hints`` in their order."""
        for first in range(0, len(hints), MOST_HINTS):
            some = hints[first : first + MOST_HINTS]
            yield self._seal(_HINTS + b"".join(_HINT.pack(hint.number, hint.kind.encode("ascii")) for hint in some))

    def _seal(self, content: bytes) -> bytes:
        self._last += 1  # beyond LAST nothing can be packed
        header = _HEADER.pack(VERSION, self._listener, self._last)
        return header + self._cipher.encrypt(_NONCE.pack(TO_CLIENT, self._last), content, header)


class Opening:
    """The terminal's end: opens what the bank sends to ``listener`` under ``key``, each datagram once."""

    def __init__(self, listener: str, key: bytes) -> None:
        self._listener = bytes.fromhex(listener)
        self._cipher = AESGCM(key)
        self._window = ReplayWindow()

    def open(self, datagram: bytes) -> Probe | tuple[Hint, ...] | None:
        """What ``datagram`` brings: a probe, or hints; None when it is anything else, which is dropped."""
        if not _HEADER.size + _TAG_OCTETS <= len(datagram) <= MAX_DATAGRAM:
            return None
        version, listener, number = _HEADER.unpack_from(datagram)
        if version != VERSION or listener != self._listener or not self._window.admits(number):
            return None
        header, sealed = datagram[: _HEADER.size], datagram[_HEADER.size :]
        try:
            content = self._cipher.decrypt(_NONCE.pack(TO_CLIENT, number), sealed, header)
        except InvalidTag:
            return None
        self._window.note(number)
        return _read(content[:1], content[1:])


def _read(kind: bytes, rest: bytes) -> Probe | tuple[Hint, ...] | None:
    """What the bank sealed; None for what is newer than this code."""
    if kind == _PROBE and len(rest) == PROOF_OCTETS:
        return Probe(rest.hex())
    if kind == _HINTS and rest and len(rest) % _HINT.size == 0:
        return tuple(Hint(number, _word(spelt)) for number, spelt in _HINT.iter_unpack(rest))
    return None


def _word(spelt: bytes) -> str:
    """A kind; what is no word of ASCII is a kind that is not known."""
    return spelt.rstrip(b"\0").decode("ascii", "replace")
