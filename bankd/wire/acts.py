"""The requests of operators. What changes anything has a key and a reason, and is carried out once."""

from dataclasses import dataclass

from bankd.wire.grammar import AccountNumber, Amount, Count, Currency, Key, Mobile, Text, Username
from bankd.wire.message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Operate(Message):
    """Become an operator, by what the connection itself proves: a certificate, or the system's user."""

    verb = "OPERATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindAccount(Message):
    """Ask for the account with a number, or for the open accounts of a customer."""

    verb = "FIND_ACCOUNT"
    ways = (frozenset({"account"}), frozenset({"username"}), frozenset({"mobile"}))
    account: AccountNumber | None = None
    username: Username | None = None
    mobile: Mobile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAccounts(Message):
    """Ask for customers' accounts, open and closed, with a number after ``after``."""

    verb = "LIST_ACCOUNTS"
    after: AccountNumber | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCustomers(Message):
    """Ask for customers with a number above ``since``, oldest first."""

    verb = "LIST_CUSTOMERS"
    since: Count | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindCustomer(Message):
    """Ask for a customer, and what stands in the way of a log-in."""

    verb = "FIND_CUSTOMER"
    ways = (frozenset({"account"}), frozenset({"username"}), frozenset({"mobile"}))
    account: AccountNumber | None = None
    username: Username | None = None
    mobile: Mobile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockCustomer(Message):
    """Let a customer try to log in again from everywhere, whatever has failed."""

    verb = "UNLOCK_CUSTOMER"
    ways = (frozenset({"account"}), frozenset({"username"}), frozenset({"mobile"}))
    account: AccountNumber | None = None
    username: Username | None = None
    mobile: Mobile | None = None
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class FindEntry(Message):
    """Ask for the entry ``receipt`` of the journal, and for how much of it can be given back."""

    verb = "FIND_ENTRY"
    receipt: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit(Message):
    """Pay an amount from the till into an account; both statement and act say the ``reason``."""

    verb = "CREDIT"
    account: AccountNumber
    amount: Amount
    currency: Currency
    key: Key
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseEntry(Message):
    """Give back what the entry ``receipt`` moved, or ``amount`` of it."""

    verb = "REVERSE_ENTRY"
    receipt: Count
    amount: Amount | None = None
    key: Key
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPin(Message):
    """Void the PIN of the customer whose account this is, and send a new one to the customer's device."""

    verb = "RESET_PIN"
    account: AccountNumber
    key: Key
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeAccount(Message):
    """Let no money leave an account; one person is enough, for it cannot wait."""

    verb = "FREEZE_ACCOUNT"
    account: AccountNumber
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfreezeAccount(Message):
    """Let money leave an account again."""

    verb = "UNFREEZE_ACCOUNT"
    account: AccountNumber
    key: Key
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAccount(Message):
    """Close an account for ever; money on it goes to ``payout``."""

    verb = "CLOSE_ACCOUNT"
    account: AccountNumber
    payout: AccountNumber | None = None
    key: Key
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions(Message):
    """Ask for the sessions that are open on accounts with a number after ``after``."""

    verb = "SESSIONS"
    after: AccountNumber | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSession(Message):
    """End the session on an account, if one is open."""

    verb = "END_SESSION"
    account: AccountNumber
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposals(Message):
    """Ask for the open proposals with a number above ``since``, oldest first."""

    verb = "PROPOSALS"
    since: Count | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve(Message):
    """Have a proposal of another operator carried out."""

    verb = "APPROVE"
    proposal: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject(Message):
    """Have a proposal never carried out."""

    verb = "REJECT"
    proposal: Count
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts(Message):
    """Ask for what operators did: the acts above number ``since``, or the newest there are, oldest first."""

    verb = "ACTS"
    since: Count | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast(Message):
    """Have ``words`` told to every customer; asked again, how far that has come."""

    verb = "BROADCAST"
    words: Text
    key: Key
    reason: Text


ALL: tuple[type[Message], ...] = (
    Operate,
    FindAccount,
    ListAccounts,
    ListCustomers,
    FindCustomer,
    UnlockCustomer,
    FindEntry,
    Credit,
    ReverseEntry,
    ResetPin,
    FreezeAccount,
    UnfreezeAccount,
    CloseAccount,
    Sessions,
    EndSession,
    Proposals,
    Approve,
    Reject,
    Broadcast,
    Acts,
)
"""Every request of operators, in the order of the specification."""
