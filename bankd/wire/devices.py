"""The requests about one-time passwords, and the authenticator app that makes them."""

from dataclasses import dataclass

from bankd.wire.grammar import Challenge, Passcode, Password, Pin, Token
from bankd.wire.message import SECRET_AGAIN, Message


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OneTime(Message):
    """Give the one-time password for a challenge, or a recovery code in its place."""

    verb = "ONE_TIME"
    secret = True
    challenge: Challenge
    code: Passcode
    terminal: Token | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EnrolApp(Message):
    """Ask for the secret of a new authenticator app, after giving the password or PIN again."""

    verb = "ENROL_APP"
    secret = True
    ways = SECRET_AGAIN
    password: Password | None = None
    pin: Pin | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ConfirmApp(Message):
    """Show by a code of its own that the new app has the secret; from then on one-time passwords are its."""

    verb = "CONFIRM_APP"
    secret = True
    code: Passcode


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RemoveApp(Message):
    """Have one-time passwords sent again, after giving the password or PIN again."""

    verb = "REMOVE_APP"
    secret = True
    ways = SECRET_AGAIN
    password: Password | None = None
    pin: Pin | None = None
