"""Everybody who comes to a bank on an ordinary day, for as long as they are let: each a thread, each at a rate.

What they are answered is counted by verb and code. A code of 500 or an end that nobody asked for is a fault.
"""

import random
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from time import monotonic
from urllib.request import urlopen

from bankd.wire import notice
from bankd.wire.notice import Opening, Probe
from tests.hostile.line import LOOPBACK, PATIENCE_SECONDS, Line
from tests.hostile.seals import Sealer
from tests.hostile.target import PIN, Target
from tests.system.support import Customer

VISIT = 40
"""Requests of a visit, about."""

LEAVES_IN = 8
"""One visit in so many ends without a word."""

SEALED_IN = 12
"""One visit in so many logs in under seal."""

OTHER_PIN = "7316"

MONEY = "currency=USD"


class Regular(threading.Thread):
    """Somebody who comes again and again, ``per_second`` requests on average, until told that it is over."""

    def __init__(self, bank: Target, seed: int, per_second: float) -> None:
        super().__init__(daemon=True)
        self.answers: Counter[str] = Counter()
        self.faults: list[str] = []
        self.over = threading.Event()
        self._bank = bank
        self._random = random.Random(seed)
        self._between = 1 / per_second
        self._due = monotonic()

    def run(self) -> None:
        """Come, until it is over."""
        while not self.over.is_set():
            try:
                self.visit()
            except Exception as error:
                self.faults.append(f"{type(self).__name__}: {error!r}")
                self.over.wait(1)

    def visit(self) -> None:
        """Come once."""
        raise NotImplementedError

    def pace(self) -> bool:
        """Wait until the next request is due; False when it is over."""
        self._due = max(self._due + self._between * self._random.uniform(0.5, 1.5), monotonic() - 1)
        return not self.over.wait(max(0.0, self._due - monotonic()))

    def ask(self, line: Line, request: str) -> str:
        """Ask one thing, and count how it was answered."""
        answer = line.ask(request)
        code, _, rest = answer.partition(" ")
        told = rest.partition(" ")[0] if rest.startswith("reason=") else ""
        self.answers[f"{request.split()[0]} {code} {told}".rstrip()] += 1
        if code == "500":
            self.faults.append(f"{request} was answered {answer}")
        return answer


class Banker(Regular):
    """A customer with several accounts to choose from, of whom nobody else has any."""

    def __init__(self, bank: Target, seed: int, per_second: float, mine: list[Customer]) -> None:
        super().__init__(bank, seed, per_second)
        self._mine = mine
        self._keys = 0
        self._receipts = ["1"]
        self._holds: list[str] = []

    def visit(self) -> None:
        """Log in by one of the ways there are, do this and that, and leave."""
        me = self._random.choice(self._mine)
        line = self._bank.call()
        with closing(line), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
            if not self._enter(line, me):
                return
            self._listen(line, ear)
            for _ in range(self._random.randrange(VISIT // 2, VISIT * 3 // 2)):
                if not self.pace():
                    break
                for request in self._wish(line, me):
                    self._learn(request, self.ask(line, request))
            if self._random.randrange(LEAVES_IN):
                line.leave()

    def _enter(self, line: Line, me: Customer) -> bool:
        """Whether the log-in was accepted. Before it, what is refused."""
        if not self._random.randrange(4):
            self.ask(line, "BALANCE")
            self.ask(line, f"LOGIN account={me.account} pin=0000")
        ways = [
            f"account={me.account} pin={PIN}",
            f"username={me.username} password={me.password}",
            f"mobile={me.mobile} pin={PIN}",
        ]
        request = f"LOGIN {self._random.choice(ways)}"
        if self._random.randrange(SEALED_IN):
            return self.ask(line, request).startswith("200 ")
        sealer = Sealer(line)
        sealer.say(sealer.seal(request), "q")
        return line.until("q ")[-1].startswith("q 200 ")

    def _listen(self, line: Line, ear: socket.socket) -> None:
        """Have hints sent, which are then not read: they are dropped when the socket is full."""
        ear.bind((LOOPBACK, 0))
        ear.settimeout(PATIENCE_SECONDS)
        answer = self.ask(line, f"LISTEN port={ear.getsockname()[1]}")
        if not answer.startswith("200 "):
            return
        told = dict(word.split("=", 1) for word in answer.split() if "=" in word)
        probe = Opening(told["listener"], notice.read_key(told["notice_key"])).open(ear.recv(2048))
        if isinstance(probe, Probe):
            self.ask(line, f"CONFIRM proof={probe.proof}")

    def _wish(self, line: Line, me: Customer) -> Iterator[str]:
        """What is asked next: money mostly, questions, and what has to be refused."""
        chance, payee = self._random.random(), self._random.choice(self._bank.customers).account
        amount, key = self._random.randrange(1, 500), self._key()
        wishes: list[tuple[float, Callable[[], list[str]]]] = [
            (0.22, lambda: [f"TRANSFER to={payee} amount={amount} {MONEY} key={key} reference=May"]),
            (0.10, lambda: [f"DEPOSIT amount={amount} {MONEY} key={key}"]),
            (0.08, lambda: [f"WITHDRAW amount={amount} {MONEY} key={key}"] * self._random.choice((1, 1, 2))),
            (0.10, lambda: [self._random.choice(("BALANCE", "ACCOUNTS", "VIEW_DETAILS", "LIMITS", "HOLDS"))]),
            (0.08, lambda: [f"STATEMENT limit={self._random.choice((1, 10, 25, 100))}"]),
            (0.05, lambda: [f"PAYEE to={payee}", f"CERTIFY receipt={self._random.choice(self._receipts)}"]),
            (0.05, lambda: ["NOTICES", "NOOP notices=yes"]),
            (0.05, lambda: self._acknowledge(line)),
            (0.05, lambda: [f"HOLD to={payee} amount={amount} {MONEY} seconds=60 key={key}"]),
            (0.05, lambda: self._settle(key)),
            (0.04, lambda: self._in_bulk(line, payee, key)),
            (0.02, lambda: [f"PREFERENCES muted=fee+deposit least={amount}"]),
            (0.01, lambda: [f"UPDATE_CONTACT email={me.username}{amount}@example.com"]),
            (0.005, lambda: [f"CHANGE_PIN new={OTHER_PIN} pin={PIN}", f"CHANGE_PIN new={PIN} pin={OTHER_PIN}"]),
            (1.0, lambda: [self._refused(payee, key)]),
        ]
        for share, make in wishes:
            chance -= share
            if chance < 0:
                yield from make()
                return

    def _refused(self, payee: str, key: str) -> str:
        money = f"amount=999999999999 {MONEY} key={key}"
        return self._random.choice(
            (
                f"TRANSFER to={payee} {money}",
                f"TRANSFER to=10000000 amount=1 {MONEY} key={key}",
                f"WITHDRAW {money}",
                f"DEPOSIT amount=1.5 {MONEY} key={key}",
                f"REVERSE receipt=1 key={key}",
                "STATEMENT limit=none",
                "DANCE",
                f"LOGIN account={payee} pin={PIN}",
                "OPERATE",
            )
        )

    def _acknowledge(self, line: Line) -> list[str]:
        newest = self.ask(line, "NOOP notices=yes").partition("newest=")[2]
        return [f"ACKNOWLEDGE upto={newest}"] if newest not in ("", "0") else []

    def _settle(self, key: str) -> list[str]:
        if not self._holds:
            return ["HOLDS"]
        return [f"CAPTURE hold={self._holds.pop()} key={key}"]

    def _in_bulk(self, line: Line, payee: str, key: str) -> list[str]:
        count = self._random.randrange(1, 20)
        line.say(*(f"q - to={payee} amount={number + 1}" for number in range(count)))
        return [f"BULK count={count} mode=each {MONEY} key={key}"]

    def _learn(self, request: str, answer: str) -> None:
        """Keep what a later request may name."""
        verb, told = request.split()[0], dict(word.split("=", 1) for word in answer.split() if "=" in word)
        if "hold" in told and verb == "HOLD":
            self._holds.append(told["hold"])
        if "receipt" in told and verb != "CERTIFY":
            self._receipts = [*self._receipts[-9:], told["receipt"]]

    def _key(self) -> str:
        self._keys += 1
        return f"{self._random.getrandbits(64):016x}-{self._keys}"


class Clerk(Regular):
    """An operator at the socket of the bank's own machine; each visit is a few questions and a credit."""

    def visit(self) -> None:
        """Come, ask, and go."""
        with socket.socket(socket.AF_UNIX) as plain:
            plain.settimeout(PATIENCE_SECONDS)
            plain.connect(str(self._bank.state / "operators.sock"))
            line = Line.bare(plain)
            line.until("* 200 operator")
            person = self._random.choice(self._bank.customers)
            for request in (
                f"FIND_ACCOUNT username={person.username}",
                "SESSIONS",
                "PROPOSALS",
                "ACTS",
                "LIST_ACCOUNTS",
                f"FIND_CUSTOMER username={person.username}",
                f"CREDIT account={person.account} amount=5 {MONEY} key={self._random.getrandbits(64):x} reason=Soak",
                "FIND_ENTRY receipt=99999999",
                "LOGOUT",
            ):
                if not self.pace():
                    return
                self.ask(line, request)


class Onlooker(Regular):
    """Who looks at the pages, and sometimes watches for a while."""

    def visit(self) -> None:
        """Fetch each page."""
        for page in ("status", "metrics", "healthz", "history", ""):
            if not self.pace():
                return
            with urlopen(f"http://{LOOPBACK}:{self._bank.status_port}/{page}", timeout=PATIENCE_SECONDS) as answer:
                answer.read()
                self.answers[f"GET /{page} {answer.status}"] += 1
        with urlopen(f"http://{LOOPBACK}:{self._bank.status_port}/events", timeout=PATIENCE_SECONDS) as events:
            for _ in range(20):
                events.readline()
            self.answers["GET /events watched"] += 1


class Stranger(Regular):
    """Who knows nobody here: half a handshake, half a line, lines that are none, names that nobody has."""

    def visit(self) -> None:
        """Come in one of these ways."""
        self.pace()
        way = self._random.randrange(4)
        if way == 0:
            with socket.create_connection((LOOPBACK, self._bank.port), PATIENCE_SECONDS) as plain:
                plain.send(b"\x16\x03\x01")
            self.answers["half a handshake"] += 1
            return
        line = self._bank.call()
        with closing(line):
            if way == 1:
                line.send(b"q BALA")
            elif way == 2:
                line.send(self._random.randbytes(200) + b"\r\n")
                with suppress(AssertionError):
                    line.to_the_end()
            else:
                self.ask(line, f"LOGIN username=nobody-{self._random.randrange(1000)} password=plum-Wagon-58")
            self.answers["a stranger"] += 1


class Auditor(Regular):
    """Who has the bank's own commands read its database beside it."""

    def visit(self) -> None:
        """Verify the ledger, and have everything written out."""
        written = self._bank.folder / "client.out"
        written.unlink(missing_ok=True)
        for command in (
            ("ledger", "verify"),
            ("export", "csv", "--client", str(written)),
            ("session", "list"),
        ):
            if not self.pace():
                return
            self._bank.bankctl(*command)
            self.answers[f"bankctl {' '.join(command[:2])}"] += 1
