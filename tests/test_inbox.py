"""Datagrams at the terminal: which are the bank's, and that all others are dropped."""

import os
from random import Random
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from bankd.client.inbox import EARLY, GREETING, Inbox, open_port
from bankd.records import Listening
from bankd.wire import notice
from bankd.wire.notice import Hint, Sealing

BANK = "192.0.2.1"
LISTENER = "0123456789abcdef" * 2
KEY = bytes(range(32))
LISTENING = Listening(LISTENER, notice.spell_key(KEY), 65433)
PROOF = bytes(16)

FORGERIES = int(os.environ.get("FORGERIES", "20000"))
"""How many datagrams are forged; ``make forgeries`` tries a hundred thousand."""


class FakePort:
    """A UDP port that is not."""

    def __init__(self) -> None:
        self.closed = False
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.failing: Exception | None = None

    def getHost(self) -> Any:
        """Where it would be."""
        return type("Host", (), {"port": 4711})

    def write(self, datagram: bytes, address: tuple[str, int]) -> None:
        """Send."""
        if self.failing is not None:
            raise self.failing
        self.sent.append((datagram, address))

    def stopListening(self) -> None:
        """Note the end."""
        self.closed = True


class UDPReactor(MemoryReactorClock):
    """A reactor that listens nowhere; ``refused`` are the interfaces on which it says that it cannot."""

    def __init__(self, *refused: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.interfaces: list[str] = []
        self.port = FakePort()
        self.inbox: Inbox | None = None
        self._refused = refused

    def listenUDP(self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 8192) -> Any:
        """Connect ``protocol`` to the port that is not."""
        self.interfaces.append(interface)
        if interface in self._refused:
            raise CannotListenError(interface, port, OSError())
        protocol.makeConnection(self.port)
        self.inbox = protocol
        return self.port


class InboxCase(SynchronousTestCase):
    """A test with an inbox and the bank's sealing end."""

    def setUp(self) -> None:
        self.heard: list[Hint | str] = []
        self.inbox = self.new_inbox(BANK)
        self.inbox.expect(LISTENING)
        self.sealing = Sealing(LISTENER, KEY)

    def new_inbox(self, bank: str) -> Inbox:
        """An inbox for what the bank at an address sends."""
        return Inbox(bank, self.heard.append, self.heard.append)

    def hint(self, number: int = 7) -> bytes:
        """The bank's next datagram, with one hint."""
        return next(self.sealing.hints([Hint(number, "received")]))

    def receive(self, *datagrams: bytes, host: str = BANK) -> list[Hint | str]:
        """Receive datagrams; what is heard of them."""
        self.heard.clear()
        for datagram in datagrams:
            self.inbox.datagramReceived(datagram, (host, 9))
        return list(self.heard)


class Hearing(InboxCase):
    """Datagrams that are believed, and those that are dropped."""

    def test_the_bank_is_heard(self) -> None:
        """Probes and hints of the bank are passed on, from whatever port, and several hints in their order."""
        both = next(self.sealing.hints([Hint(7, "paid"), Hint(8, "fee")]))
        heard = self.receive(self.sealing.probe(PROOF), self.hint(), both)
        self.assertEqual(heard, [PROOF.hex(), Hint(7, "received"), Hint(7, "paid"), Hint(8, "fee")])

    def test_other_addresses_are_not(self) -> None:
        """What does not come from the bank's address is not even opened."""
        datagram = self.hint()
        for host in ("192.0.2.2", "::1", "", "bank.example"):
            self.assertEqual(self.receive(datagram, host=host), [])
        self.assertEqual(self.receive(datagram), [Hint(7, "received")])

    def test_nothing_after_the_end(self) -> None:
        """A closed inbox hears nothing."""
        self.inbox.close()
        self.assertEqual(self.receive(self.hint()), [])

    def test_bank_without_an_address_is_not_believed(self) -> None:
        """Where the connection's other end is no IP address, nothing comes from it by UDP, and nothing goes there."""
        self.inbox = self.new_inbox("")
        self.inbox.makeConnection(port := FakePort())  # type: ignore[arg-type]
        self.inbox.expect(LISTENING)
        self.inbox.greet(65433)
        self.assertEqual(self.receive(self.hint(), host=""), [])
        self.assertEqual(port.sent, [])

    def test_address_may_be_spelled_otherwise(self) -> None:
        """An IPv4 address inside IPv6, and an IPv6 one with a zone, are the same addresses."""
        for bank, source in (("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1", "fe80::1%eth0"), ("0:0::1", "::1")):
            self.inbox = self.new_inbox(bank)
            self.inbox.expect(LISTENING)
            self.assertEqual(self.receive(self.hint(), host=source), [Hint(7, "received")])

    def test_key_is_known_later(self) -> None:
        """A datagram that overtakes the answer to LISTEN is kept until then, a few of them, and each passed on once."""
        self.inbox.close()
        self.inbox.await_key()
        probe = self.sealing.probe(PROOF)
        self.assertEqual(self.receive(bytes(65507), *(os.urandom(60) for _ in range(EARLY - 1)), probe), [])
        self.inbox.expect(LISTENING)
        self.assertEqual(self.heard, [PROOF.hex()])
        self.assertEqual(self.receive(probe), [])

    def test_too_many_are_not_kept(self) -> None:
        """Of what comes before the key is known only the last few are kept."""
        self.inbox.await_key()
        other = Sealing("f" * 32, KEY)
        self.receive(other.probe(PROOF), *(os.urandom(60) for _ in range(EARLY)))
        self.inbox.expect(Listening("f" * 32, notice.spell_key(KEY), 65433))
        self.assertEqual(self.heard, [])

    def test_new_key(self) -> None:
        """With a new listener the old one's datagrams are not believed any more; until then they are."""
        self.inbox.await_key()
        self.assertEqual(self.receive(self.hint()), [Hint(7, "received")])
        self.inbox.expect(Listening("f" * 32, notice.spell_key(bytes(32)), 65433))
        self.assertEqual(self.receive(self.hint()), [])
        self.assertEqual(self.receive(Sealing("f" * 32, bytes(32)).probe(PROOF)), [PROOF.hex()])

    def test_forged_replayed_altered(self) -> None:
        """Of as many such datagrams as wanted none is heard, and each true one among them is heard once."""
        chance = Random(11)
        true: list[bytes] = []
        for number in range(1, FORGERIES + 1):
            if number % 100 == 1:
                true.append(self.hint(number))
                self.assertEqual(self.receive(true[-1]), [Hint(number, "received")])
            self.assertEqual(self.receive(forged(chance, true)), [], number)


def forged(chance: Random, true: list[bytes]) -> bytes:
    """A datagram that is none of the bank's, or one that came before; ``true`` are those that came."""
    model = chance.choice(true)
    place = chance.randrange(len(model))
    number = chance.getrandbits(64).to_bytes(8, "big")
    match chance.randrange(8):
        case 0:
            return model
        case 1:
            return chance.randbytes(chance.randrange(1300))
        case 2:
            return model[:place] + bytes([model[place] ^ 1 << chance.randrange(8)]) + model[place + 1 :]
        case 3:
            return model[:17] + number + model[25:]  # another number
        case 4:
            return model[:25] + chance.randbytes(len(model) - 25)
        case 5:
            return model[:place]
        case 6:
            return model + chance.randbytes(1 + place)
        case _:
            return next(Sealing(LISTENER, chance.randbytes(32)).hints([Hint(10**6, "lockout")]))


class Port(SynchronousTestCase):
    """The port of this machine."""

    def open(self, *refused: str, there: str = BANK) -> tuple[UDPReactor, Inbox]:
        """Open an inbox on a machine that refuses these interfaces."""
        reactor, inbox = UDPReactor(*refused), Inbox(there, lambda hint: None, lambda proof: None)
        open_port(reactor, inbox, "192.0.2.7", there)
        return reactor, inbox

    def test_on_the_connections_address(self) -> None:
        """It is on the address that the connection has, and its number is what the bank is told."""
        reactor, inbox = self.open()
        self.assertEqual((reactor.interfaces, inbox.port), (["192.0.2.7"], 4711))

    def test_any_address_will_do(self) -> None:
        """Where the connection's own address cannot be listened on, all of its family are; or it fails."""
        self.assertEqual(self.open("192.0.2.7")[0].interfaces, ["192.0.2.7", ""])
        self.assertEqual(self.open("192.0.2.7", there="2001:db8::1")[0].interfaces, ["192.0.2.7", "::"])
        self.assertRaises(CannotListenError, self.open, "192.0.2.7", "")

    def test_greeting(self) -> None:
        """The bank's port is sent an octet, and it is nothing that this cannot be sent, or not any more."""
        reactor, inbox = self.open(there="::ffff:192.0.2.1")
        inbox.greet(65433)
        reactor.port.failing = PermissionError("by a firewall")
        inbox.greet(65433)
        inbox.close()
        inbox.transport = None
        inbox.greet(65433)
        self.assertEqual(reactor.port.sent, [(GREETING, ("192.0.2.1", 65433))])
        self.assertTrue(reactor.port.closed)
