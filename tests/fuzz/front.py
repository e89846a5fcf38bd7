"""The whole bank from outside: octets into a real connection of a practice bank, and into its pages over HTTP."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from bankd import codes
from bankd.protocols.status import StatusSite
from bankd.testing import PracticeBank, Wire
from bankd.wire import codec, sealed_lines
from bankd.wire.codec import NotReply
from bankd.wire.roles import Role
from tests.fuzz import phrases
from tests.fuzz.seals import NONCE, SECRET
from tests.fuzz.target import ensure

SCENES = ("visitor", "alice", "operator", "sealed")
"""Who speaks: the first octet of an input, modulo four."""

LATER = 0xFF
"""Followed by another octet, this lets as many seconds pass, times eight."""

BETWEEN = 0xFE
"""The octets before and after it come one after the other."""

ADA, OWNER = 1001, 0
"""Users of the bank's machine: an administrator, and who owns the bank."""


@implementer(ILogObserver)
class Fault:
    """What was logged that is a fault."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __call__(self, event: LogEvent) -> None:
        """Keep an event that tells of a failure."""
        if "log_failure" in event or event.get("isError"):
            failure = event.get("log_failure")
            self.told.append(f"{formatEvent(event)}: {failure.getTraceback() if failure else ''}"[-2000:])


class Open:
    """A practice bank in a folder of its own, with people in it, until something is wrong with it."""

    def __init__(self) -> None:
        self._folder = Path(mkdtemp(prefix="bankd-fuzz-", dir=_memory()))
        self.fault = Fault()
        globalLogPublisher.addObserver(self.fault)
        self.bank = PracticeBank(self._folder)
        self.alice = self.bank.add_customer("alice", deposit_minor=100_000)
        self.bob = self.bank.add_customer("bob", deposit_minor=1_000)
        self.bank.add_operator("ada", Role.ADMINISTRATOR, uid=ADA)

    def close(self) -> None:
        """Close it, and forget it. Raises Wrong where its ledger is wrong."""
        globalLogPublisher.removeObserver(self.fault)
        faults = self.bank.faults()
        self.bank.close()
        rmtree(self._folder)
        ensure(not faults, "the ledger is wrong", faults)


def _memory() -> str | None:
    """Where files are in memory, on a system that has such a place."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


class Whole:
    """A target that is a bank, which goes on from input to input; at the end of a crowd its ledger is looked at."""

    weight = 1
    crowd = 250

    def __init__(self) -> None:
        self._open: Open | None = None

    @property
    def open(self) -> Open:
        """The bank."""
        if self._open is None:
            self._open = Open()
        return self._open

    def fresh(self) -> None:
        """See ``Target.fresh``."""
        was, self._open = self._open, None
        if was is not None:
            was.close()

    def feed(self, data: bytes) -> None:
        """Do what the octets say, and see that nothing was logged as a fault."""
        self.play(data)
        ensure(not self.open.fault.told, "a fault was logged", *self.open.fault.told)

    def play(self, data: bytes) -> None:
        """Do what the octets say."""
        raise NotImplementedError


class Front(Whole):
    """Whatever is sent: documented codes, at most one answer a request, one word at the end, and nothing logged."""

    def seeds(self) -> Sequence[bytes]:
        """Requests of each who may speak, with the names and numbers that this bank knows."""
        alice, bob = self.open.alice, self.open.bob
        known = {b"1000042": alice.account.encode(), b"password%20of%20alice": b"password%20of%20bob"}
        lines = []
        for line in phrases.requests():
            for before, after in known.items():
                line = line.replace(before, after)
            lines.append(line.replace(b"to=" + alice.account.encode(), b"to=" + bob.account.encode()))
        streams = [b"\r\n".join([*lines[start : start + 3], b""]) for start in range(0, len(lines), 3)]
        to = f"to={bob.account}"
        story = (
            f"a HOLD {to} amount=500 currency=USD key=h1\r\nb HOLDS\r\nc CAPTURE hold=3 amount=200 key=c1\r\n",
            f"a TRANSFER {to} amount=10 currency=USD key=t1\r\na TRANSFER {to} amount=10 currency=USD key=t1\r\n",
            f"b - {to} amount=2\r\nb - {to} amount=4\r\nb BULK count=2 mode=each currency=USD key=b1\r\n",
            "a OPEN_ACCOUNT\r\nb ACCOUNTS\r\nc STATEMENT limit=2\r\nd LIMITS\r\n",
            "a LISTEN port=4001\r\nb NOTICES since=0\r\nc NOOP notices=yes\r\n",
            f"a CHANGE_PIN new=86420975 pin={alice.pin}\r\nb DELETE_ACCOUNT pin=86420975 payout={bob.account}\r\n",
            f"a CREDIT account={bob.account} amount=5 currency=USD key=c reason=x\r\n",
            "b REVERSE_ENTRY receipt=1 key=r reason=x\r\n",
        )
        said = (*streams, *(text.encode() for text in story))
        return tuple(bytes((scene,)) + octets for octets in said for scene in range(len(SCENES)))

    def words(self) -> Sequence[bytes]:
        """Time that passes, octets that come later, and who is known."""
        alice, bob = self.open.alice, self.open.bob
        known = (alice.account, alice.pin, alice.mobile, bob.account, bob.pin, bob.mobile, "bob", "TILL-USD")
        times = tuple(bytes((LATER, seconds)) for seconds in (0, 1, 4, 60, 250))
        return (*times, bytes((BETWEEN,)), *(word.encode() for word in known), *phrases.values())

    def play(self, data: bytes) -> None:
        """Send the octets on a new connection."""
        scene = SCENES[data[0] % len(SCENES)] if data else SCENES[0]
        bank, told, lines = self.open.bank, bytearray(), 0
        wire = bank.operate(ADA) if scene == "operator" else bank.connect()
        wire.transport.clear()
        if scene in ("alice", "sealed") and not self._log_in(wire):
            self.fresh()
            return
        seal = self._seal(wire) if scene == "sealed" else None
        for octets, seconds in _parts(data[1:]):
            lines += octets.count(b"\n")
            if wire.connected:
                wire.send_octets(seal[0].seal_all(octets) if seal else octets)
            told += wire.transport.value()
            wire.transport.clear()
            bank.clock.advance(seconds)
            told += wire.transport.value()
            wire.transport.clear()
        heard = bytes(told).split(b"\r\n")[:-1]
        if wire.connected:
            wire.drop()
        _judge([seal[1].unseal(line) for line in heard] if seal else heard, lines)

    def _log_in(self, wire: Wire) -> bool:
        """Whether alice is in; what others did may have locked her out, or closed her account."""
        alice = self.open.alice
        return " 200 " in wire.ask(f"login LOGIN account={alice.account} pin={alice.pin}")[0]

    def _seal(self, wire: Wire) -> tuple[sealed_lines.SealedLines, sealed_lines.SealedLines]:
        """Begin a sealed session on a connection, as an answer to a sealed request would."""
        inward, outward = sealed_lines.both_ways(SECRET, NONCE)
        wire.protocol._reader.inward, wire.protocol._seal.outward = inward, outward
        wire.protocol.MAX_LENGTH = sealed_lines.MAX_SEALED
        return sealed_lines.both_ways(SECRET, NONCE)


def _parts(data: bytes) -> Iterator[tuple[bytes, int]]:
    """The octets that are sent at once, and how many seconds pass after each."""
    while data:
        marks = [at for mark in (LATER, BETWEEN) if (at := data.find(mark)) >= 0]
        at = min(marks, default=len(data))
        rest = data[at + 1 :]
        late = data[at : at + 1] == bytes((LATER,))
        yield data[:at], (rest[0] * 8 if late and rest else 0)
        data = rest[1:] if late else rest


def _judge(heard: Sequence[bytes], lines: int) -> None:
    """See that each line is one that the page allows, and that there are no more answers than ``lines`` were sent."""
    answers = 0
    for place, line in enumerate(heard):
        try:
            reply = codec.read_reply(line)
        except NotReply as error:
            raise AssertionError("no line of the protocol", line) from error
        if reply.number is None:
            continue
        code = codes.BY_WIRE.get((reply.number, reply.fields.get("reason", ""))) if reply.number >= 400 else reply.code
        ensure(code is not None and code not in (codes.INCIDENT, codes.BUSY), "a code that should not come", line)
        last = code is not None and code.closes and reply.tag == "*"
        ensure(not last or place == len(heard) - 1, "something comes after the end", line, heard[place + 1 :][:3])
        answers += not last and reply.number >= 200
    ensure(answers <= lines, "more answers than requests", answers, lines)


class Pipe(StringTransport):
    """A transport that is as forgiving as a real one: who ends nothing may do so, and an end comes in a later turn."""

    def unregisterProducer(self) -> None:
        """Forget the producer, if there is one."""
        self.producer = None


class Pages(Whole):
    """Whatever is asked over HTTP: an answer of HTTP or none, and nothing logged."""

    weight = 8
    STATUS = (b"100", b"200", b"400", b"404", b"405", b"411", b"413", b"414", b"421", b"501", b"503", b"505")

    def __init__(self) -> None:
        super().__init__()
        self._site: Any = None
        self._site_of: Open | None = None

    def seeds(self) -> Sequence[bytes]:
        """Requests for each page, one after another, with a body, and other protocols."""
        paths = (b"/", b"/status", b"/metrics", b"/healthz", b"/readyz", b"/history", b"/events", b"/nowhere", b"*")
        head = b" HTTP/1.1\r\nHost: localhost:5000\r\nAccept: text/plain; version=0.0.4;q=0.5, */*\r\n"
        asked = [b"GET " + path + head + b"\r\n" for path in paths]
        body = b"Content-Length: 5\r\n\r\nhello"
        chunked = b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        more = (b"POST /status" + head + body, b"PUT /status" + head + chunked, b"HEAD /metrics" + head + b"\r\n")
        return (*asked, b"".join(asked), *more, b"GET /status HTTP/1.0\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

    def words(self) -> Sequence[bytes]:
        """Headers."""
        return (b"Expect: 100-continue\r\n", b"Range: bytes=0-1\r\n", b"Connection: Upgrade, close\r\n", b"Host: \r\n")

    def play(self, data: bytes) -> None:
        """Send the octets on a new connection."""
        if self._site_of is not self.open:
            self._site_of, self._site = self.open, StatusSite(self.open.bank.portal, self.open.bank.clock)
        transport = Pipe()
        protocol = self._site.buildProtocol(IPv4Address("TCP", "192.0.2.1", 4711))
        protocol.makeConnection(transport)
        protocol.dataReceived(data)
        self.open.bank.clock.advance(0)
        told = transport.value()
        if told:
            version, status, _ = (told.split(b"\r\n")[0] + b"  ").split(b" ", 2)
            ensure(version in (b"HTTP/1.1", b"HTTP/1.0") and status in self.STATUS, "no answer of HTTP", told[:80])
        protocol.connectionLost(Failure(ConnectionDone()))
