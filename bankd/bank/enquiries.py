"""What an operator may look up: accounts and whose they are, entries and how much of them can be given back."""

from sqlalchemy import Connection

from bankd import codes
from bankd.bank import contact
from bankd.codes import Refused
from bankd.records import AccountFile, Contact, EntryFile
from bankd.store import customers, holds, journal
from bankd.store.customers import AccountRow


def account_files(
    connection: Connection, region: str, number: str | None, username: str | None, mobile: str | None
) -> list[AccountFile]:
    """The account with a ``number``, open or closed; or the open ones of who has a ``username`` or a ``mobile`` number.

    Raises Refused: NO_ACCOUNT where there is none, BAD_FIELD (mobile).
    """
    if number is not None:
        account = customers.account_numbered(connection, number)
        found = [] if account is None else [account]
    else:
        customer_id = _customer_id(connection, region, username, mobile)
        found = [] if customer_id is None else customers.open_accounts(connection, customer_id)
    if not found:
        raise Refused(codes.NO_ACCOUNT)
    return [_file(connection, account) for account in found]


def customer_of(
    connection: Connection, region: str, number: str | None, username: str | None, mobile: str | None
) -> int:
    """The id of the customer who has an account, open or closed, or a name. Raises Refused as ``account_files``."""
    if number is not None:
        account = customers.account_numbered(connection, number)
        found = None if account is None else account.customer_id
    else:
        found = _customer_id(connection, region, username, mobile)
    if found is None:
        raise Refused(codes.NO_ACCOUNT)
    return found


def entry_file(connection: Connection, receipt: int) -> EntryFile:
    """The entry with a number. Raises Refused: NO_ENTRY."""
    entry = journal.entry(connection, receipt)
    if entry is None:
        raise Refused(codes.NO_ENTRY)
    numbers = customers.numbers(connection, {entry.debit_id, entry.credit_id})
    can_be_reversed = entry.moves and entry.kind != "reversal"
    return EntryFile(
        receipt=entry.id,
        at_us=entry.at_us,
        kind=entry.kind,
        amount_minor=entry.amount_minor,
        left_minor=entry.amount_minor - holds.reversed_minor(connection, receipt) if can_be_reversed else 0,
        currency=customers.account(connection, entry.debit_id).currency,
        payer=numbers[entry.debit_id],
        payee=numbers[entry.credit_id],
        reference=entry.reference,
    )


def contact_of(connection: Connection, number: str) -> Contact | None:
    """Where the customer can be reached whose account has a ``number``; None where there is no such account."""
    account = customers.account_numbered(connection, number)
    if account is None:
        return None
    details = customers.customer(connection, account.customer_id)
    return Contact(details.name, details.mobile, details.email)


def _customer_id(connection: Connection, region: str, username: str | None, mobile: str | None) -> int | None:
    if username is not None:
        return customers.customer_named(connection, username)
    return customers.customer_with_mobile(connection, contact.e164(mobile or "", region))


def _file(connection: Connection, account: AccountRow) -> AccountFile:
    details = customers.customer(connection, account.customer_id)
    return AccountFile(
        account=account.number,
        currency=account.currency,
        balance_minor=account.balance_minor,
        available_minor=account.available_minor,
        opened_us=account.opened_us,
        customer=account.customer_id,
        closed_us=account.closed_us,
        frozen_us=account.frozen_us,
        username=details.username,
        name=details.name,
        mobile=details.mobile,
        email=details.email,
    )
