"""How far long work has come: a row that changes in place, or where there is no terminal for it lines, seldom."""

from collections.abc import Callable
from time import monotonic
from typing import TextIO

from bankd.client.editor import ERASE_ROW

SELDOM_SECONDS = 10.0
"""The time between two lines about the same work."""

OFTEN_SECONDS = 0.1
"""The time between two drawings of the row."""

Clock = Callable[[], float]


class Seldom:
    """Whether it is time for another line; work that is soon done gets none."""

    def __init__(self, seconds: float, clock: Clock = monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._since: float | None = None

    def is_time(self, text: str) -> bool:
        """Whether ``text`` is to be shown; empty text ends the work."""
        if not text:
            self._since = None
        elif self._since is None:
            self._since = self._clock()
        elif self._clock() - self._since >= self._seconds:
            self._since = self._clock()
            return True
        return False


class Row:
    """Progress of a program without a screen, on ``stream``: in place where ``in_place``, else by ``say``, seldom."""

    def __init__(self, stream: TextIO, in_place: bool, say: Callable[[str], None], clock: Clock = monotonic) -> None:
        self._stream = stream
        self._in_place = in_place
        self._say = say
        self._seldom = Seldom(OFTEN_SECONDS if in_place else SELDOM_SECONDS, clock)
        self._shown = False

    def show(self, text: str) -> None:
        """Show ``text``, if it is time; empty text erases the row."""
        if self._seldom.is_time(text):
            if self._in_place:
                self._stream.write(f"{ERASE_ROW}{text}")
                self._stream.flush()
                self._shown = True
            else:
                self._say(text)
        elif not text and self._shown:
            self._stream.write(ERASE_ROW)
            self._stream.flush()
            self._shown = False
