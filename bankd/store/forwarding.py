"""How far each way out for events has come, and what comes next.

1. Entries of the journal and other notices are two queues, each in the order in which they were committed. What is next
   is the head of the one that is older; so the events of an account are in the order of their numbers.
2. A way begins at the end: what happened before it was first used does not go out by it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from bankd.happenings import Happening
from bankd.ledger.entries import Entry
from bankd.notices import Notice
from bankd.parcels import Contact
from bankd.store import preferences
from bankd.store.engines import Transaction
from bankd.store.schema import accounts, broadcasts, customers, forwarding, journal, notices

PAGE = 100
"""Entries, and other notices, that are read at a time, at most."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where a way stands: the last entry and the last other notice that are behind it, and how its tries went.

    ``failure`` says why the last try failed, None where it did not, and ``failed_us`` since when all have; ``given_up``
    is how many events were.
    """

    name: str
    entry_id: int
    notice_id: int
    sent_us: int | None = None
    given_up: int = 0
    failed_us: int | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What comes next: nothing where nobody is to be told; and where the way then stands."""

    happenings: tuple[Happening, ...]
    entry_id: int
    notice_id: int


_WAY = select(*(forwarding.c[name] for name in Way.__slots__))


def ways(connection: Connection) -> list[Way]:
    """Every way that was ever used, by name."""
    return [Way(*row) for row in connection.execute(_WAY.order_by(forwarding.c.name))]


def begin(tx: Transaction, name: str) -> Way:
    """Where the way of a name stands; at the end where it is new."""
    row = tx.connection.execute(_WAY.where(forwarding.c.name == name)).first()
    if row is not None:
        return Way(*row)
    way = Way(name, *newest(tx.connection))
    values = {"entry_id": way.entry_id, "notice_id": way.notice_id, "given_up": 0}
    tx.connection.execute(insert(forwarding).values(name=name, **values))
    return way


def keep(tx: Transaction, way: Way) -> None:
    """Keep where a way stands."""
    values = {name: getattr(way, name) for name in Way.__slots__ if name != "name"}
    tx.connection.execute(update(forwarding).where(forwarding.c.name == way.name).values(**values))


def newest(connection: Connection) -> tuple[int, int]:
    """The numbers of the newest entry and of the newest other notice; 0 where there is none."""
    entry = connection.execute(select(func.coalesce(func.max(journal.c.id), 0))).scalar_one()
    notice = connection.execute(select(func.coalesce(func.max(notices.c.id), 0))).scalar_one()
    return int(entry), int(notice)


def following(connection: Connection, way: Way, to_customers: bool) -> list[Step]:
    """The next steps of a way, a page of each queue at most; none where it is at the end."""
    entries = connection.execute(
        select(*(journal.c[name] for name in Entry._fields))
        .where(journal.c.id > way.entry_id)
        .order_by(journal.c.id)
        .limit(PAGE)
    )
    moved = [Entry._make(row) for row in entries]
    said = notices.outerjoin(broadcasts, broadcasts.c.id == notices.c.broadcast_id)
    columns = (notices.c[name] for name in ("id", "account_id", "number", "kind", "at_us", "month"))
    query = select(*columns, broadcasts.c.words).select_from(said).where(notices.c.id > way.notice_id)
    others = connection.execute(query.order_by(notices.c.id).limit(PAGE)).all()
    touched = {side for entry in moved for side in (entry.debit_id, entry.credit_id)}
    owners = _Owners(connection, touched | {row.account_id for row in others}, to_customers)
    return list(_merged(moved, others, owners, way))


def _merged(moved: Sequence[Entry], others: Sequence[Any], owners: "_Owners", way: Way) -> Iterator[Step]:
    """The steps of both queues, the older head first. Behind a full page there is more: the other queue then waits."""
    entry_id, notice_id, place, other = way.entry_id, way.notice_id, 0, 0
    while place < len(moved) or other < len(others):
        if (place == PAGE and other < len(others)) or (other == PAGE and place < len(moved)):
            return
        is_entry = other == len(others) or (place < len(moved) and not _precedes(others[other], moved[place]))
        if is_entry:
            entry, place = moved[place], place + 1
            entry_id, told = entry.id, tuple(owners.of_entry(entry))
        else:
            row, other = others[other], other + 1
            notice = Notice(row.number, row.kind, row.at_us, words=row.words, period=row.month)
            notice_id, told = row.id, tuple(owners.told(row.account_id, notice))
        yield Step(told, entry_id, notice_id)


def _precedes(row: Any, entry: Entry) -> bool:
    """Whether a notice comes before an entry. In one transaction their numbers tell, where they are of one account."""
    if row.at_us != entry.at_us:
        return bool(row.at_us < entry.at_us)
    return row.account_id in (entry.debit_id, entry.credit_id) and row.number < entry.side(row.account_id).event


class _Owners:
    """Whose the accounts of a page are, and what they want to be told of."""

    def __init__(self, connection: Connection, ids: set[int], to_customers: bool) -> None:
        query = select(
            *(accounts.c.id, accounts.c.number, accounts.c.currency),
            *(customers.c.name, customers.c.mobile, customers.c.email),
        ).join(customers, customers.c.id == accounts.c.customer_id)
        rows = connection.execute(query.where(accounts.c.id.in_(ids))).all()
        self._rows = {row.id: row for row in rows}
        self._numbers = {row.id: row.number for row in rows}
        self._chosen = {row.id: preferences.of_account(connection, row.id) for row in rows} if to_customers else {}

    def of_entry(self, entry: Entry) -> Iterator[Happening]:
        """What is told of an entry: to the payer, and to the payee; to nobody for a till."""
        for account_id in (entry.debit_id, entry.credit_id):
            side = entry.side(account_id)
            notice = Notice(
                number=side.event,
                kind=side.kind,
                at_us=entry.at_us,
                amount_minor=side.amount_minor,
                balance_minor=side.balance_minor,
                counterparty=self._numbers.get(side.other_id),
                reference=entry.reference,
            )
            yield from self.told(account_id, notice)

    def told(self, account_id: int, notice: Notice) -> Iterator[Happening]:
        """The same for one account: nothing where it is a till, or its owner does not want to be told."""
        row, chosen = self._rows.get(account_id), self._chosen.get(account_id)
        if row is None or (chosen is not None and chosen.silences(notice.kind, notice.amount_minor)):
            return
        if notice.amount_minor is not None:
            notice = replace(notice, currency=row.currency)
        yield Happening(row.number, notice, Contact(row.name, row.mobile, row.email))
