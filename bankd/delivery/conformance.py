"""Does a delivery keep the contract? For the tests of everybody who writes one (``bankd.idelivery``).

    complaints = await conformance.complaints(plugin, {"loft": "north"}, reactor, Contact("Alice", "+12025550123"))
    assert not complaints, complaints

Two messages are really sent, of which the second is cancelled at once; have them go to a counterpart of the test's own.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import Interface
from zope.interface.exceptions import Invalid
from zope.interface.verify import verifyObject

from bankd.ibank import NotDelivered
from bankd.idelivery import ICourier, IDelivery
from bankd.records import Contact, Parcel

NAME = re.compile("[a-z][a-z0-9_]{0,31}")

CANARY = "canary-4711"
"""What the text of the messages holds, and must be found nowhere but where they arrive."""

ODD = (
    Contact(),
    Contact("", "", ""),
    Contact("a\r\nBcc: b@example.org", None, "a@example.org\r\nBcc: b@example.org"),
    Contact('"; reboot; "', "+12025550123", '"a b"@example.org'),
    Contact("\u202e\x00", None, "-oQ/tmp@-"),
)
"""Contacts that no delivery may stumble over."""


async def complaints(plugin: Any, settings: Mapping[str, Any], reactor: Any, contact: Contact) -> list[str]:
    """What of the contract ``plugin`` does not keep; ``contact`` is one whom it reaches with these ``settings``."""
    if strange := [*_interface(IDelivery, plugin)]:
        return strange
    courier = plugin.courier(settings, reactor)
    if strange := [*_interface(ICourier, courier)]:
        return strange
    found = [*_word("name", plugin.name), *_word("way", courier.way), *_addresses(courier)]
    logged: list[LogEvent] = []
    observer = cast(ILogObserver, logged.append)
    globalLogPublisher.addObserver(observer)
    try:
        found += await _sends(courier, contact)
    finally:
        globalLogPublisher.removeObserver(observer)
    if any(CANARY in f"{formatEvent(event)} {event}" for event in logged):
        found.append("the text of a message is in the log")
    return found


def _interface(interface: type[Interface], candidate: Any) -> Iterator[str]:
    try:
        verifyObject(interface, candidate)
    except Invalid as error:
        yield " ".join(str(error).split())


def _word(what: str, word: str) -> Iterator[str]:
    if not NAME.fullmatch(word):
        yield f"{what} {word!r} is not one lower-case word"


def _addresses(courier: Any) -> Iterator[str]:
    for contact in ODD:
        try:
            address = courier.address(contact)
        except Exception as error:
            yield f"address raises {error!r} for {contact}"
        else:
            if not isinstance(address, str | None):
                yield f"address gives {address!r} for {contact}"


async def _sends(courier: Any, contact: Contact) -> list[str]:
    found: list[str] = []
    address = courier.address(contact)
    if address is None:
        return [f"address gives None for {contact}, who should be reached"]
    parcel = Parcel("A message", f"The text is {CANARY}.")
    for cancelled in (False, True):
        sending = courier.send(contact, parcel)
        if not isinstance(sending, Deferred):
            return [*found, f"send gives {sending!r}, which is no Deferred"]
        if cancelled:
            sending.cancel()
        try:
            await sending
        except Exception as error:
            if not cancelled:  # then it may fail in any way
                known = isinstance(error, NotDelivered)
                found.append(f"the message was not delivered: {error!r}" + ", which is not NotDelivered" * (not known))
            if CANARY in repr(error) or (address and address in repr(error)):
                found.append(f"the text or the address is in {error!r}")
    return found
