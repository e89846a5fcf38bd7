"""What a person is told before the bank ends a session in which nothing was asked, and what then keeps it."""

from collections.abc import Callable
from contextlib import suppress

from twisted.internet.defer import Deferred

from bankd.client import words
from bankd.client.bank import Bank
from bankd.client.errors import LostBank
from bankd.client.noticeboard import Noticeboard
from bankd.client.screen import Screen
from bankd.codes import Refused


class Idleness:
    """Warns the person at ``screen`` by ``say``; the next key asks the bank for notices, which it counts as asking."""

    def __init__(self, screen: Screen, bank: Bank, board: Noticeboard, say: Callable[[str], None]) -> None:
        self._screen = screen
        self._board = board
        self._say = say
        bank.line.on_idle = self._warn

    def _warn(self, seconds: int) -> None:
        self._screen.on_key = self._stay
        self._say(words.idle_soon(seconds))

    def _stay(self) -> None:
        self._screen.on_key = _nothing
        Deferred.fromCoroutine(self._ask())

    async def _ask(self) -> None:
        with suppress(Refused, LostBank):  # whoever asks next is told
            await self._board.fetch()
            self._board.remind()


def _nothing() -> None:
    """A key like any other."""
