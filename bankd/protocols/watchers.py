"""Who watches a bank live, by server-sent events (WHATWG HTML, 9.2): each is told the same text, made once for all.

1. There are MOST watchers at a time; who comes then is told to come again later.
2. Who does not read what it is sent is cut off at the next event, so that nothing piles up for it.
"""

import json
from http import HTTPStatus
from typing import Any

from twisted.internet.interfaces import IPushProducer
from twisted.web.server import Request
from zope.interface import implementer

from bankd.protocols.pages import ALWAYS, Page, problem

MOST = 20
RETRY_MILLISECONDS = 3000


@implementer(IPushProducer)
class Watcher:
    """One connection that is told; ``is_behind`` is whether it does not read."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.is_behind = False

    def begin(self) -> None:
        """Tell what is to come, and how long to wait before coming again."""
        for name, value in {**ALWAYS, "Content-Type": "text/event-stream"}.items():
            self._request.setHeader(name, value)
        self._request.registerProducer(self, True)
        self._request.write(f"retry: {RETRY_MILLISECONDS}\n\n".encode())

    def tell(self, octets: bytes) -> None:
        """Write an event, or cut off who does not read."""
        if self.is_behind:
            connection: Any = self._request.channel
            connection.transport.abortConnection()
        else:
            self._request.write(octets)

    def end(self) -> None:
        """Say no more."""
        channel: Any = self._request.channel
        self._request.unregisterProducer()
        self._request.finish()
        channel.loseConnection()

    def pauseProducing(self) -> None:
        """What was written has not been read."""
        self.is_behind = True

    def resumeProducing(self) -> None:
        """It has now."""
        self.is_behind = False

    def stopProducing(self) -> None:
        """The connection is lost."""


class Watchers:
    """All who watch."""

    def __init__(self) -> None:
        self._watching: set[Watcher] = set()

    def __len__(self) -> int:
        """How many they are."""
        return len(self._watching)

    async def join(self, request: Request) -> Page | None:
        """Have ``request`` told of every event until it is closed, or refuse it."""
        if len(self._watching) >= MOST:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "Too many are watching.", **{"Retry-After": "30"})
        watcher = Watcher(request)
        self._watching.add(watcher)
        request.notifyFinish().addBoth(lambda _: self._watching.discard(watcher))
        watcher.begin()
        return None

    def tell(self, value: object) -> None:
        """Tell everybody ``value``, as JSON."""
        if self._watching:
            octets = f"data: {json.dumps(value, separators=(',', ':'))}\n\n".encode()
            for watcher in list(self._watching):
                watcher.tell(octets)

    def close(self) -> None:
        """Let everybody go."""
        for watcher in list(self._watching):
            watcher.end()
