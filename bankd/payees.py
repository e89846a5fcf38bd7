"""Whom a customer pays: who that is, as far as a payer is told, and what becomes of many transfers at once.

Amounts are integer minor units. A field annotated with a kind of the wire's grammar travels; plain ones stay inside the
bank.
"""

from dataclasses import dataclass
from unicodedata import normalize

from bankd.wire.grammar import AccountNumber, Count, Currency, Person, Signed, Word

HIDDEN = "***"
"""What stands for the rest of each part of a name, however long that is."""

PARTS_SHOWN = 3
"""Parts of a name that are shown: given names and a family name, and not the whole of a long title."""


@dataclass(frozen=True, slots=True)
class PayeeView:
    """An account as whoever is about to pay it is shown it; ``name`` is its owner's, ``masked``, None where the bank
    was told none.
    """

    account: AccountNumber
    currency: Currency
    name: Person | None = None


def masked(name: str) -> str:
    """A name by which whoever knows its owner knows it, and nobody else learns it: ``B*** M***``.

    Of each part the first letter is left; how long a part is does not show, nor that there are more than three.
    """
    parts = normalize("NFC", name).split()
    return " ".join(f"{part[0]}{HIDDEN}" for part in parts[:PARTS_SHOWN])


@dataclass(frozen=True, slots=True)
class Payee:
    """One transfer of many: the account numbered ``payee``, the amount, and the payer's words."""

    payee: str
    amount_minor: int
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class BulkLine:
    """What became of one transfer of many: ``receipt`` is its number in the journal, ``reason`` why there is none."""

    place: Count
    receipt: Count | None = None
    reason: Word | None = None


@dataclass(frozen=True, slots=True)
class BulkEnd:
    """What became of many transfers: how many were made, how many refused, and how much was paid in all."""

    made: Count
    refused: Count
    amount_minor: Signed
    currency: Currency


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of each of many transfers, in order, and of all."""

    lines: tuple[BulkLine, ...]
    end: BulkEnd
