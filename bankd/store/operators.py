"""Operators and what they did: rows in, rows out. A row of an act is never changed, and never removed."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, insert, select, update

from bankd.records import Act
from bankd.store.engines import Transaction
from bankd.store.schema import acts, operators
from bankd.wire.roles import Role

PAGE = 100
"""Rows in one answer, at most."""


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """An operator, as far as rules need one."""

    id: int
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Registered:
    """An operator with all that is on record: the system's ``uid``, the ``certificate`` (SHA-256, in hex), times."""

    name: str
    role: str
    uid: int | None
    certificate: str | None
    added_us: int
    removed_us: int | None


@dataclass(frozen=True, slots=True)
class Deed:
    """What is kept of an act besides who and when: no secrets.

    ``of_id`` is the proposal that it was about, ``entry_id`` the entry that it made.
    """

    verb: str
    subject: str | None = None
    details: str | None = None
    reason: str | None = None
    of_id: int | None = None
    entry_id: int | None = None


_COLUMNS = (
    *("id", "at_us", "operator", "verb", "outcome"),
    *("subject", "details", "reason", "of_id", "entry_id"),
)
_ACTS = select(*(acts.c[name] for name in _COLUMNS))


def add(tx: Transaction, name: str, role: Role, uid: int | None, certificate: str | None) -> None:
    """Add an operator."""
    values = {"name": name, "role": role.value, "uid": uid, "certificate": certificate}
    tx.connection.execute(insert(operators).values(added_us=tx.at_us, **values))


def remove(tx: Transaction, name: str) -> bool:
    """Let somebody be an operator no more; the row stays. False where nobody of that name is one."""
    there = (operators.c.name == name) & operators.c.removed_us.is_(None)
    return tx.connection.execute(update(operators).where(there).values(removed_us=tx.at_us)).rowcount == 1


def is_known(connection: Connection, name: str) -> bool:
    """Whether an operator has, or had, this name."""
    return connection.execute(select(operators.c.id).where(operators.c.name == name)).first() is not None


def with_uid(connection: Connection, uid: int) -> OperatorRow | None:
    """The operator who is the system's user ``uid``."""
    return _present(connection, operators.c.uid == uid)


def with_certificate(connection: Connection, certificate: str) -> OperatorRow | None:
    """The operator whose certificate has this SHA-256, in hex."""
    return _present(connection, operators.c.certificate == certificate)


def everybody(connection: Connection) -> list[Registered]:
    """All who are or were operators, in the order in which they were added."""
    columns = [operators.c[name] for name in Registered.__slots__]
    return [Registered(*row) for row in connection.execute(select(*columns).order_by(operators.c.id))]


def record(tx: Transaction, operator: OperatorRow, deed: Deed, outcome: str) -> None:
    """Keep what an operator did, or tried."""
    tx.connection.execute(
        insert(acts).values(
            at_us=tx.at_us,
            operator_id=operator.id,
            operator=operator.name,
            verb=deed.verb,
            outcome=outcome,
            subject=deed.subject,
            details=deed.details,
            reason=deed.reason,
            of_id=deed.of_id,
            entry_id=deed.entry_id,
        )
    )


def acts_after(connection: Connection, since: int | None) -> list[Act]:
    """The first acts after number ``since``, or the newest where that is None; oldest first, PAGE at most."""
    if since is None:
        newest = connection.execute(_ACTS.order_by(acts.c.id.desc()).limit(PAGE))
        return [Act(*row) for row in newest][::-1]
    return [Act(*row) for row in connection.execute(_ACTS.where(acts.c.id > since).order_by(acts.c.id).limit(PAGE))]


def _present(connection: Connection, which: ColumnElement[bool]) -> OperatorRow | None:
    """The first to be added, should there be several: whoever they are, they are one person."""
    here = which & operators.c.removed_us.is_(None)
    query = select(operators.c.id, operators.c.name, operators.c.role).where(here).order_by(operators.c.id).limit(1)
    row = connection.execute(query).first()
    return OperatorRow(row.id, row.name, Role(row.role)) if row else None
