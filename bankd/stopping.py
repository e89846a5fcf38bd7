"""How long a stop may take, and what happens when it takes longer.

1. Clients have two thirds of the time: what they asked is answered. Who has not let go by then is cut off.
2. A second signal to stop ends the clients' time, and one more the whole.
3. When the whole time is over the process ends, whatever its threads wait for. What was acknowledged is stored already.
"""

import signal
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

FOR_CLIENTS = 2 / 3
"""The part of the time that clients have."""


class Limit:
    """A time of ``seconds`` from now on, that may be ended early."""

    log = Logger()

    def __init__(self, seconds: float, clock: Any) -> None:
        self._timer = clock.callLater(seconds, self.end)
        self._waiting: list[Deferred[bool]] = []
        self.is_over = False

    def end(self) -> None:
        """The time is over."""
        if self._timer.active():
            self._timer.cancel()
        self.is_over = True
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(False)

    def wait(self, doing: Deferred[Any]) -> Deferred[bool]:
        """Wait for ``doing``; whether it came to an end, be it a failure, which is logged, within the time."""
        waiter: Deferred[bool] = Deferred()

        def ended(result: Any) -> None:
            if isinstance(result, Failure):
                self.log.failure("a part of the bank could not be closed", result)
            if waiter in self._waiting:
                self._waiting.remove(waiter)
                waiter.callback(True)

        self._waiting.append(waiter)
        doing.addBoth(ended)
        if self.is_over and waiter in self._waiting:
            self._waiting.remove(waiter)
            waiter.callback(False)
        return waiter


class StopTime:
    """The time for a stop, ``seconds`` in all."""

    log = Logger()

    def __init__(self, seconds: float, clock: Any) -> None:
        self.clients = Limit(seconds * FOR_CLIENTS, clock)
        self.all = Limit(seconds, clock)

    def listen(self, reactor: Any) -> None:
        """Have a further SIGTERM or SIGINT ``hurry``. To be called in the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: reactor.callFromThread(self.hurry))

    def hurry(self) -> None:
        """End the clients' time, or if that is over, the whole."""
        limit = self.all if self.clients.is_over else self.clients
        self.log.warn("asked to stop again: {what}", what="clients are cut off" if limit is self.clients else "the end")
        limit.end()

    def end(self) -> None:
        """The bank has stopped."""
        self.clients.end()
        self.all.end()
