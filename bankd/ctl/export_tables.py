"""``bankctl export``: the bank's accounts, customers and journal, for other programs, also while the bank serves."""

import csv
import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Select

from bankd import money, output
from bankd.ctl.command import DONE, Command, json_lines, opened, settings_of
from bankd.store import tables
from bankd.wire.grammar import write_time

WORDS = """
Write all {what} to standard output or the new file FILE, as they are at this moment: CSV with a row of names and with
amounts in the currency's own decimals, or with --json an object on each line, with amounts in minor units. Times are in
UTC. The bank may serve meanwhile.{more}
"""

_FORMULA = ("=", "+", "-", "@")


def _export(table: Select[Any]) -> Callable[[Namespace], int]:
    """The command that writes a table."""
    columns = [column.key for column in table.selected_columns if column.key is not None]

    def run(options: Namespace) -> int:
        with opened(settings_of(options)) as (store, _keys), store.reading() as connection, _to(options.out) as file:
            written = csv.writer(file)
            if not options.json:
                written.writerow([_name(column) for column in columns])
            for row in tables.rows(connection, table):
                if options.json:
                    file.write(json.dumps(fields(row)) + "\n")
                else:
                    written.writerow([_cell(column, value, row) for column, value in row.items()])
        return DONE

    return run


@contextmanager
def _to(path: Path | None) -> Iterator[TextIO]:
    """Where to write: standard output, or a file that was not there. Raises OSError."""
    if path is None:
        output.in_utf8()
        yield sys.stdout
        return
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        yield file


def fields(row: Mapping[str, Any]) -> dict[str, str | int | None]:
    """A row for a program: amounts in minor units, and times in UTC."""
    return {_name(column): _read(column, value) for column, value in row.items()}


def _name(column: str) -> str:
    return column.removesuffix("_us").removesuffix("_minor")


def _read(column: str, value: Any) -> str | int | None:
    """A value for a program."""
    return write_time(value) if column.endswith("_us") and value is not None else value


def _cell(column: str, value: Any, row: dict[str, Any]) -> str:
    """A value for a spreadsheet, which must not take a customer's words for a formula (OWASP, CSV Injection)."""
    if value is None:
        return ""
    if column.endswith("_minor"):
        return money.plain(value, row["currency"])
    said = str(_read(column, value))
    quoted = column in ("username", "name", "email", "reference") and said.lstrip().startswith(_FORMULA)
    return f"'{said}" if quoted else said


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="FILE", help="the new file; without, standard output")
    json_lines(parser)


ACCOUNTS = Command(
    "export accounts",
    "write all accounts as CSV or JSON",
    _export(tables.ACCOUNTS),
    _arguments,
    WORDS.format(what="accounts, closed ones and the bank's tills among them,", more=""),
)
CUSTOMERS = Command(
    "export customers",
    "write all customers as CSV or JSON",
    _export(tables.CUSTOMERS),
    _arguments,
    WORDS.format(what="customers", more=" No secret is in it, nor a hash of one."),
)
JOURNAL = Command(
    "export journal",
    "write all entries of the journal as CSV or JSON",
    _export(tables.JOURNAL),
    _arguments,
    WORDS.format(
        what="entries of the journal", more=" 'receipt' is their number, 'of' that of an entry they are about."
    ),
)
