"""Money moves: a batch of commands is loaded, decided and written in one transaction."""

from collections.abc import Sequence

from bankd.ledger import book
from bankd.ledger.book import Entry, Outcome
from bankd.ledger.commands import Command
from bankd.records import Receipt
from bankd.store import journal, outbox
from bankd.store.engines import Transaction


def apply(tx: Transaction, commands: Sequence[Command]) -> list[Outcome]:
    """Carry out ``commands`` in order; one outcome each."""
    books = journal.load(tx, commands)
    outcomes = book.decide(commands, books)
    journal.append(tx, books)
    outbox.announce(tx, books.posted)
    return outcomes


def receipt(entry: Entry, account_id: int, currency: str) -> Receipt:
    """What ``entry`` is to the owner of one of its accounts."""
    side = entry.side(account_id)
    return Receipt(entry.id, entry.at_us, side.amount_minor, side.balance_minor, currency)
