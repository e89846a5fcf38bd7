"""What a transport tells of a peer that does not read what it is sent."""

from collections.abc import Callable

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class Valve:
    """Told by the transport when the peer does not read, and when it reads again; passes that on."""

    def __init__(self, set_stalled: Callable[[bool], None]) -> None:
        self._set_stalled = set_stalled

    def pauseProducing(self) -> None:
        """The peer does not read."""
        self._set_stalled(True)

    def resumeProducing(self) -> None:
        """The peer reads again."""
        self._set_stalled(False)

    def stopProducing(self) -> None:
        """The connection is gone; ``connectionLost`` sees to that."""
