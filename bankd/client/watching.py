"""Notices as they come: each once, in the order of their numbers, for as long as the session lasts.

A hint by UDP says that there is something to ask for. Where none arrives, the bank is asked every now and then, and at
once when the session goes on over another connection. So nothing is missed, and UDP only makes it quick.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTime

from bankd.client.bank import Bank
from bankd.client.connection import running_reactor
from bankd.client.errors import Denied, Loss, LostBank
from bankd.client.lookout import look_out
from bankd.records import Notice
from bankd.wire.notice import Hint

LOOK_SECONDS = 60.0
"""How long to wait for a hint before the bank is asked without one."""


class Listening(Protocol):
    """What hears hints of notices until it is closed."""

    def close(self) -> None:
        """Hear nothing more."""


Listen = Callable[[Bank, Callable[[Hint], None]], Awaitable[Listening]]
"""Has hints of notices passed on while a session lasts. Raises Refused, LostBank and CannotListenError."""


def watch(bank: Bank, since: int | None = None, *, reactor: Any = None) -> "Watch":
    """The notices of the session that is open with ``bank``, oldest first, and then each as it comes.

        async for notice in watch(bank):
            print(notice.kind, notice.amount_minor)
            await bank.acknowledge(notice.number)

    They are those numbered above ``since``, or above the last one that was acknowledged: what is not acknowledged comes
    again in the next session. It ends when this side ends the session; when that is lost, LostBank is raised.
    """
    clock = reactor or running_reactor()
    return Watch(bank, lambda bank, on_hint: look_out(clock, bank, on_hint), clock, since)


class Watch:
    """An asynchronous iterator of ``bank``'s notices above ``since``, which hears of them by ``listen``."""

    def __init__(self, bank: Bank, listen: Listen, clock: IReactorTime, since: int | None = None) -> None:
        self._bank = bank
        self._listen = listen
        self._clock = clock
        self._seen = since
        self._fetched: deque[Notice] = deque()
        self._inbox: Listening | None = None
        self._hinted_at = self._looked = 0
        self._deaf = True  # towards the connection that there is now
        self._news = True
        self._wake: Deferred[None] | None = None
        self._before = bank.on_recovery
        bank.on_recovery = self._recovered
        bank.lost.addCallback(self._over)

    def __aiter__(self) -> "Watch":
        return self

    async def __anext__(self) -> Notice:
        """The next notice. Raises LostBank and Denied."""
        while not self._fetched:
            try:
                await self._look()
            except LostBank as lost:
                if lost.loss is Loss.LEFT:
                    raise StopAsyncIteration from None
                raise
        return self._fetched.popleft()

    async def _look(self) -> None:
        """Wait until there may be news, and ask for a page of them; over another connection hints are sent for first.

        What came of one page is kept, whatever becomes of the next.
        """
        if not self._news:
            await self._until_woken()
        if self._deaf:
            await self._hear()
        self._news, looked = False, self._hinted_at
        page = await self._bank.notices_page(self._seen)
        for notice in page.items:
            if notice.number > (self._seen or 0):
                self._seen = notice.number
                self._fetched.append(notice)
        if page.more:
            self._news = True
        else:
            self._looked = looked

    async def _hear(self) -> None:
        """Have hints sent here. Without any the bank is asked all the same, only less soon."""
        self._close()
        self._deaf = False
        with suppress(CannotListenError, Denied):
            self._inbox = await self._listen(self._bank, self._hinted)

    async def _until_woken(self) -> None:
        if self._bank.over is not None:
            raise self._bank.over
        self._wake = Deferred()
        look = self._clock.callLater(LOOK_SECONDS, self._awake)
        try:
            await self._wake
        finally:
            if look.active():
                look.cancel()

    def _hinted(self, hint: Hint) -> None:
        # Of a number without a kind there is nothing to tell, where the bank was asked and told nothing.
        if hint.number > (self._seen or 0 if hint.kind else max(self._seen or 0, self._looked)):
            self._hinted_at = max(self._hinted_at, hint.number)
            self._awake()

    def _recovered(self) -> None:
        """The session goes on over another connection, to which no hints are sent yet."""
        self._before()
        self._deaf = True
        self._awake()

    def _over(self, why: LostBank) -> LostBank:
        self._close()
        self._awake()
        return why

    def _awake(self) -> None:
        self._news = True
        wake, self._wake = self._wake, None
        if wake is not None:
            wake.callback(None)

    def _close(self) -> None:
        inbox, self._inbox = self._inbox, None
        if inbox is not None:
            inbox.close()
