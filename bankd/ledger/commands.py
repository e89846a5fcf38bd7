"""What can be asked of the ledger: frozen values, each with the idempotency key that its sender made."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What every money command carries.

    ``account_id`` is the account of the session that asks, ``customer_id`` the customer in it; ``key`` is unique to the
    customer. ``fence`` is the number of the session's lease, checked again in the transaction that moves the money;
    None is for the bank itself, which holds no lease. ``reference`` is the payer's words on the statement.
    """

    kind: ClassVar[str]

    customer_id: int
    account_id: int
    fence: int | None
    key: str
    amount_minor: int
    currency: str
    payee: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit(Command):
    """Cash paid in: from the till of the currency to the session's account."""

    kind = "deposit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal(Command):
    """Cash paid out: from the session's account to the till of the currency."""

    kind = "withdrawal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Command):
    """A payment from the session's account to the account numbered ``payee``."""

    kind = "transfer"
