"""The bank's figures as a line of the log, at an interval."""

from collections.abc import Callable
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from bankd.figures import Snapshot
from bankd.log_lines import FIGURES, Line, Lines


class Monitor:
    """Logs what ``snapshot`` tells. The share of a processor is that since the line before, or since the start."""

    log = Logger()

    def __init__(self, snapshot: Callable[[], Snapshot], clock: Any) -> None:
        self._snapshot = snapshot
        self._before: Snapshot | None = None
        self._loop = LoopingCall(self._look)
        self._loop.clock = clock

    def begin(self, seconds: float) -> None:
        """Log at once, and every so many ``seconds`` from now on; it may be called again with another interval."""
        if self._loop.running:
            if seconds == self._loop.interval:
                return
            self._loop.stop()
        self._loop.start(seconds)

    def end(self) -> None:
        """Log no more."""
        if self._loop.running:
            self._loop.stop()

    def _look(self) -> None:
        try:
            now = self._snapshot()
        except Exception as error:  # whatever the system says: the next look may be better
            self.log.warn("the figures cannot be seen: {why}", why=str(error))
            return
        fields = {name: getattr(now, name) for name in FIGURES} | {"cpu_percent": now.cpu_percent(self._before)}
        self._before = now
        self.log.info("{lines}", lines=Lines([Line("figures", fields)]))
