"""Money moves: a batch of commands is loaded, decided and written in one transaction."""

from collections.abc import Mapping, Sequence

from bankd.codes import Refused
from bankd.ledger import book
from bankd.ledger.books import Books, Outcome
from bankd.ledger.commands import Command, Expiry
from bankd.ledger.entries import Entry
from bankd.ledger.tariff import FREE, Tariff
from bankd.records import BulkEnd, BulkLine, BulkResult, Held, NoticeKind, Receipt
from bankd.store import holds, journal, outbox
from bankd.store.engines import Transaction

MOST_EXPIRED = 500
"""Holds that end by themselves in one transaction, at most: others wait for it."""


def apply(tx: Transaction, commands: Sequence[Command], tariff: Tariff = FREE) -> list[Outcome]:
    """Carry out ``commands`` in order; one outcome each."""
    return carry_out(tx, commands, tariff)[0]


def carry_out(
    tx: Transaction, commands: Sequence[Command], tariff: Tariff = FREE
) -> tuple[list[Outcome], Sequence[Entry]]:
    """As ``apply``; and the entries that were made, which are none where all was done before."""
    books = journal.load(tx, commands, tariff)
    outcomes = book.decide(commands, books)
    journal.append(tx, books)
    outbox.announce(tx, books)
    if tariff.unusual_withdrawals:
        _tell_of_unusual(tx, books, tariff.unusual_withdrawals)
    return outcomes, books.posted


def expire_holds(tx: Transaction) -> int:
    """End holds whose time has passed, MOST_EXPIRED at most, and return how many."""
    due = holds.due(tx.connection, tx.at_us, MOST_EXPIRED)
    if due:
        apply(tx, [_expiry(hold.id, hold.account_id) for hold in due])
    return len(due)


def receipt(outcome: Outcome, account_id: int, currency: str) -> Receipt:
    """What the entry of ``outcome`` is to the owner of one of its accounts. Raises Refused when there is none."""
    entry = _made(outcome)
    side = entry.side(account_id)
    return Receipt(entry.id, entry.at_us, side.amount_minor, side.balance_minor, currency)


def bulk_result(outcome: Outcome, currency: str) -> BulkResult:
    """What became of a set of transfers. Raises Refused, naming the transfer at fault, when none of them was made."""
    if outcome.code.refuses:
        raise Refused(outcome.code, place=outcome.place)
    lines = tuple(
        BulkLine(place, part.entry.id) if part.entry else BulkLine(place, reason=part.code.reason)
        for place, part in enumerate(outcome.parts, 1)
    )
    made = [part.entry for part in outcome.parts if part.entry]
    end = BulkEnd(len(made), len(lines) - len(made), sum(entry.amount_minor for entry in made), currency)
    return BulkResult(lines, end)


def held(outcome: Outcome, currency: str) -> Held:
    """What the entry of ``outcome``, which set money aside, is to its owner. Raises Refused when there is none."""
    entry = _made(outcome)
    return Held(entry.id, entry.at_us, entry.expires_us or 0, entry.amount_minor, currency)


def _tell_of_unusual(tx: Transaction, books: Books, limits: Mapping[str, int]) -> None:
    """Tell owners of cash that left their accounts, where it was more at once than the limit of its currency."""
    for entry in books.posted:
        payer = books.accounts[entry.debit_id]
        in_cash = entry.kind in ("withdrawal", "capture") and books.accounts[entry.credit_id].floor_minor is None
        if in_cash and entry.amount_minor > limits.get(payer.currency, entry.amount_minor):
            outbox.add(tx, payer.id, NoticeKind.UNUSUAL)


def _made(outcome: Outcome) -> Entry:
    if outcome.entry is None:
        raise Refused(outcome.code)
    return outcome.entry


def _expiry(hold_id: int, account_id: int) -> Expiry:
    """The bank's own command; no customer can spell its key, which begins with a colon."""
    return Expiry(customer_id=0, account_id=account_id, fence=None, key=f":expiry:{hold_id}", of_id=hold_id)
