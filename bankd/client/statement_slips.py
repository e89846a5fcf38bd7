"""What is said of statements: their pages as tables, what entries are called, and files that they are written to."""

from bankd.client import amounts
from bankd.client.news import moment
from bankd.language import _, number, plural
from bankd.records import SignedReceipt, Statement, StatementLine

ENTRIES = {
    "deposit": _("cash paid in"),
    "withdrawal": _("cash paid out"),
    "transfer": _("transfer"),
    "fee": _("fee"),
    "reversal": _("given back"),
    "paid": _("paid"),
    "received": _("received"),
    "payout": _("paid out at closing"),
}
"""What a line of a statement calls its entry, by kind; other kinds are shown as they are."""

PAID_IN_CASH = _("paid in cash")
"""What it calls an entry of the kind ``paid`` without another account: a hold for cash that was paid."""

HEADINGS = (_("Time"), _("Receipt"), _("Amount"), _("Balance"), "")
CLOSING, OPENING, FORWARD = _("Closing balance"), _("Opening balance"), _("Brought forward")
NO_ENTRIES = _("There are no entries.")


def statement(page: Statement) -> str:
    """A page of a statement as a table between closing and opening balance, newest first, and the balance now."""
    end = page.end
    rows = [
        HEADINGS,
        (CLOSING, "", "", amounts.plain_amount(end.closing_minor, end.currency), ""),
        *(_row(line, end.currency) for line in page.lines),
        (OPENING if end.cursor is None else FORWARD, "", "", amounts.plain_amount(end.opening_minor, end.currency), ""),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    table = [
        f"{when:<{widths[0]}}  {receipt:>{widths[1]}}  {amount:>{widths[2]}}  {after:>{widths[3]}}  {what}".rstrip()
        for when, receipt, amount, after, what in rows
    ]
    if end.cursor is not None and end.period_opening_minor is not None:
        opening = amounts.written(end.period_opening_minor, end.currency)
        table.append(_("There are older entries; the opening balance is {opening}.").format(opening=opening))
    balance = _("Balance now: {amount}").format(amount=amounts.written(end.balance_minor, end.currency))
    return "\n".join([*([] if page.lines else [NO_ENTRIES]), *table, balance])


def exporting(entries: int) -> str:
    """How far a long export has come."""
    return _("{entries} entries so far").format(entries=number(entries))


def exported(entries: int, file: str) -> str:
    """What was written to a file."""
    count = plural("{count} entry", "{count} entries", entries)
    return _("{count} written to {file}.").format(count=count, file=file)


def _row(line: StatementLine, currency: str) -> tuple[str, str, str, str, str]:
    """When, the number of the receipt, how much, the balance after it, and what for."""
    preposition = _("to") if line.amount_minor < 0 else _("from")
    other = f" {preposition} {line.counterparty}" if line.counterparty else ""
    reference = f" ({line.reference})" if line.reference else ""
    sign = "+" if line.amount_minor > 0 else ""
    return (
        moment(line.at_us),
        str(line.receipt),
        sign + amounts.plain_amount(line.amount_minor, currency),
        amounts.plain_amount(line.balance_minor, currency),
        f"{what(line)}{other}{reference}",
    )


def what(entry: StatementLine | SignedReceipt) -> str:
    """What an entry is called."""
    if entry.kind == "paid" and entry.counterparty is None:
        return PAID_IN_CASH
    return ENTRIES.get(entry.kind, entry.kind)
