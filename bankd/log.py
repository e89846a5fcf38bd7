"""The log file: a line for each event, as Twisted writes them, for the operator alone to read.

1. Nothing that an event tells of can begin a line of its own: further lines of an event begin with a tab. Controls, and
   what would turn a line round where it is shown, are written as escapes.
2. An event is one write. A disk that is full or fails costs lines and nothing else: they are counted, and how many are
   missing is said when there is room again.
"""

import os
from functools import lru_cache
from pathlib import Path

from twisted.logger import ILogObserver, LogEvent, formatEventAsClassicLogText, formatTime
from zope.interface import implementer

_ESCAPED = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_ESCAPES = {sign: f"\\u{sign:04x}" for sign in _ESCAPED}


@implementer(ILogObserver)
class LogFile:
    """Appends events to the file ``path``, which is made if need be. Raises OSError when it cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._missing = 0
        self._torn = False

    def __call__(self, event: LogEvent) -> None:
        """Write ``event``. Where it has ``lines``, each is written as a line with the event's time."""
        text = formatEventAsClassicLogText(event, formatTime=_time)
        if text is None:
            return
        text = text.translate(_ESCAPES)
        if "lines" in event:
            time_and_source = text[: text.index("] ") + 2]
            text = text.replace("\n\t", "\n" + time_and_source)
        self._write(text)

    def close(self) -> None:
        """Write nothing more."""
        file, self._file = self._file, -1
        os.close(file)

    def _write(self, text: str) -> None:
        octets = (self._complaint(text.partition(" ")[0]) + text).encode("utf-8", "backslashreplace")
        try:
            written = os.write(self._file, octets)
        except OSError:
            written = 0
        if written == len(octets):
            self._missing, self._torn = 0, False
            return
        self._missing += text.count("\n")
        if written:
            self._torn = octets[written - 1 : written] != b"\n"

    def _complaint(self, time: str) -> str:
        """What is to be said at ``time`` of lines that are missing, on a line of its own."""
        if not self._missing:
            return ""
        return "\n" * self._torn + f"{time} [{__name__}#warn] up to {self._missing} lines are missing here\n"


def _time(when: float | None) -> str:
    return "-" if when is None else _second(int(when))


@lru_cache(8)  # thousands of lines may be of one second
def _second(when: int) -> str:
    return formatTime(when)
