"""Requests under seal that are wrong in one thing: the header, what is sealed, its place, or an octet."""

from collections.abc import Callable
from typing import Any

from tests.hostile.case import Subject, expect, said
from tests.hostile.scene import Scene
from tests.hostile.seals import Sealer, read, spell

SUBJECT = Subject("sealing")

BROKEN = "* 400 reason=seal"


def broken(name: str, make: Callable[[Scene, Sealer], str]) -> None:
    """A case of a visitor who seals a request in a way that there is not, and loses the connection."""

    @SUBJECT.case(name)
    def _(scene: Scene) -> None:
        sealer = Sealer(scene.visitor())
        sealer.say(make(scene, sealer))
        expect(scene, sealer.line, [BROKEN], ends=True)


def with_header(**members: Any) -> Callable[[Scene, Sealer], str]:
    """How a seal with other members in its header is made."""
    return lambda _, sealer: sealer.seal("NOOP", members)


def with_member(request: Any = "NOOP", **members: Any) -> Callable[[Scene, Sealer], str]:
    """How a seal with other members in what is sealed is made."""
    return lambda _, sealer: sealer.seal(request, **members)


# The header: each member of it, and members that it has not.

for alg in (
    "none",
    "RSA1_5",
    "RSA-OAEP",
    "RSA-OAEP-512",
    "rsa-oaep-256",
    "A256KW",
    "ECDH-ES",
    "PBES2-HS512+A256KW",
    "",
):
    broken(f"the algorithm {alg or 'without a name'}", with_header(alg=alg))
for enc in ("A128GCM", "A256CBC-HS512", "none", "a256gcm", ""):
    broken(f"the encryption {enc or 'without a name'}", with_header(enc=enc))
for what, kid in {
    "of nobody": "till-1",
    "that is empty": "",
    "that is a path": "../../receipts",
    "that is a path encoded": "..%2f..%2freceipts",
    "that is a star": "*",
    "that is too long": "k" * 65,
    "with a NUL": "k\0",
    "with a new line": "k\n",
    "that is a number": 7,
    "that is a list": ["k"],
}.items():
    broken(f"a kid {what}", with_header(kid=kid))
for typ in ("JWT", "bankd-keys", "bankd-receipt", "", 1):
    broken(f"the type {typ!r}", with_header(typ=typ))
for member in ("alg", "enc", "kid", "typ"):
    broken(f"a header without {member}", with_header(**{member: None}))
    broken(f"a header whose {member} is a list", with_header(**{member: [member]}))
for member, value in {
    "zip": "DEF",
    "crit": ["b64"],
    "b64": False,
    "cty": "JWT",
    "jku": "https://127.0.0.1/keys",
    "jwk": {"kty": "oct", "k": "AAAA"},
    "x5u": "https://127.0.0.1/",
    "x5c": ["AAAA"],
    "epk": {"kty": "EC"},
    "apu": "AAAA",
    "p2c": 2_000_000_000,
    "iv": "AAAA",
    "tag": "AAAA",
    "exp": 0,
    "": "",
}.items():
    broken(f"a header with {member or 'a member without a name'}", with_header(**{member: value}))
broken("a shared key's name under the bank's algorithm", with_header(kid="shared"))
broken("the bank's key as one that is shared", with_header(alg="dir"))
broken("a key that is shared with nobody", with_header(alg="dir", kid="nobody"))
broken("a shared key's name that leads elsewhere", with_header(alg="dir", kid="../receipts"))

HEADERS = {
    "nothing": b"",
    "no JSON": b"alg",
    "null": b"null",
    "a list": b'["alg"]',
    "a number": b"1",
    "a number without end": b"9" * 2000,
    "lists in lists": b"[" * 2000,
    "objects in objects": b'{"a":' * 400,
    "no UTF-8": b'{"alg":"\xff"}',
    "UTF-16": '{"alg":"none"}'.encode("utf-16"),
}
for what, header in HEADERS.items():

    def headed(_: Scene, sealer: Sealer, header: bytes = header) -> str:
        return ".".join([spell(header), *sealer.parts(b"{}", sealer.plain("NOOP", {}))[1:]])

    broken(f"a header that is {what}", headed)

# What is sealed.

MEMBERS: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "0" * 32},
    "the nonce in capitals": {"nonce": "ABCDEF" * 5 + "AB"},
    "an empty nonce": {"nonce": ""},
    "a nonce that is a number": {"nonce": 1},
    "no nonce": {"nonce": None},
    "a count too high": {"n": 1},
    "a count below zero": {"n": -1},
    "a count that is a text": {"n": "0"},
    "a count that is true": {"n": False},
    "a count with a point": {"n": 0.0},
    "a count beyond 64 bits": {"n": 1 << 70},
    "no count": {"n": None},
    "a request that is a list": {"request": ["NOOP"]},
    "no request": {"request": None},
    "no padding": {"pad": "x"},
    "padding that is no text": {"pad": 0},
    "one member more": {"tag": "a"},
    "the secret of a session, an octet short": {"session": spell(bytes(31))},
    "the secret of a session, an octet long": {"session": spell(bytes(33))},
    "an empty secret": {"session": ""},
    "a secret that is a number": {"session": 7},
    "a secret that is no base64url": {"session": "*" * 43},
}
for what, members in MEMBERS.items():
    broken(f"{what} under seal", with_member(**members))
for what, request in {
    "nothing": "",
    "a space": " ",
    "KEYS": "KEYS",
    "SEALED": "SEALED jwe=eyJ9.A.A.A.A",
    "BULK": "BULK count=1 mode=all currency=USD key=$key",
    "what is not ASCII": "NOOP é",
    "two requests": "NOOP\r\na NOOP",
    "a NUL": "NOOP\0",
}.items():

    @SUBJECT.case(f"{what} under seal")
    def _(scene: Scene, request: str = request) -> None:
        sealer = Sealer(scene.visitor())
        sealer.say(sealer.seal(scene.fill(request)))
        sealer.line.say("a LOGOUT")
        heard = sealer.line.to_the_end()
        allowed = ([BROKEN], ["* 400 reason=framing"], ["a 400 reason=line", "a 200"])
        assert heard in allowed, f"it was answered {heard}"


PLAIN = {
    "nothing": b"",
    "only zeros": bytes(256),
    "null": b"null".ljust(256),
    "a list": b"[]".ljust(256),
    "lists in lists": b"[" * 2048,
    "objects in objects": (b'{"a":' * 410)[:2048],
    "a number without end": b"9" * 2048,
    "no UTF-8": b"\xff" * 256,
}
for what, octets in PLAIN.items():

    def filled(_: Scene, sealer: Sealer, octets: bytes = octets) -> str:
        return ".".join(sealer.parts(sealer.header({}), octets))

    broken(f"{what} as what is sealed", filled)

# Parts, and octets in them.

PARTS = ("header", "key", "start", "cipher text", "tag")
for place, part in enumerate(PARTS):

    def flipped(_: Scene, sealer: Sealer, place: int = place) -> str:
        parts = sealer.seal("NOOP").split(".")
        octets = bytearray(read(parts[place]))
        octets[len(octets) // 2] ^= 1
        return ".".join([*parts[:place], spell(octets), *parts[place + 1 :]])

    def emptied(_: Scene, sealer: Sealer, place: int = place) -> str:
        parts = sealer.seal("NOOP").split(".")
        return ".".join([*parts[:place], "", *parts[place + 1 :]])

    def cut(_: Scene, sealer: Sealer, place: int = place) -> str:
        parts = sealer.seal("NOOP").split(".")
        return ".".join([*parts[:place], spell(read(parts[place])[:-1]), *parts[place + 1 :]])

    def left_out(_: Scene, sealer: Sealer, place: int = place) -> str:
        parts = sealer.seal("NOOP").split(".")
        return ".".join(parts[:place] + parts[place + 1 :])

    broken(f"a bit of the {part} that is another", flipped)
    broken(f"a {part} that is empty", emptied)
    broken(f"a {part} that lacks an octet", cut)
    broken(f"a seal without its {part}", left_out)
broken("a seal of six parts", lambda _, sealer: sealer.seal("NOOP") + ".AAAA")
broken("a seal of dots", lambda *_: "....")
broken("a seal of a thousand dots", lambda *_: "." * 1000)
broken("a seal that is one letter", lambda *_: "A")
broken("a key of 128 bits", lambda _, s: ".".join(s.parts(s.header({}), s.plain("NOOP", {}), cek=bytes(16))))
broken("a start of 128 bits", lambda _, s: ".".join(s.parts(s.header({}), s.plain("NOOP", {}), iv_octets=16)))
SUBJECT.visitor("a seal that is empty", "a SEALED jwe=", "a 400 reason=field field=jwe")
SUBJECT.visitor("a seal of 4065 octets", f"a SEALED jwe={'A' * 4065}", "a 400 reason=field field=jwe")
SUBJECT.visitor("a seal with padding", "a SEALED jwe=AA==.A.A.A.A", "a 400 reason=line")
SUBJECT.visitor("SEALED without a seal", "a SEALED", "a 400 reason=field field=jwe")
SUBJECT.visitor("KEYS with a field", "a KEYS nonce=0", "a 400 reason=field field=nonce")
SUBJECT.visitor("a seal before KEYS", "a SEALED jwe=eyJ9.A.A.A.A", BROKEN, ends=True)

# Their place: each counts once, on its own connection.


@SUBJECT.case("a transfer under seal, sent twice, is made once", entries=1)
def _(scene: Scene) -> None:
    sealer = Sealer(scene.customer())
    jwe = sealer.seal(scene.fill("TRANSFER to=$mate amount=1 currency=USD key=$key"))
    said(scene, sealer.line, f"a SEALED jwe={jwe}", ["a 200 receipt=..."])
    said(scene, sealer.line, f"a SEALED jwe={jwe}", [BROKEN], ends=True)


@SUBJECT.case("a log-in under seal, heard on another connection, logs nobody in")
def _(scene: Scene) -> None:
    sealer, mallory = Sealer(scene.visitor()), Sealer(scene.visitor())
    mallory.say(sealer.seal(scene.fill("LOGIN account=$theirs pin=$pin")))
    expect(scene, mallory.line, [BROKEN], ends=True)
    expect(scene, sealer.line, [])


@SUBJECT.case("two requests under seal, in the wrong order")
def _(scene: Scene) -> None:
    sealer = Sealer(scene.visitor())
    first, second = sealer.seal("NOOP"), sealer.seal("NOOP")
    said(scene, sealer.line, [f"a SEALED jwe={second}", f"b SEALED jwe={first}"], [BROKEN], ends=True)


@SUBJECT.case("KEYS between requests under seal changes nothing for them")
def _(scene: Scene) -> None:
    sealer = Sealer(scene.visitor())
    for tag in "abc":
        said(scene, sealer.line, f"{tag} SEALED jwe={sealer.seal('NOOP')}", [f"{tag} 200"])
        assert f"nonce={sealer.nonce}" in sealer.line.ask("KEYS")


for request, told in {
    "BALANCE": "a 401 reason=login",
    "DANCE": "a 400 reason=verb",
    "LOGIN account=$mine pin=9041": "a 401 reason=credentials",
    "LOGIN account=$mine": "a 400 reason=field field=...",
    "APPROVE proposal=1": "a 401 reason=login",
    "NOOP x=y": "a 400 reason=field field=x",
    "- to=$mate amount=1": "...",
}.items():

    @SUBJECT.case(f"{request.split(' ')[0]} under seal is answered as in the clear: {told}")
    def _(scene: Scene, request: str = request, told: str = told) -> None:
        sealer = Sealer(scene.visitor())
        sealer.say(sealer.seal(scene.fill(request)))
        if request.startswith("- "):
            expect(scene, sealer.line, [BROKEN], ends=True)
        else:
            expect(scene, sealer.line, [told])
