"""``bankctl pin reset``: a customer who lost the PIN, or whose PIN somebody else knows, gets a new one."""

from argparse import ArgumentParser, Namespace

from bankd.ctl import desk
from bankd.ctl.command import DONE, Command
from bankd.records import Decision
from bankd.wire import acts

WORDS = """
Void the PIN of the customer whose account ACCOUNT is, and send a new one to the customer's device. No operator sees it.
Where nothing can be sent to the customer no new one is made, and the customer sets one after a log-in with the
password. Where two people are needed this only proposes it, and another operator approves it within a day.
"""


def sent(decision: Decision) -> str:
    """Where a new PIN went, for a person."""
    if decision.by is None:
        return "the PIN is void, and no new one was sent: the customer sets one after a log-in with the password"
    return f"the PIN is void; a new one was sent by {decision.by} to {decision.to or 'the customer'}"


def _reset(options: Namespace) -> int:
    account, reason = desk.account_of(options), desk.reason_of(options)
    with desk.at_desk(options) as bank:
        decision = bank.ask(acts.ResetPin(account=account, key=desk.new_key(), reason=reason)).decision
    desk.tell(options, decision, sent(decision))
    return DONE


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("account", metavar="ACCOUNT", help="the number of an account of the customer's")
    desk.order_arguments(parser)


RESET = Command("pin reset", "void a customer's PIN, and send a new one", _reset, _arguments, WORDS)
