"""A crowd of clients that speak BANK/1 from one thread, with requests pipelined, and tell a witness what they hear.

It shares nothing with the bank that it asks: lines are put together and taken apart by hand.
"""

import select
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from bankd.store.customers import AccountRow
from tests.ordeals.operations import BETWEEN, Operation
from tests.ordeals.witness import Witness
from tests.ordeals.wrong import Wrong

PATIENCE_SECONDS = 60
"""How long any one answer may take on a machine that is slow and busy."""


class Gone(Exception):
    """The bank has ended a connection, or does not accept one."""


class Client:
    """One connection, for a session on ``account``. What is ``waiting`` was asked, and not answered yet."""

    def __init__(
        self,
        port: int,
        trust: ssl.SSLContext,
        account: AccountRow,
        pin: str,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.account = account
        self.waiting: deque[Operation] = deque()
        self._pin = pin
        self._unread = b""
        self._lines: deque[str] = deque()
        try:
            plain = socket.create_connection(("127.0.0.1", port), patience)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket = trust.wrap_socket(plain, server_hostname="localhost")
        except OSError as error:
            raise Gone(str(error)) from error
        self._hear()

    def log_in(self) -> bool:
        """Open the session; False while the account is in use. Raises Gone."""
        return self.is_let_in(self.ask(self.log_in_request))

    @property
    def log_in_request(self) -> str:
        """What opens the session."""
        return f"LOGIN account={self.account.number} pin={self._pin}"

    def is_let_in(self, answer: str) -> bool:
        """Whether ``answer`` to the log-in opened the session; False while the account is in use.

        So many log-ins to one account at once are also told to wait, since each counts as a try until it has succeeded.
        """
        if answer != "423 reason=in_use" and not answer.startswith(("200 ", "429 ")):
            raise Wrong(f"the log-in to {self.account.number} was answered {answer}")
        return answer.startswith("200 ")

    def ask(self, request: str) -> str:
        """Ask one thing while nothing else is under way, and wait for the answer. Raises Gone."""
        self.say([request])
        return self._hear().removeprefix("t ")

    def ask_all(self, request: str) -> str:
        """The same for what is answered in several lines. Raises Gone."""
        self.say([request])
        return self.answer()

    def say(self, requests: Sequence[str]) -> None:
        """Send requests. Raises Gone."""
        try:
            self.socket.sendall(octets_of(requests))
        except OSError as error:
            raise Gone(str(error)) from error

    def heard(self) -> list[str]:
        """The lines that the next record of TLS completes; there may be none. Raises Gone at the end."""
        try:
            octets = self.socket.recv(65536)
        except ssl.SSLWantReadError:
            return []
        except OSError as error:
            raise Gone(str(error)) from error
        if not octets:
            raise Gone("the connection was closed")
        *lines, self._unread = (self._unread + octets).split(b"\r\n")
        return [line.decode() for line in lines]

    def close(self) -> None:
        """Go away without a word."""
        self.socket.close()

    def answer(self) -> str:
        """Wait for the next answer, without the tag; of several lines they are all there. Raises Gone."""
        said: list[str] = []
        while not said or said[-1].startswith("- "):
            tag, _, words = self._hear().partition(" ")
            if tag == "t":
                said.append(words)
            elif not words.startswith("100 "):
                raise Gone(words)
        return BETWEEN.join(said)

    def _hear(self) -> str:
        while not self._lines:
            self._lines.extend(self.heard())
        return self._lines.popleft()


def octets_of(requests: Iterable[str]) -> bytes:
    """Requests as they are sent."""
    return "".join(f"t {line}\r\n" for request in requests for line in request.split(BETWEEN)).encode()


Refill = Callable[[Client, int], list[Operation]]
"""What a client asks next: up to so many operations, none when it has nothing more to ask for now."""


class Crowd:
    """Clients that ask what ``refill`` gives them, each with up to ``depth`` requests under way."""

    def __init__(self, witness: Witness, clients: Sequence[Client], refill: Refill, depth: int) -> None:
        self._witness = witness
        self._clients = {client.socket.fileno(): client for client in clients}
        self._refill = refill
        self._depth = depth
        self._poll = select.epoll()
        self._gone: Gone | None = None

    def drive(self) -> None:
        """Ask until there is nothing more to ask, and all is answered.

        When the bank goes away nothing more is asked, but what it has said is heard to the end; then raises Gone.
        """
        try:
            for number, client in self._clients.items():
                client.socket.setblocking(False)
                self._poll.register(number, select.EPOLLIN)
                self._ask(client)
            while self._is_owed_something():
                self._hear_some()
        finally:
            self._poll.close()
            for client in self._clients.values():
                client.socket.settimeout(PATIENCE_SECONDS)
        if self._gone is not None:
            raise self._gone

    def _is_owed_something(self) -> bool:
        return any(client.waiting for client in self._clients.values())

    def _hear_some(self) -> None:
        ready = self._poll.poll(PATIENCE_SECONDS)
        if not ready:
            raise Wrong(f"nothing was answered for {PATIENCE_SECONDS} seconds")
        for number, _ in ready:
            self._hear(self._clients[number])

    def _hear(self, client: Client) -> None:
        try:
            for line in client.heard():
                tag, _, answer = line.partition(" ")
                if tag == "*":
                    raise Gone(answer)
                self._witness.answered(client.waiting.popleft(), answer)
        except Gone as gone:
            self._lose(client, gone)
        else:
            self._ask(client)

    def _ask(self, client: Client) -> None:
        if self._gone is not None:
            return
        operations = self._refill(client, self._depth - len(client.waiting))
        if operations:
            client.waiting.extend(operations)
            try:
                client.say([operation.request for operation in operations])
            except Gone as gone:
                self._lose(client, gone)

    def _lose(self, client: Client, gone: Gone) -> None:
        """Whatever ``client`` still waits for will not be answered."""
        self._gone = gone
        client.waiting.clear()
        self._poll.unregister(client.socket)


def chosen(operations: Sequence[Operation]) -> Refill:
    """A refill that has each client ask all of ``operations`` that are its account's, in order."""
    mine: dict[int, deque[Operation]] = {}
    for operation in operations:
        mine.setdefault(operation.row.id, deque()).append(operation)

    def refill(client: Client, most: int) -> list[Operation]:
        left = mine.get(client.account.id, deque())
        return [left.popleft() for _ in range(min(most, len(left)))]

    return refill
