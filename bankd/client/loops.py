"""The client in a program of asyncio's: Twisted's reactor on the event loop that already runs.

Twisted has one reactor in a process, and it has one event loop: so has a program that uses this. ``asyncio.run`` may
therefore be called once with it.
"""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.asyncioreactor import AsyncioSelectorReactor, install
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

T = TypeVar("T")

OTHER_REACTOR = "another of Twisted's reactors is installed in this process, by something imported before in_asyncio"
OTHER_LOOP = "Twisted's reactor belongs to another event loop of this process: call asyncio.run once"

_keeping: set[asyncio.Task[None]] = set()


async def in_asyncio(coroutine: Coroutine[Any, Any, T]) -> T:
    """What ``coroutine``, which awaits the bank, returns: to be awaited in asyncio's own tasks, as often as is liked.

        asyncio.run(in_asyncio(pay()))

    Inside ``coroutine`` Twisted's Deferreds are awaited, and so is the bank. What is asyncio's own is awaited there by
    ``Deferred.fromFuture(asyncio.ensure_future(...))``. To cancel the one cancels the other.

    Raises what ``coroutine`` does, and RuntimeError where Twisted's reactor runs otherwise in this process.
    """
    loop = asyncio.get_running_loop()
    try:
        reactor = _reactor_on(loop)
    except RuntimeError:
        coroutine.close()
        raise

    async def apart() -> T:
        await deferLater(reactor, 0)  # from here on it is the reactor, and no task of asyncio's, that runs this
        return await coroutine

    return await Deferred.fromCoroutine(apart()).asFuture(loop)


def _reactor_on(loop: asyncio.AbstractEventLoop) -> Any:
    """The reactor that runs on ``loop``. Raises RuntimeError."""
    if "twisted.internet.reactor" not in sys.modules:
        install(loop)
    from twisted.internet import reactor

    if not isinstance(reactor, AsyncioSelectorReactor):
        raise RuntimeError(OTHER_REACTOR)
    if reactor._asyncioEventloop is not loop:
        raise RuntimeError(OTHER_LOOP)
    if not reactor.running:
        reactor.startRunning(installSignalHandlers=False)
        _keeping.add(loop.create_task(_keep(reactor)))
    return reactor


async def _keep(reactor: Any) -> None:
    """Stop the reactor's threads when asyncio.run cancels what is left at its end; they would keep the process.

    The reactor itself is not stopped: that would stop the loop, on which asyncio.run has still something to do.
    """
    try:
        await asyncio.Event().wait()
    finally:
        reactor.getThreadPool().stop()
