"""Where a case is played: who takes part, what they know of each other, and the connections that they open."""

import secrets
import socket
from collections import deque
from collections.abc import Callable
from string import Template
from time import monotonic

from bankd.store import customers
from bankd.store.customers import AccountRow
from tests.hostile.line import LOOPBACK, PATIENCE_SECONDS, Line, Silence, reach
from tests.hostile.target import PASSWORD, PIN, Target
from tests.system.support import Customer

CAST = 60
"""Customers of a bank that cases are played at."""

SOON = ("423 reason=in_use", "429 reason=wait seconds=1")
"""What a log-in may be answered that will do soon."""


class Stage:
    """A bank that is set for cases, and its customers by their parts.

    The witness is honest, has a session all the time, and is never paid. The victim is honest too, and has money, an
    account in euros, a hold for the witness, and a payment that the victim made to the neighbour. Somebody has left
    the bank, and all others take turns at being hostile.
    """

    def __init__(self, bank: Target) -> None:
        self.bank = bank
        self._rows = {person.account: row for person, row in zip(bank.customers, bank.rows, strict=True)}
        self.witness, self.victim, self.neighbour, self.gone, self.bystander, *hostile = bank.customers
        self.hostile = deque(hostile)
        self.names = {
            "theirs": self.victim.account,
            "their_name": self.victim.username,
            "their_mobile": self.victim.mobile,
            "neighbours": self.neighbour.account,
            "closed": self.gone.account,
            "password": PASSWORD,
            "pin": PIN,
        }
        self._set()

    def row(self, person: Customer) -> AccountRow:
        """A person's row in the bank's books, as it was at first."""
        return self._rows[person.account]

    def log_in(self, person: Customer) -> Line:
        """A session of somebody's, on a connection of its own; in use, or told to wait, it is asked for again."""
        line, until = self.bank.call(), monotonic() + PATIENCE_SECONDS
        while (answer := line.ask(f"LOGIN account={person.account} pin={PIN}")) in SOON and monotonic() < until:
            continue  # the connection before is just being noticed to be gone
        answer = proved(line, answer, lambda: self.bank.sent_to(person))
        if not answer.startswith("200 "):
            raise Silence(f"the log-in of {person.username} was answered {answer}")
        return line

    def _set(self) -> None:
        leaver = self.log_in(self.gone)
        self._confirmed(leaver, self.gone, f"DELETE_ACCOUNT pin={PIN} payout={self.neighbour.account}")
        leaver.close()
        line = self.log_in(self.victim)
        self.names["euros"] = _done(line.ask("OPEN_ACCOUNT currency=EUR"))["account"]
        self.names["their_key"] = "the-victims-own-key"
        deposit = _done(line.ask(f"DEPOSIT amount=5 currency=USD key={self.names['their_key']}"))
        self.names["their_receipt"] = deposit["receipt"]
        hold = f"HOLD to={self.neighbour.account} amount=100 currency=USD key=a-hold"
        held = self._confirmed(line, self.victim, hold)
        self.names["their_hold"] = held["hold"]
        paid = _done(line.ask(f"TRANSFER to={self.neighbour.account} amount=7 currency=USD key=a-payment"))
        self.names["their_payment"] = paid["receipt"]
        line.leave()

    def _confirmed(self, line: Line, person: Customer, request: str) -> dict[str, str]:
        """Ask for something in a session, with a one-time password where the bank wants one."""
        answer = line.ask(request)
        if proved(line, answer, lambda: self.bank.sent_to(person)) is not answer:
            answer = line.ask(request)
        return _done(answer)


class Scene:
    """One case's part of the stage: the one who is hostile, an accomplice, and what both have opened.

    Names that a case may use: ``mine`` ``my_name`` ``my_mobile`` (of whoever is hostile), ``mate`` (the accomplice's
    account), ``theirs`` ``their_name`` ``their_mobile`` ``their_key`` ``their_receipt`` ``their_hold``
    ``their_payment`` ``euros`` (the victim's), ``neighbours``, ``closed`` (accounts), ``password`` ``pin``
    (everybody's), ``key`` (new in every scene), and once ``customer`` was called ``balance`` and one ``more``.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage, self.bank = stage, stage.bank
        stage.hostile.rotate(-2)
        self.mallory, self.mate = stage.hostile[0], stage.hostile[1]
        self.names = stage.names | {
            "mine": self.mallory.account,
            "my_name": self.mallory.username,
            "my_mobile": self.mallory.mobile,
            "mate": self.mate.account,
            "key": secrets.token_hex(8),
        }
        self.others: set[int] = set()
        self._actors = [self.mallory, self.mate]
        self._opened: list[socket.socket] = []

    def visitor(self) -> Line:
        """A connection that has been greeted."""
        return self._kept(self.bank.call())

    def customer(self, person: Customer | None = None) -> Line:
        """A session of the one who is hostile, or of ``person``."""
        line = self._kept(self.stage.log_in(person or self.mallory))
        balance = fields(line.ask("BALANCE"))["balance"]
        self.names |= {"balance": balance, "more": str(int(balance) + 1)}
        return line

    def tcp(self, port: int | None = None) -> socket.socket:
        """A connection without TLS to a port of the bank's, by default that of BANK/1."""
        opened = reach(port or self.bank.port, LOOPBACK)
        self.keep(opened)
        return opened

    def keep(self, opened: socket.socket) -> None:
        """Have something closed at the end of the scene."""
        self._opened.append(opened)

    def fill(self, text: str) -> str:
        """``text`` with names replaced by what they stand for; another ``$`` stays."""
        return Template(text).safe_substitute(self.names)

    def balance_of(self, person: Customer) -> int:
        """What somebody's account holds, as the books have it."""
        with self.bank.opened() as store, store.reading() as connection:
            return customers.account(connection, self.stage.row(person).id).balance_minor

    def act(self, *people: Customer) -> None:
        """Have more people act."""
        self._actors += people

    @property
    def actors(self) -> set[int]:
        """The ids of the customers who act."""
        return {self.stage.row(person).customer_id for person in self._actors} | self.others

    def end(self) -> None:
        """Close what is open."""
        for opened in self._opened:
            opened.close()

    def _kept(self, line: Line) -> Line:
        self.keep(line.socket)
        return line


def fields(answer: str) -> dict[str, str]:
    """The fields of an answer, by their names."""
    return dict(word.split("=", 1) for word in answer.split(" ")[1:] if "=" in word)


def proved(line: Line, answer: str, code: Callable[[], str]) -> str:
    """``answer`` itself; where it asks for a one-time password, what that of ``code`` is answered."""
    if not answer.startswith("401 reason=one_time "):
        return answer
    return line.ask(f"ONE_TIME challenge={fields(answer)['challenge']} code={code()}")


def _done(answer: str) -> dict[str, str]:
    if not answer.startswith("20"):
        raise Silence(f"the stage cannot be set: {answer}")
    return fields(answer)
