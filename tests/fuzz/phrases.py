"""Lines and values that are valid, made from the code's own tables: a request for each verb, a reply a record."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from hypothesis import find, settings
from hypothesis import strategies as st

from bankd import codes
from bankd.wire import codec, grammar, messages
from bankd.wire.grammar import Kind
from bankd.wire.messages import Message
from tests import docs

KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

SPELT: dict[Kind, str] = {
    grammar.USERNAME: "alice",
    grammar.PASSWORD: "password of alice",
    grammar.PIN: "24681",
    grammar.MOBILE: "+12025550101",
    grammar.ACCOUNT: "1000042",
    grammar.AMOUNT: "2500",
    grammar.SIGNED: "-2500",
    grammar.COUNT: "7",
    grammar.PAGE: "10",
    grammar.SECONDS: "60",
    grammar.PORT: "40001",
    grammar.CURRENCY: "USD",
    grammar.KEY: "k-1",
    grammar.WORD: "paid",
    grammar.KINDS: "paid+received",
    grammar.SUBJECT: "1000042",
    grammar.MODE: "all",
    grammar.YES: "yes",
    grammar.LISTENER: "0123456789abcdef" * 2,
    grammar.NOTICE_KEY: KEY,
    grammar.PROOF: "0123456789abcdef" * 2,
    grammar.CHALLENGE: "0123456789abcdef" * 2,
    grammar.PASSCODE: "123456",
    grammar.SEED: "ABCDEFGHIJKLMNOP",
    grammar.TEXT: "Miete für März",
    grammar.PERSON: "Zoë Meyer",
    grammar.NONCE: "0123456789abcdef" * 2,
    grammar.IDENTITY: KEY,
    grammar.JWE: "eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA",
    grammar.JWS: "eyJhbGciOiJFZERTQSJ9.e30.AAAA",
    grammar.TOKEN: "new",
    grammar.URI: "otpauth://totp/Bank:alice?secret=ABCDEFGHIJKLMNOP",
    grammar.EMAIL: "zoe@example.org",
    grammar.TIME: "2026-11-20T10:15:00.123456Z",
}
"""A value of a kind, as it is before it travels; of any other kind it is the simplest that there is."""


@cache
def spelt(kind: Kind) -> str:
    """A value of ``kind``."""
    shortest = settings(derandomize=True, database=None, deadline=None)
    return SPELT.get(kind) or find(st.from_regex(kind.pattern, fullmatch=True), lambda text: True, settings=shortest)


def _fields(cls: type[Any], names: frozenset[str] | None = None) -> dict[str, Any]:
    """Values for the fields of a dataclass; of those that go together only those with these ``names``."""
    tied = frozenset().union(*getattr(cls, "ways", ()))
    return {
        field.attribute: field.kind.parse(spelt(field.kind))
        for field in codec.fields_of(cls)
        if names is None or field.name not in tied or field.name in names
    }


@cache
def by_kind() -> Sequence[tuple[type[Message], bytes]]:
    """A line for each verb and each of its ways, with all fields."""
    return tuple(
        (kind, codec.write_request("a1", kind(**_fields(kind, way))).split(b"\r\n")[-1])
        for kind in messages.ALL
        for way in kind.ways or (None,)
    )


@cache
def requests() -> Sequence[bytes]:
    """The same, and an item of BULK."""
    item = codec.write_item("a1", messages.BulkItem(**_fields(messages.BulkItem)))
    return (*(line for _, line in by_kind()), item)


@cache
def replies() -> Sequence[bytes]:
    """A reply and a line of a list for each record that a bank sends, and a refusal for each code."""
    bodies = [record(**_fields(record)) for record in docs.RECORDS]
    granted = [codec.write_reply("a1", codes.DONE, body) for body in bodies]
    refused = [codec.write_reply("a1", code, None, field="pin", place=2, seconds=60, left=1) for code in codes.ALL]
    return (*granted, *(codec.write_item("a1", body) for body in bodies), *refused)


@cache
def values() -> Sequence[bytes]:
    """A value of every kind."""
    return tuple(spelt(kind).encode() for kind in docs.KINDS.values())
