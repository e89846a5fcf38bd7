"""Orders: money that somebody wants moved in a simulated world, and what the bank says of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from bankd import codes
from bankd.client.answers import Answer
from bankd.ledger.entries import Entry
from bankd.simulation.site import Person
from bankd.wire import messages
from bankd.wire.messages import BulkItem, Message

KINDS: Mapping[type[Message], str] = {
    messages.Deposit: "deposit",
    messages.Withdraw: "withdrawal",
    messages.Transfer: "transfer",
    messages.Bulk: "transfer",
    messages.Hold: "hold",
    messages.Capture: "capture",
    messages.Release: "release",
    messages.Reverse: "reversal",
}
"""What each order becomes in the journal."""

MOST_MINOR = 185_00
"""The most that is usually asked for at once; there may be less."""

MUCH_MINOR = 210_00
"""The most that is asked for at once at all: it takes a one-time password, or is more than is allowed."""

SAYS_NOTHING = frozenset({401, 410, 429})
"""Codes after which it is unknown whether an order was carried out, besides those from 500 on."""

_OF_PASSWORDS = (codes.NO_CHALLENGE, codes.WRONG_CODE, codes.NO_DEVICE)
"""What is said of a one-time password, and not of the order that wants one."""


class Wrong(AssertionError):
    """The bank broke a promise; the text says which, and how it was seen."""


@dataclass(slots=True, eq=False)
class Order:
    """Money that ``terminal`` wants moved for ``person``; ``said`` is the bank's last word, None before it."""

    person: Person
    terminal: str
    message: Message
    said: Answer | None = None
    entries: list[Entry] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The key that was made for it."""
        return str(self.message.key)  # type: ignore[attr-defined]

    @property
    def is_done(self) -> bool:
        """Whether the bank said that it was carried out."""
        return self.said is not None and not self.said.code.refuses

    def __str__(self) -> str:
        return f"{self.message} of {self.person.username} at {self.terminal}"


def wish(
    chance: Random, person: Person, people: Sequence[Person], holds: Sequence[int], receipts: Sequence[int], key: str
) -> Message:
    """Something that ``person`` wants done with money, where these ``holds`` and ``receipts`` may be named."""
    amount = chance.randrange(1, MOST_MINOR) if chance.random() < 0.96 else chance.randrange(MOST_MINOR, MUCH_MINOR)
    to = chance.choice([one for one in people if one is not person]).account
    kind = chance.choices(range(7), (36, 10, 12, 12, 10, 10, 10))[0]
    if kind == 1:
        return messages.Deposit(amount=amount, currency="USD", key=key)
    if kind == 2:
        return messages.Withdraw(amount=amount, currency="USD", key=key)
    if kind == 3:
        return messages.Hold(to=to, amount=amount, currency="USD", seconds=chance.choice([5, 20, 3600]), key=key)
    if kind == 4 and holds:
        return messages.Capture(hold=chance.choice(holds[-2:]), amount=chance.choice([None, amount]), key=key)
    if kind == 5 and receipts:
        return messages.Reverse(receipt=chance.choice(receipts), amount=chance.choice([None, amount]), key=key)
    if kind == 6:
        most = chance.choice([50_00, MOST_MINOR])
        items = tuple(BulkItem(to=to, amount=chance.randrange(1, most)) for _ in range(chance.randrange(1, 5)))
        mode = chance.choice(["all", "each"])
        return messages.Bulk(count=len(items), mode=mode, currency="USD", key=key, items=items)
    return messages.Transfer(to=to, amount=amount, currency="USD", key=key)


def says_nothing(answer: Answer) -> bool:
    """Whether ``answer`` leaves it open what becomes of an order."""
    code = answer.code
    return code.number >= 500 or code.number in SAYS_NOTHING or code in _OF_PASSWORDS


def is_asked(entry: Entry, order: Order, by_number: Mapping[str, Person]) -> bool:
    """Whether ``entry`` moves what ``order`` asks for, from where and to where it asks for it."""
    message = order.message
    own_id = entry.credit_id if isinstance(message, messages.Deposit) else entry.debit_id
    if order.person.account_id != own_id and not isinstance(message, messages.Capture | messages.Release):
        return False
    if isinstance(message, messages.Bulk):
        place = int(entry.key.rpartition(":")[2])
        if not 0 < place <= len(message.items):
            return False
        item = message.items[place - 1]
        return entry.amount_minor == item.amount and by_number[item.to].account_id == entry.credit_id
    amount = getattr(message, "amount", None)
    to = getattr(message, "to", None)
    of = getattr(message, "hold", None) or getattr(message, "receipt", None)
    return (
        (amount is None or amount == entry.amount_minor)
        and (to is None or by_number[to].account_id == entry.credit_id)
        and (of is None or of == entry.of_id)
    )


def told(answer: Answer) -> str:
    """An answer, for people."""
    return f"{answer.code.number} {answer.code.reason} {dict(answer.fields)}"
