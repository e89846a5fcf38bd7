"""Statements as they travel: lines, what closes a page of them, and the period that was asked for.

Amounts are integer minor units, times microseconds since 1970 in UTC; balances are those of the account. A month is
spelt ``2026-10``, begins and ends in UTC, and is of the years 1000 to 9999; as texts months are in their order.
"""

from dataclasses import dataclass

from bankd.wire.grammar import AccountNumber, Count, Currency, Signed, Text, Time, Word, read_time, write_time


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One entry as the account's owner sees it: ``amount_minor`` is negative for money that left."""

    receipt: Count
    at_us: Time
    kind: Word
    amount_minor: Signed
    balance_minor: Signed
    counterparty: AccountNumber | None = None
    reference: Text | None = None


@dataclass(frozen=True, slots=True)
class StatementEnd:
    """What closes a page of a statement: the balance now, and the ``cursor`` of older entries, None at the end.

    ``opening_minor`` is the balance before the oldest entry of the page, ``closing_minor`` the one after its newest;
    the same of the whole period is told with the first page, if a period was asked for.
    """

    currency: Currency
    balance_minor: Signed
    opening_minor: Signed
    closing_minor: Signed
    cursor: Count | None = None
    period_opening_minor: Signed | None = None
    period_closing_minor: Signed | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """The time from ``since_us`` on and before ``before_us``; None is without a bound."""

    since_us: int | None = None
    before_us: int | None = None


ALWAYS = Period()

LAST_MONTH = "9999-12"
"""The last that can be spelt."""


def month_of(at_us: int) -> str:
    """The month that an instant lies in."""
    return write_time(at_us)[:7]


def month_after(month: str) -> str:
    """The month after another."""
    return _month(month, 1)


def month_before(month: str) -> str:
    """The month before another."""
    return _month(month, -1)


def begin_of(month: str) -> int:
    """The first instant of a month."""
    return read_time(f"{month}-01T00:00:00Z")


def period_of(month: str) -> Period:
    """The whole of a month."""
    return Period(begin_of(month), begin_of(month_after(month)) if month < LAST_MONTH else None)


def _month(month: str, later: int) -> str:
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + later, 12)
    return f"{year:04}-{number + 1:02}"


@dataclass(frozen=True, slots=True)
class Statement:
    """A page of an account's entries, newest first."""

    lines: tuple[StatementLine, ...]
    end: StatementEnd
