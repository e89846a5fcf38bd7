"""What client and server said to each other while a rule was looked at, without secrets."""

import re
from collections.abc import Sequence

LONGEST_TOLD = 240
"""So many characters of a line are told."""

MOST_LINES_TOLD = 100
"""So many lines of a conversation are told, the last ones."""

_SECRETS = re.compile(r"(?<![^ ])(?P<name>password|pin|new|code|secret|terminal)=[^ ]+")
_RUNS = re.compile(r"(.{1,12}?)\1{30,}")
"""The same over and over, of which a little tells as much."""


class Conversation:
    """Lines in the form of the page's examples: ``C:`` and ``S:``, with a number from the second connection on."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._connections = 0

    def begin(self) -> str:
        """Count one more connection; what its lines are told with."""
        self._connections += 1
        return "" if self._connections == 1 else str(self._connections)

    def add(self, who: str, text: str) -> None:
        """Add what ``who`` said: ``C``, ``S2``."""
        self._lines.append(f"{who}: {told(text)}")

    def note(self, text: str) -> None:
        """Add what happened besides, in parentheses."""
        self._lines.append(f"({text})")

    def lines(self) -> Sequence[str]:
        """All of it; of a long one the end."""
        left_out = len(self._lines) - MOST_LINES_TOLD
        if left_out <= 0:
            return tuple(self._lines)
        return (f"({left_out} lines before)", *self._lines[left_out:])


def told(text: str) -> str:
    """A line as it may be shown: without secrets, and not longer than is read."""
    text = _RUNS.sub(lambda run: f"{run[1] * 3}...", _SECRETS.sub(r"\g<name>=***", text))
    return text if len(text) <= LONGEST_TOLD else f"{text[:LONGEST_TOLD]}... ({len(text)} characters)"


def readable(octets: bytes) -> str:
    """Octets as a line of text, where all that is not printed is escaped: ``a1 NOOP\\x00``."""
    return "".join(chr(octet) if 32 <= octet < 127 else repr(chr(octet))[1:-1] for octet in octets)
