"""The frozen values that cross from room to room: what the bank tells a customer, and what a notice says.

Amounts are integer minor units, times microseconds since 1970 in UTC. A field annotated with a kind of the wire's
grammar travels; plain ones stay inside the bank.
"""

from dataclasses import dataclass, field

from bankd.devices import Challenged as Challenged
from bankd.devices import Enrolment as Enrolment
from bankd.devices import RecoveryCode as RecoveryCode
from bankd.devices import TriesLeft as TriesLeft
from bankd.ledger.entries import Posted
from bankd.limits import Limits as Limits
from bankd.notices import NOTHING as NOTHING
from bankd.notices import OPTIONAL as OPTIONAL
from bankd.notices import Inbox as Inbox
from bankd.notices import Notice as Notice
from bankd.notices import NoticeKind as NoticeKind
from bankd.notices import PreferencesView as PreferencesView
from bankd.office import AccountFile as AccountFile
from bankd.office import Act as Act
from bankd.office import BroadcastView as BroadcastView
from bankd.office import CustomerFile as CustomerFile
from bankd.office import Decision as Decision
from bankd.office import EntryFile as EntryFile
from bankd.office import OpenSession as OpenSession
from bankd.office import OperatorView as OperatorView
from bankd.office import Proposal as Proposal
from bankd.parcels import Contact as Contact
from bankd.parcels import Parcel as Parcel
from bankd.parcels import Route as Route
from bankd.payees import BulkEnd as BulkEnd
from bankd.payees import BulkLine as BulkLine
from bankd.payees import BulkResult as BulkResult
from bankd.payees import Payee as Payee
from bankd.payees import PayeeView as PayeeView
from bankd.statement import ALWAYS as ALWAYS
from bankd.statement import Period as Period
from bankd.statement import Statement as Statement
from bankd.statement import StatementEnd as StatementEnd
from bankd.statement import StatementLine as StatementLine
from bankd.statement import period_of as period_of
from bankd.wire.grammar import (
    AccountNumber,
    Count,
    Currency,
    Email,
    Jws,
    Mobile,
    Person,
    Seconds,
    Signed,
    Text,
    Time,
    Token,
    Username,
    Word,
)
from bankd.wire.key_set import PublishedKeys as PublishedKeys
from bankd.wire.notice import Listening as Listening
from bankd.wire.notice import Newest as Newest
from bankd.wire.seal import Sealing as Sealing


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the bank says first: the protocol, its own name, and the currency of its accounts unless otherwise asked."""

    protocol: Text
    bank: Text
    currency: Currency


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a customer learns at log-in.

    ``lease_seconds`` is for how long a silent terminal keeps the account; ``last_login_us`` is the log-in before this
    one, None for the first; ``failed`` is how many tries failed since, None for none. ``terminal`` is a token for the
    terminal to show at its next log-in, where it asked for one. ``change`` is the kind of secret that has to be changed
    before anything else is asked: ``pin``, or None.
    """

    account: AccountNumber
    currency: Currency
    lease_seconds: Count
    last_login_us: Time | None = None
    failed: Count | None = None
    terminal: Token | None = None
    change: Word | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """For how long a log-in is refused."""

    seconds: Seconds


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of one movement: its number in the journal, when, how much, and the balance of the account after it."""

    receipt: Count
    at_us: Time
    amount_minor: Signed
    balance_minor: Signed
    currency: Currency


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """One entry as the account's owner sees it, and the same in ``signed``: a text that anybody with the bank's public
    key can check (``bankd.signing``).
    """

    receipt: Count
    at_us: Time
    kind: Word
    amount_minor: Signed
    balance_minor: Signed
    currency: Currency
    signed: Jws
    counterparty: AccountNumber | None = None
    reference: Text | None = None


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as its owner sees it: now, or at the instant ``at_us`` that was asked for.

    ``available_minor`` is what can be paid from it now: the balance less what is held, and with what it may be
    overdrawn by; None where an instant was asked for.
    """

    account: AccountNumber
    currency: Currency
    balance_minor: Signed
    opened_us: Time
    available_minor: Signed | None = None
    at_us: Time | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an account may spend, and what that costs; None where there is no limit.

    ``payment_minor`` is the most at once and ``day_minor`` the most on one day in UTC, of which ``left_minor`` is left
    today; ``overdraft_minor`` is by how much the balance may go below zero.
    """

    currency: Currency
    available_minor: Signed
    overdraft_minor: Signed
    transfer_fee_minor: Signed
    withdrawal_fee_minor: Signed
    payment_minor: Signed | None = None
    day_minor: Signed | None = None
    left_minor: Signed | None = None


@dataclass(frozen=True, slots=True)
class HoldView:
    """An open hold as one of its two accounts sees it: ``amount_minor`` is negative where the money is its own.

    ``counterparty`` is the other account, None for cash; ``expires_us`` is when the hold ends by itself.
    """

    hold: Count
    at_us: Time
    expires_us: Time
    amount_minor: Signed
    currency: Currency
    counterparty: AccountNumber | None = None
    reference: Text | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Proof that money was set aside: the number of the hold, when it was made, how much, and until when."""

    hold: Count
    at_us: Time
    expires_us: Time
    amount_minor: Signed
    currency: Currency


@dataclass(frozen=True, slots=True)
class CustomerView:
    """A customer's details as on record; None for what the bank was not told.

    ``contact_us`` is when the customer last changed or confirmed them.
    """

    opened_us: Time
    contact_us: Time
    username: Username | None = None
    name: Person | None = None
    mobile: Mobile | None = None
    email: Email | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """That something happened on an account, whose events ``number`` counts from 1; ``posted`` is what it paid.

    ``amount_minor`` is what moved, where money did.
    """

    account_id: int
    number: int
    kind: NoticeKind
    posted: Posted | None = field(default=None, compare=False)
    amount_minor: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Session:
    """A session as a log-in opened it: who acts, on which account, and under which lease; and what its
    owner wants to be told of.

    ``fence`` is checked wherever money moves; ``registered`` says that this log-in made the customer.
    """

    customer_id: int
    account_id: int
    fence: int
    registered: bool
    welcome: Welcome
    preferences: PreferencesView | None = None
