"""What the ledger comes to, found without adding up its accounts: a few tills are on the other side of all of them."""

from sqlalchemy import Connection, select

from bankd.figures import LedgerView
from bankd.store import journal
from bankd.store.customers import till_number
from bankd.store.schema import accounts

_TILLS = select(accounts.c.currency, accounts.c.number, accounts.c.balance_minor).where(
    accounts.c.customer_id.is_(None)
)


def look(connection: Connection) -> LedgerView:
    """The ledger as ``connection`` sees it."""
    cash_minor: dict[str, int] = {}
    fees_minor: dict[str, int] = {}
    for currency, number, balance_minor in connection.execute(_TILLS):
        into = cash_minor if number == till_number(currency) else fees_minor
        into[currency] = balance_minor
    currencies = sorted({*cash_minor, *fees_minor})
    return LedgerView(
        entries=journal.newest(connection)[0],
        customers_minor={each: -cash_minor.get(each, 0) - fees_minor.get(each, 0) for each in currencies},
        cash_minor={each: cash_minor.get(each, 0) for each in currencies},
        fees_minor={each: fees_minor.get(each, 0) for each in currencies},
    )
