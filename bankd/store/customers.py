"""Customers, their secrets and their accounts: rows in, rows out."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, delete, func, insert, select, update

from bankd.records import AccountView, CustomerView
from bankd.store.engines import Transaction
from bankd.store.schema import accounts, customers, mobiles, secrets


@dataclass(frozen=True, slots=True)
class AccountRow:
    """A customer's account, with what the rules about it need."""

    id: int
    number: str
    customer_id: int
    currency: str
    balance_minor: int
    floor_minor: int
    held_minor: int
    opened_us: int
    closed_us: int | None
    newest: int | None
    events: int
    acknowledged: int
    day: int
    spent_minor: int
    payment_limit_minor: int | None
    day_limit_minor: int | None
    frozen_us: int | None

    @property
    def available_minor(self) -> int:
        """What can be paid from the account: its balance, less what is held, and what it may be overdrawn by."""
        return self.balance_minor - self.held_minor - self.floor_minor

    def view(self) -> AccountView:
        """The account as its owner sees it."""
        return AccountView(self.number, self.currency, self.balance_minor, self.opened_us, self.available_minor)


_ACCOUNT = select(
    *(accounts.c[name] for name in AccountRow.__slots__)  # one column for each field, by its name
)


def add_customer(tx: Transaction, **details: str | None) -> int:
    """Add a customer with ``details`` (username, mobile, name, email), and return the customer's id."""
    added = tx.connection.execute(insert(customers).values(opened_us=tx.at_us, contact_us=tx.at_us, **details))
    customer_id = _new_id(added.inserted_primary_key)
    if details.get("mobile"):
        tx.connection.execute(insert(mobiles).values(customer_id=customer_id, after_id=0, mobile=details["mobile"]))
    return customer_id


def change_customer(tx: Transaction, customer_id: int, **details: str | int | None) -> None:
    """Set ``details`` of a customer."""
    tx.connection.execute(update(customers).where(customers.c.id == customer_id).values(**details))


def note_mobile(tx: Transaction, customer_id: int, mobile: str | None) -> None:
    """Keep which mobile number a customer has from now on, None for none; the customer's open accounts are locked."""
    mine = accounts.c.customer_id == customer_id
    newest_id = tx.connection.execute(select(func.max(accounts.c.newest)).where(mine)).scalar_one() or 0
    here = (mobiles.c.customer_id == customer_id) & (mobiles.c.after_id == newest_id)
    if tx.connection.execute(update(mobiles).where(here).values(mobile=mobile)).rowcount == 0:
        tx.connection.execute(insert(mobiles).values(customer_id=customer_id, after_id=newest_id, mobile=mobile))


def generation(connection: Connection, customer_id: int) -> int:
    """Which generation a customer's terminals' tokens are of, if they are good."""
    mine = customers.c.id == customer_id
    return int(connection.execute(select(customers.c.token_generation).where(mine)).scalar_one())


def next_generation(tx: Transaction, customer_id: int) -> None:
    """Void every terminal's token that was given to a customer."""
    newer = customers.c.token_generation + 1
    tx.connection.execute(update(customers).where(customers.c.id == customer_id).values(token_generation=newer))


def forget(tx: Transaction, customer_id: int) -> None:
    """Forget who a customer was: names, number and secrets. What the customer's accounts did stays, and of whom it is
    told, by the numbers that the customer had then.
    """
    tx.connection.execute(delete(secrets).where(secrets.c.customer_id == customer_id))
    change_customer(tx, customer_id, username=None, mobile=None, name=None, email=None)
    note_mobile(tx, customer_id, None)


def count_look(tx: Transaction, customer_id: int, day: int, most: int) -> bool:
    """Count one more question of a customer's for a payee on a ``day``; False where there were ``most`` already."""
    mine = customers.c.id == customer_id
    row = tx.connection.execute(
        select(customers.c.payees_day, customers.c.payees_asked).where(mine).with_for_update()
    ).one()
    asked = row.payees_asked if row.payees_day == day else 0
    if asked >= most:
        return False
    change_customer(tx, customer_id, payees_day=day, payees_asked=asked + 1)
    return True


def customer(connection: Connection, customer_id: int) -> CustomerView:
    """A customer's details."""
    row = connection.execute(
        select(
            customers.c.opened_us,
            customers.c.contact_us,
            customers.c.username,
            customers.c.name,
            customers.c.mobile,
            customers.c.email,
        ).where(customers.c.id == customer_id)
    ).one()
    return CustomerView(*row)


def last_login_us(connection: Connection, customer_id: int) -> int | None:
    """When the customer logged in last; None for never."""
    found = connection.execute(select(customers.c.last_login_us).where(customers.c.id == customer_id))
    at_us: int | None = found.scalar_one()
    return at_us


def customer_named(connection: Connection, username: str) -> int | None:
    """The id of the customer with a user name."""
    return _customer_id(connection, customers.c.username == username)


def customer_with_mobile(connection: Connection, mobile: str) -> int | None:
    """The id of the customer with a mobile number, in E.164."""
    return _customer_id(connection, customers.c.mobile == mobile)


def set_secret(tx: Transaction, customer_id: int, kind: str, hashed: str, must_change: bool = False) -> None:
    """Keep the hash of a customer's ``password`` or ``pin`` in place of the one before, which was set earlier.

    With ``must_change`` it is good for nothing but to set another.
    """
    mine = (secrets.c.customer_id == customer_id) & (secrets.c.kind == kind)
    later = case((secrets.c.changed_us < tx.at_us, tx.at_us), else_=secrets.c.changed_us + 1)
    kept = {"hash": hashed, "must_change": int(must_change)}
    if tx.connection.execute(update(secrets).where(mine).values(**kept, changed_us=later)).rowcount == 0:
        added = {"customer_id": customer_id, "kind": kind, "changed_us": tx.at_us}
        tx.connection.execute(insert(secrets).values(**kept, **added))


def must_change(connection: Connection, customer_id: int, kind: str) -> bool:
    """Whether a customer's ``password`` or ``pin`` has to be changed before anything else is done with it."""
    mine = (secrets.c.customer_id == customer_id) & (secrets.c.kind == kind)
    return bool(connection.execute(select(secrets.c.must_change).where(mine)).scalar_one())


def renew_hash(tx: Transaction, customer_id: int, kind: str, hashed: str) -> None:
    """Keep another hash of the ``password`` or ``pin`` that a customer has; when it was last changed stays."""
    mine = (secrets.c.customer_id == customer_id) & (secrets.c.kind == kind)
    tx.connection.execute(update(secrets).where(mine).values(hash=hashed))


def is_secret(connection: Connection, customer_id: int, kind: str, hashed: str | None, changed_us: int | None) -> bool:
    """Whether the secret that had a hash, and was set at a time, still is the customer's, whatever its hash is now."""
    mine = (secrets.c.customer_id == customer_id) & (secrets.c.kind == kind)
    row = connection.execute(select(secrets.c.hash, secrets.c.changed_us).where(mine)).first()
    return row is not None and (row.hash == hashed or row.changed_us == changed_us)


def secret(connection: Connection, customer_id: int, kind: str) -> str | None:
    """The hash of a customer's ``password`` or ``pin``; None when there is none."""
    mine = (secrets.c.customer_id == customer_id) & (secrets.c.kind == kind)
    return connection.execute(select(secrets.c.hash).where(mine)).scalar_one_or_none()


def remove_secret(tx: Transaction, customer_id: int, kind: str) -> None:
    """Forget the hash of a customer's ``password`` or ``pin``, so that nothing matches it."""
    mine = (secrets.c.customer_id == customer_id) & (secrets.c.kind == kind)
    tx.connection.execute(delete(secrets).where(mine))


def add_account(tx: Transaction, number: str, currency: str, customer_id: int | None) -> int:
    """Open an account at balance zero: a customer's, which may not go below it, or with no customer a till."""
    added = tx.connection.execute(
        insert(accounts).values(
            number=number,
            kind="till" if customer_id is None else "current",
            customer_id=customer_id,
            currency=currency,
            balance_minor=0,
            floor_minor=None if customer_id is None else 0,
            events=0,
            acknowledged=0,
            opened_us=tx.at_us,
        )
    )
    return _new_id(added.inserted_primary_key)


def till_number(currency: str) -> str:
    """The number of the till for cash of ``currency``; no customer's account has one of this form."""
    return f"TILL-{currency}"


def fee_till_number(currency: str) -> str:
    """The number of the till that fees in ``currency`` are paid into."""
    return f"FEES-{currency}"


def change_account(tx: Transaction, account_id: int, **values: int | None) -> None:
    """Set ``values`` of an account."""
    tx.connection.execute(update(accounts).where(accounts.c.id == account_id).values(**values))


def account(connection: Connection, account_id: int) -> AccountRow:
    """The account with an id."""
    return AccountRow(*connection.execute(_ACCOUNT.where(accounts.c.id == account_id)).one())


def account_numbered(connection: Connection, number: str) -> AccountRow | None:
    """The customer's account, open or closed, with a number; None where there is none."""
    mine = (accounts.c.number == number) & accounts.c.customer_id.is_not(None)
    return _first(connection, _ACCOUNT.where(mine))


def account_to_change(tx: Transaction, number: str) -> AccountRow | None:
    """As ``account_numbered``; nobody else changes the account before the transaction ends."""
    mine = (accounts.c.number == number) & accounts.c.customer_id.is_not(None)
    return _first(tx.connection, _ACCOUNT.where(mine).with_for_update())


def open_accounts(connection: Connection, customer_id: int) -> list[AccountRow]:
    """A customer's open accounts, the oldest first."""
    mine = (accounts.c.customer_id == customer_id) & accounts.c.closed_us.is_(None)
    return [AccountRow(*row) for row in connection.execute(_ACCOUNT.where(mine).order_by(accounts.c.id))]


def numbers(connection: Connection, ids: set[int]) -> dict[int, str | None]:
    """The account numbers of ``ids``, None for a till."""
    rows = connection.execute(
        select(accounts.c.id, accounts.c.number, accounts.c.customer_id).where(accounts.c.id.in_(ids))
    )
    return {row.id: row.number if row.customer_id is not None else None for row in rows}


def numbers_taken(connection: Connection, wanted: Collection[str]) -> set[str]:
    """Those of the ``wanted`` numbers that accounts have, or had."""
    return set(connection.execute(select(accounts.c.number).where(accounts.c.number.in_(wanted))).scalars())


def has_any(connection: Connection) -> bool:
    """Whether there is, or was, any customer."""
    return connection.execute(select(customers.c.id).limit(1)).first() is not None


def has_till(connection: Connection, currency: str) -> bool:
    """Whether cash of ``currency`` has a till."""
    till = accounts.c.number == till_number(currency)
    return connection.execute(select(accounts.c.id).where(till)).first() is not None


def _customer_id(connection: Connection, which: ColumnElement[bool]) -> int | None:
    return connection.execute(select(customers.c.id).where(which)).scalar_one_or_none()


def _first(connection: Connection, query: Select[Any]) -> AccountRow | None:
    row = connection.execute(query).first()
    return AccountRow(*row) if row else None


def _new_id(key: Any) -> int:
    return int(key[0])
