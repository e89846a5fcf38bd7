"""``bankctl ledger find``: what was done under the key that a client named, where its customer could not learn it."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Any

from bankd import money
from bankd.ctl.command import DONE, FAULT, UNUSABLE, Command, opened, printable, settings_of
from bankd.ctl.export_tables import fields
from bankd.store import tables
from bankd.wire.grammar import write_time

WORDS = """
Tell what was done under KEY, which a client names when it could not learn what became of a payment: the entries of the
journal, or the refusal that is kept. Keys are each customer's own, so two may have used the same. Exit 1 where nothing
was done: then the payment was not made, and is made once if it is asked for again under the key.
"""


def _find(options: Namespace) -> int:
    with opened(settings_of(options)) as (store, _keys), store.reading() as connection:
        entries = list(tables.rows(connection, tables.entries_under(options.key)))
        refusals = list(tables.rows(connection, tables.refusals_under(options.key)))
    for row in [*entries, *refusals]:
        print(json.dumps(fields(row)) if options.json else printable(_line(row)))
    if not entries and not refusals and not options.json:
        print(printable(f"nothing was done under the key {options.key}"))
    return DONE if entries else FAULT


def _line(row: Mapping[str, Any]) -> str:
    if "receipt" not in row:
        return f"asked by customer {row['customer']}: refused, {row['code']} {row['reason']}; no money was moved"
    amount, reference = money.written(row["amount_minor"], row["currency"]), row["reference"]
    return (
        f"asked by customer {row['customer']}: receipt {row['receipt']}, {row['kind']} of {amount} from account"
        f" {row['payer']} to account {row['payee']}, {write_time(row['at_us'])}{f' ({reference})' if reference else ''}"
    )


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help="the key, as the client said it")
    parser.add_argument("--json", action="store_true", help="print a JSON object for each, amounts in minor units")


FIND = Command("ledger find", "tell what was done under a key that a client named", _find, _arguments, WORDS, UNUSABLE)
