"""Operators: who is one, what each may do, and that everything they do is recorded.

1. An operator is known by what a connection proves: the system's user at the other end of a UNIX socket, or the
   certificate of an enrolled terminal, over TLS. The system's superuser, and the user that the bank runs as, can do
   everything with the bank's files anyway: they are one operator together, its owner, unless they are registered by
   themselves.
2. Who is an operator still, and in which role, is looked up again for each act, in its own transaction.
3. An act and its record are one transaction. What was refused is recorded too, and leaves nothing else behind.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Connection

from bankd import codes
from bankd.bank import access
from bankd.codes import Refused
from bankd.store import operators
from bankd.store.engines import Transaction
from bankd.store.operators import Deed, OperatorRow
from bankd.wire.message import Message
from bankd.wire.roles import MAY, Role

T = TypeVar("T")

OWNER_ID = 0
"""Whom no row of the table is about: the owner."""

DONE = "done"
"""The outcome of an act that was carried out."""


@dataclass(frozen=True, slots=True)
class Badge:
    """What a connection has proved, and the ``operator`` that this made it when it began.

    ``owners`` are the uids of the bank's owner with their names.
    """

    operator: OperatorRow
    uid: int | None
    certificate: str | None
    owners: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Performed(Generic[T]):
    """What an act gave, and what is kept of it; None for one that was only asked for again."""

    value: T
    deed: Deed | None
    outcome: str = DONE


def identify(
    connection: Connection, uid: int | None, certificate: str | None, owners: Mapping[int, str]
) -> OperatorRow | None:
    """The operator for whom a connection's proofs stand; None where they are nobody's."""
    if uid is not None:
        found = operators.with_uid(connection, uid)
        if found is None and uid in owners:
            return OperatorRow(OWNER_ID, owners[uid], Role.ADMINISTRATOR)
        return found
    if certificate is None or not access.is_enrolled(connection, certificate):
        return None
    return operators.with_certificate(connection, certificate)


def badge(connection: Connection, uid: int | None, certificate: str | None, owners: Mapping[int, str]) -> Badge:
    """What an operator shows at each act. Raises Refused: NO_OPERATOR."""
    found = identify(connection, uid, certificate, owners)
    if found is None:
        raise Refused(codes.NO_OPERATOR)
    return Badge(found, uid, certificate, owners)


def check(connection: Connection, shown: Badge, message: type[Message]) -> OperatorRow:
    """The operator as of now. Raises Refused: NO_OPERATOR, NOT_YOURS when their role has not this verb."""
    present = identify(connection, shown.uid, shown.certificate, shown.owners)
    if present is None or present.id != shown.operator.id:
        raise Refused(codes.NO_OPERATOR)
    if present.role not in MAY[message]:
        raise Refused(codes.NOT_YOURS)
    return present


def perform(
    tx: Transaction,
    shown: Badge,
    message: type[Message],
    tried: Deed,
    act: Callable[[OperatorRow], Performed[T]],
) -> Performed[T] | Refused:
    """Carry out ``act`` and record it; what refuses it is given, not raised, with ``tried`` as what is recorded."""
    try:
        with tx.part():
            operator = check(tx.connection, shown, message)
            performed = act(operator)
    except Refused as refused:
        operators.record(tx, shown.operator, tried, refused.code.reason)
        return refused
    if performed.deed is not None:
        operators.record(tx, operator, performed.deed, performed.outcome)
    return performed
