"""Events to customers by e-mail, through the mail server of ``[smtp]``.

An e-mail is read by others on its way. So it tells of what kind the event was, on which account as far as its last
digits tell, and when; amounts and names are for who logs in.
"""

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from bankd.delivery.smtp import Smtp
from bankd.happenings import Happening
from bankd.iforwarding import IForwarder
from bankd.notices import NoticeKind
from bankd.records import Parcel
from bankd.wire.grammar import write_time

SUBJECTS: dict[str, str] = {
    NoticeKind.PAID: "A payment left your account",
    NoticeKind.RECEIVED: "A payment reached your account",
    NoticeKind.DEPOSIT: "Cash was paid in",
    NoticeKind.WITHDRAWAL: "Cash was withdrawn",
    NoticeKind.FEE: "A fee was charged",
    NoticeKind.HOLD: "Money was set aside",
    NoticeKind.PROMISED: "Money was set aside for you",
    NoticeKind.RELEASED: "Money that was set aside is free again",
    NoticeKind.WITHDRAWN: "Money is no longer set aside for you",
    NoticeKind.REVERSAL: "A payment was given back",
    NoticeKind.DELETION: "Your account was closed",
    NoticeKind.CONTACT: "Your contact information was changed",
    NoticeKind.SECRET: "Your PIN or password was changed",
    NoticeKind.FAILED: "Somebody has tried to log in to your account, and failed",
    NoticeKind.LOCKOUT: "Too many tries to log in to your account have failed",
    NoticeKind.UNUSUAL: "More cash than usual was withdrawn at once",
    NoticeKind.DEVICE: "Your authenticator app was set up or removed",
    NoticeKind.RECOVERY: "One of your recovery codes was used",
    NoticeKind.FROZEN: "Your bank lets no money leave your account",
    NoticeKind.UNFROZEN: "Money may leave your account again",
    NoticeKind.BROADCAST: "Your bank has something to say",
    NoticeKind.STATEMENT: "Your statement is ready",
    NoticeKind.PREFERENCES: "What you are told of was changed",
}
"""What is told of each kind."""

NEWS = "There is news on your account"
SHOWN = 4
"""Characters of an account's number that are told."""


@implementer(IForwarder)
class Email:
    """Sends events to the customers who have an e-mail address."""

    to_customers = True

    def __init__(self, settings: Mapping[str, Any], reactor: Any) -> None:
        self._smtp = Smtp(settings, reactor)

    def send(self, happening: Happening) -> Deferred[None]:
        """Send an event to its customer; who has no address is not told this way."""
        if self._smtp.address(happening.contact) is None:
            return succeed(None)
        return self._smtp.send(happening.contact, letter(happening))

    def close(self) -> None:
        """Nothing is held open: a connection is made for each event."""


def letter(happening: Happening) -> Parcel:
    """What a customer is sent."""
    told = happening.notice
    subject = SUBJECTS.get(told.kind, NEWS)
    words = f" It says: {told.words}" if told.words else f" It is that of {told.period}." if told.period else ""
    account = f"Account ending in {happening.account[-SHOWN:]}, {write_time(told.at_us)[:16].replace('T', ' ')} UTC."
    return Parcel(subject, f"{subject}.{words}\n{account}\nLog in to see it; nobody from your bank asks for your PIN.")
