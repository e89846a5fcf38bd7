"""A file of payments, paid once: its key is made from what it says, so that to pay it again pays nothing twice.

1. The key stands for the account, the currency and the payments in their order, with the ``name`` given. So a client
   that was killed can be started again with the same file; and who pays a file again by mistake is told so.
2. To pay the same again on purpose, next month's salaries say, the file is given another name.
3. The bank remembers refusals under the key too. The key is the same whether all are paid together or each by itself,
   lest a file be paid once in either way; the bank refuses it in the way in which it was not asked first.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from bankd.client.bank import Bank
from bankd.client.errors import Denied
from bankd.client.files.payments import Fault, NotPayments, Payment, read_payments
from bankd.language import _, number
from bankd.records import BulkLine
from bankd.wire.messages import MAX_BULK

PAGE = 100
"""Entries asked for at a time, where the newest movement is looked for."""

TOO_LONG = _("more than {most} payments cannot go together; pay each by itself, or divide the file").format(
    most=number(MAX_BULK)
)


@dataclass(frozen=True, slots=True)
class PayFile:
    """What is to be paid: all of the file or nothing, or ``each`` payment by itself; ``name`` tells runs apart."""

    path: Path
    each: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class Paid:
    """What became of each payment of a file. ``key`` is what the bank knows it by.

    ``made`` and ``refused`` are payments with what the bank said of them; ``before`` is how many of those made had been
    made by an earlier run, and were not made again.
    """

    key: str
    currency: str
    made: tuple[tuple[Payment, BulkLine], ...]
    refused: tuple[tuple[Payment, BulkLine], ...]
    before: int

    @property
    def amount_minor(self) -> int:
        """How much was paid in all."""
        return sum(payment.payee.amount_minor for payment, _ in self.made)


def file_key(account: str, currency: str, name: str, payments: tuple[Payment, ...]) -> str:
    """The key of a file: 128 bits of SHA-256 over what it says."""
    said = [(payment.payee.payee, payment.payee.amount_minor, payment.payee.reference) for payment in payments]
    digest = sha256(json.dumps([account, currency, name, said]).encode()).hexdigest()
    return f"file-{digest[:32]}"


def line_at_fault(denied: Denied, payments: tuple[Payment, ...]) -> int | None:
    """The number in the file of the line because of which the bank refused it; None where it was not one line."""
    if denied.place is None or not 0 < denied.place <= len(payments):
        return None
    return payments[denied.place - 1].line


def to_pay(bank: Bank, wanted: PayFile) -> tuple[Payment, ...]:
    """The payments in the file, which can all be sent. Raises NotPayments."""
    payments = read_payments(wanted.path, bank.currency)
    if not wanted.each and len(payments) > MAX_BULK:
        raise NotPayments(Fault(None, TOO_LONG))
    return payments


async def pay(bank: Bank, wanted: PayFile, payments: tuple[Payment, ...], tell: Callable[[int], None]) -> Paid:
    """Pay what ``to_pay`` gave. ``tell`` is called with how many payments are answered, while there are more.

    Raises Denied, whose ``place`` is that of the payment at fault, and LostBank and InDoubt; the same can then be done
    again.
    """
    assert bank.welcome is not None
    key = file_key(bank.welcome.account, bank.currency, wanted.name, payments)
    newest = await _newest_receipt(bank)
    became: list[tuple[Payment, BulkLine]] = []
    for start in range(0, len(payments), MAX_BULK):
        part = payments[start : start + MAX_BULK]
        result = await bank.transfer_all(
            [payment.payee for payment in part], together=not wanted.each, key=f"{key}-{start // MAX_BULK + 1}"
        )
        became += zip(part, result.lines, strict=True)
        if len(became) < len(payments):
            tell(len(became))
    made = tuple((payment, line) for payment, line in became if line.receipt is not None)
    refused = tuple((payment, line) for payment, line in became if line.receipt is None)
    before = sum(line.receipt is not None and line.receipt <= newest for _, line in made)
    return Paid(key, bank.currency, made, refused, before)


async def _newest_receipt(bank: Bank) -> int:
    """The receipt of the newest movement, 0 without one. Holds may be newer; pages of nothing else show no line."""
    page = await bank.statement(PAGE)
    while not page.lines and page.end.cursor is not None:
        page = await bank.statement(PAGE, page.end.cursor)
    return max((line.receipt for line in page.lines), default=0)
