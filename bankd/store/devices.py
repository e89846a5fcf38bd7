"""Authenticator apps, recovery codes, and the payees that a customer knows: rows in, rows out.

Secrets come sealed and codes as digests, under keys that are not in the database.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, insert, select, update

from bankd.store.engines import Transaction
from bankd.store.schema import accounts, apps, customers, payees, recovery_codes


@dataclass(frozen=True, slots=True)
class AppRow:
    """A customer's app: the sealed ``secret`` that counts, the one ``offered`` to a new app, and the newest ``step``
    whose code was taken.
    """

    secret: bytes | None = field(repr=False)
    offered: bytes | None = field(repr=False)
    step: int


_APP = select(apps.c.secret, apps.c.offered, apps.c.step)


def lock(tx: Transaction, customer_id: int) -> None:
    """Let nobody else begin to change a customer's devices and challenges before the transaction ends."""
    tx.connection.execute(select(customers.c.id).where(customers.c.id == customer_id).with_for_update())


def app(connection: Connection, customer_id: int) -> AppRow | None:
    """A customer's app; None where none was ever offered a secret."""
    row = connection.execute(_APP.where(apps.c.customer_id == customer_id)).first()
    return AppRow(*row) if row else None


def app_to_change(tx: Transaction, customer_id: int) -> AppRow | None:
    """As ``app``; nobody else changes it before the transaction ends."""
    row = tx.connection.execute(_APP.where(apps.c.customer_id == customer_id).with_for_update()).first()
    return AppRow(*row) if row else None


def keep_app(tx: Transaction, customer_id: int, row: AppRow) -> None:
    """Keep what there is to know of a customer's app, in place of what was known before."""
    values = {"secret": row.secret, "offered": row.offered, "step": row.step}
    mine = apps.c.customer_id == customer_id
    if app(tx.connection, customer_id) is None:
        tx.connection.execute(insert(apps).values(customer_id=customer_id, **values))
    else:
        tx.connection.execute(update(apps).where(mine).values(**values))


def set_recovery_codes(tx: Transaction, customer_id: int, hashes: Iterable[bytes]) -> None:
    """Keep these recovery codes in place of those before."""
    tx.connection.execute(delete(recovery_codes).where(recovery_codes.c.customer_id == customer_id))
    if rows := [{"customer_id": customer_id, "hash": hashed} for hashed in hashes]:
        tx.connection.execute(insert(recovery_codes), rows)


def use_recovery_code(tx: Transaction, customer_id: int, hashed: bytes) -> bool:
    """Use a recovery code up; whether there was such a one."""
    mine = (recovery_codes.c.customer_id == customer_id) & (recovery_codes.c.hash == hashed)
    return tx.connection.execute(delete(recovery_codes).where(mine)).rowcount == 1


def strangers(connection: Connection, customer_id: int, account_ids: set[int]) -> set[int]:
    """Those of ``account_ids`` that are other customers' accounts, and no payees that the customer knows."""
    known = select(payees.c.account_id).where(payees.c.customer_id == customer_id)
    others = accounts.c.customer_id.is_not(None) & (accounts.c.customer_id != customer_id)
    strange = accounts.c.id.in_(account_ids) & others & accounts.c.id.not_in(known)
    return set(connection.execute(select(accounts.c.id).where(strange)).scalars())


def know_payees(tx: Transaction, customer_id: int, account_ids: set[int]) -> None:
    """Know these accounts as payees from now on, which the customer has not known before."""
    rows = [{"customer_id": customer_id, "account_id": each, "since_us": tx.at_us} for each in sorted(account_ids)]
    if rows:
        tx.connection.execute(insert(payees), rows)


def forget(tx: Transaction, customer_id: int) -> None:
    """Forget a customer's app, recovery codes and payees."""
    for table in (apps, recovery_codes, payees):
        tx.connection.execute(delete(table).where(table.c.customer_id == customer_id))
