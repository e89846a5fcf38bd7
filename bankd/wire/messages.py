"""Every request of BANK/1, by its verb; those that move money are in ``orders``, those about one-time passwords in
``devices``, those of operators in ``acts``.
"""

from dataclasses import dataclass

from bankd.wire import acts
from bankd.wire.devices import ConfirmApp as ConfirmApp
from bankd.wire.devices import EnrolApp as EnrolApp
from bankd.wire.devices import OneTime as OneTime
from bankd.wire.devices import RemoveApp as RemoveApp
from bankd.wire.grammar import (
    AccountNumber,
    Count,
    Currency,
    Email,
    Jwe,
    Mobile,
    Page,
    Password,
    Person,
    Pin,
    Time,
    Token,
    Username,
    Yes,
)
from bankd.wire.message import SECRET_AGAIN
from bankd.wire.message import Message as Message
from bankd.wire.news import Acknowledge as Acknowledge
from bankd.wire.news import Confirm as Confirm
from bankd.wire.news import Listen as Listen
from bankd.wire.news import Notices as Notices
from bankd.wire.orders import MAX_BULK as MAX_BULK
from bankd.wire.orders import Bulk as Bulk
from bankd.wire.orders import BulkItem as BulkItem
from bankd.wire.orders import Capture as Capture
from bankd.wire.orders import Deposit as Deposit
from bankd.wire.orders import Hold as Hold
from bankd.wire.orders import Release as Release
from bankd.wire.orders import Reverse as Reverse
from bankd.wire.orders import Transfer as Transfer
from bankd.wire.orders import Withdraw as Withdraw
from bankd.wire.preferences import Preferences as Preferences


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SignUp(Message):
    """Become a customer, with a first account. ``pin`` is for log-in by account or mobile number."""

    verb = "SIGNUP"
    secret = True
    username: Username
    password: Password
    mobile: Mobile
    pin: Pin | None = None
    name: Person | None = None
    email: Email | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Login(Message):
    """Open a session; the fields choose the kind of credentials, and ``account`` one of the customer's accounts.

    ``terminal`` is the token that an earlier log-in gave this terminal; one that has none and would keep it says 'new'.
    """

    verb = "LOGIN"
    secret = True
    ways = (
        frozenset({"username", "password"}),
        frozenset({"account", "pin"}),
        frozenset({"mobile", "pin"}),
        frozenset({"username", "password", "account"}),
        frozenset({"mobile", "pin", "account"}),
    )
    username: Username | None = None
    password: Password | None = None
    account: AccountNumber | None = None
    mobile: Mobile | None = None
    pin: Pin | None = None
    terminal: Token | None = None
    take_over: Yes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys(Message):
    """Ask for the key to seal requests to, and for this connection's nonce."""

    verb = "KEYS"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Sealed(Message):
    """Ask what is sealed in ``jwe`` (``wire.seal``), which may begin a sealed session."""

    verb = "SEALED"
    jwe: Jwe


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewDetails(Message):
    """Ask for the customer's details."""

    verb = "VIEW_DETAILS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts(Message):
    """Ask for the customer's accounts, one line each."""

    verb = "ACCOUNTS"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAccount(Message):
    """Open another account of the same customer, in ``currency`` or the bank's own."""

    verb = "OPEN_ACCOUNT"
    currency: Currency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance(Message):
    """Ask for the balance of the session's account, now or at an instant."""

    verb = "BALANCE"
    at_us: Time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement(Message):
    """Ask for entries of the session's account, newest first, in a period if one is given.

    ``cursor`` continues an earlier page of the same period.
    """

    verb = "STATEMENT"
    limit: Page | None = None
    cursor: Count | None = None
    since_us: Time | None = None
    before_us: Time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds(Message):
    """Ask for the open holds that the session's account has part in, with a number above ``since``, oldest first."""

    verb = "HOLDS"
    since: Count | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Message):
    """Ask what the session's account may spend, at once and today, and what that costs."""

    verb = "LIMITS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payee(Message):
    """Ask whose the account ``to`` is, before paying it."""

    verb = "PAYEE"
    to: AccountNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Certify(Message):
    """Ask for a signed receipt of the entry ``receipt`` of the session's account."""

    verb = "CERTIFY"
    receipt: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateContact(Message):
    """Change the details given; with none given, confirm that those on record are right."""

    verb = "UPDATE_CONTACT"
    name: Person | None = None
    email: Email | None = None
    mobile: Mobile | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ChangePin(Message):
    """Set the PIN to ``new``, after giving the password or the present PIN again."""

    verb = "CHANGE_PIN"
    secret = True
    ways = SECRET_AGAIN
    new: Pin
    password: Password | None = None
    pin: Pin | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ChangePassword(Message):
    """Set the password to ``new``, after giving the present one or the PIN again."""

    verb = "CHANGE_PASSWORD"
    secret = True
    ways = SECRET_AGAIN
    new: Password
    password: Password | None = None
    pin: Pin | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DeleteAccount(Message):
    """Close the session's account, after giving the password or PIN again; money on it goes to ``payout``."""

    verb = "DELETE_ACCOUNT"
    secret = True
    ways = SECRET_AGAIN
    password: Password | None = None
    pin: Pin | None = None
    payout: AccountNumber | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Noop(Message):
    """Ask nothing, or with ``notices`` only for the number of the newest; keeps the session's hold on its account."""

    verb = "NOOP"
    notices: Yes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Logout(Message):
    """End the session; the bank answers and closes the connection."""

    verb = "LOGOUT"


ALL: tuple[type[Message], ...] = (
    SignUp,
    Login,
    OneTime,
    Keys,
    Sealed,
    ViewDetails,
    Accounts,
    OpenAccount,
    Balance,
    Statement,
    Deposit,
    Withdraw,
    Transfer,
    Bulk,
    Hold,
    Capture,
    Release,
    Holds,
    Reverse,
    Limits,
    Payee,
    Certify,
    UpdateContact,
    ChangePin,
    ChangePassword,
    EnrolApp,
    ConfirmApp,
    RemoveApp,
    DeleteAccount,
    Listen,
    Confirm,
    Notices,
    Acknowledge,
    Preferences,
    Noop,
    Logout,
    *acts.ALL,
)
"""Every request, in the order of the specification."""

BY_VERB = {message.verb: message for message in ALL}
"""Each request by its verb."""
