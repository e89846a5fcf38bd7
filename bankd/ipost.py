"""The contract of the post, which sends messages to customers' devices; no logic."""

from twisted.internet.defer import Deferred
from zope.interface import Interface

from bankd.records import Contact, Parcel, Route


class IPost(Interface):
    """Sends messages to customers' devices."""

    def route(contact: Contact) -> Route | None:
        """By which way, and to where, a parcel for ``contact`` would go; None where nothing reaches them."""

    def send(contact: Contact, parcel: Parcel) -> Deferred[None]:
        """Send ``parcel`` by that way. A Deferred that fires once it was handed over, or fails with NotDelivered.

        Sending is tried anew for a while, so that this may take some minutes; it may be cancelled. It also fails with
        Refused: BUSY.
        """


class NotDelivered(Exception):
    """A parcel could not be sent; the message says why, without what is in the parcel and without the address.

    ``transient`` says that the same may succeed a little later.
    """

    def __init__(self, why: str, transient: bool = False) -> None:
        super().__init__(why)
        self.transient = transient
