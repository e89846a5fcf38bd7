"""Leases: who may act on an account. One row an account, and a fence that only grows.

Who takes a lease locks the account, as whoever moves its money does: when the fence has changed, everything that moved
under the one before is written. Two that take the first lease on an account come one after the other, too.

A lease is held until it is released or expires by the database's clock. Whoever takes it gets a higher fence; money
moves only under the fence that stands on the row, so a session that lost its lease can no longer act. A lease that ran
out and that nobody took is still its holder's to renew.
"""

from sqlalchemy import Connection, insert, select, update

from bankd.store.engines import Transaction
from bankd.store.schema import accounts, leases


def take(tx: Transaction, account_id: int, seconds: int) -> int | None:
    """Take the lease on an account for ``seconds``. Returns its fence; None while another holds it."""
    tx.connection.execute(select(accounts.c.id).where(accounts.c.id == account_id).with_for_update())
    row = tx.connection.execute(
        select(leases.c.fence, leases.c.expires_us).where(leases.c.account_id == account_id).with_for_update()
    ).first()
    expires = {"expires_us": tx.at_us + seconds * 1_000_000}
    if row is None:
        tx.connection.execute(insert(leases).values(account_id=account_id, fence=1, **expires))
        return 1
    if row.expires_us > tx.at_us:
        return None
    tx.connection.execute(
        update(leases).where(leases.c.account_id == account_id).values(fence=row.fence + 1, **expires)
    )
    return int(row.fence) + 1


def renew(tx: Transaction, account_id: int, fence: int, seconds: int) -> bool:
    """Hold the lease for ``seconds`` from now. False when it was taken by another."""
    return _set_expiry(tx, account_id, fence, tx.at_us + seconds * 1_000_000)


def holds(connection: Connection, account_id: int, fence: int) -> bool:
    """Whether nobody has taken the lease since it was given out under ``fence``."""
    held = (leases.c.account_id == account_id) & (leases.c.fence == fence)
    return connection.execute(select(leases.c.fence).where(held)).first() is not None


def release(tx: Transaction, account_id: int, fence: int) -> bool:
    """Free the account for the next session. False when the lease was another's already."""
    return _set_expiry(tx, account_id, fence, 0)


def _set_expiry(tx: Transaction, account_id: int, fence: int, expires_us: int) -> bool:
    held = (leases.c.account_id == account_id) & (leases.c.fence == fence)
    return tx.connection.execute(update(leases).where(held).values(expires_us=expires_us)).rowcount == 1
