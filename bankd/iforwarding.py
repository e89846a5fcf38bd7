"""The contract of a way out for events: how what happens in the bank reaches other systems.

A way is a plugin of ``twisted.plugins``; the one to look at is ``bankd.forwarding.webhook``. To write one:

1. Give the package ``twisted.plugins`` a module with ``name = ForwardingMaker("pigeon", "loft.Pigeons")``, as in
   ``twisted/plugins/bankd_plugin.py``; nothing else of yours is imported before it is used.
2. Let ``loft.Pigeons`` be called with settings and reactor, and give an ``IForwarder``.

An operator has it used by ``events = pigeon`` in the section ``[delivery]``, and sets it up in ``[pigeon]``.
"""

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from bankd.happenings import Happening


class IForwarding(Interface):
    """A kind of way out, found as a plugin of ``twisted.plugins``."""

    name: str = Attribute("``[a-z][a-z0-9_]*``: how ``events`` names it, and its section of the settings.")
    section: str = Attribute("The section of the settings that it is set up in.")

    def forwarder(settings: Mapping[str, Any], reactor: Any) -> "IForwarder":
        """A forwarder with these ``settings``, on the terms of ``idelivery.IDelivery.courier``.

        Raises Unusable and OSError.
        """


class IForwarder(Interface):
    """Takes events to one destination, one after the other."""

    to_customers: bool = Attribute(
        "Whether it tells customers. They may have chosen not to be told; and what cannot be handed over for one of"
        " them is given up, for others wait behind it. What goes to a system is never given up."
    )

    def send(happening: Happening) -> Deferred[None]:
        """Hand an event over. A Deferred that fires once the destination has it for good.

        It fails with ``ibank.NotDelivered`` and is then sent again, and so it is after a crash: the destination knows
        what it has already by ``happening.id``. It is cancelled when it takes too long, and when the bank closes.
        """

    def close() -> None:
        """Let go at once of what is held open: nothing is sent any more."""
