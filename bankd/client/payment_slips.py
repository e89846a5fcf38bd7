"""What is said of files of payments, in English."""

from bankd import codes, money
from bankd.client import words
from bankd.client.errors import Denied
from bankd.client.files.payments import NotPayments, Payment
from bankd.client.payment_file import Paid, line_at_fault
from bankd.records import BulkLine

NOTHING_PAID = "Nothing was paid."
AGAIN = "Pay the same file again in the same way: what was paid is not paid twice."
KEPT = "The bank remembers this of the file; to have the same payments looked at anew, add a new name: as NAME."
OTHER_WAY = (
    "This file was given before in the other way (all together, or each), so it was not done again. If it was paid "
    "then, it is paid: give it again in that way to see. A new name, as NAME, would pay all of it anew."
)


def unreadable(error: NotPayments) -> str:
    """Why a file is not one of payments, a line for each fault."""
    told = [f"{'the file' if fault.line is None else f'line {fault.line}'}: {fault.why}" for fault in error.faults]
    return "\n".join([f"{NOTHING_PAID} What is wrong with the file:", *(f"  {line}" for line in told)])


def paying(answered: int, payments: int) -> str:
    """How far a long file has come."""
    return f"{answered:,} of {payments:,} payments answered"


def paid(paid: Paid) -> str:
    """What became of a file: a summary, and a line for each payment that was refused."""
    amount = money.written(paid.amount_minor, paid.currency)
    lines = [f"{_payments(len(paid.made))} made, {amount} in all. Key {paid.key}."]
    if paid.before:
        lines.append(f"{_payments(paid.before)} had been made before and cost nothing now.")
    if paid.refused:
        lines += [
            f"{_payments(len(paid.refused))} refused:",
            *(_refused(*each, paid.currency) for each in paid.refused),
        ]
    return "\n".join(lines)


def denied(error: Denied, payments: tuple[Payment, ...], part: bool) -> str:
    """Why a file was refused, with the line at fault; ``part`` says that others of it may have been paid before."""
    said = words.refused(error)
    if part:
        return f"{said} {AGAIN}"
    if error.code == codes.OTHER_CONTENT:
        return OTHER_WAY
    line = line_at_fault(error, payments)
    return f"{said} {AGAIN}" if line is None else f"Line {line}: {said} {NOTHING_PAID} {KEPT}"


def _refused(payment: Payment, line: BulkLine, currency: str) -> str:
    amount = money.written(payment.payee.amount_minor, currency)
    return f"  line {payment.line}: {amount} to account {payment.payee.payee}: {words.reason(line.reason or '')}"


def _payments(count: int) -> str:
    return f"{count:,} {'payment' if count == 1 else 'payments'}"
