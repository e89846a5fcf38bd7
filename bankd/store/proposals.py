"""What operators propose: a row each, which is decided once, or not at all."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from bankd.records import Proposal
from bankd.store.engines import Transaction
from bankd.store.operators import PAGE, OperatorRow
from bankd.store.schema import proposals


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done. For each ``verb`` of those that need two people some of the rest is None."""

    verb: str
    key: str
    reason: str
    account: str | None = None
    receipt: int | None = None
    amount_minor: int | None = None
    currency: str | None = None
    payout: str | None = None


@dataclass(frozen=True, slots=True)
class ProposalRow:
    """A proposal: who made it, until when it can be approved, and what became of it, by whom (``decided_id``).

    ``outcome`` is ``done`` or ``rejected``, None while nobody has decided; ``entry_id`` is the entry that was made.
    """

    id: int
    operator_id: int
    order: Order
    expires_us: int
    decided_us: int | None
    decided_id: int | None
    outcome: str | None
    entry_id: int | None


_ORDER = tuple(Order.__slots__)
_ROW = select(
    proposals.c.id,
    proposals.c.operator_id,
    proposals.c.expires_us,
    proposals.c.decided_us,
    proposals.c.decided_id,
    proposals.c.outcome,
    proposals.c.entry_id,
    *(proposals.c[name] for name in _ORDER),
)
_SEEN = (
    *("id", "verb", "operator", "at_us", "expires_us", "reason"),
    *("account", "receipt", "amount_minor", "currency", "payout"),
)
_VIEW = select(*(proposals.c[name] for name in _SEEN))


def add(tx: Transaction, operator: OperatorRow, order: Order, expires_us: int) -> ProposalRow:
    """Keep a new proposal."""
    said = {name: getattr(order, name) for name in _ORDER}
    whose = {"operator_id": operator.id, "operator": operator.name, "at_us": tx.at_us, "expires_us": expires_us}
    added = tx.connection.execute(insert(proposals).values(**whose, **said))
    key: Any = added.inserted_primary_key
    return ProposalRow(int(key[0]), operator.id, order, expires_us, None, None, None, None)


def with_key(connection: Connection, operator_id: int, key: str) -> ProposalRow | None:
    """The proposal that an operator made under ``key``."""
    mine = (proposals.c.operator_id == operator_id) & (proposals.c.key == key)
    return _first(connection, _ROW.where(mine))


def numbered(connection: Connection, number: int) -> ProposalRow | None:
    """The proposal with a number."""
    return _first(connection, _ROW.where(proposals.c.id == number))


def to_decide(tx: Transaction, number: int) -> ProposalRow | None:
    """As ``numbered``; nobody else decides it before the transaction ends."""
    return _first(tx.connection, _ROW.where(proposals.c.id == number).with_for_update())


def decide(tx: Transaction, number: int, operator: OperatorRow, outcome: str, entry_id: int | None = None) -> None:
    """Note what became of a proposal."""
    values = {"decided_us": tx.at_us, "decided_id": operator.id, "outcome": outcome, "entry_id": entry_id}
    tx.connection.execute(update(proposals).where(proposals.c.id == number).values(**values))


def void_all(tx: Transaction) -> None:
    """Have nothing that waits be approved any more."""
    waits = proposals.c.decided_us.is_(None) & (proposals.c.expires_us > tx.at_us)
    tx.connection.execute(update(proposals).where(waits).values(expires_us=tx.at_us))


def waiting(connection: Connection, now_us: int, since: int | None) -> list[Proposal]:
    """The open proposals after number ``since``, oldest first, PAGE at most."""
    waits = proposals.c.decided_us.is_(None) & (proposals.c.expires_us > now_us) & (proposals.c.id > (since or 0))
    return [Proposal(*row) for row in connection.execute(_VIEW.where(waits).order_by(proposals.c.id).limit(PAGE))]


def _first(connection: Connection, query: Select[Any]) -> ProposalRow | None:
    row = connection.execute(query).first()
    if row is None:
        return None
    order = Order(*row[-len(_ORDER) :])
    return ProposalRow(row.id, row.operator_id, order, *row[2 : -len(_ORDER)])
