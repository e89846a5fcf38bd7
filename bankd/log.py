"""The log file: a line for each event, as Twisted writes them, for the operator alone to read."""

import os
from pathlib import Path
from typing import TextIO

from twisted.logger import ILogObserver, textFileLogObserver


def open_log(path: Path) -> tuple[ILogObserver, TextIO]:
    """An observer that appends to ``path``, and its file. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    file = os.fdopen(handle, "a", encoding="utf-8", buffering=1)
    return textFileLogObserver(file), file
