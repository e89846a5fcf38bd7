"""The directory of customers and accounts, a page at a time, for operators."""

from typing import Any

from sqlalchemy import Connection, ScalarSelect, Select, func, literal, select

from bankd.records import AccountFile, CustomerFile
from bankd.store.schema import accounts, attempts, customers, secrets

_ACCOUNTS = (
    select(
        accounts.c.number,
        accounts.c.currency,
        accounts.c.balance_minor,
        accounts.c.balance_minor - accounts.c.held_minor - accounts.c.floor_minor,
        accounts.c.opened_us,
        accounts.c.customer_id,
        accounts.c.closed_us,
        accounts.c.frozen_us,
        customers.c.username,
    )
    .select_from(accounts)
    .join(customers, customers.c.id == accounts.c.customer_id)
    .order_by(accounts.c.number)
)


def accounts_after(connection: Connection, number: str | None, limit: int) -> list[AccountFile]:
    """The first ``limit`` accounts of customers numbered after ``number``, without their addresses."""
    wanted = _ACCOUNTS.where(accounts.c.number > (number or "")).limit(limit)
    return [AccountFile(*row) for row in connection.execute(wanted)]


def customers_after(connection: Connection, now_us: int, since: int | None, limit: int) -> list[CustomerFile]:
    """The first ``limit`` customers with a number above ``since``, also those who have left."""
    wanted = _customers(now_us).where(customers.c.id > (since or 0)).order_by(customers.c.id).limit(limit)
    return [CustomerFile(*row) for row in connection.execute(wanted)]


def customer_file(connection: Connection, now_us: int, customer_id: int) -> CustomerFile:
    """The customer with an id."""
    return CustomerFile(*connection.execute(_customers(now_us).where(customers.c.id == customer_id)).one())


def _customers(now_us: int) -> Select[Any]:
    mine = (accounts.c.customer_id == customers.c.id) & accounts.c.closed_us.is_(None)
    waiting = (attempts.c.customer_id == customers.c.id) & (attempts.c.until_us > now_us)
    to_change = (secrets.c.customer_id == customers.c.id) & (secrets.c.must_change == 1)
    return select(
        customers.c.id,
        customers.c.opened_us,
        select(func.count()).select_from(accounts).where(mine).scalar_subquery(),
        customers.c.last_login_us,
        select(func.max(attempts.c.until_us)).where(waiting).scalar_subquery(),
        _has("password"),
        _has("pin"),
        select(func.max(secrets.c.kind)).where(to_change).scalar_subquery(),
        customers.c.username,
        customers.c.name,
        customers.c.mobile,
        customers.c.email,
    )


def _has(kind: str) -> ScalarSelect[Any]:
    """``yes`` where the customer has a secret of a kind."""
    mine = (secrets.c.customer_id == customers.c.id) & (secrets.c.kind == kind)
    return select(literal("yes")).where(mine).scalar_subquery()
