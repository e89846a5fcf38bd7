"""``bankctl reverse``: the bank itself gives a movement of money back, also while it serves.

The command's key is made once, so that it is carried out once however often the database has to be asked.
"""

import secrets
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass

from bankd import codes, money
from bankd.bank import payments
from bankd.codes import Code
from bankd.ctl.command import DONE, FAULT, Command, Unusable, opened_to_write, printable, settings_of
from bankd.ledger.books import Outcome
from bankd.ledger.commands import Reversal
from bankd.ledger.entries import Entry
from bankd.store import customers, holds, journal
from bankd.store.engines import Connection, DatabaseFault, Store
from bankd.store.failures import Unknown, is_undone
from bankd.wire.grammar import COUNT, TEXT, write_time

MAX_TRIES = 4
"""How often the database is asked when others are in the way, or when it did not say whether it was done."""

WORDS = """
Give back what the entry RECEIPT of the journal moved, or AMOUNT of it: a transfer, a deposit, a withdrawal, a fee or
what a hold paid, but no reversal. The entry stays, and another is added, which both statements show with the reason. It
is never more than what was moved, less what was given back before, and never more than the account that got it has
available. The bank may serve meanwhile. Nobody hears of it by UDP; it is a notice on both accounts like any other.
"""

WHY: dict[Code, str] = {
    codes.NO_ENTRY: "it is no entry that can be given back",
    codes.NO_ACCOUNT: "one of the two accounts is closed",
    codes.MORE_THAN_LEFT: "this is more than is left of it",
    codes.NO_FUNDS: "the account that it is to come from has not so much available",
    codes.TOO_MUCH: "a balance would become larger than the bank can keep",
}
"""What a refusal means here."""


@dataclass(frozen=True, slots=True)
class Movement:
    """An entry that is to be given back, the currency and names of its two accounts, and what is left of it."""

    entry: Entry
    currency: str
    payer: str
    payee: str
    left_minor: int

    def written(self, amount_minor: int) -> str:
        """An amount of it for a person."""
        return money.written(amount_minor, self.currency)


def _reverse(options: Namespace) -> int:
    settings = settings_of(options)
    receipt, reference = _receipt(options.receipt), _reason(options.reason)
    with opened_to_write(settings) as (store, _keys):
        with store.reading() as connection:
            movement = _movement(connection, receipt)
        amount_minor = _amount_minor(options.amount, movement)
        _show(movement, amount_minor)
        if not options.yes and not _agreed():
            print("nothing was done")
            return FAULT
        outcome = _carry_out(
            store,
            Reversal(
                customer_id=0,
                account_id=movement.entry.credit_id,
                fence=None,
                key=f":reversal:{secrets.token_hex(16)}",  # no customer can spell it: it begins with a colon
                reference=reference,
                of_id=movement.entry.id,
                amount_minor=amount_minor,
            ),
        )
    if outcome.entry is None:
        raise Unusable(f"receipt {movement.entry.id} is not given back: {WHY[outcome.code]}; nothing was done")
    after = f"{movement.payee} has {movement.written(outcome.entry.debit_balance)}"
    print(f"given back; receipt {outcome.entry.id}")
    print(f"{after}, {movement.payer} has {movement.written(outcome.entry.credit_balance)}")
    return DONE


def _movement(connection: Connection, receipt: int) -> Movement:
    """What is to be given back. Raises Unusable where there is nothing."""
    entry = journal.entry(connection, receipt)
    if entry is None:
        raise Unusable(f"there is no entry {receipt} in the journal")
    if not entry.moves or entry.kind == "reversal":
        raise Unusable(f"receipt {receipt} is a {entry.kind}: {WHY[codes.NO_ENTRY]}")
    numbers = customers.numbers(connection, {entry.debit_id, entry.credit_id})
    names = {side: f"account {number}" if number else "the bank's till" for side, number in numbers.items()}
    left_minor = entry.amount_minor - holds.reversed_minor(connection, receipt)
    currency = customers.account(connection, entry.debit_id).currency
    return Movement(entry, currency, names[entry.debit_id], names[entry.credit_id], left_minor)


def _amount_minor(text: str | None, movement: Movement) -> int:
    """How much is to be given back: all that is left where nothing is said. Raises Unusable."""
    if movement.left_minor == 0:
        raise Unusable(f"all of receipt {movement.entry.id} was given back before")
    if text is None:
        return movement.left_minor
    try:
        amount_minor = money.parse(text, movement.currency)
    except money.NotMoney as error:
        raise Unusable(f"--amount {printable(text)} will not do: {error}") from None
    if amount_minor > movement.left_minor:
        raise Unusable(f"only {movement.written(movement.left_minor)} of receipt {movement.entry.id} is left")
    return amount_minor


def _receipt(text: str) -> int:
    """The number of an entry. Raises Unusable."""
    try:
        return int(COUNT.parse(text))
    except ValueError:
        raise Unusable("RECEIPT takes the number of an entry, of 18 digits at most") from None


def _reason(text: str) -> str:
    """Words that stand on a statement. Raises Unusable."""
    try:
        return str(TEXT.parse(text))
    except ValueError:
        raise Unusable("--reason takes 1 to 140 printable characters") from None


def _show(movement: Movement, amount_minor: int) -> None:
    entry = movement.entry
    reference = f" ({printable(entry.reference)})" if entry.reference else ""
    print(f"receipt {entry.id} of {write_time(entry.at_us)}: {entry.kind} of {movement.written(entry.amount_minor)}")
    print(f"  from {movement.payer} to {movement.payee}{reference}")
    if movement.left_minor != entry.amount_minor:
        print(f"  given back before: {movement.written(entry.amount_minor - movement.left_minor)}")
    print(f"to give back: {movement.written(amount_minor)} from {movement.payee} to {movement.payer}")


def _agreed() -> bool:
    """Whether the operator says yes. Raises Unusable where nobody can be asked."""
    if not sys.stdin.isatty():
        raise Unusable("there is no terminal to ask at; --yes does it without")
    try:
        return input("Give it back? (y/N) ").strip().casefold() in ("y", "yes")
    except EOFError:
        return False


def _carry_out(store: Store, command: Reversal) -> Outcome:
    """What became of ``command``, which is given again under the same key as long as that is not known."""
    for _ in range(MAX_TRIES - 1):
        try:
            return _once(store, command)
        except DatabaseFault as error:
            if not is_undone(error) and not isinstance(error, Unknown):
                raise
    return _once(store, command)


def _once(store: Store, command: Reversal) -> Outcome:
    with store.writing() as tx:
        return payments.apply(tx, [command])[0]


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("receipt", metavar="RECEIPT", help="the number of the entry")
    parser.add_argument("--amount", metavar="AMOUNT", help="how much of it; without, all that is left")
    parser.add_argument("--reason", metavar="WORDS", required=True, help="what both statements are to say")
    parser.add_argument("--yes", action="store_true", help="do it without asking")


REVERSE = Command("reverse", "give a movement of money back", _reverse, _arguments, WORDS)
