"""A cash machine: one customer after another, each from the welcome to the farewell.

1. Every page begins on a screen that was wiped. After a customer nothing is left: not on the screen, not in what it can
   be scrolled back to, and not among the answers that can be recalled.
2. Whoever presses no key for IDLE_SECONDS has gone away: the session ends, and the next customer is welcomed. So it is
   after a lost connection, a refused log-in and every error.
3. The bank is called when somebody has come, and left when they go; nothing waits at it meanwhile.
4. Ctrl-C is the key for 'cancel'. At the welcome it ends the program, unless that is ``captive``, as behind a panel.
5. Nobody is welcomed while there is no bank. Why there is none is for who sets the machine up: the public is not told.
"""

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from bankd import money
from bankd.client import atm_prompts, counter, entry, exits, forms, prompts, refusals, slips, words
from bankd.client.bank import Bank
from bankd.client.counter import Session
from bankd.client.dialog import Back, Option, withdraw_when_lost
from bankd.client.errors import InDoubt, LostBank, NoBank
from bankd.client.forms import WAYS
from bankd.client.keypad import Attention, Keypad
from bankd.client.lifeline import Reach
from bankd.client.menu import Task
from bankd.client.noticeboard import Noticeboard
from bankd.client.screen import EndOfInput, Interrupted, Screen
from bankd.codes import Refused

IDLE_SECONDS = 30.0
"""For how long somebody may press no key."""

FAREWELL_SECONDS = 3.0
"""How long the last page stays."""

RETRY_SECONDS = 10.0
"""How long to wait before a bank that was not there is called again."""

CASH = (20, 50, 100, 200)
"""Amounts that have a key of their own; a hundred times as much where a currency has no smaller unit."""


async def withdraw(session: Session) -> None:
    """Pay cash out."""
    amount_minor = await _ask_cash(session, atm_prompts.AMOUNT_OUT)
    session.dialog.say(slips.withdrawn(await session.bank.withdraw(amount_minor)))


async def deposit(session: Session) -> None:
    """Pay cash in."""
    amount_minor = await _ask_cash(session, atm_prompts.AMOUNT_IN)
    session.dialog.say(slips.deposited(await session.bank.deposit(amount_minor)))


async def _ask_cash(session: Session, question: str) -> int:
    """An amount, by one key or typed."""
    currency = session.bank.currency
    amounts = [money.parse(str(amount if money.exponent(currency) else amount * 100), currency) for amount in CASH]
    choices: list[Option[int | None]] = [Option(atm_prompts.cash(amount, currency), amount) for amount in amounts]
    choices.append(Option(atm_prompts.OTHER, None))
    session.dialog.say(f"{question}\n")
    amount_minor = await session.dialog.choose(choices)
    return await session.dialog.ask_amount(currency) if amount_minor is None else amount_minor


MENU: tuple[Option[Task | None], ...] = (
    Option(prompts.WITHDRAW, withdraw),
    Option(prompts.DEPOSIT, deposit),
    Option(prompts.EXIT, None),
    Option(prompts.BALANCE, counter.check_balance),
    Option(prompts.TRANSFER, counter.transfer),
    Option(prompts.STATEMENT, counter.statement),
    Option(prompts.CHANGE_PIN, counter.change_pin),
)
"""Withdraw, deposit and exit first, in this order."""


class Atm:
    """Serves whoever comes to ``screen``, by the bank that ``reach`` finds."""

    def __init__(self, screen: Screen, reach: Reach, clock: IReactorTime, *, captive: bool = False) -> None:
        self._screen = screen
        self._dialog = Keypad(screen)
        self._attention = Attention(screen, clock, IDLE_SECONDS)
        self._reach = reach
        self._clock = clock
        self._captive = captive
        self._name = ""

    async def run(self) -> int:
        """Serve customers until the program is ended or the terminal is gone; the exit status."""
        try:
            while True:
                try:
                    await self._serve_or_wait()
                except CancelledError:
                    if not self._attention.lost:
                        raise
                except Interrupted:
                    if not self._captive:
                        return exits.INTERRUPTED
        except EndOfInput:
            return exits.SUCCESS
        finally:
            self._attention.stop()
            self._screen.wipe()

    async def _serve_or_wait(self) -> None:
        """Serve the next customer, or wait until there is a bank again. Raises what both do."""
        try:
            await self._serve_next()
        except NoBank as error:
            await self._be_out_of_service(error)

    async def _serve_next(self) -> None:
        """Welcome somebody, and serve them. Raises NoBank, and Interrupted before anybody has come."""
        if not self._name:
            await self._meet()
        self._page(atm_prompts.HELLO, "")
        who = await self._dialog.ask_read(atm_prompts.WHO, atm_prompts.HINT_WHO, _who)
        if who is not None:
            await self._serve(*who)

    async def _meet(self) -> None:
        """See whether there is a bank, and what it is called. Raises NoBank."""
        bank = await self._reach()
        self._name = bank.greeting.bank
        bank.close()

    async def _serve(self, way: str, identity: str) -> None:
        """Serve who has come, from the PIN to the farewell. Raises NoBank."""
        bank = await self._reach()
        bank.ask_passcode = self._dialog.ask_passcode
        withdraw_when_lost(self._screen, bank)
        self._dialog.bank = bank
        try:
            await self._session(bank, way, identity)
        except (Back, Interrupted):
            pass
        except (Refused, LostBank, InDoubt) as error:
            await self._tell(_told(error))
        finally:
            self._dialog.bank = None
            if bank.over is None:
                await bank.log_out()
        self._page(atm_prompts.FAREWELL)
        await deferLater(self._clock, FAREWELL_SECONDS)

    async def _session(self, bank: Bank, way: str, identity: str) -> None:
        """Log in, and do what the customer chooses until they have had enough.

        Raises Back and Interrupted when they think better of it, Refused, and LostBank when the bank ended it.
        """
        pin = await self._dialog.ask(forms.PIN)
        welcome = await entry.log_in(self._dialog, bank, WAYS[way].login(identity, pin))
        if welcome.change is not None:
            self._page()
            await entry.change_first(self._dialog, bank, pin)
        session = Session(self._dialog, bank, Noticeboard(bank, self._screen), WAYS[way])
        said = slips.welcome(welcome, bank.registered)
        while True:
            self._page(said, "")
            said = ""
            task = await self._dialog.choose(MENU)
            if task is None:
                return
            self._page()
            if await self._do(task(session)) and not await self._dialog.confirm(f"\n{atm_prompts.ANOTHER}"):
                return

    async def _do(self, doing: Coroutine[Any, Any, None]) -> bool:
        """Do one thing, and say what came in its way; whether that is to be read. Raises LostBank and InDoubt."""
        try:
            await doing
        except (Back, Interrupted):
            return False
        except InDoubt as error:
            if self._dialog.bank is None or self._dialog.bank.over:
                raise
            self._dialog.say(_told(error))
        except Refused as error:
            self._dialog.say(await refusals.told(self._dialog.bank, error))
        self._attention.renew()
        return True

    def _page(self, *lines: str) -> None:
        """Begin a page, with time to read it."""
        self._screen.wipe()
        self._screen.say("\n".join([atm_prompts.heading(self._name), *lines]))
        self._attention.renew()

    async def _tell(self, text: str) -> None:
        """Have something read before going on."""
        self._page(text, "")
        try:
            await self._dialog.ask_read(atm_prompts.GO_ON, "", str)
        except (LostBank, Interrupted):
            return

    async def _be_out_of_service(self, error: NoBank) -> None:
        """Say so until there is a bank. Raises EndOfInput, and Interrupted where a key may end the program."""
        while True:
            why = [] if self._name or self._captive else [words.no_bank(error), ""]
            self._page(atm_prompts.OUT_OF_SERVICE, "", *why, atm_prompts.TRYING_AGAIN)
            self._attention.stop()
            await self._pause()
            try:
                await self._meet()
            except NoBank as again:
                error = again
            else:
                return

    async def _pause(self) -> None:
        """Wait for a while; whoever presses Enter need not. Raises EndOfInput, and Interrupted."""
        wait = self._screen.ask("", hidden=True)
        end = self._clock.callLater(RETRY_SECONDS, wait.cancel)
        try:
            await wait
        except CancelledError:
            if end.active():
                raise
        except Interrupted:
            if not self._captive:
                raise
        finally:
            if end.active():
                end.cancel()


def _who(typed: str) -> tuple[str, str]:
    """The way of a log-in, and who logs in. Raises ValueError."""
    way = "mobile" if typed.startswith("+") else "account"
    return way, WAYS[way].identity.read(typed)


def _told(error: Refused | LostBank | InDoubt) -> str:
    """What came in the way, in words."""
    return words.refused(error) if isinstance(error, Refused) else words.trouble(error)
