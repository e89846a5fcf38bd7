"""The post: sends each message by the first delivery that reaches the customer, and tries again for a while.

1. Which delivery it is depends on the customer's addresses and the settings alone, so that the customer can be told
   where to look before the message is sent. Where it fails the next one is not tried: they were told otherwise.
2. A message is a code that lives for five minutes. What was not delivered by then is given up.
3. The log has who was to be reached only as far as a customer's own screen shows it, and nothing of the message.
"""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, TimeoutError, fail, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.plugin import getPlugins
from zope.interface import implementer

from bankd import codes
from bankd.codes import Refused
from bankd.delivery.address import masked
from bankd.ibank import IPost, NotDelivered
from bankd.idelivery import IDelivery, Unusable
from bankd.records import Contact, Parcel, Route

PAUSES = (2, 10, 30)
"""Seconds before the second, third and fourth try."""

MOST_SECONDS = 60
"""The longest that a try may take, so that all of them end within the life of a code."""

GIVEN_UP = "it was given up"


@dataclass(frozen=True, slots=True)
class Postage:
    """What the settings say of deliveries: which, in order, and the section of each; what a message may take; and by
    which ways ``events`` go out.
    """

    order: tuple[str, ...] = ()
    try_seconds: int = 20
    most_under_way: int = 100
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    events: tuple[str, ...] = ()


Couriers = Sequence[tuple[str, Any]]
"""Each courier (``ICourier``) with the name of its delivery."""


def hire(postage: Postage, reactor: Any) -> Couriers:
    """A courier for each delivery that the settings name, in order. Raises Unusable, a line for each that cannot be."""
    plugins = {plugin.name: plugin for plugin in getPlugins(IDelivery)}
    couriers, faults = [], []
    for name in postage.order:
        try:
            couriers.append((name, _courier(plugins, name, postage.sections.get(name, {}), reactor)))
        except Unusable as error:
            faults.append(str(error))
    if faults:
        raise Unusable("\n".join(faults))
    return couriers


def _courier(plugins: Mapping[str, Any], name: str, section: Mapping[str, Any], reactor: Any) -> Any:
    if name not in plugins:
        known = ", ".join(sorted(plugins))
        raise Unusable(f"[delivery] order: there is no delivery {name!r}; there are {known}")
    try:
        return plugins[name].courier(section, reactor)
    except Unusable as error:
        raise Unusable(f"[{name}] {error}") from error
    except OSError as error:
        raise Unusable(f"[{name}] {error.filename}: {error.strerror}") from error


@implementer(IPost)
class Post:
    """Couriers in the order in which they are to be asked; without any it reaches nobody."""

    logger = Logger()

    def __init__(self, couriers: Couriers = (), postage: Postage = Postage(), clock: Any = None) -> None:
        self._couriers = couriers
        self._postage = postage
        self._clock = clock
        self._under_way: set[Deferred[None]] = set()
        self._closed = False

    def replace(self, couriers: Couriers, postage: Postage) -> None:
        """Send by other couriers from now on; what is under way goes on by those that began it."""
        self._couriers, self._postage = couriers, postage

    def route(self, contact: Contact) -> Route | None:
        """The way of the first courier that knows an address."""
        found = self._courier(contact)
        return found and Route(found[1].way, found[2])

    def send(self, contact: Contact, parcel: Parcel) -> Deferred[None]:
        """Hand ``parcel`` to that courier."""
        found = self._courier(contact)
        if found is None or self._closed:
            return fail(NotDelivered("the bank is closing" if self._closed else "no delivery reaches this customer"))
        if len(self._under_way) >= self._postage.most_under_way:
            return fail(Refused(codes.BUSY))
        sending = Deferred.fromCoroutine(self._deliver(*found, contact, parcel))
        if not sending.called:
            self._under_way.add(sending)
        return sending.addBoth(self._ended, sending)

    def close(self) -> None:
        """Give up what is under way, and take nothing more."""
        self._closed = True
        for sending in list(self._under_way):
            sending.cancel()

    def _courier(self, contact: Contact) -> tuple[str, Any, str | None] | None:
        """The delivery's name, its courier, and the address with its middle hidden."""
        for name, courier in self._couriers:
            address = courier.address(contact)
            if address is not None:
                return name, courier, masked(address) if address else None
        return None

    def _ended(self, result: Any, sending: Deferred[None]) -> Any:
        self._under_way.discard(sending)
        return result

    async def _deliver(self, name: str, courier: Any, to: str | None, contact: Contact, parcel: Parcel) -> None:
        """Try until it is done, or cannot be done."""
        told = {"delivery": name, "to": to or "a customer"}
        for pause in (*PAUSES, None):
            try:
                await attempt(courier, contact, parcel, self._postage.try_seconds, self._clock)
                self.logger.info("{delivery}: a message for {to} was handed over", **told)
                return
            except NotDelivered as error:
                self.logger.warn("{delivery}: a message for {to} was not delivered: {why}", why=str(error), **told)
                if not error.transient or pause is None:
                    raise
            try:
                await deferLater(self._clock, pause)
            except CancelledError:
                raise NotDelivered(GIVEN_UP) from None


async def attempt(courier: Any, contact: Contact, parcel: Parcel, seconds: float, clock: IReactorTime) -> None:
    """Have ``courier`` try once, for ``seconds`` at most. Raises NotDelivered, and nothing else."""
    try:
        await attempt_this(lambda: courier.send(contact, parcel), seconds, clock)
    except CancelledError:
        raise NotDelivered(GIVEN_UP) from None


async def attempt_this(send: Callable[[], Deferred[None]], seconds: float, clock: IReactorTime) -> None:
    """Try ``send`` once, for ``seconds`` at most. Raises NotDelivered, and CancelledError where it was cancelled."""
    try:
        await _begun(send).addTimeout(seconds, clock)
    except (NotDelivered, CancelledError):
        raise
    except TimeoutError:
        raise NotDelivered(f"it was not done within {seconds} seconds", transient=True) from None
    except Exception as error:
        # Its words are not told: they may quote the message.
        place = traceback.extract_tb(error.__traceback__)[-1]
        why = f"a fault of the delivery: {type(error).__name__} at {place.filename}:{place.lineno}"
        raise NotDelivered(why) from None


def _begun(send: Callable[[], Deferred[None]]) -> Deferred[None]:
    """A try, begun; once cancelled it is over, whatever who tries makes of that."""
    sending = maybeDeferred(send)

    def give_up(done: Deferred[None]) -> None:
        done.errback(CancelledError())
        sending.cancel()

    def ended(result: Any) -> None:
        if not done.called:
            done.callback(result)

    done: Deferred[None] = Deferred(give_up)
    sending.addBoth(ended)
    return done
