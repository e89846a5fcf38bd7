"""The port that hints come from: nobody has anything to say to it (docs/protocol.md, section 11)."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from bankd.wire import notice
from bankd.wire.notice import Opening, Probe
from bankd.wire.paths import PROBES_OF_ACCOUNT
from tests.hostile.case import Subject, demand, is_like, said
from tests.hostile.line import LOOPBACK
from tests.hostile.scene import Scene, fields

SUBJECT = Subject("datagrams")

SILENT_SECONDS = 0.3
"""How long is waited for an answer that must not come."""

LONGEST = 65_507
"""Octets in a datagram of UDP over IPv4, at most."""


def dropped(name: str, *datagrams: bytes) -> None:
    """A case of datagrams that are not answered."""

    @SUBJECT.case(name)
    def _(scene: Scene) -> None:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
            udp.settimeout(SILENT_SECONDS)
            for datagram in datagrams:
                udp.sendto(datagram, (LOOPBACK, scene.bank.notice_port))
            try:
                told = udp.recv(65536)
            except TimeoutError:
                return
        demand(False, f"it answered {told!r}")


dropped("an empty datagram", b"")
dropped("a NUL", b"\x00")
dropped("the longest datagram that there is", bytes(LONGEST))
dropped("garbage", *(os.urandom(200) for _ in range(100)))
dropped("a request of BANK/1", b"a LOGIN account=10000042 pin=8265\r\n")
dropped("a datagram of the bank's form, sent back to it", b"\x01" + bytes(16) + bytes(7) + b"\x01" + os.urandom(41))
dropped("a proof, by UDP", bytes(16), bytes(16).hex().encode(), b"a CONFIRM proof=" + b"0" * 32 + b"\r\n")
dropped("a question of DNS", b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01")
dropped("a format of the log's", b"{log_source} %s%n\r\n2026-11-20T00:00:00+0000 [forged] line")
dropped("ten thousand datagrams", *[b"x" * 100] * 10_000)


@SUBJECT.case("hints go to the connection's own address alone")
def _(scene: Scene) -> None:
    said(scene, scene.customer(), "a LISTEN port=9 host=192.0.2.1", ["a 400 reason=field field=host"])


@SUBJECT.case("hints to a port at which nobody listens harm no payment", entries=20)
def _(scene: Scene) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        udp.bind((LOOPBACK, 0))
        port = udp.getsockname()[1]
    line = scene.customer()
    said(scene, line, f"a LISTEN port={port}", ["a 200 listener=..."])
    for n in range(20):
        said(scene, line, f"a DEPOSIT amount=1 currency=USD key=$key-{n}", ["a 200 ..."])


@SUBJECT.case("hints to the bank's own port for hints", entries=2)
def _(scene: Scene) -> None:
    line = scene.customer()
    said(scene, line, f"a LISTEN port={scene.bank.notice_port}", ["a 200 listener=..."])
    for n in range(2):
        said(scene, line, f"a DEPOSIT amount=1 currency=USD key=$key-{n}", ["a 200 ..."])


@contextmanager
def ear() -> Iterator[socket.socket]:
    """A UDP port of this machine, at which somebody listens."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        udp.bind((LOOPBACK, 0))
        udp.settimeout(SILENT_SECONDS * 10)
        yield udp


def asks(udp: socket.socket) -> str:
    """The request for hints to a port."""
    return f"a LISTEN port={udp.getsockname()[1]}"


def rest(udp: socket.socket) -> list[bytes]:
    """What comes to a port until nothing more does."""
    udp.settimeout(SILENT_SECONDS)
    came: list[bytes] = []
    with suppress(TimeoutError):
        while True:
            came.append(udp.recv(2048))
    return came


def open_probe(answer: str, datagram: bytes) -> str:
    """The proof in the probe that an answer to LISTEN was about."""
    told = fields(answer)
    probe = Opening(told["listener"], notice.read_key(told["notice_key"])).open(datagram)
    demand(isinstance(probe, Probe), f"{datagram!r} is no probe of {answer!r}")
    assert isinstance(probe, Probe)
    return probe.proof


@SUBJECT.case("a port that did not prove itself gets one probe, and nothing that happens", entries=20)
def _(scene: Scene) -> None:
    line = scene.customer()
    with ear() as udp:
        said(scene, line, asks(udp), ["a 200 listener=..."])
        for n in range(20):
            said(scene, line, f"a CONFIRM proof={os.urandom(16).hex()}", ["a 404 reason=probe"])
            said(scene, line, f"a DEPOSIT amount=1 currency=USD key=$key-{n}", ["a 200 ..."])
        lengths = [len(datagram) for datagram in rest(udp)]
    demand(len(lengths) == 1 and lengths[0] <= 64, f"datagrams of {lengths} octets came")


@SUBJECT.case("a proof in another session")
def _(scene: Scene) -> None:
    line = scene.customer()
    with ear() as udp:
        proof = open_probe(line.ask(asks(udp).removeprefix("a ")), udp.recv(2048))
        said(scene, scene.visitor(), f"a CONFIRM proof={proof}", ["a 401 reason=login"])
        line.ask("LOGOUT")
        said(scene, scene.customer(), f"a CONFIRM proof={proof}", ["a 404 reason=probe"])


@SUBJECT.case("a thousand listeners of one session: few probes, and the last one counts", entries=1)
def _(scene: Scene) -> None:
    line = scene.customer()
    with ear() as udp:
        line.say(*[asks(udp)] * 1000, "zz NOOP")
        heard = line.until("zz ")[:-1]
        taken = [answer for answer in heard if answer.startswith("a 200 ")]
        refused = [answer for answer in heard if is_like(answer, "a 429 reason=wait seconds=...")]
        demand(0 < len(taken) <= PROBES_OF_ACCOUNT[0] + 2, f"{len(taken)} of 1000 were taken")
        demand(len(taken) + len(refused) == 1000, f"it was answered {set(heard)}")
        probes = rest(udp)
        demand(len(probes) == len(taken), f"{len(probes)} probes for {len(taken)} listeners")
        said(scene, line, f"a CONFIRM proof={open_probe(taken[-1], probes[-1])}", ["a 200"])
        said(scene, line, "a DEPOSIT amount=1 currency=USD key=$key", ["a 200 ..."])
        demand(len(rest(udp)) == 1, "not one datagram came, or more")
