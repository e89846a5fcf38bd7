"""Live notices by UDP: one socket for all, and who listens for what.

1. A datagram is a hint (``wire.notice``): it says that there is a notice, never what is in it.
2. It goes only to the address that a session's own connection comes from.
3. Nothing that happens to a datagram is the business of whoever moved the money: errors of the network are swallowed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from twisted.internet.error import MessageLengthError
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger
from zope.interface import implementer

from bankd.ibank import INoticeBoard
from bankd.records import Event
from bankd.wire import notice
from bankd.wire.notice import Hint


@dataclass(frozen=True, slots=True)
class _Listener:
    """A terminal that listens for events on one account."""

    id: str
    account_id: int
    address: tuple[str, int]


@implementer(INoticeBoard)
class Notices(DatagramProtocol):
    """The UDP service. ``random_hex`` gives as many random octets as asked, in hex."""

    log = Logger()

    def __init__(self, random_hex: Callable[[int], str]) -> None:
        self._random_hex = random_hex
        self._by_id: dict[str, _Listener] = {}
        self._by_account: defaultdict[int, set[_Listener]] = defaultdict(set)

    def listen(self, account_id: int, host: str, port: int) -> str:
        """Tell a terminal of events on an account."""
        listener = _Listener(self._random_hex(16), account_id, (host, port))
        self._by_id[listener.id] = listener
        self._by_account[account_id].add(listener)
        return listener.id

    def silence(self, listener: str) -> None:
        """Tell a terminal nothing more."""
        gone = self._by_id.pop(listener, None)
        if gone is None:
            return
        self._by_account[gone.account_id].discard(gone)
        if not self._by_account[gone.account_id]:
            del self._by_account[gone.account_id]

    def tell(self, events: Iterable[Event]) -> None:
        """Tell whoever listens."""
        if not self._by_account:
            return
        for event in events:
            for listener in self._by_account.get(event.account_id, ()):
                self._send(listener, notice.write(Hint(listener.id, event.number, event.kind)))

    def datagramReceived(self, datagram: bytes, addr: object) -> None:
        """Nobody has anything to say to the bank by UDP."""

    def _send(self, listener: _Listener, datagram: bytes) -> None:
        if self.transport is None:
            return
        try:
            self.transport.write(datagram, listener.address)
        except (OSError, ValueError, MessageLengthError):
            self.log.debug("no datagram reached {host}", host=listener.address[0])
