"""Rows of client.csv and bank.csv, made of the journal: for each entry one for each customer's account in it.

1. A row depends on what is stored and on its place in the journal alone, so that it is the same whenever it is made.
2. What the journal itself does not say was noted when it was so: the mobile number that the owner of an account had at
   an entry, and when the session began in which it was made (``openings``, ``mobiles``). Both are found by the entry's
   place, for clocks may be set back.
3. The bank's balance is its cash: what was paid in less what was paid out in the currency, the negative of its till's
   balance. It is carried from entry to entry.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, func, select

from bankd.ledger.entries import Entry
from bankd.money import plain
from bankd.store import history
from bankd.store.customers import till_number
from bankd.store.schema import LONG, accounts, journal, mobiles, openings
from bankd.wire.grammar import write_time

CLIENT, BANK = "client", "bank"
"""The two files."""

HEADERS = {
    CLIENT: "Mobile_Number,Action,Amount,User_Balance,Bank_Balance,Timestamp,Session_Start,Elapsed_Time\n",
    BANK: "Mobile_Number,Action,Amount,Bank_Balance,Timestamp\n",
}
"""The first line of each."""

PAGE = 1000
"""Entries that are looked up at a time."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the journal, after the entry ``after_id``, and the bank's cash there, in minor units by currency."""

    after_id: int
    cash_minor: dict[str, int]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one entry in each of the files, and the place after it."""

    client: tuple[str, ...]
    bank: tuple[str, ...]
    after: Place

    def of(self, file: str) -> tuple[str, ...]:
        """Those of one of the files."""
        return self.client if file == CLIENT else self.bank


_debit, _credit = accounts.alias("d"), accounts.alias("c")
_own = journal.c.customer_id
# The bank's own keys begin with a colon; those of fees and payouts go with what a session asked for.
_in_session = ~journal.c.key.like(":%") | journal.c.key.like(":fee:%") | journal.c.key.like(":payout:%")
_acting = case(
    (and_(_in_session, _debit.c.customer_id == _own), journal.c.debit_id),
    (and_(_in_session, _credit.c.customer_id == _own), journal.c.credit_id),
    else_=0,
)


def _mobile(owner: Any) -> Any:
    known = select(mobiles.c.mobile).where(mobiles.c.customer_id == owner, mobiles.c.after_id < journal.c.id)
    return known.order_by(mobiles.c.after_id.desc()).limit(1).correlate(journal, _debit, _credit).scalar_subquery()


def _opened() -> Any:
    begun = select(openings.c.opened_us).where(openings.c.account_id == _acting, openings.c.after_id < journal.c.id)
    return begun.order_by(openings.c.after_id.desc()).limit(1).correlate(journal, _debit, _credit).scalar_subquery()


_FOUND = (
    select(
        *(journal.c[name] for name in Entry._fields),
        _debit.c.number,
        _debit.c.customer_id,
        _mobile(_debit.c.customer_id),
        _credit.c.number,
        _credit.c.customer_id,
        _mobile(_credit.c.customer_id),
        _debit.c.currency,
        _acting,
        _opened(),
    )
    .join(_debit, _debit.c.id == journal.c.debit_id)
    .join(_credit, _credit.c.id == journal.c.credit_id)
    .where(journal.c.id > bindparam("after", type_=LONG))
    .order_by(journal.c.id)
    .limit(PAGE)
)
_SIDES = case((_debit.c.customer_id.is_not(None), 1), else_=0) + case((_credit.c.customer_id.is_not(None), 1), else_=0)
_COUNTED = (
    select(journal.c.id, func.sum(_SIDES).over(order_by=journal.c.id).label("total"))
    .join(_debit, _debit.c.id == journal.c.debit_id)
    .join(_credit, _credit.c.id == journal.c.credit_id)
    .subquery()
)


def rows(connection: Connection, place: Place) -> list[Rows]:
    """Those of the entries after ``place``, PAGE of them at most; none where there is no entry."""
    found = []
    for row in connection.execute(_FOUND, {"after": place.after_id}):
        made = _rows(row, place)
        place = made.after
        found.append(made)
    return found


def all_rows(connection: Connection) -> Iterator[Rows]:
    """Those of the whole journal."""
    place = Place(0, {})
    while page := rows(connection, place):
        yield from page
        place = page[-1].after


def place_after(connection: Connection, entry_id: int) -> Place:
    """The place after an entry, or with 0 the first of all."""
    if not entry_id:
        return Place(0, {})
    tills = select(accounts.c.id, accounts.c.number, accounts.c.currency, accounts.c.newest)
    cash = {}
    for till in connection.execute(tills.where(accounts.c.customer_id.is_(None))):
        if till.number != till_number(till.currency):
            continue
        last = history.last_entry_id(connection, till.id, till.newest, entry_id)
        if last is not None:
            balance = case((journal.c.debit_id == till.id, journal.c.debit_balance), else_=journal.c.credit_balance)
            cash[till.currency] = -connection.execute(select(balance).where(journal.c.id == last)).scalar_one()
    return Place(entry_id, cash)


def entry_of(connection: Connection, row: int) -> tuple[int, int] | None:
    """The entry that the ``row``th row, counted from 1, is of, and how many rows there are up to that entry.

    None where there are not so many. It goes through the journal from its begin.
    """
    found = select(_COUNTED).where(_COUNTED.c.total >= row).order_by(_COUNTED.c.id).limit(1)
    counted = connection.execute(found).first()
    return (int(counted.id), int(counted.total)) if counted else None


def _rows(row: Sequence[Any], place: Place) -> Rows:
    """The rows of one of ``_FOUND``, which comes after ``place``."""
    fields = len(Entry._fields)
    entry = Entry._make(row[:fields])
    debit, debit_owner, debit_mobile, credit, credit_owner, credit_mobile, currency, acting, opened_us = row[fields:]
    cash_minor = place.cash_minor
    till = till_number(currency)
    if till in (debit, credit):
        cash_minor = {**cash_minor, currency: -(entry.debit_balance if debit == till else entry.credit_balance)}
    cash, at = plain(cash_minor.get(currency, 0), currency), write_time(entry.at_us)
    client, bank = [], []
    for account_id, owner, mobile in (
        (entry.debit_id, debit_owner, debit_mobile),
        (entry.credit_id, credit_owner, credit_mobile),
    ):
        if owner is None:
            continue
        side = entry.side(account_id)
        what = f"{mobile or ''},{side.kind},{plain(side.amount_minor, currency)}"
        session = _session(entry.at_us, opened_us) if account_id == acting else ","
        client.append(f"{what},{plain(side.balance_minor, currency)},{cash},{at},{session}\n")
        bank.append(f"{what},{cash},{at}\n")
    return Rows(tuple(client), tuple(bank), Place(entry.id, cash_minor))


def _session(at_us: int, opened_us: int | None) -> str:
    """When the session began, and for how many seconds it had lasted; nothing of what was done in none."""
    if opened_us is None:
        return ","
    seconds, microseconds = divmod(max(at_us - opened_us, 0), 1_000_000)
    return f"{write_time(opened_us)},{seconds}.{microseconds:06}"
