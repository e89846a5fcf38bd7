"""A QR code (ISO/IEC 18004) as text: two rows of modules in one of characters, by half blocks."""

import segno

BORDER = 2
"""Modules of quiet around the code. The standard has four; cameras do with two, and a terminal has 24 rows."""

_HALVES = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
"""What shows two modules, one above the other, where dark is the ground of the terminal and light its letters."""


def drawn(text: str, columns: int, rows: int) -> str | None:
    """``text`` as a QR code of at most so many columns and rows; None where it takes more."""
    code = segno.make(text, error="l", micro=False, boost_error=False)
    modules = [list(row) for row in code.matrix_iter(border=BORDER)]
    if len(modules) % 2:
        modules.append([0] * len(modules[0]))
    if len(modules[0]) > columns or len(modules) // 2 > rows:
        return None
    pairs = zip(modules[::2], modules[1::2], strict=True)
    return "\n".join("".join(_HALVES[one, two] for one, two in zip(*pair, strict=True)) for pair in pairs)
