"""The bank over HTTP, for who watches it: figures as JSON and for Prometheus, and whether it is well."""

from collections import Counter
from http import HTTPStatus
from typing import Any

from twisted.cred.credentials import Anonymous
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.web import http
from twisted.web.server import Request, Site

from bankd.figures import Histogram
from bankd.ibank import IFigures
from bankd.metrics import Watched
from bankd.protocols import exposition
from bankd.protocols.dashboard_files import dashboard_pages
from bankd.protocols.history import EVERY_SECONDS, History, Sample
from bankd.protocols.pages import Page, Pages, as_json, header, problem
from bankd.protocols.watchers import Watchers

TEXT = "text/plain; charset=utf-8"


class Desk:
    """What answers each question, from the ``figures`` of the bank."""

    def __init__(self, figures: Any) -> None:
        self._figures = figures

    async def status(self, _request: Request) -> Page:
        """``connections`` and ``tasks_processed``, and all that tells how the bank does."""
        return as_json(status(await self._figures.watch()))

    async def metrics(self, request: Request) -> Page:
        """Every metric."""
        octets, kind = exposition.written(await self._figures.watch(), header(request, b"accept") or "")
        return Page(octets, kind)

    async def health(self, _request: Request) -> Page:
        """That the process answers, which is all that it says: who restarts what is not healthy shall ask here."""
        return Page(b"ok\n", TEXT)

    async def readiness(self, _request: Request) -> Page:
        """Whether customers can be served, and why not."""
        obstacles = await self._figures.obstacles()
        if obstacles:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "; ".join(obstacles))
        return Page(b"ready\n", TEXT)


def status(watched: Watched) -> dict[str, Any]:
    """What ``/status`` tells. The ledger is null where the database does not answer."""
    now, lane, ledger = watched.snapshot, watched.tally.lane, watched.ledger
    return {
        "connections": now.connections,
        "tasks_processed": now.tasks_processed,
        "sessions": watched.tally.sessions,
        "most_connections": now.most_connections,
        "total_connections": now.total_connections,
        "uptime_seconds": now.uptime_seconds,
        "cpu_percent": now.cpu_percent(),
        "cpu_seconds": now.cpu_seconds,
        "memory_bytes": now.memory_bytes,
        "threads": now.threads,
        "open_files": now.open_files,
        "batches": {
            "count": sum(lane.size.counts),
            "mean_size": _mean(lane.size),
            "mean_seconds": _mean(lane.seconds),
            "mean_commit_seconds": _mean(lane.commit_seconds),
        },
        "ledger": None
        if ledger is None
        else {"entries": ledger.entries, "customers_minor_units": dict(ledger.customers_minor)},
        "version": watched.version,
    }


def _mean(histogram: Histogram) -> float | None:
    count = sum(histogram.counts)
    return round(histogram.total / count, 6) if count else None


def _totals(watched: Watched) -> dict[str, Any]:
    """Log-ins by kind of credentials, and refusals by reason, since the start."""
    log_ins: Counter[str] = Counter()
    for (credentials, reason), count in watched.tally.log_ins.items():
        log_ins[credentials] += count if reason == "done" else 0
    refusals: Counter[str] = Counter()
    for tally in watched.tally.verbs.values():
        for (code, reason), count in tally.answers.items():
            refusals[reason] += count if code >= 400 else 0
    return {"log_ins": +log_ins, "refusals": +refusals}


class Live:
    """The bank as it goes on: samples for the dashboard, and who watches it."""

    log = Logger()

    def __init__(self, figures: Any, clock: IReactorTime) -> None:
        self.watchers = Watchers()
        self._figures = figures
        self._history = History()
        self._loop = LoopingCall(lambda: Deferred.fromCoroutine(self._take()))
        self._loop.clock = clock

    def begin(self) -> None:
        """Take samples from now on."""
        self._loop.start(EVERY_SECONDS).addErrback(lambda failure: self.log.failure("no more samples", failure))

    def end(self) -> None:
        """Take no more."""
        if self._loop.running:
            self._loop.stop()
        self.watchers.close()

    async def history(self, _request: Request) -> Page:
        """All samples of the last hour, what happened of late, and how the bank is now."""
        samples, happenings = self._history.samples, self._history.happenings
        told = {"fields": Sample._fields, "samples": samples, "happenings": happenings, **await self._now()}
        return as_json({"every_seconds": EVERY_SECONDS, **told})

    async def _now(self) -> dict[str, Any]:
        watched = await self._figures.watch()
        return {"now": {**status(watched), **_totals(watched), "obstacles": list(await self._figures.obstacles())}}

    async def _take(self) -> None:
        taken = self._history.take(await self._figures.watch())
        if taken is not None and len(self.watchers):
            sample, happenings = taken
            self.watchers.tell({"sample": sample, "happenings": happenings, **await self._now()})


class Question(Request):
    """A request, of whose body nothing is kept."""

    def handleContentChunk(self, data: bytes) -> None:
        """Pass over a part of the body."""


class StatusSite(Site):
    """The site; one that is asked seldom, and holds nothing open for long."""

    noisy = False
    requestFactory = Question
    daybook = Logger()

    def __init__(self, portal: Portal, clock: IReactorTime) -> None:
        entered: list[Any] = []
        portal.login(Anonymous(), None, IFigures).addCallback(entered.append)
        _, figures, _ = entered[0]  # nobody is asked anything, so it was at once
        desk, self._live = Desk(figures), Live(figures, clock)
        pages = {
            **dashboard_pages(),
            "/history": self._live.history,
            "/events": self._live.watchers.join,
            "/status": desk.status,
            "/metrics": desk.metrics,
            "/healthz": desk.health,
            "/readyz": desk.readiness,
        }
        super().__init__(Pages(pages, figures.names), timeout=30, reactor=clock)  # type: ignore[no-untyped-call]
        self.displayTracebacks = False

    def log(self, request: http.Request) -> None:
        """Log who asked and how it was answered; as in the daybook, nothing that was sent."""
        self.daybook.info("{host} was answered {code}", host=request.getClientAddress().host, code=request.code)

    def startFactory(self) -> None:
        """Begin to take samples."""
        super().startFactory()
        self._live.begin()

    def stopFactory(self) -> None:
        """End what ``startFactory`` began."""
        self._live.end()
        super().stopFactory()

    def hang_up(self) -> Deferred[None]:
        """Let go who watches; nothing else is held open."""
        self._live.end()
        return succeed(None)
