"""``GET /status`` over HTTP: connections and tasks, and what the bank's process takes of the machine."""

import json
from typing import Any

from twisted.cred.credentials import Anonymous
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from bankd.ibank import IFigures


class Status(Resource):
    """Answers with the figures of the moment, as JSON."""

    isLeaf = True

    def __init__(self, portal: Portal) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        portal.login(Anonymous(), None, IFigures).addCallback(self._enter)

    def render_GET(self, request: Request) -> bytes:
        """``connections`` and ``tasks_processed``, and the rest of the snapshot."""
        request.setHeader(b"content-type", b"application/json")
        request.setHeader(b"cache-control", b"no-store")
        now = self._figures.snapshot()
        figures = {
            "connections": now.connections,
            "tasks_processed": now.tasks_processed,
            "most_connections": now.most_connections,
            "total_connections": now.total_connections,
            "uptime_seconds": now.uptime_seconds,
            "cpu_percent": now.cpu_percent(),
            "cpu_seconds": now.cpu_seconds,
            "memory_bytes": now.memory_bytes,
            "threads": now.threads,
            "open_files": now.open_files,
        }
        return json.dumps(figures).encode() + b"\n"

    def _enter(self, avatar: tuple[Any, Any, Any]) -> None:
        self._figures = avatar[1]


class StatusSite(Site):
    """The site; one that is asked seldom, and holds nothing open for long."""

    noisy = False
    daybook = Logger()

    def __init__(self, portal: Portal, clock: IReactorTime) -> None:
        root = Resource()
        root.putChild(b"status", Status(portal))
        super().__init__(root, timeout=30, reactor=clock)  # type: ignore[no-untyped-call]
        self.displayTracebacks = False

    def log(self, request: http.Request) -> None:
        """Log who asked and how it was answered; as in the daybook, nothing that was sent."""
        self.daybook.info("{host} was answered {code}", host=request.getClientAddress().host, code=request.code)

    def hang_up(self) -> Deferred[None]:
        """Nothing is held open that a client would miss."""
        return succeed(None)
