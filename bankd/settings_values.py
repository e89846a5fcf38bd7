"""What a key of the settings is, and the kinds of values that more than one table of keys has.

Each kind reads the text of a value, and raises ValueError for what is none; beside it stands what it allows, in words.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from phonenumbers import SUPPORTED_REGIONS

from bankd import log_forms, money
from bankd.store.engines import is_url

REMOTE_PORT = "a port: 1 to 65535"
PORT = "a port: 0 (any that is free) to 65535"
SECONDS = "whole seconds: 1 to 86400"
STOP = "whole seconds: 1 to 600"
PASSWORD = "a file that holds nothing else"
THREADS = "a number: 1 to 64"
COUNT = "a number: 1 to 1000000"
MOST_OPEN = "a number, 1 to 1000000; left out, as many as the system allows open files"
CSV = "a file; a relative path counts from the state folder"
LOG_FORM = "text, or json (an object a line)"
YES_NO = "yes or no"
SEALED = "no, secrets (what carries a password, PIN or code) or session (everything)"
ONE_TIME = "off, login or risk"
AMOUNTS = "amounts with their currencies, such as 0.25 EUR 0.30 USD"
MOST = "amounts with their currencies, such as 100.00 EUR"
ADDRESS = "an IP address of this machine; 0.0.0.0 is every IPv4 address, :: every address"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: where it stands, how it is read, what is allowed, its default as it would be written, what it means.

    The value of one that is ``hidden`` may hold a password, and is never shown.
    """

    section: str
    name: str
    read: Callable[[str], Any]
    allowed: str
    default: str
    meaning: str
    hidden: bool = False


def between(text: str, lowest: int, highest: int) -> int:
    """A whole number from ``lowest`` to ``highest``."""
    if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
        raise ValueError(text)
    return int(text)


def port(text: str) -> int:
    """A port to listen on."""
    return between(text, 0, 65535)


def remote_port(text: str) -> int:
    """A port of another machine."""
    return between(text, 1, 65535)


def stop(text: str) -> int:
    """A time that somebody waits for."""
    return between(text, 1, 600)


def visible(text: str) -> str:
    """Any text without controls."""
    if not text.isprintable():
        raise ValueError(text)
    return text


def seconds(text: str) -> int:
    """A time of a day at most."""
    return between(text, 1, 86400)


def path(text: str) -> Path | None:
    """A file, counted from the folder that the bank is started in; None where the value is left out."""
    return Path(os.path.expanduser(text)).absolute() if text else None


def count(text: str) -> int:
    """A number of connections or tries."""
    return between(text, 1, 1_000_000)


def threads(text: str) -> int:
    """A number of threads."""
    return between(text, 1, 64)


def most_or_any(text: str) -> int:
    """The same, or 0 where the value is left out, for any."""
    return count(text) if text else 0


def log_form(text: str) -> str:
    """A form of the log file."""
    if text not in log_forms.FORMS:
        raise ValueError(text)
    return text


def yes_or_no(text: str) -> bool:
    """A choice."""
    return {"yes": True, "no": False}[text.lower()]


def address(text: str) -> str:
    """An IP address."""
    return str(ip_address(text))


def currency(text: str) -> str:
    """A code of ISO 4217 that money can be kept in."""
    if not money.is_currency(text):
        raise ValueError(text)
    return text


def amounts(text: str) -> dict[str, int]:
    """Minor units by currency of amounts such as ``0.25 EUR 0.30 USD``."""
    words = text.split()
    pairs = list(zip(words[::2], words[1::2], strict=True))
    found = {code: money.parse(amount, currency(code)) for amount, code in pairs}
    if len(found) < len(pairs):
        raise ValueError(text)
    return found


def region(text: str) -> str:
    """A code of ISO 3166 that has telephone numbers."""
    if text not in SUPPORTED_REGIONS:
        raise ValueError(text)
    return text


def label(text: str) -> str:
    """Words that fit into a line."""
    if not (0 < len(text) <= 64 and text.isprintable()):
        raise ValueError(text)
    return text


def url(text: str) -> str:
    """The address of a database; empty for none."""
    if text and not is_url(text):
        raise ValueError(text)
    return text
