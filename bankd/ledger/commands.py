"""What can be asked of the ledger: frozen values, each with the idempotency key that its sender made."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import ClassVar

_NOT_CONTENT = frozenset({"customer_id", "fence", "key"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What every money command carries.

    ``account_id`` is the account of the session that asks, ``customer_id`` the customer in it; ``key`` is unique to the
    customer. ``fence`` is the number of the session's lease, checked again in the transaction that moves the money;
    None is for the bank itself, which holds no lease. ``reference`` is the sender's words on the statement.
    """

    kind: ClassVar[str]

    customer_id: int
    account_id: int
    fence: int | None
    key: str
    reference: str | None = None

    @property
    def parts(self) -> "Sequence[Command]":
        """The commands that are decided: this one, but for a set those in it."""
        return (self,)

    @property
    def content(self) -> str:
        """What must be equal for two commands to be the same one sent twice: all but the session it came through."""
        said = [getattr(self, field.name) for field in fields(self) if field.name not in _NOT_CONTENT]
        return json.dumps([self.kind, *said], ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment(Command):
    """A command that names an amount of ``currency``, and where it goes: to the account numbered ``payee``, or with
    None to or from the till, where the bank's cash is.
    """

    amount_minor: int
    currency: str
    payee: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit(Payment):
    """Cash paid in: from the till of the currency to the session's account."""

    kind = "deposit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal(Payment):
    """Cash paid out: from the session's account to the till of the currency."""

    kind = "withdrawal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Payment):
    """A payment from the session's account to the account numbered ``payee``."""

    kind = "transfer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Payment):
    """An amount of the session's account set aside for ``payee``, or for cash, for so many ``seconds``."""

    kind = "hold"

    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequel(Command):
    """A command about an entry that is there, ``of_id``: for ``amount_minor`` of it, or with None for all of it."""

    of_id: int
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture(Sequel):
    """Payment out of a hold, asked by either of its accounts. It ends the hold: what is not captured is free again."""

    kind = "capture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Sequel):
    """The end of a hold without payment, asked by whoever would have been paid."""

    kind = "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry(Sequel):
    """The end of a hold whose time has passed, asked by the bank itself."""

    kind = "expiry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal(Sequel):
    """A payment given back, by the account that received it, or by the bank itself."""

    kind = "reversal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk(Command):
    """A set of transfers under one key: all of them or none, or where not ``together`` each by itself.

    Each has a key of its own, made from that of the set.
    """

    kind = "bulk"

    transfers: tuple[Transfer, ...]
    together: bool

    @property
    def parts(self) -> Sequence[Command]:
        """The transfers."""
        return self.transfers

    @property
    def content(self) -> str:
        """A digest of the transfers: a thousand would be long."""
        said = json.dumps([self.kind, self.together, *(transfer.content for transfer in self.transfers)])
        return sha256(said.encode()).hexdigest()
