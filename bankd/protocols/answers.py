"""What each request asks of a perspective, and what is answered: a function for each verb, in a table."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bankd import codes
from bankd.codes import Code
from bankd.credentials import AccountPin, MobilePin, NamePassword
from bankd.records import Period
from bankd.wire import codec, messages
from bankd.wire.messages import Message


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

    def lines(self, tag: str) -> list[bytes]:
        """The answer to the request with ``tag``, as it travels."""
        listed = [codec.write_item(tag, item) for item in self.items]
        return [*listed, codec.write_reply(tag, self.code, self.body, **self.more)]


def credentials(asked: messages.Login) -> NamePassword | AccountPin | MobilePin:
    """The credentials in a log-in, whose fields the codec has found to go together."""
    if asked.username is not None:
        return NamePassword(asked.username, asked.password or "", asked.account)
    if asked.mobile is not None:
        return MobilePin(asked.mobile, asked.pin or "", asked.account)
    return AccountPin(asked.account or "", asked.pin or "")


async def sign_up(visitor: Any, asked: messages.SignUp) -> Answer:
    """SIGNUP, the one request that a visitor's perspective answers."""
    view = await visitor.sign_up(asked.username, asked.password, asked.mobile, asked.pin, asked.name, asked.email)
    return Answer(codes.CREATED, view)


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


async def _deposit(customer: Any, asked: messages.Deposit) -> Answer:
    return Answer(body=await customer.deposit(asked.amount, asked.currency, asked.key))


async def _withdraw(customer: Any, asked: messages.Withdraw) -> Answer:
    return Answer(body=await customer.withdraw(asked.amount, asked.currency, asked.key))


async def _transfer(customer: Any, asked: messages.Transfer) -> Answer:
    return Answer(body=await customer.transfer(asked.to, asked.amount, asked.currency, asked.key, asked.reference))


async def _update_contact(customer: Any, asked: messages.UpdateContact) -> Answer:
    return Answer(body=await customer.update_contact(asked.name, asked.email, asked.mobile))


async def _change_pin(customer: Any, asked: messages.ChangePin) -> Answer:
    await customer.change_secret("pin", asked.new, asked.password, asked.pin)
    return Answer()


async def _change_password(customer: Any, asked: messages.ChangePassword) -> Answer:
    await customer.change_secret("password", asked.new, asked.password, asked.pin)
    return Answer()


async def _delete_account(customer: Any, asked: messages.DeleteAccount) -> Answer:
    await customer.delete_account(asked.password, asked.pin, asked.payout)
    return Answer(ends=True)


async def _listen(customer: Any, asked: messages.Listen) -> Answer:
    await customer.keep()
    return Answer(body=customer.listen(asked.port))


async def _notices(customer: Any, asked: messages.Notices) -> Answer:
    inbox = await customer.notices(asked.since)
    return Answer(items=inbox.notices, more={"acknowledged": inbox.acknowledged})


async def _acknowledge(customer: Any, asked: messages.Acknowledge) -> Answer:
    await customer.acknowledge(asked.upto)
    return Answer()


CUSTOMERS: dict[type[Message], Callable[[Any, Any], Awaitable[Answer]]] = {
    messages.ViewDetails: _view_details,
    messages.Accounts: _accounts,
    messages.OpenAccount: _open_account,
    messages.Balance: _balance,
    messages.Statement: _statement,
    messages.Deposit: _deposit,
    messages.Withdraw: _withdraw,
    messages.Transfer: _transfer,
    messages.UpdateContact: _update_contact,
    messages.ChangePin: _change_pin,
    messages.ChangePassword: _change_password,
    messages.DeleteAccount: _delete_account,
    messages.Listen: _listen,
    messages.Notices: _notices,
    messages.Acknowledge: _acknowledge,
}
"""What only a customer may ask, and what answers it."""
