"""``bankctl events``: how far each way out for events has come, and whether one can be used."""

import json
from argparse import Namespace
from typing import Any

from bankd.config import Settings
from bankd.ctl.command import DONE, FAULT, Command, Unusable, json_lines, opened, printable, settings_of
from bankd.ctl.delivery import wait
from bankd.delivery.post import attempt_this
from bankd.forwarding.hiring import hire_forwarders
from bankd.happenings import Happening
from bankd.ibank import NotDelivered
from bankd.idelivery import Unusable as SinkUnusable
from bankd.notices import Notice
from bankd.store import forwarding
from bankd.store.forwarding import Way
from bankd.wire.grammar import write_time

LIST_WORDS = """
Tell of each way out for events that was ever used how many entries and other notices have not gone out by it, when it
was used last, and since when it fails and why. Exit 1 where one that the settings name fails.
"""
TEST_WORDS = """
Send an event of the kind 'test' by each way that [delivery] events names, once each, and say what happened. It is of no
account ('test', number 0), and no customer is told: a way to customers is only set up, not used.
"""


def _list(options: Namespace) -> int:
    settings = settings_of(options)
    with opened(settings) as (store, _keys), store.reading() as connection:
        ways, newest = forwarding.ways(connection), forwarding.newest(connection)
    in_use = {*settings.postage.events}
    unused = sorted(in_use - {way.name for way in ways})
    if options.json:
        rows = [*(_fields(way, newest, way.name in in_use) for way in ways), *map(_unused_fields, unused)]
        lines = [json.dumps(row) for row in rows]
    else:
        lines = [_line(way, newest, way.name in in_use) for way in ways]
        lines += [f"{name}: has not been used yet; it begins when the bank is started" for name in unused]
        lines = lines or ["no events go out: [delivery] events in the settings names no way"]
    print("".join(f"{line}\n" for line in lines), end="")
    failing = [way for way in ways if way.failure is not None and way.name in in_use]
    return FAULT if failing else DONE


def _line(way: Way, newest: tuple[int, int], in_use: bool) -> str:
    """A way in a line."""
    entries, notices = newest[0] - way.entry_id, newest[1] - way.notice_id
    parts = [f"{entries} entries and {notices} other notices behind"]
    parts += [] if in_use else ["not in the settings"]
    parts += ["nothing sent yet"] if way.sent_us is None else [f"last sent {write_time(way.sent_us)}"]
    parts += [f"{way.given_up} given up"] if way.given_up else []
    if way.failure is not None and way.failed_us is not None:
        parts.append(f"fails since {write_time(way.failed_us)}: {way.failure}")
    return printable(f"{way.name}: {', '.join(parts)}")


def _fields(way: Way, newest: tuple[int, int], in_use: bool) -> dict[str, str | int | bool | None]:
    """A way as JSON has it."""
    return {
        "way": way.name,
        "in_settings": in_use,
        "entries_behind": newest[0] - way.entry_id,
        "notices_behind": newest[1] - way.notice_id,
        "last_sent": _time(way.sent_us),
        "given_up": way.given_up,
        "fails_since": _time(way.failed_us),
        "failure": way.failure,
    }


def _unused_fields(name: str) -> dict[str, str | int | bool | None]:
    """A way that was never used: nothing is behind yet, or sent."""
    return _fields(Way(name, 0, 0), (0, 0), in_use=True)


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else write_time(at_us)


def _test(options: Namespace) -> int:
    settings = settings_of(options)
    if not settings.postage.events:
        raise Unusable("no way out is set up: [delivery] events in the settings names none")
    from twisted.internet import reactor

    return int(wait(reactor, lambda: try_all(reactor, settings)))


async def try_all(reactor: Any, settings: Settings) -> int:
    """Send a test by every way, once; say how each did. The exit status."""
    try:
        forwarders = hire_forwarders(settings.postage, reactor)
    except SinkUnusable as error:
        raise Unusable(str(error)) from None
    failed = 0
    for name, forwarder in forwarders:
        if forwarder.to_customers:
            print(f"{name}: is set up; it goes to customers, so nothing was sent")
            continue
        event = Happening("test", Notice(0, "test", int(reactor.seconds() * 1_000_000)))
        begun = reactor.seconds()
        try:
            await attempt_this(lambda: forwarder.send(event), settings.postage.try_seconds, reactor)  # noqa: B023
        except NotDelivered as error:
            failed += 1
            print(printable(f"{name}: not handed over: {error}"))
        else:
            print(f"{name}: handed over after {reactor.seconds() - begun:.1f} seconds")
        finally:
            forwarder.close()
    return FAULT if failed else DONE


LIST = Command("events list", "tell how far each way out for events has come", _list, json_lines, LIST_WORDS)
TEST = Command("events test", "send a test event by each way, and say what happened", _test, words=TEST_WORDS)
