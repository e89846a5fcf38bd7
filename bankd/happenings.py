"""What happened on a customer's account, as it goes out to other systems."""

from dataclasses import dataclass, field
from typing import Any

from bankd.notices import Notice
from bankd.parcels import Contact
from bankd.wire.grammar import write_time


@dataclass(frozen=True, slots=True)
class Happening:
    """One event on an account: what its owner is told of it, and how the owner is reached."""

    account: str
    notice: Notice
    contact: Contact = field(default=Contact(None), repr=False)

    @property
    def id(self) -> str:
        """The same for this event however often it is sent, and for no other: receivers drop doubles by it."""
        return f"{self.account}_{self.notice.number}"

    def as_json(self) -> dict[str, Any]:
        """What a program is told: a type, a time, and data of which what there is not is left out."""
        told = self.notice
        data = {
            "account": self.account,
            "number": told.number,
            "kind": told.kind,
            "amount": told.amount_minor,
            "balance": told.balance_minor,
            "currency": told.currency,
            "counterparty": told.counterparty,
            "reference": told.reference,
            "words": told.words,
            "period": told.period,
        }
        given = {name: value for name, value in data.items() if value is not None}
        return {"type": f"account.{told.kind}", "timestamp": write_time(told.at_us), "data": given}
