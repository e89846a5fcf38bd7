"""Lines of a sealed session: in order, whole, and in their own direction, or not at all."""

from hypothesis import given
from hypothesis import strategies as st
from joserfc.util import urlsafe_b64encode
from twisted.trial.unittest import SynchronousTestCase

from bankd.wire.grammar import MAX_LINE
from bankd.wire.seal import BrokenSeal
from bankd.wire.sealed_lines import MAX_SEALED, TO_BANK, TO_CLIENT, SealedLines, both_ways
from tests import docs
from tests.test_seal import ALPHABET

SECRET = bytes(range(32))
NONCE = "0f" * 16


def ends(secret: bytes = SECRET, nonce: str = NONCE, direction: bytes = TO_BANK) -> tuple[SealedLines, SealedLines]:
    """The sealing and the opening end of a direction."""
    return SealedLines(SECRET, NONCE, TO_BANK), SealedLines(secret, nonce, direction)


class RoundTrips(SynchronousTestCase):
    """Lines that arrive as they were sent."""

    @given(st.lists(st.binary(max_size=300), max_size=5))
    def test_lines(self, lines: list[bytes]) -> None:
        """Any octets, line after line, also such that look like padding."""
        near, far = ends()
        for line in [*lines, b"", b"\x80", b"\x80\0\0", b"\0"]:
            self.assertEqual(far.unseal(near.seal(line)), line)

    def test_longest(self) -> None:
        """The longest line seals to the limit of sealed lines, and what is longer is not opened."""
        near, far = ends()
        sealed = near.seal(b"x" * MAX_LINE)
        self.assertEqual(len(sealed), MAX_SEALED)
        self.assertEqual(far.unseal(sealed), b"x" * MAX_LINE)
        self.assertRaises(BrokenSeal, far.unseal, near.seal(b"x" * (MAX_LINE + 1)))

    def test_form(self) -> None:
        """A sealed line is base64url, short ones of one length, and the same line never twice the same."""
        near, _ = ends()
        sealed = [near.seal(line) for line in (b"a1 NOOP", b"a1 NOOP", b"a2 WITHDRAW amount=100 currency=USD key=k")]
        self.assertTrue(all(set(text.decode()) <= set(ALPHABET) for text in sealed))
        self.assertEqual({len(text) for text in sealed}, {107})
        self.assertEqual(len(set(sealed)), 3)

    def test_both_ways(self) -> None:
        """Each direction has a key of its own."""
        to_bank, to_client = both_ways(SECRET, NONCE)
        self.assertNotEqual(to_bank.seal(b"x"), to_client.seal(b"x"))
        self.assertEqual(SealedLines(SECRET, NONCE, TO_BANK).unseal(both_ways(SECRET, NONCE)[0].seal(b"x")), b"x")
        self.assertEqual(SealedLines(SECRET, NONCE, TO_CLIENT).unseal(both_ways(SECRET, NONCE)[1].seal(b"x")), b"x")


class Page(SynchronousTestCase):
    """The lines that the protocol's page prints."""

    def test_printed(self) -> None:
        """They are what the secret and the nonce that the page names make of them, in each direction."""
        ways = dict(zip("CS", both_ways(SECRET, bytes(range(16)).hex()), strict=True))
        (block,) = docs.blocks("sealed")
        steps = [line.split(": ", 1) for line in block.splitlines()]
        for (side, line), (other, printed) in zip(steps[::2], steps[1::2], strict=True):
            self.assertEqual((side, ways[side].seal(line.encode()).decode()), (other, printed))
            self.assertTrue(docs.parses("sealed-line", printed + "\r\n"), printed)


class Refusals(SynchronousTestCase):
    """Lines that are not the next one, whole."""

    def test_any_octet_altered(self) -> None:
        """Another octet in any one place is refused."""
        text = ends()[0].seal(b"a1 NOOP")
        for place in range(len(text)):
            for octet in range(256):
                if octet != text[place]:
                    altered = text[:place] + bytes([octet]) + text[place + 1 :]
                    self.assertRaises(BrokenSeal, ends()[1].unseal, altered)

    def test_truncated_and_extended(self) -> None:
        """A part of a line is refused, and a line with more after it."""
        text = ends()[0].seal(b"a1 NOOP")
        for other in (*(text[:length] for length in range(len(text))), text + b"A", text + b"AAAA", text + text):
            self.assertRaises(BrokenSeal, ends()[1].unseal, other)

    def test_replay(self) -> None:
        """A line that comes again is refused."""
        near, far = ends()
        text = near.seal(b"a1 NOOP")
        far.unseal(text)
        self.assertRaises(BrokenSeal, far.unseal, text)

    def test_gap_and_order(self) -> None:
        """A line before which one is missing is refused, and so is the missing one after it."""
        near, far = ends()
        first, second = near.seal(b"a1 NOOP"), near.seal(b"a2 NOOP")
        self.assertRaises(BrokenSeal, far.unseal, second)
        self.assertRaises(BrokenSeal, far.unseal, first)

    def test_elsewhere(self) -> None:
        """The other direction, another connection, another secret: none opens it."""
        for far in (ends(direction=TO_CLIENT), ends(nonce="0e" * 16), ends(secret=bytes(32))):
            self.assertRaises(BrokenSeal, far[1].unseal, far[0].seal(b"a1 NOOP"))

    def test_padding(self) -> None:
        """What the right key sealed with other padding is refused."""
        for padded in (b"", b"\0" * 64, b"a1 NOOP\x80", b"x" * 63 + b"\x80\0", b"x" * 62 + b"\x80\x01"):
            near, far = ends()
            text = urlsafe_b64encode(near._cipher.encrypt(near._next(), padded, None))
            self.assertRaises(BrokenSeal, far.unseal, text)
