"""Octets of a connection, cut anywhere: the same events as in one piece, at the bank's end and at the client's."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection

from bankd import codes
from bankd.client.conversation import Conversation
from bankd.client.errors import LostBank
from bankd.codes import Refused
from bankd.protocols.answers import Answer
from bankd.protocols.asked import Asked
from bankd.protocols.daybook import Daybook
from bankd.protocols.line import LineProtocol
from bankd.records import Greeting, Limits
from bankd.wire import codec, messages
from bankd.wire import seal as seals
from bankd.wire.seal import BrokenSeal, Sealed
from bankd.wire.sealed_lines import both_ways
from bankd.wire.states import State
from tests.fuzz import phrases
from tests.fuzz.seals import NONCE, SECRET
from tests.fuzz.target import Stateless, ensure

MOST_CUTS = 6

TURNS = 400
"""Turns of the reactor after which whatever was sent has been taken in."""

OPEN = "opens"
"""What stands in these streams for a JWE that begins a sealed session."""


def pieces(data: bytes) -> tuple[bytes, list[bytes]]:
    """What an input says to send: its first octets are a number of cuts and, two each, the places of these."""
    count = data[0] % (MOST_CUTS + 1) if data else 0
    spelt, rest = data[1 : 1 + 2 * count], data[1 + 2 * count :]
    places = sorted(int.from_bytes(spelt[at : at + 2], "big") % (len(rest) + 1) for at in range(0, len(spelt), 2))
    return rest, [rest[start:end] for start, end in zip([0, *places], [*places, len(rest)], strict=True)]


def uncut(octets: bytes) -> bytes:
    """An input that sends ``octets``, with three cuts in them."""
    places = (len(octets) // 2, len(octets) - 1, 1)
    return b"\x03" + b"".join((place % 65536).to_bytes(2, "big") for place in places) + octets


class Parrot:
    """In the place of a bank: a standing, and a visitor, that answers each request with what it understood."""

    def __init__(self, clock: Clock) -> None:
        self.state, self.known_as, self.visitor = State.CUSTOMER, {"account": "1"}, self
        self.greeting, self.limits, self.sealing = Greeting("BANK/1", "Parrot", "USD"), Limits(), seals.Sealing.NO
        self._clock = clock

    def enter(self, _peer: object) -> Deferred[None]:
        """Let the peer in at once."""
        entered: Deferred[None] = Deferred()
        entered.callback(None)
        return entered

    def answer(self, asked: Asked) -> Answer:
        """A digest of the request. Raises Refused where it is none."""
        if asked.message is None:
            raise asked.refused or Refused(codes.BAD_LINE)
        heard = sha256(codec.write_request("t", asked.message)).hexdigest()[:16]
        return Answer(more={"heard": heard}, ends=isinstance(asked.message, messages.Logout))

    def unseal(self, jwe: str) -> Deferred[Sealed]:
        """Open what is OPEN, in a later turn."""
        opened: Deferred[Sealed] = Deferred()
        if jwe == OPEN:
            self._clock.callLater(0, opened.callback, Sealed(NONCE, 0, "NOOP", SECRET))
        else:
            self._clock.callLater(0, opened.errback, Refused(codes.BROKEN_SEAL))
        return opened

    def answered(self, *_: object) -> None:
        """Count nothing."""

    def task_done(self) -> None:
        """Count nothing."""

    def end(self) -> None:
        """Nothing was begun."""


class Cuts(Stateless):
    """What a client sends, in one piece and in several: the same answers, in the same order, and the same end."""

    weight = 2

    def seeds(self) -> Sequence[bytes]:
        """All requests in one stream; items and their BULK; a sealed session; more than one turn takes in."""
        lines = [line for line in phrases.requests() if b"SEALED" not in line and b"LOGOUT" not in line]
        items = b"b - to=1 amount=2\r\nb - to=3 amount=4\r\nb BULK count=2 mode=each currency=USD key=k\r\n"
        to_bank, _ = both_ways(SECRET, NONCE)
        sealed = b"a SEALED jwe=opens\r\n" + to_bank.seal_all(b"b NOOP\r\nc BALANCE\r\n" + b"d LOGOUT\r\n")
        some = [b"\r\n".join([*lines[start : start + 5], b""]) for start in range(0, len(lines), 5)]
        many, long = b"a NOOP\r\n" * 150, b"a NOOP\nb " + b"a" * 5000
        return tuple(uncut(octets) for octets in (*some, items, sealed, many, long, b"a LOGOUT\r\nb NOOP\r\n"))

    def feed(self, data: bytes) -> None:
        """Send it both ways."""
        whole, cut = pieces(data)
        one, other = self._told([whole]), self._told(cut)
        ensure(one == other, "cut, it is answered otherwise", one[:400], other[:400])
        ensure(one.count(b"\r\n") <= whole.count(b"\r\n") + 2, "more answers than requests")

    def _told(self, sent: list[bytes]) -> bytes:
        """All that is answered, and how it ends."""
        clock = Clock()
        protocol = LineProtocol(None, clock, set(), Daybook(clock))  # type: ignore[arg-type]  # the parrot asks nobody
        protocol._standing = Parrot(clock)  # type: ignore[assignment]
        transport: Any = StringTransportWithDisconnection(peerAddress=IPv4Address("TCP", "192.0.2.1", 4711))
        transport.protocol = protocol
        protocol.makeConnection(transport)
        for octets in sent:
            if transport.connected:
                protocol.dataReceived(octets)
                self._settle(clock)
        told: bytes = transport.value() + (b"" if transport.connected else b"(closed)")
        if transport.connected:
            transport.abortConnection()
        return told

    def _settle(self, clock: Clock) -> None:
        for _ in range(TURNS):
            if not any(call.getTime() <= clock.seconds() for call in clock.getDelayedCalls()):
                return
            clock.advance(0)
        ensure(False, "the connection does not come to rest")


class Talk(Stateless):
    """What a bank that may be hostile sends, in one piece and in several: the same answers to who asked."""

    weight = 8
    GREETING = b"* 200 protocol=BANK/1 bank=Test currency=USD\r\n"
    ASKED = (messages.Balance(), messages.Statement(), messages.Notices(), messages.Accounts())

    def seeds(self) -> Sequence[bytes]:
        """A greeting and answers."""
        good = (
            b"a1 200 account=1 currency=USD balance=5 available=5\r\na2 - receipt=1\r\na2 200\r\na3 200\r\na4 - x=1\r\n"
        )
        events = b"* 100 reason=idle_soon seconds=30\r\n* 503 reason=stopping\r\n"
        streams = (
            good,
            events + good,
            b"a1 410 reason=session\r\n",
            b"a1 - x=%ff\r\n",
            b"a1 599 reason=new\r\n" + good,
        )
        return tuple(uncut(self.GREETING + octets) for octets in streams)

    def words(self) -> Sequence[bytes]:
        """Lines of a bank."""
        return phrases.replies()

    def feed(self, data: bytes) -> None:
        """Receive it both ways."""
        whole, cut = pieces(data)
        one, other = self._heard([whole]), self._heard(cut)
        ensure(one == other, "cut, it is heard otherwise", str(one)[:400], str(other)[:400])

    def _heard(self, sent: list[bytes]) -> list[object]:
        """What becomes of the greeting, of each request, and of the conversation."""
        clock, heard = Clock(), list[object]()
        conversation = Conversation(clock)
        transport: Any = StringTransportWithDisconnection()
        transport.protocol = conversation
        conversation.on_idle = heard.append
        note = self._noting(heard)
        conversation.makeConnection(transport)
        note("greeted", conversation.greeted)
        note("lost", conversation.lost)
        for asked in self.ASKED:
            note(asked.verb, conversation.ask(asked))
        for octets in sent:
            if transport.connected:
                conversation.dataReceived(octets)
        if transport.connected:
            heard.append("open")
            conversation.close()
        ensure(len(heard) >= len(self.ASKED) + 2, "somebody waits for ever", heard)
        ensure(not clock.getDelayedCalls(), "a clock still runs")
        return heard

    def _noting(self, heard: list[object]) -> Callable[[str, Deferred[Any]], None]:
        def note(name: str, told: Deferred[Any]) -> None:
            def failed(failure: Any) -> None:
                failure.trap(LostBank, BrokenSeal)
                heard.append((name, str(failure.value), getattr(failure.value, "loss", None)))

            told.addCallbacks(lambda value: heard.append((name, str(value), getattr(value, "fields", None))), failed)
            told.addErrback(lambda failure: heard.append(failure))

        return note
