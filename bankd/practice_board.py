"""What a practice bank tells its customers by: a notice board and a post, which keep everything instead."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from bankd import codes
from bankd.codes import Refused
from bankd.ibank import INoticeBoard, IPost
from bankd.records import Contact, Event, Listening, Parcel, Route, Wait
from bankd.wire import notice


@implementer(INoticeBoard)
@dataclass(slots=True)
class PracticeBoard:
    """A notice board that keeps what it was told, who listens, the ``probes`` of each, and whose address is proven.

    While it is ``full`` it takes no more listeners.
    """

    events: list[Event] = field(default_factory=list)
    listeners: dict[str, tuple[int, str, int]] = field(default_factory=dict)
    probes: dict[str, str] = field(default_factory=dict)
    proven: set[str] = field(default_factory=set)
    full: bool = False

    def listen(self, account_id: int, host: str, port: int) -> Listening:
        """Note a listener, and a probe."""
        if self.full:
            raise Refused(codes.WAIT, about=Wait(15))
        number = len(self.probes) + 1
        listener, proof = f"{number:032x}", f"{number:032X}"[::-1].lower()
        self.listeners[listener], self.probes[listener] = (account_id, host, port), proof
        return Listening(listener, notice.spell_key(number.to_bytes(notice.KEY_OCTETS, "big")), 65433)

    def confirm(self, listener: str, proof: str) -> bool:
        """Note that an address is proven, when it is."""
        if self.probes.get(listener) != proof or listener not in self.listeners:
            return False
        self.proven.add(listener)
        return True

    def silence(self, listener: str) -> None:
        """Forget a listener."""
        self.listeners.pop(listener, None)
        self.proven.discard(listener)

    def tell(self, events: Iterable[Event], committed_at: float) -> None:
        """Keep ``events``."""
        self.events += events


@implementer(IPost)
@dataclass(slots=True)
class PracticePost:
    """A post that keeps what it was to send; it reaches whoever has a mobile number."""

    sent: list[tuple[Contact, Parcel]] = field(default_factory=list)

    def route(self, contact: Contact) -> Route | None:
        """By text message, with all but the number's last two digits hidden."""
        return Route("sms", f"…{contact.mobile[-2:]}") if contact.mobile else None

    def send(self, contact: Contact, parcel: Parcel) -> Deferred[None]:
        """Keep ``parcel``."""
        self.sent.append((contact, parcel))
        return succeed(None)
