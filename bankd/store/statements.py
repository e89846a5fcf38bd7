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
           a.spent_minor, a.payment_limit_minor, a.day_limit_minor, a.closed_us IS NOT NULL, a.frozen_us IS NOT NULL
    FROM {touched}
"""
_TOUCHED = """
    accounts a
    WHERE a.id IN (SELECT id FROM accounts WHERE id IN {ids} UNION SELECT id FROM accounts WHERE number IN {texts})
"""
# MariaDB would go through every account for the above, and lock each as it passes. So it is told the way: from the ids,
# found without a lock and sorted (which it does only under a LIMIT), to these accounts and no others.
_TOUCHED_IN_ORDER = """
    (SELECT v AS id FROM {ids} AS listed
     UNION SELECT n.id FROM {texts} AS listed STRAIGHT_JOIN accounts n FORCE INDEX (uq_accounts_number)
     ON n.number = listed.v ORDER BY id LIMIT 1000000) AS wanted
    STRAIGHT_JOIN accounts a FORCE INDEX (PRIMARY) ON a.id = wanted.id
"""
_FENCES = "SELECT account_id, fence FROM leases WHERE account_id IN {ids}"
# Every batch of every bank on a server locks the first entry before it looks for the newest, and so they number one
# after the other. In an empty journal two may still take the same number; one of them is then undone, and done again.
_NUMBERING = "SELECT id FROM journal WHERE id = 1 FOR UPDATE"
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
    given rows. ``fences`` is asked once the accounts are locked: a statement that waits for a lock shows the row that
    it waited for as it then is, and on PostgreSQL all others as they were before. ``numbering`` keeps the journal's
    next numbers for the transaction; where there is one writer it is empty.
    """

    accounts: str
    fences: str
    numbering: str
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
    touched: str,
    append: str,
    move: str,
    pack: Callable[[Iterable[Any]], Any],
    by_columns: bool = False,
    numbering: str = _NUMBERING,
) -> Statements:
    """``ids`` and ``texts`` are how the engine spells a list in a parameter, ``touched`` how it finds the accounts in
    two of them, by id and by number, and holds them for the transaction.
    """
    return Statements(
        accounts=_ACCOUNT.format(touched=touched),
        fences=_FENCES.format(ids=ids),
        numbering=numbering,
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


_EACH = "(SELECT value FROM json_each(?))"
_IDS_MARIADB = "JSON_TABLE(%s, '$[*]' COLUMNS (v BIGINT PATH '$'))"
_TEXTS_MARIADB = "JSON_TABLE(%s, '$[*]' COLUMNS (v VARCHAR(72) COLLATE utf8mb4_bin PATH '$'))"
_IDS_POSTGRESQL = "(SELECT unnest(%s::bigint[]))"
_TEXTS_POSTGRESQL = "(SELECT unnest(%s::text[]))"

_SQLITE = _statements(
    ids=_EACH,
    texts=_EACH,
    touched=_TOUCHED.format(ids=_EACH, texts=_EACH),
    append=_append_row('"', "?"),
    move=_move_row("?"),
    pack=_as_json,
    numbering="",
)
_MARIADB = _statements(
    ids=f"(SELECT v FROM {_IDS_MARIADB} AS listed)",
    texts=f"(SELECT v FROM {_TEXTS_MARIADB} AS listed)",
    touched=_TOUCHED_IN_ORDER.format(ids=_IDS_MARIADB, texts=_TEXTS_MARIADB) + "FOR UPDATE",
    append=_append_row("`", "%s"),
    move=_move_row("%s"),
    pack=_as_json,
)
_POSTGRESQL = _statements(
    ids=_IDS_POSTGRESQL,
    texts=_TEXTS_POSTGRESQL,
    touched=_TOUCHED.format(ids=_IDS_POSTGRESQL, texts=_TEXTS_POSTGRESQL) + "ORDER BY a.id FOR UPDATE OF a",
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
