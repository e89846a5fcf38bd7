"""The screen of a person at a terminal: keys in, one line edited, and what is said printed above it.

1. The terminal belongs to whoever started us: the modes and flags that we change are remembered first, and
   put back when we end, at a SIGTERM, and while we are stopped.
2. Everything is written through the transport, which waits for a slow terminal. Never ``print``: the
   descriptors are non-blocking, and what does not fit would be lost.
3. A signal handler only passes the signal on to the reactor.
4. What is drawn is remembered, so that it can be erased: the cursor never moves except by way of a Layout.
"""

import codecs
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from io import BytesIO

from twisted.conch.insults.insults import TerminalProtocol
from twisted.internet.defer import Deferred, fail
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import FileSender
from twisted.python.failure import Failure

from bankd.client.editor import (
    EDITS,
    LINE_ENDS,
    SPELLINGS,
    TEXT,
    Line,
    by_words,
    printable,
    printable_lines,
    wrapped,
)
from bankd.client.panel import Panel, Picture
from bankd.client.screen import Device, EndOfInput, Interrupted, Question
from bankd.client.tone import Tone, Tones

MOST_REMEMBERED = 50
"""How many visible answers can be recalled."""

CTRL_C, CTRL_D, CTRL_L, CTRL_Z, ESCAPE = b"\x03", b"\x04", b"\x0c", b"\x1a", b"\x1b"

# 'Bracketed paste', as xterm's control sequences have it: the terminal marks what is pasted, so that a
# paste can bring text and line ends but no commands.
MARK_PASTES, MARK_NO_PASTES = b"\x1b[?2004h", b"\x1b[?2004l"
PASTE_BEGINS, PASTE_ENDS = b"\x1b[200~", b"\x1b[201~"

CLEAR = "\x1b[H\x1b[J"

WIPE = "\x1b[H\x1b[2J\x1b[3J"
"""Besides, what the terminal could scroll back to: xterm's, VTE's and the Linux console's sequence for that."""


class Phase(Enum):
    """What the terminal is to us at the moment."""

    OURS = auto()
    BEING_LEFT = auto()
    CLOSED = auto()


class Terminal(TerminalProtocol):
    """A ``Screen`` on a terminal that we control: see ``open_terminal``.

    Keys wait in a queue until a question is open that can use them, so what is typed ahead is neither lost
    nor shown before it is used. ``captive``, no key leads out of the program: not Ctrl-C, Ctrl-D or Ctrl-Z.
    """

    def __init__(self, device: Device, tones: Tones | None = None, *, captive: bool = False) -> None:
        self.on_interrupt: Callable[[], bool] = lambda: False
        self.on_key: Callable[[], object] = lambda: None
        self._device = device
        self._captive = captive
        self._wiped = False
        self._phase = Phase.OURS
        self._question: Question | None = None
        self._line = Line()
        self._past: deque[str] = deque(maxlen=MOST_REMEMBERED)
        self._bar = self._progress = ""
        self._tones = tones or Tones(coloured=False)
        self._panel = Panel(device, self._write, self._tones)
        self._keys: deque[bytes] = deque()
        self._receive = self._pressed
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def ask(self, prompt: str, *, hidden: bool = False, keys: str = "") -> Deferred[str]:
        """See ``Screen.ask``."""
        if self._question is not None:
            raise RuntimeError("another question is open")
        if self._phase is Phase.CLOSED:
            return fail(EndOfInput())
        question = Question(printable(prompt), hidden, Deferred(self._withdraw), keys)
        self._question = question
        self._line = Line(() if hidden else self._past)
        self._use_keys()
        self.redraw()
        return question.answer

    def say(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        """See ``Screen.say``."""
        if self._phase is not Phase.CLOSED:
            self._panel.erase()
            width, _ = self._device.size()
            lines = [row for line in printable_lines(text) for row in wrapped(line, width)]
            self._write("".join(f"{self._tones.dressed(line, tone)}\r\n" for line in lines))
            self.redraw()

    def wipe(self) -> None:
        """See ``Screen.wipe``."""
        self._wiped = True
        self._past.clear()
        self._keys.clear()
        if self._phase is not Phase.CLOSED:
            self._bar = ""
            self._write(WIPE)
            self._panel.forget()

    def bar(self, text: str, *, again: bool = False) -> None:
        """See ``Screen.bar``."""
        self._bar = printable(text)
        self.redraw()

    def progress(self, text: str) -> None:
        """See ``Screen.progress``."""
        self._progress = printable(text)
        self.redraw()

    def cancel(self) -> None:
        """See ``Screen.cancel``."""
        if self._question is not None:
            self._question.answer.cancel()

    def close(self) -> Deferred[None]:
        """See ``Screen.close``."""
        if self._phase is not Phase.CLOSED:
            self._phase = Phase.CLOSED
            self.redraw()
            self._write(WIPE if self._wiped else "")
            self.terminal.write(MARK_NO_PASTES)
            self.cancel()  # Last, for the conversation may ask again at once, and must find us closed.
        return self._device.close()

    def redraw(self) -> None:
        """Make the terminal show the open question as it stands now."""
        self._panel.show(self._wanted())

    def suspend(self) -> None:
        """Leave the terminal, with what is drawn, to whoever started us, and stop until we are continued."""
        if self._phase is Phase.OURS and not self._captive:
            self.redraw()
            self._panel.leave()
            self._phase = Phase.BEING_LEFT
            sent = FileSender().beginFileTransfer(BytesIO(MARK_NO_PASTES), self.terminal.transport)
            sent.addCallbacks(lambda _: self._stop(), lambda gone: None)

    def resume(self) -> None:
        """Take the terminal, in which others may have written up to the start of a row."""
        if self._phase is not Phase.CLOSED:
            self._phase = Phase.OURS
            self._device.raw()
            self._panel.forget()
            self.terminal.write(MARK_PASTES)
            self._use_keys()
            self.redraw()

    def connectionMade(self) -> None:
        """The terminal is ours."""
        self.resume()

    def keystrokeReceived(self, keyID: bytes, modifier: bytes | None) -> None:
        """A key, or an octet of a character. Escape means nothing here, and nor does Alt, which sends one."""
        if keyID == ESCAPE:
            # The second of two: it may begin the next key, of which insults would make text.
            self.terminal.state = b"escaped"
        else:
            self._receive(keyID)

    def unhandledControlSequence(self, seq: bytes) -> None:
        """A key that insults does not know, or a mark around what is pasted."""
        if seq == PASTE_BEGINS:
            self._receive = self._pasted
        elif seq == PASTE_ENDS:
            self._receive = self._pressed
        elif seq in SPELLINGS:
            self._receive(SPELLINGS[seq])

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The terminal is gone, or we have closed it."""
        self._phase = Phase.CLOSED
        self._device.release()
        if self._question is not None:
            self._fail(EndOfInput())

    def _pressed(self, key: bytes) -> None:
        if key == CTRL_Z:
            self.suspend()
        elif key == CTRL_L:
            self._clear()
        elif key == CTRL_C:
            self._interrupt()
        else:
            self._keys.append(key)
        self._use_keys()

    def _pasted(self, key: bytes) -> None:
        if key in TEXT or key in LINE_ENDS:
            self._keys.append(key)
            self._use_keys()

    def _interrupt(self) -> None:
        """Drop the keys before Ctrl-C; if there is an unused one already, nobody is about to ask."""
        waited = CTRL_C in self._keys
        self._keys.clear()
        if self._question is None and self.on_interrupt():
            return
        self._keys.append(CTRL_C)
        if waited and not self._captive:
            self._device.interrupt()

    def _use_keys(self) -> None:
        while self._keys and self._question is not None and self._phase is Phase.OURS:
            self._use(self._keys.popleft())

    def _use(self, key: bytes) -> None:
        if key in TEXT:
            self._insert(self._decoder.decode(key))
            return
        self._decoder.reset()
        if key in LINE_ENDS:
            self._answer()
        elif key == CTRL_C:
            self._fail(Interrupted())
        elif key == CTRL_D and not self._line.text and not self._captive:
            self._fail(EndOfInput())
        elif key in EDITS:
            EDITS[key](self._line)

    def _insert(self, text: str) -> None:
        """Take what was typed into the line, or as the answer where a key does; other keys then do nothing."""
        keys = self._question.keys if self._question else ""
        if not keys or text in keys:
            self._line.insert(text)
        if keys and self._line.text:
            self._answer()

    def _answer(self) -> None:
        text, question = self._line.text, self._finish()
        if text and not (question.hidden or question.keys):
            with suppress(ValueError):
                self._past.remove(text)
            self._past.append(text)
        question.answer.callback(text)

    def _fail(self, error: Exception) -> None:
        self._finish().answer.errback(error)

    def _finish(self) -> Question:
        """Close the open question as it stands on the screen, forget what was typed, and return it."""
        assert self._question is not None
        self.redraw()
        self._panel.leave()
        question, self._question = self._question, None
        self._line = Line()
        return question

    def _withdraw(self, answer: Deferred[str]) -> None:
        self._question = None
        self._line = Line()
        self.redraw()

    def _stop(self) -> None:
        if self._phase is Phase.BEING_LEFT:
            self._device.stop()
            self.resume()

    def _wanted(self) -> Picture | None:
        """What the terminal should show below what was said."""
        if self._phase is not Phase.OURS:
            return None
        if self._question is None:
            return self._panel.picture(self._progress, None)
        prompt, text, cursor = self._question.prompt, self._line.text, self._line.cursor
        if self._question.hidden:
            text, cursor = "", 0
        prompt = by_words(prompt, self._device.size()[0])
        return self._panel.picture(self._bar, prompt + text, len(prompt) + cursor)

    def _clear(self) -> None:
        if self._phase is Phase.OURS:
            self._write(CLEAR)
            self._panel.forget()
            self.redraw()

    def _write(self, text: str) -> None:
        self.terminal.write(text.encode())
