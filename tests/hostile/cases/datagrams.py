"""The port that hints come from: nobody has anything to say to it (docs/protocol.md, section 11)."""

import os
import socket
from contextlib import closing
from time import monotonic

from tests.hostile.case import Subject, demand, said
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
dropped("a hint, sent back to the bank", b"BANK/1 9f86d081884c7d659a2feaa0c55ad015 7 deposit")
dropped("a hint with a number of 1,000 digits", b"BANK/1 9f86d081884c7d659a2feaa0c55ad015 " + b"9" * 1000 + b" paid")
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


@SUBJECT.case("a thousand listeners of one session: the last one counts", entries=1)
def _(scene: Scene) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        udp.bind((LOOPBACK, 0))
        udp.settimeout(SILENT_SECONDS * 10)
        line = scene.customer()
        line.say(*[f"a LISTEN port={udp.getsockname()[1]}"] * 1000, "zz NOOP")
        listener = fields(line.until("zz ")[-2])["listener"]
        said(scene, line, "a DEPOSIT amount=1 currency=USD key=$key", ["a 200 ..."])
        demand(listener in udp.recv(100).decode(), "the hint is not for the last listener")
        udp.settimeout(SILENT_SECONDS)
        began = monotonic()
        try:
            demand(False, f"and another hint: {udp.recv(100)!r}")
        except TimeoutError:
            demand(monotonic() > began, "time stood still")
