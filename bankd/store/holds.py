"""What commands about earlier entries need: open holds, and how much of a payment was given back.

Both are rows besides the journal, which knows them too: so a hold need not be searched for, nor reversals added up.
Rows are locked before those of accounts, each in ascending order of id.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select, update

from bankd.ledger.books import Books, OpenHold
from bankd.ledger.commands import Reversal, Sequel
from bankd.ledger.entries import Entry
from bankd.ledger.rules import ENDINGS
from bankd.store.engines import Transaction
from bankd.store.schema import holds, journal, reversals

Earlier = tuple[list[OpenHold], list[Entry], dict[int, int]]
"""Open holds, entries to be reversed, and how much of each was reversed before."""

_ENTRIES = select(*(journal.c[name] for name in Entry._fields))


def load(tx: Transaction, sequels: Sequence[Sequel]) -> Earlier:
    """What ``sequels`` are about, locked."""
    if not sequels:
        return [], [], {}
    ids = {sequel.of_id for sequel in sequels if not isinstance(sequel, Reversal)}
    entry_ids = {sequel.of_id for sequel in sequels if isinstance(sequel, Reversal)}
    run = tx.connection.execute
    found = run(select(holds).where(holds.c.id.in_(ids)).order_by(holds.c.id).with_for_update())
    originals = run(_ENTRIES.where(journal.c.id.in_(entry_ids)).order_by(journal.c.id).with_for_update())
    before = run(select(reversals).where(reversals.c.entry_id.in_(entry_ids)))
    return (
        [OpenHold._make(row) for row in found],
        [Entry._make(row) for row in originals],
        {row.entry_id: row.reversed_minor for row in before},
    )


def write(tx: Transaction, books: Books) -> None:
    """Write which holds ``books`` opened and ended, and what was reversed."""
    run = tx.connection.execute
    held = (books.holds.get(entry.id) for entry in books.posted if entry.kind == "hold")
    opened = [hold._asdict() for hold in held if hold is not None]
    ended = [entry.of_id for entry in books.posted if entry.kind in ENDINGS]
    if ended:
        run(delete(holds).where(holds.c.id.in_(ended)))
    if opened:
        run(insert(holds), opened)
    for entry_id in sorted(entry.of_id or 0 for entry in books.posted if entry.kind == "reversal"):
        values = {"reversed_minor": books.reversed[entry_id]}
        if run(update(reversals).where(reversals.c.entry_id == entry_id).values(**values)).rowcount == 0:
            run(insert(reversals).values(entry_id=entry_id, **values))


def reversed_minor(connection: Connection, entry_id: int) -> int:
    """How much of an entry was given back."""
    found = connection.execute(select(reversals.c.reversed_minor).where(reversals.c.entry_id == entry_id))
    return found.scalar_one_or_none() or 0


def due(connection: Connection, at_us: int, limit: int) -> list[OpenHold]:
    """Up to ``limit`` open holds whose time has passed at ``at_us``, the longest due first."""
    wanted = select(holds).where(holds.c.expires_us <= at_us).order_by(holds.c.expires_us).limit(limit)
    return [OpenHold._make(row) for row in connection.execute(wanted)]


def of_account(connection: Connection, account_id: int, after: int, limit: int) -> list[Entry]:
    """The entries of the first ``limit`` open holds after number ``after`` that an account is payer or payee of."""
    mine = (holds.c.account_id == account_id) | (holds.c.payee_id == account_id)
    wanted = _ENTRIES.join(holds, journal.c.id == holds.c.id).where(mine & (holds.c.id > after))
    return [Entry._make(row) for row in connection.execute(wanted.order_by(holds.c.id).limit(limit))]
