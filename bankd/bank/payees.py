"""Whose an account is, told to a customer who is about to pay it.

1. A name is masked: it lets a payer see a slip of the pen, and does not tell a stranger who banks here.
2. Every question counts, that for an account which does not exist too: MOST_LOOKS a day in UTC for each customer, over
   all sessions and nodes. So nobody reads the list of accounts off the bank.
"""

from bankd import codes
from bankd.codes import Refused
from bankd.ledger.tariff import DAY_US, day_of
from bankd.payees import PayeeView, masked
from bankd.records import Session, Wait
from bankd.store import customers
from bankd.store.engines import Transaction

MOST_LOOKS = 100
"""Questions that one customer may ask on one day: more than a person pays by hand."""


def look(tx: Transaction, session: Session, number: str) -> PayeeView | Refused:
    """Whose the account ``number`` is. A refusal is returned, for what is raised would undo the count.

    Refused: WAIT beyond MOST_LOOKS, NO_ACCOUNT also where it is closed, SAME_ACCOUNT for the session's own.
    """
    today = day_of(tx.at_us)
    if not customers.count_look(tx, session.customer_id, today, MOST_LOOKS):
        left_us = (today + 1) * DAY_US - tx.at_us
        return Refused(codes.WAIT, about=Wait(-(-left_us // 1_000_000)))
    account = customers.account_numbered(tx.connection, number)
    if account is None or account.closed_us is not None:
        return Refused(codes.NO_ACCOUNT)
    if account.id == session.account_id:
        return Refused(codes.SAME_ACCOUNT)
    name = customers.customer(tx.connection, account.customer_id).name
    return PayeeView(account.number, account.currency, masked(name) if name else None)
