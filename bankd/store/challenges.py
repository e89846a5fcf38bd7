"""Challenges for one-time passwords: rows in, rows out.

A challenge is ``open`` until it is ``answered``, replaced or tried too often (``void``), and ``spent`` once that was
used which it was made for. Its row is there for an hour, so that it can be counted how many there were.
"""

from dataclasses import asdict, dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select, update

from bankd.store.engines import Transaction
from bankd.store.schema import challenges


class State(StrEnum):
    """How far a challenge has come."""

    OPEN = "open"
    ANSWERED = "answered"
    SPENT = "spent"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class ChallengeRow:
    """A challenge. ``content`` is a keyed digest of what it is for, ``way`` how its password is had, and ``hash`` what
    is kept of one that was sent; ``tries`` is how many were given.
    """

    id: str
    customer_id: int
    account_id: int
    purpose: str
    content: bytes
    way: str
    hash: bytes | None = field(repr=False)
    state: str
    tries: int
    made_us: int
    expires_us: int


_ROW = select(*(challenges.c[name] for name in ChallengeRow.__slots__))


def add(tx: Transaction, row: ChallengeRow) -> None:
    """Add a challenge."""
    tx.connection.execute(insert(challenges).values(asdict(row)))


def void(tx: Transaction, customer_id: int, purpose: str) -> None:
    """Void what a customer has for ``purpose`` and was not spent."""
    mine = (challenges.c.customer_id == customer_id) & (challenges.c.purpose == purpose)
    _void(tx, mine & challenges.c.state.in_((State.OPEN, State.ANSWERED)))


def void_all(tx: Transaction) -> None:
    """Void every challenge that was not spent."""
    _void(tx, challenges.c.state.in_((State.OPEN, State.ANSWERED)))


def find(connection: Connection, challenge_id: str) -> ChallengeRow | None:
    """The challenge with an id; None where there is none."""
    row = connection.execute(_ROW.where(challenges.c.id == challenge_id)).first()
    return ChallengeRow(*row) if row else None


def to_answer(tx: Transaction, challenge_id: str) -> ChallengeRow | None:
    """The challenge with an id, which nobody else changes before the transaction ends; None where there is none."""
    row = tx.connection.execute(_ROW.where(challenges.c.id == challenge_id).with_for_update()).first()
    return ChallengeRow(*row) if row else None


def note(tx: Transaction, challenge_id: str, state: State, tries: int) -> None:
    """Note how far a challenge has come, and how often it was tried."""
    mine = challenges.c.id == challenge_id
    tx.connection.execute(update(challenges).where(mine).values(state=state, tries=tries))


def spend(tx: Transaction, customer_id: int, account_id: int, purpose: str, content: bytes) -> bool:
    """Spend the customer's challenge for just this, if it was answered and is not too old; whether there was one."""
    mine = (challenges.c.customer_id == customer_id) & (challenges.c.account_id == account_id)
    same = (challenges.c.purpose == purpose) & (challenges.c.content == content)
    good = (challenges.c.state == State.ANSWERED) & (challenges.c.expires_us > tx.at_us)
    return tx.connection.execute(update(challenges).where(mine & same & good).values(state=State.SPENT)).rowcount > 0


def recent(connection: Connection, customer_id: int, since_us: int) -> list[ChallengeRow]:
    """A customer's challenges made after ``since_us``, the newest first."""
    mine = (challenges.c.customer_id == customer_id) & (challenges.c.made_us > since_us)
    rows = connection.execute(_ROW.where(mine).order_by(challenges.c.made_us.desc()))
    return [ChallengeRow(*row) for row in rows]


def forget(tx: Transaction, customer_id: int, upto_us: int) -> None:
    """Forget a customer's challenges made up to ``upto_us``."""
    mine = (challenges.c.customer_id == customer_id) & (challenges.c.made_us <= upto_us)
    tx.connection.execute(delete(challenges).where(mine))


def _void(tx: Transaction, which: object) -> None:
    tx.connection.execute(update(challenges).where(which).values(state=State.VOID))  # type: ignore[arg-type]
