"""What every request of BANK/1 is: a frozen value whose annotations are its fields, which the codec reads.

A field without a default is required. Where fields go together, ``ways`` lists each set that may be given.
"""

from typing import ClassVar


class Message:
    """A request without its tag. ``verb`` travels; ``ways`` are the sets of fields of which exactly one is given.

    ``secret`` says that it carries what nobody but the bank may see, also where TLS ends before the bank.
    """

    __slots__ = ()
    verb: ClassVar[str]
    ways: ClassVar[tuple[frozenset[str], ...]] = ()
    secret: ClassVar[bool] = False
