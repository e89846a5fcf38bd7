"""The terminal from the first menu to the last: sign up, log in, bank, leave.

It talks only to a screen and to banks that are reached for it; nothing here does input or output of its own.
"""

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import CannotListenError

from bankd.client import (
    counter,
    enrolment,
    entry,
    exits,
    forms,
    paying,
    promises,
    prompts,
    refusals,
    slips,
    telling,
    words,
)
from bankd.client.bank import Bank
from bankd.client.counter import Session
from bankd.client.dialog import Back, Dialog, Option, withdraw_when_lost
from bankd.client.errors import InDoubt, LostBank, NoBank
from bankd.client.forms import WAYS, Form, Way
from bankd.client.idleness import Idleness
from bankd.client.lifeline import Reach
from bankd.client.noticeboard import Noticeboard
from bankd.client.screen import EndOfInput, Interrupted, Screen
from bankd.codes import Refused
from bankd.wire.messages import SignUp
from bankd.wire.notice import Hint

Task = Callable[[Session], Coroutine[Any, Any, None]]

Step = Callable[[], Coroutine[Any, Any, None]]


class Listening(Protocol):
    """What hears hints of notices until it is closed."""

    def close(self) -> None:
        """Hear nothing more."""


Listen = Callable[[Bank, Callable[[Hint], None]], Awaitable[Listening]]
"""Has hints of notices passed on while a session lasts. Raises Refused, LostBank and CannotListenError."""

CUSTOMER_MENU: tuple[Option[Task], ...] = (
    Option(prompts.DETAILS, counter.view_details),
    Option(prompts.TRANSFER, counter.transfer),
    Option(prompts.DEPOSIT, counter.deposit),
    Option(prompts.WITHDRAW, counter.withdraw),
    Option(prompts.BALANCE, counter.check_balance),
    Option(prompts.STATEMENT, counter.statement),
    Option(prompts.CONTACT, counter.update_contact),
    Option(prompts.NOTICES, counter.notices),
    Option(prompts.CHANGE_PIN, counter.change_pin),
    Option(prompts.CHANGE_PASSWORD, counter.change_password),
    Option(prompts.OPEN_ACCOUNT, counter.open_account),
    Option(prompts.PAY_FILE, paying.pay_file),
    Option(prompts.EXPORT, counter.export_statement),
    Option(prompts.RECEIPT, counter.save_receipt),
    Option(prompts.HOLDS, promises.holds),
    Option(prompts.GIVE_BACK, promises.give_back),
    Option(prompts.LIMITS, counter.view_limits),
    Option(prompts.APP, enrolment.app),
    Option(prompts.TELLING, telling.choose),
    Option(prompts.DELETE, counter.delete_account),
    Option(prompts.EXIT, counter.leave),
)

ATM_MENU: tuple[Option[Task], ...] = (
    Option(prompts.WITHDRAW, counter.withdraw),
    Option(prompts.DEPOSIT, counter.deposit),
    Option(prompts.BALANCE, counter.check_balance),
    Option(prompts.TRANSFER, counter.transfer),
    Option(prompts.STATEMENT, counter.statement),
    Option(prompts.CHANGE_PIN, counter.change_pin),
    Option(prompts.EXIT, counter.leave),
)

SESSION_MENUS = {"user": CUSTOMER_MENU, "account": ATM_MENU, "mobile": ATM_MENU}
"""What a customer sees after logging in, by the way of the log-in."""

WAYS_MENU: tuple[Option[str | None], ...] = (
    Option(prompts.BY_USER, "user"),
    Option(prompts.BY_ACCOUNT, "account"),
    Option(prompts.BY_MOBILE, "mobile"),
    Option(prompts.BACK, None),
)

SIGN_UP_FORMS: dict[str, Form] = {
    "username": forms.USERNAME,
    "password": forms.NEW_PASSWORD,
    "mobile": forms.MOBILE,
    "pin": forms.OPTIONAL_PIN,
}
"""What is asked of a new customer, in order, by the field of SIGNUP that it becomes."""


class Menu:
    """One person at one terminal, from the greeting to the exit status."""

    def __init__(self, screen: Screen, reach: Reach, listen: Listen) -> None:
        self._screen = screen
        self._dialog = Dialog(screen)
        self._reach = reach
        self._listen = listen
        self._bank: Bank | None = None
        self._inbox: Listening | None = None

    async def run(self, login: tuple[str, str] | None = None, secret: str | None = None) -> int:
        """Serve the person until they leave; the exit status.

        ``login``, a way of WAYS and who logs in by it, comes before the first menu, with ``secret`` or asking for it.
        """
        try:
            self._dialog.say(prompts.hello((await self._present_bank()).greeting.bank))
            if login is not None:
                await self._do(self._enter(*login, secret))
            return await self._first_menu()
        except NoBank as error:
            self._dialog.warn(words.no_bank(error))
            return exits.NO_BANK
        except (EndOfInput, CancelledError):
            return exits.SUCCESS
        except Interrupted:
            return exits.INTERRUPTED
        finally:
            await self._leave()

    async def _first_menu(self) -> int:
        """Sign up and log in, as often as the person wants."""
        menu: tuple[Option[Step | None], ...] = (
            Option(prompts.SIGN_UP, self._sign_up),
            Option(prompts.LOG_IN, self._log_in),
            Option(prompts.EXIT, None),
        )
        while (chosen := await self._dialog.choose(menu)) is not None:
            await self._do(chosen())
        self._dialog.say(prompts.GOODBYE)
        return exits.SUCCESS

    async def _do(self, doing: Coroutine[Any, Any, None]) -> None:
        """Do one thing of a menu, and say what came in its way."""
        try:
            await doing
        except (Back, Interrupted):
            self._dialog.say(prompts.NOTHING_DONE)
        except Refused as error:
            self._dialog.warn(await refusals.told(self._bank, error))
        except LostBank as error:
            self._dialog.warn(words.lost(error))
        except InDoubt as error:
            self._dialog.warn(words.why(error.why))
            self._dialog.warn(words.in_doubt(error))

    async def _present_bank(self) -> Bank:
        """The bank that is being talked to, reached anew when that conversation is over. Raises NoBank."""
        if self._bank is None or self._bank.over:
            self._bank = await self._reach()
            self._bank.ask_passcode = self._dialog.ask_passcode
        return self._bank

    # The first menu.

    async def _sign_up(self) -> None:
        """Make a new customer. What the bank refuses in one field is asked again, and the rest is kept."""
        given = {name: await self._new(form) for name, form in SIGN_UP_FORMS.items()}
        while True:
            try:
                account = await (await self._present_bank()).sign_up(SignUp(**given))  # type: ignore[arg-type]
            except Refused as error:
                if error.field not in given:
                    raise
                self._dialog.warn(words.refused(error))
                given[error.field] = await self._new(SIGN_UP_FORMS[error.field])
            else:
                self._dialog.done(slips.signed_up(account))
                return

    async def _new(self, form: Form) -> str | None:
        """A value for a new customer; a secret is typed twice."""
        if form is forms.OPTIONAL_PIN:
            return await self._dialog.ask_twice_optional(form)
        return await (self._dialog.ask_twice(form) if form.hidden else self._dialog.ask(form))

    async def _log_in(self) -> None:
        """Ask who it is and serve them."""
        chosen = await self._dialog.choose(WAYS_MENU)
        if chosen is not None:
            await self._enter(chosen, await self._dialog.ask(WAYS[chosen].identity))

    async def _enter(self, way: str, identity: str, secret: str | None = None) -> None:
        """Log in, and serve the customer until the session is over."""
        secret = secret or await self._dialog.ask(WAYS[way].secret)
        bank = await self._present_bank()
        welcome = await entry.log_in(self._dialog, bank, WAYS[way].login(identity, secret))
        self._dialog.say(slips.welcome(welcome, bank.registered))
        try:
            if welcome.change is not None:
                await entry.change_first(self._dialog, bank, secret)
            await self._serve(await self._open_session(bank, WAYS[way]), SESSION_MENUS[way])
        finally:
            self._dialog.bank = self._dialog.board = None
            self._screen.bar("")
            if bank.over is None:
                await bank.log_out()

    # A session.

    async def _open_session(self, bank: Bank, way: Way) -> Session:
        """Hear notices from now on, and show those that wait."""
        board = Noticeboard(bank, self._screen)
        self._dialog.bank, self._dialog.board = bank, board
        withdraw_when_lost(self._screen, bank)
        Idleness(self._screen, bank, board, self._dialog.say)
        bank.on_recovery = lambda: Deferred.fromCoroutine(self._catch_up(bank, board))
        await self._hear(bank, board)
        return Session(self._dialog, bank, board, way)

    async def _hear(self, bank: Bank, board: Noticeboard) -> None:
        """Have hints of notices sent to this terminal, and show what has not been shown. Raises Refused, LostBank."""
        self._stop_listening()
        try:
            inbox = await self._listen(bank, board.on_hint)
        except (CannotListenError, Refused):
            self._dialog.warn(prompts.NO_HINTS)
        else:
            self._stop_listening()  # an earlier one, where the connection was lost meanwhile
            self._inbox = inbox
        await board.fetch()

    async def _catch_up(self, bank: Bank, board: Noticeboard) -> None:
        """Hear notices again, now that the connection is another. Who loses it once more will be told so elsewhere."""
        with suppress(Refused, LostBank):
            await self._hear(bank, board)

    async def _serve(self, session: Session, menu: tuple[Option[Task], ...]) -> None:
        """Do what the customer chooses until the session is over. Raises LostBank when the bank ended it."""
        while session.bank.over is None:
            try:
                task = await self._dialog.choose(menu)
            except Interrupted:
                task = counter.leave
            try:
                await self._do(task(session))
            except CancelledError:  # a one-time password was asked for when the session ended
                if session.bank.over is None:
                    raise
                self._dialog.warn(words.lost(session.bank.over))

    def _stop_listening(self) -> None:
        if self._inbox is not None:
            self._inbox.close()
            self._inbox = None

    async def _leave(self) -> None:
        """Leave nothing open."""
        self._stop_listening()
        if self._bank is not None and self._bank.over is None:
            self._bank.close()
