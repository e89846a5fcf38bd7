"""``bankctl account freeze``, ``unfreeze`` and ``close``: what an operator does to a whole account."""

import json
from argparse import ArgumentParser, Namespace

from bankd import money
from bankd.ctl import desk
from bankd.ctl.command import DONE, FAULT, Command, Unusable, agreed, printable
from bankd.records import AccountFile
from bankd.wire import acts, grammar
from bankd.wire.grammar import write_time

FREEZE_WORDS = """
Let no money leave ACCOUNT and none be set aside on it, from this moment on, but by what operators do. Its owner is
told, and can still log in and look. Money comes in, and holds end, as ever. One person is enough, for it cannot wait.
"""
UNFREEZE_WORDS = """
Let money leave ACCOUNT again; its owner is told. Where two people are needed this only proposes it, and another
operator approves it within a day.
"""
CLOSE_WORDS = """
Close ACCOUNT for ever, also a frozen one: what is on it is paid to the account named with --payout, and a session that
is open on it ends. Holds on it must have ended. Its number and history stay. It is shown first, and asked. Where two
people are needed this only proposes it, and another operator approves it within a day.
"""


def _freeze(options: Namespace) -> int:
    account, reason = desk.account_of(options), desk.reason_of(options)
    with desk.at_desk(options) as bank:
        bank.ask(acts.FreezeAccount(account=account, reason=reason))
    frozen = {"account": account, "outcome": "done"}
    print(json.dumps(frozen) if options.json else f"account {account} is frozen: no money leaves it")
    return DONE


def _unfreeze(options: Namespace) -> int:
    account, reason = desk.account_of(options), desk.reason_of(options)
    with desk.at_desk(options) as bank:
        decision = bank.ask(acts.UnfreezeAccount(account=account, key=desk.new_key(), reason=reason)).decision
    desk.tell(options, decision, f"account {account} is no longer frozen")
    return DONE


def _close(options: Namespace) -> int:
    account, reason, payout = desk.account_of(options), desk.reason_of(options), _payout(options)
    with desk.at_desk(options) as bank:
        [file] = bank.ask(acts.FindAccount(account=account)).read(AccountFile)
        _show(file, payout, options.json)
        if not (options.yes or options.dry_run) and not agreed("Close it?"):
            print("nothing was done")
            return FAULT
        asked = acts.CloseAccount(account=account, payout=payout, key=desk.new_key(), reason=reason)
        decision = bank.ask(asked).decision
    paid = "" if decision.receipt is None else f", and paid out to account {payout}; receipt {decision.receipt}"
    desk.tell(options, decision, f"account {account} is closed{paid}")
    return DONE


def _payout(options: Namespace) -> str | None:
    """The account to pay out to. Raises Unusable."""
    if options.payout is None:
        return None
    try:
        return str(grammar.ACCOUNT.parse(options.payout))
    except ValueError:
        raise Unusable(f"--payout {printable(options.payout)} is no account's number") from None


def _show(file: AccountFile, payout: str | None, as_json: bool) -> None:
    """Print what is to be closed. Raises Unusable where it is known that it cannot be."""
    if file.closed_us is not None:
        raise Unusable(f"account {file.account} was closed at {write_time(file.closed_us)}")
    balance = money.written(file.balance_minor, file.currency)
    if file.balance_minor > 0 and payout is None:
        raise Unusable(f"account {file.account} holds {balance}; name the account to pay it out to with --payout")
    if as_json:
        return
    name = "" if file.name is None else f", {printable(file.name)}"
    to = "" if payout is None else f", to be paid out to account {payout}"
    print(f"to close: account {file.account} of customer {file.customer}{name}")
    print(f"  balance {balance}{to}")


def _order(parser: ArgumentParser) -> None:
    parser.add_argument("account", metavar="ACCOUNT", help="the account's number")
    desk.order_arguments(parser)


def _close_arguments(parser: ArgumentParser) -> None:
    _order(parser)
    parser.add_argument("--payout", metavar="ACCOUNT", help="where the money on it goes")
    parser.add_argument("--yes", action="store_true", help="do it without asking")


FREEZE = Command("account freeze", "let no money leave an account", _freeze, _order, FREEZE_WORDS)
UNFREEZE = Command("account unfreeze", "let money leave an account again", _unfreeze, _order, UNFREEZE_WORDS)
CLOSE = Command("account close", "close an account for ever", _close, _close_arguments, CLOSE_WORDS)
