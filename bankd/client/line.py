"""What a bank needs of what is beneath it: something that answers requests."""

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred

from bankd.client.answers import Answer
from bankd.client.errors import LostBank
from bankd.wire.messages import Message


class Line(Protocol):
    """A ``Conversation``, or a ``Lifeline`` over one after another."""

    lost: Deferred[LostBank]
    on_idle: Callable[[int], object]
    """Called with the seconds after which the bank will end the session, unless something is asked."""

    def ask(self, message: Message) -> Deferred[Answer]:
        """The bank's answer to ``message``. Fails with LostBank."""

    def ask_verb(self, verb: str) -> Deferred[Answer]:
        """The bank's answer to a verb without fields. Fails with LostBank."""

    def keep_alive(self, seconds: float) -> None:
        """Ask a NOOP whenever nothing was asked for ``seconds``."""

    def close(self) -> None:
        """End the conversation; its ``lost`` fires."""
