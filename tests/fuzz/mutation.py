"""Inputs made from others, by a seed: octets, words, numbers and lines are changed, moved, doubled and put in.

Words are what stands between the signs that the formats here are made of, so that most of what is made is nearly valid
and comes deep into a reader. All that is drawn comes from one ``random.Random``: the same seed, the same inputs.
"""

import re
from collections.abc import Callable, Sequence
from random import Random

LONGEST = 8192
"""Octets of an input at most: twice a line, so that lines that are too long are among them."""

MOST_CHANGES = 6
"""Inputs that are made from one seed, each with a change more than the one before."""

_WORD = re.compile(rb"[^\s=,.:;\[\]{}\"|]+|[\s=,.:;\[\]{}\"|]")
_NUMBER = re.compile(rb"[0-9]+")

EDGES = (
    *(b"0", b"1", b"-1", b"00", b"127", b"128", b"255", b"256", b"1000", b"1001", b"4095", b"4096", b"4097", b"65535"),
    *(b"65536", b"2147483648", b"9223372036854775807", b"9223372036854775808", b"18446744073709551616"),
    *(b"999999999999999", b"1000000000000000", b"999999999999999999", b"9" * 400, b"1e3", b"1_0", b"0x1", b"NaN"),
)
"""Numbers at which readers change their minds, and what is none."""

OCTETS = (
    *(b"\x00", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"  ", b"\t", b"%", b"%00", b"%0D%0A", b"%ff", b"%C3%A9"),
    *(b"=", b"-", b"*", b"#", b'"', b"'", b"~", b"\\", b"\xff", b"\x80", b"\xef\xbb\xbf", b"\xc3\xa9", b"\xd9\xa3"),
    *(b"\xe2\x80\xae", b"\xed\xa0\x80", b"\xf0\x9f\x92\xb0", b"A" * 64, b"A" * 4096, b"[" * 1200, b"a" * 17),
)
"""Octets and characters that mean something somewhere."""


class Mutator:
    """Makes inputs from ``seeds`` and ``words``, with what ``random`` draws."""

    def __init__(self, random: Random, seeds: Sequence[bytes], words: Sequence[bytes] = ()) -> None:
        self._random = random
        self._seeds = seeds
        self._last: bytes = b""
        self._left = 0
        spoken = {word for seed in seeds for word in _WORD.findall(seed) if len(word) < 64}
        self._words: tuple[bytes, ...] = (*sorted(spoken), *words, *EDGES, *OCTETS)
        self._changes: tuple[Callable[[bytes], bytes], ...] = (
            *(self._flip, self._put_in, self._take_out, self._double, self._splice, self._cut),
            *(self._word, self._word, self._word, self._number, self._lines, self._lines),
        )

    def made(self) -> bytes:
        """A new input."""
        if self._left == 0 or not self._last:
            self._last, self._left = self._random.choice(self._seeds), self._random.randint(1, MOST_CHANGES)
        self._left -= 1
        self._last = bytes(self._random.choice(self._changes)(self._last)[:LONGEST])
        return self._last

    def changed(self, data: bytes) -> bytes:
        """``data`` with a few changes."""
        for _ in range(self._random.randint(1, MOST_CHANGES)):
            data = self._random.choice(self._changes)(data)
        return bytes(data[:LONGEST])

    def _span(self, data: bytes, longest: int = 32) -> tuple[int, int]:
        """A part of ``data``, mostly short."""
        start = self._random.randint(0, len(data))
        return start, min(start + self._random.randint(1, longest), len(data))

    def _flip(self, data: bytes) -> bytes:
        start, end = self._span(data, 2)
        return data[:start] + bytes(octet ^ 1 << self._random.randrange(8) for octet in data[start:end]) + data[end:]

    def _put_in(self, data: bytes) -> bytes:
        at = self._random.randint(0, len(data))
        return data[:at] + self._random.choice(self._words) + data[at:]

    def _take_out(self, data: bytes) -> bytes:
        start, end = self._span(data)
        return data[:start] + data[end:]

    def _double(self, data: bytes) -> bytes:
        start, end = self._span(data)
        return data[:end] + data[start:end] * self._random.randint(1, 4) + data[end:]

    def _splice(self, data: bytes) -> bytes:
        other = self._random.choice(self._seeds)
        return data[: self._random.randint(0, len(data))] + other[self._random.randint(0, len(other)) :]

    def _cut(self, data: bytes) -> bytes:
        return data[: self._random.randint(0, len(data))]

    def _word(self, data: bytes) -> bytes:
        found = _WORD.findall(data)
        if found:
            at = self._random.randrange(len(found))
            found[at : at + self._random.randint(0, 2)] = [self._random.choice(self._words)]
        return b"".join(found)

    def _number(self, data: bytes) -> bytes:
        found = [*_NUMBER.finditer(data)]
        if not found:
            return data
        number = self._random.choice(found)
        other = self._random.choice((*EDGES, b"%d" % (int(number[0][:18]) + self._random.randint(-2, 2))))
        return data[: number.start()] + other + data[number.end() :]

    def _lines(self, data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        if lines:
            line = lines.pop(self._random.randrange(len(lines)))
            for _ in range(self._random.randint(0, 2)):
                lines.insert(self._random.randint(0, len(lines)), line)
        return b"".join(lines)
