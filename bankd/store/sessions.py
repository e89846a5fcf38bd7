"""Leases: who may act on an account. One row an account, and a fence that only grows.

Who takes a lease locks the account, as whoever moves its money does: when the fence has changed, everything that moved
under the one before is written, and what waited to move finds the new one. Two that take the first lease on an account
come one after the other, too.

A lease is held until it is released or expires by the database's clock. Whoever takes it gets a higher fence; money
moves only under the fence that stands on the row, so a session that lost its lease can no longer act. A lease that ran
out and that nobody took is still its holder's to renew.

When a session began is kept beside the lease, at the account's newest entry. What it then moves comes after that entry,
and before whatever the next session does. A session that moves nothing leaves no trace: the next stands in its place.
"""

from sqlalchemy import Connection, func, insert, literal, select, update

from bankd.records import OpenSession
from bankd.store.engines import Transaction
from bankd.store.schema import LONG, accounts, customers, leases, openings

HOST = 64
"""Characters that are kept of where a session comes from."""

_FAR = 1 << 32
"""More log-ins than an account will ever see."""

_OPEN = (
    select(
        accounts.c.number,
        accounts.c.customer_id,
        leases.c.since_us,
        leases.c.expires_us,
        customers.c.username,
        leases.c.host,
    )
    .select_from(leases)
    .join(accounts, accounts.c.id == leases.c.account_id)
    .join(customers, customers.c.id == accounts.c.customer_id)
)


def take(tx: Transaction, account_id: int, seconds: int, over: bool = False, host: str | None = None) -> int | None:
    """Take the lease on an account for ``seconds``, from ``host``. Returns its fence; None while another holds it.

    With ``over`` it is taken from whoever holds it, who can then do nothing more.
    """
    newest_id = _lock(tx, account_id)
    row = tx.connection.execute(
        select(leases.c.fence, leases.c.expires_us).where(leases.c.account_id == account_id).with_for_update()
    ).first()
    held = {"expires_us": tx.at_us + seconds * 1_000_000, "since_us": tx.at_us, "host": host and host[:HOST]}
    if row is None:
        tx.connection.execute(insert(leases).values(account_id=account_id, fence=1, **held))
        _note_opening(tx, account_id, newest_id)
        return 1
    if row.expires_us > tx.at_us and not over:
        return None
    tx.connection.execute(update(leases).where(leases.c.account_id == account_id).values(fence=row.fence + 1, **held))
    _note_opening(tx, account_id, newest_id)
    return int(row.fence) + 1


def renew(tx: Transaction, account_id: int, fence: int, seconds: int) -> bool:
    """Hold the lease for ``seconds`` from now. False when it was taken by another."""
    return _set_expiry(tx, account_id, fence, tx.at_us + seconds * 1_000_000)


def holds(connection: Connection, account_id: int, fence: int) -> bool:
    """Whether nobody has taken the lease since it was given out under ``fence``."""
    held = (leases.c.account_id == account_id) & (leases.c.fence == fence)
    return connection.execute(select(leases.c.fence).where(held)).first() is not None


def is_taken(connection: Connection, account_id: int, at_us: int) -> bool:
    """Whether the lease on an account is given out, and has not run out at ``at_us``."""
    taken = (leases.c.account_id == account_id) & (leases.c.expires_us > at_us)
    return connection.execute(select(leases.c.fence).where(taken)).first() is not None


def release(tx: Transaction, account_id: int, fence: int) -> bool:
    """Free the account for the next session. False when the lease was another's already."""
    return _set_expiry(tx, account_id, fence, 0)


def end(tx: Transaction, account_id: int) -> None:
    """End the session on an account, whoever holds it, and remember that it was ended."""
    _lock(tx, account_id)
    # In this order, for MariaDB takes the new fence where an old one is named after it.
    values = ((leases.c.ended, leases.c.fence), (leases.c.fence, leases.c.fence + 1), (leases.c.expires_us, 0))
    tx.connection.execute(update(leases).where(leases.c.account_id == account_id).ordered_values(*values))


def was_ended(connection: Connection, account_id: int, fence: int) -> bool:
    """Whether the session that had the lease under ``fence`` was the last to be ended by ``end``."""
    ended = (leases.c.account_id == account_id) & (leases.c.ended == fence)
    return connection.execute(select(leases.c.fence).where(ended)).first() is not None


def open_after(connection: Connection, now_us: int, number: str | None, limit: int) -> list[OpenSession]:
    """The first ``limit`` sessions on accounts numbered after ``number``, in the order of the numbers."""
    after = (leases.c.expires_us > now_us) & (accounts.c.number > (number or ""))
    return [
        OpenSession(*row) for row in connection.execute(_OPEN.where(after).order_by(accounts.c.number).limit(limit))
    ]


def open_on(connection: Connection, now_us: int, account_id: int) -> list[OpenSession]:
    """The session on an account, if there is one."""
    mine = (leases.c.expires_us > now_us) & (leases.c.account_id == account_id)
    return [OpenSession(*row) for row in connection.execute(_OPEN.where(mine))]


def end_all(tx: Transaction, since_us: int) -> int:
    """End every session there is or ever was; how many were open at ``since_us``.

    Fences go far up, those of accounts without a lease too. The database may be older than the sessions: there can be
    some whose fences it has not seen yet, and would otherwise give out again.
    """
    were_open = select(func.count()).where(leases.c.expires_us > since_us)
    count = int(tx.connection.execute(were_open).scalar_one())
    without = ~select(leases.c.account_id).where(leases.c.account_id == accounts.c.id).exists()
    free = select(accounts.c.id, literal(0, LONG), literal(0, LONG)).where(without)
    tx.connection.execute(insert(leases).from_select(["account_id", "fence", "expires_us"], free))
    tx.connection.execute(update(leases).values(fence=leases.c.fence + _FAR, expires_us=0))
    return count


def _lock(tx: Transaction, account_id: int) -> int:
    """Lock the account. Its newest entry's id, 0 before the first."""
    mine = select(accounts.c.newest).where(accounts.c.id == account_id).with_for_update()
    newest_id: int | None = tx.connection.execute(mine).scalar_one_or_none()
    return newest_id or 0


def _note_opening(tx: Transaction, account_id: int, newest_id: int) -> None:
    """Keep when a session on the account began, which is locked."""
    here = (openings.c.account_id == account_id) & (openings.c.after_id == newest_id)
    if tx.connection.execute(update(openings).where(here).values(opened_us=tx.at_us)).rowcount == 0:
        added = {"account_id": account_id, "after_id": newest_id, "opened_us": tx.at_us}
        tx.connection.execute(insert(openings).values(**added))


def _set_expiry(tx: Transaction, account_id: int, fence: int, expires_us: int) -> bool:
    held = (leases.c.account_id == account_id) & (leases.c.fence == fence)
    return tx.connection.execute(update(leases).where(held).values(expires_us=expires_us)).rowcount == 1
