"""What a case leaves behind: in the database, in the log, and in the bank's process.

1. Rows of customers who do not act in the case stay as they are; they may only have become richer, by what they were
   paid. No table is left out but those that change whoever does what (``RESTLESS``), so a new one is looked at too.
2. The journal has just as many entries more as the case says, all of them asked for by those who act; none that was
   there has changed. The balances of every currency add up to zero, and no customer's is below zero.
3. Nothing that is a fault stands in the log, no secret, and no line that the bank did not write itself.
4. Connections, descriptors and threads are as many as before.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil
from sqlalchemy import Connection, Table, select

from bankd.store.schema import metadata
from tests.hostile.case import Case
from tests.hostile.scene import Scene
from tests.hostile.target import PASSWORD, Target
from tests.system.support import FAULTS, Failed, look_until

RESTLESS = frozenset({"leases", "openings", "outcomes", "attempts"})
"""Tables that change with sessions, with refusals that a key is kept for, and with secrets that are wrong."""

RESTLESS_COLUMNS = frozenset({"last_login_us"})

OWN = frozenset({"challenges"})
"""Tables in which whoever acts may always leave something."""

MONEY = frozenset({"accounts", "holds", "reversals", "notices"})
"""Tables that entries of the journal go with."""

BY_BEING_PAID = frozenset({"balance_minor", "newest", "events"})
"""Columns of an account that change when it is paid."""

SETTLING_SECONDS = 15
"""How long connections that were closed may take to be forgotten; the bank cuts deaf peers off after five."""

POOL = 10
"""Threads of Twisted's own pool, which grows to so many and never shrinks."""

LOGGED = re.compile(r"\d{4}-\d\d-\d\dT|\t|$")
"""How a line begins that the bank wrote: with its time, or within an event with a tab."""

Row = Mapping[str, Any]
Rows = dict[tuple[Any, ...], Row]


@dataclass(frozen=True, slots=True)
class Held:
    """What the bank's process holds."""

    sockets: int
    threads: int


@dataclass(frozen=True, slots=True)
class Traces:
    """How things stand: every row by its table and key, what the process holds, and how much was logged."""

    tables: dict[str, Rows] = field(repr=False)
    held: Held
    logged: int


def held(process: int) -> Held:
    """What a process holds at this moment."""
    sockets, folder = 0, f"/proc/{process}/fd"
    for descriptor in os.listdir(folder):
        try:
            sockets += os.readlink(f"{folder}/{descriptor}").startswith("socket:")
        except FileNotFoundError:
            continue
    return Held(sockets, psutil.Process(process).num_threads())


def look(bank: Target, connection: Connection) -> Traces:
    """How things stand now."""
    tables = {table.name: _rows(connection, table) for table in metadata.sorted_tables if table.name not in RESTLESS}
    return Traces(tables, held(bank.process), len(bank.log))


def settle(bank: Target, before: Held) -> list[str]:
    """Wait until the process holds no more than ``before``; what is wrong when it goes on doing so."""

    def is_settled() -> bool:
        now = held(bank.process)
        return now.sockets <= before.sockets and now.threads <= before.threads + POOL

    try:
        look_until(is_settled, lambda: f"the bank holds {held(bank.process)}, and held {before}", SETTLING_SECONDS)
    except Failed as failed:
        return [str(failed)]
    return []


def complaints(bank: Target, before: Traces, after: Traces, case: Case, scene: Scene) -> Iterator[str]:
    """What a case has changed that it may not change."""
    yield from _in_journal(before.tables["journal"], after.tables["journal"], case, scene)
    yield from _in_tables(before.tables, after.tables, case, scene)
    yield from _in_balances(after.tables["accounts"])
    yield from in_log(bank.log[before.logged :])


def in_log(logged: str) -> Iterator[str]:
    """What is wrong with lines of a log."""
    for fault in FAULTS.findall(logged):
        yield f"a fault was logged: {fault}"
    if PASSWORD in logged:
        yield "a password was logged"
    for line in logged.splitlines():
        if LOGGED.match(line) is None:
            yield f"a line in the log is not the bank's: {line!r}"


def _in_journal(before: Rows, after: Rows, case: Case, scene: Scene) -> Iterator[str]:
    if any(after.get(key) != row for key, row in before.items()):
        yield "an entry of the journal has changed"
    added = [row for key, row in after.items() if key not in before]
    if case.entries not in (None, len(added)):
        yield f"the journal has {len(added)} entries more, and {case.entries} should be"
    if strangers := {row["customer_id"] for row in added} - scene.actors:
        yield f"entries were made in the names of {strangers}"


def _in_tables(before: dict[str, Rows], after: dict[str, Rows], case: Case, scene: Scene) -> Iterator[str]:
    """What changed beside the journal."""
    actors = scene.actors
    owners = {row["id"]: row["customer_id"] for row in after["accounts"].values()}
    known = {row["id"] for row in before["customers"].values()}
    changing = case.changes | OWN | (MONEY if case.entries != 0 else frozenset())
    for name in before.keys() - {"journal"}:
        for key in before[name].keys() | after[name].keys():
            old, new = before[name].get(key), after[name].get(key)
            owner = _owner(name, new or old or {}, owners)
            if old == new or (name in changing and (owner in actors or owner not in known)):
                continue
            if not (name == "accounts" and case.entries != 0 and _was_paid(old, new)):
                yield f"{name} {key} of customer {owner} has changed from {old} to {new}"


def _in_balances(accounts: Rows) -> Iterator[str]:
    for currency in {row["currency"] for row in accounts.values()}:
        total = sum(row["balance_minor"] for row in accounts.values() if row["currency"] == currency)
        if total:
            yield f"the balances in {currency} add up to {total}"
    for row in accounts.values():
        if row["kind"] != "till" and row["balance_minor"] < 0:
            yield f"the account {row['number']} is at {row['balance_minor']}"


def _was_paid(old: Row | None, new: Row | None) -> bool:
    """Whether an account has only become richer, as a payee does; a till may have become poorer."""
    if old is None or new is None:
        return False
    changed = {column for column in old if old[column] != new[column]}
    return changed <= BY_BEING_PAID and (old["kind"] == "till" or old["balance_minor"] <= new["balance_minor"])


def _owner(table: str, row: Row, owners: Mapping[int, int | None]) -> int | None:
    """The customer whose a row is, if it is anybody's."""
    if table == "customers":
        return int(row["id"])
    owner = row.get("customer_id")
    return owner if owner is not None else owners.get(row.get("account_id", 0))


def _rows(connection: Connection, table: Table) -> Rows:
    keys = [column.name for column in table.primary_key]
    columns = [column for column in table.c if column.name not in RESTLESS_COLUMNS]
    rows = (dict(row._mapping) for row in connection.execute(select(*columns)))
    return {tuple(row[key] for key in keys): row for row in rows}
