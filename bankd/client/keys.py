"""The keys that make money commands safe to repeat: the same command sent twice moves money once."""

from collections.abc import Callable
from uuid import UUID

from twisted.internet.interfaces import IReactorTime

from bankd.wire.messages import Message

NewKey = Callable[[], str]
"""Makes a key that nobody has made before."""


def ordered_key(seconds: float, random: bytes) -> str:
    """A UUID of version 7 (RFC 9562, section 5.7): the time in milliseconds, and 74 bits of ``random``.

    Keys made one after another sort in that order, which keeps the bank's index of them dense.
    """
    milliseconds = int(seconds * 1000) & (1 << 48) - 1
    noise = int.from_bytes(random[:10])
    high, low = noise & (1 << 12) - 1, noise >> 12 & (1 << 62) - 1
    return str(UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 0b10 << 62 | low))


def key_of(request: Message | str) -> str | None:
    """The key of a request that moves money; None for any other, which has no such field."""
    return getattr(request, "key", None)


def key_maker(clock: IReactorTime, random: Callable[[int], bytes]) -> NewKey:
    """What makes keys from this clock and this source of random octets."""
    return lambda: ordered_key(clock.seconds(), random(10))
