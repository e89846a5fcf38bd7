"""What an operator may ask, as a table of verb and role."""

from enum import StrEnum

from bankd.wire import acts
from bankd.wire.message import Message


class Role(StrEnum):
    """What an operator is trusted with; the word travels."""

    TELLER = "teller"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


_ALL = frozenset(Role)
_PROPOSERS = frozenset({Role.TELLER, Role.ADMINISTRATOR})
_READERS = frozenset({Role.AUDITOR, Role.ADMINISTRATOR})
_ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})

MAY: dict[type[Message], frozenset[Role]] = {
    acts.FindAccount: _ALL,
    acts.ListAccounts: _READERS,
    acts.ListCustomers: _READERS,
    acts.FindCustomer: _ALL,
    acts.UnlockCustomer: _PROPOSERS,
    acts.FindEntry: _ALL,
    acts.Credit: _PROPOSERS,
    acts.ReverseEntry: _PROPOSERS,
    acts.ResetPin: _PROPOSERS,
    acts.FreezeAccount: _PROPOSERS,
    acts.UnfreezeAccount: _PROPOSERS,
    acts.CloseAccount: _PROPOSERS,
    acts.Sessions: _ALL,
    acts.EndSession: _PROPOSERS,
    acts.Proposals: _ALL,
    acts.Approve: _ADMINISTRATORS,
    acts.Reject: _PROPOSERS,
    acts.Broadcast: _ADMINISTRATORS,
    acts.Acts: _READERS,
}
"""The roles that each verb is for. A teller rejects only what they proposed themselves."""
