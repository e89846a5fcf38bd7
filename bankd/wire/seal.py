"""One request under seal: JSON in the compact form of JWE (RFC 7516), for the one who has the key and this connection.

1. One form is read and no other: the header has ``alg``, ``enc``, ``kid`` and ``typ`` and nothing else. ``alg`` is
   RSA-OAEP-256 (RFC 7518, section 4.3) under the bank's own key, or ``dir`` (section 4.5) under one shared beforehand;
   ``enc`` is A256GCM (section 5.3).
2. What is sealed names the nonce of its connection and its place among the connection's sealed requests, so that it is
   worth nothing on another connection, or a second time.
3. It is padded to a multiple of PAD octets, so that its length tells little of what is in it.
"""

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

RSA_BITS = 3072
"""The size of the bank's keys, and the least that a client seals to."""

KEY_OCTETS = 32
"""The length of a key shared beforehand, and of a session's secret."""

PAD = 256
"""What is sealed is as long as a multiple of this."""

MAX_JWE = 4064
"""Octets of the longest JWE that fits into a request's line."""

TYPE: Final = "bankd-request"
KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

_ENC: Final = "A256GCM"
_RSA: Final = "RSA-OAEP-256"
_SHARED: Final = "dir"
_ALGORITHMS = (_RSA, _SHARED)
_MEMBERS = {"nonce": str, "n": int, "request": str, "pad": str, "session": str}


class Sealing(StrEnum):
    """What a bank takes under seal only: nothing, what carries secrets, or all that a customer asks."""

    NO = "no"
    SECRETS = "secrets"
    SESSION = "session"


class BrokenSeal(ValueError):
    """This was not sealed for here and now, or was altered on its way; nothing of it is to be believed."""


class TooLong(ValueError):
    """The request does not fit into a line when it is sealed by itself; a sealed session takes it."""


class NotSealingKey(ValueError):
    """This is no key that requests are sealed with."""


@dataclass(frozen=True, slots=True, repr=False)
class Sealed:
    """What is sealed: the ``request``'s line without its tag, for the ``count``-th sealed request of a connection.

    ``session`` is the secret of a sealed session that begins after it, KEY_OCTETS long.
    """

    nonce: str
    count: int
    request: str
    session: bytes | None = None


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A key and its id: the bank's RSA key, of which a client has the public half, or a key shared beforehand."""

    kid: str
    key: RSAKey | OctKey = field(repr=False)

    @property
    def algorithm(self) -> str:
        """The one algorithm that this key is used with."""
        return _RSA if isinstance(self.key, RSAKey) else _SHARED


def key_from(jwk: Any) -> SealingKey:
    """The key that is written as a JSON Web Key (RFC 7517). Raises NotSealingKey."""
    try:
        match jwk:
            case {"kty": "RSA", "kid": str(kid)}:
                rsa = RSAKey.import_key(jwk)
                key: RSAKey | OctKey = rsa
                fits = rsa.public_key.key_size >= RSA_BITS
            case {"kty": "oct", "kid": str(kid), "k": str(k)}:
                octets = urlsafe_b64decode(k.encode())
                key = OctKey.import_key(octets)
                fits = len(octets) == KEY_OCTETS
            case _:
                raise NotSealingKey("there is no RSA key and no shared key in it, or it has no kid")
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise NotSealingKey("the key is broken") from error
    if not fits or not KEY_ID.fullmatch(kid):
        raise NotSealingKey("the key is too short, or its kid is of another form")
    return SealingKey(kid, key)


def seal(sealed: Sealed, key: SealingKey) -> str:
    """``sealed`` as a JWE that opens with ``key``. Raises TooLong."""
    header = {"alg": key.algorithm, "enc": _ENC, "kid": key.kid, "typ": TYPE}
    text: str = jwe.encrypt_compact(header, _plain(sealed), key.key, algorithms=[key.algorithm, _ENC])
    if len(text) > MAX_JWE:
        raise TooLong("the request is too long to be sealed by itself")
    return text


def key_id(text: str) -> tuple[str, bool]:
    """The id of the key that ``text`` is sealed to, and whether that is one shared beforehand. Raises BrokenSeal."""
    header = text.partition(".")[0]
    try:
        members = _json(urlsafe_b64decode(header.encode()))
    except ValueError as error:
        raise BrokenSeal("no header") from error
    match members:
        case {"alg": str(alg), "enc": "A256GCM", "kid": str(kid), "typ": "bankd-request", **others}:
            if not others and alg in _ALGORITHMS and KEY_ID.fullmatch(kid):
                return kid, alg == _SHARED
    raise BrokenSeal("a header of another form")


def unseal(text: str, key: SealingKey) -> Sealed:
    """What is sealed in ``text``, which is opened with ``key`` and the algorithm of it alone. Raises BrokenSeal."""
    if key_id(text) != (key.kid, key.algorithm == _SHARED):
        raise BrokenSeal("sealed to another key")
    try:
        opened = jwe.decrypt_compact(text, key.key, algorithms=[key.algorithm, _ENC])
        return _read(opened.plaintext or b"")
    except (JoseError, ValueError) as error:
        raise BrokenSeal("altered, or not sealed to this key") from error


def _plain(sealed: Sealed) -> bytes:
    members: dict[str, str | int] = {"nonce": sealed.nonce, "n": sealed.count, "request": sealed.request}
    if sealed.session is not None:
        members["session"] = urlsafe_b64encode(sealed.session).decode()
    bare = json.dumps(members | {"pad": ""})
    return json.dumps(members | {"pad": "." * (-len(bare) % PAD)}).encode("ascii")


def _read(plain: bytes) -> Sealed:
    """What the JSON says. Raises ValueError."""
    members = _json(plain)
    if not isinstance(members, dict) or not members.keys() <= _MEMBERS.keys() or len(plain) % PAD:
        raise ValueError("not what is sealed")
    if any(type(members.get(name)) is not kind for name, kind in _MEMBERS.items() if name != "session"):
        raise ValueError("a member is missing, or of another kind")
    request = members["request"]
    if not request.isascii():
        raise ValueError("a request is ASCII")
    return Sealed(members["nonce"], members["n"], request, _secret(members.get("session")))


def _json(text: bytes) -> Any:
    """What JSON says. Raises ValueError also where it is nested deeper than anybody means."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _secret(spelt: object) -> bytes | None:
    """The session's secret. Raises ValueError."""
    if spelt is None:
        return None
    secret = urlsafe_b64decode(spelt.encode()) if isinstance(spelt, str) else b""
    if len(secret) != KEY_OCTETS:
        raise ValueError("a session's secret has another length")
    return bytes(secret)
