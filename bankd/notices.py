"""The frozen values about what customers are told. Amounts are integer minor units, times microseconds since 1970."""

from dataclasses import dataclass
from enum import StrEnum

from bankd.wire.grammar import AccountNumber, Count, Currency, Signed, Text, Time, Word


class NoticeKind(StrEnum):
    """What a customer is told of; the word travels."""

    PAID = "paid"
    RECEIVED = "received"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    FEE = "fee"
    HOLD = "hold"
    PROMISED = "promised"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"
    REVERSAL = "reversal"
    DELETION = "deletion"
    CONTACT = "contact"
    SECRET = "secret"
    FAILED = "failed"
    LOCKOUT = "lockout"
    UNUSUAL = "unusual"
    DEVICE = "device"
    RECOVERY = "recovery"
    FROZEN = "frozen"
    UNFROZEN = "unfrozen"
    BROADCAST = "broadcast"


@dataclass(frozen=True, slots=True)
class Notice:
    """What its owner is told of an event: the amount, the balance after it and the other account if money moved, or
    the ``words`` of a broadcast.
    """

    number: Count
    kind: Word
    at_us: Time
    amount_minor: Signed | None = None
    balance_minor: Signed | None = None
    currency: Currency | None = None
    counterparty: AccountNumber | None = None
    reference: Text | None = None
    words: Text | None = None


@dataclass(frozen=True, slots=True)
class Inbox:
    """A page of notices, oldest first, and the number up to which all were acknowledged."""

    notices: tuple[Notice, ...]
    acknowledged: int
