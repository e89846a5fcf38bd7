"""What a conversation knows of the person in front of it: a screen that asks for lines and says lines.

Here are the contract, and the plainest screen that keeps it: lines in and lines out, without any control of
a terminal. The one for people is in ``terminal.py``; ``open_terminal``, in ``opening.py``, gives whichever fits.
"""

import codecs
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from twisted.internet import protocol
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.main import CONNECTION_DONE
from twisted.python.failure import Failure
from zope.interface import implementer

from bankd.client.editor import printable, printable_lines
from bankd.client.progress import SELDOM_SECONDS, Clock, Seldom
from bankd.client.tone import Tone


class EndOfInput(Exception):
    """Nothing more can be read: Ctrl-D on an empty line, the end of a pipe, or a terminal that is gone."""


class Interrupted(Exception):
    """The person pressed Ctrl-C instead of answering."""


class Screen(Protocol):
    """Lines asked of a person, and lines said to that person meanwhile, which do not disturb each other.

    Nothing that arrives here can command the terminal: control characters (C0, DEL, C1) and those that
    reorder text (bidirectional embeddings, overrides and isolates) are removed from prompts, from what is
    said and from what is typed. A line feed in what is said begins a new line; a tab becomes spaces.
    """

    on_interrupt: Callable[[], bool]
    """Called at Ctrl-C while no question is open; true where that is all that Ctrl-C was for."""

    on_key: Callable[[], object]
    """Called when something is typed, before it is used."""

    def ask(self, prompt: str, *, hidden: bool = False, keys: str = "") -> Deferred[str]:
        """Show ``prompt``, let one line be edited after it, and fire with that line without its end.

        Where the answer is one of the ``keys``, the key alone does, and no line end is waited for; where lines are
        plain, it is a line as any other.

        With ``hidden``, for PINs and passwords, nothing of the answer is shown, not even its length; it
        never enters the history, and nothing here refers to it once the Deferred has fired. What was typed
        before the question was asked counts towards its answer, hidden or not, so the Deferred may have
        fired already.

        Raises RuntimeError while another question is open. Fails with EndOfInput at Ctrl-D on an empty
        line, at the end of a pipe, and on a screen that is closed; with Interrupted at Ctrl-C, which also
        drops what was typed ahead; with CancelledError after ``cancel()`` or the Deferred's own. After
        Ctrl-D, Ctrl-C and ``cancel()`` another question may be asked.

        Ctrl-C while no question is open interrupts the next question, unless ``on_interrupt`` took it; a
        second one before that is the SIGINT that it would be anywhere. Where lines are plain, Ctrl-C is
        always a SIGINT.
        """

    def say(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        """Print ``text`` as whole lines above what is being typed, which stays as it is with its cursor.

        One line feed at the end adds no line. Never blocks, and never loses text, however slow the terminal
        is. On a closed screen it does nothing.
        """

    def wipe(self) -> None:
        """Leave nothing of what was shown, typed or remembered: not on the screen, nor in what it scrolls back to.

        It is done as far as the terminal obeys, and once more when it is closed; paper stays as it is. Only while no
        question is open.
        """

    def bar(self, text: str, *, again: bool = False) -> None:
        """Show ``text`` in a row above every question until it changes; empty for none.

        Where lines are plain it is said when there was none before, and ``again`` where that is wanted.
        """

    def progress(self, text: str) -> None:
        """Tell how far work has come, in a row that changes in place and does not stay; empty where it is done.

        Where lines are plain it is said, but not more often than every ten seconds.
        """

    def cancel(self) -> None:
        """Withdraw the open question, if any: it fails with CancelledError, and its line is erased."""

    def close(self) -> Deferred[None]:
        """Withdraw the open question, write out what was said, and give the terminal back as it was found.

        Fires once the terminal's modes, the descriptors' flags and the signals are what they were; never
        fails. A terminal that takes no more text is given back after a second all the same. May be called
        again. The reactor does it by itself when it stops, so a SIGTERM needs nothing more.
        """


class Device(Protocol):
    """Standard input and output as a screen sees them: whatever is changed can be put back.

    What a screen writes goes through the transport that it is connected to, never through here.
    """

    @property
    def keyboard(self) -> bool:
        """Whether the input is a terminal, which echoes what is typed unless told otherwise."""

    def size(self) -> tuple[int, int]:
        """The terminal's columns and rows at this moment."""

    def raw(self) -> None:
        """Have every key sent as it is pressed, without echo, Ctrl-C and Ctrl-Z included."""

    def hush(self) -> None:
        """Have lines sent as before, without echo; nothing where there is no keyboard."""

    def unhush(self) -> None:
        """Have lines echoed again as they were found to be."""

    def forget_typed(self) -> None:
        """Drop what was typed and not yet read; nothing where there is no keyboard."""

    def interrupt(self) -> None:
        """Send ourselves a SIGINT."""

    def stop(self) -> None:
        """Give the terminal back and stop our job, as Ctrl-Z does; returns once we are continued."""

    def close(self) -> Deferred[None]:
        """Disconnect when all is written, or after a second, then ``release``; fires when that is done."""

    def release(self) -> None:
        """Put modes, flags and signals back at once; a second time does nothing."""


class Wire(Protocol):
    """What is used of the transport to the two descriptors."""

    def write(self, data: bytes) -> None: ...

    def pauseProducing(self) -> None: ...

    def resumeProducing(self) -> None: ...

    def loseConnection(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Question:
    """A question that is open."""

    prompt: str
    hidden: bool
    answer: Deferred[str]
    keys: str = ""


@implementer(IHalfCloseableProtocol)
class PlainLines(protocol.Protocol):
    """A ``Screen`` for pipes, files and terminals that are mere paper: no escape sequences, no editing.

    Prompts are written as they are. At a keyboard the terminal itself edits and echoes, but for hidden
    answers; elsewhere a hidden answer is simply read. What is said during a question ends the prompt's row
    and shows the prompt again below; a question that is withdrawn stays on the paper, but what was typed is
    dropped.
    """

    transport: Wire  # type: ignore[assignment]

    def __init__(self, device: Device, clock: Clock = monotonic) -> None:
        self.on_interrupt: Callable[[], bool] = lambda: False
        self.on_key: Callable[[], object] = lambda: None
        self._device = device
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._unfinished = ""
        self._bar = ""
        self._seldom = Seldom(SELDOM_SECONDS, clock)
        self._lines: deque[str] = deque()
        self._question: Question | None = None
        self._at_end = False

    def ask(self, prompt: str, *, hidden: bool = False, keys: str = "") -> Deferred[str]:
        """See ``Screen.ask``."""
        if self._question is not None:
            raise RuntimeError("another question is open")
        if self._at_end and not self._lines:
            return fail(EndOfInput())
        question = Question(printable(prompt), hidden, Deferred(self._withdraw))
        self._question = question
        self._write(question.prompt)
        if hidden:
            self._device.hush()
        self._settle()
        return question.answer

    def say(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        """See ``Screen.say``."""
        rows = printable_lines(text)
        if self._question is not None:
            rows = ["", *rows, self._question.prompt]
        self._write("\n".join(rows) + ("" if self._question else "\n"))

    def wipe(self) -> None:
        """See ``Screen.wipe``."""

    def bar(self, text: str, *, again: bool = False) -> None:
        """See ``Screen.bar``."""
        before, self._bar = self._bar, text
        if text and (again or not before):
            self.say(text)

    def progress(self, text: str) -> None:
        """See ``Screen.progress``."""
        if self._seldom.is_time(text):
            self.say(text)

    def cancel(self) -> None:
        """See ``Screen.cancel``."""
        if self._question is not None:
            self._question.answer.cancel()

    def close(self) -> Deferred[None]:
        """See ``Screen.close``."""
        self._at_end = True
        self._lines.clear()
        self.cancel()
        return self._device.close()

    def dataReceived(self, data: bytes) -> None:
        """Lines, or parts of them; more is read only when these have been used."""
        self.on_key()
        *lines, self._unfinished = (self._unfinished + self._decoder.decode(data)).split("\n")
        self._lines.extend(lines)
        self._settle()

    def readConnectionLost(self) -> None:
        """The input has ended; a last line without its end counts, and what we say can still be written."""
        self._at_end = True
        if self._unfinished:
            self._lines.append(self._unfinished)
            self._unfinished = ""
        self._settle()

    def writeConnectionLost(self) -> None:
        """Nobody reads us any more, so nobody can be asked."""
        self.connectionLost(Failure(CONNECTION_DONE))

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        """Both directions are gone."""
        self._at_end = True
        self._lines.clear()
        self._device.release()
        self._settle()

    def _settle(self) -> None:
        """Answer the open question if that can be done, and read on only if it cannot."""
        if self._question is None:
            self.transport.pauseProducing()
        elif self._lines:
            self._answer(self._question, printable(self._lines.popleft().removesuffix("\r")))
        elif self._at_end:
            self._fail(self._question)
        else:
            self.transport.resumeProducing()

    def _answer(self, question: Question, text: str) -> None:
        self._finish(question, row_ended=self._device.keyboard and not question.hidden)
        question.answer.callback(text)

    def _fail(self, question: Question) -> None:
        self._finish(question)
        question.answer.errback(EndOfInput())

    def _withdraw(self, answer: Deferred[str]) -> None:
        self._device.forget_typed()
        self._unfinished = ""
        if self._question is not None:
            self._finish(self._question)

    def _finish(self, question: Question, row_ended: bool = False) -> None:
        """Close the question; unless the echo of a line end has done so, end its row of paper too."""
        self._question = None
        if question.hidden:
            self._device.unhush()
        if not row_ended:
            self._write("\n")

    def _write(self, text: str) -> None:
        self.transport.write(text.encode())
