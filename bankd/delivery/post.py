"""The post: chooses by which delivery a message reaches a customer."""

from twisted.internet.defer import Deferred, fail
from zope.interface import implementer

from bankd.ibank import IPost, NotDelivered
from bankd.records import Contact, Parcel, Route


@implementer(IPost)
class Post:
    """A post without deliveries: it reaches nobody."""

    def route(self, contact: Contact) -> Route | None:
        """No way leads to ``contact``."""
        return None

    def send(self, contact: Contact, parcel: Parcel) -> Deferred[None]:
        """Fails with NotDelivered."""
        return fail(NotDelivered("no delivery is set up"))
