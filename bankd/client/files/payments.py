"""A file of payments, as CSV (RFC 4180) in UTF-8: a line for each, and nothing is taken for what it is not.

    account,amount,reference
    # Salaries
    10000042,1250.00,November
    10000059,99.5

The amount is as people write it in the payer's currency; the reference may be left out. The row of names may be left
out, empty lines and lines that begin with # are passed over. A cell with a comma stands in double quotes.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from bankd import money
from bankd.client import amounts, forms
from bankd.language import _
from bankd.records import Payee

COLUMNS = ("account", "amount", "reference")


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment, and the number of its line in the file, from 1."""

    line: int
    payee: Payee


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line is no payment; ``line`` is None where the file as a whole is at fault."""

    line: int | None
    why: str


class NotPayments(Exception):
    """The file is not one of payments, for all of ``faults``."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = faults


def read_payments(path: Path, currency: str) -> tuple[Payment, ...]:
    """The payments in a file, in order; at least one. Raises NotPayments, with every line that is none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise NotPayments(Fault(None, _("it cannot be read: {why}").format(why=error.strerror))) from None
    except UnicodeDecodeError:
        raise NotPayments(Fault(None, _("it is not UTF-8"))) from None
    rows = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip() and line[0] != "#"]
    if rows and _cells(rows[0][1]) in (COLUMNS, COLUMNS[:2]):
        rows = rows[1:]
    read = [_payment(number, line, currency) for number, line in rows]
    faults = [found for found in read if isinstance(found, Fault)]
    if faults or not read:
        raise NotPayments(*(faults or [Fault(None, _("there is no payment in it"))]))
    return tuple(found for found in read if isinstance(found, Payment))


def _cells(line: str) -> tuple[str, ...] | None:
    """The cells of a line, without the spaces around them; None where it is no CSV."""
    try:
        (row,) = csv.reader([line.rstrip("\r")], strict=True)
    except (csv.Error, ValueError):
        return None
    return tuple(cell.strip() for cell in row)


def _payment(number: int, line: str, currency: str) -> Payment | Fault:
    cells = _cells(line)
    if cells is None:
        return Fault(number, _("its quotes do not match"))
    if ";" in cells[0]:
        return Fault(number, _("the cells are separated by commas, not by semicolons"))
    if len(cells) not in (2, 3):
        return Fault(number, _("it has {count} cells, not account, amount and reference").format(count=len(cells)))
    try:
        payee = forms.PAYEE.read(cells[0])
    except ValueError:
        return Fault(number, forms.PAYEE.hint)
    try:
        amount_minor = money.parse(cells[1], currency)
    except money.NotMoney as error:
        return Fault(number, amounts.why_not(error, cells[1], currency))
    try:
        reference = forms.REFERENCE.read(cells[2]) if cells[2:] != ("",) and cells[2:] else None
    except ValueError:
        return Fault(number, forms.REFERENCE.hint)
    return Payment(number, Payee(payee, amount_minor, reference))
