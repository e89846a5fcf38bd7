"""In what tone a line is said, and how a terminal shows that: by colour where it has any and its owner wants them.

The words are the same in every tone: nothing is told by colour alone. Sequences are SGR of ECMA-48; NO_COLOR is that of
https://no-color.org.
"""

from collections.abc import Mapping
from enum import Enum


class Tone(Enum):
    """What kind of line it is; the value is its SGR parameter."""

    PLAIN = ""
    BAR = "7"
    """The row above the question: in reverse."""
    NOTICE = "36"
    """Something that happened on the account: cyan."""
    DONE = "32"
    """What was asked for was done: green."""
    REFUSED = "31"
    """It was refused, or something is wrong: red."""


MONOCHROME = {"", "dumb", "unknown"}, ("vt", "h1", "wy"), ("-m", "-mono")
"""Kinds of terminal without colours by terminfo: some by their names, and others by how these begin and end."""


class Tones:
    """How lines are dressed on one terminal; where it shall have no colours, not at all."""

    def __init__(self, coloured: bool) -> None:
        self._coloured = coloured

    def dressed(self, row: str, tone: Tone) -> str:
        """The ``row`` with what a terminal needs to show its tone."""
        return f"\x1b[{tone.value}m{row}\x1b[m" if self._coloured and row and tone.value else row


def wanted(environment: Mapping[str, str]) -> Tones:
    """Colours, unless NO_COLOR is set to anything or TERM names a kind of terminal that has none."""
    term, (names, begins, ends) = environment.get("TERM", ""), MONOCHROME
    mono = term in names or term.startswith(begins) or term.endswith(ends)
    return Tones(not environment.get("NO_COLOR") and not mono)
