"""What each request asks of a perspective, and what is answered: a function for each verb, in a table."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from bankd import codes
from bankd.codes import Code, Refused
from bankd.credentials import AccountPin, MobilePin, NamePassword, OneTimePassword, Origin
from bankd.records import BulkResult, Newest, Payee, Period
from bankd.wire import codec, messages
from bankd.wire.messages import Message

_log = Logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer without its tag: the lines of a list, then the code with a ``body`` and ``more`` fields.

    ``ends`` says that the connection is closed after it.
    """

    code: Code = codes.DONE
    body: object = None
    items: Sequence[object] = ()
    more: dict[str, str | int] = field(default_factory=dict)
    ends: bool = False

    def spelt(self, tag: str) -> bytes:
        """The answer to the request with ``tag``, as it travels, with the end of each line."""
        listed = [codec.write_item(tag, item) for item in self.items]
        return b"\r\n".join([*listed, codec.write_reply(tag, self.code, self.body, **self.more), b""])

    @property
    def logged(self) -> dict[str, str | int]:
        """What the log tells of it: the code, and the entry of the journal that it is about."""
        told: dict[str, str | int] = {"code": self.code.number}
        if self.code.gives_reason:
            told["reason"] = self.code.reason
        receipt = getattr(self.body, "receipt", None) or getattr(self.body, "hold", None)
        if receipt is not None:
            told["receipt"] = receipt
        return told


def refusal(refused: Refused) -> Answer:
    """The answer to a request that was refused."""
    told = (("field", refused.field), ("place", refused.place))
    more: dict[str, str | int] = {name: value for name, value in told if value is not None}
    return Answer(refused.code, refused.about, more=more, ends=refused.code.closes)


def failed(failure: Failure) -> Answer:
    """The answer to a request that failed; a fault of our own is logged, and only its number goes out."""
    if isinstance(failure.value, Refused):
        return refusal(failure.value)
    incident = uuid4().hex[:12]
    _log.failure("incident {incident}", failure, incident=incident)
    return Answer(codes.INCIDENT, more={"incident": incident})


Credentials = NamePassword | AccountPin | MobilePin | OneTimePassword


def credentials(asked: messages.Login | messages.OneTime, origin: Origin) -> Credentials:
    """The credentials in a log-in from ``origin``, whose fields the codec has found to go together."""
    origin = replace(origin, token=asked.terminal)
    if isinstance(asked, messages.OneTime):
        return OneTimePassword(asked.challenge, asked.code, origin)
    over = asked.take_over is not None
    if asked.username is not None:
        return NamePassword(asked.username, asked.password or "", asked.account, origin, over)
    if asked.mobile is not None:
        return MobilePin(asked.mobile, asked.pin or "", asked.account, origin, over)
    return AccountPin(asked.account or "", asked.pin or "", origin, over)


def welcome(customer: Any) -> Answer:
    """LOGIN, once it has succeeded."""
    session = customer.session
    return Answer(codes.CREATED if session.registered else codes.DONE, session.welcome)


async def sign_up(visitor: Any, asked: messages.SignUp) -> Answer:
    """SIGNUP, the one request that a visitor's perspective answers."""
    view = await visitor.sign_up(asked.username, asked.password, asked.mobile, asked.pin, asked.name, asked.email)
    return Answer(codes.CREATED, view)


async def keys(visitor: Any) -> Answer:
    """KEYS, of whoever asks."""
    return Answer(body=await visitor.keys())


async def keep(customer: Any, asked: messages.Noop) -> Answer:
    """NOOP of a customer."""
    if asked.notices is not None:
        return Answer(body=Newest(await customer.newest_notice()))
    await customer.keep()
    return Answer()


async def _view_details(customer: Any, _asked: messages.ViewDetails) -> Answer:
    return Answer(body=await customer.view_details())


async def _accounts(customer: Any, _asked: messages.Accounts) -> Answer:
    return Answer(items=await customer.accounts())


async def _open_account(customer: Any, asked: messages.OpenAccount) -> Answer:
    return Answer(codes.CREATED, await customer.open_account(asked.currency))


async def _balance(customer: Any, asked: messages.Balance) -> Answer:
    return Answer(body=await customer.balance(asked.at_us))


async def _statement(customer: Any, asked: messages.Statement) -> Answer:
    page = await customer.statement(asked.limit, asked.cursor, Period(asked.since_us, asked.before_us))
    return Answer(body=page.end, items=page.lines)


def _deposit(customer: Any, asked: messages.Deposit) -> Deferred[Answer]:
    return _received(customer.deposit(asked.amount, asked.currency, asked.key))


def _withdraw(customer: Any, asked: messages.Withdraw) -> Deferred[Answer]:
    return _received(customer.withdraw(asked.amount, asked.currency, asked.key))


def _transfer(customer: Any, asked: messages.Transfer) -> Deferred[Answer]:
    return _received(customer.transfer(asked.to, asked.amount, asked.currency, asked.key, asked.reference))


def _bulk(customer: Any, asked: messages.Bulk) -> Deferred[Answer]:
    payees = [Payee(item.to, item.amount, item.reference) for item in asked.items]
    result: Deferred[BulkResult] = customer.transfer_all(payees, asked.currency, asked.together, asked.key)
    return result.addCallback(lambda became: Answer(body=became.end, items=became.lines))


async def _hold(customer: Any, asked: messages.Hold) -> Answer:
    return Answer(
        body=await customer.hold(asked.to, asked.amount, asked.currency, asked.seconds, asked.key, asked.reference)
    )


async def _capture(customer: Any, asked: messages.Capture) -> Answer:
    return Answer(body=await customer.capture(asked.hold, asked.amount, asked.key, asked.reference))


async def _release(customer: Any, asked: messages.Release) -> Answer:
    return Answer(body=await customer.release(asked.hold, asked.key))


async def _holds(customer: Any, asked: messages.Holds) -> Answer:
    return Answer(items=await customer.holds(asked.since))


async def _reverse(customer: Any, asked: messages.Reverse) -> Answer:
    return Answer(body=await customer.reverse(asked.receipt, asked.amount, asked.key, asked.reference))


async def _preferences(customer: Any, asked: messages.Preferences) -> Answer:
    return Answer(body=await customer.preferences(asked.muted, asked.least))


async def _limits(customer: Any, _asked: messages.Limits) -> Answer:
    return Answer(body=await customer.allowance())


async def _payee(customer: Any, asked: messages.Payee) -> Answer:
    return Answer(body=await customer.payee(asked.to))


async def _certify(customer: Any, asked: messages.Certify) -> Answer:
    return Answer(body=await customer.certify(asked.receipt))


async def _update_contact(customer: Any, asked: messages.UpdateContact) -> Answer:
    return Answer(body=await customer.update_contact(asked.name, asked.email, asked.mobile))


async def _change_pin(customer: Any, asked: messages.ChangePin) -> Answer:
    await customer.change_secret("pin", asked.new, asked.password, asked.pin)
    return Answer()


async def _change_password(customer: Any, asked: messages.ChangePassword) -> Answer:
    await customer.change_secret("password", asked.new, asked.password, asked.pin)
    return Answer()


async def _one_time(customer: Any, asked: messages.OneTime) -> Answer:
    await customer.one_time(asked.challenge, asked.code)
    return Answer()


async def _enrol_app(customer: Any, asked: messages.EnrolApp) -> Answer:
    return Answer(body=await customer.enrol_app(asked.password, asked.pin))


async def _confirm_app(customer: Any, asked: messages.ConfirmApp) -> Answer:
    return Answer(items=await customer.confirm_app(asked.code))


async def _remove_app(customer: Any, asked: messages.RemoveApp) -> Answer:
    await customer.remove_app(asked.password, asked.pin)
    return Answer()


async def _delete_account(customer: Any, asked: messages.DeleteAccount) -> Answer:
    await customer.delete_account(asked.password, asked.pin, asked.payout)
    return Answer(ends=True)


async def _listen(customer: Any, asked: messages.Listen) -> Answer:
    await customer.keep()
    return Answer(body=customer.listen(asked.port))


async def _confirm(customer: Any, asked: messages.Confirm) -> Answer:
    await customer.keep()
    customer.confirm(asked.proof)
    return Answer()


async def _notices(customer: Any, asked: messages.Notices) -> Answer:
    inbox = await customer.notices(asked.since)
    return Answer(items=inbox.notices, more={"acknowledged": inbox.acknowledged})


async def _acknowledge(customer: Any, asked: messages.Acknowledge) -> Answer:
    await customer.acknowledge(asked.upto)
    return Answer()


def _received(receipt: Deferred[Any]) -> Deferred[Answer]:
    """The answer that a receipt is. No coroutine: of these there are thousands a second."""
    return receipt.addCallback(lambda body: Answer(body=body))


CUSTOMERS: dict[type[Message], Callable[[Any, Any], Awaitable[Answer]]] = {
    messages.ViewDetails: _view_details,
    messages.Accounts: _accounts,
    messages.OpenAccount: _open_account,
    messages.Balance: _balance,
    messages.Statement: _statement,
    messages.Deposit: _deposit,
    messages.Withdraw: _withdraw,
    messages.Transfer: _transfer,
    messages.Bulk: _bulk,
    messages.Hold: _hold,
    messages.Capture: _capture,
    messages.Release: _release,
    messages.Holds: _holds,
    messages.Reverse: _reverse,
    messages.Limits: _limits,
    messages.Payee: _payee,
    messages.Preferences: _preferences,
    messages.Certify: _certify,
    messages.UpdateContact: _update_contact,
    messages.ChangePin: _change_pin,
    messages.ChangePassword: _change_password,
    messages.OneTime: _one_time,
    messages.EnrolApp: _enrol_app,
    messages.ConfirmApp: _confirm_app,
    messages.RemoveApp: _remove_app,
    messages.DeleteAccount: _delete_account,
    messages.Listen: _listen,
    messages.Confirm: _confirm,
    messages.Notices: _notices,
    messages.Acknowledge: _acknowledge,
}
"""What only a customer may ask, and what answers it."""
