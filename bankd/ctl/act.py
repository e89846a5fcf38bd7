"""``bankctl act list``: the audit trail, what operators did and tried."""

import json
from argparse import ArgumentParser, Namespace

from bankd.ctl import desk
from bankd.ctl.command import DONE, Command, printable
from bankd.ctl.way import way_arguments
from bankd.records import Act
from bankd.wire import acts
from bankd.wire.grammar import write_time

WORDS = """
List what operators did, and what they tried and were refused, the newest hundred or with --since all after an act. What
was done on the bank's database by who owns the bank is among it.
"""


def _list(options: Namespace) -> int:
    since = None if options.since is None else desk.number_of(options.since, "--since")
    with desk.at_desk(options) as bank:
        while page := bank.ask(acts.Acts(since=since)).read(Act):
            for act in page:
                print(json.dumps(desk.fields_of(act)) if options.json else _line(act))
            since = page[-1].act
    return DONE


def _line(act: Act) -> str:
    """An act in a line."""
    parts = [f"{act.act}: {write_time(act.at_us)} {act.operator} {act.verb} {act.outcome}:"]
    parts += [] if act.subject is None else [act.subject]
    parts += [] if act.details is None else [act.details]
    parts += [] if act.proposal is None else [f"proposal {act.proposal}"]
    parts += [] if act.receipt is None else [f"made receipt {act.receipt}"]
    parts += [] if act.reason is None else [f"({act.reason})"]
    return printable(" ".join(parts).removesuffix(":"))


def _arguments(parser: ArgumentParser) -> None:
    way_arguments(parser)
    parser.add_argument("--since", metavar="NUMBER", help="the number of the last act that is known")
    desk.json_argument(parser)


LIST = Command("act list", "list what operators did", _list, _arguments, WORDS)
