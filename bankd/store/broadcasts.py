"""Broadcasts in the database: what is said to every customer, and how far it has come."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, insert, select, update

from bankd.store.engines import Transaction
from bankd.store.operators import OperatorRow
from bankd.store.schema import accounts, broadcasts


@dataclass(frozen=True, slots=True)
class BroadcastRow:
    """A broadcast for the accounts up to ``last_id``, of which those up to ``passed_id`` have been gone through."""

    id: int
    words: str
    at_us: int
    last_id: int
    passed_id: int
    reached: int
    finished_us: int | None


_BROADCAST = select(*(broadcasts.c[name] for name in BroadcastRow.__slots__))


def add(tx: Transaction, operator: OperatorRow, key: str, words: str) -> BroadcastRow:
    """Keep what is to be said to every account that there is now."""
    last_id = tx.connection.execute(select(func.coalesce(func.max(accounts.c.id), 0))).scalar_one()
    values = {"words": words, "at_us": tx.at_us, "last_id": last_id, "passed_id": 0, "reached": 0}
    added = tx.connection.execute(insert(broadcasts).values(operator_id=operator.id, key=key, **values))
    key_of_row = added.inserted_primary_key
    assert key_of_row is not None
    return BroadcastRow(id=int(key_of_row[0]), finished_us=None, **values)


def with_key(connection: Connection, operator_id: int, key: str) -> BroadcastRow | None:
    """The broadcast of an operator under a key."""
    return _first(connection, _BROADCAST.where((broadcasts.c.operator_id == operator_id) & (broadcasts.c.key == key)))


def unfinished(tx: Transaction) -> BroadcastRow | None:
    """The first that not every account has yet; nobody else goes on with it before the transaction ends."""
    waiting: ColumnElement[bool] = broadcasts.c.finished_us.is_(None)
    return _first(tx.connection, _BROADCAST.where(waiting).order_by(broadcasts.c.id).limit(1).with_for_update())


def next_accounts(tx: Transaction, row: BroadcastRow, most: int) -> list[tuple[int, int]]:
    """The next open accounts of customers that a broadcast is for, by id, each with its events so far.

    Nobody else changes them before the transaction ends.
    """
    theirs = accounts.c.customer_id.is_not(None) & accounts.c.closed_us.is_(None)
    ahead = (accounts.c.id > row.passed_id) & (accounts.c.id <= row.last_id)
    query = select(accounts.c.id, accounts.c.events).where(ahead & theirs).order_by(accounts.c.id).limit(most)
    return [(found.id, found.events) for found in tx.connection.execute(query.with_for_update())]


def went_on(tx: Transaction, row: BroadcastRow, passed_id: int, reached: int) -> None:
    """Note how far a broadcast has come, and that it is finished where that is the last account."""
    finished_us = tx.at_us if passed_id >= row.last_id else None
    values = {"passed_id": passed_id, "reached": row.reached + reached, "finished_us": finished_us}
    tx.connection.execute(update(broadcasts).where(broadcasts.c.id == row.id).values(**values))


def _first(connection: Connection, query: Select[Any]) -> BroadcastRow | None:
    row = connection.execute(query).first()
    return BroadcastRow(*row) if row else None
