"""``bankctl delivery test``: does a message arrive? It asks no bank and no database, only the settings."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from bankd.bank.contact import e164
from bankd.codes import Refused
from bankd.config import Settings
from bankd.ctl.command import DONE, FAULT, Command, Unusable, printable, settings_of
from bankd.delivery.address import is_email
from bankd.delivery.post import attempt, hire
from bankd.ibank import NotDelivered
from bankd.idelivery import Unusable as DeliveryUnusable
from bankd.records import Contact, Parcel


def _test(options: Namespace) -> int:
    settings = settings_of(options)
    contact = _contact(options.to, settings.terms.region)
    if not settings.postage.order:
        raise Unusable("no delivery is set up: [delivery] order in the settings names none")
    from twisted.internet import reactor

    return int(wait(reactor, lambda: try_all(reactor, settings, contact)))


def _contact(addresses: list[str], region: str) -> Contact:
    """The mobile number and the e-mail address among ``addresses``. Raises Unusable."""
    found: dict[str, str] = {}
    for address in addresses:
        kind = "email" if "@" in address else "mobile"
        if kind in found:
            raise Unusable("--to takes one mobile number and one e-mail address")
        try:
            found[kind] = address if kind == "email" else e164(address, region)
        except Refused:
            raise Unusable(f"{address!r} is no mobile number") from None
        if kind == "email" and not is_email(address):
            raise Unusable(f"{address!r} is no e-mail address")
    return Contact(None, **found)


async def try_all(reactor: Any, settings: Settings, contact: Contact) -> int:
    """Send a message by every delivery that reaches ``contact``, once; say how each did. The exit status."""
    postage, name = settings.postage, settings.terms.name
    parcel = Parcel(f"Test message from {name}", f"This is a test message from {name}. Nothing need be done.")
    try:
        couriers = hire(postage, reactor)
    except DeliveryUnusable as error:
        raise Unusable(str(error)) from None
    reached, failed = [], 0
    for delivery, courier in couriers:
        address = courier.address(contact)
        if address is None:
            print(f"{delivery}: has no way to this address")
            continue
        reached.append(delivery)
        begun = reactor.seconds()
        try:
            await attempt(courier, contact, parcel, postage.try_seconds, reactor)
        except NotDelivered as error:
            failed += 1
            print(printable(f"{delivery}: not delivered to {address}: {error}"))
        else:
            print(printable(f"{delivery}: handed over for {address} after {reactor.seconds() - begun:.1f} seconds"))
    if not reached:
        print("no delivery has a way to this address")
    elif len(couriers) > 1:
        print(f"the bank itself would send by {reached[0]}")
    return FAULT if failed or not reached else DONE


def wait(reactor: Any, work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run the reactor for as long as ``work`` takes; what it gives."""
    results: list[int | Failure] = []

    def begin() -> None:
        Deferred.fromCoroutine(work()).addBoth(results.append).addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run()
    if not results:  # a signal has stopped the reactor
        raise KeyboardInterrupt
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


def _test_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--to",
        required=True,
        action="append",
        metavar="ADDRESS",
        help="a mobile number or an e-mail address; both may be given, as the bank may know both of a customer",
    )


TEST = Command(
    "delivery test",
    "send a test message by each delivery of the settings, and say what happened; exit 1 when one failed",
    _test,
    _test_arguments,
    words="Sends a test message by each delivery that [delivery] order names and that reaches the address, once each, "
    "and says what happened. The messages are real. Exit 0 when all was handed over, 1 when something failed or "
    "nothing reaches the address.",
)
