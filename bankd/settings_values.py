"""What a key of the settings is, and the kinds of values that more than one table of keys has.

Each kind reads the text of a value, and raises ValueError for what is none; beside it stands what it allows, in words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PORT = "a port: 0 (any that is free) to 65535"
SECONDS = "whole seconds: 1 to 86400"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: where it stands, how it is read, what is allowed, its default as it would be written, what it means."""

    section: str
    name: str
    read: Callable[[str], Any]
    allowed: str
    default: str
    meaning: str


def between(text: str, lowest: int, highest: int) -> int:
    """A whole number from ``lowest`` to ``highest``."""
    if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
        raise ValueError(text)
    return int(text)


def port(text: str) -> int:
    """A port to listen on."""
    return between(text, 0, 65535)


def seconds(text: str) -> int:
    """A time of a day at most."""
    return between(text, 1, 86400)


def path(text: str) -> Path | None:
    """A file, counted from the folder that the bank is started in; None where the value is left out."""
    return Path(text).expanduser().absolute() if text else None
