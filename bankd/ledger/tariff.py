"""What the bank charges, and how much an account may spend where it has no limits of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

DAY_US = 86_400_000_000
"""A day, without leap seconds."""


def day_of(at_us: int) -> int:
    """The day in UTC, counted from 1970, of microseconds since then."""
    return at_us // DAY_US


class Limited(Protocol):
    """An account as far as its limits go: its own, None for the tariff's, and what was spent on which day."""

    @property
    def currency(self) -> str: ...
    @property
    def payment_limit_minor(self) -> int | None: ...
    @property
    def day_limit_minor(self) -> int | None: ...
    @property
    def day(self) -> int: ...
    @property
    def spent_minor(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Tariff:
    """Amounts in minor units by currency; a currency that is missing has no such fee or limit.

    ``fees`` are by the kind of command, then by currency. ``payment_limits`` hold for each transfer, withdrawal or
    hold, ``day_limits`` for all of them on one day in UTC. ``unusual_withdrawals`` are not refused: the owner is told.
    """

    fees: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    payment_limits: Mapping[str, int] = field(default_factory=dict)
    day_limits: Mapping[str, int] = field(default_factory=dict)
    unusual_withdrawals: Mapping[str, int] = field(default_factory=dict)

    def fee(self, kind: str, currency: str) -> int:
        """The fee for a command of ``kind``, 0 for none."""
        return self.fees[kind].get(currency, 0) if kind in self.fees else 0

    def payment_limit_minor(self, account: Limited) -> int | None:
        """The most that ``account`` may spend at once; None for no limit."""
        own = account.payment_limit_minor
        return self.payment_limits.get(account.currency) if own is None else own

    def day_limit_minor(self, account: Limited) -> int | None:
        """The most that ``account`` may spend in a day; None for no limit."""
        own = account.day_limit_minor
        return self.day_limits.get(account.currency) if own is None else own

    def left_minor(self, account: Limited, day: int) -> int | None:
        """What ``account`` may still spend on ``day``, counted from 1970 in UTC; None for no limit."""
        limit = self.day_limit_minor(account)
        if limit is None:
            return None
        return max(0, limit - (account.spent_minor if account.day == day else 0))


FREE = Tariff()
"""No fees and no limits."""
