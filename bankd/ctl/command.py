"""What a command of ``bankctl`` is: a name, what it does, its own arguments, and the function that runs it.

Each command is a module of its own, with one or more ``Command`` values; ``main.COMMANDS`` lists them all.
"""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bankd import config, keyring
from bankd.config import Settings
from bankd.keyring import Keyring
from bankd.store.engines import Store

DONE, FAULT, UNUSABLE = 0, 1, 2
"""Exit statuses: done; something is wrong with the bank, or with what was to be checked; the command or the settings
cannot be used."""


class Unusable(Exception):
    """What the command was given cannot be used; the message says why, for a person."""


def _nothing(_parser: ArgumentParser) -> None:
    """No arguments of its own."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command. ``name`` is a verb, or a noun and a verb; ``run`` gives the exit status.

    ``words`` is what its own help says, where that is more than its ``meaning``; ``failed`` is the exit status where it
    could not be done, which must not be FAULT for a command that tells by it what it found.
    """

    name: str
    meaning: str
    run: Callable[[Namespace], int]
    arguments: Callable[[ArgumentParser], None] = _nothing
    words: str = ""
    failed: int = FAULT


def json_lines(parser: ArgumentParser) -> None:
    """``--json`` of a command that lists: an object on a line for each."""
    parser.add_argument("--json", action="store_true", help="print a JSON object on a line for each")


def printable(text: str) -> str:
    """``text`` without what a terminal would obey, and without half characters, which cannot be printed."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def agreed(question: str) -> bool:
    """Whether whoever runs the command says yes. Raises Unusable where nobody can be asked."""
    if not sys.stdin.isatty():
        raise Unusable("there is no terminal to ask at; --yes does it without")
    try:
        return input(f"{question} (y/N) ").strip().casefold() in ("y", "yes")
    except EOFError:
        return False


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Store, Keyring]]:
    """The database of a bank that is there, and its keys. Raises OSError, KeysMissing and DatabaseFault."""
    keys = keyring.load(settings.state)
    store = Store(settings.database, keys.chain)
    try:
        store.check_exists()
        yield store, keys
    finally:
        store.close()


@contextmanager
def opened_to_write(settings: Settings) -> Iterator[tuple[Store, Keyring]]:
    """The same where what is written counts on the keys. Raises KeysMissing also when they are not that bank's own."""
    with opened(settings) as (store, keys):
        keyring.refuse_another(settings.state, store)
        yield store, keys


def settings_of(options: Namespace) -> Settings:
    """The settings that ``--config``, the environment and ``--state`` give. Raises SettingsError."""
    return config.load(options.config, {} if options.state is None else {"state": options.state}, os.environ)
