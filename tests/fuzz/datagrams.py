"""Datagrams of notices, and the window against those that come again."""

from collections.abc import Sequence

from bankd.wire.notice import KEY_OCTETS, MAX_DATAGRAM, Hint, Opening, Probe, Sealing
from bankd.wire.replay import WINDOW, ReplayWindow
from tests.fuzz.target import Stateless, ensure

LISTENER, KEY = "0123456789abcdef" * 2, bytes(range(KEY_OCTETS))


class Datagrams(Stateless):
    """What comes to a terminal: what its bank sealed, once, and nothing else."""

    weight = 150

    def __init__(self) -> None:
        bank, other = Sealing(LISTENER, KEY), Sealing("f" * 32, KEY)
        hints = [Hint(number, kind) for number, kind in enumerate(("paid", "", "broadcast", "x" * 16), 1)]
        self._sent = (
            bank.probe(bytes(16)),
            *bank.hints(hints),
            *bank.hints([Hint((1 << 64) - 1, "received")] * 48),
            *bank.hints(hints[:1]),
        )
        self._told = {datagram: Opening(LISTENER, KEY).open(datagram) for datagram in self._sent}
        self._others = (other.probe(bytes(16)), Sealing(LISTENER, bytes(KEY_OCTETS)).probe(bytes(16)))
        ensure(all(self._told.values()), "what the bank sealed does not open")

    def seeds(self) -> Sequence[bytes]:
        """What the bank sent, and what another did."""
        return (*self._sent, *self._others)

    def feed(self, data: bytes) -> None:
        """Open it, twice, and then what the bank sent."""
        terminal = Opening(LISTENER, KEY)
        found = terminal.open(data)
        ensure(found == self._told.get(data), "what the bank did not send was opened", found)
        ensure(terminal.open(data) is None, "opened twice")
        ensure(found is None or isinstance(found, Probe) or 0 < len(found) <= MAX_DATAGRAM, found)
        one = self._sent[-1]
        ensure((terminal.open(one) is None) == (data == one), "what was not the bank's had an effect")


class Windows(Stateless):
    """Numbers in any order, which the window takes as a set of all that came would."""

    weight = 40

    def seeds(self) -> Sequence[bytes]:
        """Steps: an octet each, ahead or behind, and how far."""
        return (bytes(range(1, 60)), bytes((255, 0, 254, 255, 1, 128, 130, 2, 253, 7)), b"\x01\x01\x01\x00\x00")

    def feed(self, data: bytes) -> None:
        """Take a number for each octet: so far ahead of the highest or, from 128 on, behind it; the edges for some."""
        window, came, highest = ReplayWindow(), {0}, 0
        for octet in data[:256]:
            step = {255: WINDOW, 254: 1 - WINDOW, 253: -WINDOW, 252: 10 * WINDOW, 251: 1 << 40}.get(octet)
            number = max(highest + (step if step is not None else octet if octet < 128 else 128 - octet), 0)
            new = number not in came and number > highest - WINDOW
            ensure(window.admits(number) == new, "the window and the set differ", number, highest)
            if new:
                window.note(number)
                came.add(number)
                highest = max(highest, number)
