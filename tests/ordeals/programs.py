"""A process of customers in a storm who use the client's library: python -m tests.ordeals.programs FOLDER NUMBER

They are customers as those of ``customers`` are, but leave it to ``bankd.client.connect`` to connect again and to ask
again, in sealed sessions; and all of them listen with ``bankd.client.watch``. Datagrams come to them by a rough road.
"""

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import deferLater, react

from bankd.client import Bank, BankError, Login, connect, conversation, watch
from bankd.client.answers import Answer
from bankd.records import Notice
from bankd.wire import messages
from bankd.wire.grammar import write_time
from bankd.wire.messages import BulkItem, Message
from tests.ordeals import plan
from tests.ordeals.customers import LONG_PAUSE_SECONDS, MOST_MINOR, PAUSE_SECONDS
from tests.ordeals.diary import Diary
from tests.ordeals.operations import BETWEEN, Operation
from tests.ordeals.plan import Plan
from tests.ordeals.wishes import AllWishes, Promises
from tests.rough_road import Detour, RoughRoad

PATIENCE_SECONDS = 15.0
"""How long the library waits for an answer here, in place of half a minute."""


class Program:
    """One customer, until everything is asked and answered."""

    def __init__(self, told: Plan, number: str, diary: Diary, promises: Promises) -> None:
        self._plan, self._number, self._diary = told, number, diary
        self._row = told.accounts[number]
        self._open = diary.open[number]
        seed = f"{told.seed} {number} {diary.asked[number]}"
        self._wishes = AllWishes(seed, told.rows, MOST_MINOR, promises)
        self._chance = random.Random(seed)
        self._detour = Detour(9, RoughRoad(told.seed))
        self._seen = diary.seen.get(number, told.listeners[number])
        self._heard_all = False

    async def live(self) -> None:
        """Have sessions until nothing is left; one, if the library keeps its promises."""
        login = Login(account=self._number, pin=self._plan.pin)
        server, ca, identity = f"localhost:{self._plan.port}", self._plan.ca, self._plan.identity
        while not self._heard_all:
            try:
                async with connect(server, login, ca=ca, identity=identity, tell=self._told) as bank:
                    await self._bank(bank)
            except BankError as error:
                await self._given_up(error)

    async def _bank(self, bank: Bank) -> None:
        self._listen_by_detour(bank)
        Deferred.fromCoroutine(self._watch(bank))
        while self._left or self._open or not self._plan.over.exists():
            if not (operations := self._next()):
                await self._pause()
            await DeferredList([Deferred.fromCoroutine(self._ask(bank, each)) for each in operations])
            if bank.over is not None:
                raise bank.over
        newest = await bank.newest_notice()
        while self._seen < newest:
            await self._pause()
            if bank.over is not None:
                raise bank.over
        self._heard_all = True

    @property
    def _left(self) -> int:
        return self._plan.operations - self._diary.asked[self._number]

    def _next(self) -> Sequence[Operation]:
        """What to ask now, together."""
        again = list(self._open.values())
        count = min(self._left, self._chance.randint(1, self._plan.depth) - len(again))
        new = [self._wishes.anything(self._row) for _ in range(max(0, count))]
        self._diary.ask(new)
        return again + [each for operation in new for each in self._wishes.perhaps_again(operation)]

    async def _ask(self, bank: Bank, operation: Operation) -> None:
        try:
            answer = _spelt(await bank.answer(_message(operation)))
        except BankError as error:
            self._diary.count(self._number, f"the library said {type(error).__name__}")
            self._diary.doubt([operation])
        else:
            operation.answer = operation.answer or answer
            self._diary.answer([(operation, answer)])
            self._wishes.noted(operation)

    async def _watch(self, bank: Bank) -> None:
        """Write down each notice as the library gives it; where the bank was too busy for too long, watch again."""
        while bank.over is None:
            try:
                async for notice in watch(bank, self._seen):
                    self._diary.tell(self._number, [_told(notice)])
                    self._seen = notice.number
            except BankError as error:
                await self._given_up(error)

    def _listen_by_detour(self, bank: Bank) -> None:
        """Have the bank's datagrams come by the rough road."""
        listen = bank.listen

        async def listen_there(port: int) -> Any:
            self._detour.lead_to(port)
            return await listen(self._detour.port)

        bank.listen = listen_there  # type: ignore[method-assign]

    def _told(self, words: str) -> None:
        self._diary.count(self._number, "words of the library")

    async def _given_up(self, error: BankError) -> None:
        """Write down that the library gave up, and wait before it is asked again."""
        self._diary.count(self._number, f"the library gave up: {type(error).__name__}")
        await self._pause(LONG_PAUSE_SECONDS)

    async def _pause(self, most_seconds: float = PAUSE_SECONDS) -> None:
        await deferLater(the_reactor, self._chance.uniform(0, most_seconds))


def _message(operation: Operation) -> Message:
    """An operation as the library has it."""
    key, currency = operation.key, operation.row.currency
    money = {"currency": currency, "key": key}
    match operation.verb:
        case "DEPOSIT":
            return messages.Deposit(amount=operation.amount_minor, **money)
        case "WITHDRAW":
            return messages.Withdraw(amount=operation.amount_minor, **money)
        case "TRANSFER":
            return messages.Transfer(to=operation.to or "", amount=operation.amount_minor, **money)
        case "HOLD":
            lasts = operation.seconds
            return messages.Hold(to=operation.to, amount=operation.amount_minor, seconds=lasts, **money)
        case "CAPTURE":
            return messages.Capture(hold=operation.hold, amount=operation.amount_minor or None, key=key)
        case "RELEASE":
            return messages.Release(hold=operation.hold, key=key)
        case _:
            items = tuple(BulkItem(to=item.to, amount=item.amount_minor) for item in operation.items)
            return messages.Bulk(count=len(items), mode="all" if operation.together else "each", items=items, **money)


def _spelt(answer: Answer) -> str:
    """An answer as it travelled, without the tag."""
    lines = [["-", *_pairs(item)] for item in answer.items]
    return BETWEEN.join(" ".join(line) for line in [*lines, [str(answer.code.number), *_pairs(answer.fields)]])


def _pairs(fields: Any) -> list[str]:
    return [f"{name}={value}" for name, value in fields.items()]


def _told(notice: Notice) -> str:
    said = {"number": notice.number, "kind": notice.kind, "at": write_time(notice.at_us)}
    moved = {"amount": notice.amount_minor, "balance": notice.balance_minor}
    return " ".join(_pairs(said | {name: value for name, value in moved.items() if value is not None}))


async def main(reactor: Any, folder: str, number: str) -> None:
    """Be the customers of a process."""
    conversation.ANSWER_SECONDS = PATIENCE_SECONDS
    told = plan.load(Path(folder))
    diary, promises = Diary(told.diary(int(number)), told.accounts), Promises()
    customers = [Program(told, each, diary, promises) for each in told.crews[int(number)]]
    done = [Deferred.fromCoroutine(customer.live()) for customer in customers]
    await DeferredList(done, fireOnOneErrback=True, consumeErrors=True)


if __name__ == "__main__":
    react(main, sys.argv[1:])
