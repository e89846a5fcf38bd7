"""The frozen values that only operators see: accounts and entries as the bank keeps them, proposals, broadcasts, and
acts.

Amounts are integer minor units, times microseconds since 1970 in UTC.
"""

from dataclasses import dataclass

from bankd.wire.grammar import (
    AccountNumber,
    Count,
    Currency,
    Email,
    Mobile,
    Person,
    Signed,
    Subject,
    Text,
    Time,
    Username,
    Word,
    Yes,
)


@dataclass(frozen=True, slots=True)
class OperatorView:
    """Who an operator is, and in which role."""

    operator: Username
    role: Word


@dataclass(frozen=True, slots=True)
class AccountFile:
    """An account and whose it is; ``customer`` is the customer's number, ``closed_us`` None while it is open, and
    ``frozen_us`` unless it is frozen.
    """

    account: AccountNumber
    currency: Currency
    balance_minor: Signed
    available_minor: Signed
    opened_us: Time
    customer: Count
    closed_us: Time | None = None
    frozen_us: Time | None = None
    username: Username | None = None
    name: Person | None = None
    mobile: Mobile | None = None
    email: Email | None = None


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """A customer with how many open accounts, and what there is to log in with.

    ``locked_us`` is until when tries to be this customer are refused somewhere, None where they are nowhere; ``change``
    the kind of secret that has to be changed first, None for none.
    """

    customer: Count
    opened_us: Time
    accounts: Count
    last_login_us: Time | None = None
    locked_us: Time | None = None
    has_password: Yes | None = None
    has_pin: Yes | None = None
    change: Word | None = None
    username: Username | None = None
    name: Person | None = None
    mobile: Mobile | None = None
    email: Email | None = None


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session on an ``account``: since when, until when it lasts unless it is renewed, and from which address."""

    account: AccountNumber
    customer: Count
    since_us: Time
    expires_us: Time
    username: Username | None = None
    host: Text | None = None


@dataclass(frozen=True, slots=True)
class EntryFile:
    """An entry of the journal, and in ``left_minor`` how much of it can be given back.

    ``payer`` and ``payee`` are None for the bank's till.
    """

    receipt: Count
    at_us: Time
    kind: Word
    amount_minor: Signed
    left_minor: Signed
    currency: Currency
    payer: AccountNumber | None = None
    payee: AccountNumber | None = None
    reference: Text | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one operator wants done, and another has to approve before it ``expires_us``; ``verb`` says what."""

    proposal: Count
    verb: Word
    operator: Username
    at_us: Time
    expires_us: Time
    reason: Text
    account: AccountNumber | None = None
    receipt: Count | None = None
    amount_minor: Signed | None = None
    currency: Currency | None = None
    payout: AccountNumber | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a proposal.

    ``expires_us`` while it waits for a second person. Once carried out ``at_us``, ``receipt`` is the entry that moved
    money, and a new PIN goes ``by`` that way and ``to`` that device, most of whose address is hidden.
    """

    proposal: Count
    expires_us: Time | None = None
    at_us: Time | None = None
    receipt: Count | None = None
    by: Word | None = None
    to: Text | None = None


@dataclass(frozen=True, slots=True)
class BroadcastView:
    """How far a broadcast has come: how many accounts have a notice of it, and when the last one got it."""

    broadcast: Count
    at_us: Time
    reached: Count
    finished_us: Time | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """What an operator did, or tried: ``outcome`` is ``done``, ``proposed``, or the word of what refused it.

    ``subject`` is the account or operator that it was about, ``receipt`` the entry that it made.
    """

    act: Count
    at_us: Time
    operator: Username
    verb: Word
    outcome: Word
    subject: Subject | None = None
    details: Text | None = None
    reason: Text | None = None
    proposal: Count | None = None
    receipt: Count | None = None
