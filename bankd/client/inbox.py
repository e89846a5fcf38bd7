"""Where hints of notices arrive by UDP. A hint is believed only so far that it is worth asking the bank.

Anybody can send a datagram: whatever does not come from the bank's own address, or does not carry the number that the
bank gave this terminal over TLS, is dropped without a word.
"""

import ipaddress
from collections.abc import Callable
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol

from bankd.client.bank import Bank
from bankd.wire import notice
from bankd.wire.notice import Hint


class Inbox(DatagramProtocol):
    """Calls ``on_hint`` with each hint that ``bank_host`` sends for ``listener``; before that is known, with none."""

    def __init__(self, bank_host: str, on_hint: Callable[[Hint], None]) -> None:
        self.listener: str | None = None
        self._bank = _address(bank_host)
        self._on_hint = on_hint

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        hint = notice.read(datagram)
        if hint is None or hint.listener != self.listener:
            return
        if self._bank is not None and _address(addr[0]) == self._bank:
            self._on_hint(hint)

    def close(self) -> None:
        """Hear nothing more."""
        self.listener = None
        if self.transport is not None:
            self.transport.stopListening()


async def open_inbox(reactor: Any, bank: Bank, on_hint: Callable[[Hint], None]) -> Inbox:
    """Have the bank's hints for the session that is open sent to a port of this machine.

    The port is on the address that the connection to the bank uses, where that can be had. Raises Refused, LostBank,
    and CannotListenError when this machine gives no port.
    """
    inbox = Inbox(bank.there, on_hint)
    everywhere = "::" if ":" in bank.there else ""
    try:
        port = reactor.listenUDP(0, inbox, interface=bank.here)
    except CannotListenError:
        port = reactor.listenUDP(0, inbox, interface=everywhere)
    try:
        inbox.listener = await bank.listen(port.getHost().port)
    except BaseException:
        inbox.close()
        raise
    return inbox


def _address(host: str) -> object:
    """The IP address that ``host`` spells, an IPv4 one also inside IPv6 and without its zone; None for no address."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
