"""A checkpoint: what the ledger came to at one moment, to be signed and kept where the database is not.

Entries are numbered from 1 without gaps, so the number of the newest is also their count. A checkpoint names it and its
link: from then on the end of the journal can no more be cut off unseen than its middle can be changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The newest ``entry`` (0 before the first) at ``at_us``, its link as ``head``, and what ``tills`` hold.

    ``tills`` has the balance of each currency's till: less than zero by what customers have paid in and not out.
    """

    at_us: int
    entry: int
    head: bytes
    tills: Mapping[str, int] = field(default_factory=dict)

    def claims(self) -> dict[str, Any]:
        """What is signed: values of JSON."""
        return {"at_us": self.at_us, "entry": self.entry, "head": self.head.hex(), "tills": dict(self.tills)}


def read_claims(claims: Mapping[str, Any]) -> Checkpoint:
    """The checkpoint that ``claims`` are those of. Raises ValueError when they are not a checkpoint's."""
    try:
        tills = {str(currency): int(balance) for currency, balance in claims["tills"].items()}
        return Checkpoint(int(claims["at_us"]), int(claims["entry"]), bytes.fromhex(claims["head"]), tills)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("these are not the claims of a checkpoint") from error
