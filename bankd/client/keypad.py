"""A dialog by single keys, with a person who may have gone away."""

import re
from collections.abc import Sequence

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from bankd.client import atm_prompts
from bankd.client.dialog import Dialog, Option, T
from bankd.client.screen import Screen

_LETTERS = re.compile(r" *\([^()]*/[^()]*\) *$")


class Keypad(Dialog):
    """A ``Dialog`` at which a choice is one key, and no line."""

    async def choose(self, menu: Sequence[Option[T]]) -> T:
        """What the person chooses from ``menu``, of up to nine options; a key that stands for none does nothing."""
        self.say(atm_prompts.big([option.words for option in menu]))
        by_key = {str(number): option.meaning for number, option in enumerate(menu, 1)}
        while True:
            pressed = await self._answer(atm_prompts.KEY, "".join(by_key))
            if pressed in by_key:
                return by_key[pressed]

    async def confirm(self, question: str) -> bool:
        """Whether the answer is yes; the question is said without the letters that a line would be answered by."""
        self.say(f"{_LETTERS.sub('', question)}\n")
        return await self.choose((Option(atm_prompts.YES, True), Option(atm_prompts.NO, False)))


class Attention:
    """Withdraws the question on ``screen`` when no key was pressed for ``seconds``; ``lost`` says that this was so."""

    def __init__(self, screen: Screen, clock: IReactorTime, seconds: float) -> None:
        self.lost = False
        self._screen = screen
        self._clock = clock
        self._seconds = seconds
        self._end: IDelayedCall | None = None
        screen.on_key = self._extend

    def renew(self) -> None:
        """Somebody is there, or may be from now on."""
        self.lost = False
        self.stop()
        self._end = self._clock.callLater(self._seconds, self._lose)

    def stop(self) -> None:
        """Nobody is waited for."""
        if self._end is not None and self._end.active():
            self._end.cancel()

    def _extend(self) -> None:
        if self._end is not None and self._end.active():
            self._end.reset(self._seconds)

    def _lose(self) -> None:
        # Where no question is open now, as while the bank is asked, the next one is withdrawn in its turn.
        self._end = self._clock.callLater(self._seconds, self._lose)
        self.lost = True
        self._screen.cancel()
