"""The notices of a session: shown once as they come, and kept until the customer acknowledges them."""

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred

from bankd.client import prompts, words
from bankd.client.bank import Bank
from bankd.client.errors import LostBank
from bankd.client.screen import Screen
from bankd.client.tone import Tone
from bankd.codes import Refused
from bankd.records import Notice
from bankd.wire.notice import Hint

MOST_AT_ONCE = 10
"""Notices that are shown one after the other; of more, who pays a file say, nobody would see the first."""


class Noticeboard:
    """Shows each notice of ``bank``'s session on ``screen`` once, and in its bar how many wait.

    ``waiting`` are those not acknowledged, oldest first.
    """

    def __init__(self, bank: Bank, screen: Screen) -> None:
        self.waiting: list[Notice] = []
        self._bank = bank
        self._screen = screen
        self._seen: int | None = None
        self._shown = 0
        self._looked = 0
        self._hinted: dict[int, str] = {}
        self._told: set[int] = set()
        self._asking = False

    def remind(self, *, again: bool = False) -> None:
        """Have the bar tell how many notices wait; where lines are plain, ``again`` if it was told before."""
        self._screen.bar(prompts.waiting(len(self.waiting)), again=again)

    async def fetch(self) -> None:
        """Ask the bank for what has not been shown, and show it, or the newest of it. Raises Refused and LostBank.

        Where the bank can be asked for a part only, that is shown all the same.
        """
        try:
            await self._catch_up()
        finally:
            new = [notice for notice in self.waiting if notice.number > self._shown]
            self._shown = self._seen or 0
            if len(new) > MOST_AT_ONCE:
                self._screen.say(prompts.more_notices(len(new) - MOST_AT_ONCE), Tone.NOTICE)
            for notice in new[-MOST_AT_ONCE:]:
                self._show(notice)

    async def show_all(self, more: Callable[[int], Awaitable[bool]]) -> None:
        """Show all that wait, oldest first; ``more`` says whether so many others are wanted. Raises as ``fetch``."""
        await self._catch_up()
        self._shown = self._seen or 0
        listed = [*self.waiting]
        for start in range(0, len(listed), MOST_AT_ONCE):
            if start and not await more(len(listed) - start):
                break
            for notice in listed[start : start + MOST_AT_ONCE]:
                self._show(notice)

    async def _catch_up(self) -> None:
        """Have what came since the bank was asked last wait from now on, each page as soon as it is here."""
        more = True
        while more:
            page = await self._bank.notices_page(self._seen)
            new = [notice for notice in page.items if notice.number > (self._seen or 0)]
            if new:
                self._seen = new[-1].number
                self.waiting += new
            more = page.more

    async def earlier(self, count: int) -> list[Notice]:
        """The newest ``count`` notices that were acknowledged, oldest first. Raises Refused and LostBank."""
        last = await self._bank.acknowledged()
        return [notice for notice in await self._bank.notices(max(0, last - count)) if notice.number <= last]

    def on_hint(self, hint: Hint) -> None:
        """A notice exists: ask for it, unless it is here already. Hints that come meanwhile cost one more question."""
        if hint.number <= (self._seen or 0 if hint.kind else max(self._seen or 0, self._looked)):
            return
        self._hinted[hint.number] = hint.kind or self._hinted.get(hint.number, "")
        if not self._asking:
            Deferred.fromCoroutine(self._follow())

    async def _follow(self) -> None:
        """Ask until the newest notice hinted at was asked for; where that fails, say of what kind each one is."""
        self._asking = True
        try:
            asked = 0
            while asked < max(self._hinted):
                asked = max(self._hinted)
                await self.fetch()
            # Of a number without a kind the bank has nothing more to tell, or it would have told it now.
            self._looked = max([self._looked, *(number for number, kind in self._hinted.items() if not kind)])
        except (Refused, LostBank):
            self._tell_kinds()
        finally:
            self._asking = False
            self.remind()
            # A forged hint of a notice that does not exist must not hide those that will.
            self._hinted.clear()

    def _tell_kinds(self) -> None:
        """Say the kind of every notice that was hinted at and has not been shown."""
        for number in sorted(self._hinted):
            if number > (self._seen or 0) and number not in self._told and self._hinted[number]:
                self._told.add(number)
                self._screen.say(words.kind_alone(self._hinted[number]), Tone.NOTICE)

    async def acknowledge(self, upto: int | None = None) -> int:
        """Acknowledge what was shown, up to number ``upto`` or all; how many notices that were."""
        last = self._shown if upto is None else min(upto, self._shown)
        seen = [notice for notice in self.waiting if notice.number <= last]
        if seen:
            await self._bank.acknowledge(seen[-1].number)
            self.waiting = [notice for notice in self.waiting if notice.number > seen[-1].number]
        return len(seen)

    def _show(self, notice: Notice) -> None:
        number = f"[{notice.number}] "
        self._screen.say(number + words.notice(notice, between="\n" + " " * len(number)), Tone.NOTICE)
