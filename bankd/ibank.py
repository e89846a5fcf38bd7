"""The contracts between the bank and whatever stands in front of it; no logic.

A protocol is handed a ``twisted.cred.portal.Portal`` and a clock, and nothing else. It asks the portal for an
``IVisitor`` with ``Anonymous`` credentials when somebody connects, and for an ``ICustomer`` with one of the kinds in
``bankd.credentials`` when they log in. What it may then do is what these interfaces say.

What a coroutine or a Deferred ends with may be ``codes.Refused``; nothing has then changed. Any other exception is a
fault of the bank's own. A coroutine begins when it is awaited; what gives a Deferred has begun when it is called, so
that calls which follow each other are carried out in their order without waiting for each other.
"""

from collections.abc import Awaitable, Sequence
from typing import Any

from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import Attribute, Interface

from bankd.codes import Code
from bankd.iboard import INoticeBoard as INoticeBoard
from bankd.ifigures import IFigures as IFigures
from bankd.ipost import IPost as IPost
from bankd.ipost import NotDelivered as NotDelivered
from bankd.records import (
    ALWAYS,
    AccountView,
    Allowance,
    BulkResult,
    CustomerView,
    Enrolment,
    Held,
    HoldView,
    Inbox,
    Listening,
    Payee,
    PayeeView,
    Period,
    PreferencesView,
    PublishedKeys,
    Receipt,
    RecoveryCode,
    SignedReceipt,
    Statement,
)
from bankd.wire.seal import Sealed


class IBankProtocol(Interface):
    """A protocol in front of the bank, found as a plugin of ``twisted.plugins``."""

    name: str = Attribute("One lower-case word; under it the settings say in ``[protocols]`` where to listen.")
    secure: bool = Attribute("Whether TLS is put under the protocol.")

    def factory(portal: Portal, clock: IReactorTime) -> Any:
        """A ``twisted.internet.interfaces.IProtocolFactory`` that serves this protocol.

        ``portal`` is the way into the bank, ``clock`` an ``IReactorTime``. Its protocols are transport-neutral: where
        ``secure`` is true TLS is put under them. The factory also has ``hang_up()``, which closes every connection once
        it has its answers, and gives a Deferred that fires when that is done.

        A protocol calls ``admit()`` of its transport, where that has it, once its peer has logged in: until then the
        peer is a stranger, who is dropped for another one when it is crowded. It is told so by the protocol's
        ``dismiss(code)``, where that has it: it says why, with an event of ``code``, and closes.
        """


class IMind(Interface):
    """Who is on the other side of a perspective: what a protocol gives the portal as the mind."""

    host = Attribute("The address that the peer's connection comes from, as text; notices are sent nowhere else.")
    certificate = Attribute("SHA-256, in hex, of the certificate that the peer has proved to be its own, or None.")

    def dismiss(code: Code) -> None:
        """Tell the peer why by ``code``, and close: its session was taken over."""


class ISeals(Interface):
    """What opens sealed requests, in turns of the ``perspectives.turns.Comer`` values that they come from."""

    def published(comer: Any) -> Deferred[str]:
        """A Deferred of the signed set of keys (``wire.key_set``). Refused: BUSY."""

    def unseal(jwe: str, comer: Any) -> Deferred[Sealed]:
        """A Deferred of what is sealed in ``jwe``. Refused: BROKEN_SEAL, BUSY."""


class IVisitor(Interface):
    """Somebody who has not said who they are. Ends with the log-out function that the portal gave with it."""

    greeting = Attribute("The ``records.Greeting`` to begin with.")
    sealing = Attribute("The ``records.Sealing`` that says what is taken under seal only.")
    limits = Attribute("The ``records.Limits`` that a protocol holds its peers to.")

    def sign_up(
        username: str, password: str, mobile: str, pin: str | None, name: str | None, email: str | None
    ) -> Awaitable[AccountView]:
        """Make a customer; ``pin``, ``name`` and ``email`` may be None. A coroutine of the first ``AccountView``.

        Refused: BAD_FIELD (mobile), WEAK_SECRET, TAKEN, BUSY.
        """

    def keys() -> Awaitable[PublishedKeys]:
        """A coroutine of the ``PublishedKeys`` for this visitor's connection. Refused: BUSY."""

    def unseal(jwe: str) -> Awaitable[Sealed]:
        """A coroutine of what is sealed in ``jwe``, for this connection and as its next sealed request.

        Refused: BROKEN_SEAL, BUSY.
        """

    def task_done() -> None:
        """Count a task that was answered."""

    def answered(verb: str, code: Code, seconds: float) -> None:
        """Count a request, and how long it took from its arrival until its answer; 'none' is the verb of no request."""


class ICustomer(Interface):
    """A customer in an exclusive session on one account. There is no account argument to get wrong.

    The log-out function that the portal gave with it ends the session, and gives a Deferred that fires when the account
    is free; it may be called again. Besides what is listed, every coroutine may be refused with OVER, when the account
    was taken over, and BUSY. Where the bank's terms say so, what moves money out, changes how the customer is known or
    reached, or ends an account may also be refused with ONE_TIME, about ``records.Challenged``, NO_DEVICE and WAIT.
    """

    session = Attribute("The ``records.Session``.")

    def keep() -> Awaitable[None]:
        """Show that the terminal is alive: renews the lease when it is due. A coroutine of None."""

    def view_details() -> Awaitable[CustomerView]:
        """A coroutine of the ``CustomerView``."""

    def accounts() -> Awaitable[list[AccountView]]:
        """A coroutine of a list of ``AccountView``, the oldest first."""

    def open_account(currency: str | None) -> Awaitable[AccountView]:
        """Open another account, in the bank's currency when None. A coroutine of its ``AccountView``.

        Refused: BAD_FIELD (currency), TOO_MANY.
        """

    def balance(at_us: int | None = None) -> Awaitable[AccountView]:
        """A coroutine of the session's ``AccountView`` now, or with its balance at an instant."""

    def statement(limit: int | None, cursor: int | None, period: Period = ALWAYS) -> Awaitable[Statement]:
        """A coroutine of a ``Statement`` of ``limit`` lines of a period; ``limit`` and ``cursor`` may be None.

        Refused: BAD_FIELD (cursor, before).
        """

    def deposit(amount_minor: int, currency: str, key: str) -> Deferred[Receipt]:
        """Pay cash in, once for each ``key``. A Deferred of the ``Receipt``.

        Refused: OTHER_CONTENT, OTHER_CURRENCY, TOO_MUCH.
        """

    def withdraw(amount_minor: int, currency: str, key: str) -> Deferred[Receipt]:
        """Pay cash out, once for each ``key``. A Deferred of the ``Receipt``.

        Refused: OTHER_CONTENT, OTHER_CURRENCY, PAYMENT_LIMIT, DAY_LIMIT, NO_FUNDS.
        """

    def transfer(to: str, amount_minor: int, currency: str, key: str, reference: str | None) -> Deferred[Receipt]:
        """Pay the account numbered ``to``, once for each ``key``. A Deferred of the ``Receipt``.

        Refused: OTHER_CONTENT, NO_ACCOUNT, SAME_ACCOUNT, OTHER_CURRENCY, PAYMENT_LIMIT, DAY_LIMIT, NO_FUNDS, TOO_MUCH.
        """

    def transfer_all(payees: Sequence[Payee], currency: str, together: bool, key: str) -> Deferred[BulkResult]:
        """Pay many accounts, once for each ``key``: all or none where ``together``, otherwise each by itself.

        A Deferred of the ``BulkResult``. Refused: OTHER_CONTENT; where ``together`` as ``transfer``, with the place.
        """

    def hold(
        to: str | None, amount_minor: int, currency: str, seconds: int | None, key: str, reference: str | None
    ) -> Awaitable[Held]:
        """Set an amount aside for the account numbered ``to``, or for cash when None, for ``seconds`` or a week.

        Once for each ``key``. A coroutine of ``Held``. Refused: as ``transfer``.
        """

    def capture(hold: int, amount_minor: int | None, key: str, reference: str | None) -> Awaitable[Receipt]:
        """Pay ``amount_minor``, or all, of a hold that this account is payer or payee of; the rest is free again.

        A coroutine of the ``Receipt``. Refused: OTHER_CONTENT, NO_HOLD, NO_ACCOUNT, MORE_THAN_LEFT, TOO_MUCH.
        """

    def release(hold: int, key: str) -> Awaitable[Receipt]:
        """End a hold without payment: one that this account is payee of, or a hold of its own for cash.

        A coroutine of the ``Receipt``. Refused: OTHER_CONTENT, NO_HOLD, NOT_PAYEE.
        """

    def reverse(receipt: int, amount_minor: int | None, key: str, reference: str | None) -> Awaitable[Receipt]:
        """Give back ``amount_minor``, or all that is left, of the payment ``receipt`` that this account received.

        A coroutine of the ``Receipt``. Refused: OTHER_CONTENT, NO_ENTRY, NO_ACCOUNT, MORE_THAN_LEFT, NO_FUNDS,
        TOO_MUCH.
        """

    def holds(since: int | None) -> Awaitable[list[HoldView]]:
        """A coroutine of a page of ``HoldView``: open holds of either side after number ``since``, oldest first."""

    def allowance() -> Awaitable[Allowance]:
        """A coroutine of the ``Allowance``: what the account may spend, and what that costs."""

    def payee(number: str) -> Awaitable[PayeeView]:
        """A coroutine of the ``PayeeView``: whose an account is. Refused: WAIT, NO_ACCOUNT, SAME_ACCOUNT."""

    def certify(receipt: int) -> Awaitable[SignedReceipt]:
        """A coroutine of a ``SignedReceipt`` for an entry of the session's account. Refused: BAD_FIELD (receipt)."""

    def update_contact(name: str | None, email: str | None, mobile: str | None) -> Awaitable[CustomerView]:
        """Change what is not None, confirm the rest. A coroutine of the ``CustomerView``.

        Refused: BAD_FIELD (mobile), TAKEN.
        """

    def change_secret(kind: str, new: str, password: str | None, pin: str | None) -> Awaitable[None]:
        """Set the ``password`` or ``pin`` (``kind``) to ``new`` after one of the present ones is given again.

        Where ``session.welcome.change`` names a kind, all but this, for that kind, ``keep`` and the log-out are refused
        with CHANGE_FIRST until it has succeeded. A coroutine of None. Refused: WRONG_SECRET, WEAK_SECRET.
        """

    def one_time(challenge: str, password: str) -> Awaitable[None]:
        """Give the one-time password that a request was refused for with ONE_TIME, or a recovery code.

        The request is then to be asked again, unchanged. A coroutine of None. Refused: NO_CHALLENGE, WRONG_CODE.
        """

    def enrol_app(password: str | None, pin: str | None) -> Awaitable[Enrolment]:
        """Offer an authenticator app a secret, after the password or PIN. A coroutine of the ``Enrolment``.

        Refused: WRONG_SECRET, ONE_TIME, NO_DEVICE, WAIT.
        """

    def confirm_app(code: str) -> Awaitable[list[RecoveryCode]]:
        """Have the app count that was offered a secret, and shows a code of it. A coroutine of the recovery codes.

        Refused: NO_APP, WRONG_CODE.
        """

    def remove_app(password: str | None, pin: str | None) -> Awaitable[None]:
        """Have no app count, after the password or PIN. A coroutine of None.

        Refused: WRONG_SECRET, NO_APP, ONE_TIME, WAIT.
        """

    def delete_account(password: str | None, pin: str | None, payout: str | None) -> Awaitable[None]:
        """Close the session's account after one of the secrets is given again; what is on it goes to ``payout``.

        A coroutine of None; the session is then over. Refused: WRONG_SECRET, HELD, NOT_EMPTY, and as ``transfer``.
        """

    def listen(port: int) -> Listening:
        """Have UDP ``port`` of the mind's host probed, to have notices sent there, in place of any port before.
        Returns ``Listening``. Refused: WAIT, and all is as before."""

    def confirm(proof: str) -> None:
        """Have notices sent to the port whose probe brought ``proof``. Refused: NO_PROBE."""

    def newest_notice() -> Awaitable[int]:
        """A coroutine of the number of the account's newest notice; 0 where all were acknowledged."""

    def notices(since: int | None) -> Awaitable[Inbox]:
        """A coroutine of an ``Inbox`` after number ``since``, or after the last one acknowledged."""

    def preferences(muted: str | None, least_minor: int | None) -> Awaitable[PreferencesView]:
        """Choose which kinds of notices (with ``+`` between them, or none) and which amounts not to be told of.

        A coroutine of the ``PreferencesView`` that hold now; None changes nothing. Refused: BAD_FIELD (muted).
        """

    def acknowledge(upto: int) -> Awaitable[None]:
        """Take notices up to number ``upto`` as seen. A coroutine of None. Refused: BAD_FIELD (upto)."""
