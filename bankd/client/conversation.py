"""The client's side of BANK/1 on one connection: requests out, answers and events in.

1. The bank greets first. Nothing is asked before it has, so that nothing is told to something that is no bank. Of its
   other events those below 200 are news, of which some may be newer than this client; the rest tell why it will close.
2. Answers come in the order of the requests, and each carries its request's tag; anything else ends the conversation.
3. When the conversation ends, every request still unanswered fails with the one LostBank that says why.
4. An answer whose code closes is the last: what waits behind it was not carried out, and is answered alike
   (docs/protocol.md, section 9).
5. Silence has two limits: an answer that does not come within ANSWER_SECONDS ends the conversation, and a session that
   asks nothing is kept by a NOOP now and then (``keep_alive``).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime, ITCPTransport, ITransport
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

from bankd import codes
from bankd.client.answers import Answer, Fields, code_of, read
from bankd.client.errors import Loss, LostBank
from bankd.client.seals import Clear, Envelope
from bankd.codes import Code
from bankd.records import Greeting
from bankd.wire import codec, grammar
from bankd.wire.codec import NotReply, Reply
from bankd.wire.grammar import SECONDS
from bankd.wire.messages import Message, Noop
from bankd.wire.seal import BrokenSeal, TooLong

GREETING_SECONDS = 10.0
"""How long a bank may take to greet, the TLS handshake included."""

ANSWER_SECONDS = 30.0
"""How long the bank may take for the next line that is due: as long as it may queue for its slowest work."""

MAX_ITEMS = 1000
"""The most lines in one list; the bank's own pages hold at most 100."""


@dataclass(slots=True)
class _Asked:
    """A request under way: its tag, where its answer goes, and the lines of a list that have come so far."""

    tag: str
    answer: Deferred[Answer] = field(default_factory=Deferred)
    items: list[Fields] = field(default_factory=list)


class Conversation(LineReceiver):
    """Ask, and be answered. ``greeted`` fires with the bank's greeting; ``lost`` with LostBank, once it is over.

    Neither ``lost`` nor an answer is ever waited for in vain; ``greeted`` fails with the LostBank when none comes.
    """

    MAX_LENGTH = grammar.MAX_LINE

    def __init__(self, clock: IReactorTime) -> None:
        self.greeted: Deferred[Greeting] = Deferred()
        self.lost: Deferred[LostBank] = Deferred()
        self.on_idle: Callable[[int], object] = lambda seconds: None
        self._clock = clock
        self._envelope: Envelope = Clear()
        self._asked: deque[_Asked] = deque()
        self._count = 0
        self._loss: LostBank | None = None
        self._warning: Code | None = None
        self._patience: IDelayedCall | None = None
        self._noop: IDelayedCall | None = None
        self._quiet_seconds: float | None = None

    # What the rest of the client calls.

    def ask(self, message: Message) -> Deferred[Answer]:
        """The bank's answer to ``message``. Fails with LostBank."""
        return self._send(lambda tag: codec.write_request(tag, message), message.secret)

    def ask_verb(self, verb: str) -> Deferred[Answer]:
        """The bank's answer to a verb without fields that this client need not know. Fails with LostBank."""
        return self._send(lambda tag: f"{tag} {verb}".encode("ascii"))

    def seal(self, envelope: Envelope) -> None:
        """From now on, and while nothing is under way, have lines travel in ``envelope``."""
        self._envelope = envelope
        self.MAX_LENGTH = envelope.limit

    def keep_alive(self, seconds: float) -> None:
        """From now on ask a NOOP whenever nothing was asked for ``seconds``."""
        self._quiet_seconds = seconds
        self._stay_alive()

    def close(self) -> None:
        """End the conversation from this side; what is still unanswered fails."""
        self._end(LostBank(Loss.LEFT, self._warning))
        if self.transport is not None:
            self.transport.loseConnection()

    # What Twisted calls.

    def connectionMade(self) -> None:
        self._expect_line()

    def lineReceived(self, line: bytes) -> None:
        if self._loss is not None:
            return
        try:
            self._heard(codec.read_reply(self._envelope.take_out(line)))
        except BrokenSeal:
            self._give_up(Loss.BROKEN_SEAL)
        except NotReply:
            self._give_up(Loss.NONSENSE)

    def lineLengthExceeded(self, line: bytes) -> None:
        self._give_up(Loss.NONSENSE)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._end(LostBank(Loss.ENDED, self._warning, reason))

    # One line in, one request out.

    def _heard(self, reply: Reply) -> None:
        """Take one line from the bank. Raises NotReply when it is not due."""
        if reply.tag == "*":
            self._note_event(reply)
        elif not self._asked or reply.tag != self._asked[0].tag:
            raise NotReply(reply.tag)
        elif reply.number is None:
            self._asked[0].items.append(reply.fields)
            if len(self._asked[0].items) > MAX_ITEMS:
                raise NotReply("a list without end")
        else:
            self._answer(Answer(code_of(reply), reply.fields, tuple(self._asked[0].items)))
        self._expect_line()

    def _answer(self, answer: Answer) -> None:
        """Hand an answer to whoever asked, and to all who did where it is the last."""
        if not answer.code.closes:
            self._asked.popleft().answer.callback(answer)
            return
        self._end(LostBank(Loss.ENDED, answer.code), answer)
        if self.transport is not None:
            self.transport.loseConnection()

    def _note_event(self, reply: Reply) -> None:
        """Take the greeting, pass a warning on, or remember why the bank is about to close."""
        if reply.number is None:
            raise NotReply("an event in a list")
        code = code_of(reply)
        if code.refuses:
            self._warning = code
        elif self.greeted.called and code.number < 200:
            seconds = reply.fields.get("seconds", "")
            if code == codes.IDLE_SOON and SECONDS.pattern.fullmatch(seconds):
                self.on_idle(SECONDS.parse(seconds))
        elif self.greeted.called or not reply.fields.get("protocol", "").startswith("BANK/1"):
            raise NotReply("not a greeting of BANK/1")
        else:
            self.greeted.callback(read(Greeting, reply.fields))

    def _send(self, write: Callable[[str], bytes], secret: bool = False) -> Deferred[Answer]:
        self._count += 1
        asked = _Asked(f"a{self._count}")
        if self._loss is not None:
            asked.answer.errback(self._loss)
            return asked.answer
        self._asked.append(asked)
        try:
            octets = self._envelope.put_in(write(asked.tag), secret)
        except TooLong:
            self._give_up(Loss.TOO_LONG)
            return asked.answer
        cast(ITransport, self.transport).write(octets)
        self._stay_alive()
        if len(self._asked) == 1:
            self._expect_line()
        return asked.answer

    # The two timers, and the end.

    def _expect_line(self) -> None:
        """Give the bank its full time for the next line, if one is due."""
        _stop(self._patience)
        if self._loss is None and (self._asked or not self.greeted.called):
            seconds = ANSWER_SECONDS if self.greeted.called else GREETING_SECONDS
            self._patience = self._clock.callLater(seconds, self._give_up, Loss.SILENT)

    def _stay_alive(self) -> None:
        """Start the wait for the next NOOP again."""
        _stop(self._noop)
        if self._loss is None and self._quiet_seconds is not None:
            self._noop = self._clock.callLater(self._quiet_seconds, self._ask_nothing)

    def _ask_nothing(self) -> None:
        # Whatever is answered, the session's end is told by ``lost``.
        self.ask(Noop()).addErrback(lambda failure: failure.trap(LostBank))

    def _give_up(self, loss: Loss) -> None:
        self._end(LostBank(loss, self._warning))
        if self.transport is not None:
            cast(ITCPTransport, self.transport).abortConnection()

    def _end(self, loss: LostBank, last: Answer | None = None) -> None:
        """Be over, once: stop the timers, and give everything that waits the ``last`` answer, or fail it."""
        if self._loss is not None:
            return
        self._loss = loss
        self._expect_line()
        self._stay_alive()
        # Whoever awaits an answer finds ``lost`` fired already, and may open another conversation at once.
        self.lost.callback(loss)
        for asked in self._asked:
            asked.answer.callback(last) if last else asked.answer.errback(loss)
        if not self.greeted.called:
            self.greeted.errback(loss)


def _stop(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()
