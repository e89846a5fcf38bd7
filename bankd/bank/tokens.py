"""Tokens of trusted terminals, and pseudonyms of those that the bank does not know.

A token is a device cookie (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"): the bank gives it to a
terminal at a log-in, and a later log-in that shows it comes from a source of its own, which no stranger's failures are
counted against. It proves nothing else, and is kept nowhere but at the terminal: it is a random id of 16 octets, a
point, and an HMAC-SHA-256 (RFC 2104) over whose it is and the id, both in base64url (RFC 4648, section 5, without
padding).

The keys come from the pepper by HKDF-SHA-256 (RFC 5869), one for each use.
"""

import hmac
from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bankd.bank.accounts import RandomBelow

ID_OCTETS = 16
"""How long a terminal's id is."""


class TokenKeys:
    """Makes and checks tokens, and makes pseudonyms, for the bank that has the ``pepper``."""

    def __init__(self, pepper: bytes) -> None:
        self._of_terminals = _derived(pepper, b"bankd terminal token")
        self._of_strangers = _derived(pepper, b"bankd pseudonym")

    def new(self, customer_id: int, generation: int, random_below: RandomBelow) -> str:
        """A token for another terminal of a customer's, void once the customer's tokens are of another generation."""
        terminal = _text(random_below(1 << 8 * ID_OCTETS).to_bytes(ID_OCTETS))
        return f"{terminal}.{self._mac(customer_id, generation, terminal)}"

    def terminal(self, token: str | None, customer_id: int | None, generation: int) -> str | None:
        """The id of the customer's terminal that was given ``token``; None where it is none of this customer's.

        For nobody, and without a token, it is the same work.
        """
        terminal, _, mac = (token or "").partition(".")
        right = self._mac(customer_id or 0, generation, terminal)
        is_right = hmac.compare_digest(mac.encode(), right.encode())
        return terminal if is_right and customer_id is not None else None

    def pseudonym(self, claimed: str) -> str:
        """What stands for ``claimed`` where it is counted without being known to anybody who reads the database."""
        return _text(hmac.digest(self._of_strangers, claimed.encode(), "sha256"))

    def _mac(self, customer_id: int, generation: int, terminal: str) -> str:
        whose = f"{customer_id} {generation} {terminal}"
        return _text(hmac.digest(self._of_terminals, whose.encode(), "sha256"))


def _derived(pepper: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(pepper)


def _text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
