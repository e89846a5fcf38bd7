"""The request by which customers say what they want to be told of."""

from dataclasses import dataclass

from bankd.wire.grammar import Count, Kinds
from bankd.wire.message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences(Message):
    """Ask what the account's owner is told of, and first change what is given."""

    verb = "PREFERENCES"
    muted: Kinds | None = None
    least: Count | None = None
