"""``bankctl proposal``: what waits for a second person is listed, approved, or rejected."""

import json
from argparse import ArgumentParser, Namespace

from bankd import money
from bankd.ctl import desk, pin
from bankd.ctl.command import DONE, Command, printable
from bankd.ctl.way import way_arguments
from bankd.records import Decision, Proposal
from bankd.wire import acts
from bankd.wire.grammar import write_time

APPROVE_WORDS = """
Have done what another operator proposed. 'bankctl proposal list' tells what that is. Nobody approves what they proposed
themselves. What the ledger refuses at this moment stays open, and can be approved later on the same day.
"""


WHOLE = frozenset({"unfreeze_account", "close_account"})
"""What can be proposed about a whole account; the words for it end in 'account'."""


def _list(options: Namespace) -> int:
    since: int | None = None
    with desk.at_desk(options) as bank:
        while page := bank.ask(acts.Proposals(since=since)).read(Proposal):
            for proposal in page:
                print(json.dumps(desk.fields_of(proposal)) if options.json else _line(proposal))
            since = page[-1].proposal
    if since is None and not options.json:
        print("nothing waits to be approved")
    return DONE


def _approve(options: Namespace) -> int:
    number = desk.number_of(options.number, "NUMBER")
    with desk.at_desk(options) as bank:
        page = bank.ask(acts.Proposals(since=max(number - 1, 0))).read(Proposal)
        verb = next((proposal.verb for proposal in page if proposal.proposal == number), "")
        decision = bank.ask(acts.Approve(proposal=number)).decision
    desk.tell(options, decision, f"proposal {number} is carried out{_carried_out(verb, decision)}")
    return DONE


def _reject(options: Namespace) -> int:
    number, reason = desk.number_of(options.number, "NUMBER"), desk.reason_of(options)
    with desk.at_desk(options) as bank:
        bank.ask(acts.Reject(proposal=number, reason=reason))
    rejected = {"proposal": number, "outcome": "rejected"}
    print(json.dumps(rejected) if options.json else f"proposal {number} is rejected; nothing was done")
    return DONE


def _line(proposal: Proposal) -> str:
    """A proposal in a line."""
    parts = [f"{proposal.proposal}: {proposal.verb.replace('_', ' ')}"]
    if proposal.amount_minor is not None and proposal.currency is not None:
        parts.append(money.written(proposal.amount_minor, proposal.currency))
    if proposal.receipt is not None:
        parts.append(f"of receipt {proposal.receipt}")
    if proposal.account is not None:
        before = "" if proposal.verb in WHOLE else "from account " if proposal.receipt is not None else "to account "
        parts.append(f"{before}{proposal.account}")
    if proposal.payout is not None:
        parts.append(f"with payout to account {proposal.payout}")
    parts.append(f"({printable(proposal.reason)}), by {proposal.operator} until {write_time(proposal.expires_us)}")
    return " ".join(parts)


def _carried_out(verb: str, decision: Decision) -> str:
    """What came of a proposal; its ``verb`` is empty where it was carried out before."""
    if verb == "reset_pin":
        return f": {pin.sent(decision)}"
    return "" if decision.receipt is None else f": receipt {decision.receipt}"


def _number(parser: ArgumentParser) -> None:
    parser.add_argument("number", metavar="NUMBER", help="the proposal's number")
    way_arguments(parser)
    desk.json_argument(parser)


def _list_arguments(parser: ArgumentParser) -> None:
    way_arguments(parser)
    desk.json_argument(parser)


def _number_and_reason(parser: ArgumentParser) -> None:
    parser.add_argument("number", metavar="NUMBER", help="the proposal's number")
    desk.order_arguments(parser)


LIST = Command("proposal list", "list what waits for a second person", _list, _list_arguments)
APPROVE = Command("proposal approve", "have done what another proposed", _approve, _number, APPROVE_WORDS)
REJECT = Command("proposal reject", "have a proposal never done; tellers only their own", _reject, _number_and_reason)
