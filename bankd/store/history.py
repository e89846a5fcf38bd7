"""The past in the journal: where an instant lies in it, and which entry of an account was the last before that place.

1. Ids decide the order. An instant is a place between two ids, found by the times of entries on the way there; whoever
   asks for the same instant later finds the same place, and a later instant never lies before an earlier one.
2. Should the database's clock have been set back, times in the journal go back with it, and some instants lie in more
   than one place. One of them is taken, and always the same.
3. There is no index of an account's entries. What leads to an old one is, in turn, pointers from newer ones and a look
   at a few stretches of the journal between, and whatever is found so is an entry of the account: a poor guess costs
   time, and never the right answer. An account busy all the time is found in the stretches, one that is seldom used has
   few pointers to follow, and one that is busy at times is passed in leaps, one for each such time.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, case, cast, func, select

from bankd.store.journal import newest
from bankd.store.schema import LONG, accounts, journal

STEPS = 1_000
"""Pointers followed before the journal itself is looked at."""

FEW = 20
"""Pointers followed for many accounts together."""

STRETCH = 2_000
"""Entries of a stretch that is looked at."""


def place_of(connection: Connection, at_us: int) -> int:
    """The place of an instant: entries with an id up to this one are at or before it. 0 is before the first.

    A power of two is added to the place, from the largest down, wherever the entry there is in time (Shar's search;
    Knuth, volume 3, section 6.2.1); ids count entries without gaps. That is one statement, which reads as many rows as
    the newest id has binary digits; and as those read before are read again, the place stays when the journal grows.
    """
    leap = 1 << newest(connection)[0].bit_length()
    # The casts tell MariaDB, which would else look at the digits, that these are 64-bit integers.
    place = select(cast(0, LONG).label("id"), cast(leap, LONG).label("leap")).cte("place", recursive=True)
    # By equality, for MariaDB would look for a lower bound that differs from row to row by reading the whole journal.
    in_time = select(journal.c.at_us).where(journal.c.id == place.c.id + place.c.leap).scalar_subquery() <= at_us
    nearer = case((in_time, place.c.id + place.c.leap), else_=place.c.id)
    places = place.union_all(select(nearer, place.c.leap // 2).where(place.c.leap > 0))
    return int(connection.execute(select(func.max(places.c.id))).scalar_one())


def last_entry_id(connection: Connection, account_id: int, known: int | None, upto_id: int) -> int | None:
    """The id of an account's last entry up to a place, None for none; ``known`` is its newest, or a later one."""
    while known is not None and known > upto_id:
        known = _stepped_back(connection, account_id, known, upto_id)
        if known is not None and known > upto_id:
            known = _nearest_seen(connection, account_id, known, upto_id)
    return known


def last_entry_ids(connection: Connection, newest: Mapping[int, int], upto_id: int) -> dict[int, int]:
    """The same of many accounts, by id with their newest entries; those that have none up to the place are left out.

    For most it takes one statement together: the way back is short for an account that is seldom used.
    """
    ahead = {account_id: entry_id for account_id, entry_id in newest.items() if entry_id > upto_id}
    found = {account_id: entry_id for account_id, entry_id in newest.items() if entry_id <= upto_id}
    if ahead:
        start = select(accounts.c.id.label("account_id"), accounts.c.newest.label("id"), cast(0, LONG).label("step"))
        steps = start.where(accounts.c.id.in_(ahead)).cte("steps", recursive=True)
        owner = steps.c.account_id
        back = case((journal.c.debit_id == owner, journal.c.debit_previous), else_=journal.c.credit_previous)
        walked = steps.union_all(
            select(owner, back, steps.c.step + 1)
            .select_from(journal.join(steps, journal.c.id == steps.c.id))
            .where(steps.c.step < FEW, steps.c.id > upto_id)
        )
        reached = connection.execute(select(walked.c.account_id, func.min(walked.c.id)).group_by(walked.c.account_id))
        for account_id, entry_id in reached.all():
            last = last_entry_id(connection, account_id, entry_id, upto_id)
            if last is not None:
                found[account_id] = last
    return found


def _stepped_back(connection: Connection, account_id: int, known: int, upto_id: int) -> int | None:
    """The entry reached from ``known`` by the account's pointers: the first up to ``upto_id``, or the last in reach.

    None is before the account's first.
    """
    previous = case((journal.c.debit_id == account_id, journal.c.debit_previous), else_=journal.c.credit_previous)
    start = select(cast(known, LONG).label("id"), cast(0, LONG).label("step"))
    steps = start.cte("steps", recursive=True)
    walked = steps.union_all(
        select(previous, steps.c.step + 1)
        .select_from(journal.join(steps, journal.c.id == steps.c.id))
        .where(steps.c.step < STEPS, steps.c.id > upto_id)
    )
    reached: int | None = connection.execute(select(walked.c.id).order_by(walked.c.step.desc()).limit(1)).scalar_one()
    return reached


def _nearest_seen(connection: Connection, account_id: int, known: int, upto_id: int) -> int:
    """An entry of the account after ``upto_id``, nearer to it than ``known`` where a few looks can find one.

    Halves what lies between, again and again: at the earlier half where an entry is seen behind the middle, else at the
    later.
    """
    ours = (journal.c.debit_id == account_id) | (journal.c.credit_id == account_id)
    low = upto_id
    while known - low > 4 * STRETCH:
        middle = (low + known) // 2
        stretch = (journal.c.id > middle) & (journal.c.id <= middle + STRETCH)
        seen = connection.execute(select(func.min(journal.c.id)).where(stretch, ours)).scalar_one()
        if seen is None:
            low = middle
        else:
            known = seen
    return known
