"""What programs print: everything can be shown, whatever the encoding, and nobody has to read it.

A customer's words may hold any character. Where standard output has no way to write one, in a locale that is not UTF-8,
it is escaped (``\\u65e5``), and the program goes on.
"""

import io
import os
import sys

BROKEN_PIPE = 141
"""The exit status of a program whose output nobody reads any more, as shells count it."""


def escape() -> None:
    """From now on escape what standard output and standard error cannot show."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def in_utf8() -> None:
    """From now on write standard output in UTF-8, for data that other programs read."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")


def abandon() -> None:
    """Throw away what standard output still holds: it must not fail again when the interpreter flushes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
