"""What is sealed or signed: it opens as what it was, or not at all."""

import json
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from joserfc import jwe, jws
from joserfc.jwk import RSAKey
from joserfc.util import urlsafe_b64encode

from bankd.signing import Kind, NotKey, NotSigned, PrivateKey, PublicKey, new_key
from bankd.wire import key_set, seal
from bankd.wire.grammar import MAX_LINE
from bankd.wire.key_set import BadKeySet
from bankd.wire.seal import BrokenSeal, NotSealingKey, Sealed, SealingKey
from bankd.wire.sealed_lines import TO_BANK, SealedLines
from tests.fuzz.target import Stateless, ensure
from tests.sealing import bank_key, public_half, shared_key

NONCE = "0123456789abcdef" * 2
SECRET = bytes(range(32))
NOW = 1_790_000_000

_HEADER = {"alg": "Ed25519", "typ": str(Kind.KEYS)}

_REQUESTS = ("NOOP", "LOGIN account=1000042 pin=24681", "TRANSFER to=1 amount=1 currency=USD key=k reference=%C3%A9")
SEALED = tuple(Sealed(NONCE, count, asked, SECRET if count else None) for count, asked in enumerate(_REQUESTS))


class Jwes(Stateless):
    """A JWE that comes in: what was sealed, if not an octet of it is another."""

    weight = 10

    def __init__(self) -> None:
        self._keys = {bank_key().kid: bank_key(), shared_key().kid: shared_key()}
        self._whole = {
            seal.seal(sealed, key): sealed for sealed in SEALED for key in (public_half(), shared_key(), shared_key())
        }

    def seeds(self) -> Sequence[bytes]:
        """JWEs of both kinds."""
        return tuple(text.encode() for text in self._whole)

    def words(self) -> Sequence[bytes]:
        """Headers that others would take."""
        headers: tuple[dict[str, Any], ...] = (
            {"alg": "dir", "enc": "A128GCM", "kid": "till-1", "typ": seal.TYPE},
            {"alg": "RSA1_5", "enc": "A256GCM", "kid": bank_key().kid, "typ": seal.TYPE},
            {"alg": "dir", "enc": "A256GCM", "kid": bank_key().kid, "typ": seal.TYPE},
            {"alg": "dir", "enc": "A256GCM", "kid": "till-1", "typ": seal.TYPE, "zip": "DEF"},
            {"alg": "none"},
        )
        return tuple(bytes(urlsafe_b64encode(json.dumps(header).encode())) for header in headers)

    def feed(self, data: bytes) -> None:
        """Open it with the key that it names, as the bank does."""
        text = data.decode("latin-1")
        try:
            kid, shared = seal.key_id(text)
        except BrokenSeal:
            kid, shared = "till-1", True
        key = self._keys.get(kid, shared_key() if shared else bank_key())
        try:
            opened = seal.unseal(text, key)
        except BrokenSeal:
            return
        ensure(self._whole.get(text) == opened, "what nobody sealed was opened", text)


class Contents(Stateless):
    """What whoever has a key may seal, which is anything: a request that has the form of one, or a broken seal."""

    weight = 20

    def seeds(self) -> Sequence[bytes]:
        """What is inside of JWEs."""
        inside = (seal._plain(sealed) for sealed in SEALED)
        return (*inside, b"[" * 1280, b'{"n":' + b"9" * 251 + b"}", b'{"n":1e999,"nonce":"","request":"","pad":""}')

    def feed(self, data: bytes) -> None:
        """Seal it, filled up to a length that is taken, and open it."""
        data += b" " * (-len(data) % seal.PAD)
        key, header = shared_key(), {"alg": "dir", "enc": "A256GCM", "kid": "till-1", "typ": seal.TYPE}
        text = jwe.encrypt_compact(header, data, key.key, algorithms=["dir", "A256GCM"])
        try:
            sealed = seal.unseal(text, key)
        except BrokenSeal:
            return
        ensure(sealed.session is None or len(sealed.session) == seal.KEY_OCTETS, "a secret of another length")
        ensure(sealed.request.isascii() and type(sealed.count) is int and type(sealed.nonce) is str, sealed.count)


class Lines(Stateless):
    """A line of a sealed session: the one that is due, whole, or a broken seal."""

    weight = 60

    def __init__(self) -> None:
        bank = SealedLines(SECRET, NONCE, TO_BANK)
        self._lines = (b"a1 NOOP", b"", b"a" * 63, b"\x80\x80\0", b"a2 BALANCE", b"x" * MAX_LINE)
        self._sealed = tuple(map(bank.seal, self._lines))

    def seeds(self) -> Sequence[bytes]:
        """Sealed lines, one of them due."""
        return self._sealed

    def feed(self, data: bytes) -> None:
        """Read it as the first line of a session."""
        try:
            line = SealedLines(SECRET, NONCE, TO_BANK).unseal(data)
        except BrokenSeal:
            return
        ensure(data == self._sealed[0] and line == self._lines[0], "what was not due was opened", data)


@cache
def _signer() -> PrivateKey:
    return PrivateKey(new_key())


class KeySets(Stateless):
    """What a bank that may be hostile publishes: the key that it signed, or none."""

    weight = 20

    def __init__(self) -> None:
        self._signed = key_set.sign(_signer(), "Bank", bank_key(), NOW - 60, NOW + 60)
        self._public = PublicKey(_signer().pem)

    def seeds(self) -> Sequence[bytes]:
        """A set that is right, and what else is signed."""
        other = _signer().sign(Kind.RECEIPT, {"receipt": 7})
        deep = bytes(urlsafe_b64encode(b'{"alg":' + b"[" * 1400)) + b".e30.AAAA"
        return (self._signed.encode(), other.encode(), deep)

    def feed(self, data: bytes) -> None:
        """Read it as a set of keys, and as a receipt."""
        text = data.decode("utf-8", "surrogateescape")
        with suppress(BadKeySet):
            key = key_set.read(self._public, text, NOW)
            ensure(text == self._signed and key.kid == bank_key().kid, "a key that nobody signed")
        with suppress(NotSigned):
            ensure(self._public.read(Kind.RECEIPT, text) == {"receipt": 7}, "a receipt that nobody signed")


class Keys(Stateless):
    """What a bank that is hostile signs as a set of keys, and tells as its identity."""

    weight = 5

    def __init__(self) -> None:
        self._public = PublicKey(_signer().pem)

    def seeds(self) -> Sequence[bytes]:
        """A set as it is signed, and a key shared beforehand."""
        published = {**public_half().key.as_dict(private=False), "kid": "k", "use": "enc", "alg": "RSA-OAEP-256"}
        shared = {"kty": "oct", "kid": "till-1", "k": "A" * 43}
        claims = [{"bank": "B", "iat": NOW - 1, "exp": NOW + 1, "keys": [key]} for key in (published, shared)]
        more: tuple[Any, ...] = (self._public.x, published, shared, [], None, {"iat": 1e999, "exp": [], "keys": [{}]})
        deep = (b"[" * 1500, b'{"iat":' + b"9" * 5000 + b"}")
        return (*(json.dumps(one).encode() for one in (*claims, *more)), *deep)

    def feed(self, data: bytes) -> None:
        """Sign the octets, and read them; take them for a key, and for an identity."""
        signed = jws.serialize_compact(_HEADER, data, _signer()._key, algorithms=["Ed25519"])
        with suppress(BadKeySet):
            key: SealingKey = key_set.read(self._public, signed, NOW)
            ensure(isinstance(key.key, RSAKey) and key.key.public_key.key_size >= seal.RSA_BITS, "a weak key")
        try:
            said = json.loads(data)
        except (ValueError, RecursionError):
            said = data.decode("latin-1")
        with suppress(NotSealingKey):
            ensure(seal.KEY_ID.fullmatch(seal.key_from(said).kid), "a key without an id")
        with suppress(NotKey):
            PublicKey.from_x(said if isinstance(said, str) else data.decode("latin-1"))
