"""The statements of the hot path, written by hand for each engine: what a batch of money commands costs.

1. A batch runs the same handful of statements whatever its size; each is compiled once, and prepared by the engine.
2. A list goes into a statement as one parameter: JSON for SQLite and MariaDB, an array for PostgreSQL.
3. Rows are tuples in the order of ``ledger.book.Entry`` and ``Account``, an entry's link after it: nothing is looked up
   by name on the way.

SQLAlchemy's own ways cost some ten microseconds a row more (executemany), or compile anew for every length (IN).
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from bankd.ledger.entries import Entry

Rows = Sequence[tuple[Any, ...]]

MOVED = ("balance_minor", "newest", "events", "held_minor", "day", "spent_minor")
"""The columns of an account that entries change."""

_ENTRY = ", ".join(f"journal.{name}" for name in Entry._fields)  # so written, MariaDB's reserved words may be names
_ACCOUNT = """
    SELECT a.id, a.number, a.currency, a.balance_minor, a.floor_minor, a.newest, a.events, a.held_minor, a.day,
           a.spent_minor, a.payment_limit_minor, a.day_limit_minor, a.closed_us IS NOT NULL, coalesce(l.fence, 0)
    FROM accounts a LEFT JOIN leases l ON l.account_id = a.id
    WHERE a.id IN (SELECT id FROM accounts WHERE id IN {ids} UNION SELECT id FROM accounts WHERE number IN {texts})
"""
_ENTRIES = f"SELECT {_ENTRY} FROM journal WHERE journal.key IN {{texts}} AND customer_id IN {{ids}}"
_ROW = (*Entry._fields, "hash")
_TYPES = {"kind": "text", "key": "text", "reference": "text", "hash": "bytea"}
_COLUMNS = ", ".join(f"%s::{_TYPES.get(name, 'bigint')}[]" for name in _ROW)
_OUTCOMES = """
    SELECT outcomes.key, customer_id, content, code, reason, place, at_us FROM outcomes
    WHERE outcomes.key IN {texts} AND customer_id IN {ids}
"""


@dataclass(frozen=True, slots=True)
class Statements:
    """What one engine is told. ``pack`` makes one parameter of a list.

    ``by_columns`` is for statements that take all rows at once, as an array for each column; without it the driver is
    given rows.
    """

    accounts: str
    entries: str
    outcomes: str
    append: str
    move: str
    pack: Callable[[Iterable[Any]], Any]
    by_columns: bool = False

    def write(self, connection: Connection, statement: str, rows: Rows) -> None:
        """Run ``statement`` for all ``rows``, of which there is at least one."""
        if self.by_columns:
            connection.exec_driver_sql(statement, tuple(list(column) for column in zip(*rows, strict=True)))
        else:
            connection.exec_driver_sql(statement, rows)


def _statements(
    ids: str,
    texts: str,
    lock: str,
    append: str,
    move: str,
    pack: Callable[[Iterable[Any]], Any],
    by_columns: bool = False,
) -> Statements:
    """``ids`` and ``texts`` are how the engine spells a list in a parameter, ``lock`` how it holds the rows it read."""
    return Statements(
        accounts=_ACCOUNT.format(ids=ids, texts=texts) + lock,
        entries=_ENTRIES.format(ids=ids, texts=texts),
        outcomes=_OUTCOMES.format(ids=ids, texts=texts),
        append=append,
        move=move,
        pack=pack,
        by_columns=by_columns,
    )


def _append(quote: str, rows: str) -> str:
    return f"INSERT INTO journal ({', '.join(quote + name + quote for name in _ROW)}) {rows}"


def _append_row(quote: str, mark: str) -> str:
    return _append(quote, f"VALUES ({', '.join(mark for _ in _ROW)})")


def _move_row(mark: str) -> str:
    return f"UPDATE accounts SET {', '.join(f'{name} = {mark}' for name in MOVED)} WHERE id = {mark}"


def _as_json(values: Iterable[Any]) -> str:
    return json.dumps(list(values))


_SQLITE = _statements(
    ids="(SELECT value FROM json_each(?))",
    texts="(SELECT value FROM json_each(?))",
    lock="",
    append=_append_row('"', "?"),
    move=_move_row("?"),
    pack=_as_json,
)
_MARIADB = _statements(
    ids="(SELECT v FROM JSON_TABLE(%s, '$[*]' COLUMNS (v BIGINT PATH '$')) AS listed)",
    texts="(SELECT v FROM JSON_TABLE(%s, '$[*]' COLUMNS (v VARCHAR(72) COLLATE utf8mb4_bin PATH '$')) AS listed)",
    lock="ORDER BY a.id FOR UPDATE",
    append=_append_row("`", "%s"),
    move=_move_row("%s"),
    pack=_as_json,
)
_POSTGRESQL = _statements(
    ids="(SELECT unnest(%s::bigint[]))",
    texts="(SELECT unnest(%s::text[]))",
    lock="ORDER BY a.id FOR UPDATE OF a",
    append=_append('"', f"SELECT * FROM unnest({_COLUMNS})"),
    move="""
        UPDATE accounts a SET {sets} FROM unnest({lists}) AS m ({names}, id) WHERE a.id = m.id
    """.format(
        sets=", ".join(f"{name} = m.{name}" for name in MOVED),
        lists=", ".join("%s::bigint[]" for _ in (*MOVED, "id")),
        names=", ".join(MOVED),
    ),
    pack=list,
    by_columns=True,
)
STATEMENTS = {"sqlite": _SQLITE, "mysql": _MARIADB, "mariadb": _MARIADB, "postgresql": _POSTGRESQL}
"""What each engine is told, by the name of its dialect."""
