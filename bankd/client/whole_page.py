"""A page of a statement with as many entries as were asked for, as long as there are any.

The bank goes back so many entries and passes over those that moved nothing, such as holds, so a page of its own may be
short, or empty, with older entries behind it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bankd.client.answers import Answer
from bankd.wire import messages
from bankd.wire.grammar import COUNT

LINES = 20
"""Entries on a page where the customer does not say, at the bank too."""

OF_THE_OLDEST = ("opening", "cursor")
"""The fields that tell of the older end of a page; the others tell of its newer end, or of the whole period."""


async def whole_page(ask: Callable[[messages.Statement], Awaitable[Answer]], message: messages.Statement) -> Answer:
    """The answer to ``message`` with those to what is left of it, as if it had been one; or the first refusal."""
    answer = await ask(message)
    missing = (message.limit or LINES) - len(answer.items)
    cursor = _cursor(answer)
    while missing > 0 and cursor not in (None, message.cursor):
        message = replace(message, limit=missing, cursor=cursor)
        older = await ask(message)
        if older.code.refuses:
            return older
        answer = _joined(answer, older)
        missing -= len(older.items)
        cursor = _cursor(older)
    return answer


def _cursor(answer: Answer) -> int | None:
    """Where older entries are found. What is no number is left to whoever reads the answer."""
    cursor = answer.fields.get("cursor", "")
    return COUNT.parse(cursor) if COUNT.pattern.fullmatch(cursor) else None


def _joined(newer: Answer, older: Answer) -> Answer:
    """Two pages as one."""
    kept = {name: value for name, value in newer.fields.items() if name not in OF_THE_OLDEST}
    told = {name: value for name, value in older.fields.items() if name in OF_THE_OLDEST}
    return Answer(newer.code, kept | told, newer.items + older.items)
