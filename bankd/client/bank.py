"""The bank as its customer's program sees it: a method for each request, records for answers, exceptions for refusals.

Every method raises Refused (with the bank's code) when the bank will not, and LostBank when the connection ended before
the answer came; then it is not known whether the request was carried out. Of what moves money that is said by InDoubt.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import cast

from bankd.client.answers import body_of, bulk_of, items_of
from bankd.client.asking import Asking, Page
from bankd.client.errors import LostBank
from bankd.client.keys import NewKey
from bankd.client.line import Line
from bankd.client.whole_page import whole_page
from bankd.codes import CREATED
from bankd.records import (
    ALWAYS,
    AccountView,
    Allowance,
    BulkResult,
    CustomerView,
    Enrolment,
    Greeting,
    Held,
    HoldView,
    Listening,
    Newest,
    Notice,
    Payee,
    PayeeView,
    Period,
    PreferencesView,
    Receipt,
    RecoveryCode,
    SignedReceipt,
    Statement,
    Welcome,
)
from bankd.wire import messages
from bankd.wire.grammar import COUNT
from bankd.wire.messages import BulkItem, Login, SignUp

KEPT_ALIVE = 3
"""A session asks something this many times in each lease, so that one lost NOOP does not lose the account."""


class Bank(Asking):
    """One conversation with the bank, before and after log-in.

    ``welcome`` is what the log-in told, None before it; ``registered`` says whether it made a new customer. When the
    conversation is over, whoever ended it, ``over`` says why and ``lost`` fires with it. ``here`` and ``there`` are
    the IP addresses of the connection's ends; ``on_recovery`` is called when it was lost and the session goes on over
    another one, to which no hints of notices are sent yet.
    """

    def __init__(self, line: Line, greeting: Greeting, new_key: NewKey, here: str = "", there: str = "") -> None:
        self.here, self.there = here, there
        self.greeting = greeting
        self.welcome: Welcome | None = None
        self.registered = False
        self.new_key = new_key
        self.over: LostBank | None = None
        self.on_recovery: Callable[[], object] = lambda: None
        super().__init__(line)
        self.lost = line.lost.addCallback(self._ended)

    @property
    def currency(self) -> str:
        """What the session's account is kept in; before log-in, what the bank's accounts usually are."""
        return self.welcome.currency if self.welcome else self.greeting.currency

    # Before log-in.

    async def sign_up(self, message: SignUp) -> AccountView:
        """Become a customer, with a first account; it does not log in."""
        account: AccountView = await self._body(message)
        return account

    async def log_in(self, message: Login) -> Welcome:
        """Open a session, and keep it until ``log_out`` or the end of the conversation."""
        answer = await self._granted(message)
        welcome: Welcome = self._read(body_of, message, answer)
        self.welcome, self.registered = welcome, answer.code == CREATED
        if welcome.lease_seconds:
            self.line.keep_alive(welcome.lease_seconds / KEPT_ALIVE)
        return welcome

    # The customer and the accounts.

    async def details(self) -> CustomerView:
        """The customer's details as on record."""
        details: CustomerView = await self._body(messages.ViewDetails())
        return details

    async def accounts(self) -> list[AccountView]:
        """All of the customer's accounts."""
        message = messages.Accounts()
        found: list[AccountView] = self._read(items_of, message, await self._granted(message))
        return found

    async def open_account(self, currency: str | None = None) -> AccountView:
        """Open another account, in ``currency`` or the bank's own."""
        account: AccountView = await self._body(messages.OpenAccount(currency=currency))
        return account

    async def balance(self, at_us: int | None = None) -> AccountView:
        """The session's account, with its balance now or at an instant."""
        account: AccountView = await self._body(messages.Balance(at_us=at_us))
        return account

    async def statement(
        self, limit: int | None = None, cursor: int | None = None, period: Period = ALWAYS
    ) -> Statement:
        """A page of entries, newest first; ``cursor`` is the end of the page before, of the same period."""
        message = messages.Statement(limit=limit, cursor=cursor, since_us=period.since_us, before_us=period.before_us)
        answer = await whole_page(self._granted, message)
        return Statement(tuple(self._read(items_of, message, answer)), self._read(body_of, message, answer))

    async def limits(self) -> Allowance:
        """What the session's account may spend, and what that costs."""
        allowance: Allowance = await self._body(messages.Limits())
        return allowance

    async def payee(self, number: str) -> PayeeView:
        """Whose an account is, as far as the bank tells; it answers so many such questions a day."""
        view: PayeeView = await self._body(messages.Payee(to=number))
        return view

    async def preferences(self, *, muted: str | None = None, least: int | None = None) -> PreferencesView:
        """What the account's owner is told of, once what is given has been changed."""
        chosen: PreferencesView = await self._body(messages.Preferences(muted=muted, least=least))
        return chosen

    async def certify(self, receipt: int) -> SignedReceipt:
        """A signed receipt of an entry of the session's account."""
        signed: SignedReceipt = await self._body(messages.Certify(receipt=receipt))
        return signed

    async def update_contact(
        self, *, name: str | None = None, email: str | None = None, mobile: str | None = None
    ) -> CustomerView:
        """Change the details given; with none given, confirm those on record."""
        details: CustomerView = await self._body(messages.UpdateContact(name=name, email=email, mobile=mobile))
        return details

    # Money. The key is made before the command is first sent; to send the same command again, give the same key.

    async def deposit(self, amount_minor: int, *, key: str | None = None) -> Receipt:
        """Pay cash in."""
        return await self._money(
            messages.Deposit(amount=amount_minor, currency=self.currency, key=key or self.new_key())
        )

    async def withdraw(self, amount_minor: int, *, key: str | None = None) -> Receipt:
        """Pay cash out."""
        return await self._money(
            messages.Withdraw(amount=amount_minor, currency=self.currency, key=key or self.new_key())
        )

    async def transfer(
        self, to: str, amount_minor: int, reference: str | None = None, *, key: str | None = None
    ) -> Receipt:
        """Pay the account ``to``; both statements show ``reference``."""
        return await self._money(
            messages.Transfer(
                to=to, amount=amount_minor, currency=self.currency, key=key or self.new_key(), reference=reference
            )
        )

    async def transfer_all(self, payees: Sequence[Payee], *, together: bool, key: str | None = None) -> BulkResult:
        """Pay up to 1,000 accounts: all or none where ``together``, otherwise each by itself.

        Raises Denied with the ``place`` of the first that is refused where none was made for it.
        """
        message = messages.Bulk(
            count=len(payees),
            mode="all" if together else "each",
            currency=self.currency,
            key=key or self.new_key(),
            items=tuple(BulkItem(to=one.payee, amount=one.amount_minor, reference=one.reference) for one in payees),
        )
        read = partial(bulk_of, count=len(payees))
        return cast(BulkResult, self._read(read, message, await self._granted(message)))

    async def hold(
        self,
        amount_minor: int,
        to: str | None = None,
        seconds: int | None = None,
        reference: str | None = None,
        *,
        key: str | None = None,
    ) -> Held:
        """Set an amount aside for the account ``to``, or for cash, for so many seconds or a week."""
        key, currency = key or self.new_key(), self.currency
        held: Held = await self._body(
            messages.Hold(to=to, amount=amount_minor, currency=currency, seconds=seconds, key=key, reference=reference)
        )
        return held

    async def capture(self, hold: int, amount_minor: int | None = None, *, key: str | None = None) -> Receipt:
        """Have so much of a hold paid, or all; the rest of it is free again."""
        return await self._money(messages.Capture(hold=hold, amount=amount_minor, key=key or self.new_key()))

    async def release(self, hold: int, *, key: str | None = None) -> Receipt:
        """End a hold without payment."""
        return await self._money(messages.Release(hold=hold, key=key or self.new_key()))

    async def give_back(
        self, receipt: int, amount_minor: int | None = None, reference: str | None = None, *, key: str | None = None
    ) -> Receipt:
        """Give so much of a payment that was received back, or all that is left of it."""
        key = key or self.new_key()
        return await self._money(messages.Reverse(receipt=receipt, amount=amount_minor, key=key, reference=reference))

    async def holds(self) -> list[HoldView]:
        """All open holds that the session's account is payer or payee of, oldest first."""
        return await self._pages(lambda since: messages.Holds(since=since), lambda view: view.hold, None)

    # What needs the PIN or password again.

    async def enrol_app(self, message: messages.EnrolApp) -> Enrolment:
        """A secret for a new authenticator app, told this once."""
        enrolment: Enrolment = await self._body(message)
        return enrolment

    async def confirm_app(self, code: str) -> list[RecoveryCode]:
        """Show by a code that the app has the secret; the recovery codes, told this once."""
        message = messages.ConfirmApp(code=code)
        found: list[RecoveryCode] = self._read(items_of, message, await self._granted(message))
        return found

    async def remove_app(self, message: messages.RemoveApp) -> None:
        """Have one-time passwords sent again."""
        await self._granted(message)

    async def change(self, message: messages.ChangePin | messages.ChangePassword) -> None:
        """Set a new PIN or password."""
        await self._granted(message)

    async def delete_account(self, message: messages.DeleteAccount) -> None:
        """Close the session's account; the bank then ends the conversation."""
        await self._granted(message)
        self.line.close()

    # Notices.

    async def listen(self, port: int) -> Listening:
        """Have UDP ``port`` here probed; what this returns opens the probe, and the hints of notices after it."""
        listening: Listening = await self._body(messages.Listen(port=port))
        return listening

    async def confirm(self, proof: str) -> None:
        """Have hints of notices sent to the port whose probe brought ``proof``."""
        await self._granted(messages.Confirm(proof=proof))

    async def newest_notice(self) -> int:
        """The number of the newest notice; 0 where all were acknowledged. It only keeps the session."""
        newest: Newest = await self._body(messages.Noop(notices="yes"))
        return newest.newest

    async def notices(self, since: int | None = None) -> list[Notice]:
        """All notices numbered above ``since``, or above the last one acknowledged, oldest first."""
        return await self._pages(lambda since: messages.Notices(since=since), lambda notice: notice.number, since)

    async def notices_page(self, since: int | None = None) -> Page[Notice]:
        """The first of those that ``notices`` gives, in one request."""
        return await self._page(messages.Notices(since=since), lambda notice: notice.number, since)

    async def acknowledged(self) -> int:
        """Up to which number all notices were acknowledged; 0 for none."""
        told = (await self._granted(messages.Notices())).fields.get("acknowledged", "0")
        return int(told) if COUNT.pattern.fullmatch(told) else 0

    async def acknowledge(self, upto: int) -> None:
        """Say that every notice up to number ``upto`` was seen."""
        await self._granted(messages.Acknowledge(upto=upto))

    # The end.

    async def log_out(self) -> None:
        """End the session and the conversation; nothing is raised, for it is over either way."""
        with suppress(LostBank):
            await self.line.ask(messages.Logout())
        self.close()

    def close(self) -> None:
        """End the conversation at once; a session that was open ends with it."""
        self.line.close()

    def _ended(self, why: LostBank) -> LostBank:
        self.over = why
        return why
