"""What each request of an operator asks of the perspective, and what is answered: a function for each verb."""

from collections.abc import Awaitable, Callable
from typing import Any

from bankd import codes
from bankd.protocols.answers import CUSTOMERS, Answer
from bankd.records import Decision
from bankd.wire import acts
from bankd.wire.messages import Message


def known(operator: Any) -> Answer:
    """OPERATE, once it has succeeded."""
    return Answer(body=operator.view)


async def _find_account(operator: Any, asked: acts.FindAccount) -> Answer:
    return Answer(items=await operator.find_account(asked.account, asked.username, asked.mobile))


async def _list_accounts(operator: Any, asked: acts.ListAccounts) -> Answer:
    return Answer(items=await operator.list_accounts(asked.after))


async def _list_customers(operator: Any, asked: acts.ListCustomers) -> Answer:
    return Answer(items=await operator.list_customers(asked.since))


async def _find_customer(operator: Any, asked: acts.FindCustomer) -> Answer:
    return Answer(body=await operator.find_customer(asked.account, asked.username, asked.mobile))


async def _unlock_customer(operator: Any, asked: acts.UnlockCustomer) -> Answer:
    return Answer(body=await operator.unlock_customer(asked.account, asked.username, asked.mobile, asked.reason))


async def _find_entry(operator: Any, asked: acts.FindEntry) -> Answer:
    return Answer(body=await operator.find_entry(asked.receipt))


async def _credit(operator: Any, asked: acts.Credit) -> Answer:
    return _decided(await operator.credit(asked.account, asked.amount, asked.currency, asked.key, asked.reason))


async def _reverse_entry(operator: Any, asked: acts.ReverseEntry) -> Answer:
    return _decided(await operator.reverse_entry(asked.receipt, asked.amount, asked.key, asked.reason))


async def _reset_pin(operator: Any, asked: acts.ResetPin) -> Answer:
    return _decided(await operator.reset_pin(asked.account, asked.key, asked.reason))


async def _freeze_account(operator: Any, asked: acts.FreezeAccount) -> Answer:
    await operator.freeze_account(asked.account, asked.reason)
    return Answer()


async def _unfreeze_account(operator: Any, asked: acts.UnfreezeAccount) -> Answer:
    return _decided(await operator.unfreeze_account(asked.account, asked.key, asked.reason))


async def _close_account(operator: Any, asked: acts.CloseAccount) -> Answer:
    return _decided(await operator.close_account(asked.account, asked.payout, asked.key, asked.reason))


async def _sessions(operator: Any, asked: acts.Sessions) -> Answer:
    return Answer(items=await operator.sessions(asked.after))


async def _end_session(operator: Any, asked: acts.EndSession) -> Answer:
    return Answer(items=await operator.end_session(asked.account, asked.reason))


async def _proposals(operator: Any, asked: acts.Proposals) -> Answer:
    return Answer(items=await operator.proposals(asked.since))


async def _approve(operator: Any, asked: acts.Approve) -> Answer:
    return _decided(await operator.approve(asked.proposal))


async def _reject(operator: Any, asked: acts.Reject) -> Answer:
    await operator.reject(asked.proposal, asked.reason)
    return Answer()


async def _broadcast(operator: Any, asked: acts.Broadcast) -> Answer:
    return Answer(body=await operator.broadcast(asked.words, asked.key, asked.reason))


async def _acts(operator: Any, asked: acts.Acts) -> Answer:
    return Answer(items=await operator.acts(asked.since))


def _decided(decision: Decision) -> Answer:
    """The answer that a decision is: one that waits for a second person has a code of its own."""
    return Answer(codes.DONE if decision.expires_us is None else codes.PROPOSED, decision)


OPERATORS: dict[type[Message], Callable[[Any, Any], Awaitable[Answer]]] = {
    acts.FindAccount: _find_account,
    acts.ListAccounts: _list_accounts,
    acts.ListCustomers: _list_customers,
    acts.FindCustomer: _find_customer,
    acts.UnlockCustomer: _unlock_customer,
    acts.FindEntry: _find_entry,
    acts.Credit: _credit,
    acts.ReverseEntry: _reverse_entry,
    acts.ResetPin: _reset_pin,
    acts.FreezeAccount: _freeze_account,
    acts.UnfreezeAccount: _unfreeze_account,
    acts.CloseAccount: _close_account,
    acts.Sessions: _sessions,
    acts.EndSession: _end_session,
    acts.Proposals: _proposals,
    acts.Approve: _approve,
    acts.Reject: _reject,
    acts.Broadcast: _broadcast,
    acts.Acts: _acts,
}
"""What only an operator may ask, and what answers it."""

EVERYBODY = CUSTOMERS | OPERATORS
"""What answers whoever has logged in; the state of the connection has decided that they may ask it."""
