"""Records of TLS after the handshake, and how a connection ends (RFC 8446, sections 4.6.3 to 6.1)."""

import os
import socket
import ssl
import struct
from contextlib import suppress

from tests.hostile.case import Subject, demand
from tests.hostile.cases.tls import HANDSHAKE, first_flight
from tests.hostile.line import Line
from tests.hostile.scene import Scene
from tests.tls_keys import Keys

SUBJECT = Subject("records")


def with_keys(scene: Scene) -> tuple[Line, socket.socket, Keys]:
    """A session, and beside it what can be said in it by hand: its socket without TLS, and the client's keys."""
    log = scene.bank.folder / f"keys-{scene.names['key']}"
    context = ssl.create_default_context(cafile=str(scene.bank.state / "ca.pem"))
    context.keylog_filename = str(log)
    line = Line.over(scene.tcp(), context, "localhost")
    plain = socket.socket(fileno=os.dup(line.socket.fileno()))
    scene.keep(plain)
    return line, plain, Keys(log.read_text())


@SUBJECT.case("new keys between requests, as TLS has it")
def _(scene: Scene) -> None:
    line, plain, keys = with_keys(scene)
    for n in range(50):
        plain.sendall(keys.update() + keys.record(f"a{n} NOOP\r\n".encode()))
        demand(line.until("a") == [f"a{n} 200"], f"it said {line.heard}")


@SUBJECT.case("new keys without end")
def _(scene: Scene) -> None:
    line, plain, keys = with_keys(scene)
    with suppress(ConnectionError):
        for _ in range(100):
            plain.sendall(b"".join(keys.update() for _ in range(100)))
    demand(line.to_the_end() == [], "it answers")


@SUBJECT.case("a record that was sent before, sent again")
def _(scene: Scene) -> None:
    line, plain, keys = with_keys(scene)
    request = keys.record(b"a NOOP\r\n")
    plain.sendall(request + request)
    demand(line.to_the_end() in (["a 200"], []), f"it said {line.heard}")


@SUBJECT.case("a record of which one bit is another")
def _(scene: Scene) -> None:
    line, plain, keys = with_keys(scene)
    request = bytearray(keys.record(scene.fill("a LOGIN account=$mine pin=$pin\r\n").encode()))
    request[-20] ^= 1
    plain.sendall(request)
    demand(line.to_the_end() == [], f"it said {line.heard}")


@SUBJECT.case("a hello in the middle of a session: nothing is agreed upon anew")
def _(scene: Scene) -> None:
    line, plain, keys = with_keys(scene)
    plain.sendall(keys.record(first_flight()[5:], content=HANDSHAKE))
    demand(line.to_the_end() == [], f"it said {line.heard}")


@SUBJECT.case("empty records without end, inside of TLS", long=True)
def _(scene: Scene) -> None:
    _, plain, keys = with_keys(scene)
    with suppress(ConnectionError):
        for _ in range(100):
            plain.sendall(b"".join(keys.record(b"") for _ in range(100)))
    demand(scene.visitor().ask("NOOP") == "200", "another is not served")


@SUBJECT.case("garbage after the handshake")
def _(scene: Scene) -> None:
    line = scene.customer()
    plain = socket.socket(fileno=os.dup(line.socket.fileno()))
    with plain:
        plain.sendall(scene.fill("a TRANSFER to=$theirs amount=1 currency=USD key=$key\r\n").encode() * 100)
        demand(line.to_the_end() == [], "it answers")


@SUBJECT.case("a record of another connection, sent in this one")
def _(scene: Scene) -> None:
    (_, _, others), (line, plain, _) = with_keys(scene), with_keys(scene)
    plain.sendall(others.record(b"a NOOP\r\n"))
    demand(line.to_the_end() == [], f"it said {line.heard}")


@SUBJECT.case("an end without a close_notify")
def _(scene: Scene) -> None:
    line = scene.customer()
    line.say(scene.fill("a BALANCE"))
    line.socket.shutdown(socket.SHUT_RDWR)
    demand(scene.customer().ask("NOOP") == "200", "the account is not free")


@SUBJECT.case("a reset in the middle of a session")
def _(scene: Scene) -> None:
    line = scene.customer()
    line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()
    demand(scene.customer().ask("NOOP") == "200", "the account is not free")


@SUBJECT.case("a peer that closes its half, and waits")
def _(scene: Scene) -> None:
    line = scene.customer()
    plain = line.socket.unwrap  # sends a close_notify, and waits for the bank's
    with suppress(OSError):
        plain()
    demand(scene.customer().ask("NOOP") == "200", "the account is not free")
