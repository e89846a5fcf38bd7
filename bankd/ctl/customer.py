"""``bankctl customer``: who the bank's customers are, and what keeps one of them out."""

import json
from argparse import ArgumentParser, Namespace

from bankd.ctl import desk
from bankd.ctl.command import DONE, Command, printable
from bankd.ctl.way import way_arguments
from bankd.records import CustomerFile
from bankd.wire import acts, codec
from bankd.wire.grammar import write_time

SHOW_WORDS = """
Show a customer, and what stands in the way of a log-in: tries that failed, a secret that is missing, or one that has to
be changed first. A session that is open elsewhere is told by 'bankctl session list'. That you looked is recorded.
"""
UNLOCK_WORDS = """
Let a customer try to log in again at once, from everywhere: failed tries are forgotten, and so is how many one-time
passwords were asked for; those that were sent are void. What is still in the way is told. The customer is told of the
failed tries at the next log-in all the same.
"""


def _list(options: Namespace) -> int:
    since: int | None = None
    with desk.at_desk(options) as bank:
        while page := bank.ask(acts.ListCustomers(since=since)).read(CustomerFile):
            for file in page:
                print(json.dumps(desk.fields_of(file)) if options.json else _line(file))
            since = page[-1].customer
    return DONE


def _show(options: Namespace) -> int:
    with desk.at_desk(options) as bank:
        asked = desk.who(acts.FindCustomer, options)
        file = codec.read_fields(CustomerFile, bank.ask(asked).end.fields)
    _tell(file, options)
    return DONE


def _unlock(options: Namespace) -> int:
    reason = desk.reason_of(options)
    with desk.at_desk(options) as bank:
        asked = desk.who(acts.UnlockCustomer, options, reason=reason)
        file = codec.read_fields(CustomerFile, bank.ask(asked).end.fields)
    if not options.json:
        print(f"customer {file.customer} may try again from everywhere")
    _tell(file, options)
    return DONE


def _tell(file: CustomerFile, options: Namespace) -> None:
    """Print a customer."""
    if options.json:
        print(json.dumps(desk.fields_of(file)))
        return
    rows = {
        "user name": file.username,
        "name": file.name,
        "mobile": file.mobile,
        "e-mail": file.email,
        "opened": write_time(file.opened_us),
        "last log-in": "never" if file.last_login_us is None else write_time(file.last_login_us),
        "accounts": str(file.accounts),
        "logs in by": " and ".join(_ways(file)) or "nothing: 'bankctl pin reset' gives a PIN",
        "locked": None if file.locked_us is None else f"somewhere, until {write_time(file.locked_us)}",
        "to change": None if file.change is None else f"the {file.change}, at the next log-in",
    }
    print(f"customer {file.customer}")
    print("\n".join(f"  {name:<12} {printable(value)}" for name, value in rows.items() if value is not None))


def _ways(file: CustomerFile) -> list[str]:
    return [way for way, there in (("password", file.has_password), ("PIN", file.has_pin)) if there]


def _line(file: CustomerFile) -> str:
    """A customer in a line."""
    name = ", ".join(said for said in (file.username, file.name) if said is not None)
    locked = "" if file.locked_us is None else f", locked somewhere until {write_time(file.locked_us)}"
    accounts = f"{file.accounts} open account{'s' * (file.accounts != 1)}"
    return printable(f"{file.customer}: {name or 'without a name'}, {accounts}{locked}")


def _list_arguments(parser: ArgumentParser) -> None:
    way_arguments(parser)
    desk.json_argument(parser)


def _show_arguments(parser: ArgumentParser) -> None:
    desk.who_arguments(parser)
    _list_arguments(parser)


def _unlock_arguments(parser: ArgumentParser) -> None:
    desk.who_arguments(parser)
    desk.order_arguments(parser)


LIST = Command("customer list", "list all customers", _list, _list_arguments)
SHOW = Command("customer show", "show a customer, and what keeps one out", _show, _show_arguments, SHOW_WORDS)
UNLOCK = Command("customer unlock", "let a customer try to log in again", _unlock, _unlock_arguments, UNLOCK_WORDS)
