"""Where datagrams arrive by UDP: a port of this machine, and what of all that comes there is the bank's.

Anybody can send a datagram. What does not come from the bank's own address, was not sealed with the key that the bank
gave this terminal over TLS, or came before, is dropped without a word.
"""

import ipaddress
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol

from bankd.records import Listening
from bankd.wire import notice
from bankd.wire.notice import Hint, Opening, Probe

EARLY = 8
"""Datagrams that are kept until the bank's answer to LISTEN, which they may overtake, tells how to open them."""

GREETING = b"\x01"
"""What is sent to the bank, which does not read it: firewalls and NATs on the way then let through what comes back."""


class Inbox(DatagramProtocol):
    """Calls ``on_probe`` with the proof, and ``on_hint`` with each hint, that the bank at ``bank_host`` sends here."""

    def __init__(self, bank_host: str, on_hint: Callable[[Hint], None], on_probe: Callable[[str], None]) -> None:
        self._bank = _address(bank_host)
        self._on_hint = on_hint
        self._on_probe = on_probe
        self._opening: Opening | None = None
        self._early: deque[bytes] | None = None

    @property
    def port(self) -> int:
        """The UDP port."""
        assert self.transport is not None
        return int(self.transport.getHost().port)

    def await_key(self) -> None:
        """Keep what cannot be opened yet: the bank is being asked for a key."""
        self._early = deque(maxlen=EARLY)

    def expect(self, listening: Listening) -> None:
        """From now on open what is sealed for ``listening``, also of what came before this was known."""
        self._opening = Opening(listening.listener, notice.read_key(listening.notice_key))
        early, self._early = self._early or (), None
        for datagram in early:
            self._take(datagram)

    def greet(self, port: int) -> None:
        """Send to the bank's UDP ``port``, so that the networks in between let its datagrams in."""
        if self.transport is not None and self._bank is not None:
            with suppress(OSError, ValueError):  # looking in the bank's own lists will have to do
                self.transport.write(GREETING, (str(self._bank), port))

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        if self._bank is None or _address(addr[0]) != self._bank or self._take(datagram):
            return
        if self._early is not None and len(datagram) <= notice.MAX_DATAGRAM:
            self._early.append(datagram)

    def close(self) -> None:
        """Hear nothing more."""
        self._opening = self._early = None
        if self.transport is not None:
            self.transport.stopListening()

    def _take(self, datagram: bytes) -> bool:
        """Pass on what is in a datagram; whether it opened."""
        brought = self._opening.open(datagram) if self._opening is not None else None
        match brought:
            case Probe(proof):
                self._on_probe(proof)
            case tuple():
                for hint in brought:
                    self._on_hint(hint)
        return brought is not None


def open_port(reactor: Any, inbox: Inbox, here: str, there: str) -> None:
    """Have ``inbox`` listen on a port of the address ``here``, or of all where it cannot. Raises CannotListenError."""
    try:
        reactor.listenUDP(0, inbox, interface=here)
    except CannotListenError:
        reactor.listenUDP(0, inbox, interface="::" if ":" in there else "")


def _address(host: str) -> object:
    """The IP address that ``host`` spells, an IPv4 one also inside IPv6 and without its zone; None for no address."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
