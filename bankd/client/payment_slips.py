"""What is said of files of payments, in English."""

from bankd import codes
from bankd.client import amounts, words
from bankd.client.errors import Denied
from bankd.client.files.payments import NotPayments, Payment
from bankd.client.payment_file import Paid, line_at_fault
from bankd.language import _, number, plural
from bankd.records import BulkLine

ANEW, EACH_ANEW = "as NAME", "each as NAME"
"""How a task gives a file another name."""

NOTHING_PAID = _("Nothing was paid.")
WRONG = _("What is wrong with the file:")
AGAIN = _("Pay the same file again in the same way: what was paid is not paid twice.")
KEPT = _("The bank remembers this of the file; to have the same payments looked at anew, add a new name: {how}.")
OTHER_WAY = _(
    "This file was given before in the other way (all together, or each), so it was not done again. If it was paid "
    "then, it is paid: give it again in that way to see. A new name, {how}, would pay all of it anew."
)


def unreadable(error: NotPayments) -> str:
    """Why a file is not one of payments, a line for each fault."""
    told = [
        f"{_('the file') if fault.line is None else _('line {line}').format(line=fault.line)}: {fault.why}"
        for fault in error.faults
    ]
    return "\n".join(
        [
            f"{NOTHING_PAID} {WRONG}",
            *(f"  {line}" for line in told),
        ]
    )


def confirm(payments: int, amount_minor: int, currency: str) -> str:
    """The question before a file is paid, with what it comes to."""
    amount = amounts.written(amount_minor, currency)
    return _("{payments}, {amount} in all. Pay this file? (y/N) ").format(payments=_payments(payments), amount=amount)


def paying(answered: int, payments: int) -> str:
    """How far a long file has come."""
    return _("{answered} of {payments} payments answered").format(answered=number(answered), payments=number(payments))


def paid(paid: Paid) -> str:
    """What became of a file: a summary, and a line for each payment that was refused."""
    amount = amounts.written(paid.amount_minor, paid.currency)
    lines = [
        _("{payments} made, {amount} in all. Key {key}.").format(
            payments=_payments(len(paid.made)), amount=amount, key=paid.key
        )
    ]
    if paid.before:
        lines.append(_("{payments} had been made before and cost nothing now.").format(payments=_payments(paid.before)))
    if paid.refused:
        lines += [
            _("{payments} refused:").format(payments=_payments(len(paid.refused))),
            *(_refused(*each, paid.currency) for each in paid.refused),
        ]
    return "\n".join(lines)


def denied_part(error: Denied) -> str:
    """Why the rest of a file was refused, of which a part was answered before."""
    return f"{words.refused(error)} {AGAIN}"


def denied(error: Denied, said: str, payments: tuple[Payment, ...], each: bool) -> str:
    """Why a file was refused of which nothing was paid, as was ``said``, with the line at fault.

    ``each`` is whether every payment was to be made by itself, as it would be under a new name.
    """
    how = EACH_ANEW if each else ANEW
    if error.code == codes.OTHER_CONTENT:
        return OTHER_WAY.format(how=how)
    line = line_at_fault(error, payments)
    if line is None:
        return f"{said} {AGAIN}"
    return _("Line {line}: {said}").format(line=line, said=f"{said} {NOTHING_PAID} {KEPT.format(how=how)}")


def _refused(payment: Payment, line: BulkLine, currency: str) -> str:
    amount = amounts.written(payment.payee.amount_minor, currency)
    return _("  line {line}: {amount} to account {payee}: {reason}").format(
        line=payment.line, amount=amount, payee=payment.payee.payee, reason=words.reason(line.reason or "")
    )


def _payments(count: int) -> str:
    return plural("{count} payment", "{count} payments", count)
