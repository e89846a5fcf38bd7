"""The daybook: who came, what was asked and how it was answered, and who left, a line each, for the log.

1. Lines of one turn of the reactor go to the log together, as one event: what an event costs, some twenty
   microseconds, is then shared by all of them.
2. A line is made of the peer's address, verbs and codes: nothing that a peer sent can be in it.
"""

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger


class Lines(tuple[str, ...]):
    """Lines for the log, in order."""

    __slots__ = ()

    def __str__(self) -> str:
        """The lines as one text."""
        return "\n".join(self)


class Daybook:
    """What happens on all connections of one protocol, in the order in which it does."""

    log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._lines: list[str] = []
        self._writing: IDelayedCall | None = None

    def note(self, line: str) -> None:
        """Have ``line`` logged in the next turn of the reactor."""
        self._lines.append(line)
        if self._writing is None:
            self._writing = self._clock.callLater(0, self.write)

    def write(self) -> None:
        """Log what was noted."""
        if self._writing is not None and self._writing.active():
            self._writing.cancel()
        self._writing = None
        lines, self._lines = self._lines, []
        if lines:
            self.log.info("{lines}", lines=Lines(lines))
