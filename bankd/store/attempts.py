"""Tries with a wrong secret: a count for each subject and source, rows in, rows out.

What subjects and sources are, and what follows from the counts, is ``bank.lockout``'s business. A row counts until its
``forget_us``; then it is as if it were not there, and whoever counts next takes it away.
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, Connection, Select, bindparam, delete, func, insert, select, update

from bankd.store.engines import Transaction
from bankd.store.schema import attempts


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often a ``source`` failed to prove to be the ``subject`` since ``first_us``, the last time at ``last_us``.

    Nothing is tried before ``until_us``; ``locked`` says that this is more than a pause. Times are microseconds since
    1970. ``customer_id`` is None where the subject is nobody.
    """

    subject: str
    source: str
    customer_id: int | None
    failures: int
    first_us: int
    last_us: int
    until_us: int
    locked: bool
    forget_us: int


_KEY = ("subject", "source")
_COLUMNS = tuple(attempts.c[name] for name in Attempts.__slots__)
_ROW = (attempts.c.subject == bindparam("its_subject")) & (attempts.c.source == bindparam("its_source"))
_CHANGE = (
    update(attempts).where(_ROW).values({name: bindparam(name) for name in Attempts.__slots__ if name not in _KEY})
)


def counted(connection: Connection, subject: str, sources: Collection[str], now_us: int) -> list[Attempts]:
    """What counts at ``now_us`` of a subject's rows for ``sources``."""
    return _rows(connection, _of(subject, sources).where(attempts.c.forget_us > now_us))


def held(tx: Transaction, subject: str, sources: Collection[str]) -> dict[str, Attempts]:
    """A subject's rows by their sources, forgotten ones too; nobody else changes them before the transaction ends."""
    found = _rows(tx.connection, _of(subject, sources).order_by(attempts.c.source).with_for_update())
    return {row.source: row for row in found}


def add(tx: Transaction, rows: Iterable[Attempts]) -> None:
    """Add rows that are not there yet."""
    if fresh := [_values(row) for row in rows]:
        tx.connection.execute(insert(attempts), fresh)


def change(tx: Transaction, rows: Iterable[Attempts]) -> None:
    """Change rows to what they now say."""
    changed = [{**_values(row), "its_subject": row.subject, "its_source": row.source} for row in rows]
    if changed:
        tx.connection.execute(_CHANGE, changed)


def drop(tx: Transaction, subject: str, sources: Collection[str]) -> None:
    """Take a subject's rows for ``sources`` away."""
    tx.connection.execute(delete(attempts).where(attempts.c.subject == subject, attempts.c.source.in_(sources)))


def drop_forgotten(tx: Transaction, most: int) -> None:
    """Take ``most`` rows away that do not count any more, the oldest first; those that another holds are passed over.

    To wait for them could be a deadlock, whose other side holds money.
    """
    forgotten = attempts.c.forget_us <= tx.at_us
    old = select(attempts.c.subject, attempts.c.source).where(forgotten).order_by(attempts.c.forget_us).limit(most)
    old = old.with_for_update(skip_locked=True)
    if gone := [{"its_subject": row.subject, "its_source": row.source} for row in tx.connection.execute(old)]:
        tx.connection.execute(delete(attempts).where(_ROW), gone)


def drop_all(tx: Transaction, customer_id: int | None, but: str) -> int:
    """Take the rows of a customer away, or of everybody when None, but for the source ``but``; how many."""
    gone = attempts.c.source != but
    if customer_id is not None:
        gone &= attempts.c.customer_id == customer_id
    return tx.connection.execute(delete(attempts).where(gone)).rowcount


def all_counted(connection: Connection, customer_id: int | None, now_us: int, most: int) -> list[Attempts]:
    """What counts at ``now_us`` for a customer, or for everybody when None: ``most`` rows, the newest first."""
    wanted: ColumnElement[bool] = attempts.c.forget_us > now_us
    if customer_id is not None:
        wanted &= attempts.c.customer_id == customer_id
    query = select(*_COLUMNS).where(wanted).order_by(attempts.c.last_us.desc(), *(attempts.c[name] for name in _KEY))
    return _rows(connection, query.limit(most))


def count(connection: Connection) -> int:
    """How many rows there are."""
    return int(connection.execute(select(func.count()).select_from(attempts)).scalar_one())


def _of(subject: str, sources: Collection[str]) -> Select[tuple[object, ...]]:
    return select(*_COLUMNS).where(attempts.c.subject == subject, attempts.c.source.in_(sources))


def _rows(connection: Connection, query: Select[tuple[object, ...]]) -> list[Attempts]:
    return [Attempts(**{**row, "locked": bool(row["locked"])}) for row in connection.execute(query).mappings()]


def _values(row: Attempts) -> dict[str, object]:
    return {**asdict(row), "locked": int(row.locked)}
