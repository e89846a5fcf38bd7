"""The contract of a delivery: a way in which the bank's messages reach customers' devices, such as a service for SMS.

A delivery is a plugin of ``twisted.plugins``; the one to look at is ``bankd.delivery.script``. To write one:

1. Give the package ``twisted.plugins`` a module with ``name = DeliveryMaker("pigeon", "loft.Pigeons")``, as in
   ``twisted/plugins/bankd_plugin.py``; nothing else of yours is imported before the delivery is used.
2. Let ``loft.Pigeons`` be called with settings and reactor, and give an ``ICourier``.
3. Have ``bankd.delivery.conformance.complaints`` find nothing.

An operator has it used by ``order = pigeon`` in the section ``[delivery]``, and sets it up in the section ``[pigeon]``.
"""

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from bankd.records import Contact, Parcel


class Unusable(Exception):
    """A delivery cannot be made of its settings; the message says what would do, and goes to the operator."""


class IDelivery(Interface):
    """A kind of delivery, found as a plugin of ``twisted.plugins``."""

    name: str = Attribute("``[a-z][a-z0-9_]*``: how ``order`` names it, and its section of the settings.")

    def courier(settings: Mapping[str, Any], reactor: Any) -> "ICourier":
        """A courier with these ``settings``: what stands in the delivery's section, as text by key.

        Called once, before the daemon leaves the terminal: the time to make relative paths absolute, and to read files
        with passwords, which do not belong in settings. No connection, process or thread is begun yet. Raises
        ``Unusable`` for what the settings should say and do not, and OSError for a file that cannot be read; both stop
        the start. No value of a secret is in the message.
        """


class ICourier(Interface):
    """Takes parcels to customers."""

    way: str = Attribute("One lower-case word of what customers know it by, such as ``sms`` or ``email``.")

    def address(contact: Contact) -> str | None:
        """Where a parcel for ``contact`` would go; None when this courier has no way to them. Never raises.

        The bank shows it with its middle hidden. An empty text is for couriers to whom addresses mean nothing. Name and
        e-mail address are what somebody typed; the mobile number is E.164.
        """

    def send(contact: Contact, parcel: Parcel) -> Deferred[None]:
        """Hand ``parcel`` over, for a ``contact`` that has an address. A Deferred that fires once that is done.

        It fails with ``ibank.NotDelivered``, whose ``transient`` says whether trying again may help; the bank tries a
        few times. It is cancelled when it takes too long, and when the bank closes: what was begun then ends at
        once, in failure of any kind.

        The text of a parcel is a secret, and the address is a customer's own. Neither goes into a log, an error, the
        arguments of a process or a URL.
        """
