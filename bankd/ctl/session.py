"""``bankctl session``: who is logged in, and ending that."""

import json
from argparse import ArgumentParser, Namespace

from bankd.ctl import desk
from bankd.ctl.command import DONE, Command, printable
from bankd.ctl.way import way_arguments
from bankd.records import OpenSession
from bankd.wire import acts
from bankd.wire.grammar import write_time

LIST_WORDS = """
List which accounts are in use: by whose session, since when, from which address, and until when it lasts unless its
client renews it. That you looked is recorded.
"""
END_WORDS = """
End the session on ACCOUNT, on whichever node of the bank it is. The account is free at once, and nothing more is done
in that session. Its client is told so, and does not log in again by itself; the customer can. 'bankctl account freeze'
keeps the money where it is.
"""


def _list(options: Namespace) -> int:
    after: str | None = None
    with desk.at_desk(options) as bank:
        while page := bank.ask(acts.Sessions(after=after)).read(OpenSession):
            for session in page:
                print(json.dumps(desk.fields_of(session)) if options.json else _line(session))
            after = page[-1].account
    if after is None and not options.json:
        print("nobody is logged in")
    return DONE


def _end(options: Namespace) -> int:
    account, reason = desk.account_of(options), desk.reason_of(options)
    with desk.at_desk(options) as bank:
        ended = bank.ask(acts.EndSession(account=account, reason=reason)).read(OpenSession)
    for session in ended:
        print(json.dumps(desk.fields_of(session)) if options.json else f"ended: {_line(session)}")
    if not (ended or options.json):
        print(f"no session is open on account {account}")
    return DONE


def _line(session: OpenSession) -> str:
    """A session in a line."""
    name = f" ({session.username})" if session.username else ""
    return printable(
        f"account {session.account}: customer {session.customer}{name} from {session.host or 'an unknown address'} "
        f"since {write_time(session.since_us)}, until {write_time(session.expires_us)} or longer"
    )


def _list_arguments(parser: ArgumentParser) -> None:
    way_arguments(parser)
    desk.json_argument(parser)


def _end_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("account", metavar="ACCOUNT", help="the account's number")
    desk.order_arguments(parser)


LIST = Command("session list", "list who is logged in", _list, _list_arguments, LIST_WORDS)
END = Command("session end", "end the session on an account", _end, _end_arguments, END_WORDS)
