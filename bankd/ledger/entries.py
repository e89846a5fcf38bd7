"""What the journal is made of: entries, and what each is to the owners of its two accounts."""

from dataclasses import dataclass
from typing import NamedTuple

MOVES_NOTHING = frozenset({"hold", "release", "expiry"})
"""Kinds of entries that set money aside or free it again, and leave both balances as they were."""

_TO_PAYER = {"transfer": "paid", "capture": "paid", "release": "withdrawn", "expiry": "withdrawn"}
_TO_PAYEE = {"transfer": "received", "capture": "received", "hold": "promised", "release": "released"}
_TO_PAYEE["expiry"] = "released"


class Entry(NamedTuple):
    """One event of the ledger, as the journal keeps it for ever.

    For each side: the account, its balance after the entry, its entry before this one, and the number that this event
    has among the account's. ``at_us`` is microseconds since 1970 in UTC. ``of_id`` is the entry that this one is a fee
    or a reversal of, or the hold that it ends; ``expires_us`` is when a hold ends by itself.
    """

    id: int
    kind: str
    debit_id: int
    credit_id: int
    amount_minor: int
    debit_balance: int
    credit_balance: int
    debit_previous: int | None
    credit_previous: int | None
    debit_event: int
    credit_event: int
    at_us: int
    key: str
    customer_id: int
    reference: str | None
    of_id: int | None = None
    expires_us: int | None = None

    @property
    def moves(self) -> bool:
        """Whether money moved, so that the balances after the entry are not those before it."""
        return self.kind not in MOVES_NOTHING

    def side(self, account_id: int) -> "Side":
        """The entry as the owner of ``account_id``, one of its two accounts, sees it."""
        if account_id == self.debit_id:
            kind = _TO_PAYER.get(self.kind, self.kind)
            return Side(kind, -self.amount_minor, self.debit_balance, self.debit_event, self.credit_id)
        kind = _TO_PAYEE.get(self.kind, self.kind)
        return Side(kind, self.amount_minor, self.credit_balance, self.credit_event, self.debit_id)


@dataclass(frozen=True, slots=True)
class Side:
    """One account's side of an entry: what it was to the owner, the amount with its sign, the balance after it, the
    number of the event, and the account on the other side.
    """

    kind: str
    amount_minor: int
    balance_minor: int
    event: int
    other_id: int


class Posted(NamedTuple):
    """An entry that was just made, with the numbers of its two accounts, those of tills too, and their currency."""

    entry: Entry
    debit: str
    credit: str
    currency: str
