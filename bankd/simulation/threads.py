"""The threads of a simulated host: each piece of work is done at one moment, and its result comes at a later one.

Between the two, and before, other things may happen: as with real threads, but as chance says. A pool of one thread
does its work in order; one of several may finish a later piece before an earlier one.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from bankd.simulation.host import Host

QUICK_SECONDS = 0.004
"""How long a piece of work usually takes at most."""

SLOW_SECONDS = 2.0
"""How long one takes at most that is slow."""


class Crash(BaseException):
    """The program ends here and now; what catches errors must not catch this."""


class Threads:
    """Opens pools on ``host``. ``slow`` is the share of work that takes long; ``crash`` is called for a Crash."""

    def __init__(self, host: Host, slow: Callable[[], float], crash: Callable[[], object]) -> None:
        self._host = host
        self._slow = slow
        self._crash = crash

    def open(self, name: str, threads: int) -> Callable[..., Deferred[Any]]:
        """A function that has another called by a pool of so many threads."""
        return _Pool(self, self._host, threads).call

    def close(self, seconds: float | None = None) -> bool:
        """There is nothing to wait for."""
        return True

    def takes(self) -> float:
        """How long the next piece takes, in seconds."""
        chance = self._host.world.chance
        longest = SLOW_SECONDS if self._host.world.happens(self._slow()) else QUICK_SECONDS
        return chance.random() * longest

    def do(self, work: Callable[[], Any]) -> Any:
        """Do a piece of work; what it gave, or its Failure."""
        try:
            return work()
        except Exception:
            return Failure()
        except Crash:
            self._crash()
            return None


class _Pool:
    def __init__(self, threads: Threads, host: Host, number: int) -> None:
        self._threads = threads
        self._host = host
        self._idle = number
        self._waiting: deque[tuple[Callable[[], Any], Deferred[Any]]] = deque()

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Have ``function`` called."""
        done: Deferred[Any] = Deferred()
        self._waiting.append((lambda: function(*args, **kwargs), done))
        self._begin()
        return done

    def _begin(self) -> None:
        if self._idle and self._waiting:
            self._idle -= 1
            work, done = self._waiting.popleft()
            self._host.world.put_down(self._threads.takes(), lambda: self._do(work, done))

    def _do(self, work: Callable[[], Any], done: Deferred[Any]) -> None:
        if not self._host.alive:
            return
        result = self._threads.do(work)
        if self._host.alive:
            self._host.callLater(self._threads.takes(), self._end, done, result)

    def _end(self, done: Deferred[Any], result: Any) -> None:
        self._idle += 1
        self._begin()
        done.callback(result)
