"""The daybook: who came, what was asked and how it was answered, and who left, a line each, for the log.

1. Lines of one turn of the reactor go to the log together, as one event: what an event costs, some twenty
   microseconds, is then shared by all of them.
2. A line is made of the peer's address, verbs, codes and numbers of accounts and receipts: nothing that a peer chose
   can be in it.
"""

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from bankd.log_lines import Line, Lines, Value


class Daybook:
    """What happens on all connections of one protocol, in the order in which it does."""

    log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._lines: list[Line] = []
        self._writing: IDelayedCall | None = None

    def note(self, event: str, **fields: Value) -> None:
        """Have a line logged in the next turn of the reactor; ``event`` is one of ``log_lines.EVENTS``."""
        self._lines.append(Line(event, fields))
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
