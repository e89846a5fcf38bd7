"""The window that a receiver keeps against datagrams that come again (RFC 4303, section 3.4.3; RFC 6479).

1. Each number is taken once. Datagrams may overtake each other by less than WINDOW numbers; what is further behind the
   highest is refused, since nobody remembers any more whether it came before.
2. A number is looked up before its datagram is opened, which is cheap, and noted only after it was: or a forged number
   would move the window away from the true ones.
"""

WINDOW = 1024
"""How many numbers are remembered: the highest that came, and those just below it. RFC 4303 has 64 as usual."""

_ALL = (1 << WINDOW) - 1


class ReplayWindow:
    """Which numbers from 1 on have come; bit n of ``_seen`` tells of the number n below the highest."""

    def __init__(self) -> None:
        self._highest = 0
        self._seen = 1  # there is no number 0

    def admits(self, number: int) -> bool:
        """Whether ``number`` is new, and not too far behind."""
        behind = self._highest - number
        return behind < 0 or (behind < WINDOW and not self._seen >> behind & 1)

    def note(self, number: int) -> None:
        """Remember that ``number``, which is admitted, has come."""
        ahead = number - self._highest
        if ahead > 0:
            self._seen = (self._seen << min(ahead, WINDOW) | 1) & _ALL
            self._highest = number
        else:
            self._seen |= 1 << -ahead
