"""``bankctl reverse``: the bank itself gives a movement of money back."""

from argparse import ArgumentParser, Namespace

from bankd import codes, money
from bankd.codes import Code, Refused
from bankd.ctl import desk
from bankd.ctl.command import DONE, FAULT, Command, Unusable, agreed, printable
from bankd.records import Decision, EntryFile
from bankd.wire import acts, codec
from bankd.wire.grammar import write_time

WORDS = """
Give back what the entry RECEIPT of the journal moved, or AMOUNT of it: a transfer, a deposit, a withdrawal, a fee or
what a hold paid, but no reversal. The entry stays, and another is added, which both statements show with the reason. It
is never more than what was moved, less what was given back before, and never more than the account that got it has
available. It is a notice on both accounts like any other. Where two people are needed this only proposes it, and
another operator approves it within a day.
"""

WHY: dict[Code, str] = {
    codes.NO_ENTRY: "it is no entry that can be given back",
    codes.NO_ACCOUNT: "one of the two accounts is closed",
    codes.MORE_THAN_LEFT: "this is more than is left of it",
    codes.NO_FUNDS: "the account that it is to come from has not so much available",
}
"""What a refusal means here."""


def _reverse(options: Namespace) -> int:
    receipt, reason = desk.number_of(options.receipt, "RECEIPT"), desk.reason_of(options)
    with desk.at_desk(options) as bank:
        entry = _entry(bank, receipt)
        amount_minor = _amount_minor(options.amount, entry)
        if not options.json:
            _show(entry, amount_minor)
        if not (options.yes or options.dry_run) and not agreed("Give it back?"):
            print("nothing was done")
            return FAULT
        asked = acts.ReverseEntry(receipt=receipt, amount=amount_minor, key=desk.new_key(), reason=reason)
        decision = _asked(bank, asked)
    desk.tell(options, decision, f"given back; receipt {decision.receipt}")
    return DONE


def _entry(bank: desk.Desk, receipt: int) -> EntryFile:
    """What is to be given back. Raises Unusable where there is nothing."""
    try:
        entry = codec.read_fields(EntryFile, bank.ask(acts.FindEntry(receipt=receipt)).end.fields)
    except Refused as refused:
        if refused.code is not codes.NO_ENTRY:
            raise
        raise Unusable(f"there is no entry {receipt} in the journal") from None
    if entry.kind in ("hold", "release", "expiry", "reversal"):
        raise Unusable(f"receipt {receipt} is a {entry.kind}: {WHY[codes.NO_ENTRY]}")
    if entry.left_minor == 0:
        raise Unusable(f"all of receipt {receipt} was given back before")
    return entry


def _asked(bank: desk.Desk, asked: acts.ReverseEntry) -> Decision:
    """What became of the order. Raises Unusable with what a refusal means here."""
    try:
        return bank.ask(asked).decision
    except Refused as refused:
        if refused.code not in WHY:
            raise
        raise Unusable(f"receipt {asked.receipt} is not given back: {WHY[refused.code]}; nothing was done") from None


def _amount_minor(text: str | None, entry: EntryFile) -> int:
    """How much is to be given back: all that is left where nothing is said. Raises Unusable."""
    if text is None:
        return entry.left_minor
    try:
        amount_minor = money.parse(text, entry.currency)
    except money.NotMoney as error:
        raise Unusable(f"--amount {printable(text)} will not do: {error}") from None
    if amount_minor > entry.left_minor:
        raise Unusable(f"only {money.written(entry.left_minor, entry.currency)} of receipt {entry.receipt} is left")
    return amount_minor


def _show(entry: EntryFile, amount_minor: int) -> None:
    """Print what is to be done."""
    reference = f" ({printable(entry.reference)})" if entry.reference else ""
    payer, payee = _name(entry.payer), _name(entry.payee)
    amount = money.written(entry.amount_minor, entry.currency)
    print(f"receipt {entry.receipt} of {write_time(entry.at_us)}: {entry.kind} of {amount}")
    print(f"  from {payer} to {payee}{reference}")
    if entry.left_minor != entry.amount_minor:
        print(f"  given back before: {money.written(entry.amount_minor - entry.left_minor, entry.currency)}")
    print(f"to give back: {money.written(amount_minor, entry.currency)} from {payee} to {payer}")


def _name(number: str | None) -> str:
    return f"account {number}" if number else "the bank's till"


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("receipt", metavar="RECEIPT", help="the number of the entry")
    parser.add_argument("--amount", metavar="AMOUNT", help="how much of it; without, all that is left")
    desk.order_arguments(parser)
    parser.add_argument("--yes", action="store_true", help="do it without asking")


REVERSE = Command("reverse", "give a movement of money back", _reverse, _arguments, WORDS)
