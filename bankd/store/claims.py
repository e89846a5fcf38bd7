"""Whom credentials claim to be: one look-up, which does the same work for names that nobody has."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from bankd.store.schema import accounts, customers, secrets


@dataclass(frozen=True, slots=True)
class Identity:
    """What somebody says who they are: ``value`` in the ``field`` username, mobile or account, to be proved by the
    secret of a ``kind``, password or pin. ``number`` is the account to act on, None for the oldest that is open.
    """

    field: str
    value: str
    kind: str
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What the bank knows of an identity; without a ``customer_id`` nothing.

    ``generation`` is that of the customer's terminal tokens, ``account_id`` the open account to act on, ``hashed`` the
    hash of the secret, which was set at ``changed_us``; the last three are None where there is none.
    """

    customer_id: int | None = None
    generation: int = 0
    account_id: int | None = None
    hashed: str | None = field(default=None, repr=False)
    changed_us: int | None = None


def find(connection: Connection, identity: Identity) -> Found:
    """What the bank knows of ``identity``: one statement, whatever it finds."""
    if identity.field == "account":
        owner = select(accounts.c.customer_id).where(accounts.c.number == identity.value).scalar_subquery()
        named = customers.c.id == owner
    else:
        named = customers.c[identity.field] == identity.value
    usable = (accounts.c.customer_id == customers.c.id) & accounts.c.closed_us.is_(None)
    if identity.number is not None:
        usable &= accounts.c.number == identity.number
    proof = (secrets.c.customer_id == customers.c.id) & (secrets.c.kind == identity.kind)
    row = connection.execute(
        select(customers.c.id, customers.c.token_generation, accounts.c.id, secrets.c.hash, secrets.c.changed_us)
        .select_from(customers.outerjoin(accounts, usable).outerjoin(secrets, proof))
        .where(named)
        .order_by(accounts.c.id)
        .limit(1)
    ).first()
    return Found(*row) if row else Found()
