"""The terminal client in a real terminal: tmux types the keys, and its screen is what a person would see."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic

from twisted.trial.unittest import SkipTest, SynchronousTestCase

DEADLINE_SECONDS = 20
ROOT = Path(__file__).resolve().parents[2]
DEMO = Path(__file__).with_name("terminal_demo.py")
SHELL = "bash --noprofile --rcfile rc"
TMUX = shutil.which("tmux")

PRINT_FLAGS = 'import fcntl; print(fcntl.fcntl(0, fcntl.F_GETFL), fcntl.fcntl(2, fcntl.F_GETFL), end=".\\n")'
"""A program without quotes of the other kind that prints the flags of the terminal's descriptors."""

servers = count()


class Pane:
    """A terminal of 40 by 12 that runs a shell, on a tmux server of its own."""

    def __init__(self, folder: Path) -> None:
        (folder / "rc").write_text("PS1='$ '\n")
        self._name = f"bankd-{os.getpid()}-{next(servers)}"
        environment = {
            **os.environ,
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
        }
        environment.pop("TMUX", None)
        self.tmux(
            *("-f", "/dev/null", "-u", "new-session", "-d", "-x", "40", "-y", "12", "-c", str(folder), SHELL),
            environment=environment,
        )

    def tmux(self, *arguments: str, environment: dict[str, str] | None = None) -> str:
        """Run one tmux command on our server, and return what it prints."""
        command = ["tmux", "-L", self._name, *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    def type(self, text: str) -> None:
        """Type the text."""
        self.tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names, such as C-a or Enter."""
        self.tmux("send-keys", *keys)

    def paste(self, text: str, *options: str) -> None:
        """Paste the text; with ``-p`` marked as a paste, if the program wants it."""
        self.tmux("set-buffer", "--", text)
        self.tmux("paste-buffer", *options)

    def resize(self, columns: int) -> None:
        """Make the terminal so many columns wide."""
        self.tmux("resize-window", "-x", str(columns), "-y", "12")

    def rows(self) -> list[str]:
        """The rows of the screen, down to the last that is not empty."""
        return [row.rstrip() for row in self.tmux("capture-pane", "-p").rstrip("\n").split("\n")]

    def history(self) -> list[str]:
        """Every row since the terminal was opened."""
        return [row.rstrip() for row in self.tmux("capture-pane", "-p", "-S", "-").rstrip("\n").split("\n")]

    def cursor(self) -> tuple[int, int]:
        """The cursor's column and row."""
        column, row = self.tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(column), int(row)

    def kill(self) -> None:
        """End our server and all that runs in it, and remove its socket, which tmux leaves behind."""
        socket = Path(self.tmux("display-message", "-p", "#{socket_path}").strip())
        self.tmux("kill-server")
        socket.unlink(missing_ok=True)


class TerminalTestCase(SynchronousTestCase):
    """A shell in a fresh terminal, in a folder of its own, with the terminal's modes on file."""

    def setUp(self) -> None:
        """Open the terminal, and write down its modes and flags."""
        if TMUX is None:
            print("the terminal tests are skipped: tmux is not installed", file=sys.stderr)
            raise SkipTest("tmux is not installed")
        self.folder = Path(mkdtemp(prefix="bankd-terminal-"))
        self.addCleanup(shutil.rmtree, self.folder)
        os.mkfifo(self.folder / "notices")
        (self.folder / "record").touch()
        (self.folder / "modes").write_text(f"stty -a\n{sys.executable} -c '{PRINT_FLAGS}'\n")
        (self.folder / "demo").write_text(f"echo $$ > pid\nexec {sys.executable} {DEMO} notices record\n")
        self.pane = Pane(self.folder)
        self.addCleanup(self.pane.kill)
        self.wait_for_rows("$")
        self.pane.type("sh modes > before; clear\n")
        self.wait(lambda: (self.folder / "before").exists() and self.pane.rows() == ["$"], "modes on file")

    def start(self, command: str = "sh demo") -> None:
        """Run the demo, and wait for its first question on an otherwise empty screen."""
        self.pane.type(f"clear; {command}\n")
        self.wait_for_rows("Name:")

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        """Look again and again until ``holds``; fail with what is on the screen when the deadline passes."""
        deadline = monotonic() + DEADLINE_SECONDS
        while not holds():
            if monotonic() > deadline:
                self.fail("\n".join([f"never saw {what}; on the screen was:", *self.pane.rows()]))

    def wait_for_rows(self, *rows: str) -> None:
        """Wait until these are the rows of the whole screen."""
        self.wait(lambda: self.pane.rows() == list(rows), "\n".join(rows))

    def wait_for_cursor(self, column: int, row: int) -> None:
        """Wait until the cursor is there."""
        self.wait(lambda: self.pane.cursor() == (column, row), f"the cursor at {column}, {row}")

    def wait_for_end(self, cursor: list[int], *rows: str) -> None:
        """Wait for these last rows of the history, and the cursor at a column and a row from the last.

        tmux moves rows into its history when others grow in number, so the screen alone does not tell.
        """

        def holds() -> bool:
            column, row = self.pane.cursor()
            return (
                self.pane.history()[-len(rows) :] == list(rows) and [column, len(self.pane.rows()) - 1 - row] == cursor
            )

        self.wait(holds, "\n".join(rows) + f"\nand the cursor at {cursor}")

    def wait_for_answers(self, *answers: str) -> None:
        """Wait until the conversation has had exactly these answers."""
        record = self.folder / "record"
        self.wait(
            lambda: [json.loads(line) for line in record.read_text().splitlines()] == list(answers),
            f"the answers {answers}",
        )

    def notice(self, text: str) -> None:
        """Have the conversation say something."""
        (self.folder / "notices").write_text(text + "\n")

    def signal(self, number: signal.Signals) -> None:
        """Send the demo a signal, from outside of its terminal."""
        os.kill(int((self.folder / "pid").read_text()), number)

    def assert_given_back(self) -> None:
        """Check that modes and flags, written to ``after`` by a shell, are those from before."""
        after = self.folder / "after"
        self.wait(lambda: after.exists() and after.read_text().endswith(".\n"), "the modes afterwards")
        self.assertEqual(after.read_text(), (self.folder / "before").read_text())

    def leave(self) -> None:
        """End the demo with Ctrl-D, which must also give the terminal back."""
        self.pane.press("C-d")
        self.assert_given_back()


class EditingTests(TerminalTestCase):
    """What is typed is edited where it stands, whatever else is printed."""

    def test_a_notice_while_typing(self) -> None:
        """A notice is printed above the half-typed line, which goes on as if nothing had happened."""
        self.start()
        self.pane.type("Jan")
        self.wait_for_rows("Name: Jan")
        self.notice("You were paid.")
        self.wait_for_rows("You were paid.", "Name: Jan")
        self.wait_for_cursor(9, 1)
        self.pane.type("sen\r")
        self.wait_for_answers("Jansen")

    def test_editing_in_the_middle(self) -> None:
        """Keys move, insert and erase in the line, and a notice leaves the cursor in the middle."""
        self.start()
        self.pane.type("Jan Janssen")
        self.pane.press("Left", "Left", "BSpace", "Home", "DC", "P", "End", "!")
        self.wait_for_rows("Name: Pan Jansen!")
        self.pane.press("C-w", "C-a", "Right")
        self.wait_for_rows("Name: Pan")
        self.notice("You were paid.")
        self.wait_for_rows("You were paid.", "Name: Pan")
        self.wait_for_cursor(7, 1)
        self.pane.type("l\r")
        self.wait_for_answers("Plan ")

    def test_wide_and_combined_characters(self) -> None:
        """The cursor knows the columns that each character takes, and passes over it at once."""
        self.start()
        self.pane.type("€ë世e\u0308界")
        self.wait_for_cursor(6 + 1 + 1 + 2 + 1 + 2, 0)
        self.pane.press("Left", "Left", "Left")
        self.wait_for_cursor(8, 0)
        self.pane.press("DC")
        self.notice("€5 for 世界")
        self.wait_for_rows("€5 for 世界", "Name: €ëe\u0308界")
        self.wait_for_cursor(8, 1)
        self.pane.press("Enter")
        self.wait_for_answers("€ëe\u0308界")

    def test_history(self) -> None:
        """Up brings visible answers back, and never the hidden one."""
        self.start()
        self.pane.type("Zoë\r1234\r")
        self.wait_for_rows("Name: Zoë", "PIN:", ">")
        self.pane.press("Up", "Up", "Up")
        self.wait_for_rows("Name: Zoë", "PIN:", "> Zoë")
        self.pane.press("Down", "Enter")
        self.wait_for_answers("Zoë", "1234", "")

    def test_clearing_the_screen(self) -> None:
        """Ctrl-L leaves only the question, with what was typed."""
        self.start()
        self.notice("You were paid.")
        self.pane.type("Zo")
        self.wait_for_rows("You were paid.", "Name: Zo")
        self.pane.press("C-l", "ë")
        self.wait_for_rows("Name: Zoë")

    def test_withdrawing_a_question(self) -> None:
        """A question that is withdrawn leaves nothing on the screen, and nothing to the next."""
        self.start()
        self.pane.type("Jan")
        self.wait_for_rows("Name: Jan")
        self.notice("cancel")
        self.wait_for_rows("PIN:")
        self.pane.press("Enter")
        self.wait_for_answers("CancelledError", "")

    def test_notices_cannot_command_the_terminal(self) -> None:
        """Escape sequences and other controls in a notice are printed without what made them commands."""
        self.start()
        self.notice("\x1b[2J\x1b]0;title\x07paid\x9b5A\r\u202e5\tEUR\x08")
        self.wait_for_rows("[2J]0;titlepaid5A5      EUR", "Name:")

    def test_a_flood_of_notices(self) -> None:
        """More lines at once than the terminal takes at once all arrive, in order, with the question last."""
        self.start()
        lines = [f"notice {number}" for number in range(1500)]
        self.notice("\n".join(lines))
        self.wait(lambda: self.pane.rows()[-1] == "Name:", "the question again")
        self.wait(lambda: self.pane.history()[-1501:-1] == lines, "every notice in order")


class WrappingTests(TerminalTestCase):
    """A line of several rows is redrawn as a whole."""

    LONG = "a line that wraps from one row onto another and then another"

    def test_a_notice_above_a_wrapped_line(self) -> None:
        """Every row of the line survives a notice, and so does a cursor on its first row."""
        self.start()
        self.pane.type(self.LONG)
        self.wait_for_rows("Name: a line that wraps from one row ont", "o another and then another")
        self.pane.press("Home", "X")
        self.notice("You were paid.")
        self.wait_for_rows("You were paid.", "Name: Xa line that wraps from one row on", "to another and then another")
        self.wait_for_cursor(7, 1)
        self.pane.press("Enter")
        self.wait_for_answers("X" + self.LONG)
        self.assertEqual(self.pane.rows()[-2:], ["to another and then another", "PIN:"])

    def test_a_row_that_is_just_full(self) -> None:
        """After the last column the cursor is on the next row, and comes back with the next erasure."""
        self.start()
        self.pane.type("x" * 34)
        self.wait_for_cursor(0, 1)
        self.notice("You were paid.")
        self.wait_for_rows("You were paid.", "Name: " + "x" * 34)
        self.wait_for_cursor(0, 2)
        self.pane.press("BSpace")
        self.wait_for_rows("You were paid.", "Name: " + "x" * 33)
        self.wait_for_cursor(39, 1)

    def test_a_wide_character_at_the_edge(self) -> None:
        """A wide character that does not fit in the last column begins the next row."""
        self.start()
        self.pane.type("x" * 33 + "世!")
        self.wait_for_rows("Name: " + "x" * 33, "世!")
        self.pane.press("Left", "Left")
        self.notice("You were paid.")
        self.wait_for_rows("You were paid.", "Name: " + "x" * 33, "世!")
        self.wait_for_cursor(0, 2)

    def test_resizing(self) -> None:
        """The line is drawn for the new width, narrower or wider, and nothing above it is lost."""
        self.start()
        self.notice("You were paid.")
        self.pane.type(self.LONG)
        self.pane.press("Left", "Left", "Left", "Left", "Left", "Left", "Left")
        self.wait_for_cursor(19, 2)
        self.pane.resize(25)
        narrow = ["Name: a line that wraps f", "rom one row onto another", "and then another"]
        self.wait_for_end([9, 0], "You were paid.", *narrow)
        self.notice("Paid again.")
        self.wait_for_end([9, 0], "You were paid.", "Paid again.", *narrow)
        self.pane.resize(80)
        self.wait_for_end([59, 0], "You were paid.", "Paid again.", "Name: " + self.LONG)
        self.pane.press("X", "Enter")
        self.wait_for_answers(self.LONG[:-7] + "X" + self.LONG[-7:])

    def test_resizing_at_the_edge(self) -> None:
        """A cursor that waits on an empty row below a full one is found again at any width."""
        self.start()
        self.notice("You were paid.")
        self.pane.type("x" * 34)
        self.wait_for_cursor(0, 2)
        self.pane.resize(50)
        self.wait_for_end([40, 0], "You were paid.", "Name: " + "x" * 34)
        self.pane.resize(20)
        self.wait_for_end([0, -1], "You were paid.", "Name: " + "x" * 14, "x" * 20)
        self.notice("Paid again.")
        self.wait_for_end([0, -1], "You were paid.", "Paid again.", "Name: " + "x" * 14, "x" * 20)

    def test_a_line_taller_than_the_screen(self) -> None:
        """Of a line with more rows than the screen has, those around the cursor are shown."""
        self.start()
        self.pane.type("".join(f"{number:4}" for number in range(200)))
        self.wait(lambda: self.pane.rows()[-1].endswith(" 199"), "the end of the line")
        self.pane.resize(80)
        self.wait(lambda: self.pane.rows()[0].startswith("Name:    0   1"), "the whole line")
        self.pane.resize(40)
        self.wait(lambda: self.pane.rows()[-1].endswith(" 199"), "the end of the line again")
        self.pane.press("Home")
        self.wait(lambda: self.pane.rows()[0].startswith("Name:    0   1"), "the start of the line")
        self.pane.press("Enter")
        self.wait_for_answers("".join(f"{number:4}" for number in range(200)))


class SecretTests(TerminalTestCase):
    """A PIN is never on the screen, nor in what can be scrolled back to."""

    def test_a_notice_while_a_pin_is_typed(self) -> None:
        """Nothing of the PIN shows, neither as it is typed nor when a notice redraws the question."""
        self.start()
        self.pane.type("Zoë\r")
        self.wait_for_rows("Name: Zoë", "PIN:")
        self.pane.type("98")
        self.notice("You were paid.")
        self.wait_for_rows("Name: Zoë", "You were paid.", "PIN:")
        self.wait_for_cursor(5, 2)
        self.pane.type("76\r")
        self.wait_for_answers("Zoë", "9876")
        self.wait_for_rows("Name: Zoë", "You were paid.", "PIN:", ">")
        self.pane.press("Up", "Up", "Enter")
        self.wait_for_answers("Zoë", "9876", "Zoë")
        self.assertNotRegex("\n".join(self.pane.history()), "[6789]")

    def test_typed_ahead(self) -> None:
        """Pasted lines answer the questions one by one; the one that falls to the PIN is not shown."""
        for mark in ([], ["-p"]):
            self.start()
            self.pane.paste("Zoë\n9876\nbalance\nhide\n54\t32\nhal", *mark)
            self.wait_for_rows("Name: Zoë", "PIN:", "> balance", "> hide", "PIN:", "> hal")
            self.wait_for_answers("Zoë", "9876", "balance", "hide", "54 32")
            self.assertNotRegex("\n".join(self.pane.history()), "[2-9]")
            self.pane.press("C-u", "C-d")
            self.wait_for_rows("Name: Zoë", "PIN:", "> balance", "> hide", "PIN:", ">", "$")
            (self.folder / "record").write_text("")

    def test_a_marked_paste_brings_no_commands(self) -> None:
        """Control keys in a paste that the terminal marks as one do nothing."""
        self.start()
        self.pane.paste("Z\x03o\x04\x01ë\x1a", "-p")
        self.wait_for_rows("Name: Zoë")

    def test_paper(self) -> None:
        """A terminal that is mere paper gets no escape sequence, and echoes all but the PIN."""
        self.start("TERM=dumb sh demo; sh modes > after")
        self.pane.type("Zoë\r")
        self.wait_for_rows("Name: Zoë", "PIN:")
        self.pane.type("9876\r")
        self.wait_for_rows("Name: Zoë", "PIN:", ">")
        self.pane.type("bal")
        self.wait_for_rows("Name: Zoë", "PIN:", "> bal")
        self.notice("You were paid.")
        self.wait_for_rows("Name: Zoë", "PIN:", "> bal", "You were paid.", ">")
        self.pane.type("ance\r")
        self.wait_for_answers("Zoë", "9876", "balance")
        self.leave()


class GivingBackTests(TerminalTestCase):
    """However we end or stop, the terminal is as it was found."""

    def test_ctrl_c_and_ctrl_d(self) -> None:
        """Ctrl-C fails the question and Ctrl-D ends the input; both leave what was typed on the screen."""
        self.start("sh demo; sh modes > after")
        self.pane.type("Jan")
        self.pane.press("C-c")
        self.wait_for_rows("Name: Jan", "PIN:")
        self.wait_for_answers("Interrupted")
        self.leave()
        self.wait_for_rows("Name: Jan", "PIN:", "$")

    def test_sigterm(self) -> None:
        """A SIGTERM erases the question and ends the process in order."""
        self.start("sh demo; echo status $?; sh modes > after")
        self.pane.type("Jan")
        self.wait_for_rows("Name: Jan")
        self.signal(signal.SIGTERM)
        self.assert_given_back()
        self.wait_for_rows("status 0", "$")

    def test_ctrl_z_and_fg(self) -> None:
        """Ctrl-Z gives the terminal to the shell, and fg brings the line back as it was, cursor and all."""
        self.start("(sh demo; sh modes > after)")
        self.pane.type("Jansen")
        self.pane.press("Left", "Left", "C-z")
        self.wait(lambda: self.pane.rows()[-1] == "$", "the shell")
        self.assertEqual(self.pane.rows()[0], "Name: Jansen")
        self.assertTrue(any("Stopped" in row for row in self.pane.rows()))
        self.notice("You were paid.")
        self.pane.type("clear; fg\n")
        self.wait(lambda: self.pane.rows()[-2:] == ["You were paid.", "Name: Jansen"], "notice and line")
        self.wait_for_cursor(10, len(self.pane.rows()) - 1)
        self.pane.press("BSpace", "Enter")
        self.wait_for_answers("Janen")
        self.leave()

    def test_stopped_from_outside(self) -> None:
        """A SIGTSTP is as good as Ctrl-Z, and even after a SIGSTOP the terminal is ours again at fg."""
        self.start()
        self.pane.type("Jan")
        self.wait_for_rows("Name: Jan")
        for stop, typed in ((signal.SIGTSTP, "s"), (signal.SIGSTOP, "e")):
            self.signal(stop)
            self.wait(lambda: self.pane.rows()[-1] == "$", "the shell")
            self.pane.type("clear; fg\n")
            self.wait(lambda: self.pane.rows()[-1].startswith("Name: Jan"), "the question")
            self.pane.press(typed)
            self.wait(lambda: self.pane.rows()[-1].endswith(typed), "the key")  # noqa: B023
        self.pane.type("n\r")
        self.wait_for_answers("Jansen")

    def test_ctrl_z_where_nobody_could_continue_us(self) -> None:
        """Without a shell above us Ctrl-Z stops nothing, and the question stays usable."""
        self.start("exec sh demo")
        self.pane.type("Jan")
        self.pane.press("C-z", "s")
        self.wait(lambda: self.pane.rows()[-1] == "Name: Jans", "the question again")
