"""Clients that take turns on two accounts: who gets in pays the other account, and leaves it to the next."""

import select
from dataclasses import dataclass
from itertools import groupby

from tests.ordeals.crowd import PATIENCE_SECONDS, Client
from tests.ordeals.daemon import Daemon
from tests.ordeals.operations import Operation
from tests.ordeals.report import Report
from tests.ordeals.wishes import Wishes
from tests.ordeals.witness import Witness
from tests.ordeals.wrong import Wrong

PIECES = 3
PIECE = 60
"""Operations that a session asks at once, PIECES times."""

MOST_MINOR = 20_000_000
"""The most that is paid at a time; an account begins with 1,000,000,000."""


OUT_OF_PATIENCE = "* 408 reason=idle"
"""What the bank says before it closes a connection on which nobody has logged in for two minutes."""


@dataclass(slots=True)
class Visit:
    """One session: its number among all, and how many pieces it has yet to ask."""

    number: int
    left: int = PIECES


class Turns:
    """``count`` clients, each for one of the two accounts, all from one thread.

    A client that is refused the account asks for it again at once; where the one before has just left, it is let in.
    """

    def __init__(self, daemon: Daemon, count: int, operations: int, report: Report) -> None:
        self._daemon = daemon
        self._count = count
        self._operations = operations
        self._report = report
        self._wishes = Wishes(report.seed, daemon.rows, MOST_MINOR)
        self._witness = daemon.witness()
        self._poll = select.epoll()
        self._clients: dict[int, Client] = {}
        self._inside: dict[int, Client] = {}
        self._visits: dict[Client, Visit] = {}
        self._turn_of: dict[str, int] = {}
        self._asked = self._turned_away = self._turns = 0

    def run(self) -> Witness:
        """Take turns until all is asked and answered."""
        self._daemon.launch()
        self._daemon.first_answer()
        for serial in range(self._count):
            self._come(serial % 2)
        while self._clients:
            ready = self._poll.poll(PATIENCE_SECONDS)
            if not ready:
                raise Wrong(f"nothing was answered for {PATIENCE_SECONDS} seconds")
            for number, _ in ready:
                client = self._clients[number]
                for line in client.heard():
                    self._hear(client, line.removeprefix("t "))
            self._report.progress(self._asked, self._operations, "operations")
        self._poll.close()
        with self._daemon.looking() as connection:
            self._witness.settle(connection)
        self._daemon.stop()
        self._check_order()
        self._report.say(f"{self._turns} turns; clients were turned away {self._turned_away} times")
        return self._witness

    def _come(self, place: int) -> None:
        """A new client comes to one of the accounts, and asks to be let in."""
        client = self._daemon.connect(self._daemon.rows[place])
        client.socket.setblocking(False)
        self._clients[client.socket.fileno()] = client
        self._poll.register(client.socket, select.EPOLLIN)
        client.say([client.log_in_request])

    def _go(self, client: Client) -> None:
        self._poll.unregister(client.socket)
        del self._clients[client.socket.fileno()]
        client.close()

    def _hear(self, client: Client, answer: str) -> None:
        """Take in the answer to whatever the client asked: a payment, to be let out, or to be let in."""
        if client.waiting:
            self._witness.answered(client.waiting.popleft(), answer)
            if not client.waiting and self._visits[client].left:
                self._pay(client)
        elif client in self._visits:
            del self._visits[client]
            self._go(client)
            if self._asked < self._operations:
                self._come(self._daemon.rows.index(client.account))
        elif answer == OUT_OF_PATIENCE:
            self._go(client)
            self._come(self._daemon.rows.index(client.account))
        elif client.is_let_in(answer):
            if self._inside.setdefault(client.account.id, client) is not client:
                raise Wrong(f"a session was opened on account {client.account.number}, which was in use")
            self._turns += 1
            self._visits[client] = Visit(self._turns)
            self._pay(client)
        elif self._asked < self._operations:
            self._turned_away += 1
            client.say([client.log_in_request])
        else:
            self._go(client)

    def _pay(self, client: Client) -> None:
        """Ask the next operations of a session, and with the last ones to be let out."""
        visit = self._visits[client]
        asked: list[Operation] = []
        while len(asked) < PIECE and self._asked < self._operations:
            operation = self._wishes.transfer(client.account, self._daemon.rows)
            self._witness.asked(operation)
            self._turn_of[operation.key] = visit.number
            self._asked += 1
            asked += self._wishes.perhaps_again(operation)
        visit.left = visit.left - 1 if self._asked < self._operations else 0
        client.waiting.extend(asked)
        requests = [operation.request for operation in asked]
        if not visit.left:
            del self._inside[client.account.id]
            requests.append("LOGOUT")
        client.say(requests)

    def _check_order(self) -> None:
        """Raises Wrong when in the journal payments of one session stand between those of another on its account."""
        for row in self._daemon.rows:
            turns = [turn for turn, _ in groupby(self._witness.made(row), lambda made: self._turn_of[made.key])]
            if len(turns) != len(set(turns)):
                raise Wrong(f"two sessions on account {row.number} paid at the same time")
