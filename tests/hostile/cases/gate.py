"""Strangers who are slow, silent or too many, at a bank with small limits."""

import contextlib
from time import monotonic

from tests.hostile.case import Subject, demand, expect
from tests.hostile.line import Silence, reach
from tests.hostile.scene import Scene
from tests.hostile.seals import Sealer

SUBJECT = Subject(
    "gate", {"server": {"handshake_seconds": 1, "line_seconds": 1, "login_seconds": 3, "max_strangers": 30}}
)

SLOW, IDLE = "* 408 reason=slow", "* 408 reason=idle"

for what, octets in {"one octet": b"a", "half a line": b"a NOO", "a line but its end": b"a NOOP\r"}.items():

    @SUBJECT.case(f"{what}, and then silence, before a log-in and after it")
    def _(scene: Scene, octets: bytes = octets) -> None:
        for line in (scene.visitor(), scene.customer()):
            line.send(octets)
            expect(scene, line, [SLOW], ends=True)


@SUBJECT.case("half a sealed line, and then silence")
def _(scene: Scene) -> None:
    session = Sealer(scene.visitor()).begin()
    session.hear(1)
    session.line.send(session.seal("b NOOP")[:40].encode())
    heard = list(session.to_the_end())
    demand(heard == [SLOW], f"it was answered {heard}")


@SUBJECT.case("silence before the handshake")
def _(scene: Scene) -> None:
    plain = reach(scene.bank.port)
    scene.keep(plain)
    with contextlib.suppress(ConnectionError):
        demand(plain.recv(1) == b"", "the bank said something")


@SUBJECT.case("silence after the handshake")
def _(scene: Scene) -> None:
    expect(scene, scene.visitor(), [IDLE], ends=True)


@SUBJECT.case("a hundred strangers from one network, and a customer from another")
def _(scene: Scene) -> None:
    for _ in range(100):
        scene.keep(reach(scene.bank.port, "127.9.0.1"))
    until = monotonic() + 20
    while True:
        try:
            scene.customer().leave()
            return
        except (OSError, Silence) as error:
            demand(monotonic() < until, f"the customer was not let in: {error}")
