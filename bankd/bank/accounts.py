"""Customers and accounts: how they begin, change and end.

1. What is unique (a user name, a mobile number, an account number) is looked up in the transaction that takes it.
2. An account ends at balance zero and keeps its number and its history for ever. With the last one the customer ends:
   names, numbers and secrets are forgotten, and another may take them.
"""

from collections.abc import Callable

from stdnum import damm

from bankd import codes, money
from bankd.bank import payments
from bankd.bank.terms import Terms
from bankd.codes import Refused
from bankd.ledger.commands import Transfer
from bankd.records import CustomerView, NoticeKind, Session
from bankd.store import challenges, customers, devices, outbox, sessions
from bankd.store.customers import AccountRow
from bankd.store.engines import Transaction

NUMBER_DIGITS = 8
"""Digits in a new account's number, the last of them a check digit by Damm's algorithm, which finds every single wrong
digit and every pair of neighbours swapped."""

MAX_ACCOUNTS = 20
"""Open accounts of one customer: whatever is done for each of them is done while everybody waits."""

RandomBelow = Callable[[int], int]
"""Gives a number from 0 up to, and not with, its argument; ``secrets.randbelow`` outside tests."""


def sign_up(
    tx: Transaction,
    terms: Terms,
    random_below: RandomBelow,
    details: dict[str, str | None],
    hashes: dict[str, str],
) -> AccountRow:
    """Make a customer with ``details`` (username, mobile, name, email) and the ``hashes`` of the secrets by their kind,
    and open the first account. Raises Refused: TAKEN.
    """
    _check_free(tx, details)
    customer_id = customers.add_customer(tx, **details)
    for kind, hashed in hashes.items():
        customers.set_secret(tx, customer_id, kind, hashed)
    return open_account(tx, random_below, customer_id, terms.currency)


def open_account(
    tx: Transaction, random_below: RandomBelow, customer_id: int, currency: str, number: str | None = None
) -> AccountRow:
    """Open an account for a customer; without ``number`` it gets one that nobody had.

    Raises Refused: BAD_FIELD when ``currency`` is none that money can be kept in, TOO_MANY beyond MAX_ACCOUNTS.
    """
    if not money.is_currency(currency):
        raise Refused(codes.BAD_FIELD, "currency")
    if len(customers.open_accounts(tx.connection, customer_id)) >= MAX_ACCOUNTS:
        raise Refused(codes.TOO_MANY)
    if not customers.has_till(tx.connection, currency):
        customers.add_account(tx, customers.till_number(currency), currency, None)
        customers.add_account(tx, customers.fee_till_number(currency), currency, None)
    account_id = customers.add_account(tx, number or _new_number(tx, random_below), currency, customer_id)
    return customers.account(tx.connection, account_id)


def update_contact(tx: Transaction, session: Session, details: dict[str, str]) -> CustomerView:
    """Set the ``details`` given, confirm the others, and tell the customer. Raises Refused: TAKEN."""
    present = customers.customer(tx.connection, session.customer_id)
    changed = {name: value for name, value in details.items() if value != getattr(present, name)}
    _check_free(tx, changed)
    customers.change_customer(tx, session.customer_id, contact_us=tx.at_us, **changed)
    if changed:
        tell_customer(tx, session.customer_id, NoticeKind.CONTACT)
    if "mobile" in changed:
        customers.note_mobile(tx, session.customer_id, changed["mobile"])
    return customers.customer(tx.connection, session.customer_id)


def set_secret(tx: Transaction, session: Session, kind: str, hashed: str) -> None:
    """Keep the hash of a new ``password`` or ``pin``, and tell the customer."""
    customers.set_secret(tx, session.customer_id, kind, hashed)
    tell_customer(tx, session.customer_id, NoticeKind.SECRET)


def delete_account(tx: Transaction, session: Session, payout: str | None) -> None:
    """Close the session's account for ever, after paying what is on it to the account ``payout``.

    Raises Refused: FROZEN, NO_FUNDS while it is overdrawn, HELD while holds are open on it, NOT_EMPTY without one, and
    what may refuse a transfer. No fee is charged, and only the account's own limits hold.
    """
    account = customers.account(tx.connection, session.account_id)
    if account.frozen_us is not None:
        raise Refused(codes.FROZEN)
    _close(tx, account, payout, session.fence)


def close_account(tx: Transaction, number: str, payout: str | None) -> int | None:
    """The same by the bank itself, also where the account is frozen; it ends the session that is on it.

    The number of the entry that paid out, None where there was nothing to pay. Raises Refused: NO_ACCOUNT besides.
    """
    account = _to_change(tx, number)
    sessions.end(tx, account.id)
    return _close(tx, account, payout, None)


def freeze(tx: Transaction, number: str) -> bool:
    """Let no money leave an account but by the bank itself, and tell its owner; False where that was so.

    Raises Refused: NO_ACCOUNT also when it is closed.
    """
    account = _to_change(tx, number)
    if account.frozen_us is not None:
        return False
    customers.change_account(tx, account.id, frozen_us=tx.at_us)
    outbox.add(tx, account.id, NoticeKind.FROZEN)
    return True


def unfreeze(tx: Transaction, number: str) -> bool:
    """Let money leave the account again, and tell its owner; False where it could. Raises Refused: NO_ACCOUNT."""
    account = _to_change(tx, number)
    if account.frozen_us is None:
        return False
    customers.change_account(tx, account.id, frozen_us=None)
    outbox.add(tx, account.id, NoticeKind.UNFROZEN)
    return True


def _to_change(tx: Transaction, number: str) -> AccountRow:
    """An open account that nobody else changes before the transaction ends. Raises Refused: NO_ACCOUNT."""
    account = customers.account_to_change(tx, number)
    if account is None or account.closed_us is not None:
        raise Refused(codes.NO_ACCOUNT)
    return account


def _close(tx: Transaction, account: AccountRow, payout: str | None, fence: int | None) -> int | None:
    if account.balance_minor < 0:
        raise Refused(codes.NO_FUNDS)
    if account.held_minor:
        raise Refused(codes.HELD)
    if account.balance_minor and payout is None:
        raise Refused(codes.NOT_EMPTY)
    entry_id = _pay_out(tx, account, payout, fence) if account.balance_minor else None
    tell_customer(tx, account.customer_id, NoticeKind.DELETION)
    customers.change_account(tx, account.id, closed_us=tx.at_us)
    if fence is not None:
        sessions.release(tx, account.id, fence)
    if not customers.open_accounts(tx.connection, account.customer_id):
        customers.forget(tx, account.customer_id)
        devices.forget(tx, account.customer_id)
        challenges.forget(tx, account.customer_id, tx.at_us)
    return entry_id


def set_limits(tx: Transaction, number: str, limits: dict[str, int | None]) -> AccountRow:
    """Give an account ``limits`` of its own: payment_limit_minor, day_limit_minor (None for the tariff's), floor_minor.

    Raises Refused: NO_ACCOUNT also when it is closed, NO_FUNDS when less than nothing would be available.
    """
    account = _to_change(tx, number)
    floor_minor = limits.get("floor_minor")
    if floor_minor is not None and account.balance_minor - account.held_minor < floor_minor:
        raise Refused(codes.NO_FUNDS)
    customers.change_account(tx, account.id, **limits)
    return customers.account(tx.connection, account.id)


def tell_customer(tx: Transaction, customer_id: int, kind: NoticeKind) -> None:
    """Note an event on each of a customer's open accounts, whichever of them a terminal listens for."""
    for account in customers.open_accounts(tx.connection, customer_id):
        outbox.add(tx, account.id, kind)


def _pay_out(tx: Transaction, account: AccountRow, payout: str | None, fence: int | None) -> int:
    outcome = payments.apply(
        tx,
        [
            Transfer(
                customer_id=account.customer_id,
                account_id=account.id,
                fence=fence,
                key=f":payout:{account.id}",  # no customer can spell it: it begins with a colon
                amount_minor=account.balance_minor,
                currency=account.currency,
                payee=payout,
            )
        ],
    )[0]
    if outcome.entry is None:
        raise Refused(outcome.code)
    return outcome.entry.id


def _check_free(tx: Transaction, details: dict[str, str | None] | dict[str, str]) -> None:
    """Raises Refused, naming the field, when a user name or mobile number in ``details`` is another customer's."""
    username, mobile = details.get("username"), details.get("mobile")
    if username and customers.customer_named(tx.connection, username) is not None:
        raise Refused(codes.TAKEN, "username")
    if mobile and customers.customer_with_mobile(tx.connection, mobile) is not None:
        raise Refused(codes.TAKEN, "mobile")


def _new_number(tx: Transaction, random_below: RandomBelow) -> str:
    """A number that no account had, without a leading zero."""
    lowest = 10 ** (NUMBER_DIGITS - 2)
    while True:
        digits = str(lowest + random_below(9 * lowest))
        number = digits + damm.calc_check_digit(digits)
        if customers.account_numbered(tx.connection, number) is None:
            return number
