"""The time limits of one connection: to log in, to end a line, to read, to ask something, and for all of it.

1. What a request costs here is a look at the clock. A timer is set anew only when it has run, and then looks how much
   time is left.
2. Whoever takes too long is told so by a code; who does not read what it is sent cannot be told, and is cut off.
"""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from bankd import codes
from bankd.codes import Code
from bankd.records import Limits


class Watch:
    """Holds a peer to ``limits``, from ``begin`` on; none of them holds before.

    Calls ``time_up`` with what was not done in time, ``warn`` with the seconds that are left before that where nothing
    was asked, and ``cut`` when the peer does not read.
    """

    def __init__(
        self,
        clock: IReactorTime,
        time_up: Callable[[Code], None],
        warn: Callable[[int], None],
        cut: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._time_up = time_up
        self._warn = warn
        self._cut = cut
        self._limits: Limits | None = None
        self._timers: dict[str, IDelayedCall] = {}
        self._asked_at = 0.0
        self._warned_at = -1.0
        self._line_since: float | None = None

    def begin(self, limits: Limits) -> None:
        """Give the peer its time to log in."""
        self._limits = limits
        self._set("ask", limits.login_seconds, self._time_up, codes.IDLE)

    def log_in(self) -> None:
        """The peer has logged in: from now on it has to ask something now and then."""
        assert self._limits is not None
        self._asked_at = self._clock.seconds()
        self._set("session", self._limits.session_seconds, self._time_up, codes.SESSION_TIME)
        self._look()

    def note(self) -> None:
        """The peer has asked something."""
        self._asked_at = self._clock.seconds()

    @property
    def in_line(self) -> bool:
        """Whether the peer is known to have begun a line."""
        return self._line_since is not None

    def line(self, begun: bool, anew: bool = False) -> None:
        """Whether the peer has ``begun`` a line that is to be ended, and if ``anew``, after it has ended another."""
        if not begun:
            self._line_since = None
        elif anew or self._line_since is None:
            self._line_since = self._clock.seconds()
            if self._limits is not None and "line" not in self._timers:
                self._set("line", self._limits.line_seconds, self._look_at_line)

    def read(self, stalled: bool) -> None:
        """The peer reads what it is sent, or does not."""
        if not stalled:
            self._unset("stall")
        elif self._limits is not None:
            self._set("stall", self._limits.stall_seconds, self._cut)

    def end(self) -> None:
        """Watch no more."""
        self._limits = None
        for name in list(self._timers):
            self._unset(name)

    def _look(self) -> None:
        """See how long nothing was asked; look again when it will have been long enough to warn, or to end."""
        assert self._limits is not None
        idle, now = self._limits.idle_seconds, self._clock.seconds()
        left = self._asked_at + idle - now
        warning = self._limits.idle_warning_seconds if self._limits.idle_warning_seconds < idle else 0
        if left <= 0:
            self._time_up(codes.IDLE)
            return
        if left <= warning and self._warned_at < self._asked_at:
            self._warned_at = now
            self._warn(round(left))
        self._set("ask", left if left <= warning else left - warning, self._look)

    def _look_at_line(self) -> None:
        """See for how long a line has been begun."""
        del self._timers["line"]
        if self._line_since is None or self._limits is None:
            return
        left = self._line_since + self._limits.line_seconds - self._clock.seconds()
        if left <= 0:
            self._time_up(codes.SLOW)
        else:
            self._set("line", left, self._look_at_line)

    def _set(self, name: str, seconds: float, then: Callable[..., None], *arguments: Code) -> None:
        self._unset(name)
        self._timers[name] = self._clock.callLater(seconds, then, *arguments)

    def _unset(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None and timer.active():
            timer.cancel()
