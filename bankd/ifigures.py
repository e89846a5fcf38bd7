"""The contract by which a protocol sees how the bank does; no logic."""

from collections.abc import Awaitable, Sequence

from zope.interface import Attribute, Interface

from bankd.figures import Snapshot
from bankd.metrics import Watched


class IFigures(Interface):
    """What anybody who watches the bank may see."""

    def snapshot() -> Snapshot:
        """The ``figures.Snapshot`` of now; tasks are counted whatever they were answered."""

    def watch() -> Awaitable[Watched]:
        """A coroutine of ``metrics.Watched``, everything at a moment. It waits for a slow database for two seconds."""

    def obstacles() -> Awaitable[Sequence[str]]:
        """A coroutine of what keeps the bank from serving, a few words each; nothing when it can. As ``watch``."""

    names = Attribute("What the bank is called by who reaches it from outside, besides its addresses.")
