"""Operations at random, from a seed."""

import random
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bankd.store.customers import AccountRow
from tests.ordeals.operations import NOBODY, Item, Operation, fields

AGAIN_IN = 10
"""With one operation in so many, that or one of the RECENT ones of its account is sent again."""

RECENT = 100


class Wishes:
    """Operations at random, from a seed: the same seed gives the same operations in the same order."""

    def __init__(self, seed: int | str, rows: Sequence[AccountRow], most_minor: int) -> None:
        self.random = random.Random(seed)
        self.rows = rows
        self._most_minor = most_minor
        self._count = 0
        self._recent: dict[int, deque[Operation]] = {}

    def transfer(self, row: AccountRow, payees: Sequence[AccountRow], most_minor: int | None = None) -> Operation:
        """A payment to one of ``payees``, which may hold the payer."""
        return Operation(row, "TRANSFER", self.amount(most_minor), self.key(), self.other(row, payees))

    def anything(self, row: AccountRow) -> Operation:
        """Most often a payment to any other account, else cash paid in or out."""
        verb = self.random.choices(("TRANSFER", "DEPOSIT", "WITHDRAW"), (8, 1, 1))[0]
        if verb == "TRANSFER":
            return self.transfer(row, self.rows)
        return Operation(row, verb, self.amount(), self.key())

    def perhaps_again(self, operation: Operation) -> list[Operation]:
        """``operation``, and now and then with it the same once more, or an earlier one of its account."""
        recent = self._recent.setdefault(operation.row.id, deque(maxlen=RECENT))
        recent.append(operation)
        if self.random.randrange(AGAIN_IN):
            return [operation]
        return [operation, self.random.choice((operation, self.random.choice(recent)))]

    def other(self, row: AccountRow, payees: Iterable[AccountRow]) -> AccountRow:
        """One of ``payees`` that is not ``row``."""
        return self.random.choice([payee for payee in payees if payee is not row])

    def amount(self, most_minor: int | None = None) -> int:
        """How much."""
        return self.random.randint(1, most_minor or self._most_minor)

    def key(self) -> str:
        """One that nobody has used."""
        self._count += 1
        return f"{self._count}-{self.random.getrandbits(64):016x}"


@dataclass(frozen=True, slots=True)
class Promise:
    """A hold that customers of one process know of, of theirs."""

    hold: int
    payer: AccountRow
    payee: AccountRow | None
    amount_minor: int


Promises = dict[int, deque[Promise]]
"""Holds that are open, as far as is known, by the ids of accounts that have part in them."""


class AllWishes(Wishes):
    """Operations of every verb; what ends a hold is wished for once somebody with the same ``promises`` noted one."""

    LASTS_SECONDS = (2, 600)
    """How long holds last: some end by themselves on the way."""

    ITEMS = (1, 8)
    """Payments in a set."""

    def __init__(self, seed: int | str, rows: Sequence[AccountRow], most_minor: int, promises: Promises) -> None:
        super().__init__(seed, rows, most_minor)
        self._promises = promises

    def anything(self, row: AccountRow) -> Operation:
        """Any operation."""
        verb = self.random.choices(
            ("TRANSFER", "DEPOSIT", "WITHDRAW", "HOLD", "CAPTURE", "RELEASE", "BULK"), (40, 14, 8, 12, 10, 8, 8)
        )[0]
        if verb == "HOLD":
            payee = self.random.choice((None, self.other(row, self.rows)))
            lasts = self.random.randint(*self.LASTS_SECONDS)
            return Operation(row, verb, self.amount(), self.key(), payee, seconds=lasts)
        if verb == "BULK":
            items = tuple(self._item(row) for _ in range(self.random.randint(*self.ITEMS)))
            return Operation(row, verb, 0, self.key(), items=items, together=self.random.random() < 0.5)
        if verb in ("CAPTURE", "RELEASE"):
            if (sequel := self._sequel(row, verb)) is not None:
                return sequel
        elif verb in ("DEPOSIT", "WITHDRAW"):
            return Operation(row, verb, self.amount(), self.key())
        if not self.random.randrange(100):
            return Operation(row, "TRANSFER", self.amount(), self.key())  # to nobody
        return self.transfer(row, self.rows)

    def noted(self, operation: Operation) -> None:
        """An operation was answered: a hold that is open now can be ended, by either of its accounts."""
        if operation.verb == "HOLD" and operation.done:
            hold = int(fields(operation.answer or "")["hold"])
            promise = Promise(hold, operation.row, operation.payee, operation.amount_minor)
            for row in (operation.row, operation.payee):
                if row is not None:
                    self._promises.setdefault(row.id, deque(maxlen=RECENT)).append(promise)

    def _item(self, row: AccountRow) -> Item:
        number = NOBODY if not self.random.randrange(50) else self.other(row, self.rows).number
        return Item(number, self.amount(self._most_minor // 4))

    def _sequel(self, row: AccountRow, verb: str) -> Operation | None:
        """What ends a hold that ``row`` has part in, or tries to, since some are not this account's to end."""
        known = self._promises.get(row.id)
        if not known:
            return None
        promise = known.popleft()
        amount = self.random.choice((0, self.amount(promise.amount_minor), self.amount(2 * promise.amount_minor)))
        return Operation(row, verb, 0 if verb == "RELEASE" else amount, self.key(), hold=promise.hold)
