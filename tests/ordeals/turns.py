"""Clients that take turns on two accounts: who gets in pays the other account, and leaves it to the next."""

import select
from itertools import groupby

from tests.ordeals.crowd import PATIENCE_SECONDS, Client
from tests.ordeals.daemon import Daemon
from tests.ordeals.report import Report
from tests.ordeals.witness import Operation, Wishes, Witness, Wrong

TURN = 60
"""Operations in one session, all sent at once; the bank takes in 64."""

MOST_MINOR = 30_000_000
"""The most that is paid at a time; an account begins with 1,000,000,000."""


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
        self._leaving: set[Client] = set()
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
        elif client in self._leaving:
            self._leaving.discard(client)
            self._go(client)
            if self._asked < self._operations:
                self._come(self._daemon.rows.index(client.account))
        elif client.is_let_in(answer):
            self._pay_and_leave(client)
        elif self._asked < self._operations:
            self._turned_away += 1
            client.say([client.log_in_request])
        else:
            self._go(client)

    def _pay_and_leave(self, client: Client) -> None:
        self._turns += 1
        self._leaving.add(client)
        asked: list[Operation] = []
        while len(asked) < TURN and self._asked < self._operations:
            operation = self._wishes.transfer(client.account, self._daemon.rows)
            self._witness.asked(operation)
            self._turn_of[operation.key] = self._turns
            self._asked += 1
            asked += self._wishes.perhaps_twice(operation)
        client.waiting.extend(asked)
        client.say([*(operation.request for operation in asked), "LOGOUT"])

    def _check_order(self) -> None:
        """Raises Wrong when in the journal payments of one session stand between those of another on its account."""
        for row in self._daemon.rows:
            turns = [turn for turn, _ in groupby(self._witness.made(row), lambda made: self._turn_of[made.key])]
            if len(turns) != len(set(turns)):
                raise Wrong(f"two sessions on account {row.number} paid at the same time")
