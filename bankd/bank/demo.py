"""Demo customers: play money, and secrets made at random for this one bank."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bankd.bank import accounts, payments
from bankd.bank.accounts import RandomBelow
from bankd.bank.hashing import Hasher
from bankd.bank.pins import new_pin
from bankd.bank.terms import Terms
from bankd.ledger.commands import Deposit
from bankd.store.engines import Transaction

NAMES = ("alice", "bob", "carol")
OPENING_MINOR = 100_000
"""What each demo customer begins with, in minor units."""

_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


@dataclass(frozen=True, slots=True)
class DemoCustomer:
    """A customer with everything that is needed to be them."""

    username: str
    password: str = field(repr=False)
    account: str
    pin: str = field(repr=False)
    mobile: str


def open_demo(
    tx: Transaction, terms: Terms, random_below: RandomBelow, hasher: Hasher, mobiles: Sequence[str]
) -> list[DemoCustomer]:
    """Make a customer for each of NAMES, with one of ``mobiles`` (E.164) and an opening deposit.

    Raises Refused: TAKEN when one is there already.
    """
    made = []
    for username, mobile in zip(NAMES, mobiles, strict=True):
        password, pin = _password(random_below), new_pin(random_below, mobile)
        details: dict[str, str | None] = {"username": username, "mobile": mobile, "name": username.title()}
        hashes = {"password": hasher.hash(password), "pin": hasher.hash(pin)}
        account = accounts.sign_up(tx, terms, random_below, details, hashes)
        opening = Deposit(
            customer_id=account.customer_id,
            account_id=account.id,
            fence=None,
            key="demo:opening",
            amount_minor=OPENING_MINOR,
            currency=account.currency,
        )
        payments.apply(tx, [opening])
        made.append(DemoCustomer(username, password, account.number, pin, mobile))
    return made


def _password(random_below: RandomBelow) -> str:
    """Three words of two syllables and two digits, some 35 bits, easy to type: ``mavo-tiru-keba-42``."""
    letters = [(_CONSONANTS, _VOWELS)[place % 2] for place in range(12)]
    spelt = "".join(alphabet[random_below(len(alphabet))] for alphabet in letters)
    return f"{spelt[:4]}-{spelt[4:8]}-{spelt[8:]}-{10 + random_below(90)}"
