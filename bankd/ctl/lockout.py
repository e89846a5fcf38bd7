"""``bankctl lockout``: who waits or is locked out for wrong secrets, seen and lifted, also while the bank serves."""

import json
from argparse import ArgumentParser, Namespace

from sqlalchemy import Connection

from bankd.bank import lockout
from bankd.ctl.command import DONE, Command, Unusable, json_lines, opened, printable, settings_of
from bankd.store import customers
from bankd.store.attempts import Attempts
from bankd.wire.grammar import write_time

SHOWN = 1000
"""Rows that are listed at most, the newest ones."""

LIST_WORDS = """
List where tries with a wrong PIN or password have come from, the newest first: how many failed, and until when no
further one is looked at. Without a customer all are listed; tries to be somebody who is no customer have no user name.
"""
LIFT_WORDS = """
Let everybody try again at once, whatever has failed: to log in as one customer, or with --all as any. What the customer
is told of failed tries at the next log-in stays.
"""
DISTRUST_WORDS = """
Take the trust from all terminals of a customer: each is a stranger, whose failures are counted with those of all
others, until the customer has logged in there again. For when a terminal was stolen. Nobody is logged out by it.
"""


def _list(options: Namespace) -> int:
    with opened(settings_of(options)) as (store, _keys), store.reading() as connection:
        customer_id = _customer(connection, options)
        now_us = store.now_us(connection)
        rows = lockout.counted(connection, customer_id, now_us, SHOWN)
        names = {row.customer_id: _name(connection, row.customer_id) for row in rows}
    for row in rows:
        print(json.dumps(_fields(row, names[row.customer_id])) if options.json else _line(row, names, now_us))
    if not rows and not options.json:
        print("nobody is kept waiting")
    return DONE


def _lift(options: Namespace) -> int:
    with opened(settings_of(options)) as (store, _keys), store.writing() as tx:
        lifted = lockout.lift(tx, _customer(tx.connection, options))
    print(f"lifted: {lifted} count{'s' * (lifted != 1)} of failures forgotten")
    return DONE


def _distrust(options: Namespace) -> int:
    with opened(settings_of(options)) as (store, _keys), store.writing() as tx:
        customer_id = _customer(tx.connection, options)
        assert customer_id is not None
        lockout.void_tokens(tx, customer_id)
    print(f"no terminal of customer {customer_id} is trusted any more")
    return DONE


def _customer(connection: Connection, options: Namespace) -> int | None:
    """The customer that is meant; None for all. Raises Unusable where there is none such."""
    if options.user is not None:
        found = customers.customer_named(connection, options.user)
        if found is None:
            raise Unusable(f"no customer is called {printable(options.user)}")
        return found
    if options.account is not None:
        account = customers.account_numbered(connection, options.account)
        if account is None:
            raise Unusable(f"no customer has an account {printable(options.account)}")
        return account.customer_id
    return None


def _name(connection: Connection, customer_id: int | None) -> str | None:
    return None if customer_id is None else customers.customer(connection, customer_id).username


def _line(row: Attempts, names: dict[int | None, str | None], now_us: int) -> str:
    who = "nobody" if row.customer_id is None else f"customer {row.customer_id}"
    name = names[row.customer_id]
    state = ""
    if row.until_us > now_us:
        state = f", {'locked' if row.locked else 'waiting'} until {write_time(row.until_us)}"
    source = "all since the last log-in" if row.source == lockout.SINCE else row.source
    return (
        f"{who}{f' ({name})' if name else ''}: {source}: {row.failures} failed, last {write_time(row.last_us)}{state}"
    )


def _fields(row: Attempts, name: str | None) -> dict[str, str | int | bool | None]:
    return {
        "customer": row.customer_id,
        "user": name,
        "source": row.source,
        "failures": row.failures,
        "first": write_time(row.first_us),
        "last": write_time(row.last_us),
        "until": write_time(row.until_us) if row.until_us else None,
        "locked": row.locked,
    }


def _who(parser: ArgumentParser, required: bool, everybody: bool = False) -> None:
    who = parser.add_mutually_exclusive_group(required=required)
    who.add_argument("--account", metavar="NUMBER", help="the customer who has this account")
    who.add_argument("--user", metavar="NAME", help="the customer with this user name")
    if everybody:
        who.add_argument("--all", action="store_true", help="everybody, also who is no customer")


def _list_arguments(parser: ArgumentParser) -> None:
    _who(parser, required=False)
    json_lines(parser)


def _lift_arguments(parser: ArgumentParser) -> None:
    _who(parser, required=True, everybody=True)


def _distrust_arguments(parser: ArgumentParser) -> None:
    _who(parser, required=True)


LIST = Command("lockout list", "list failed tries to log in, and who is locked out", _list, _list_arguments, LIST_WORDS)
LIFT = Command("lockout lift", "let a customer log in again from everywhere", _lift, _lift_arguments, LIFT_WORDS)
DISTRUST = Command(
    "lockout distrust",
    "have none of a customer's terminals be trusted",
    _distrust,
    _distrust_arguments,
    DISTRUST_WORDS,
)
