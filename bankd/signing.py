"""What the bank signs: JSON under Ed25519 in the compact form of JWS (RFC 7515, RFC 8037, RFC 9864).

1. A signed text is ``header.claims.signature``, each in base64url. Whoever has the bank's public key can check it, with
   any library for JWS.
2. The header's ``typ`` says what was signed, so that what is one thing can never be passed off as another.
3. A text that was altered in any octet is refused; joserfc reads base64url strictly, and a test holds it to that.
"""

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

_ALGORITHM: Final = "Ed25519"  # the name that RFC 9864 gives it; RFC 8037's "EdDSA" is deprecated there


class Kind(StrEnum):
    """What a signed text is."""

    CHECKPOINT = "bankd-checkpoint"
    RECEIPT = "bankd-receipt"
    KEYS = "bankd-keys"


class NotKey(ValueError):
    """The text is not an Ed25519 key of the wanted half in PEM."""


class NotSigned(ValueError):
    """The text is nothing that this key has signed as what it is said to be; the message says why."""


def new_key() -> bytes:
    """A new private key in PEM (PKCS #8)."""
    return _pem(OKPKey.generate_key(_ALGORITHM), private=True)


class PublicKey:
    """The half of the key that anybody may have. Raises NotKey."""

    def __init__(self, pem: bytes) -> None:
        self._key = _key(pem)
        self.pem = _pem(self._key, private=False)

    @classmethod
    def from_x(cls, x: str) -> "PublicKey":
        """The key whose ``x`` this is. Raises NotKey."""
        return cls(_pem(_key({"kty": "OKP", "crv": _ALGORITHM, "x": x}), private=False))

    @property
    def x(self) -> str:
        """The key's 32 octets in base64url: the member ``x`` of a JSON Web Key (RFC 8037)."""
        return str(self._key.as_dict(private=False)["x"])

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the key's SubjectPublicKeyInfo (RFC 5280) in DER: short enough to be read to somebody."""
        der = self._key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).hexdigest()

    def read(self, kind: Kind, text: str) -> Any:
        """What was signed, if ``text`` is of ``kind`` and bears the signature of this key. Raises NotSigned."""
        try:
            signed = jws.deserialize_compact(text, self._key, algorithms=[_ALGORITHM])
            header, said = signed.headers(), json.loads(signed.payload)
        except (JoseError, ValueError, RecursionError) as error:  # who signs may sign what no reader of JSON takes
            raise NotSigned("the signature is not by this key, or something was altered") from error
        if header != _header(kind):
            raise NotSigned(f"what is signed is not a {kind}")
        return said


class PrivateKey(PublicKey):
    """The whole key. Raises NotKey."""

    def __init__(self, pem: bytes) -> None:
        super().__init__(pem)
        if not self._key.is_private:
            raise NotKey("there is no private key in it")

    def sign(self, kind: Kind, claims: Mapping[str, Any]) -> str:
        """``claims``, signed as what ``kind`` says."""
        payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
        return jws.serialize_compact(_header(kind), payload, self._key, algorithms=[_ALGORITHM])


def _header(kind: Kind) -> dict[str, Any]:
    return {"alg": _ALGORITHM, "typ": str(kind)}


def _key(spelt: bytes | dict[str, Any]) -> OKPKey:
    try:
        key = OKPKey.import_key(spelt)
    except (JoseError, ValueError, TypeError) as error:
        raise NotKey("there is no Ed25519 key in it") from error
    if key.curve_name != _ALGORITHM:
        raise NotKey("there is no Ed25519 key in it")
    return key


def _pem(key: OKPKey, private: bool) -> bytes:
    pem: bytes = key.as_pem(private=private)
    return pem
