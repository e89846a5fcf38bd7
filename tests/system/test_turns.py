"""A flood of log-ins that cannot succeed, and an honest customer from another network who gets in all the while.

FLOOD_SECONDS is how long it goes on; a few by default, so that the test is quick.
"""

import os
import selectors
import ssl
import threading
from collections import Counter
from itertools import count
from time import monotonic

from bench.figures import percentile
from tests.hostile.line import Line
from tests.system.support import Bank, SystemTestCase

SECONDS = float(os.environ.get("FLOOD_SECONDS", "4"))

CONNECTIONS = 300
"""Connections of the strangers', of whom each asks again as soon as there is an answer."""

STRANGERS, HONEST = "127.0.0.1", "127.0.9.1"

LINE = 37
"""Passwords that one network may have waiting. Half of the honest customer's log-ins wait for fewer of them; were there
one line for everybody, they would wait for all of these and more."""


class Flood:
    """Strangers who claim to be somebody, another with each try, whom the bank does not know."""

    def __init__(self, bank: Bank, trust: ssl.SSLContext) -> None:
        self.said: Counter[str] = Counter()
        self._names = count()
        self._ending = threading.Event()
        self._ready = selectors.DefaultSelector()
        for _ in range(CONNECTIONS):
            line = Line(bank.port, trust, STRANGERS)
            self._ready.register(line.socket, selectors.EVENT_READ, line)
        self._thread = threading.Thread(target=self._live)

    def begin(self) -> None:
        """Have all of them ask at once."""
        for key in list(self._ready.get_map().values()):
            self._ask(key.data)
        self._thread.start()

    def end(self) -> None:
        """Ask no more."""
        self._ending.set()
        self._thread.join()
        for key in list(self._ready.get_map().values()):
            key.data.close()
        self._ready.close()

    def _live(self) -> None:
        while not self._ending.is_set():
            for key, _ in self._ready.select(0.1):
                [answer] = key.data.until("t ")
                self.said[" ".join(answer.split()[1:3])] += 1
                self._ask(key.data)

    def _ask(self, line: Line) -> None:
        line.say(f"t LOGIN username=nobody{next(self._names)} password=whatever-it-is")


class FloodTests(SystemTestCase):
    """A bank with the demo's customers, of whom Alice wants to log in."""

    def setUp(self) -> None:
        super().setUp()
        self.bank = self.open_bank()
        self.trust = ssl.create_default_context(cafile=str(self.bank.state / "ca.pem"))

    def looked_at(self) -> int:
        """How many passwords of strangers the bank has looked at."""
        return int(self.bank.metrics().get(("bankd_logins_total", "password", "credentials"), 0))

    def log_in(self) -> int:
        """Log in and out again; how many passwords of strangers were looked at while the log-in waited."""
        alice = self.bank.customers[0]
        line = Line(self.bank.port, self.trust, HONEST)
        before = self.looked_at()
        answer = line.ask(f"LOGIN account={alice.account} pin={alice.pin}")
        meanwhile = self.looked_at() - before
        self.assertEqual(answer[:4], "200 ")
        line.leave()
        return meanwhile

    def test_honest_customer_gets_in(self) -> None:
        """While hundreds at once claim to be nobody, she logs in again and again, is never told that the bank is busy,
        and does not wait for the line that they make."""
        flood = Flood(self.bank, self.trust)
        meanwhile: list[int] = []
        flood.begin()
        try:
            ends = monotonic() + SECONDS
            while not meanwhile or monotonic() < ends:
                meanwhile.append(self.log_in())
        finally:
            flood.end()
        half = percentile(sorted(meanwhile), 50)
        print(f"{len(meanwhile)} log-ins, of strangers meanwhile {meanwhile}; strangers: {dict(flood.said)}")
        self.assertGreater(flood.said["503 reason=busy"], CONNECTIONS / 2)
        self.assertGreater(flood.said["401 reason=credentials"], 0)
        self.assertLess(half, LINE)
