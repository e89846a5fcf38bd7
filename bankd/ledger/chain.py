"""The hash chain over the journal: each entry is linked to all before it, under a key that is not in the database.

1. A link is HMAC-SHA-256 (RFC 2104) over the link before it, 32 octets, and the entry. So whoever has the database but
   not the key can neither change an entry nor add, remove or move one without a link that is wrong.
2. An entry is encoded as a JSON array (RFC 8259) of its fields in order, in ASCII and without spaces. What differs is
   encoded differently: None is null, a text has its quotes, a number none.
3. Trailing nulls are left out. A field that is added to ``Entry`` at its end, and is None for what was there before,
   changes no link; a field must never be added anywhere else.
"""

import hmac
import json
from collections.abc import Iterable

from bankd.ledger.entries import Entry

KEY_OCTETS = 32
"""How long the key is."""

START = bytes(32)
"""What stands for the link before the first entry."""

_encode = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode


def link(key: bytes, before: bytes, entry: Entry) -> bytes:
    """The link of ``entry``, 32 octets, where ``before`` is the link of the entry before it."""
    fields = list(entry)
    while fields[-1] is None:
        fields.pop()
    return hmac.digest(key, before + _encode(fields).encode("ascii"), "sha256")


def links(key: bytes, head: bytes, entries: Iterable[Entry]) -> list[bytes]:
    """The link of each of ``entries``, which follow each other and what ``head`` is the link of."""
    made = []
    for entry in entries:
        head = link(key, head, entry)
        made.append(head)
    return made
