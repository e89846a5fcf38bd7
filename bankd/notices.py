"""The frozen values about what customers are told. Amounts are integer minor units, times microseconds since 1970."""

from dataclasses import dataclass, replace
from enum import StrEnum

from bankd.wire.grammar import AccountNumber, Count, Currency, Kinds, Month, Signed, Text, Time, Word


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
    PREFERENCES = "preferences"
    STATEMENT = "statement"


OPTIONAL = (
    NoticeKind.PAID,
    NoticeKind.RECEIVED,
    NoticeKind.DEPOSIT,
    NoticeKind.WITHDRAWAL,
    NoticeKind.FEE,
    NoticeKind.HOLD,
    NoticeKind.PROMISED,
    NoticeKind.RELEASED,
    NoticeKind.WITHDRAWN,
    NoticeKind.REVERSAL,
    NoticeKind.STATEMENT,
)
"""What a customer may choose not to be told of. All else is the bank's own word, or protects the customer."""

NOTHING = "none"
"""How it is spelt that no kind is switched off."""


@dataclass(frozen=True, slots=True)
class PreferencesView:
    """What an account's owner does not want to be told of.

    ``muted`` are kinds with ``+`` between them, or ``none``; amounts below ``least_minor`` are not told either.
    """

    muted: Kinds
    least_minor: Signed
    currency: Currency

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds that are switched off."""
        return frozenset(self.muted.split("+")) - {NOTHING}

    @property
    def silent(self) -> bool:
        """Whether anything is not told."""
        return self.muted != NOTHING or self.least_minor > 0

    def silences(self, kind: str, amount_minor: int | None) -> bool:
        """Whether an event of a ``kind`` that moved an amount is not told."""
        if kind not in OPTIONAL:
            return False
        return kind in self.kinds or (amount_minor is not None and abs(amount_minor) < self.least_minor)

    def with_other(self, kind: NoticeKind) -> "PreferencesView":
        """The same with a kind switched off, or on where it was off."""
        return replace(self, muted="+".join(sorted(self.kinds ^ {kind.value})) or NOTHING)


@dataclass(frozen=True, slots=True)
class Notice:
    """What its owner is told of an event: the amount, the balance after it and the other account if money moved, the
    ``words`` of a broadcast, or the month whose statement is ready.
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
    period: Month | None = None


@dataclass(frozen=True, slots=True)
class Inbox:
    """A page of notices, oldest first, and the number up to which all were acknowledged."""

    notices: tuple[Notice, ...]
    acknowledged: int
