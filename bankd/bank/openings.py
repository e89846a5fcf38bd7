"""Accounts that came from elsewhere are opened, with their numbers, PINs and balances.

1. Each belongs to a customer of its own, who logs in by account and PIN and has nothing else yet.
2. An opening balance is a deposit against the till, under a key of the bank's own with the account's number in it: what
   is opened again is passed over, whatever has happened on it since.
3. A PIN that could not be chosen is kept, and good only to choose another, unless the money is play money.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from bankd.bank import accounts, payments, strength
from bankd.bank.account_file import BadLine, Listed
from bankd.bank.accounts import RandomBelow
from bankd.codes import Refused
from bankd.ledger.commands import Deposit
from bankd.store import customers, journal
from bankd.store.engines import Transaction

REFERENCE = "Opening balance"
"""What the statement says of the deposit."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An account that is to be opened, with the hash of its PIN, and whether that is good only to choose another."""

    listed: Listed
    hashed: str = field(repr=False)
    must_change: bool


def is_weak(listed: Listed) -> bool:
    """Whether a PIN is too easy to guess to be chosen."""
    try:
        strength.check("pin", listed.pin, [listed.number])
    except Refused:
        return True
    return False


def missing(connection: Connection, listed: Sequence[Listed]) -> tuple[list[Listed], list[BadLine]]:
    """Those that the bank has not, and those whose number it has with another opening balance."""
    there = customers.numbers_taken(connection, [account.number for account in listed])
    known = [account for account in listed if account.number in there]
    keys = {_key(account.number): account for account in known}
    opened = {entry.key: entry.amount_minor for entry in journal.banks_own(connection, list(keys))}
    others = [
        BadLine(account.line, f"the bank has an account {account.number} already, not opened with this balance")
        for key, account in keys.items()
        if opened.get(key, 0) != account.balance_minor
    ]
    return [account for account in listed if account.number not in there], others


def open_all(tx: Transaction, random_below: RandomBelow, currency: str, openings: Sequence[Opening]) -> list[Listed]:
    """Open those of ``openings`` that the bank has not, and return them."""
    wanted = missing(tx.connection, [opening.listed for opening in openings])[0]
    by_number = {opening.listed.number: opening for opening in openings}
    deposits = []
    for listed in wanted:
        opening = by_number[listed.number]
        customer_id = customers.add_customer(tx)
        customers.set_secret(tx, customer_id, "pin", opening.hashed, opening.must_change)
        account = accounts.open_account(tx, random_below, customer_id, currency, listed.number)
        if listed.balance_minor:
            deposits.append(_deposit(account.id, listed, currency))
    if deposits:
        payments.apply(tx, deposits)
    return wanted


def _deposit(account_id: int, listed: Listed, currency: str) -> Deposit:
    return Deposit(
        customer_id=0,
        account_id=account_id,
        fence=None,
        key=_key(listed.number),
        reference=REFERENCE,
        amount_minor=listed.balance_minor,
        currency=currency,
    )


def _key(number: str) -> str:
    """The bank's own key; no customer can spell it, for it begins with a colon."""
    return f":import:{number}"
