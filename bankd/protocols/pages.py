"""Pages over HTTP, found by their paths, and what is answered where there is none: RFC 9457 problem details.

1. Only GET and HEAD are answered. Nothing can be changed by asking.
2. Who asks must name the bank by an address, as localhost, or by one of its own names. A browser that was led here by
   somebody else's name, whose address then became ours (DNS rebinding), gives that name, and is refused.
3. A browser may take a page for nothing but what it says it is, and keeps none.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

JSON = "application/json"
HOST = re.compile(r"(?:\[(?P<address>[0-9a-fA-F:.]+)\]|(?P<name>[^:\[\]]+))(?::\d*)?")
"""Host of RFC 9110, 7.2: an address of IPv6 is in brackets."""

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Everything comes from here, and nothing may stand in the page itself (W3C, Content Security Policy Level 3)."""

ALWAYS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": CONTENT_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every answer."""


@dataclass(frozen=True, slots=True)
class Page:
    """What answers a request."""

    octets: bytes
    type: str = JSON
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(value: object, status: int = HTTPStatus.OK) -> Page:
    """A page of JSON."""
    return Page(json.dumps(value).encode() + b"\n", status=status)


def problem(status: HTTPStatus, detail: str, **headers: str) -> Page:
    """What went wrong (RFC 9457): the type is left out, so the title is that of the status."""
    told = {"title": status.phrase, "status": status.value, "detail": detail}
    return Page(json.dumps(told).encode() + b"\n", "application/problem+json", status, headers)


def header(request: Request, name: bytes) -> str | None:
    """The header called ``name``, whatever octets are in it (RFC 9110, section 5.5)."""
    values = request.requestHeaders.getRawHeaders(name)
    return values[-1].decode("latin-1") if values else None


Answer = Callable[[Request], Awaitable[Page | None]]
"""A coroutine of the page that answers a request, or of None where it was answered otherwise."""


class Pages(Resource):
    """Every page, by its path. ``names`` are the bank's own."""

    isLeaf = True
    log = Logger()

    def __init__(self, pages: Mapping[str, Answer], names: Sequence[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._pages = pages
        self._names = {name.lower() for name in (*names, "localhost")}

    def render(self, request: Request) -> int:
        """Answer in a while."""
        gone: list[bool] = []
        request.notifyFinish().addBoth(lambda _: gone.append(True))
        Deferred.fromCoroutine(self._answer(request)).addErrback(self._fault).addCallback(self._write, request, gone)
        return NOT_DONE_YET

    async def _answer(self, request: Request) -> Page | None:
        if not self._is_ours(header(request, b"host")):
            return problem(HTTPStatus.MISDIRECTED_REQUEST, "This is not the host that was asked for.")
        path = request.path.decode("ascii", "replace")
        page = self._pages.get(path) or self._pages.get(path.removesuffix("/"))
        if page is None:
            return problem(HTTPStatus.NOT_FOUND, "There is no such page; / leads to those that there are.")
        if request.method not in (b"GET", b"HEAD"):
            return problem(HTTPStatus.METHOD_NOT_ALLOWED, "Pages can only be looked at.", Allow="GET, HEAD")
        return await page(request)

    def _is_ours(self, host: str | None) -> bool:
        """Whether a request's host is the bank; HTTP/1.0 need not name one."""
        if host is None:
            return True
        found = HOST.fullmatch(host)
        if found is None:
            return False
        try:
            ip_address(found["address"] or found["name"])
        except ValueError:
            return (found["name"] or "").lower() in self._names
        return True

    def _fault(self, failure: Any) -> Page:
        self.log.failure("a page could not be made", failure)
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The bank's log tells more.")

    def _write(self, page: Page | None, request: Request, gone: Sequence[bool]) -> None:
        if page is None or gone:
            return
        request.setResponseCode(page.status, HTTPStatus(page.status).phrase.encode())
        headers = {**ALWAYS, **page.headers, "Content-Type": page.type, "Content-Length": str(len(page.octets))}
        for name, value in headers.items():
            request.setHeader(name, value)
        if request.method != b"HEAD":
            request.write(page.octets)
        request.finish()
