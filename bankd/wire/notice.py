"""The datagram that tells a terminal of a notice: a hint, never the truth.

    hint = "BANK/1" SP listener SP number SP kind

It carries no amount, no name and no account. ``listener`` is what the bank answered to LISTEN; the terminal drops a
hint with any other, and asks for the notice itself with NOTICES over the connection it trusts.
"""

import re
from dataclasses import dataclass

MAX_HINT = 75
"""Octets in a hint, at most."""

_HINT = re.compile(rb"BANK/1 (?P<listener>[0-9a-f]{32}) (?P<number>[1-9][0-9]{0,17}) (?P<kind>[a-z_]{1,16})")


@dataclass(frozen=True, slots=True)
class Hint:
    """That notice ``number`` exists on the account which ``listener`` listens for, and of which ``kind`` it is."""

    listener: str
    number: int
    kind: str


def write(hint: Hint) -> bytes:
    """The datagram for ``hint``."""
    return f"BANK/1 {hint.listener} {hint.number} {hint.kind}".encode("ascii")


def read(datagram: bytes) -> Hint | None:
    """The hint in ``datagram``; None when it is anything else, which is dropped without a word."""
    found = _HINT.fullmatch(datagram)
    if found is None:
        return None
    return Hint(found["listener"].decode(), int(found["number"]), found["kind"].decode())
