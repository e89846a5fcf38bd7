"""Statements as they travel: lines, what closes a page of them, and the period that was asked for.

Amounts are integer minor units, times microseconds since 1970 in UTC; balances are those of the account.
"""

from dataclasses import dataclass

from bankd.wire.grammar import AccountNumber, Count, Currency, Signed, Text, Time, Word


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


@dataclass(frozen=True, slots=True)
class Statement:
    """A page of an account's entries, newest first."""

    lines: tuple[StatementLine, ...]
    end: StatementEnd
