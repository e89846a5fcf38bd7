"""``bankctl config check``: what the settings come to, where each value is from, and what is risky in them."""

from argparse import Namespace
from collections.abc import Iterator

from bankd.config import Settings, SettingsError, located
from bankd.ctl.command import DONE, Command, printable, settings_of
from bankd.delivery.post import hire
from bankd.idelivery import Unusable
from bankd.settings_risks import risks
from bankd.settings_sources import BY_ADDRESS, DEFAULT, is_shown
from bankd.store import address as database

WORDS = """
Read the settings as the bank would, and print every key with its value and where that is from: a line of the file, a
variable of the environment, or the default. Secrets are hidden. Then each risk is named. Settings that cannot be used
are told fault by fault, with exit status 2. Nothing is changed, and no bank need be there.
"""

HIDDEN = "(hidden)"
WIDTH = 48
"""Columns of a key with its value, if it is no longer."""


def _check(options: Namespace) -> int:
    settings = settings_of(options)
    from twisted.internet import reactor

    try:
        hire(settings.postage, reactor)
    except Unusable as error:
        raise SettingsError([located(settings, fault) for fault in str(error).splitlines()]) from None
    for line in _told(settings):
        print(line)
    found = risks(settings, options.config)
    for risk in found:
        print(f"risky: {printable(risk)}")
    print(f"these settings can be used; {len(found) or 'no'} {'risk' if len(found) == 1 else 'risks'}")
    return DONE


def _told(settings: Settings) -> Iterator[str]:
    """Every key with its value, section by section."""
    section = ""
    for address, origin in sorted(settings.origins.items(), key=lambda item: _place(item[0])):
        if address[0] != section:
            section = address[0]
            yield f"[{section}]"
        hides = origin.text and origin.where != DEFAULT and not is_shown(address)
        text = HIDDEN if hides else printable(" ".join(origin.text.split()))
        if address == ("database", "url") and origin.text:
            text = database.shown(origin.text)
        yield f"  {f'{address[1]} = {text}':<{WIDTH}}  {origin.where}".rstrip()
    yield ""


def _place(address: tuple[str, str]) -> tuple[int, tuple[str, str]]:
    """Keys stand in the order of the table, and those that others wrote after them."""
    known = list(BY_ADDRESS)
    return (known.index(address) if address in BY_ADDRESS else len(known)), address


CHECK = Command("config check", "say what the settings come to, and what is risky in them", _check, words=WORDS)
