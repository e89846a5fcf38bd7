"""Which passwords and PINs are too easy to guess to be chosen; those that customers have already stay good.

1. A password has at least MIN_PASSWORD characters as the bank compares it, is not one character repeated, and is none
   of the passwords that many people have.
2. A PIN is neither one digit repeated, nor a run of digits up or down, past nine too.
3. What others may know of a customer is no secret: neither a password, whatever its case, nor a PIN stands in it, read
   forwards or backwards.
"""

from collections.abc import Collection
from functools import cache
from itertools import pairwise

from sqlalchemy import Connection

from bankd import codes
from bankd.bank.hashing import prepared
from bankd.codes import Refused
from bankd.store import customers

MIN_PASSWORD = 8
"""Characters that a password has at least."""


def check(kind: str, secret: str, known: Collection[str | None], field: str | None = None) -> None:
    """Raises Refused, naming ``field`` or else the ``kind``, ``password`` or ``pin``, when a new secret is too weak.

    ``known`` is what others may know of the customer: names, addresses and numbers.
    """
    spelt = prepared(secret)
    folded = spelt.casefold()
    is_weak = _is_row(spelt) if kind == "pin" else len(spelt) < MIN_PASSWORD or folded in _common_passwords()
    if is_weak or len(set(folded)) == 1 or _stands_in(folded, [prepared(word).casefold() for word in known if word]):
        raise Refused(codes.WEAK_SECRET, field or kind)


def known_of(connection: Connection, customer_id: int) -> list[str | None]:
    """What others may know of a customer who is there already."""
    view = customers.customer(connection, customer_id)
    numbers = [account.number for account in customers.open_accounts(connection, customer_id)]
    return [view.username, view.mobile, view.name, view.email, *numbers]


def _stands_in(secret: str, known: Collection[str]) -> bool:
    return any(secret in word or secret[::-1] in word for word in known)


def _is_row(pin: str) -> bool:
    """Whether each digit is one more than that before it, or one less; after 9 comes 0."""
    return {(int(after) - int(before)) % 10 for before, after in pairwise(pin)} in ({1}, {9})


@cache
def _common_passwords() -> frozenset[str]:
    """The common passwords of zxcvbn's list that are long enough, casefolded: 11,611, of what leaks have shown.

    The list takes 30 ms and 14 MiB to load, so it is left until somebody chooses a password.
    """
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(word.casefold() for word in FREQUENCY_LISTS["passwords"] if len(word) >= MIN_PASSWORD)
