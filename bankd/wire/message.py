"""What every request of BANK/1 is: a frozen value whose annotations are its fields, which the codec reads.

A field without a default is required. Where fields go together, ``ways`` lists each set that may be given.
"""

from typing import ClassVar


class Message:
    """A request without its tag. ``verb`` travels; ``ways`` are the sets of fields of which exactly one is given."""

    __slots__ = ()
    verb: ClassVar[str]
    ways: ClassVar[tuple[frozenset[str], ...]] = ()
