"""Which verb may be used when, as a table: the whole of what a connection's state decides.

``VISITOR`` is a connection that has not logged in, ``CUSTOMER`` one on which a customer has, and ``OPERATOR`` one of an
operator of the bank, whose role then decides (``roles``). ``overlaps`` marks what may be under way
beside others of its kind, in order; every other verb waits until nothing is. ``task`` marks what counts as a task done
for a customer, rather than the keeping of the session.
"""

from dataclasses import dataclass
from enum import Enum

from bankd import codes
from bankd.codes import Code
from bankd.wire import acts, messages
from bankd.wire.messages import Message


class State(Enum):
    """How far a connection has come."""

    VISITOR = "visitor"
    CUSTOMER = "customer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Rule:
    """What the table says of one verb."""

    states: frozenset[State]
    task: bool = True
    overlaps: bool = False


_VISITOR = frozenset({State.VISITOR})
_CUSTOMER = frozenset({State.CUSTOMER})
_OPERATOR = frozenset({State.OPERATOR})
_BOTH = _VISITOR | _CUSTOMER
_EVERY = frozenset(State)

RULES: dict[type[Message], Rule] = {
    messages.SignUp: Rule(_VISITOR),
    messages.Login: Rule(_VISITOR, task=False),
    messages.OneTime: Rule(_BOTH, task=False),
    messages.Keys: Rule(_BOTH, task=False),
    messages.Sealed: Rule(_BOTH, task=False),
    messages.ViewDetails: Rule(_CUSTOMER),
    messages.Accounts: Rule(_CUSTOMER),
    messages.OpenAccount: Rule(_CUSTOMER),
    messages.Balance: Rule(_CUSTOMER),
    messages.Statement: Rule(_CUSTOMER),
    messages.Deposit: Rule(_CUSTOMER, overlaps=True),
    messages.Withdraw: Rule(_CUSTOMER, overlaps=True),
    messages.Transfer: Rule(_CUSTOMER, overlaps=True),
    messages.Bulk: Rule(_CUSTOMER, overlaps=True),
    messages.Hold: Rule(_CUSTOMER, overlaps=True),
    messages.Capture: Rule(_CUSTOMER, overlaps=True),
    messages.Release: Rule(_CUSTOMER, overlaps=True),
    messages.Holds: Rule(_CUSTOMER),
    messages.Reverse: Rule(_CUSTOMER, overlaps=True),
    messages.Limits: Rule(_CUSTOMER),
    messages.Payee: Rule(_CUSTOMER, task=False),
    messages.Certify: Rule(_CUSTOMER),
    messages.UpdateContact: Rule(_CUSTOMER),
    messages.ChangePin: Rule(_CUSTOMER),
    messages.ChangePassword: Rule(_CUSTOMER),
    messages.EnrolApp: Rule(_CUSTOMER),
    messages.ConfirmApp: Rule(_CUSTOMER),
    messages.RemoveApp: Rule(_CUSTOMER),
    messages.DeleteAccount: Rule(_CUSTOMER),
    messages.Listen: Rule(_CUSTOMER, task=False),
    messages.Confirm: Rule(_CUSTOMER, task=False),
    messages.Notices: Rule(_CUSTOMER, task=False),
    messages.Acknowledge: Rule(_CUSTOMER, task=False),
    messages.Preferences: Rule(_CUSTOMER),
    messages.Noop: Rule(_EVERY, task=False),
    messages.Logout: Rule(_EVERY, task=False),
    acts.Operate: Rule(_VISITOR, task=False),
    acts.FindAccount: Rule(_OPERATOR, task=False),
    acts.ListAccounts: Rule(_OPERATOR, task=False),
    acts.ListCustomers: Rule(_OPERATOR, task=False),
    acts.FindCustomer: Rule(_OPERATOR, task=False),
    acts.UnlockCustomer: Rule(_OPERATOR, task=False),
    acts.FindEntry: Rule(_OPERATOR, task=False),
    acts.Credit: Rule(_OPERATOR, task=False),
    acts.ReverseEntry: Rule(_OPERATOR, task=False),
    acts.ResetPin: Rule(_OPERATOR, task=False),
    acts.FreezeAccount: Rule(_OPERATOR, task=False),
    acts.UnfreezeAccount: Rule(_OPERATOR, task=False),
    acts.CloseAccount: Rule(_OPERATOR, task=False),
    acts.Sessions: Rule(_OPERATOR, task=False),
    acts.EndSession: Rule(_OPERATOR, task=False),
    acts.Proposals: Rule(_OPERATOR, task=False),
    acts.Approve: Rule(_OPERATOR, task=False),
    acts.Reject: Rule(_OPERATOR, task=False),
    acts.Broadcast: Rule(_OPERATOR, task=False),
    acts.Acts: Rule(_OPERATOR, task=False),
}


def obstacle(state: State, message: type[Message]) -> Code | None:
    """The code that refuses ``message`` in ``state``; None where it is allowed."""
    if state in RULES[message].states:
        return None
    return codes.NEEDS_LOGIN if state is State.VISITOR else codes.BAD_STATE
