"""The line editor and its layout, which are pure."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from wcwidth import wcswidth

from bankd.client.editor import (
    EDITS,
    MAX_LINE,
    Layout,
    Line,
    by_words,
    lay_out,
    printable,
    printable_lines,
    stops,
    wrapped,
)

FAMILY = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"
DECOMPOSED_E = "e\N{COMBINING DIAERESIS}"


def typed(text: str, *edits: str, past: tuple[str, ...] = ()) -> Line:
    """A line after some text and then the named edits."""
    line = Line(past)
    line.insert(text)
    for edit in edits:
        getattr(line, edit)()
    return line


def marked(line: Line) -> str:
    """The text with a bar where the cursor stands."""
    return f"{line.text[: line.cursor]}|{line.text[line.cursor :]}"


class WrappingTests(SynchronousTestCase):
    """What is said, on a terminal that is narrower than it."""

    def test_short_lines_stay(self) -> None:
        """A line that fits is one row as it is, an empty one too."""
        for line in ("", "Done.", "  8  Notices", "x" * 80):
            self.assertEqual(wrapped(line, 80), [line])

    def test_notice_keeps_its_indentation(self) -> None:
        """Below its number a notice goes on where its text began."""
        notice = "[12] You received 1,025.00 USD from account 57028011 (For the tickets, and what we drank afterwards)"
        self.assertEqual(
            wrapped(notice, 80),
            [
                "[12] You received 1,025.00 USD from account 57028011 (For the tickets, and what",
                "     we drank afterwards)",
            ],
        )
        self.assertEqual(wrapped("    one two", 8), ["    one", "    two"])

    def test_table_goes_on_in_its_last_column(self) -> None:
        """A statement's words do not run below its dates."""
        entry = "20 Nov 2026 14:05        6  -100.00   875.00  paid to 57028011 (Rent for May, and garage)"
        self.assertEqual(
            wrapped(entry, 80),
            [
                "20 Nov 2026 14:05        6  -100.00   875.00  paid to 57028011 (Rent for May,",
                "                                              and garage)",
            ],
        )

    def test_amounts_and_words_stay_whole(self) -> None:
        """No row ends between an amount and its currency, or inside a date, a number or a word with a hyphen."""
        said = "Success: 1,234.50 USD paid in. Balance: -2,000.00 USD. By e-mail on 20 Nov 2026 14:05. Receipt 4."
        for width in range(24, 90):
            rows = wrapped(said, width)
            self.assertEqual(" ".join(rows), said)
            for whole in ("1,234.50 USD", "-2,000.00 USD", "e-mail", "20 Nov 2026 14:05", "Receipt 4."):
                self.assertTrue(any(whole in row for row in rows), rows)

    def test_no_row_is_wider_than_the_terminal(self) -> None:
        """Whatever is said, at whatever width, all of its characters are there."""
        for said in ("x" * 200, "a  b " * 30, "[1] " + "語" * 50, "    " + "word " * 40):
            for width in (2, 10, 80):
                rows = wrapped(said, width)
                self.assertTrue(all(wcswidth(row) <= width for row in rows), (said, width, rows))
                self.assertEqual("".join(rows).replace(" ", ""), said.replace(" ", ""))

    def test_questions_too(self) -> None:
        """A question lies on its rows as what is said does, at whatever width, and keeps the space at its end."""
        for asked in ("Account 1 will be closed for good. Go on? (y/N)", "x" * 200, "語" * 50 + " 語?", ""):
            for width in range(2, 90):
                rows = lay_out(by_words(asked, width), 0, width).rows
                self.assertEqual([row.rstrip() for row in rows if row] or [""], wrapped(asked, width), width)
        self.assertEqual(by_words("Your choice: ", 80), "Your choice: ")


class PrintableTests(SynchronousTestCase):
    """What is printed cannot command a terminal."""

    def test_controls_are_removed(self) -> None:
        """C0, DEL and C1 bytes go, escape sequences among them, and the text around them stays."""
        for control in (*range(0x20), *range(0x7F, 0xA0)):
            if chr(control) not in "\t\n":
                self.assertEqual(printable(f"a{chr(control)}b"), "ab")
        self.assertEqual(printable("\x1b[2Jpaid\x9b1A"), "[2Jpaid1A")

    def test_reordering_is_removed(self) -> None:
        """Bidirectional embeddings, overrides and isolates go, so that an amount reads as it is."""
        for control in (*range(0x202A, 0x202F), *range(0x2066, 0x206A)):
            self.assertEqual(printable(f"1{chr(control)}2"), "12")

    def test_what_is_not_utf8_is_removed(self) -> None:
        """A lone surrogate, which could not be encoded, goes."""
        self.assertEqual(printable("a\ud800b").encode(), b"ab")

    def test_letters_stay(self) -> None:
        """Letters, signs and emoji of every script stay as they are."""
        self.assertEqual(printable(f"Zoë €5 世界 {FAMILY} שלום"), f"Zoë €5 世界 {FAMILY} שלום")

    def test_tabs_become_spaces(self) -> None:
        """A tab becomes spaces up to the next column of eight."""
        self.assertEqual(printable("a\tb"), "a       b")

    def test_lines_are_split_at_line_feeds_only(self) -> None:
        """A line feed begins a line; CR, NEL and Unicode's separators do not."""
        self.assertEqual(printable_lines("a\r\nb\x85c\u2028d\x0be"), ["a", "bcde"])

    def test_one_line_feed_at_the_end_adds_no_line(self) -> None:
        """With or without its last line feed a text has the same lines; a second one is an empty line."""
        self.assertEqual(printable_lines("a\n"), ["a"])
        self.assertEqual(printable_lines("a\n\n"), ["a", ""])
        self.assertEqual(printable_lines(""), [""])


class LineTests(SynchronousTestCase):
    """A line is edited at its cursor, one whole character at a time."""

    def test_typing_in_the_middle(self) -> None:
        """Text goes in where the cursor is."""
        line = typed("acd", "left", "left")
        line.insert("b")
        self.assertEqual(marked(line), "ab|cd")

    def test_moving_stops_at_the_ends(self) -> None:
        """Left of the start and right of the end there is nowhere to go."""
        self.assertEqual(marked(typed("ab", "home", "left")), "|ab")
        self.assertEqual(marked(typed("ab", "home", "end", "right")), "ab|")

    def test_a_character_of_many_code_points_is_one(self) -> None:
        """A combined letter and a joined emoji are passed and erased whole."""
        for character in (DECOMPOSED_E, FAMILY, "\N{REGIONAL INDICATOR SYMBOL LETTER N}" * 2):
            self.assertEqual(marked(typed(f"a{character}", "left")), f"a|{character}")
            self.assertEqual(marked(typed(f"a{character}", "erase_left")), "a|")
            self.assertEqual(marked(typed(f"{character}b", "home", "erase_right")), "|b")

    def test_a_mark_typed_after_a_letter_joins_it(self) -> None:
        """An accent typed on its own belongs to the letter before, and the cursor follows it."""
        line = typed("eb", "left")
        line.insert("\N{COMBINING DIAERESIS}")
        self.assertEqual(marked(line), f"{DECOMPOSED_E}|b")

    def test_halves_that_join(self) -> None:
        """Where what is typed joins with what comes after it, the cursor goes after both."""
        line = typed("\N{REGIONAL INDICATOR SYMBOL LETTER L}", "home")
        line.insert("\N{REGIONAL INDICATOR SYMBOL LETTER N}")
        self.assertEqual(line.cursor, 2)

    def test_erasing_to_the_ends(self) -> None:
        """To the start and to the end, what is on the other side of the cursor stays."""
        self.assertEqual(marked(typed("abcd", "left", "left", "erase_to_start")), "|cd")
        self.assertEqual(marked(typed("abcd", "left", "left", "erase_to_end")), "ab|")

    def test_erasing_a_word(self) -> None:
        """The word before the cursor goes with the spaces after it, and nothing else."""
        self.assertEqual(marked(typed("pay  Zoë  ", "erase_word")), "pay  |")
        self.assertEqual(marked(typed("pay Zoë", "left", "erase_word")), "pay |ë")
        self.assertEqual(marked(typed("", "erase_word")), "|")

    def test_nothing_obeyed_gets_in(self) -> None:
        """Controls that are typed or pasted do not become part of the line."""
        self.assertEqual(typed("a\x1b\x9b\u202e\nb\tc").text, "a b c")

    def test_a_full_line_takes_no_more(self) -> None:
        """Beyond MAX_LINE code points nothing is added, and what is there stays."""
        line = typed("x" * (MAX_LINE + 10), "home")
        line.insert("y")
        self.assertEqual(line.text, "x" * MAX_LINE)

    @given(st.lists(st.one_of(st.text(), st.text(f"a{FAMILY}{DECOMPOSED_E}"), st.sampled_from(sorted(EDITS)))))
    def test_the_cursor_never_splits_a_character(self, doings: list[str | bytes]) -> None:
        """After any typing and any keys, the cursor stands between two whole characters."""
        line = Line(("earlier", f"{FAMILY}s"))
        for doing in doings:
            if isinstance(doing, bytes):
                EDITS[doing](line)
            else:
                line.insert(doing)
            self.assertIn(line.cursor, stops(line.text))


class PastTests(SynchronousTestCase):
    """Earlier answers can be recalled."""

    def test_going_back_and_forth(self) -> None:
        """Older and newer walk the answers, and past the newest comes the line as it was left."""
        self.assertEqual(marked(typed("dr", "older", past=("one", "two"))), "two|")
        self.assertEqual(marked(typed("dr", "older", "older", past=("one", "two"))), "one|")
        self.assertEqual(marked(typed("dr", "older", "older", "newer", "newer", past=("one", "two"))), "dr|")

    def test_the_ends_of_the_past(self) -> None:
        """Before the oldest answer and after the line being typed there is nothing."""
        self.assertEqual(marked(typed("dr", "older", "older", past=("one",))), "one|")
        self.assertEqual(marked(typed("dr", "newer", past=("one",))), "dr|")

    def test_editing_the_past_changes_this_line_only(self) -> None:
        """A recalled answer can be edited, and is kept while walking, but the past itself is not changed."""
        past = ("one", "two")
        line = typed("", "older", "erase_left", "older", "newer", past=past)
        self.assertEqual((marked(line), past), ("tw|", ("one", "two")))


class LayoutTests(SynchronousTestCase):
    """A text lies on a terminal as the terminal itself will wrap it."""

    def place(self, text: str, cursor: int, columns: int) -> tuple[tuple[str, ...], int, int]:
        """The rows, and the cursor's row and column."""
        layout = lay_out(text, cursor, columns)
        return layout.rows, layout.row, layout.column

    def test_a_short_text_is_one_row(self) -> None:
        """What fits is on one row, with the cursor after as many columns as there are letters."""
        self.assertEqual(self.place("Naam: ë", 7, 10), (("Naam: ë",), 0, 7))

    def test_a_full_row_is_followed_by_an_empty_one(self) -> None:
        """The character after a full row goes to the next, and so does a cursor at the end."""
        self.assertEqual(self.place("abcd", 4, 4), (("abcd", ""), 1, 0))
        self.assertEqual(self.place("abcd", 2, 4), (("abcd", ""), 0, 2))

    def test_the_cursor_on_a_later_row(self) -> None:
        """A cursor before the first character of a row is on that row."""
        self.assertEqual(self.place("abcdef", 4, 4), (("abcd", "ef"), 1, 0))
        self.assertEqual(self.place("abcdef", 5, 4), (("abcd", "ef"), 1, 1))

    def test_wide_characters_take_two_columns(self) -> None:
        """A wide character counts for two columns, and does not begin in the last one."""
        self.assertEqual(self.place("世界", 1, 10), (("世界",), 0, 2))
        self.assertEqual(self.place("abc世", 3, 4), (("abc", "世"), 1, 0))
        self.assertEqual(self.place("abc世", 4, 4), (("abc", "世"), 1, 2))

    def test_combining_marks_take_none(self) -> None:
        """A mark stays with its letter, even at the end of a row."""
        self.assertEqual(self.place(f"abc{DECOMPOSED_E}", 5, 4), ((f"abc{DECOMPOSED_E}", ""), 1, 0))

    def test_a_terminal_narrower_than_a_character(self) -> None:
        """One column is enough to lay out any text, if not to read it."""
        self.assertEqual(self.place("世a", 2, 1)[0], ("世", "a", ""))

    def test_rewrapping(self) -> None:
        """The same text at another width has its cursor before the same character."""
        self.assertEqual(lay_out("abcdefgh", 5, 4).rewrapped(3), lay_out("abcdefgh", 5, 3))

    def test_more_rows_than_the_screen_has(self) -> None:
        """Only as many rows are drawn as the screen has, and the cursor is among them."""
        self.assertEqual(lay_out("abcdefgh", 5, 2).within(2), Layout(("cd", "ef"), 1, 1, 3))
        self.assertEqual(lay_out("abcdefgh", 0, 2).within(2), Layout(("ab", "cd"), 0, 0, 0))

    def test_drawing_goes_back_to_the_cursor(self) -> None:
        """After the rows come only the movements that are needed."""
        self.assertEqual(lay_out("abcdef", 1, 4).draw(), "abcdef\x1b[1A\r\x1b[1C")
        self.assertEqual(lay_out("abcd", 4, 4).draw(), "abcd \r")

    def test_erasing_and_leaving(self) -> None:
        """Erasing begins on the first row and leaving ends below the last, wherever the cursor is."""
        layout = lay_out("abcdefghij", 5, 4)
        self.assertEqual(layout.erase(), "\x1b[1A\r\x1b[K\x1b[1B\x1b[J\x1b[1A")
        self.assertEqual(lay_out("abc", 1, 4).erase(), "\r\x1b[K")
        self.assertEqual(layout.leave(), "\x1b[1B\r\n")
