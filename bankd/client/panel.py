"""What stands at the bottom of a terminal until it changes: the open question, the bar above it, and how work goes.

1. The bar and progress are one row each when they are drawn, cut to the terminal's width; a terminal that is then made
   narrower wraps them, and they are erased as it has wrapped them.
2. What is left behind is the question alone: neither the bar nor progress is among the lines to scroll back to.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from wcwidth import iter_graphemes, wcswidth

from bankd.client.editor import ERASE_ROW, Layout, lay_out
from bankd.client.screen import Device
from bankd.client.tone import Tone, Tones

ROW_ABOVE = "\x1b[1A"


@dataclass(frozen=True, slots=True)
class Picture:
    """A bar, empty for none, above a question; where there is no question, a row by itself."""

    bar: str
    question: Layout | None

    def draw(self, tones: Tones) -> str:
        """What to write, at the start of an empty row, to show it all."""
        bar = tones.dressed(self.bar, Tone.BAR if self.question else Tone.PLAIN) if self.bar else ""
        return bar + ("\r\n" if bar else "") + self.question.draw() if self.question else bar

    def erase(self, columns: int) -> str:
        """What to write to erase it from a terminal that is ``columns`` wide by now."""
        rows = len([row for row in lay_out(self.bar, 0, columns).rows if row])
        if self.question is None:
            return ERASE_ROW + (ROW_ABOVE + ERASE_ROW) * (rows - 1)
        return self.question.rewrapped(columns).erase() + (ROW_ABOVE + ERASE_ROW) * rows


class Panel:
    """Draws on a terminal of ``device``'s size by ``write``, and knows what is drawn."""

    def __init__(self, device: Device, write: Callable[[str], None], tones: Tones) -> None:
        self._device = device
        self._write = write
        self._tones = tones
        self._drawn: Picture | None = None

    def picture(self, bar: str, text: str | None, cursor: int = 0) -> Picture | None:
        """What to draw of a question with its answer, None for no question, at the terminal's present size."""
        columns, height = self._device.size()
        bar = cut(bar, columns - 1) if height > 1 or text is None else ""
        if text is None:
            return Picture(bar, None) if bar else None
        return Picture(bar, lay_out(text, cursor, columns).within(height - bool(bar)))

    def show(self, wanted: Picture | None) -> None:
        """Draw this in place of what is drawn, unless it is the same."""
        if wanted != self._drawn:
            self.erase()
            self._write(wanted.draw(self._tones) if wanted else "")
            self._drawn = wanted

    def erase(self) -> None:
        """Take what is drawn off the terminal, which wraps it anew when resized, perhaps before we know."""
        if self._drawn is not None:
            columns, _ = self._device.size()
            self._write(self._drawn.erase(columns))
            self._drawn = None

    def leave(self) -> None:
        """Let the question stay where it is, without the bar, and go on below it."""
        if self._drawn is not None and self._drawn.question is not None:
            self.show(replace(self._drawn, bar=""))
            self._write(self._drawn.question.leave())
            self._drawn = None
        self.erase()

    def forget(self) -> None:
        """Take the terminal to be empty: it was cleared, or others have written to it."""
        self._drawn = None


def cut(text: str, columns: int) -> str:
    """As much of ``text`` as so many columns hold."""
    kept, width = "", 0
    for character in iter_graphemes(text):
        width += max(0, wcswidth(character))
        if width > columns:
            break
        kept += character
    return kept
