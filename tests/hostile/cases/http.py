"""The page for machines, ``GET /status``: plain HTTP, for this machine alone."""

import json
from contextlib import suppress

from tests.hostile.case import Subject, demand
from tests.hostile.line import PATIENCE_SECONDS
from tests.hostile.scene import Scene

SUBJECT = Subject("HTTP")

GET = b"GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


def asked(scene: Scene, octets: bytes) -> bytes:
    """What is answered to octets, until the other end closes."""
    plain = scene.tcp(scene.bank.status_port)
    plain.settimeout(PATIENCE_SECONDS)
    told = b""
    with suppress(ConnectionError):
        plain.sendall(octets)
    with suppress(ConnectionError):
        while more := plain.recv(65536):
            told += more
    return told


def answered(name: str, octets: bytes, *statuses: int, long: bool = False) -> None:
    """A case of one request, and the statuses that are each right; 0 is a close without a word."""

    @SUBJECT.case(name, long=long)
    def _(scene: Scene) -> None:
        told = asked(scene, octets)
        status = int(told.split(b" ", 2)[1]) if told.startswith(b"HTTP/") else 0
        demand(status in statuses, f"it said {told[:300]!r}")
        for inside in (b"Traceback", b"twisted.web", b"/site-packages/", b"bankd/"):
            demand(inside not in told, f"it tells of its inside: {told[:2000]!r}")
        page = asked(scene, GET + b"\r\n")
        figures = json.loads(page.split(b"\r\n\r\n", 1)[1])
        demand({"connections", "tasks_processed"} <= set(figures), f"the page is {page!r}")


def request(first: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    """A request that ends its connection."""
    return b"\r\n".join([first, b"Host: localhost", b"Connection: close", *headers, b"", body])


answered("the page", request(b"GET /status HTTP/1.1"), 200)
answered("a path that there is not", request(b"GET /admin HTTP/1.1"), 404)
answered("the root", request(b"GET / HTTP/1.1"), 200)
answered("the page's parent", request(b"GET /status/../../etc/passwd HTTP/1.1"), 200, 400, 404)
answered("a path out of the page, encoded", request(b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1"), 400, 404)
answered("a path with a NUL", request(b"GET /status%00.json HTTP/1.1"), 400, 404)
answered("a path of 10,000 octets", request(b"GET /" + b"a" * 10_000 + b" HTTP/1.1"), 400, 404, 414)
answered("markup as the path", request(b"GET /<script>alert(1)</script> HTTP/1.1"), 400, 404)
answered("POST to the page", request(b"POST /status HTTP/1.1", b"Content-Length: 4", body=b"a=1&"), 405, 501)
answered("DELETE of the page", request(b"DELETE /status HTTP/1.1"), 405, 501)
answered("TRACE", request(b"TRACE /status HTTP/1.1"), 405, 501)
answered("CONNECT to elsewhere", request(b"CONNECT example.com:443 HTTP/1.1"), 400, 404, 405, 501)
answered("a method that there is not", request(b"STEAL /status HTTP/1.1"), 405, 501)
answered("a method of 1,000 letters", request(b"A" * 1000 + b" /status HTTP/1.1"), 400, 405, 501)
answered("a whole URL of another server", request(b"GET http://example.com/status HTTP/1.1"), 200, 400, 404)
answered("a version that there is not", request(b"GET /status HTTP/9.9"), 0, 400, 505, 200)
answered("a request without a version", b"GET /status\r\n\r\n", 0, 400)
answered("a request of nothing but ends of lines", b"\r\n" * 1000, 0, 400)
answered("octets that are no HTTP", bytes(range(128, 256)) * 100 + b"\r\n\r\n", 0, 400)
answered("a header without a colon", request(b"GET /status HTTP/1.1", b"nonsense"), 400)
answered("a header of 100,000 octets", request(b"GET /status HTTP/1.1", b"X: " + b"x" * 100_000), 0, 400, 431)
answered("10,000 headers", request(b"GET /status HTTP/1.1", *[b"X: y"] * 10_000), 0, 400, 431)
answered(
    "lengths that contradict each other",
    request(b"POST /status HTTP/1.1", b"Content-Length: 4", b"Content-Length: 40", body=b"a=1&"),
    400,
)
answered("a length below zero", request(b"POST /status HTTP/1.1", b"Content-Length: -1"), 400)
answered("a length in Arabic digits", request(b"POST /status HTTP/1.1", "Content-Length: ١".encode()), 400)
answered("a length with a plus sign", request(b"POST /status HTTP/1.1", b"Content-Length: +4", body=b"abcd"), 400)
answered(
    "a chunk below zero", request(b"POST /status HTTP/1.1", b"Transfer-Encoding: chunked", body=b"-1\r\nx\r\n"), 400
)
answered(
    "a chunk of 2^64",
    request(b"POST /status HTTP/1.1", b"Transfer-Encoding: chunked", body=b"1" + b"0" * 16 + b"\r\nx"),
    0,
    400,
    long=True,
)
answered(
    "a request hidden in another, by length and chunks",
    request(
        b"POST /status HTTP/1.1",
        b"Content-Length: 4",
        b"Transfer-Encoding: chunked",
        body=b"0\r\n\r\nGET /admin HTTP/1.1\r\nHost: x\r\n\r\n",
    ),
    400,
)
answered(
    "a request hidden behind a coding that is unknown",
    request(b"POST /status HTTP/1.1", b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    400,
    405,
    501,
)
answered("a space before the colon of a header", request(b"GET /status HTTP/1.1", b"Content-Length : 0"), 400)
answered("BANK/1 at the port of HTTP", b"a LOGIN account=10000042 pin=8265\r\n\r\n", 0, 400)


@SUBJECT.case("a hundred requests in one packet")
def _(scene: Scene) -> None:
    told = asked(scene, b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n" * 99 + GET + b"\r\n")
    demand(told.count(b"HTTP/1.1 200 OK") == 100, f"{told.count(b'HTTP/1.1 200 OK')} of 100 were answered")


@SUBJECT.case("a request that is never finished, and left")
def _(scene: Scene) -> None:
    scene.tcp(scene.bank.status_port).sendall(GET)


@SUBJECT.case("fifty connections that ask nothing")
def _(scene: Scene) -> None:
    for _ in range(50):
        scene.tcp(scene.bank.status_port)
    demand(asked(scene, GET + b"\r\n").startswith(b"HTTP/1.1 200 OK"), "another is not served beside them")


@SUBJECT.case("a hello of TLS at the port of HTTP")
def _(scene: Scene) -> None:
    told = asked(scene, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n")
    demand(told == b"" or told.startswith(b"HTTP/1.1 400"), f"it said {told[:100]!r}")
