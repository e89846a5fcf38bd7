"""Somebody between a client and a practice bank who has ended TLS: reads every line, and may change it."""

from collections.abc import Callable

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from bankd.client.conversation import Conversation
from bankd.testing import PracticeBank

Change = Callable[[str], list[str]]
"""What goes on instead of a line."""


def as_it_is(line: str) -> list[str]:
    """The line itself."""
    return [line]


class Middleman:
    """The way of one conversation, which is the client's transport; ``seen`` is all that went by."""

    def __init__(
        self,
        bank: PracticeBank,
        conversation: Conversation,
        to_bank: Change = as_it_is,
        to_client: Change = as_it_is,
    ) -> None:
        self.seen: list[str] = []
        self.wire = bank.connect()
        self._conversation = conversation
        self._to_bank, self._to_client = to_bank, to_client
        self._open = True
        conversation.makeConnection(self)
        self._deliver(self.wire.greeting)

    @property
    def disconnecting(self) -> bool:
        """Whether nothing more is to be read."""
        return not self._open

    def write(self, octets: bytes) -> None:
        """Carry lines to the bank, and what it says back."""
        for line in octets.decode().split("\r\n")[:-1]:
            self.seen.append(line)
            for sent in self._to_bank(line):
                if self.wire.connected:
                    self._deliver(self.wire.ask(sent))
        if not self.wire.connected:
            self.loseConnection()

    def loseConnection(self) -> None:
        """End the connection, for both."""
        if self._open:
            self._open = False
            if self.wire.connected:
                self.wire.drop()
            self._conversation.connectionLost(Failure(ConnectionDone()))

    abortConnection = loseConnection

    def _deliver(self, lines: list[str]) -> None:
        for line in lines:
            self.seen.append(line)
            for heard in self._to_client(line):
                if self._open:
                    self._conversation.dataReceived(f"{heard}\r\n".encode())
