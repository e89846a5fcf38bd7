"""A line being typed, and how it lies on the rows of a terminal: text, cursor, widths, wrapping; no I/O.

1. What a person calls one character is one here: a grapheme cluster (Unicode UAX #29), never half of it.
2. The cursor stands between two characters.
3. Nothing that a terminal would obey gets into a line.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from wcwidth import iter_graphemes, wcswidth, wrap

MAX_LINE = 1024
"""The most code points that a line takes: more than any answer needs, and few enough to redraw often."""

# C0 with DEL, C1, the separators that break lines or paragraphs, the bidirectional embeddings, overrides
# and isolates, and lone surrogates, which no terminal could be sent as UTF-8.
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_TEXT_STARTS = re.compile(r"^\[\d+\] |^ +| {2,}")
# A number and the word before it, an amount and its currency, the parts of a date.
_TOGETHER = re.compile(r"(?<=[A-Za-z]) (?=\d)|(?<=\d) (?=[A-Z][A-Za-z]{2}\b)|(?<= \d{4}) (?=\d\d:)")
NO_BREAK_SPACE = "\u00a0"
_LAST_WORD = re.compile(r"\S*\s*\Z")


def printable(text: str) -> str:
    """The text as one line that can only be shown: tabs and line feeds as spaces, other controls removed."""
    return _OBEYED.sub("", text.replace("\n", " ").expandtabs())


def printable_lines(text: str) -> list[str]:
    """The lines of a text, each as ``printable`` leaves it; one line feed at the end adds no line."""
    return [printable(line) for line in text.removesuffix("\n").split("\n")]


def stops(text: str) -> list[int]:
    """Every index of ``text`` at which the cursor may stand: its ends, and between two characters."""
    return [0, *accumulate(len(character) for character in iter_graphemes(text))]


class Line:
    """One line being typed, with the lines of earlier answers within reach.

    An earlier line can be edited on the way; the edits last as long as this line and never change the past.
    """

    def __init__(self, past: Sequence[str] = ()) -> None:
        self.text = ""
        self.cursor = 0
        self._drafts = [*past, ""]
        self._draft = len(past)

    def insert(self, text: str) -> None:
        """Type ``text`` at the cursor; a tab is a space, and what exceeds MAX_LINE is left out."""
        room = max(0, MAX_LINE - len(self.text))
        self._become(self._before + printable(text.replace("\t", " "))[:room], self._after)

    def left(self) -> None:
        """Move one character to the left."""
        self._move(self._stop_before())

    def right(self) -> None:
        """Move one character to the right."""
        self._move(self._stop_after())

    def home(self) -> None:
        """Move before the first character."""
        self._move(0)

    def end(self) -> None:
        """Move after the last character."""
        self._move(len(self.text))

    def erase_left(self) -> None:
        """Erase the character before the cursor, as backspace does."""
        self._become(self.text[: self._stop_before()], self._after)

    def erase_right(self) -> None:
        """Erase the character after the cursor, as delete does."""
        self._become(self._before, self.text[self._stop_after() :])

    def erase_word(self) -> None:
        """Erase the word before the cursor, and the spaces between."""
        self._become(_LAST_WORD.sub("", self._before, count=1), self._after)

    def erase_to_start(self) -> None:
        """Erase all that is before the cursor."""
        self._become("", self._after)

    def erase_to_end(self) -> None:
        """Erase all that is after the cursor."""
        self._become(self._before, "")

    def older(self) -> None:
        """Go to the answer given before the one that is shown, if there is one."""
        self._recall(self._draft - 1)

    def newer(self) -> None:
        """Go to the answer given after the one that is shown; after the last comes the line being typed."""
        self._recall(self._draft + 1)

    @property
    def _before(self) -> str:
        return self.text[: self.cursor]

    @property
    def _after(self) -> str:
        return self.text[self.cursor :]

    def _stop_before(self) -> int:
        return max((stop for stop in stops(self.text) if stop < self.cursor), default=0)

    def _stop_after(self) -> int:
        return min((stop for stop in stops(self.text) if stop > self.cursor), default=len(self.text))

    def _move(self, cursor: int) -> None:
        self._become(self.text[:cursor], self.text[cursor:])

    def _become(self, before: str, after: str) -> None:
        """Be these two halves with the cursor between; where they join into one character, after that one."""
        self.text = before + after
        self.cursor = min(stop for stop in stops(self.text) if stop >= len(before))

    def _recall(self, draft: int) -> None:
        if 0 <= draft < len(self._drafts):
            self._drafts[self._draft] = self.text
            self._draft = draft
            self._become(self._drafts[draft], "")


EDITS: Mapping[bytes, Callable[[Line], None]] = {
    b"[LEFT_ARROW]": Line.left,
    b"[RIGHT_ARROW]": Line.right,
    b"[UP_ARROW]": Line.older,
    b"[DOWN_ARROW]": Line.newer,
    b"[HOME]": Line.home,
    b"[END]": Line.end,
    b"[DELETE]": Line.erase_right,
    b"\x01": Line.home,  # Ctrl-A
    b"\x04": Line.erase_right,  # Ctrl-D, where there is something to erase
    b"\x05": Line.end,  # Ctrl-E
    b"\x08": Line.erase_left,  # Ctrl-H, and backspace on some terminals
    b"\x7f": Line.erase_left,
    b"\x0b": Line.erase_to_end,  # Ctrl-K
    b"\x15": Line.erase_to_start,  # Ctrl-U
    b"\x17": Line.erase_word,  # Ctrl-W
}
"""What each key does to the line; keys that have names are spelled as twisted.conch.insults spells them."""

LINE_ENDS = (b"\r", b"\n")

TEXT = frozenset(bytes([octet]) for octet in (0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))
"""The octets that UTF-8 text is made of, tab included; every other key is a command."""

SPELLINGS = {
    b"\x1b[OA": b"[UP_ARROW]",
    b"\x1b[OB": b"[DOWN_ARROW]",
    b"\x1b[OC": b"[RIGHT_ARROW]",
    b"\x1b[OD": b"[LEFT_ARROW]",
    b"\x1b[OH": b"[HOME]",
    b"\x1b[OF": b"[END]",
    b"\x1b[7~": b"[HOME]",
    b"\x1b[8~": b"[END]",
}
"""Keys that insults reports as unknown: those of a keypad in application mode, and rxvt's."""


ERASE_ROW = "\r\x1b[K"
"""What to write to erase the row that the cursor is on, and go to its start (ECMA-48, EL)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a text lies on a terminal: its rows, each wrapping into the next, and the cursor among them.

    ``row`` and ``column`` count from 0; ``cursor`` is the same place as an index into the joined rows. A
    text that fills its last row exactly is followed by an empty row, for that is where the next character
    would go.
    """

    rows: tuple[str, ...]
    row: int
    column: int
    cursor: int

    def draw(self) -> str:
        """What to write, at the start of an empty row, to show the text with the cursor in its place."""
        # A terminal that has just filled a row waits there, and wraps when the next character comes. A
        # space brings it to the next row as a wrapped one, which still belongs to the same line after a
        # resize.
        into_empty_row = " " if len(self.rows) > 1 and not self.rows[-1] else ""
        up = _moved(len(self.rows) - 1 - self.row, "A")
        return "".join(self.rows) + into_empty_row + up + "\r" + _moved(self.column, "C")

    def erase(self) -> str:
        """What to write to erase the drawn text, which leaves the cursor where the drawing began."""
        # To erase the display from its first cell makes tmux keep what was there among the lines to scroll
        # back to, so the first row is erased on its own.
        below = "\x1b[1B\x1b[J\x1b[1A" if len(self.rows) > 1 else ""
        return _moved(self.row, "A") + ERASE_ROW + below

    def leave(self) -> str:
        """What to write to keep the drawn text and go to the start of the row below it."""
        return _moved(len(self.rows) - 1 - self.row, "B") + "\r\n"

    def rewrapped(self, columns: int) -> "Layout":
        """How the drawn text lies after the terminal itself has wrapped it anew, ``columns`` wide."""
        return lay_out("".join(self.rows), self.cursor, columns)

    def within(self, height: int) -> "Layout":
        """As many rows as the screen is high, the cursor's among them; a taller drawing cannot be erased."""
        first = max(0, self.row - height + 1)
        skipped = sum(len(row) for row in self.rows[:first])
        rows = self.rows[first : first + height]
        return Layout(rows, self.row - first, self.column, self.cursor - skipped)


def lay_out(text: str, cursor: int, columns: int) -> Layout:
    """Wrap ``text`` as terminals do: a character of two columns does not begin in the last one."""
    rows, column, index = [""], 0, 0
    place: tuple[int, int] | None = None
    for character in iter_graphemes(text):
        width = max(0, wcswidth(character))
        if column and column + width > columns:
            rows.append("")
            column = 0
        if place is None and index >= cursor:
            place = len(rows) - 1, column
        rows[-1] += character
        column += width
        index += len(character)
    if column >= columns:
        rows.append("")
        column = 0
    row, column = place or (len(rows) - 1, column)
    return Layout(tuple(rows), row, column, cursor)


def wrapped(line: str, columns: int) -> list[str]:
    """The rows of a ``line`` that is read, broken between words, and never inside an amount or a date.

    The text goes on below its beginning: after an indentation or the number of a notice, or in the last column of a
    table, whose columns are two spaces apart. Three eighths of the terminal at least are left to it.
    """
    starts = [found.end() for found in _TEXT_STARTS.finditer(line)]
    indent = " " * max((start for start in starts if start <= columns * 5 // 8), default=0)
    kept = _TOGETHER.sub(NO_BREAK_SPACE, line)
    rows = wrap(kept, columns, subsequent_indent=indent, break_on_hyphens=False)
    return [row.replace(NO_BREAK_SPACE, " ") for row in rows] or [""]


def by_words(question: str, columns: int) -> str:
    """A ``question`` with such spaces in it that ``lay_out`` breaks it between words, as ``wrapped`` does."""
    asked = question.rstrip()
    *full, last = wrapped(asked, columns)
    return "".join(row + " " * (columns - wcswidth(row)) for row in full) + last + question[len(asked) :]


def _moved(count: int, direction: str) -> str:
    """The cursor movement of ECMA-48 (CUU, CUD, CUF); by zero it is nothing, for a terminal reads 0 as 1."""
    return f"\x1b[{count}{direction}" if count else ""
