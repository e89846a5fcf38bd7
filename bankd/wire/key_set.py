"""The key that requests are sealed to, as the bank publishes it: a JWK set (RFC 7517), signed by the bank's identity.

What is signed says whose key it is, since when (``iat``) and until when (``exp``, seconds since 1970): at ``exp``
the bank destroys the key. One key is published at a time. Who does not check the signature against an identity that
they know seals to whoever is in between.
"""

from dataclasses import dataclass

from joserfc.jwk import RSAKey

from bankd.signing import Kind, NotSigned, PrivateKey, PublicKey
from bankd.wire.grammar import Identity, Jws, Nonce
from bankd.wire.seal import NotSealingKey, SealingKey, key_from

LEEWAY_SECONDS = 300
"""By how much a client's clock may be behind the bank's."""


@dataclass(frozen=True, slots=True)
class PublishedKeys:
    """What a client needs to seal: the signed set of ``keys`` (``read``), the ``identity`` whose signature that
    bears, and the connection's ``nonce``.
    """

    keys: Jws
    identity: Identity
    nonce: Nonce


class BadKeySet(ValueError):
    """There is no key in this that may be sealed to; the message says why."""


def sign(signer: PrivateKey, bank: str, key: SealingKey, since: int, until: int) -> str:
    """The signed set with the public half of ``key``, which is the key of ``bank`` from ``since`` to ``until``."""
    public = key.key.as_dict(private=False)
    published = {**public, "kid": key.kid, "use": "enc", "alg": key.algorithm}
    return signer.sign(Kind.KEYS, {"bank": bank, "iat": since, "exp": until, "keys": [published]})


def read(identity: PublicKey, text: str, now: float) -> SealingKey:
    """The key to seal to at ``now``, if ``identity`` signed it for that time. Raises BadKeySet."""
    try:
        claims = identity.read(Kind.KEYS, text)
    except NotSigned as error:
        raise BadKeySet(str(error)) from error
    match claims:
        case {"iat": int(since), "exp": int(until), "keys": [jwk]}:
            pass
        case _:
            raise BadKeySet("it has another form")
    if not since - LEEWAY_SECONDS <= now < until:
        raise BadKeySet("it has expired, or is not valid yet")
    try:
        key = key_from(jwk)
    except NotSealingKey as error:
        raise BadKeySet(str(error)) from error
    if not isinstance(key.key, RSAKey):
        raise BadKeySet("the key in it is not an RSA key")
    return key
