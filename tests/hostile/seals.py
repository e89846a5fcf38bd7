"""Seals made by hand, right ones and any other: docs/protocol.md, section 15, from the primitives up.

Nothing here is the bank's own code, so a seal can be wrong in ways that no client of ours knows.
"""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.hostile.case import Wrong, demand
from tests.hostile.line import Line
from tests.hostile.scene import fields

DIRECTIONS = (b"BANK/1 sealed session, client to bank", b"BANK/1 sealed session, bank to client")


def spell(octets: bytes | bytearray) -> str:
    """Octets in base64url without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def read(text: str) -> bytes:
    """What is spelt in base64url without padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def padded(octets: bytes) -> bytes:
    """A line with its padding."""
    return octets + b"\x80" + bytes(-(len(octets) + 1) % 64)


class Sealer:
    """Makes seals for one connection, on which it asks for the keys. ``count`` is that of the next seal."""

    def __init__(self, line: Line) -> None:
        told = fields(line.ask("KEYS"))
        self.line, self.nonce, self.count = line, told["nonce"], 0
        (jwk,) = json.loads(read(told["keys"].split(".")[1]))["keys"]
        self.kid: str = jwk["kid"]
        numbers = (int.from_bytes(read(jwk[name])) for name in ("e", "n"))
        self._key = RSAPublicNumbers(*numbers).public_key()

    def header(self, changes: Mapping[str, Any]) -> bytes:
        """The right header with other members; one that is to be None is left out."""
        right = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": self.kid, "typ": "bankd-request"}
        return json.dumps({name: value for name, value in {**right, **changes}.items() if value is not None}).encode()

    def plain(self, request: str, changes: Mapping[str, Any]) -> bytes:
        """What is to be encrypted, with other members; one that is to be None is left out."""
        right: dict[str, Any] = {"nonce": self.nonce, "n": self.count, "request": request, "pad": ""}
        members = {name: value for name, value in {**right, **changes}.items() if value is not None}
        bare = json.dumps(members)
        if members.get("pad") == "":
            bare = json.dumps(members | {"pad": "." * (-len(bare) % 256)})
        return bare.encode()

    def parts(self, header: bytes, plain: bytes, cek: bytes | None = None, iv_octets: int = 12) -> list[str]:
        """The five parts of a JWE."""
        cek = os.urandom(32) if cek is None else cek
        protected, iv = spell(header), os.urandom(iv_octets)
        sealed = AESGCM(cek).encrypt(iv, plain, protected.encode())
        wrapped = self._key.encrypt(cek, OAEP(MGF1(SHA256()), SHA256(), None))
        return [protected, spell(wrapped), spell(iv), spell(sealed[:-16]), spell(sealed[-16:])]

    def seal(self, request: str, header: Mapping[str, Any] | None = None, **members: Any) -> str:
        """A request under seal, which counts."""
        made = ".".join(self.parts(self.header(header or {}), self.plain(request, members)))
        self.count += 1
        return made

    def say(self, jwe: str, tag: str = "a") -> None:
        """Send what is sealed."""
        self.line.say(f"{tag} SEALED jwe={jwe}")

    def begin(self, request: str = "NOOP") -> "Session":
        """Begin a sealed session with a request, which is sent with the tag ``a``; its answer is the first to come."""
        secret = os.urandom(32)
        self.say(self.seal(request, session=spell(secret)))
        return Session(self.line, secret, self.nonce)


class Session:
    """A sealed session of one's own making."""

    def __init__(self, line: Line, secret: bytes, nonce: str) -> None:
        self.line = line
        self._ciphers = [
            AESGCM(HKDF(SHA256(), 32, salt=bytes.fromhex(nonce), info=info).derive(secret)) for info in DIRECTIONS
        ]
        self.sent = self.told = 0

    def seal(self, line: str) -> str:
        """The next line, sealed."""
        return self.seal_octets(padded(line.encode()))

    def seal_octets(self, octets: bytes) -> str:
        """Octets as the next line, with no padding but what is in them."""
        self.sent += 1
        return spell(self._ciphers[0].encrypt((self.sent - 1).to_bytes(12, "big"), octets, None))

    def say(self, *lines: str) -> None:
        """Send lines, sealed."""
        self.line.say(*map(self.seal, lines))

    def read(self, sealed: str) -> str:
        """What the bank's next line says. Raises Wrong."""
        try:
            opened = self._ciphers[1].decrypt(self.told.to_bytes(12, "big"), read(sealed), None)
        except Exception as error:
            raise Wrong(f"the bank's line does not open: {sealed!r}") from error
        self.told += 1
        demand(len(opened) % 64 == 0, "the bank's line is not padded")
        return opened.rstrip(b"\0").removesuffix(b"\x80").decode()

    def hear(self, count: int) -> list[str]:
        """So many lines of the bank's."""
        return [self.read(self.line.until("")[0]) for _ in range(count)]

    def to_the_end(self) -> Sequence[str]:
        """The lines of the bank's up to its close."""
        return [self.read(sealed) for sealed in self.line.to_the_end()]
