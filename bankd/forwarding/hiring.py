"""A forwarder for each way out that the settings name."""

from collections.abc import Sequence
from typing import Any

from twisted.plugin import getPlugins

from bankd.delivery.post import Postage
from bankd.idelivery import Unusable
from bankd.iforwarding import IForwarding

Forwarders = Sequence[tuple[str, Any]]
"""Each forwarder (``IForwarder``) with its name."""


def hire_forwarders(postage: Postage, reactor: Any) -> Forwarders:
    """The forwarders that ``events`` names. Raises Unusable for the first that cannot be."""
    plugins = {plugin.name: plugin for plugin in getPlugins(IForwarding)}
    forwarders = []
    for name in postage.events:
        if name not in plugins:
            known = ", ".join(sorted(plugins))
            raise Unusable(f"[delivery] events: there is no way out {name!r}; there are {known}")
        section = plugins[name].section
        try:
            forwarders.append((name, plugins[name].forwarder(postage.sections.get(section, {}), reactor)))
        except Unusable as error:
            raise Unusable(f"[{section}] {error}") from error
        except OSError as error:
            raise Unusable(f"[{section}] {error.filename}: {error.strerror}") from error
    return forwarders
