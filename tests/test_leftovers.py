"""What a bank keeps of sessions that are over: nothing, however many there were and however they ended."""

import gc
import weakref
from collections import Counter
from collections.abc import Callable

from twisted.internet.error import ConnectionLost
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from tests.test_line_tls import Link, TLSCase

OURS = ("bankd.", "twisted.", "ssl", "sqlalchemy.")
"""Modules of whose types nothing may be left: the bank's, and those that connections are made of."""

FIRST, MORE = 4, 12
"""Sessions that fill what is filled but once, and those that are then counted."""

REQUESTS = (
    "a BALANCE",
    "b TRANSFER to={bob} amount=1 currency=USD key=k{serial}",
    "c TRANSFER to={bob} amount=999999 currency=USD key=f{serial}",
    "d HOLD amount=1 currency=USD key=h{serial}",
    "e STATEMENT limit=5",
    "f LISTEN port=50001",
    "g NOTICES",
    "h DANCE",
    "i WITHDRAW amount=1.5 currency=USD key=w{serial}",
    "j KEYS",
)


class Sessions(TLSCase):
    """Sessions over TLS, each of which asks for a bit of everything."""

    def census(self) -> Counter[str]:
        """How many objects there are of each type of OURS, but for what the practice board keeps of events."""
        self.bank.board.events.clear()
        gc.collect()
        types = (type(thing) for thing in gc.get_objects())
        return Counter(f"{kind.__module__}.{kind.__name__}" for kind in types if str(kind.__module__).startswith(OURS))

    def leave(self, link: Link) -> None:
        """Log out."""
        link.ask("z LOGOUT")

    def vanish(self, link: Link) -> None:
        """Be cut off, without a word."""
        link.far.disconnected = True
        link.far.protocol.connectionLost(Failure(ConnectionLost()))

    def linger(self, link: Link) -> None:
        """Begin a line, and do not end it until the bank closes."""
        link.client.transport.write(b"z BALA")
        link.flush()
        self.pass_time(link)

    def ignore(self, link: Link) -> None:
        """Not answer the bank's close, until it cuts the connection off."""
        link.deaf = True
        link.ask("z LOGOUT")
        self.pass_time(link)

    def pass_time(self, link: Link) -> None:
        """Let every limit of time pass."""
        for _ in range(3):
            self.bank.clock.advance(500)
            link.flush()

    def visit(self, serial: int, end: Callable[[Link], None]) -> None:
        """One session."""
        link = self.log_in()
        answers = link.ask(*(words.format(bob=self.bob.account, serial=serial) for words in REQUESTS))
        self.assertEqual(sum(" 200" in answer for answer in answers), 7, answers)
        link.ask("y LOGIN account=1 pin=0000")
        end(link)
        self.assertFalse(link.is_open)

    def test_nothing_is_left(self) -> None:
        """After more sessions there is no object more, and no timer."""
        # A worker of trial's sends what is logged on, and keeps something of each line until the test is over.
        self.patch(globalLogPublisher, "_observers", [])
        ends = (self.leave, self.vanish, self.linger, self.ignore)
        before = Counter[str]()
        for serial in range(FIRST + MORE):
            if serial == FIRST:
                before = self.census()
            self.visit(serial, ends[serial % len(ends)])
        self.assertEqual(self.census() - before, Counter())
        self.assertEqual(self.bank.clock.getDelayedCalls(), [])

    def test_nothing_waits_for_a_collection(self) -> None:
        """A connection that is over leaves memory at once, however it ended, and so does what served it."""
        self.addCleanup(gc.enable)
        for serial, end in enumerate((self.leave, self.vanish, self.linger, self.ignore)):
            with self.subTest(end=end.__name__):
                gc.disable()
                link = self.log_in()
                served = link.protocol
                known = [weakref.ref(one) for one in (served, served.transport, served._queue, served._standing)]
                link.ask(*(words.format(bob=self.bob.account, serial=serial) for words in REQUESTS))
                end(link)
                self.pass_time(link)
                link.far.protocol = link.far.producer = None  # as Twisted's own transports do
                vars(link).clear()
                del served
                self.assertEqual([one() for one in known], [None] * len(known))
