"""Naming protocols, deliveries and ways out as plugins without importing them, as ``ServiceMaker`` does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twisted.plugin import IPlugin
from twisted.python.reflect import namedAny
from zope.interface import implementer

from bankd.ibank import IBankProtocol
from bankd.idelivery import IDelivery
from bankd.iforwarding import IForwarding


@implementer(IPlugin, IBankProtocol)
@dataclass(frozen=True)
class ProtocolMaker:
    """A protocol by its ``name``; ``maker`` is the full name of what is called with portal and clock."""

    name: str
    maker: str
    secure: bool = True

    def factory(self, portal: Any, clock: Any) -> Any:
        """What ``maker`` makes."""
        return namedAny(self.maker)(portal, clock)


@implementer(IPlugin, IDelivery)
@dataclass(frozen=True)
class DeliveryMaker:
    """A delivery by its ``name``; ``maker`` is the full name of what is called with settings and reactor."""

    name: str
    maker: str

    def courier(self, settings: Mapping[str, Any], reactor: Any) -> Any:
        """What ``maker`` makes."""
        return namedAny(self.maker)(settings, reactor)


@implementer(IPlugin, IForwarding)
@dataclass(frozen=True)
class ForwardingMaker:
    """A way out for events by its ``name``; ``maker`` is the full name of what is called with settings and reactor.

    ``shared`` is the section of its settings, None for the one under its name.
    """

    name: str
    maker: str
    shared: str | None = None

    @property
    def section(self) -> str:
        """The section of its settings."""
        return self.shared or self.name

    def forwarder(self, settings: Mapping[str, Any], reactor: Any) -> Any:
        """What ``maker`` makes."""
        return namedAny(self.maker)(settings, reactor)
