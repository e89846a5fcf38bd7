"""What is sent to a customer's device outside of any connection: to whom, what, and by which way."""

from dataclasses import dataclass, field

from bankd.wire.grammar import Text, Word


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a customer can be reached; ``mobile`` is in E.164. None for what the bank was not told."""

    name: str | None = None
    mobile: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message, in words for the customer; its text may hold a secret and is shown nowhere else."""

    subject: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Route:
    """The way that a parcel goes: ``by`` is the kind of device or service, ``to`` the address, most of it hidden."""

    by: Word
    to: Text | None = None
