"""BANK/1 over a stream: docs/protocol.md as seen from the bank's side.

1. A line is read once; from there on its values are valid. What is wrong with it is answered in its turn.
2. A peer is held to account for what it costs: it is not read from while PIPELINE requests, or MAX_BULK items, of its
   own wait, nor while it does not read what it is sent, and after TURN lines others come first; its time is limited.
   (Whether it reads is asked from its first octet on: TLS keeps our greeting back until then, and must itself read.)
3. After the connection is to be closed nothing more is read or begun, also when TLS still delivers what was sent
   before; a peer that does not finish the closing is cut off.
4. What is sealed becomes a request like any other (``sealing``); nothing behind it is taken in before it has.
5. How far the peer has come is its ``Standing``, and that has its requests answered.
6. A UNIX socket is for operators alone: the bank itself asks for such a peer to be one, before anything else.
"""

from typing import Any

from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

from bankd import codes
from bankd.codes import Code
from bankd.protocols import answers
from bankd.protocols.answers import Answer
from bankd.protocols.asked import Asked, Reader, may_overlap
from bankd.protocols.daybook import Daybook
from bankd.protocols.peer import Peer
from bankd.protocols.queue import Queue
from bankd.protocols.sealing import Seal, Unsealed
from bankd.protocols.standing import Standing
from bankd.protocols.valve import Valve
from bankd.protocols.watch import Watch
from bankd.wire import acts, grammar, messages, states
from bankd.wire.sealed_lines import MAX_SEALED
from bankd.wire.states import State

TURN = 64
"""Lines of one connection that are taken in before others have theirs."""

PIPELINE = 64
"""Requests of one connection that may wait or be under way, before it is not read from for a while."""

MAX_UNREAD = 256 * 1024
"""Octets that may arrive of a connection that is not read from; more than TLS can have under way is an attack."""

CLOSING_SECONDS = 5
"""How long a peer may take to finish the closing of its connection."""


Answered = tuple[Asked, Answer, bytes]
"""A request, its answer, and that as it travels."""


class LineProtocol(LineReceiver):
    """One connection."""

    delimiter = b"\r\n"
    MAX_LENGTH = grammar.MAX_LINE
    transport: Any

    def __init__(self, portal: Portal, clock: IReactorTime, opened: "set[LineProtocol]", daybook: Daybook) -> None:
        self.closed: Deferred[None] = Deferred()
        self._opened = opened
        self._daybook = daybook
        self._clock = clock
        self._standing = Standing(portal, self._logged_in)
        self._queue: Queue[Asked, Answered] = Queue(self._begin, may_overlap, self._deliver)
        self._reader = Reader()
        self._seal = Seal(self._reader, self._take_unsealed)
        self._items = 0
        self._now = 0.0
        self._arrived: list[float] = []
        self._heard = False
        self._taken = 0
        self._answers = 0
        self._closing = False
        self._stopping: Code | None = None
        self._watch = Watch(clock, self._time_up, self._warn, self._cut_off)
        self._abort: IDelayedCall | None = None
        self._rest: IDelayedCall | None = None
        self._stalled = False
        self._reading = True

    def connectionMade(self) -> None:
        """Greet, and begin to watch the time."""
        self._opened.add(self)
        self._now = self._clock.seconds()
        self._peer = Peer(self.transport, self.dismiss)
        self._daybook.note("connected", peer=self._peer.label)
        self._standing.enter(self._peer).addCallback(self._greet)
        if self._peer.uid is not None:
            self._take(Asked("*", acts.Operate, acts.Operate()))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End whatever was open."""
        self._opened.discard(self)
        self._close()
        for timer in (self._abort, self._rest):
            if timer is not None and timer.active():
                timer.cancel()
        self._daybook.note("closed", peer=self._peer.label, answers=self._answers)
        self._daybook.write()
        self.closed.callback(None)
        del self._standing, self._queue, self._seal, self._watch, self._peer  # or we would hold each other in memory

    def dataReceived(self, data: bytes) -> None:
        """Read lines, but nothing after closing, and not without end while paused."""
        if self._closing:
            return
        self._now = self._clock.seconds()
        if not self._heard:
            self._heard = True
            self.transport.registerProducer(Valve(self._set_stalled), True)
        if self.paused and len(self._buffer) + len(data) > MAX_UNREAD:
            self._hang_up(codes.LONG_LINE)
            return
        self._taken = 0
        super().dataReceived(data)  # type: ignore[no-untyped-call]
        if self._busyReceiving or self._closing:
            return
        begun = bool(self._buffer) and not self.paused
        if begun and b"\n" in self._buffer:
            self.lineReceived(self._buffer)  # a line without its CR: who sent it would wait for an answer for ever
        elif begun or self._watch.in_line:
            self._watch.line(begun, self._taken > 0)

    def lineReceived(self, line: bytes) -> None:
        """Take a line in, and the request that it ends."""
        if self._closing:
            return
        for asked in self._reader.read(line, self._standing.state is State.CUSTOMER):
            self._take(asked)
        self._taken += 1
        if self._taken == TURN and not self._closing:
            self._rest = self._clock.callLater(0, self._rested)
        self._set_reading()

    def _take(self, asked: Asked) -> None:
        """Have a request wait for its turn; close where there is no going on after it."""
        if asked.refused is not None and asked.refused.code.closes:
            self._hang_up(asked.refused.code)
        elif isinstance(asked.message, messages.Sealed) and self._standing.state is not State.OPERATOR:
            self._seal.open(self._standing.visitor, asked.tag, asked.message.jwe)
        else:
            self._items += asked.items
            self._arrived.append(self._now)
            self._queue.add(self._seal.vetted(asked) if asked.kind in self._seal.needed else asked)

    def _take_unsealed(self, asked: Unsealed) -> None:
        if self._closing:
            return
        if asked.answers is not None:
            self.MAX_LENGTH = MAX_SEALED
        self._take(asked)
        self._set_reading()

    def lineLengthExceeded(self, line: bytes) -> None:
        """Close on a line that is too long, or whose end without its CR stands where a line could still have ended."""
        if b"\n" in line[: self.MAX_LENGTH + 1]:
            self.lineReceived(line)
        else:
            self._hang_up(codes.LONG_LINE)

    def stop(self, code: Code = codes.STOPPING) -> None:
        """Read no more; answer what was asked, then say why with ``code``, and close."""
        self._stopping = code
        self._set_reading()
        self._hang_up_if_done()

    def dismiss(self, code: Code) -> None:
        """Say why with ``code``, and close; what was asked is not answered any more."""
        self._hang_up(code)

    def _greet(self, _entered: None) -> None:
        visitor = self._standing.visitor
        if self._peer.uid is None:  # nothing is between the bank and a process on its own machine
            self._seal.need(visitor.sealing)
        self._send(Answer(body=visitor.greeting).spelt("*"))
        self._watch.begin(visitor.limits)

    def _logged_in(self) -> None:
        self._peer.admit()
        self._watch.log_in()

    def _begin(self, asked: Asked) -> Deferred[Answered]:
        """Carry out one request. Whatever happens is an answer."""
        if asked.kind is not messages.Noop:
            self._watch.note()
        answer: Deferred[Answer] = maybeDeferred(self._standing.answer, asked)
        return answer.addCallback(_written, asked).addErrback(self._refuse, asked)

    def _refuse(self, failure: Failure, asked: Asked) -> Answered:
        """The answer to a request that failed."""
        answer = answers.failed(failure)
        error: Any = failure.value  # what led to it knows the request, which may know it
        error.__traceback__ = error.__context__ = error.__cause__ = None
        if answer.code is codes.ONE_TIME and not self._closing and self._standing.state is State.VISITOR:
            self._watch.begin(
                self._standing.visitor.limits
            )  # whose secret was right has its time again, for the next step
        return _written(answer, asked)

    def _deliver(self, answered: Answered) -> None:
        asked, answer, octets = answered
        self._answers += 1
        self._items -= asked.items
        verb = asked.kind.verb if asked.kind is not None else "none"
        taken = max(0.0, self._clock.seconds() - self._arrived.pop(0))  # the system's clock may be set back
        self._standing.visitor.answered(verb, answer.code, taken)
        if asked.kind is not None and asked.kind is not messages.Noop:
            who, verb = self._standing.known_as, asked.kind.verb
            self._daybook.note("request", peer=self._peer.label, verb=verb, **answer.logged, **who)
        if self._standing.state is State.CUSTOMER and (asked.kind is None or states.RULES[asked.kind].task):
            self._standing.visitor.task_done()
        if isinstance(asked, Unsealed):
            self._seal.answer(asked)
        self._send(octets)
        if answer.ends or (self._peer.uid is not None and self._standing.state is State.VISITOR):
            self._hang_up()
        self._hang_up_if_done()
        self._set_reading()

    def _send(self, octets: bytes) -> None:
        if not self._closing:
            self.transport.write(octets if self._seal.outward is None else self._seal.outward.seal_all(octets))

    def _hang_up(self, code: Code | None = None) -> None:
        """Close, after saying why where ``code`` is given; a peer that does not let go is cut off."""
        if self._closing:
            return
        if code is not None:
            self._daybook.note("hung_up", peer=self._peer.label, code=code.number, reason=code.reason)
            self._send(Answer(code).spelt("*"))
        self._close()
        self._abort = self._clock.callLater(CLOSING_SECONDS, self.transport.abortConnection)
        if self._heard:
            self.transport.unregisterProducer()
        if not self._reading:
            self.resumeProducing()  # or the peer's part of the closing would not be read
        self.transport.loseConnection()

    def _hang_up_if_done(self) -> None:
        if self._closing or not self._stopping:
            return
        if self._stalled or not (len(self._queue) or self._seal.opening):  # or we would wait for ever
            self._hang_up(self._stopping)

    def _time_up(self, code: Code) -> None:
        end = self.stop if code is codes.SESSION_TIME else self._hang_up  # a session may be amid its requests
        end(code)

    def _warn(self, seconds: int) -> None:
        self._send(Answer(codes.IDLE_SOON, more={"seconds": seconds}).spelt("*"))

    def _cut_off(self) -> None:
        """The peer did not read for too long what it was sent."""
        self._daybook.note("cut_off", peer=self._peer.label)
        self.transport.abortConnection()

    def _close(self) -> None:
        """Take no more in, and end what is open, without waiting for the peer to let go."""
        self._closing = True
        self._watch.end()
        self._queue.close()
        self.clearLineBuffer()
        self._standing.end()

    def _set_stalled(self, stalled: bool) -> None:
        """Note whether the peer reads what it is sent; nothing is begun for one that does not."""
        self._stalled = stalled
        self._watch.read(stalled)
        self._queue.hold(stalled)
        self._set_reading()

    def _rested(self) -> None:
        """Go on reading, now that others had their turn."""
        self._rest = None
        self._set_reading()

    def _set_reading(self) -> None:
        """Read from the peer, or do not, as its requests and its own reading call for."""
        if self._closing:
            return
        room = len(self._queue) < PIPELINE and self._items < messages.MAX_BULK
        wanted = room and not (self._stopping or self._stalled or self._rest or self._seal.opening)
        if wanted == self._reading:
            return
        self._reading = wanted
        if wanted:
            self.resumeProducing()
        else:
            self._watch.line(begun=False)
            self.pauseProducing()


def _written(answer: Answer, asked: Asked) -> Answered:
    return asked, answer, answer.spelt(asked.tag)
