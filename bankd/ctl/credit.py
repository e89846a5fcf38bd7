"""``bankctl credit``: the bank pays cash, or a correction, from its till into a customer's account."""

from argparse import ArgumentParser, Namespace

from bankd import money
from bankd.ctl import desk
from bankd.ctl.command import DONE, Command, Unusable, printable
from bankd.records import AccountFile
from bankd.wire import acts

WORDS = """
Pay AMOUNT from the bank's till into ACCOUNT: cash that was handed in, or a correction. The customer's statement shows
the reason. Where two people are needed this only proposes it, and another operator approves it within a day.
"""


def _credit(options: Namespace) -> int:
    account, reason = desk.account_of(options), desk.reason_of(options)
    with desk.at_desk(options) as bank:
        [file] = bank.ask(acts.FindAccount(account=account)).read(AccountFile)
        try:
            amount_minor = money.parse(options.amount, file.currency)
        except money.NotMoney as error:
            raise Unusable(f"{printable(options.amount)} will not do: {error}") from None
        asked = acts.Credit(
            account=file.account, amount=amount_minor, currency=file.currency, key=desk.new_key(), reason=reason
        )
        decision = bank.ask(asked).decision
    amount = money.written(amount_minor, file.currency)
    desk.tell(options, decision, f"{amount} paid into account {file.account}; receipt {decision.receipt}")
    return DONE


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("account", metavar="ACCOUNT", help="the account's number")
    parser.add_argument("amount", metavar="AMOUNT", help="how much, such as 12.50")
    desk.order_arguments(parser)


CREDIT = Command("credit", "pay cash or a correction into an account", _credit, _arguments, WORDS)
