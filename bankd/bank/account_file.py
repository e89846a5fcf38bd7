"""A text file of accounts: number, PIN and balance, with commas between.

1. ``#`` begins a comment. Spaces do not matter, nor does the case of letters, and lines with nothing else are none.
2. A bad line is a value, told with its number and never with what stands in it: that may be a PIN.
3. An account's number has a digit: so none is a till's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bankd import money
from bankd.wire import grammar

LONGEST = 500
"""Octets of a line that are looked at; an account takes far fewer, and a comment may be longer."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An account in a file: in which ``line``, counted from 1, and with which PIN and opening balance."""

    line: int
    number: str
    pin: str = field(repr=False)
    balance_minor: int


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is passed over, and why."""

    line: int
    what: str


def read(lines: Iterable[bytes], currency: str) -> Iterator[Listed | BadLine]:
    """The accounts in ``lines``, with balances in ``currency``, and the lines that are none, in order.

    Of two with one number the first counts.
    """
    seen: dict[str, int] = {}
    for number, octets in enumerate(lines, 1):
        said = _bare(octets)
        if said == "":
            continue
        found = BadLine(number, "it is too long, or no text") if said is None else _account(number, said, currency)
        if isinstance(found, Listed) and (first := seen.setdefault(found.number, number)) != number:
            found = BadLine(number, f"account {found.number} stands in line {first} already")
        yield found


def _bare(octets: bytes) -> str | None:
    """What a line says without comment and spaces; None where it is too long, or not UTF-8."""
    said, comment, _ = octets[:LONGEST].partition(b"#")
    if len(octets) > LONGEST and not comment:
        return None
    try:
        return "".join(said.decode("utf-8-sig").split())
    except UnicodeDecodeError:
        return None


def _account(line: int, said: str, currency: str) -> Listed | BadLine:
    parts = said.split(",")
    if len(parts) != 3:
        return BadLine(line, "it is not number, PIN and balance with commas between")
    try:
        number = grammar.ACCOUNT.parse(parts[0])
    except ValueError:
        number = ""
    if not any(letter.isdigit() for letter in number):
        return BadLine(line, "the number is not 1 to 32 letters, digits and dashes with a digit among them")
    try:
        pin = grammar.PIN.parse(parts[1])
    except ValueError:
        return BadLine(line, f"the PIN of account {number} is not 4 to 12 digits")
    try:
        return Listed(line, number, pin, _balance(parts[2], currency))
    except money.NotMoney as error:
        return BadLine(line, f"the balance of account {number} will not do: {error}")


def _balance(text: str, currency: str) -> int:
    """The minor units that ``text`` says, which may be none. Raises NotMoney."""
    zero = money.plain(0, currency)
    return 0 if text in {zero[:1], *(zero[:end] for end in range(3, len(zero) + 1))} else money.parse(text, currency)
