"""The decision: commands and the accounts they touch in, outcomes and balanced entries out. Arithmetic over values.

1. A key is used once: the same command again has the outcome it had; another command under that key is refused.
   A session that is over is told so first, whatever its keys; the next one sends the command again.
2. Commands are decided in order; each sees what those before it did. What each does is ``rules.RULES``.
3. A set of transfers is decided in one place, with nothing between them; where one of a set that goes together is
   refused, none was made.

One row an entry, with both accounts and both balances after it, is how TigerBeetle keeps its transfers; the pointer to
each account's previous entry lets a statement be walked without an index.
"""

from collections.abc import Iterable
from dataclasses import replace

from bankd import codes
from bankd.codes import Code, Refused
from bankd.ledger.books import Account, Books, Kept, Outcome
from bankd.ledger.commands import Bulk, Command, Deposit, Hold, Payment, Sequel
from bankd.ledger.entries import Entry
from bankd.ledger.rules import RULES, payee_id


def decide(commands: Iterable[Command], books: Books) -> list[Outcome]:
    """Decide ``commands`` in order, one outcome each; ``books`` then holds what is to be written."""
    return [_outcome(command, books) for command in commands]


def _outcome(command: Command, books: Books) -> Outcome:
    """The outcome of one command, after those already in ``books``; the order is that of ``codes.ALL``."""
    own = books.accounts[command.account_id]
    if command.fence not in (None, own.fence):
        return Outcome(codes.OVER)
    if isinstance(command, Bulk):
        return _bulk(command, books)
    return _known(command, books) or _new(command, own, books)


def _known(command: Command, books: Books) -> Outcome | None:
    """The outcome that the command's key has already; None for a new key."""
    used = (command.customer_id, command.key)
    if used in books.entries:
        entry = books.entries[used]
        same = _said(command, books.kept[used]) if used in books.kept else _made(command, entry, books)
        return Outcome(codes.DONE, entry) if same else Outcome(codes.OTHER_CONTENT)
    if used in books.kept:
        kept = books.kept[used]
        return Outcome(kept.code, place=kept.place) if _said(command, kept) else Outcome(codes.OTHER_CONTENT)
    return None


def _said(command: Command, kept: Kept) -> bool:
    """Whether ``command`` is the one that was kept, sent again."""
    return command.content == kept.content


def _new(command: Command, own: Account, books: Books) -> Outcome:
    """The outcome of a command that was not seen before."""
    try:
        entry = RULES[type(command)](command, own, books)
    except Refused as refused:
        return books.keep(command, refused.code)
    if isinstance(command, Sequel):
        books.keep(command, codes.DONE)  # the entry does not tell whether an amount was named
    return Outcome(codes.DONE, entry)


def _made(command: Command, entry: Entry, books: Books) -> bool:
    """Whether ``command`` is the one that made ``entry``, sent again."""
    said = (command.kind, command.reference) == (entry.kind, entry.reference)
    return said and isinstance(command, Payment) and _paid(command, entry, books)


def _paid(command: Payment, entry: Entry, books: Books) -> bool:
    """Whether amount, accounts and time of ``entry`` are those that ``command`` names."""
    own_id, other_id = entry.debit_id, entry.credit_id
    if isinstance(command, Deposit):
        own_id, other_id = other_id, own_id
    named_id = books.tills.get(command.currency) if command.payee is None else payee_id(command, books)
    currency = books.accounts[command.account_id].currency
    asked = (command.account_id, named_id, command.amount_minor, command.currency)
    if isinstance(command, Hold) and entry.expires_us != entry.at_us + command.seconds * 1_000_000:
        return False
    return asked == (own_id, other_id, entry.amount_minor, currency)


def _bulk(bulk: Bulk, books: Books) -> Outcome:
    """The outcome of a set: with those of its transfers where it was carried out, otherwise with the first at fault."""
    known = _known(bulk, books)
    if known is not None and known.code.refuses:
        return known
    if bulk.together and known is None:
        place, code = _together(bulk, books)
        if code.refuses:
            return books.keep(bulk, code, place)
    if known is None:
        books.keep(bulk, codes.DONE)
    return Outcome(codes.DONE, parts=tuple(_outcome(transfer, books) for transfer in bulk.transfers))


def _together(bulk: Bulk, books: Books) -> tuple[int, Code]:
    """Make all transfers of a new set; or none, and give the place of the first that is refused, and why."""
    touched = {bulk.account_id, *books.fee_tills.values()} | {
        found for transfer in bulk.transfers if (found := payee_id(transfer, books)) is not None
    }
    before = {account_id: replace(books.accounts[account_id]) for account_id in touched}
    posted = len(books.posted)
    for place, transfer in enumerate(bulk.transfers, 1):
        try:
            RULES[type(transfer)](transfer, books.accounts[bulk.account_id], books)
        except Refused as refused:
            books.take_back(posted, before)
            return place, refused.code
    return 0, codes.DONE
