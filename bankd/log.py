"""The log file: a line for each event, as text or JSON (``log_forms``), for the operator alone to read.

An event is one write. A disk that is full or fails costs lines and nothing else: they are counted, and how many are
missing is said when there is room again.
"""

import os
from pathlib import Path
from time import time

from twisted.logger import ILogObserver, LogEvent, LogLevel
from zope.interface import implementer

from bankd import log_forms
from bankd.log_forms import Form


@implementer(ILogObserver)
class LogFile:
    """Appends events to the file ``path``, which is made if need be. Raises OSError when it cannot be opened."""

    def __init__(self, path: Path, form: Form = log_forms.text) -> None:
        self._path = path
        self._form = form
        self._file = _open(path)
        self._missing = 0
        self._torn = False

    def __call__(self, event: LogEvent) -> None:
        """Write ``event``."""
        if lines := self._form(event):
            self._write(lines)

    def reopen(self, path: Path | None = None) -> None:
        """Go on in the file that is now at the path, or at another ``path``: the one before may have been moved away.

        Raises OSError when it cannot be opened; what comes then is written where it was.
        """
        path = path or self._path
        file = _open(path)
        os.dup2(file, self._file, inheritable=False)  # at once for all threads that write
        os.close(file)
        self._path = path

    def close(self) -> None:
        """Write nothing more."""
        file, self._file = self._file, -1
        os.close(file)

    def _write(self, lines: str) -> None:
        octets = (self._complaint() + lines).encode("utf-8", "backslashreplace")
        try:
            written = os.write(self._file, octets)
        except OSError:
            written = 0
        if written == len(octets):
            self._missing, self._torn = 0, False
            return
        self._missing += lines.count("\n")
        if written:
            self._torn = octets[written - 1 : written] != b"\n"

    def _complaint(self) -> str:
        """What is to be said of lines that are missing, on a line of its own."""
        if not self._missing:
            return ""
        said = {"log_format": "up to {missing} lines are missing here", "missing": self._missing}
        where = {"log_namespace": __name__, "log_level": LogLevel.warn, "log_time": time()}
        return "\n" * self._torn + self._form({**said, **where})


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
