"""Money as integer minor units of an ISO 4217 currency, read strictly and written plainly.

No float and no Decimal is used: both accept spellings (``1_000``, ``NaN``, Arabic digits) that a bank must refuse.
"""

import re
from functools import cache

import iso4217

MAX_AMOUNT_MINOR = 10**15 - 1
"""The largest amount that one command may move: fifteen digits of minor units."""

MAX_HOLDING_MINOR = 10**15 - 1
"""The largest balance of a customer's account. It is far below what a till may reach, for all customers share those."""

MAX_BALANCE_MINOR = 10**18 - 1
"""The largest balance, in either direction, that any account may reach; 64 bits hold it with room to add."""

SIGNS = {"$": ("USD", "AUD", "CAD", "HKD", "NZD", "SGD", "MXN"), "€": ("EUR",), "£": ("GBP",), "¥": ("JPY", "CNY")}
"""Currency signs that people write before an amount, and the currencies that each may stand for."""

_AMOUNT = re.compile(r"(?P<sign>[$€£¥]?)(?P<units>0|[1-9][0-9]{0,14})(?:\.(?P<part>[0-9]{1,4}))?", re.ASCII)


class NotMoney(ValueError):
    """The text is not an amount of this currency; the message says what would be."""


class OtherCurrency(NotMoney):
    """The text has another currency's sign."""


class OutOfRange(NotMoney):
    """The amount is zero, or more than MAX_AMOUNT_MINOR."""


CURRENCIES = frozenset(currency.code for currency in iso4217.Currency if currency.exponent is not None)
"""Every ISO 4217 currency that has minor units, so that an account can be kept in it."""


def is_currency(code: str) -> bool:
    """Whether ``code`` is one of CURRENCIES."""
    return code in CURRENCIES


@cache
def exponent(code: str) -> int | None:
    """The number of decimals that ISO 4217 gives the currency ``code``; None for units without any, such as gold.

    Raises ValueError for what is no code.
    """
    places: int | None = iso4217.Currency(code).exponent
    return places


def parse(text: str, currency: str) -> int:
    """Read an amount as a person writes it (``100``, ``99.50``, ``$100``) into minor units of ``currency``.

    Raises NotMoney for anything else: signs, separators, too many decimals, another currency's sign, zero, or more
    than MAX_AMOUNT_MINOR.
    """
    places = exponent(currency) or 0
    found = _AMOUNT.fullmatch(text)
    if found is None or len(found["part"] or "") > places:
        raise NotMoney(f"an amount is digits with at most {places} decimals, such as {example(currency)}")
    if found["sign"] and currency not in SIGNS[found["sign"]]:
        raise OtherCurrency(f"the account is kept in {currency}")
    amount = int(found["units"] + (found["part"] or "").ljust(places, "0"))
    if not 0 < amount <= MAX_AMOUNT_MINOR:
        raise OutOfRange(f"an amount is more than zero and at most {plain(MAX_AMOUNT_MINOR, currency)}")
    return amount


def plain(amount_minor: int, currency: str) -> str:
    """Write minor units as digits with the currency's decimals and no separators: ``-1234.50``."""
    places = exponent(currency) or 0
    digits = str(abs(amount_minor)).rjust(places + 1, "0")
    whole, part = (digits[:-places], "." + digits[-places:]) if places else (digits, "")
    return f"{'-' if amount_minor < 0 else ''}{whole}{part}"


def written(amount_minor: int, currency: str) -> str:
    """Write minor units for a person to read, with the currency's code: ``-1,234.50 USD``."""
    number = plain(abs(amount_minor), currency)
    whole, point, part = number.partition(".")
    return f"{'-' if amount_minor < 0 else ''}{int(whole):,}{point}{part} {currency}"


def example(currency: str) -> str:
    """An amount as it may be typed for ``currency``, to show in a hint: ``12.50``."""
    return plain(125 * 10 ** (exponent(currency) or 0) // 10, currency)
