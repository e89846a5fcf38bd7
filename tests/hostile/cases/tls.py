"""What comes before BANK/1 and under it: TCP and TLS 1.3 (docs/protocol.md, section 1; RFC 8446)."""

import os
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from bankd import certificates
from tests.hostile.case import Subject, demand
from tests.hostile.line import PATIENCE_SECONDS, Line, Silence
from tests.hostile.scene import Scene

SUBJECT = Subject("TLS")

HANDSHAKE, ALERT, DATA = 22, 21, 23
"""Types of records (RFC 8446, section 5.1)."""

ALERT_RECORD, HANDSHAKE_RECORD = b"\x15\x03", b"\x16\x03"
"""How what the bank says to who breaks TLS begins, if it says anything: an alert, or what it answers to a hello."""


def record(kind: int, content: bytes, length: int | None = None) -> bytes:
    """A record in the clear, which may lie about its length."""
    return bytes([kind, 3, 3]) + struct.pack(">H", len(content) if length is None else length) + content


def hello(_: Scene) -> bytes:
    """A client's first flight."""
    return first_flight()


def first_flight() -> bytes:
    """A client's first flight, as OpenSSL makes it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


def demand_end(plain: socket.socket) -> None:
    """The bank closes, and has said no more than TLS has for it."""
    plain.settimeout(PATIENCE_SECONDS)
    told = b""
    with suppress(ConnectionError):
        while octets := plain.recv(65536):
            told += octets
    demand(told[:2] in (b"", ALERT_RECORD, HANDSHAKE_RECORD), f"it said {told[:80]!r}")


def broken(name: str, octets: bytes | Callable[[Scene], bytes]) -> None:
    """A case of octets that are no TLS: the bank closes."""

    def act(scene: Scene) -> None:
        plain = scene.tcp()
        with suppress(ConnectionError):
            plain.sendall(octets(scene) if callable(octets) else octets)
        demand_end(plain)

    SUBJECT.case(name)(act)


def left(name: str, octets: bytes | Callable[[Scene], bytes], how: Callable[[socket.socket], object]) -> None:
    """A case of somebody who leaves in the middle; nothing stays behind."""

    def act(scene: Scene) -> None:
        plain = scene.tcp()
        plain.sendall(octets(scene) if callable(octets) else octets)
        how(plain)

    SUBJECT.case(name)(act)


def reset(plain: socket.socket) -> None:
    """Cut a connection, so that the other end gets a reset."""
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    plain.close()


broken("BANK/1 without TLS", b"a LOGIN account=10000042 pin=8265\r\n")
broken("HTTP at the port of TLS", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
broken("HTTP/2 at the port of TLS", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
broken("SSH at the port of TLS", b"SSH-2.0-OpenSSH_9.9\r\n" * 20)
broken("the PROXY protocol before TLS", lambda scene: b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + hello(scene))
broken("STARTTLS", b"STARTTLS\r\n")
broken("64 KiB at random", lambda _: b"\xff" + os.urandom(2**16))
broken("64 KiB of zeros", bytes(2**16))
broken("a hello of SSL 2", bytes([0x80, 0x2E, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10]) + bytes(40))
broken("data before the handshake", record(DATA, b"a NOOP\r\n"))
broken("an alert instead of a hello", record(ALERT, bytes([2, 40])))
broken("a hello of nothing", record(HANDSHAKE, b"\x01\x00\x00\x00"))
broken("an empty record", record(HANDSHAKE, b"") * 40)
broken("a record longer than there may be", record(HANDSHAKE, bytes(2**14 + 2048)))
broken("a hello that says it has 16 MiB", record(HANDSHAKE, b"\x01\xff\xff\xff" + bytes(2**14 - 4)) * 20)
broken("a hello twice", lambda scene: hello(scene) * 2)
broken("a hello, and then BANK/1 in the clear", lambda scene: hello(scene) + b"a NOOP\r\n" * 10)
broken("a hello, and then data that is not encrypted", lambda scene: hello(scene) + record(DATA, b"a NOOP\r\n"))
broken(
    "a hello, and then an end of the handshake that is forged",
    lambda scene: hello(scene) + record(DATA, os.urandom(80)),
)
broken("the certificate's key asked for in an extension as long as a heart's beat", record(24, b"\x01\xff\xff"))

left("nothing, and then the end", b"", socket.socket.close)
left("nothing, and then a reset", b"", reset)
left("half a hello, and then the end", lambda scene: hello(scene)[:100], socket.socket.close)
left("half a hello, and then a reset", lambda scene: hello(scene)[:100], reset)
left("one octet of a hello, and then a reset", b"\x16", reset)
left("a hello, and then a reset", hello, reset)
left("a hello, and then the end", hello, socket.socket.close)
left("a hello, and half an end", hello, lambda plain: plain.shutdown(socket.SHUT_WR))
left("half an end before anything", b"", lambda plain: plain.shutdown(socket.SHUT_WR))


def old(name: str, version: ssl.TLSVersion) -> None:
    """A case of a version of TLS that is refused."""

    @SUBJECT.case(name)
    def _(scene: Scene) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_verify_locations(scene.bank.state / "ca.pem")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = version
        try:
            context.wrap_socket(scene.tcp(), server_hostname="localhost")
        except (ssl.SSLError, ConnectionError):
            return
        demand(False, f"it speaks {version.name}")


old("TLS 1.2", ssl.TLSVersion.TLSv1_2)
old("TLS 1.1", ssl.TLSVersion.TLSv1_1)
old("TLS 1.0", ssl.TLSVersion.TLSv1)


def odd(name: str, change: Callable[[ssl.SSLContext, Scene], object], host: str | None = "localhost") -> None:
    """A case of a client that is odd, and served all the same."""

    @SUBJECT.case(name)
    def _(scene: Scene) -> None:
        context = ssl.create_default_context(cafile=str(scene.bank.state / "ca.pem"))
        context.check_hostname = False
        change(context, scene)
        line = Line.over(scene.tcp(), context, host)
        demand(line.ask("NOOP") == "200", f"it said {line.heard}")
        line.leave()


def with_certificate(context: ssl.SSLContext, scene: Scene) -> None:
    """Have a certificate to show, of an authority of one's own."""
    folder = scene.bank.folder / "of-my-own"
    folder.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    mine = certificates.ensure_server_certificate(certificates.ensure_authority(folder, now), folder, ["me"], now)
    context.load_cert_chain(mine.certificate, mine.key)


odd("no name of a server", lambda context, scene: None, None)
odd("the name of another server", lambda context, scene: None, "another.example")
odd("a server's name of 250 octets", lambda context, scene: None, ".".join(["a" * 49] * 5))
odd("an address as the server's name", lambda context, scene: None, "127.0.0.1")
odd("protocols that a bank does not speak", lambda context, scene: context.set_alpn_protocols(["h2", "http/1.1"]))
odd("a hundred protocols", lambda context, scene: context.set_alpn_protocols([f"p{n}" for n in range(100)]))
odd("a hello of twelve kilobytes", lambda context, scene: context.set_alpn_protocols(["p" * 255] * 48))


@SUBJECT.case("a certificate by an authority of one's own")
def _(scene: Scene) -> None:
    context = ssl.create_default_context(cafile=str(scene.bank.state / "ca.pem"))
    with_certificate(context, scene)
    with suppress(Silence, ssl.SSLError, ConnectionError):
        line = Line.over(scene.tcp(), context, "localhost")
        demand(False, f"it is served: {line.heard}")


@SUBJECT.case("a handshake, an octet at a time")
def _(scene: Scene) -> None:
    plain, (incoming, outgoing) = scene.tcp(), (ssl.MemoryBIO(), ssl.MemoryBIO())
    tls = scene.bank.trust.wrap_bio(incoming, outgoing, server_hostname="localhost")
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            for octet in outgoing.read():
                plain.sendall(bytes([octet]))
            incoming.write(plain.recv(65536))
            continue
        break
    plain.sendall(outgoing.read())
    while True:
        with suppress(ssl.SSLWantReadError):
            demand(tls.read(16) == b"* 200 protocol=B", "it does not greet")
            return
        incoming.write(plain.recv(65536))


@SUBJECT.case("two hundred connections at once, given up in the handshake")
def _(scene: Scene) -> None:
    first = hello(scene)
    for n in range(200):
        plain = scene.tcp()
        plain.sendall(first[: n * len(first) // 200])
        reset(plain)


@SUBJECT.case("a hundred handshakes, one after another")
def _(scene: Scene) -> None:
    for _ in range(100):
        scene.bank.call().close()
