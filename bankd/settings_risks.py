"""What is risky in settings that can be used: each a line for whoever answers for the bank."""

import stat
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from bankd.bank.terms import OneTime
from bankd.config import Settings
from bankd.delivery.address import is_loopback
from bankd.settings_file import Address
from bankd.settings_keys import KEYS
from bankd.settings_sources import blame
from bankd.store import address as database

MANY_TRIES = 20
"""Wrong PINs in a row that are many: of 90,000 PINs, whoever knows which are popular needs few."""

LONG_IDLE_SECONDS = 3600
"""How long a terminal that somebody walked away from may stay open before it is worth a word."""

Risk = tuple[Address, str]


def risks(settings: Settings, path: Path | None) -> list[str]:
    """Every risk, with the place of the key that it comes from. ``path`` is the settings file, if there is one."""
    found = [*_of_strangers(settings), *_of_money(settings), *_of_customers(settings), *_of_others(settings)]
    lines = [f"{blame(settings.origins, address)}: {words}" for address, words in found]
    return [*lines, *_of_the_file(settings, path)]


def _of_strangers(settings: Settings) -> Iterator[Risk]:
    """Who may come from the network."""
    status = settings.protocols["status"][0]
    if not ip_address(status).is_loopback:
        yield ("server", "status_host"), f"whoever reaches {status} sees /status, unencrypted and without a password"
    if settings.demo and not ip_address(settings.host).is_loopback:
        yield ("bank", "demo"), f"other machines reach a bank whose customers were made up ({settings.host})"
    if settings.terms.registers_mobiles:
        yield ("bank", "register_mobiles"), "a stranger can find out which mobile numbers are customers'"


def _of_money(settings: Settings) -> Iterator[Risk]:
    if not settings.terms.two_people:
        yield ("bank", "two_people"), "one operator alone can credit, reverse and set PINs"


def _of_customers(settings: Settings) -> Iterator[Risk]:
    """Who may be taken for a customer, and who may not get in."""
    terms, limits = settings.terms, settings.limits
    if terms.lockout.lock_after > MANY_TRIES:
        yield ("lockout", "lock_after"), f"{terms.lockout.lock_after} wrong PINs in a row are many"
    if limits.idle_seconds > LONG_IDLE_SECONDS:
        yield ("server", "idle_seconds"), f"a terminal that was left alone stays open for {limits.idle_seconds} seconds"
    if terms.one_time is not OneTime.OFF and not settings.postage.order:
        yield (
            ("bank", "one_time"),
            "only customers with an authenticator app can be asked: [delivery] order names no way to send a password",
        )


def _of_others(settings: Settings) -> Iterator[Risk]:
    """Whom the bank trusts with its data."""
    server = database.host(settings.database)
    if server is not None and not is_loopback(server) and "ssl" not in settings.database.partition("?")[2]:
        key = ("mysql", "host") if settings.origins["mysql", "database"].text else ("database", "url")
        yield key, "the database is on another machine, and nothing here says that TLS is used on the way"


def _of_the_file(settings: Settings, path: Path | None) -> Iterator[str]:
    """A password in a file that others can read."""
    secret = any(
        settings.origins[key.section, key.name].text
        and settings.origins[key.section, key.name].where.startswith(f"{path}:")
        for key in KEYS
        if key.hidden and (key.name != "url" or database.has_password(settings.database))
    )
    if path is not None and secret and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        yield f"{path}: it holds a password, and others than its owner can read it (chmod 600)"
