"""What takes events out by one way: one after the other, each until it is handed over.

1. How far it has come is in the database, so that nothing is lost over a crash; what was sent since that was last kept
   is sent again, and known to the receiver by its id.
2. Each way has a pump of its own: a destination that is dead holds up nothing but itself. A page is in memory, no more.
3. What fails is tried again for ever, with pauses that grow. Only what goes to customers is given up, after some tries
   or where the destination will never take it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from bankd.codes import Refused
from bankd.delivery.post import attempt_this
from bankd.happenings import Happening
from bankd.ibank import NotDelivered
from bankd.lane import Lane
from bankd.store import forwarding
from bankd.store.forwarding import Step, Way

POLL_SECONDS = 1.0
"""How long a pump that has nothing to do waits before it looks again."""

MOST_PAUSE_SECONDS = 300
"""The longest pause between two tries; the first is a second, and each is twice the one before."""

MOST_TRIES = 8
"""How often something is tried for a customer before it is given up: for some two minutes."""

Read = Callable[..., Awaitable[Any]]
"""Calls a function with a connection that reads, and the arguments after it. Raises Refused: BUSY."""


class Pump:
    """The pump of the way ``name`` to where ``forwarder`` goes; one try takes ``seconds`` at most."""

    log = Logger()

    def __init__(self, name: str, forwarder: Any, lane: Lane, read: Read, clock: Any, seconds: float) -> None:
        self.name = name
        self._forwarder = forwarder
        self._lane = lane
        self._read = read
        self._clock = clock
        self._seconds = seconds
        self._way: Way | None = None
        self._kept: Way | None = None
        self._running: Deferred[None] | None = None

    def begin(self) -> None:
        """Go on where the way stands."""
        self._running = Deferred.fromCoroutine(self._run())

    async def close(self) -> None:
        """Give up what is under way, and keep where the way stands."""
        if self._running is not None:
            self._running.cancel()
            await self._running
        self._forwarder.close()

    async def _run(self) -> None:
        try:
            while True:
                try:
                    await self._go_on()
                except Refused:
                    await deferLater(self._clock, POLL_SECONDS)  # the database fails; the lane tells of that
                except CancelledError:
                    return
                except Exception:
                    self.log.failure("a fault of the bank's own keeps events from going out by {name}", name=self.name)
                    await deferLater(self._clock, MOST_PAUSE_SECONDS)
        except CancelledError:
            pass
        finally:
            await self._keep_at_end()

    async def _go_on(self) -> None:
        """One page, or a moment's wait where there is none."""
        if self._way is None:
            self._way = self._kept = await self._lane.run(lambda tx: forwarding.begin(tx, self.name))
        steps = await self._read(forwarding.following, self._way, self._forwarder.to_customers)
        for step in steps:
            await self._take(step)
        if steps:
            await self._keep()
        else:
            await deferLater(self._clock, POLL_SECONDS)

    async def _take(self, step: Step) -> None:
        """Hand over what a step brings, and be behind it."""
        for happening in step.happenings:
            await self._hand_over(happening)
        assert self._way is not None
        self._way = replace(self._way, entry_id=step.entry_id, notice_id=step.notice_id)

    async def _hand_over(self, happening: Happening) -> None:
        """Try until it is done, or is given up."""
        tries, pause = 0, 1
        while True:
            try:
                await attempt_this(lambda: self._forwarder.send(happening), self._seconds, self._clock)
            except NotDelivered as error:
                tries += 1
                await self._failed(str(error))
                if self._forwarder.to_customers and (not error.transient or tries == MOST_TRIES):
                    await self._note(given_up=self._state.given_up + 1)
                    return
            else:
                await self._succeeded()
                return
            await deferLater(self._clock, pause)
            pause = min(2 * pause, MOST_PAUSE_SECONDS)

    @property
    def _state(self) -> Way:
        assert self._way is not None
        return self._way

    async def _failed(self, why: str) -> None:
        now_us = int(self._clock.seconds() * 1_000_000)
        if self._state.failure is None:
            self.log.warn("events wait for {name}: {why}", name=self.name, why=why)
        await self._note(failure=why[:140], failed_us=self._state.failed_us or now_us)

    async def _succeeded(self) -> None:
        self._way = replace(self._state, sent_us=int(self._clock.seconds() * 1_000_000))
        if self._state.failure is not None:
            self.log.info("events go out by {name} again", name=self.name)
            await self._note(failure=None, failed_us=None)

    async def _note(self, **changes: Any) -> None:
        self._way = replace(self._state, **changes)
        await self._keep()

    async def _keep(self) -> None:
        way = self._state
        await self._lane.run(lambda tx: forwarding.keep(tx, way))
        self._kept = way

    async def _keep_at_end(self) -> None:
        if self._way is not None and self._way != self._kept:
            try:
                await self._keep()
            except Refused:
                self.log.info("what went out by {name} last goes out again", name=self.name)
