"""Keys for tests of sealed messages, made once for each process: an RSA key takes tenths of a second."""

from functools import cache

from joserfc.jwk import OctKey, RSAKey

from bankd.signing import PrivateKey, new_key
from bankd.wire.seal import SealingKey, key_from


@cache
def _key(number: int) -> SealingKey:
    key = RSAKey.generate_key(3072)
    return SealingKey(key.thumbprint(), key)


def bank_key(number: int = 0) -> SealingKey:
    """The bank's own key, whole; ``number`` tells several apart."""
    return _key(number)


@cache
def public_half() -> SealingKey:
    """What a client has of the first ``bank_key``."""
    whole = bank_key()
    return key_from({**whole.key.as_dict(private=False), "kid": whole.kid})


@cache
def shared_key() -> SealingKey:
    """A key shared beforehand."""
    return SealingKey("till-1", OctKey.generate_key(256))


@cache
def _identity(_number: int) -> PrivateKey:
    return PrivateKey(new_key())


def identity(number: int = 0) -> PrivateKey:
    """The key that the bank signs with; ``number`` tells several banks apart."""
    return _identity(number)
