"""What a customer may read: details, balances, statements and notices."""

from collections.abc import Iterable

from sqlalchemy import Connection

from bankd import codes
from bankd.bank.terms import Terms
from bankd.codes import Refused
from bankd.ledger.entries import Entry
from bankd.ledger.tariff import day_of
from bankd.records import (
    AccountView,
    Allowance,
    CustomerView,
    HoldView,
    Inbox,
    Notice,
    Session,
    Statement,
    StatementEnd,
    StatementLine,
)
from bankd.store import customers, holds, journal, outbox
from bankd.store.customers import AccountRow
from bankd.store.engines import Transaction

STATEMENT_LINES = 20
"""Lines on a page of a statement, where the customer does not say."""

HOLDS_PAGE = 100
"""Open holds in one answer, at most."""

INBOX_PAGE = 100
"""Notices in one answer, at most."""


def details(connection: Connection, session: Session) -> CustomerView:
    """The customer's details."""
    return customers.customer(connection, session.customer_id)


def accounts(connection: Connection, session: Session) -> list[AccountView]:
    """The customer's open accounts."""
    return [account.view() for account in customers.open_accounts(connection, session.customer_id)]


def balance(connection: Connection, session: Session) -> AccountView:
    """The session's account with its balance."""
    return customers.account(connection, session.account_id).view()


def allowance(connection: Connection, session: Session, terms: Terms, now_us: int) -> Allowance:
    """What the session's account may spend at ``now_us``, and what that costs."""
    account, tariff = customers.account(connection, session.account_id), terms.tariff
    return Allowance(
        currency=account.currency,
        available_minor=account.available_minor,
        overdraft_minor=-account.floor_minor,
        transfer_fee_minor=tariff.fee("transfer", account.currency),
        withdrawal_fee_minor=tariff.fee("withdrawal", account.currency),
        payment_minor=tariff.payment_limit_minor(account),
        day_minor=tariff.day_limit_minor(account),
        left_minor=tariff.left_minor(account, day_of(now_us)),
    )


def open_holds(connection: Connection, session: Session, since: int | None) -> list[HoldView]:
    """The first open holds after number ``since`` that the session's account is payer or payee of, oldest first."""
    account = customers.account(connection, session.account_id)
    found = holds.of_account(connection, account.id, since or 0, HOLDS_PAGE)
    numbers = _counterparties(connection, account.id, found)
    return [_hold(entry, account, numbers) for entry in found]


def statement(connection: Connection, session: Session, limit: int | None, cursor: int | None) -> Statement:
    """Movements of the session's account, newest first, ``limit`` at most; ``cursor`` is where an earlier page ended.

    A page goes back ``limit`` entries and passes over those that moved nothing, so it may show fewer.

    Raises Refused, naming ``cursor``, when it is no entry of this account.
    """
    account = customers.account(connection, session.account_id)
    start = account.newest if cursor is None else _own_entry(connection, account.id, cursor)
    page = limit or STATEMENT_LINES
    entries = journal.walk(connection, account.id, start, page + 1)
    shown = [entry for entry in entries[:page] if entry.moves]
    numbers = _counterparties(connection, account.id, shown)
    return Statement(
        tuple(_line(entry, account.id, numbers) for entry in shown),
        StatementEnd(account.currency, account.balance_minor, entries[page].id if len(entries) > page else None),
    )


def inbox(connection: Connection, session: Session, since: int | None) -> Inbox:
    """The session's account's first notices after number ``since``, or after the last one acknowledged."""
    account = customers.account(connection, session.account_id)
    number = account.acknowledged if since is None else min(since, account.events)
    moved = journal.after_event(connection, account, number, INBOX_PAGE)
    numbers = _counterparties(connection, account.id, moved)
    found = [_notice(entry, account, numbers) for entry in moved]
    found += outbox.other_events(connection, account.id, number, INBOX_PAGE)
    found.sort(key=lambda notice: notice.number)
    return Inbox(tuple(found[:INBOX_PAGE]), account.acknowledged)


def acknowledge(tx: Transaction, session: Session, upto: int) -> None:
    """Take every notice up to number ``upto`` as seen. Raises Refused, naming ``upto``, when there are not so many."""
    account = customers.account(tx.connection, session.account_id)
    if upto > account.events:
        raise Refused(codes.BAD_FIELD, "upto")
    if upto > account.acknowledged:
        customers.change_account(tx, account.id, acknowledged=upto)


def _own_entry(connection: Connection, account_id: int, entry_id: int) -> int:
    """``entry_id``, when it is an entry of the account."""
    entry = journal.entry(connection, entry_id)
    if entry is None or account_id not in (entry.debit_id, entry.credit_id):
        raise Refused(codes.BAD_FIELD, "cursor")
    return entry_id


def _counterparties(connection: Connection, account_id: int, entries: Iterable[Entry]) -> dict[int, str | None]:
    """The numbers of the other accounts in ``entries``, by their id; None for a till."""
    return customers.numbers(connection, {entry.side(account_id).other_id for entry in entries})


def _line(entry: Entry, account_id: int, numbers: dict[int, str | None]) -> StatementLine:
    side = entry.side(account_id)
    return StatementLine(
        receipt=entry.id,
        at_us=entry.at_us,
        kind=side.kind,
        amount_minor=side.amount_minor,
        balance_minor=side.balance_minor,
        counterparty=numbers[side.other_id],
        reference=entry.reference,
    )


def _hold(entry: Entry, account: AccountRow, numbers: dict[int, str | None]) -> HoldView:
    side = entry.side(account.id)
    return HoldView(
        hold=entry.id,
        at_us=entry.at_us,
        expires_us=entry.expires_us or 0,
        amount_minor=side.amount_minor,
        currency=account.currency,
        counterparty=numbers[side.other_id],
        reference=entry.reference,
    )


def _notice(entry: Entry, account: AccountRow, numbers: dict[int, str | None]) -> Notice:
    side = entry.side(account.id)
    return Notice(
        number=side.event,
        kind=side.kind,
        at_us=entry.at_us,
        amount_minor=side.amount_minor,
        balance_minor=side.balance_minor,
        currency=account.currency,
        counterparty=numbers[side.other_id],
        reference=entry.reference,
    )
