"""What every form of statement file has in common: text for the head, for each entry and for the foot.

Entries come newest first, as the bank gives them. A reference is another customer's words and a bank is only believed
as far as its certificate goes, so every form escapes whatever is not a number.
"""

from dataclasses import dataclass
from typing import Protocol

from bankd.records import StatementLine


@dataclass(frozen=True, slots=True)
class Head:
    """What is known before the first entry: of which account and time it is, and the balances at both ends.

    ``since_us`` is the beginning, its own moment included, ``until_us`` the end, not included; ``made_us`` is now.
    """

    bank: str
    account: str
    currency: str
    since_us: int
    until_us: int
    opening_minor: int
    closing_minor: int
    made_us: int


class Form(Protocol):
    """Turns a statement into text. ``head`` comes first, then ``entry`` for each, then ``foot``."""

    def head(self, head: Head) -> str:
        """What stands before the entries."""

    def entry(self, line: StatementLine) -> str:
        """One entry."""

    def foot(self) -> str:
        """What stands after the entries."""
