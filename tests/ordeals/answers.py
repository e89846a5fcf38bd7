"""What a bank that keeps its promises may answer to an operation."""

import re
from datetime import datetime

from tests.ordeals.operations import NOBODY, Operation, each_line, fields

FUNDS, ACCOUNT = "402 reason=funds", "404 reason=account"

REFUSALS = {
    "DEPOSIT": "(?!)",
    "WITHDRAW": FUNDS,
    "TRANSFER": FUNDS,
    "HOLD": FUNDS,
    "CAPTURE": "404 reason=hold|422 reason=left",
    "RELEASE": "404 reason=hold|403 reason=payee",
    "BULK": rf"(?:{FUNDS}|{ACCOUNT}) place=\d+",
}
"""What a bank that works may answer to each verb, besides 200; to what goes to NOBODY it answers ACCOUNT."""


def may_refuse(operation: Operation, answer: str) -> bool:
    """Whether an operation may be refused so."""
    allowed = ACCOUNT if operation.to == NOBODY else REFUSALS[operation.verb]
    return re.fullmatch(allowed, answer) is not None


def is_acknowledged(operation: Operation) -> bool:
    """Whether the answer tells the entry that was made."""
    entry = operation.entries[0]
    told, side = fields(operation.answer or ""), entry.side(operation.row.id)
    if operation.verb == "HOLD":
        acknowledged = (int(told["hold"]), _us(told["at"]), _us(told["expires"]), int(told["amount"]))
        return acknowledged == (entry.id, entry.at_us, entry.expires_us, entry.amount_minor)
    acknowledged = (int(told["receipt"]), _us(told["at"]), int(told["amount"]), int(told["balance"]))
    return acknowledged == (entry.id, entry.at_us, side.amount_minor, side.balance_minor)


def is_set(operation: Operation) -> bool:
    """Whether the answer tells the entries that a set made, and why the others were not."""
    *said, (_, end) = each_line(operation.answer or "")
    told = [(int(line["place"]), line.get("receipt"), line.get("reason")) for _, line in said]
    made = {place: str(entry.id) for place, entry in operation.entries.items()}
    amount = sum(entry.amount_minor for entry in operation.entries.values())
    refused = [(place, why) for place, receipt, why in told if receipt is None]
    return (
        [place for place, _, _ in told] == [*range(1, len(operation.items) + 1)]
        and {place: receipt for place, receipt, _ in told if receipt is not None} == made
        and (int(end["made"]), int(end["refused"]), int(end["amount"])) == (len(made), len(refused), amount)
        and not (operation.together and refused)
        and all(why == ("account" if operation.items[place - 1].to == NOBODY else "funds") for place, why in refused)
    )


def _us(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1_000_000)
