"""What is fed: one reader of octets, with the properties that must hold whatever the octets are."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from bankd.codes import BY_WIRE, Refused

T = TypeVar("T")


class Wrong(AssertionError):
    """A property does not hold; the message says which."""


class Target(Protocol):
    """One reader. ``weight`` is its part of the inputs when all targets share them.

    After ``crowd`` inputs it begins anew; where that is 0, it forgets each by itself.
    """

    weight: int
    crowd: int

    def seeds(self) -> Sequence[bytes]:
        """Inputs that are valid, or nearly, from which others are made."""

    def words(self) -> Sequence[bytes]:
        """What is worth putting into an input."""

    def feed(self, data: bytes) -> None:
        """Read ``data``. Raises Wrong where a property does not hold; any other exception is one as well."""

    def fresh(self) -> None:
        """Begin anew, as if nothing had been fed. Raises Wrong where what was fed has left something broken."""


class Stateless:
    """A target that forgets each input."""

    weight = 100
    crowd = 0

    def words(self) -> Sequence[bytes]:
        """None."""
        return ()

    def fresh(self) -> None:
        """Nothing was kept."""


def ensure(holds: object, *told: object) -> None:
    """Raise Wrong with what is ``told`` unless a property ``holds``."""
    if not holds:
        raise Wrong(*told)


def or_refused(read: Callable[..., T], *arguments: object) -> T | None:
    """What is read; None where that is refused with a code that is documented."""
    try:
        return read(*arguments)
    except Refused as refused:
        code = refused.code
        ensure(BY_WIRE.get((code.number, code.reason)) is code and code.refuses, "no code for a refusal", code)
        return None
