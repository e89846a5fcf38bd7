"""The time limits of one connection: to log in, and then to ask something."""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from bankd.records import Limits


class Watch:
    """Calls ``time_up`` once the peer took too long for ``limits``; none of them runs before ``begin``."""

    def __init__(self, clock: IReactorTime, time_up: Callable[[], None]) -> None:
        self._clock = clock
        self._time_up = time_up
        self._timer: IDelayedCall | None = None
        self._asked_at = 0.0

    def begin(self, limits: Limits) -> None:
        """Give the peer its time to log in."""
        self._limits = limits
        self._set(limits.login_seconds, self._time_up)

    def log_in(self) -> None:
        """The peer has logged in: from now on it has to ask something now and then."""
        self._set(self._limits.idle_seconds, self._look)

    def note(self) -> None:
        """The peer has asked something."""
        self._asked_at = self._clock.seconds()

    def end(self) -> None:
        """Watch no more."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _look(self) -> None:
        """Call ``time_up`` when nothing was asked for too long; otherwise look again when it will have been."""
        quiet = self._clock.seconds() - self._asked_at
        if quiet >= self._limits.idle_seconds:
            self._time_up()
        else:
            self._set(self._limits.idle_seconds - quiet, self._look)

    def _set(self, seconds: float, then: Callable[[], None]) -> None:
        self.end()
        self._timer = self._clock.callLater(seconds, then)
