"""The ways in: a kind of credentials for each, as ``twisted.cred`` knows them.

``take_over`` asks for an account that another session holds; it takes a one-time password as well.
Secrets are not in the ``repr``, so that no traceback or log line shows them.
"""

from dataclasses import dataclass, field

from twisted.cred.credentials import ICredentials
from zope.interface import implementer


class INamePassword(ICredentials):
    """A user name and a password."""


class IAccountPin(ICredentials):
    """An account's number and a PIN."""


class IMobilePin(ICredentials):
    """A mobile number and a PIN."""


class IOneTimePassword(ICredentials):
    """The one-time password that an earlier log-in was asked for."""


class IOperatorOrigin(ICredentials):
    """Nothing but where a connection comes from."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where credentials come from: the address ``host``, empty where there is none, the SHA-256 in hex of the
    ``certificate`` that the terminal has proved to be its own, and the ``uid`` of the system's user at the other end of
    a UNIX socket.

    ``token`` is what the terminal shows to be trusted (``bank.tokens``); None for one that would not keep any.
    """

    host: str = ""
    certificate: str | None = None
    token: str | None = field(default=None, repr=False)
    uid: int | None = None


NOWHERE = Origin()
"""Of credentials that came over no connection."""


@implementer(INamePassword)
@dataclass(frozen=True, slots=True)
class NamePassword:
    """A user name and a password; ``account`` is the number of the account to act on, None for the oldest."""

    username: str
    password: str = field(repr=False)
    account: str | None = None
    origin: Origin = NOWHERE
    take_over: bool = False


@implementer(IAccountPin)
@dataclass(frozen=True, slots=True)
class AccountPin:
    """An account's number and a PIN."""

    account: str
    pin: str = field(repr=False)
    origin: Origin = NOWHERE
    take_over: bool = False


@implementer(IMobilePin)
@dataclass(frozen=True, slots=True)
class MobilePin:
    """A mobile number and a PIN; ``account`` is the number of the account to act on, None for the oldest."""

    mobile: str
    pin: str = field(repr=False)
    account: str | None = None
    origin: Origin = NOWHERE
    take_over: bool = False


@implementer(IOneTimePassword)
@dataclass(frozen=True, slots=True)
class OneTimePassword:
    """The ``password`` for the ``challenge`` that an earlier log-in, all of which was right, was asked."""

    challenge: str
    password: str = field(repr=False)
    origin: Origin = NOWHERE


@implementer(IOperatorOrigin)
@dataclass(frozen=True, slots=True)
class OperatorOrigin:
    """What an operator of the bank proves: to be a user of the bank's own system, or to have a certificate's key."""

    origin: Origin
