"""What needs two people: a credit, a reversal of an entry, a new PIN, unfreezing an account and closing one.

1. One operator proposes, and another approves, within a day; nobody approves what they proposed themselves. Only the
   approval carries anything out, in its own transaction. A bank without the rule of two approves at once.
2. A proposal that is asked for again under its key, or decided again by who decided it, is answered with what became
   of it. It is carried out once: the proposal's row is locked, and its number is the key of the ledger's command.
3. What the ledger refuses leaves the proposal open, for the same approval may succeed later.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bankd import codes, money
from bankd.bank import accounts, payments
from bankd.bank.operators import DONE, Performed
from bankd.codes import Refused
from bankd.ledger.commands import Command, Deposit, Reversal
from bankd.ledger.entries import Entry
from bankd.records import Decision, NoticeKind, Route
from bankd.store import customers, holds, journal, proposals
from bankd.store.customers import AccountRow
from bankd.store.engines import Transaction
from bankd.store.operators import Deed, OperatorRow
from bankd.store.proposals import Order, ProposalRow
from bankd.wire.roles import Role

CREDIT, REVERSE_ENTRY, RESET_PIN = "credit", "reverse_entry", "reset_pin"
UNFREEZE_ACCOUNT, CLOSE_ACCOUNT = "unfreeze_account", "close_account"
"""What can be proposed."""

OPEN_US = 86_400_000_000
"""How long a proposal can be approved: a day, in microseconds."""

PROPOSED, REJECTED = "proposed", "rejected"
"""The outcome of an act that waits for a second person, and of a proposal that is never carried out."""


@dataclass(frozen=True, slots=True)
class NewPin:
    """The hash of a PIN that goes to the customer by ``route``."""

    hashed: str = field(repr=False)
    route: Route


def propose(
    tx: Transaction, operator: OperatorRow, asked: Order, two_people: bool, pin: NewPin | None = None
) -> Performed[Decision]:
    """Keep what ``operator`` wants done, or do it at once where one person is enough.

    Raises Refused: OTHER_CONTENT for a key that was used for something else, NO_PROPOSAL for one that was rejected or
    expired, and what can be known to refuse the order itself.
    """
    known = proposals.with_key(tx.connection, operator.id, asked.key)
    if known is not None:
        return Performed(_again(tx, known, asked), None)
    order = _checked(tx, asked)
    row = proposals.add(tx, operator, order, tx.at_us + OPEN_US)
    deed = replace(deed_of(order), of_id=row.id)
    if two_people:
        return Performed(Decision(row.id, row.expires_us), deed, PROPOSED)
    return _carry_out(tx, operator, row, deed, pin)


def approve(tx: Transaction, operator: OperatorRow, number: int, pin: NewPin | None = None) -> Performed[Decision]:
    """Carry out a proposal of another operator.

    Raises Refused: NO_PROPOSAL, OWN_PROPOSAL, and whatever may refuse the order; the proposal then stays open.
    """
    row = proposals.to_decide(tx, number)
    if row is not None and (row.outcome, row.decided_id) == (DONE, operator.id):
        return Performed(_decision(row), None)
    row = _still_open(tx, row)
    if row.operator_id == operator.id:
        raise Refused(codes.OWN_PROPOSAL)
    tried = deed_of(row.order)
    deed = Deed("approve", tried.subject, f"{tried.verb} {tried.details or ''}".strip(), tried.reason, row.id)
    return _carry_out(tx, operator, row, deed, pin)


def reject(tx: Transaction, operator: OperatorRow, number: int, reason: str) -> Performed[None]:
    """Have a proposal never carried out. Raises Refused: NO_PROPOSAL, NOT_YOURS for a teller and another's proposal."""
    found = proposals.to_decide(tx, number)
    if found is not None and (found.outcome, found.decided_id) == (REJECTED, operator.id):
        return Performed(None, None)
    row = _still_open(tx, found)
    if operator.role is Role.TELLER and row.operator_id != operator.id:
        raise Refused(codes.NOT_YOURS)
    proposals.decide(tx, number, operator, REJECTED)
    return Performed(None, Deed("reject", row.order.account, row.order.verb, reason, number))


def deed_of(order: Order) -> Deed:
    """What is recorded of somebody who wants ``order`` done."""
    details = None if order.payout is None else f"payout to {order.payout}"
    if order.verb in (CREDIT, REVERSE_ENTRY):
        of = "" if order.receipt is None else f" of receipt {order.receipt}"
        details = _amount(order) + of
    return Deed(order.verb, order.account, details, order.reason)


def _amount(order: Order) -> str:
    """The amount of an order, whose currency may be any word."""
    if order.amount_minor is None:
        return "all that is left"
    if order.currency is None or not money.is_currency(order.currency):
        return f"{order.amount_minor} minor units"
    return money.written(order.amount_minor, order.currency)


def _again(tx: Transaction, known: ProposalRow, asked: Order) -> Decision:
    """What became of a proposal that is asked for again. Raises Refused: OTHER_CONTENT, NO_PROPOSAL."""
    order = known.order
    if order.verb == REVERSE_ENTRY:  # account, currency and, where none was named, the amount are the entry's
        asked = replace(asked, account=order.account, currency=order.currency)
        asked = replace(asked, amount_minor=asked.amount_minor or order.amount_minor)
    if asked != order:
        raise Refused(codes.OTHER_CONTENT)
    if known.outcome == DONE:
        return _decision(known)
    return Decision(known.id, _still_open(tx, known).expires_us)


def _decision(row: ProposalRow) -> Decision:
    """What is told again of a proposal that was carried out."""
    return Decision(row.id, at_us=row.decided_us, receipt=row.entry_id)


def _still_open(tx: Transaction, row: ProposalRow | None) -> ProposalRow:
    if row is None or row.outcome is not None or row.expires_us <= tx.at_us:
        raise Refused(codes.NO_PROPOSAL)
    return row


def _checked(tx: Transaction, order: Order) -> Order:
    """The order as it is proposed: with the amount that is to be given back, where none was named. Raises Refused."""
    if order.verb == REVERSE_ENTRY:
        return _reversible(tx, order)
    account = _account(tx, order)
    if order.verb == CREDIT and account.currency != order.currency:
        raise Refused(codes.OTHER_CURRENCY)
    return order


def _reversible(tx: Transaction, order: Order) -> Order:
    """The reversal with its account, the one that gives back. Raises Refused: NO_ENTRY, NO_ACCOUNT, MORE_THAN_LEFT."""
    entry = _entry(tx, order)
    giver, taker = (customers.account(tx.connection, of) for of in (entry.credit_id, entry.debit_id))
    if giver.closed_us is not None or taker.closed_us is not None:
        raise Refused(codes.NO_ACCOUNT)
    left_minor = entry.amount_minor - holds.reversed_minor(tx.connection, entry.id)
    amount_minor = order.amount_minor or left_minor
    if not 0 < amount_minor <= left_minor:
        raise Refused(codes.MORE_THAN_LEFT)
    number = customers.numbers(tx.connection, {entry.credit_id})[entry.credit_id]
    return replace(order, account=number, amount_minor=amount_minor, currency=giver.currency)


def _account(tx: Transaction, order: Order) -> AccountRow:
    """The customer's account that an order is about. Raises Refused: NO_ACCOUNT."""
    account = customers.account_numbered(tx.connection, order.account or "")
    if account is None or account.closed_us is not None:
        raise Refused(codes.NO_ACCOUNT)
    return account


def _entry(tx: Transaction, order: Order) -> Entry:
    """The entry that an order is about. Raises Refused: NO_ENTRY for one that cannot be given back."""
    entry = journal.entry(tx.connection, order.receipt or 0)
    if entry is None or not entry.moves or entry.kind == "reversal":
        raise Refused(codes.NO_ENTRY)
    return entry


def _carry_out(
    tx: Transaction, operator: OperatorRow, row: ProposalRow, deed: Deed, pin: NewPin | None
) -> Performed[Decision]:
    """Do what a proposal says, and note that it is done. Raises Refused; nothing may be kept then."""
    entry_id = WAYS[row.order.verb](tx, row, pin)
    proposals.decide(tx, row.id, operator, DONE, entry_id)
    decision = Decision(row.id, at_us=tx.at_us, receipt=entry_id)
    if row.order.verb == RESET_PIN and pin is not None:
        decision = replace(decision, by=pin.route.by, to=pin.route.to)
    return Performed(decision, replace(deed, entry_id=entry_id))


def _credit(tx: Transaction, row: ProposalRow, _pin: NewPin | None) -> int:
    order = row.order
    return _post(
        tx,
        Deposit(
            customer_id=0,
            account_id=_account(tx, order).id,
            fence=None,
            key=_key(row),
            reference=order.reason,
            amount_minor=order.amount_minor or 0,
            currency=order.currency or "",
        ),
    )


def _reverse(tx: Transaction, row: ProposalRow, _pin: NewPin | None) -> int:
    order = row.order
    entry = _entry(tx, order)
    return _post(
        tx,
        Reversal(
            customer_id=0,
            account_id=entry.credit_id,
            fence=None,
            key=_key(row),
            reference=order.reason,
            of_id=entry.id,
            amount_minor=order.amount_minor,
        ),
    )


def _reset_pin(tx: Transaction, row: ProposalRow, pin: NewPin | None) -> None:
    """Keep the new PIN, or where none can be sent to the customer none at all: the password is then the way in."""
    customer_id = _account(tx, row.order).customer_id
    if pin is not None:
        customers.set_secret(tx, customer_id, "pin", pin.hashed)
    elif customers.secret(tx.connection, customer_id, "password") is None:
        raise Refused(codes.NO_DEVICE)
    else:
        customers.remove_secret(tx, customer_id, "pin")
    accounts.tell_customer(tx, customer_id, NoticeKind.SECRET)


def _unfreeze(tx: Transaction, row: ProposalRow, _pin: NewPin | None) -> None:
    accounts.unfreeze(tx, row.order.account or "")


def _close(tx: Transaction, row: ProposalRow, _pin: NewPin | None) -> int | None:
    return accounts.close_account(tx, row.order.account or "", row.order.payout)


WAYS: dict[str, Callable[[Transaction, ProposalRow, NewPin | None], int | None]] = {
    CREDIT: _credit,
    REVERSE_ENTRY: _reverse,
    RESET_PIN: _reset_pin,
    UNFREEZE_ACCOUNT: _unfreeze,
    CLOSE_ACCOUNT: _close,
}
"""How each order is carried out; it gives the number of the entry that it made. Each raises Refused."""


def _post(tx: Transaction, command: Command) -> int:
    """The number of the entry that a command makes. Raises Refused when the ledger makes none."""
    outcome = payments.apply(tx, [command])[0]
    if outcome.entry is None:
        raise Refused(outcome.code)
    return outcome.entry.id


def _key(row: ProposalRow) -> str:
    """The bank's own key; no customer can spell it, for it begins with a colon."""
    return f":proposal:{row.id}"
