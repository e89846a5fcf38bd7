"""What a customer may read: details, balances, statements and notices."""

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection

from bankd import codes
from bankd.bank.terms import Terms
from bankd.codes import Refused
from bankd.ledger.entries import Entry
from bankd.ledger.tariff import day_of
from bankd.records import (
    ALWAYS,
    AccountView,
    Allowance,
    CustomerView,
    HoldView,
    Inbox,
    Notice,
    Period,
    Session,
    Statement,
    StatementEnd,
    StatementLine,
)
from bankd.store import customers, history, holds, journal, outbox, preferences
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


def balance(connection: Connection, session: Session, at_us: int | None = None) -> AccountView:
    """The session's account with its balance: now, or after the last entry at or before an instant."""
    account = customers.account(connection, session.account_id)
    if at_us is None:
        return account.view()
    held_minor = _balance_at(connection, account.id, account.newest, history.place_of(connection, at_us))
    return replace(account.view(), balance_minor=held_minor, available_minor=None, at_us=at_us)


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


def statement(
    connection: Connection, session: Session, limit: int | None, cursor: int | None, period: Period = ALWAYS
) -> Statement:
    """Movements of the session's account in a period, newest first, ``limit`` at most.

    A page goes back ``limit`` entries and passes over those that moved nothing, so it may show fewer.

    ``cursor`` is where an earlier page ended. Raises Refused, naming ``cursor`` when it is no entry of this account in
    the period, and ``before`` when the period ends before it begins.
    """
    account = customers.account(connection, session.account_id)
    low, high = _places(connection, account, period)
    page = limit or STATEMENT_LINES
    if cursor is None:
        start = history.last_entry_id(connection, account.id, account.newest, high)
    else:
        start = _own_entry(connection, account.id, cursor, low, high)
    entries = journal.walk(connection, account.id, start, page + 1)
    within = [entry for entry in entries if entry.id > low]
    numbers = _counterparties(connection, account.id, within[:page])
    lines = tuple(_line(entry, account.id, numbers) for entry in within[:page] if entry.moves)
    closing = _balance_after(entries[0], account.id) if entries else 0
    end = StatementEnd(
        currency=account.currency,
        balance_minor=account.balance_minor,
        opening_minor=lines[-1].balance_minor - lines[-1].amount_minor if lines else closing,
        closing_minor=closing,
        cursor=within[page].id if len(within) > page else None,
    )
    if cursor is None and period != ALWAYS:
        opening = end.opening_minor
        if end.cursor is not None:
            opening = _balance_at(connection, account.id, end.cursor, low)
        end = replace(end, period_opening_minor=opening, period_closing_minor=closing)
    return Statement(lines, end)


def inbox(connection: Connection, session: Session, since: int | None) -> Inbox:
    """The session's account's first notices after number ``since``, or after the last one acknowledged.

    Those of which its owner does not want to be told are left out.
    """
    account = customers.account(connection, session.account_id)
    number = account.acknowledged if since is None else min(since, account.events)
    chosen = preferences.of_account(connection, account.id)
    moved = journal.after_event(connection, account, number, journal.FARTHEST if chosen.silent else INBOX_PAGE)
    if chosen.silent:
        sides = ((entry, entry.side(account.id)) for entry in moved)
        moved = [entry for entry, side in sides if not chosen.silences(side.kind, side.amount_minor)][:INBOX_PAGE]
    numbers = _counterparties(connection, account.id, moved)
    found = [_notice(entry, account, numbers) for entry in moved]
    found += outbox.other_events(connection, account.id, number, INBOX_PAGE, chosen.kinds)
    found.sort(key=lambda notice: notice.number)
    return Inbox(tuple(found[:INBOX_PAGE]), account.acknowledged)


def newest_notice(connection: Connection, session: Session) -> int:
    """The number of the newest notice that is told on the session's account; 0 where all were acknowledged."""
    if preferences.of_account(connection, session.account_id).silent:
        waiting = inbox(connection, session, None).notices
        return waiting[-1].number if waiting else 0
    account = customers.account(connection, session.account_id)
    return account.events if account.events > account.acknowledged else 0


def acknowledge(tx: Transaction, session: Session, upto: int) -> None:
    """Take every notice up to number ``upto`` as seen. Raises Refused, naming ``upto``, when there are not so many."""
    account = customers.account(tx.connection, session.account_id)
    if upto > account.events:
        raise Refused(codes.BAD_FIELD, "upto")
    if upto > account.acknowledged:
        customers.change_account(tx, account.id, acknowledged=upto)


def _places(connection: Connection, account: AccountRow, period: Period) -> tuple[int, int]:
    """The places that a period lies between. Raises Refused, naming ``before``, when it ends before it begins."""
    since_us, before_us = period.since_us, period.before_us
    if since_us is not None and before_us is not None and before_us < since_us:
        raise Refused(codes.BAD_FIELD, "before")
    low = 0 if since_us is None else history.place_of(connection, since_us - 1)
    high = account.newest or 0 if before_us is None else history.place_of(connection, before_us - 1)
    return low, high


def _own_entry(connection: Connection, account_id: int, entry_id: int, low: int, high: int) -> int:
    """``entry_id``, when it is an entry of the account between two places."""
    entry = journal.entry(connection, entry_id)
    if entry is None or account_id not in (entry.debit_id, entry.credit_id) or not low < entry_id <= high:
        raise Refused(codes.BAD_FIELD, "cursor")
    return entry_id


def _balance_at(connection: Connection, account_id: int, known: int | None, place: int) -> int:
    """What the account held after its last entry up to a place, looked for from entry ``known`` backwards."""
    last = history.last_entry_id(connection, account_id, known, place)
    entry = None if last is None else journal.entry(connection, last)
    return _balance_after(entry, account_id) if entry else 0


def _balance_after(entry: Entry, account_id: int) -> int:
    return entry.side(account_id).balance_minor


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
