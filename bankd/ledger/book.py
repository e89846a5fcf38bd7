"""The decision: commands and the accounts they touch in, outcomes and balanced entries out. Arithmetic over values.

1. An entry moves one amount from the account debited to the account credited, so every entry balances by itself and
   the balances of all accounts always add up to zero.
2. An account's balance is its credits less its debits. A customer's account never goes below its floor; a till, where
   cash is, goes below zero by what was paid in.
3. A key is used once: the same command again has the outcome it had; another command under that key is refused.
   A session that is over is told so first, whatever its keys; the next one sends the command again.
4. Commands are decided in order; each sees what those before it did.

One row an entry, with both accounts and both balances after it, is how TigerBeetle keeps its transfers; the pointer to
each account's previous entry lets a statement be walked without an index.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bankd import codes
from bankd.codes import Code, Refused
from bankd.ledger.commands import Command, Deposit, Transfer
from bankd.money import MAX_BALANCE_MINOR, MAX_HOLDING_MINOR


@dataclass(slots=True)
class Account:
    """An account as a decision sees it, and moves it on.

    ``floor_minor`` is the lowest balance allowed, None for a till. ``newest`` is the id of the newest entry, None
    before the first; ``events`` counts what happened on the account and numbers its notices. ``fence`` is that of the
    lease last given out on it, 0 before the first.
    """

    id: int
    number: str
    currency: str
    balance_minor: int = 0
    floor_minor: int | None = 0
    newest: int | None = None
    events: int = 0
    closed: bool = False
    fence: int = 0


class Entry(NamedTuple):
    """One movement of money, as the journal keeps it for ever.

    For each side: the account, its balance after the entry, its entry before this one, and the number that this event
    has among the account's. ``at_us`` is microseconds since 1970 in UTC.
    """

    id: int
    kind: str
    debit_id: int
    credit_id: int
    amount_minor: int
    debit_balance: int
    credit_balance: int
    debit_previous: int | None
    credit_previous: int | None
    debit_event: int
    credit_event: int
    at_us: int
    key: str
    customer_id: int
    reference: str | None

    def side(self, account_id: int) -> "Side":
        """The entry as the owner of ``account_id``, one of its two accounts, sees it."""
        if account_id == self.debit_id:
            kind = "paid" if self.kind == "transfer" else self.kind
            return Side(kind, -self.amount_minor, self.debit_balance, self.debit_event, self.credit_id)
        kind = "received" if self.kind == "transfer" else self.kind
        return Side(kind, self.amount_minor, self.credit_balance, self.credit_event, self.debit_id)


@dataclass(frozen=True, slots=True)
class Side:
    """One account's side of an entry: what it was to the owner, the amount with its sign, the balance after it, the
    number of the event, and the account on the other side.
    """

    kind: str
    amount_minor: int
    balance_minor: int
    event: int
    other_id: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that was refused, as it is kept, so that its key has this outcome for ever."""

    command: Command
    code: Code
    at_us: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command: the ``entry`` that it made, now or when first sent, or the ``code`` of its refusal."""

    code: Code
    entry: Entry | None = None


@dataclass(slots=True)
class Books:
    """What a decision is made from: everything that a batch of commands touches, and what it makes of it.

    ``head`` is the link of the newest entry (``chain``), which no decision depends on.
    ``accounts`` by id, ``ids`` of payees by account number, ``tills`` by currency, ``entries`` and ``refusals``
    already known by customer and key. Every command's own account is there, and for cash the till of its currency if
    the two agree. Deciding moves ``accounts`` on and adds to ``posted`` and ``refused``, in order.
    """

    at_us: int
    next_id: int
    accounts: dict[int, Account]
    ids: Mapping[str, int]
    tills: Mapping[str, int]
    head: bytes = b""
    entries: dict[tuple[int, str], Entry] = field(default_factory=dict)
    refusals: dict[tuple[int, str], Refusal] = field(default_factory=dict)
    posted: list[Entry] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def decide(commands: Iterable[Command], books: Books) -> list[Outcome]:
    """Decide ``commands`` in order, one outcome each; ``books`` then holds what is to be written."""
    return [_outcome(command, books) for command in commands]


def _outcome(command: Command, books: Books) -> Outcome:
    """The outcome of one command, after those already in ``books``; the order is that of ``codes.ALL``."""
    own = books.accounts[command.account_id]
    if command.fence not in (None, own.fence):
        return Outcome(codes.OVER)
    used = (command.customer_id, command.key)
    if used in books.entries:
        entry = books.entries[used]
        return Outcome(codes.DONE, entry) if _made(command, entry, books) else Outcome(codes.OTHER_CONTENT)
    if used in books.refusals:
        before = books.refusals[used]
        return Outcome(before.code if _content(command) == _content(before.command) else codes.OTHER_CONTENT)
    try:
        debit, credit = _sides(command, own, books)
        return Outcome(codes.DONE, _post(command, debit, credit, books))
    except Refused as refused:
        return _refuse(command, refused.code, books)


def _made(command: Command, entry: Entry, books: Books) -> bool:
    """Whether ``command`` is the one that made ``entry``, sent again."""
    own_id = entry.credit_id if isinstance(command, Deposit) else entry.debit_id
    currency = books.accounts[command.account_id].currency
    kept = (entry.kind, own_id, currency, entry.amount_minor, entry.reference)
    asked = (command.kind, command.account_id, command.currency, command.amount_minor, command.reference)
    return asked == kept and (not isinstance(command, Transfer) or _payee_id(command, books) == entry.credit_id)


def _content(command: Command) -> tuple[object, ...]:
    """What must be equal for two commands to be the same one sent twice: all but the session it came through."""
    return (
        command.kind,
        command.account_id,
        command.payee,
        command.amount_minor,
        command.currency,
        command.reference,
    )


def _payee_id(command: Command, books: Books) -> int | None:
    """The id of the account that ``command`` pays; None when there is no such account."""
    return books.ids.get(command.payee or "")


def _sides(command: Command, own: Account, books: Books) -> tuple[Account, Account]:
    """The accounts to debit and to credit. Raises Refused when there is no pair that the amount may pass between."""
    if isinstance(command, Transfer):
        payee_id = _payee_id(command, books)
        if own.closed or payee_id is None or books.accounts[payee_id].closed:
            raise Refused(codes.NO_ACCOUNT)
        if payee_id == own.id:
            raise Refused(codes.SAME_ACCOUNT)
        if not own.currency == books.accounts[payee_id].currency == command.currency:
            raise Refused(codes.OTHER_CURRENCY)
        return own, books.accounts[payee_id]
    if own.closed:
        raise Refused(codes.NO_ACCOUNT)
    if own.currency != command.currency:
        raise Refused(codes.OTHER_CURRENCY)
    till = books.accounts[books.tills[command.currency]]
    return (till, own) if isinstance(command, Deposit) else (own, till)


def _refuse(command: Command, code: Code, books: Books) -> Outcome:
    """Keep the refusal, so that the key has it for ever."""
    refusal = Refusal(command, code, books.at_us)
    books.refusals[command.customer_id, command.key] = refusal
    books.refused.append(refusal)
    return Outcome(code)


def _post(command: Command, debit: Account, credit: Account, books: Books) -> Entry:
    """Move the amount, and add the entry that says so. Raises Refused when a balance would pass its bounds."""
    debit_balance = debit.balance_minor - command.amount_minor
    credit_balance = credit.balance_minor + command.amount_minor
    if debit.floor_minor is not None and debit_balance < debit.floor_minor:
        raise Refused(codes.NO_FUNDS)
    if debit_balance < -MAX_BALANCE_MINOR or credit_balance > _ceiling(credit):
        raise Refused(codes.TOO_MUCH)
    entry = Entry(
        id=books.next_id,
        kind=command.kind,
        debit_id=debit.id,
        credit_id=credit.id,
        amount_minor=command.amount_minor,
        debit_balance=debit_balance,
        credit_balance=credit_balance,
        debit_previous=debit.newest,
        credit_previous=credit.newest,
        debit_event=debit.events + 1,
        credit_event=credit.events + 1,
        at_us=books.at_us,
        key=command.key,
        customer_id=command.customer_id,
        reference=command.reference,
    )
    books.next_id += 1
    _move(debit, debit_balance, entry.id)
    _move(credit, credit_balance, entry.id)
    books.entries[entry.customer_id, entry.key] = entry
    books.posted.append(entry)
    return entry


def _ceiling(account: Account) -> int:
    """The largest balance that an account may have: a customer's, or a till's."""
    return MAX_BALANCE_MINOR if account.floor_minor is None else MAX_HOLDING_MINOR


def _move(account: Account, balance_minor: int, entry_id: int) -> None:
    """``account`` has one entry more."""
    account.balance_minor = balance_minor
    account.newest = entry_id
    account.events += 1
