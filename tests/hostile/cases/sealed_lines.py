"""Lines of a sealed session that are not the next one, not whole, or not sealed."""

from collections.abc import Callable, Sequence

from tests.hostile.case import Subject, demand, expect
from tests.hostile.scene import Scene, fields
from tests.hostile.seals import Sealer, Session, padded, read, spell

SUBJECT = Subject("sealed lines")

BROKEN = "* 400 reason=seal"

Make = Callable[[Session], Sequence[str]]


def broken(name: str, make: Make, *told: str) -> None:
    """A case of a visitor in a sealed session who sends lines, and loses the connection."""

    @SUBJECT.case(name)
    def _(scene: Scene) -> None:
        session = Sealer(scene.visitor()).begin()
        demand(session.hear(1) == ["a 200"], "the session has not begun")
        session.line.say(*make(session))
        heard = list(session.to_the_end())
        demand(heard == list(told or [BROKEN]), f"it was answered {heard}")


def altered(place: float) -> Make:
    """A line with a bit in one place turned round."""

    def make(session: Session) -> Sequence[str]:
        octets = bytearray(read(session.seal("b NOOP")))
        octets[int(place * (len(octets) - 1))] ^= 4
        return [spell(octets)]

    return make


def twice(session: Session) -> Sequence[str]:
    """A line, sent again."""
    line = session.seal("b NOOP")
    session.line.say(line)
    demand(session.hear(1) == ["b 200"], "the line itself was not answered")
    return [line]


def swapped(session: Session) -> Sequence[str]:
    """Two lines, the second first."""
    return [session.seal("b NOOP"), session.seal("c NOOP")][::-1]


def skipped(session: Session) -> Sequence[str]:
    """The line after the next."""
    session.seal("b NOOP")
    return [session.seal("c NOOP")]


broken("a line in the clear", lambda _: ["b NOOP"])
broken("a log-out in the clear", lambda _: ["b LOGOUT"])
broken("a line sent twice", twice)
broken("two lines in the wrong order", swapped)
broken("a line left out", skipped)
for name, where in {"first": 0.0, "middle": 0.5, "last": 1.0, "first of the tag's": 0.82}.items():
    broken(f"a bit of the {name} octet turned round", altered(where))
broken("a line without its last letter", lambda s: [s.seal("b NOOP")[:-1]])
broken("a line without its first letter", lambda s: [s.seal("b NOOP")[1:]])
broken("a line with a letter more", lambda s: [s.seal("b NOOP") + "A"])
broken("half a line", lambda s: [s.seal("b NOOP")[:53]])
broken("a line of one letter", lambda _: ["A"])
broken("a line of the bank's, sent back", lambda s: [s.line.heard[-1]])
broken("a line that is not padded", lambda s: [s.seal_octets(b"b NOOP")])
broken("a line that is padded with zeros only", lambda s: [s.seal_octets(b"b NOOP".ljust(64, b"\0"))])
broken("a line that is padded to another length", lambda s: [s.seal_octets(b"b NOOP\x80".ljust(63, b"\0"))])
broken("a line of zeros", lambda s: [s.seal_octets(bytes(64))])
broken("a line of no octets", lambda s: [s.seal_octets(b"")])
broken("a line with something after its padding", lambda s: [s.seal_octets(b"b NOOP\x80" + bytes(56) + b"\1")])
broken("SEALED under seal", lambda s: [s.seal("b SEALED jwe=eyJ9.A.A.A.A")])
broken("an empty line instead of a sealed one", lambda _: [""])
broken("a line of 5569 letters", lambda _: ["A" * 5569], "* 413 reason=length")
broken("a line of 5568 letters", lambda _: ["A" * 5568])
broken("a line with a NUL under seal", lambda s: [s.seal("b NOOP\0")], "* 400 reason=framing")
broken("two lines under one seal", lambda s: [s.seal("b NOOP\r\nc NOOP")], "* 400 reason=framing")
broken("a bare line feed under seal", lambda s: [s.seal("b NOOP\n")], "* 400 reason=framing")
broken("nothing under seal", lambda s: [s.seal("")], "* 400 reason=framing")
broken("a line of 4097 octets under seal", lambda s: [s.seal_octets(padded(b"b " + b"A" * 4095))])


@SUBJECT.case("lines that are wrong under seal are answered as in the clear, sealed")
def _(scene: Scene) -> None:
    session = Sealer(scene.visitor()).begin("BALANCE")
    demand(session.hear(1) == ["a 401 reason=login"], "the session has not begun")
    session.say("b noop", "c DANCE", "!!!", "d BALANCE", "e NOOP x=y", "f - to=1 amount=1", "f NOOP", "g OPERATE")
    heard = list(session.to_the_end())
    wanted = ["b 400 reason=line", "c 400 reason=verb", "* 400 reason=line", "d 401 reason=login"]
    wanted += ["e 400 reason=field field=x"]
    demand(heard[:5] == wanted, f"it was answered {heard}")
    demand(heard[-1] == "g 403 reason=operator", f"it ended with {heard}")


@SUBJECT.case("lines in the clear, in the packet of the request that begins a session")
def _(scene: Scene) -> None:
    sealer = Sealer(scene.visitor())
    secret = bytes(range(32))
    jwe = sealer.seal(scene.fill("LOGIN account=$mine pin=$pin"), session=spell(secret))
    sealer.line.say(f"a SEALED jwe={jwe}", scene.fill("b TRANSFER to=$mate amount=1 currency=USD key=$key"))
    expect(scene, sealer.line, [BROKEN], ends=True)  # in the clear, for the log-in is not answered any more


@SUBJECT.case("a transfer in a sealed session, sent again in another with the same secret", entries=1)
def _(scene: Scene) -> None:
    heard: list[str] = []
    for _ in range(2):
        sealer = Sealer(scene.visitor())
        secret = bytes(range(32))
        sealer.say(sealer.seal(scene.fill("LOGIN account=$mine pin=$pin"), session=spell(secret)))
        session = Session(sealer.line, secret, sealer.nonce)
        demand(session.hear(1)[0].startswith("a 200 account="), "the log-in was refused")
        if heard:
            sealer.line.say(heard[0])
            demand(list(session.to_the_end()) == [BROKEN], "a line of another connection was taken")
        else:
            heard = [session.seal(scene.fill("b TRANSFER to=$mate amount=1 currency=USD key=$key"))]
            sealer.line.say(heard[0])
            demand(session.hear(1)[0].startswith("b 200 receipt="), "the transfer was refused")
            session.say("c LOGOUT")
            session.to_the_end()


@SUBJECT.case("KEYS in a sealed session tells the same nonce, and nobody in between sees it")
def _(scene: Scene) -> None:
    sealer = Sealer(scene.visitor())
    session = sealer.begin()
    session.say("b KEYS")
    _, told = session.hear(2)
    demand(fields(told.removeprefix("b "))["nonce"] == sealer.nonce, f"it was answered {told}")
