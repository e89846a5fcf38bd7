"""Whole tables as those who take a bank's books elsewhere read them: row by row, in one snapshot."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, select

from bankd.store.schema import accounts, customers, journal, outcomes

AT_ONCE = 1000
"""Rows that are fetched together."""

_debit, _credit = accounts.alias("debit"), accounts.alias("credit")

ACCOUNTS = select(
    accounts.c.number.label("account"),
    accounts.c.kind,
    accounts.c.customer_id.label("customer"),
    accounts.c.currency,
    accounts.c.balance_minor,
    accounts.c.held_minor,
    accounts.c.opened_us,
    accounts.c.closed_us,
    accounts.c.frozen_us,
).order_by(accounts.c.id)
"""All accounts, those of customers (``current``) and the bank's tills."""

CUSTOMERS = select(
    customers.c.id.label("customer"),
    customers.c.username,
    customers.c.name,
    customers.c.mobile,
    customers.c.email,
    customers.c.opened_us,
    customers.c.last_login_us,
).order_by(customers.c.id)
"""All customers, without their secrets; who has left has no name any more."""

JOURNAL = (
    select(
        journal.c.id.label("receipt"),
        journal.c.at_us,
        journal.c.kind,
        _debit.c.number.label("payer"),
        _credit.c.number.label("payee"),
        journal.c.amount_minor,
        _debit.c.currency,
        journal.c.debit_balance.label("payer_balance_minor"),
        journal.c.credit_balance.label("payee_balance_minor"),
        journal.c.reference,
        journal.c.of_id.label("of"),
    )
    .join(_debit, _debit.c.id == journal.c.debit_id)
    .join(_credit, _credit.c.id == journal.c.credit_id)
    .order_by(journal.c.id)
)
"""All entries of the journal, oldest first, with the balances after them."""


def entries_under(key: str) -> Select[Any]:
    """The entries of JOURNAL that were asked for under ``key``, with the ``customer`` who asked."""
    return JOURNAL.add_columns(journal.c.customer_id.label("customer")).where(journal.c.key == key)


def refusals_under(key: str) -> Select[Any]:
    """The refusals that are kept for ``key``, with the ``customer`` who asked."""
    columns = outcomes.c.customer_id.label("customer"), outcomes.c.code, outcomes.c.reason
    return select(*columns).where(outcomes.c.key == key).order_by(outcomes.c.customer_id)


def rows(connection: Connection, table: Select[Any]) -> Iterator[dict[str, Any]]:
    """The rows of one of the above by the names of their columns."""
    found = connection.execute(table, execution_options={"yield_per": AT_ONCE})
    return (dict(row) for row in found.mappings())
