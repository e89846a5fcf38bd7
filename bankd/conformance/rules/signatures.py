"""Rules about what is signed: receipts (section 7), and the key for sealing (section 15)."""

import base64
import json

from bankd.conformance.candidate import Candidate
from bankd.conformance.rule import Broken, demand, rule

SIGNATURE_OCTETS = 64
"""How long a signature by Ed25519 is (RFC 8032)."""

LEAST_BITS = 3072
"""The shortest RSA key that is one (section 15)."""

GRACE_SECONDS = 300
"""By so much the server's clock may be ahead of the one here."""


@rule(7)
def signed(bank: Candidate) -> None:
    """CERTIFY gives a JSON Web Signature by Ed25519 over what the entry says."""
    person, line = bank.new_session(100)
    entry = line.ask("STATEMENT").item(0)
    certified = line.ask(f"CERTIFY receipt={entry.field('receipt')}").expect("200")
    header, says = _parts("signed", certified.field("signed"))
    demand(header == {"alg": "Ed25519", "typ": "bankd-receipt"}, f"the header of signed= is {json.dumps(header)}")
    expected = {"receipt": entry.amount("receipt"), "account": person.account, "amount": 100, "balance": 100}
    demand(expected.items() <= says.items(), f"signed= is of {json.dumps(says)}, and the entry is {entry.line!r}")


@rule(15)
def published(bank: Candidate) -> None:
    """KEYS gives a signed set of keys, and a nonce that is the connection's own."""
    line, other = bank.connect(), bank.connect()
    first, again, elsewhere = (one.ask("KEYS").expect("200") for one in (line, line, other))
    nonce, same, another = (answer.field("nonce") for answer in (first, again, elsewhere))
    demand(nonce == same, f"the nonce of one connection is {nonce}, and then {same}")
    demand(nonce != another, f"two connections have the nonce {nonce}")
    header, says = _parts("keys", first.field("keys"))
    demand(header == {"alg": "Ed25519", "typ": "bankd-keys"}, f"the header of keys= is {json.dumps(header)}")
    demand(len(_found(says)) == 1, f"keys= has to have one key in it, and says {json.dumps(says)[:200]}")


@rule(15)
def fresh(bank: Candidate) -> None:
    """The key that KEYS gives is good now: `iat` is not to come, and `exp` is."""
    _, says = _parts("keys", bank.connect().ask("KEYS").expect("200").field("keys"))
    begins, ends = _time(says, "iat"), _time(says, "exp")
    now = bank.now()
    demand(begins <= now + GRACE_SECONDS, f"the key is good from iat={begins}, and it is {now:.0f}")
    demand(ends > now, f"the key was good until exp={ends}, and it is {now:.0f}")


@rule(15)
def sealing_key(bank: Candidate) -> None:
    """The key that KEYS gives is one of RSA, for encryption by RSA-OAEP-256, with a `kid` and of 3072 bits or more."""
    _, says = _parts("keys", bank.connect().ask("KEYS").expect("200").field("keys"))
    for key in _found(says):
        for member, value in (("kty", "RSA"), ("use", "enc"), ("alg", "RSA-OAEP-256")):
            demand(key.get(member) == value, f"the key's {member} is {json.dumps(key.get(member))} and not {value}")
        demand(bool(key.get("kid")) and isinstance(key.get("kid"), str), "the key has no kid")
        bits = _bits(key.get("n"))
        demand(bits >= LEAST_BITS, f"the key has {bits} bits, and has to have {LEAST_BITS}")


@rule(15)
def broken_seal(bank: Candidate) -> None:
    """What does not open is `* 400 seal`, and the bank closes."""
    line = bank.connect()
    line.send(b"s1 SEALED jwe=bm9uc2Vuc2U.bm9uc2Vuc2U.bm9uc2Vuc2U.bm9uc2Vuc2U.bm9uc2Vuc2U\r\n")
    line.demand_event("400 seal", closes=True)


def _time(says: dict[str, object], name: str) -> float:
    """A member in seconds since 1970. Raises Broken."""
    value = says.get(name)
    if not isinstance(value, int | float):
        raise Broken(f"keys= has to have {name} in seconds, and says {json.dumps(says)[:200]}")
    return value


def _found(says: dict[str, object]) -> list[dict[str, object]]:
    """The keys of a JWK set (RFC 7517)."""
    keys = says.get("keys")
    return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []


def _bits(modulus: object) -> int:
    """How long a number of a JWK is. Raises Broken."""
    try:
        return int.from_bytes(_octets(str(modulus)), "big").bit_length()
    except ValueError:
        raise Broken(f"the key's n is {json.dumps(modulus)}") from None


def _parts(name: str, jws: str) -> tuple[dict[str, object], dict[str, object]]:
    """Header and content of a JWS in compact form (RFC 7515), whose signature is not verified. Raises Broken."""
    try:
        header, content, signature = jws.split(".")
        told = json.loads(_octets(header)), json.loads(_octets(content))
        length = len(_octets(signature))
    except ValueError:
        raise Broken(f"{name}= is no JWS: {jws[:200]!r}") from None
    demand(all(isinstance(part, dict) for part in told), f"{name}= is no JWS of objects: {jws[:200]!r}")
    demand(length == SIGNATURE_OCTETS, f"the signature of {name}= has {length} octets, and one by Ed25519 has 64")
    return told


def _octets(text: str) -> bytes:
    """What is written in base64url without padding."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
