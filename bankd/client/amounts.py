"""Amounts as people type and read them, by the marks of their language; ``money`` has the form that needs none.

1. What is typed is an amount in one way only, or it is asked back: groups have three digits each, or there are none.
2. Where groups could be decimals elsewhere, as in ``1.500`` of a currency with three of these, it is asked back.
"""

import re

from bankd import language, money
from bankd.language import Marks, _

_SIGNED = re.compile(r"(?P<before>[$€£¥]?) ?(?P<number>[0-9][0-9.,]*)(?: ?(?P<after>[$€£¥]|[A-Za-z]{3}))?", re.ASCII)
_IN_GROUPS = re.compile(r"[$€£¥]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]+)?", re.ASCII)
_LONG = re.compile(r"[$€£¥]?[1-9][0-9]{15,}(\.[0-9]+)?", re.ASCII)
_ZEROS = re.compile(r"[$€£¥]?0[0-9]+(\.[0-9]+)?", re.ASCII)


class NotAmount(ValueError):
    """What was typed is not an amount, or not clearly one; the message says what would be, in the person's words."""


def parse(typed: str, currency: str) -> int:
    """The amount that was ``typed`` of ``currency``, in minor units. Raises NotAmount."""
    marks = language.marks()
    found = _SIGNED.fullmatch(typed)
    sign = (found["before"] or found["after"] or "") if found else ""
    if sign and sign.upper() != currency and currency not in money.SIGNS.get(sign, ()):
        raise NotAmount(_("the account is kept in {currency}").format(currency=currency))
    plain = _without_marks(found["number"], marks) if found and not (found["before"] and found["after"]) else None
    try:
        amount_minor = money.parse(plain or "", currency)
    except money.NotMoney as error:
        raise NotAmount(_why(error, plain or "", currency, marks)) from None
    other = _elsewhere(found["number"], marks, currency) if found else None
    if other not in (None, amount_minor):
        one, two = plain_amount(amount_minor, currency), plain_amount(other or 0, currency)
        raise NotAmount(_("this could be {one} or {two}; please type it like that").format(one=one, two=two))
    return amount_minor


def parse_english(text: str, currency: str) -> int:
    """The amount in a task, in minor units: as English writes it, whatever is spoken. Raises NotAmount."""
    clear = "." in text or (money.exponent(currency) or 0) < 3
    plain = text.replace(",", "") if clear and _IN_GROUPS.fullmatch(text) else text
    try:
        return money.parse(plain, currency)
    except money.NotMoney as error:
        raise NotAmount(why_not(error, plain, currency)) from None


def written(amount_minor: int, currency: str) -> str:
    """An amount to read, in groups and with its currency: ``-1,234.50 USD``."""
    marks = language.marks()
    text = money.written(amount_minor, currency)
    return text.translate({ord("."): marks.decimal, ord(","): marks.group})


def plain_amount(amount_minor: int, currency: str) -> str:
    """An amount as it may be typed, and stands in tables: ``-1234.50``."""
    return money.plain(amount_minor, currency).replace(".", language.marks().decimal)


def why_not(error: money.NotMoney, text: str, currency: str) -> str:
    """Why ``text`` in a file or a task is no amount; there, every language writes amounts alike."""
    return _why(error, text, currency, Marks(".", ","))


def _why(error: money.NotMoney, plain: str, currency: str, marks: Marks) -> str:
    """Why ``plain``, which has a point before its decimals and no groups, is no amount."""
    example = money.example(currency).replace(".", marks.decimal)
    if isinstance(error, money.OtherCurrency):
        return _("the account is kept in {currency}").format(currency=currency)
    if isinstance(error, money.OutOfRange) or _LONG.fullmatch(plain):
        most = money.plain(money.MAX_AMOUNT_MINOR, currency).replace(".", marks.decimal)
        return _("an amount is more than zero and at most {most}").format(most=most)
    if _ZEROS.fullmatch(plain):
        return _("an amount has no needless zeros before it, such as {example}").format(example=example)
    return _("an amount is digits with at most {places} decimals, such as {example}").format(
        places=money.exponent(currency) or 0, example=example
    )


def _without_marks(number: str, marks: Marks) -> str | None:
    """A number with a point before its decimals and no groups; None where its marks are not where they belong."""
    decimal, group = re.escape(marks.decimal), re.escape(marks.group)
    if not re.fullmatch(rf"([0-9]+|[1-9][0-9]{{0,2}}({group}[0-9]{{3}})+)({decimal}[0-9]+)?", number, re.ASCII):
        return None
    return number.replace(marks.group, "").replace(marks.decimal, ".")


def _elsewhere(number: str, marks: Marks, currency: str) -> int | None:
    """What a number with groups and no decimals would be where the two marks change places; None for no amount."""
    if marks.decimal in number:
        return None
    try:
        return money.parse(_without_marks(number, Marks(marks.group, marks.decimal)) or "", currency)
    except money.NotMoney:
        return None
