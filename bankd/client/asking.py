"""Asking the bank by a line: records for answers, exceptions for refusals, one-time passwords where it wants them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from bankd.client.answers import Answer, body_of, denied, items_of, unanswered
from bankd.client.errors import InDoubt, Loss, LostBank
from bankd.client.keys import key_of
from bankd.client.line import Line
from bankd.client.passcodes import AskPasscode, confirmed, nobody
from bankd.records import Receipt
from bankd.wire.codec import NotReply
from bankd.wire.messages import Message

T = TypeVar("T")

PAGE = 100
"""Notices, or holds, in a full page of the bank's."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """What one request gives of a list, in its order, and whether there may be ``more`` after it."""

    items: list[T]
    more: bool


class Asking:
    """Whoever asks the bank by ``line``; ``ask_passcode`` is where one-time passwords come from."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.ask_passcode: AskPasscode = nobody

    async def answer(self, message: Message) -> Answer:
        """The bank's answer to ``message`` as it travelled, a refusal included. Raises LostBank and InDoubt."""
        try:
            answer = await confirmed(self.line, message, self.ask_passcode)
        except NotReply:
            self.line.close()
            raise LostBank(Loss.NONSENSE) from None
        if key_of(message) and answer.code.number >= 500:
            raise InDoubt(message, denied(answer))
        return answer

    async def answer_verb(self, verb: str) -> Answer:
        """The bank's answer to a bare verb as it travelled, a refusal included."""
        return await self.line.ask_verb(verb)

    async def _granted(self, message: Message) -> Answer:
        """The answer to ``message``. Raises Denied when it is a refusal."""
        answer = await self.answer(message)
        if answer.code.refuses:
            raise denied(answer)
        return answer

    async def _body(self, message: Message) -> Any:
        return self._read(body_of, message, await self._granted(message))

    async def _pages(
        self, ask: Callable[[int | None], Message], number: Callable[[Any], int], since: int | None
    ) -> list[Any]:
        """All of a list that comes in pages, numbered above ``since``; ``ask`` makes the request for one."""
        page = await self._page(ask(since), number, since)
        found = [*page.items]
        while page.more:
            since = number(found[-1])
            page = await self._page(ask(since), number, since)
            found += page.items
        return found

    async def _page(self, message: Message, number: Callable[[Any], int], since: int | None) -> Page[Any]:
        """The part of a list that ``message`` asks for, numbered above ``since``."""
        items = self._read(items_of, message, await self._granted(message))
        # From a bank that does not count on nothing more is expected.
        return Page(items, more=len(items) >= PAGE and number(items[-1]) > (since or 0))

    async def _money(self, message: Message) -> Receipt:
        return cast(Receipt, await self._body(message))

    def _read(self, part: Any, message: Message, answer: Answer) -> Any:
        """A part of the answer as records. What is no answer to ``message`` ends the conversation: this is no bank."""
        try:
            return part(type(message), answer)
        except NotReply:
            self.line.close()
            raise unanswered(message, LostBank(Loss.NONSENSE)) from None
