"""The two screens, with a device and a transport in memory, and the descriptors with a pseudo-terminal."""

import fcntl
import os
import pty
import re
import signal
import termios

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.protocol import connectionDone
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase
from wcwidth import iter_graphemes, wcswidth

from bankd.client.device import CLOSE_SECONDS, Descriptors, Keyboard
from bankd.client.editor import EDITS, lay_out
from bankd.client.panel import cut
from bankd.client.screen import EndOfInput, Interrupted, PlainLines
from bankd.client.terminal import CTRL_D, Terminal
from bankd.client.tone import Tone, Tones, wanted

TOKEN = re.compile(r"\x1b\[\??[0-9]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+")


BARS = {length: ("b世" * length,) for length in range(9)}
"""Bars of many lengths; for other numbers there is none, which stands for a notice."""


class Glass:
    """As much of a terminal as we use: rows of characters, and a cursor that waits at the edge."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.cells: dict[tuple[int, int], str] = {}
        self.row = self.column = 0

    def feed(self, text: str) -> None:
        """Obey what was written."""
        for token in TOKEN.findall(text):
            if token[0] == "\x1b":
                self._obey(int("0" + token[2:-1].strip("?")) or 1, token[-1])
            elif token == "\r":
                self.column = 0
            elif token == "\n":
                self.row += 1
            else:
                for character in iter_graphemes(token):
                    self._put(character, wcswidth(character))

    def _put(self, character: str, width: int) -> None:
        if self.column + width > self.columns:
            self.row, self.column = self.row + 1, 0
        self.cells[self.row, self.column] = character
        self.column += width

    def _obey(self, count: int, command: str) -> None:
        column = min(self.column, self.columns - 1)
        if command in "AB":
            self.row += count if command == "B" else -count
            assert self.row >= 0
        elif command == "C":
            self.column = column + count
        elif command in "JK":
            here = (self.row, column)
            self.cells = {
                place: character
                for place, character in self.cells.items()
                if place < here or (command == "K" and place[0] > self.row)
            }

    def rows(self) -> list[str]:
        """The rows, down to the cursor's or the last that is not empty."""
        last = max([self.row, *(row for row, _ in self.cells)])
        return [
            "".join(self.cells[place] for place in sorted(self.cells) if place[0] == row).rstrip()
            for row in range(last + 1)
        ]


HARMLESS = sorted({*EDITS} - {CTRL_D})
"""The keys that never end a question."""


class FakeDevice:
    """A ``Device`` in memory, which writes down what is done to it."""

    def __init__(self, keyboard: bool = True, columns: int = 20) -> None:
        self.keyboard = keyboard
        self.columns = columns
        self.done: list[str] = []

    def size(self) -> tuple[int, int]:
        """The columns that the test chose, and many rows."""
        return self.columns, 1000

    def raw(self) -> None:
        """Written down."""
        self.done.append("raw")

    def hush(self) -> None:
        """Written down."""
        self.done.append("hush")

    def unhush(self) -> None:
        """Written down."""
        self.done.append("unhush")

    def forget_typed(self) -> None:
        """Written down."""
        self.done.append("forget")

    def interrupt(self) -> None:
        """Written down."""
        self.done.append("interrupt")

    def stop(self) -> None:
        """Written down; we are continued at once."""
        self.done.append("stop")

    def close(self) -> Deferred[None]:
        """Written down, and done at once."""
        self.done.append("close")
        return succeed(None)

    def release(self) -> None:
        """Written down."""
        self.done.append("release")


class TerminalTestCase(SynchronousTestCase):
    """A ``Terminal`` whose keys the test sends and whose output it reads."""

    def setUp(self) -> None:
        """Connect the terminal."""
        self.open(20)

    def open(self, columns: int) -> None:
        """Connect a new terminal, so many columns wide."""
        self.device = FakeDevice(columns=columns)
        self.terminal = Terminal(self.device)
        self.transport = StringTransport()
        self.keys = Keyboard(lambda: self.terminal)
        self.keys.makeConnection(self.transport)
        self.glass = Glass(columns)

    def type(self, text: str | bytes) -> None:
        """Have the terminal receive these keys in one piece."""
        self.keys.dataReceived(text.encode() if isinstance(text, str) else text)

    def rows(self) -> list[str]:
        """What the person sees."""
        self.glass.feed(self.transport.value().decode())
        self.transport.clear()
        return self.glass.rows()


class AskingTests(TerminalTestCase):
    """Questions are answered, or fail, by keys."""

    def test_an_answer(self) -> None:
        """Enter answers with what was typed, and the line stays on the screen."""
        answer = self.terminal.ask("Name: ")
        self.type("Zo")
        self.assertNoResult(answer)
        self.type("ë\r")
        self.assertEqual(self.successResultOf(answer), "Zoë")
        self.assertEqual(self.rows(), ["Name: Zoë", ""])

    def test_a_key(self) -> None:
        """Where a key does, no line end is waited for, and it is not among the answers of before."""
        answer = self.terminal.ask("Key: ", keys="12")
        self.type("0y")
        self.assertNoResult(answer)
        self.assertEqual(self.rows(), ["Key:"])
        self.type("2")
        self.assertEqual(self.successResultOf(answer), "2")
        again = self.terminal.ask("> ")
        self.type("\x1b[A\r")
        self.assertEqual(self.successResultOf(again), "")

    def test_wiped(self) -> None:
        """Nothing is left: on the screen, among the answers of before, or of what was typed ahead; nor at the end."""
        self.terminal.ask("> ")
        self.type("secret\rahead")
        self.terminal.wipe()
        self.assertTrue(self.transport.value().endswith(b"\x1b[H\x1b[2J\x1b[3J"))
        answer = self.terminal.ask("> ")
        self.type("\x1b[A\r")
        self.assertEqual(self.successResultOf(answer), "")
        self.transport.clear()
        self.terminal.close()
        self.assertIn(b"\x1b[3J", self.transport.value())

    def test_captive(self) -> None:
        """No key leads out of a captive program: Ctrl-C interrupts a question and nothing else does anything."""
        self.terminal = Terminal(self.device, captive=True)
        self.keys = Keyboard(lambda: self.terminal)
        self.keys.makeConnection(self.transport)
        self.type("\x03\x03\x03")
        self.failureResultOf(self.terminal.ask("> "), Interrupted)
        answer = self.terminal.ask("> ")
        self.type("\x04\x1a")
        self.terminal.suspend()
        self.assertNoResult(answer)
        self.assertNotIn("interrupt", self.device.done)
        self.assertNotIn("stop", self.device.done)

    def test_characters_in_pieces(self) -> None:
        """Characters whose octets arrive one at a time are put together; what is no UTF-8 shows as such."""
        answer = self.terminal.ask("> ")
        for octet in "€ë世".encode() + b"\xff\r":
            self.type(bytes([octet]))
        self.assertEqual(self.successResultOf(answer), "€ë世\N{REPLACEMENT CHARACTER}")

    def test_one_question_at_a_time(self) -> None:
        """A second question is an error, and the first stays open."""
        answer = self.terminal.ask("> ")
        self.assertRaises(RuntimeError, self.terminal.ask, "> ")
        self.type("a\r")
        self.assertEqual(self.successResultOf(answer), "a")

    def test_a_hidden_answer(self) -> None:
        """Not one octet is written for the keys of a hidden answer, nor when a notice comes."""
        answer = self.terminal.ask("PIN: ", hidden=True)
        self.rows()
        self.type("98")
        self.assertEqual(self.transport.value(), b"")
        self.terminal.say("paid")
        self.assertEqual(self.rows(), ["paid", "PIN:"])
        self.type("76\r")
        self.assertEqual(self.transport.value(), b"\r\n")
        self.assertEqual(self.successResultOf(answer), "9876")

    def test_a_hidden_answer_is_not_remembered(self) -> None:
        """Neither the history nor any other part of the terminal keeps a hidden answer."""
        self.terminal.ask("PIN: ", hidden=True)
        self.type("9876\r")
        answer = self.terminal.ask("> ")
        self.type("\x1b[A\r")
        self.assertEqual(self.successResultOf(answer), "")
        self.assertNotIn("9876", repr(vars(self.terminal)))

    def test_a_hidden_question_recalls_nothing(self) -> None:
        """Up at a PIN does not bring a visible answer into it."""
        self.terminal.ask("> ")
        self.type("balance\r")
        answer = self.terminal.ask("PIN: ", hidden=True)
        self.type("\x1b[A12\r")
        self.assertEqual(self.successResultOf(answer), "12")

    def test_typed_ahead(self) -> None:
        """Keys wait for questions, unseen, and are used in their order."""
        self.type("Zoë\r98")
        self.assertEqual(self.rows(), [""])
        self.assertEqual(self.successResultOf(self.terminal.ask("Name: ")), "Zoë")
        answer = self.terminal.ask("PIN: ", hidden=True)
        self.type("76\r")
        self.assertEqual(self.successResultOf(answer), "9876")
        self.assertEqual(self.rows(), ["Name: Zoë", "PIN:", ""])

    def test_line_ends(self) -> None:
        """CR, LF and CRLF end one line each."""
        self.type("a\rb\nc\r\nd\r")
        self.assertEqual([self.successResultOf(self.terminal.ask("> ")) for _ in range(4)], ["a", "b", "c", "d"])

    def test_ctrl_c(self) -> None:
        """Ctrl-C fails the question with Interrupted, and another may be asked."""
        answer = self.terminal.ask("> ")
        self.type("ab\x03")
        self.failureResultOf(answer, Interrupted)
        self.assertEqual(self.rows(), ["> ab", ""])
        self.assertNoResult(self.terminal.ask("> "))

    def test_ctrl_c_ahead(self) -> None:
        """Ctrl-C before a question drops what was typed ahead and interrupts it; a second is a SIGINT."""
        self.type("yes\r\x03")
        self.failureResultOf(self.terminal.ask("Pay? "), Interrupted)
        self.assertNotIn("interrupt", self.device.done)
        self.type("\x03\x03")
        self.assertEqual(self.device.done[-1], "interrupt")

    def test_ctrl_c_for_somebody_else(self) -> None:
        """Ctrl-C while no question is open is first offered to who may want it, with what was typed ahead dropped."""
        wanted = [False, True, True]
        self.terminal.on_interrupt = wanted.pop
        self.type("yes\r\x03\x03")
        answer = self.terminal.ask("> ")
        self.assertNoResult(answer)
        self.type("\x03")
        self.failureResultOf(answer, Interrupted)
        self.assertEqual(wanted, [False])
        self.type("\x03")
        self.failureResultOf(self.terminal.ask("> "), Interrupted)

    def test_any_key(self) -> None:
        """Whoever wants to know is told when something is typed, whether or not anybody asks."""
        told: list[str] = []
        self.terminal.on_key = lambda: told.append("key")
        self.type("a")
        self.terminal.ask("> ").addErrback(lambda _: None)
        self.type("\x1b[A")
        self.assertEqual(told, ["key", "key"])

    def test_ctrl_d(self) -> None:
        """Ctrl-D erases to the right on a line with text, and ends the input on an empty one."""
        answer = self.terminal.ask("> ")
        self.type("ab\x01\x04\x04")
        self.assertNoResult(answer)
        self.type("\x04")
        self.failureResultOf(answer, EndOfInput)

    def test_escape_takes_no_key_with_it(self) -> None:
        """Escape, once or twice, neither swallows the next key nor turns an arrow into letters."""
        answer = self.terminal.ask("> ")
        self.type("b\x1b\x1b[D\x1ba\x1b\r")
        self.assertEqual(self.successResultOf(answer), "ab")

    def test_other_spellings(self) -> None:
        """Arrows, home and end work in application mode and as rxvt spells them."""
        answer = self.terminal.ask("> ")
        self.type("bc\x1bOHa\x1b[8~e\x1bODd\r")
        self.assertEqual(self.successResultOf(answer), "abcde")

    def test_a_marked_paste(self) -> None:
        """Text and line ends in a marked paste count as typed; control keys in it do not."""
        answer = self.terminal.ask("> ")
        self.type("\x1b[200~a\x03\x1a\x7fb\nc\x1b[201~\x7f")
        self.assertEqual(self.successResultOf(answer), "ab")
        self.assertEqual(self.rows(), ["> ab", ""])
        self.assertNoResult(self.terminal.ask("> "))
        self.assertEqual(self.rows(), ["> ab", ">"])

    def test_cancelling(self) -> None:
        """A withdrawn question fails, leaves no trace on the screen, and its text is not kept."""
        answer = self.terminal.ask("> ")
        self.type("ab")
        self.terminal.cancel()
        self.failureResultOf(answer, CancelledError)
        self.assertEqual(self.rows(), [""])
        self.terminal.cancel()
        answer = self.terminal.ask("> ")
        self.type("c\r")
        self.assertEqual(self.successResultOf(answer), "c")

    def test_prompts_cannot_command_the_terminal(self) -> None:
        """Controls in a prompt are removed, as in what is said."""
        self.terminal.ask("\x1b[2JPay\u202e? ")
        self.terminal.say("\x1b]0;x\x07paid")
        self.assertEqual(self.rows(), ["]0;xpaid", "[2JPay?"])


class DrawingTests(TerminalTestCase):
    """Whatever happens, the screen shows what was said, then the question as it stands."""

    def test_one_redraw_for_many_keys(self) -> None:
        """Keys that arrive together are drawn together."""
        self.terminal.ask("> ")
        self.rows()
        self.type("abc\x1b[D\x1b[D")
        self.assertEqual(self.transport.value().count(b">"), 1)

    def test_a_resize(self) -> None:
        """A line drawn for one width is erased as the terminal has wrapped it, and drawn for the other."""
        self.terminal.ask("> ")
        self.type("x" * 30)
        self.transport.clear()
        self.device.columns = 10
        self.terminal.redraw()
        expected = lay_out("> " + "x" * 30, 32, 20).rewrapped(10)
        self.assertEqual(self.transport.value().decode(), expected.erase() + expected.draw())

    def test_a_long_question(self) -> None:
        """A question goes on below between two words, the answer stands behind it, and all of it can be erased."""
        self.terminal.ask("It will be closed for good. Go on? (y/N) ")
        self.assertEqual(self.rows(), ["It will be closed", "for good. Go on?", "(y/N)"])
        self.type("ye")
        self.assertEqual(self.rows()[-1], "(y/N) ye")
        self.terminal.say("!")
        self.assertEqual(self.rows(), ["!", "It will be closed", "for good. Go on?", "(y/N) ye"])
        self.type("\r")
        self.device.columns = self.glass.columns = 30
        self.terminal.ask("It will be closed for good. Go on? (y/N) ")
        self.assertEqual(self.rows()[-2:], ["It will be closed for good. Go", "on? (y/N)"])

    @given(
        st.integers(2, 30),
        st.lists(
            st.one_of(
                st.text("aë世 e\u0308", max_size=8),
                st.sampled_from(HARMLESS),
                st.none(),
                st.integers(0, 40).map(BARS.get),
            )
        ),
    )
    def test_any_keys_and_notices(self, columns: int, doings: list[str | bytes | tuple[str] | None]) -> None:
        """After any typing, edits, notices and changes of the bar, at any width, all is where it belongs."""
        self.open(columns)
        self.terminal.ask("> ")
        said, bar = 0, ""
        for doing in doings:
            if isinstance(doing, tuple):
                self.terminal.bar(doing[0])
                bar = cut(doing[0], columns - 1)
            elif doing is None:
                self.terminal.say("!")
                said += 1
            elif isinstance(doing, bytes):
                self.terminal.keystrokeReceived(doing, None)
                self.terminal.redraw()
            else:
                self.type(doing)
            line = self.terminal._line
            layout = lay_out("> " + line.text, 2 + line.cursor, columns)
            above = ["!"] * said + [bar.rstrip()] * bool(bar)
            self.assertEqual(self.rows(), above + [row.rstrip() for row in layout.rows])
            self.assertEqual((self.glass.row, self.glass.column), (len(above) + layout.row, layout.column))

    def test_the_bar_stays_out_of_the_past(self) -> None:
        """It stands above the open question alone, secret ones too, and nothing of it is left behind."""
        self.terminal.bar("1 unread")
        self.assertEqual(self.rows(), [""])
        for hidden in (False, True):
            answer = self.terminal.ask("> ", hidden=hidden)
            self.assertEqual(self.rows()[-2:], ["1 unread", ">"])
            self.type("yes\r")
            self.assertEqual(self.successResultOf(answer), "yes")
            self.assertNotIn("1 unread", self.rows())
        self.terminal.ask("> ")
        self.terminal.say("!")
        self.assertEqual(self.rows(), ["> yes", ">", "!", "1 unread", ">"])
        self.terminal.bar("")
        self.assertEqual(self.rows(), ["> yes", ">", "!", ">"])

    def test_the_bar_of_a_narrower_terminal(self) -> None:
        """A bar that the terminal itself has wrapped is erased in whole, and cut for the new width."""
        self.terminal.bar("12 unread notices.")
        self.terminal.ask("> ")
        self.rows()
        self.device.columns = 8
        self.terminal.redraw()
        erased = "\r\x1b[K" + "\x1b[1A\r\x1b[K" * 3
        self.assertEqual(self.transport.value().decode(), f"{erased}12 unre\r\n> \r\x1b[2C")

    def test_progress(self) -> None:
        """How far work has come is one row that changes in place, and is gone with the next question or line."""
        for text in ("10 of 20", "20 of 20"):
            self.terminal.progress(text)
            self.assertEqual(self.rows(), [text])
        self.terminal.say("paid")
        self.assertEqual(self.rows(), ["paid", "20 of 20"])
        self.terminal.progress("")
        self.terminal.ask("> ")
        self.assertEqual(self.rows(), ["paid", ">"])

    def test_tones(self) -> None:
        """A terminal with colours is told each row's tone, and nothing else; the words are the same."""
        terminal = Terminal(self.device, Tones(coloured=True))
        Keyboard(lambda: terminal).makeConnection(self.transport)
        self.transport.clear()
        terminal.say("You were paid 5.00 EUR", Tone.NOTICE)
        terminal.say("Hello\x1b[31m")
        self.assertEqual(
            self.transport.value(),
            b"\x1b[36mYou were\x1b[m\r\n\x1b[36mpaid 5.00 EUR\x1b[m\r\nHello[31m\r\n",
        )
        self.transport.clear()
        terminal.bar("1 unread")
        terminal.ask("> ")
        self.assertEqual(self.transport.value(), b"\x1b[7m1 unread\x1b[m\r\n> \r\x1b[2C")


class ToneTests(SynchronousTestCase):
    """Who gets colours."""

    def test_who_gets_colours(self) -> None:
        """Terminals, unless NO_COLOR is set, but for those known to have none."""
        for environment, coloured in (
            ({"TERM": "xterm-256color"}, True),
            ({"TERM": "xterm"}, True),
            ({"TERM": "xterm", "NO_COLOR": ""}, True),
            ({"TERM": "xterm", "NO_COLOR": "1"}, False),
            ({"TERM": "vt100"}, False),
            ({"TERM": "dumb"}, False),
            ({"TERM": "xterm-mono"}, False),
            ({}, False),
        ):
            dressed = wanted(environment).dressed("x", Tone.REFUSED)
            self.assertEqual(dressed != "x", coloured, environment)


class LeavingTests(TerminalTestCase):
    """The terminal is left in order, whoever asks for it."""

    def test_suspending(self) -> None:
        """Ctrl-Z stops us only when all is written, and afterwards the line is there again."""
        answer = self.terminal.ask("> ")
        self.type("ab\x1a")
        self.assertNotIn("stop", self.device.done)
        self.terminal.say("paid")
        assert self.transport.producer is not None
        self.transport.producer.resumeProducing()
        self.transport.producer.resumeProducing()
        self.assertEqual(self.device.done, ["raw", "stop", "raw"])
        self.assertEqual(self.rows(), ["> ab", "paid", "> ab"])
        self.type("c\r")
        self.assertEqual(self.successResultOf(answer), "abc")

    def test_closing(self) -> None:
        """Closing withdraws the question without a reset of the terminal; after that nothing is written."""
        answer = self.terminal.ask("> ")
        self.transport.clear()
        self.successResultOf(self.terminal.close())
        self.failureResultOf(answer, CancelledError)
        self.assertEqual(self.transport.value(), b"\r\x1b[K\x1b[?2004l")
        self.terminal.say("paid")
        self.failureResultOf(self.terminal.ask("> "), EndOfInput)
        self.successResultOf(self.terminal.close())
        self.assertEqual(self.transport.value(), b"\r\x1b[K\x1b[?2004l")

    def test_asking_again_while_closing(self) -> None:
        """A conversation that asks again when its question is withdrawn finds the terminal closed."""
        again = self.terminal.ask("> ").addErrback(lambda _: self.terminal.ask("again> "))
        self.terminal.close()
        self.failureResultOf(again, EndOfInput)
        self.assertNotIn(b"again", self.transport.value())

    def test_insults_resets_nothing(self) -> None:
        """Losing the connection by way of insults writes nothing."""
        self.transport.clear()
        self.keys.loseConnection()
        self.assertEqual(self.transport.value(), b"")
        self.assertTrue(self.transport.disconnecting)

    def test_a_terminal_that_is_gone(self) -> None:
        """When the terminal goes away it is released, and the question fails with EndOfInput."""
        answer = self.terminal.ask("> ")
        self.keys.connectionLost(connectionDone)
        self.failureResultOf(answer, EndOfInput)
        self.assertEqual(self.device.done[-1], "release")


class PlainLinesTests(SynchronousTestCase):
    """Plain lines are read and written as they are."""

    def open(self, keyboard: bool) -> None:
        """Connect plain lines to a pipe, or to a terminal that edits by itself."""
        self.device = FakeDevice(keyboard)
        self.plain = PlainLines(self.device)
        self.transport = StringTransport()
        self.plain.makeConnection(self.transport)

    def test_a_pipe(self) -> None:
        """Lines answer questions in order, the last one without its end too; then the input has ended."""
        self.open(keyboard=False)
        self.plain.dataReceived(b"Zo\xc3")
        self.plain.dataReceived(b"\xab\r\n98\x1b76\nbal")
        answers = [self.plain.ask("Name: "), self.plain.ask("PIN: ", hidden=True)]
        self.assertEqual([self.successResultOf(answer) for answer in answers], ["Zoë", "9876"])
        answer = self.plain.ask("> ")
        self.plain.readConnectionLost()
        self.assertEqual(self.successResultOf(answer), "bal")
        self.failureResultOf(self.plain.ask("> "), EndOfInput)
        self.assertEqual(self.transport.value(), b"Name: \nPIN: \n> \n")

    def test_a_keyboard(self) -> None:
        """The terminal's own echo ends the row of a visible answer; for a hidden one we do."""
        self.open(keyboard=True)
        self.plain.ask("Name: ")
        self.plain.dataReceived(b"Jan\n")
        self.plain.ask("PIN: ", hidden=True)
        self.assertEqual(self.device.done, ["hush"])
        self.plain.dataReceived(b"9876\n")
        self.assertEqual(self.device.done, ["hush", "unhush"])
        self.assertEqual(self.transport.value(), b"Name: PIN: \n")

    def test_saying_during_a_question(self) -> None:
        """What is said ends the prompt's row, and the prompt comes again after it, all plain."""
        self.open(keyboard=False)
        self.plain.say("welcome\n")
        self.plain.ask("> ")
        self.plain.say("\x1b[1mpaid\ntwice")
        self.assertEqual(self.transport.value(), b"welcome\n> \n[1mpaid\ntwice\n> ")

    def test_the_bar(self) -> None:
        """It is said when there was none before, or again where that is asked, and in no tone."""
        self.open(keyboard=False)
        for text, again in (
            ("1 unread", False),
            ("2 unread", False),
            ("2 unread", True),
            ("", True),
            ("1 unread", False),
        ):
            self.plain.bar(text, again=again)
        self.plain.say("paid", Tone.DONE)
        self.assertEqual(self.transport.value(), b"1 unread\n2 unread\n1 unread\npaid\n")

    def test_progress(self) -> None:
        """Of long work a line is said every ten seconds."""
        now = 0.0
        self.plain = PlainLines(FakeDevice(), lambda: now)
        self.transport = StringTransport()
        self.plain.makeConnection(self.transport)
        for now in range(25):  # it is the clock
            self.plain.progress(f"{now} of 25")
        self.plain.progress("")
        self.assertEqual(self.transport.value(), b"10 of 25\n20 of 25\n")

    def test_one_question_at_a_time(self) -> None:
        """A second question is an error."""
        self.open(keyboard=False)
        self.plain.ask("> ")
        self.assertRaises(RuntimeError, self.plain.ask, "> ")

    def test_reading_no_more_than_is_asked(self) -> None:
        """Without a question nothing more is read, so that a long file waits on the disk."""
        self.open(keyboard=False)
        self.plain.dataReceived(b"a\nb\n")
        self.assertEqual(self.transport.producerState, "paused")
        self.plain.ask("> ")
        self.plain.ask("> ")
        self.assertEqual(self.transport.producerState, "paused")
        self.plain.ask("> ")
        self.assertEqual(self.transport.producerState, "producing")

    def test_cancelling(self) -> None:
        """A withdrawn question has echo back, and what was typed for it is dropped."""
        self.open(keyboard=True)
        answer = self.plain.ask("PIN: ", hidden=True)
        self.plain.dataReceived(b"98")
        self.plain.cancel()
        self.failureResultOf(answer, CancelledError)
        self.assertEqual(self.device.done, ["hush", "forget", "unhush"])
        answer = self.plain.ask("> ")
        self.plain.dataReceived(b"a\n")
        self.assertEqual(self.successResultOf(answer), "a")

    def test_asking_again_while_closing(self) -> None:
        """A conversation that asks again when its question is withdrawn finds the input at its end."""
        self.open(keyboard=False)
        again = self.plain.ask("> ").addErrback(lambda _: self.plain.ask("again> "))
        self.plain.close()
        self.failureResultOf(again, EndOfInput)
        self.assertNotIn(b"again", self.transport.value())

    def test_nobody_reads_us(self) -> None:
        """When the output has gone the question fails with EndOfInput, and the descriptors are released."""
        self.open(keyboard=False)
        answer = self.plain.ask("> ")
        self.plain.writeConnectionLost()
        self.failureResultOf(answer, EndOfInput)
        self.assertIn("release", self.device.done)


class ThreadlessReactor(MemoryReactorClock):
    """A reactor in memory that takes a call from a thread, or a signal handler, at once."""

    def callFromThread(self, callable: object, *args: object, **kwargs: object) -> None:
        """Call now."""
        assert callable is not None and not kwargs
        callable(*args)  # type: ignore[operator]


class DescriptorsTests(SynchronousTestCase):
    """What is borrowed of a pseudo-terminal is given back."""

    def setUp(self) -> None:
        """Open a pseudo-terminal, and write down how it was."""
        master, self.fd = pty.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(os.close, self.fd)
        self.before = self.state()
        self.reactor = ThreadlessReactor()
        self.device = Descriptors(self.reactor, self.fd, self.fd)
        self.addCleanup(self.device.release)

    def state(self) -> tuple[object, ...]:
        """The terminal's modes and the descriptor's flags."""
        return termios.tcgetattr(self.fd), fcntl.fcntl(self.fd, fcntl.F_GETFL)

    def local_modes(self) -> int:
        """The modes that say whether lines are edited, echoed and may send signals."""
        modes: int = termios.tcgetattr(self.fd)[3]
        return modes

    def test_raw_and_back(self) -> None:
        """Raw, the terminal neither echoes nor sends signals nor blocks; released, it is as before."""
        self.device.raw()
        self.assertFalse(self.local_modes() & (termios.ECHO | termios.ICANON | termios.ISIG))
        self.assertFalse(os.get_blocking(self.fd))
        self.device.release()
        self.assertEqual(self.state(), self.before)

    def test_hushed_and_back(self) -> None:
        """Hushed, the terminal edits lines and does not echo them."""
        self.device.hush()
        self.assertEqual(self.local_modes() & (termios.ECHO | termios.ICANON), termios.ICANON)
        self.device.unhush()
        self.assertEqual(self.state(), self.before)

    def test_stopping(self) -> None:
        """The terminal is given back before the job is stopped, and our handlers are away only meanwhile."""
        seen = []
        handlers = [signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGCONT)]
        self.patch(os, "kill", lambda *call: seen.append((call, self.state(), signal.getsignal(signal.SIGCONT))))
        self.device.raw()
        self.device.stop()
        self.assertEqual(seen, [((0, signal.SIGTSTP), self.before, signal.SIG_DFL)])
        self.assertEqual([signal.getsignal(signal.SIGTSTP), signal.getsignal(signal.SIGCONT)], handlers)

    def test_signals(self) -> None:
        """A watched signal is passed on to the reactor until the release."""
        before = signal.getsignal(signal.SIGWINCH)
        seen: list[str] = []
        self.device.watch(signal.SIGWINCH, lambda: seen.append("winch"))
        signal.raise_signal(signal.SIGWINCH)
        self.device.release()
        self.assertEqual((seen, signal.getsignal(signal.SIGWINCH)), (["winch"], before))

    def test_a_terminal_that_takes_nothing(self) -> None:
        """Closing waits CLOSE_SECONDS for what is still to be written, then gives the terminal back."""
        terminal = Terminal(self.device)
        self.device.connect(Keyboard(lambda: terminal))
        terminal.say("never written")
        closed = [terminal.close(), terminal.close()]
        self.reactor.advance(CLOSE_SECONDS - 0.1)
        self.assertNoResult(closed[0])
        self.reactor.advance(0.1)
        self.assertEqual([self.successResultOf(each) for each in closed], [None, None])
        self.assertEqual(self.state(), self.before)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_closing_writes_everything(self) -> None:
        """Closing is done once the last text is with the terminal."""
        terminal = Terminal(self.device)
        self.device.connect(Keyboard(lambda: terminal))
        terminal.say("paid")
        closed = terminal.close()
        self.assertNoResult(closed)
        for writer in self.reactor.getWriters():
            writer.connectionLost(writer.doWrite())
        self.successResultOf(closed)
        self.assertEqual(self.state(), self.before)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
