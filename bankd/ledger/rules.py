"""What each command does: the rule that refuses it, or the entry that it makes.

1. An entry moves one amount from the account debited to the account credited, so every entry balances by itself and
   the balances of all accounts always add up to zero.
2. An account's balance is its credits less its debits. What is available is the balance less what holds set aside, and
   a customer's account never gives more than that, down to its floor; a till, where cash is, goes below zero by what
   was paid in.
3. A hold sets an amount aside, and ends once: captured, released or expired.
4. What an account pays of its own will counts against its limits on the day: transfers, withdrawals and holds; not
   what comes of them.
5. From a frozen account no money goes, and none is set aside, but by the bank itself. It is paid, and holds on it end.
6. Everything is checked before anything is moved.
"""

from collections.abc import Callable
from typing import Any

from bankd import codes
from bankd.codes import Refused
from bankd.ledger.books import Account, Books, OpenHold
from bankd.ledger.commands import (
    Capture,
    Command,
    Deposit,
    Expiry,
    Hold,
    Payment,
    Release,
    Reversal,
    Transfer,
    Withdrawal,
)
from bankd.ledger.entries import Entry
from bankd.money import MAX_BALANCE_MINOR

SPENDING = frozenset({"transfer", "withdrawal", "hold"})
"""Kinds of entries that count against the limits of the account debited."""

ENDINGS = frozenset({"capture", "release", "expiry"})
"""Kinds of entries that end a hold."""

GIVEN_BACK = frozenset({"transfer", "capture"})
"""Kinds of entries that whoever was paid may give back; the bank itself may reverse every movement but a reversal."""


def deposit(command: Deposit, own: Account, books: Books) -> Entry:
    """Cash comes from the till."""
    till = _till(command, own, books)
    _check_room(till, own, command.amount_minor)
    return books.post(command, till, own, command.amount_minor)


def withdraw(command: Withdrawal, own: Account, books: Books) -> Entry:
    """Cash goes to the till."""
    return _pay(command, own, _till(command, own, books), books)


def transfer(command: Transfer, own: Account, books: Books) -> Entry:
    """The payee is paid."""
    return _pay(command, own, _payee(command, own, books), books)


def hold(command: Hold, own: Account, books: Books) -> Entry:
    """The amount is set aside."""
    payee = _till(command, own, books) if command.payee is None else _payee(command, own, books)
    amount_minor = command.amount_minor
    _check_spending(command, own, 0, books)
    expires_us = books.at_us + command.seconds * 1_000_000
    entry = books.post(command, own, payee, amount_minor, expires_us=expires_us)
    _spend(own, amount_minor, books)
    own.held_minor += amount_minor
    books.holds[entry.id] = OpenHold(entry.id, own.id, payee.id, amount_minor, expires_us)
    return entry


def capture(command: Capture, own: Account, books: Books) -> Entry:
    """The payee is paid out of the hold, and the rest of it is free.

    The payment has its fee, as far as that is available then: the payee was promised the amount, not the bank its fee.
    """
    held = _hold(command, own, books)
    amount_minor = held.amount_minor if command.amount_minor is None else command.amount_minor
    payer, payee = books.accounts[held.account_id], books.accounts[held.payee_id]
    if held.expires_us <= books.at_us:
        raise Refused(codes.NO_HOLD)
    if payee.closed:
        raise Refused(codes.NO_ACCOUNT)
    if amount_minor > held.amount_minor:
        raise Refused(codes.MORE_THAN_LEFT)
    _check_not_frozen(command, payer)
    _check_room(payer, payee, amount_minor)
    _end(held, payer, books)
    fee_minor = books.tariff.fee("withdrawal" if payee.floor_minor is None else "transfer", payer.currency)
    if fee_minor and payer.can_give(amount_minor + fee_minor):
        books.charge(command, payer, fee_minor)
    return books.post(command, payer, payee, amount_minor, held.id)


def release(command: Release, own: Account, books: Books) -> Entry:
    """Whoever was to be paid gives the hold up; one for cash, or for an account closed since, the payer too."""
    held = _hold(command, own, books)
    payer, payee = books.accounts[held.account_id], books.accounts[held.payee_id]
    if own.id != payee.id and payee.floor_minor is not None and not payee.closed:
        raise Refused(codes.NOT_PAYEE)
    _end(held, payer, books)
    return books.post(command, payee, payer, held.amount_minor, held.id)


def expire(command: Expiry, own: Account, books: Books) -> Entry:
    """The hold's time has passed."""
    held = _hold(command, own, books)
    if held.expires_us > books.at_us:
        raise Refused(codes.NO_HOLD)
    _end(held, own, books)
    return books.post(command, books.accounts[held.payee_id], own, held.amount_minor, held.id)


def reverse(command: Reversal, own: Account, books: Books) -> Entry:
    """What was paid goes back, never more than was paid."""
    original = books.originals.get(command.of_id)
    if original is None or not _may_reverse(command, original):
        raise Refused(codes.NO_ENTRY)
    payer, payee = books.accounts[original.debit_id], books.accounts[original.credit_id]
    left = original.amount_minor - books.reversed.get(original.id, 0)
    amount_minor = left if command.amount_minor is None else command.amount_minor
    if own.closed or payer.closed:
        raise Refused(codes.NO_ACCOUNT)
    if not 0 < amount_minor <= left:
        raise Refused(codes.MORE_THAN_LEFT)
    _check_not_frozen(command, payee)
    if not payee.can_give(amount_minor):
        raise Refused(codes.NO_FUNDS)
    _check_room(payee, payer, amount_minor)
    books.reversed[original.id] = books.reversed.get(original.id, 0) + amount_minor
    return books.post(command, payee, payer, amount_minor, original.id)


RULES: dict[type[Command], Callable[[Any, Account, Books], Entry]] = {
    Deposit: deposit,
    Withdrawal: withdraw,
    Transfer: transfer,
    Hold: hold,
    Capture: capture,
    Release: release,
    Expiry: expire,
    Reversal: reverse,
}
"""The rule of each command that makes an entry. Each raises Refused, and has then changed nothing."""


def payee_id(command: Payment, books: Books) -> int | None:
    """The id of the account that ``command`` pays; None when there is no such account."""
    return books.ids.get(command.payee or "")


def _payee(command: Payment, own: Account, books: Books) -> Account:
    """The account to be paid. Raises Refused when there is none that the amount may go to."""
    found = payee_id(command, books)
    if own.closed or found is None or books.accounts[found].closed:
        raise Refused(codes.NO_ACCOUNT)
    if found == own.id:
        raise Refused(codes.SAME_ACCOUNT)
    payee = books.accounts[found]
    if not own.currency == payee.currency == command.currency:
        raise Refused(codes.OTHER_CURRENCY)
    return payee


def _till(command: Payment, own: Account, books: Books) -> Account:
    """The till that cash comes from or goes to. Raises Refused when there is none for this account."""
    if own.closed:
        raise Refused(codes.NO_ACCOUNT)
    if own.currency != command.currency:
        raise Refused(codes.OTHER_CURRENCY)
    return books.accounts[books.tills[command.currency]]


def _pay(command: Payment, own: Account, payee: Account, books: Books) -> Entry:
    """``own`` pays ``payee``, and the bank its fee."""
    fee_minor = books.tariff.fee(command.kind, own.currency)
    _check_spending(command, own, fee_minor, books)
    _check_room(own, payee, command.amount_minor)
    if fee_minor:
        books.charge(command, own, fee_minor)
    _spend(own, command.amount_minor, books)
    return books.post(command, own, payee, command.amount_minor)


def _check_spending(command: Payment, own: Account, fee_minor: int, books: Books) -> None:
    """Raises Refused when the account may not spend the amount: by its limits, because it is frozen, or the
    amount is not there."""
    _check_not_frozen(command, own)
    limit, left = books.tariff.payment_limit_minor(own), books.tariff.left_minor(own, books.day)
    if limit is not None and command.amount_minor > limit:
        raise Refused(codes.PAYMENT_LIMIT)
    if left is not None and command.amount_minor > left:
        raise Refused(codes.DAY_LIMIT)
    if not own.can_give(command.amount_minor + fee_minor):
        raise Refused(codes.NO_FUNDS)


def _check_not_frozen(command: Command, payer: Account) -> None:
    """Raises Refused when a customer would have money go from a frozen account."""
    if payer.frozen and command.fence is not None:
        raise Refused(codes.FROZEN)


def _check_room(debit: Account, credit: Account, amount_minor: int) -> None:
    """Raises Refused when one of the balances would pass what the bank can keep."""
    if not credit.can_take(amount_minor) or (debit.floor_minor is None and not debit.can_give(amount_minor)):
        raise Refused(codes.TOO_MUCH)


def _spend(own: Account, amount_minor: int, books: Books) -> None:
    """Count the amount among what was spent today."""
    today = books.day
    own.spent_minor = spent_minor(own.spent_minor if own.day == today else 0, amount_minor)
    own.day = today


def spent_minor(before_minor: int, amount_minor: int) -> int:
    """What was spent in a day, with one amount more; at most MAX_BALANCE_MINOR, for it must fit into 64 bits."""
    return min(before_minor + amount_minor, MAX_BALANCE_MINOR)


def _hold(command: Capture | Release | Expiry, own: Account, books: Books) -> OpenHold:
    """The hold that the command is about. Raises Refused when this account has part in none that is open."""
    held = books.holds.get(command.of_id)
    if held is None or own.id not in (held.account_id, held.payee_id):
        raise Refused(codes.NO_HOLD)
    return held


def _end(held: OpenHold, payer: Account, books: Books) -> None:
    """The hold is over, and what it set aside is free."""
    payer.held_minor -= held.amount_minor
    del books.holds[held.id]


def _may_reverse(command: Reversal, original: Entry) -> bool:
    if command.fence is None:
        return original.moves and original.kind != "reversal"
    return original.kind in GIVEN_BACK and command.account_id == original.credit_id
