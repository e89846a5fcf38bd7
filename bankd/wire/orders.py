"""The requests that move money or set it aside: each has the key that its sender made, and is carried out once."""

from dataclasses import dataclass

from bankd.wire.grammar import AccountNumber, Amount, Count, Currency, Key, Mode, Seconds, Text
from bankd.wire.message import Message

MAX_BULK = 1000
"""Transfers in one BULK, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit(Message):
    """Pay cash in."""

    verb = "DEPOSIT"
    amount: Amount
    currency: Currency
    key: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(Message):
    """Pay cash out."""

    verb = "WITHDRAW"
    amount: Amount
    currency: Currency
    key: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Message):
    """Pay the account ``to``; ``reference`` is shown on both statements."""

    verb = "TRANSFER"
    to: AccountNumber
    amount: Amount
    currency: Currency
    key: Key
    reference: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkItem:
    """One transfer of many, which travels in a line of its own before that of ``Bulk``."""

    to: AccountNumber
    amount: Amount
    reference: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk(Message):
    """Pay many accounts, ``count`` in number: all of them or none, or each by itself, as ``mode`` says.

    ``items`` are the transfers; they are no field, but lines before this one.
    """

    verb = "BULK"
    count: Count
    mode: Mode
    currency: Currency
    key: Key
    items: tuple[BulkItem, ...] = ()

    @property
    def together(self) -> bool:
        """Whether all are made or none."""
        return self.mode == "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Message):
    """Set an amount aside for the account ``to``, or without one for cash, for ``seconds`` or a week."""

    verb = "HOLD"
    to: AccountNumber | None = None
    amount: Amount
    currency: Currency
    seconds: Seconds | None = None
    key: Key
    reference: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture(Message):
    """Pay ``amount``, or all, of a hold to its payee; what is left of it is free again."""

    verb = "CAPTURE"
    hold: Count
    amount: Amount | None = None
    key: Key
    reference: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Message):
    """End a hold without payment: for its payee, and for the payer where it is for cash."""

    verb = "RELEASE"
    hold: Count
    key: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse(Message):
    """Give back ``amount``, or all that is left, of the payment ``receipt`` that the session's account received."""

    verb = "REVERSE"
    receipt: Count
    amount: Amount | None = None
    key: Key
    reference: Text | None = None
