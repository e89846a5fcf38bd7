"""Questions to the person at the screen, asked until there is an answer that will do.

1. An empty answer goes back to the menu, by ``Back``.
2. What will not do gets a hint, and the question again.
3. Where notices wait, ``ok`` (or ``ok 3``) acknowledges them and the question is asked again. Secrets and free text are
   taken as they are typed.
4. When the bank is lost while a person thinks, the question is withdrawn and LostBank is raised in its place.
5. The question for a one-time password comes before any other.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred

from bankd import codes
from bankd.client import amounts, forms, prompts, words
from bankd.client.bank import Bank
from bankd.client.errors import LostBank
from bankd.client.forms import Form
from bankd.client.noticeboard import Noticeboard
from bankd.client.screen import Screen
from bankd.client.tone import Tone
from bankd.codes import Refused
from bankd.records import Challenged

T = TypeVar("T")

_OK = re.compile(r"ok(?: +(?P<upto>[0-9]{1,18}))?", re.IGNORECASE | re.ASCII)


class Back(Exception):
    """The person wants back to the menu; nothing was done."""


@dataclass(frozen=True, slots=True)
class Option(Generic[T]):
    """One line of a menu: the words on the screen, and what choosing them means."""

    words: str
    meaning: T


class Dialog:
    """Asks and says on ``screen``. In a session, ``bank`` and ``board`` are that session's."""

    def __init__(self, screen: Screen) -> None:
        self.bank: Bank | None = None
        self.board: Noticeboard | None = None
        self._screen = screen
        self._aside: Deferred[None] | None = None

    def say(self, text: str) -> None:
        """Print lines above the question."""
        self._screen.say(text)

    def done(self, text: str) -> None:
        """The same, in the tone for what was asked for and is done."""
        self._screen.say(text, Tone.DONE)

    def warn(self, text: str) -> None:
        """The same, in the tone for what was refused or is wrong."""
        self._screen.say(text, Tone.REFUSED)

    def progress(self, text: str) -> None:
        """Tell how far work has come; empty where it is done."""
        self._screen.progress(text)

    async def choose(self, menu: Sequence[Option[T]]) -> T:
        """What the person chooses from ``menu``, by number or by words. An empty answer shows the menu again."""
        self._show(menu)
        while True:
            chosen = _simple(await self._answer(prompts.CHOICE))
            for number, option in enumerate(menu, 1):
                if chosen in (str(number), _simple(option.words)):
                    return option.meaning
            if chosen:
                self.warn(prompts.HINT_CHOICE)
            else:
                self._show(menu)

    async def ask(self, form: Form) -> str:
        """A value of the form's kind. Raises Back."""
        value = await self.ask_optional(form)
        if value is None:
            raise Back
        return value

    async def ask_optional(self, form: Form) -> str | None:
        """A value of the form's kind, or None for an empty answer."""
        while True:
            verbatim = form.hidden or form.free
            typed = await (self._line(form.prompt, hidden=form.hidden) if verbatim else self._answer(form.prompt))
            if not form.bare(typed):
                return None
            try:
                return form.read(typed)
            except ValueError:
                self.warn(form.hint)

    async def ask_twice(self, form: Form) -> str:
        """A new secret, typed the same twice. Raises Back."""
        return await self._repeated(form, await self.ask(form))

    async def ask_twice_optional(self, form: Form) -> str | None:
        """A new secret, typed the same twice, or None for none."""
        first = await self.ask_optional(form)
        return first and await self._repeated(form, first)

    async def ask_amount(self, currency: str, all_minor: int | None = None) -> int:
        """An amount of ``currency`` in minor units; where ``all_minor`` is given, no more, and an empty answer is all.

        Raises Back.
        """
        while True:
            typed = await self._answer(prompts.amount(currency, all_minor))
            if not typed and all_minor is not None:
                return all_minor
            if not typed:
                raise Back
            try:
                amount_minor = amounts.parse(typed, currency)
            except amounts.NotAmount as error:
                self.warn(prompts.not_an_amount(str(error)))
                continue
            if all_minor is None or amount_minor <= all_minor:
                return amount_minor
            self.warn(words.code(codes.MORE_THAN_LEFT))

    async def ask_read(self, question: str, hint: str, read: Callable[[str], T]) -> T | None:
        """What ``read`` makes of an answer, asked until that raises no ValueError; None for an empty one."""
        while True:
            typed = await self._answer(question)
            if not typed:
                return None
            try:
                return read(typed)
            except ValueError:
                self.warn(hint)

    async def ask_passcode(self, challenge: Challenged, left: int | None) -> str | None:
        """The one-time password for ``challenge``, or None for an empty answer; ``left`` is told after a wrong one.

        The bank may want one while another question is open, to let a session go on over another connection. That is
        set aside meanwhile, and asked again afterwards; it may be for a one-time password itself.
        """
        form = replace(forms.PASSCODE, prompt=prompts.passcode(challenge))
        outer, aside = self._aside, Deferred[None]()
        self._aside = aside
        self._screen.cancel()
        try:
            if left is not None:
                self.warn(prompts.wrong_passcode(left))
            while form.bare(typed := await self._unless_aside(form.prompt, aside)):
                try:
                    return form.read(typed)
                except ValueError:
                    self.warn(form.hint)
            return None
        finally:
            self._aside = outer
            aside.callback(None)

    async def confirm(self, question: str) -> bool:
        """Whether the answer is yes in the person's language; anything else is no."""
        return (await self._answer(question)).casefold() in prompts.YES

    async def _repeated(self, form: Form, first: str) -> str:
        once_more = replace(form, prompt=prompts.ONCE_MORE)
        while first != await self.ask(once_more):
            self.warn(prompts.NOT_THE_SAME)
            first = await self.ask(form)
        return first

    async def _answer(self, prompt: str, keys: str = "") -> str:
        """One line, or one of the ``keys``, that is not an ``ok``, without the spaces around it."""
        while True:
            typed = (await self._line(prompt, keys=keys)).strip()
            if not await self._acknowledges(typed):
                return typed

    async def _line(self, prompt: str, *, hidden: bool = False, keys: str = "") -> str:
        """One line from the screen. Raises LostBank when it was withdrawn because the session is over."""
        try:
            return await self._unless_aside(prompt, None, hidden=hidden, keys=keys)
        except CancelledError:
            if self.bank and self.bank.over:
                raise self.bank.over from None
            raise

    async def _unless_aside(
        self, prompt: str, own: Deferred[None] | None, *, hidden: bool = False, keys: str = ""
    ) -> str:
        """One line from the screen, asked again after whatever sets it aside, which is anything but its ``own``."""
        while True:
            try:
                return await self._screen.ask(prompt, hidden=hidden, keys=keys)
            except CancelledError:
                if self._aside is own or self._aside is None:
                    raise
            await self._aside

    async def _acknowledges(self, typed: str) -> bool:
        """Whether ``typed`` was an ``ok`` to notices; if so, it has been passed on."""
        found = _OK.fullmatch(typed)
        if found is None or self.board is None:
            return False
        try:
            count = await self.board.acknowledge(int(found["upto"]) if found["upto"] else None)
        except Refused as error:
            self.warn(words.refused(error))
        else:
            self.done(prompts.acknowledged(count))
            self.board.remind(again=True)
        return True

    def _show(self, menu: Sequence[Option[T]]) -> None:
        """Say the lines of ``menu``, and below them what to do with notices that wait."""
        self.say(prompts.menu([option.words for option in menu]))
        if self.board:
            self.board.remind(again=True)


def withdraw_when_lost(screen: Screen, bank: Bank) -> None:
    """Withdraw the question on ``screen`` as soon as ``bank`` is lost."""

    def withdraw(why: LostBank) -> LostBank:
        screen.cancel()
        return why

    bank.lost.addCallback(withdraw)


def _simple(text: str) -> str:
    """A choice without letters' case, dots and needless spaces."""
    return " ".join(text.casefold().rstrip(". ").split())
