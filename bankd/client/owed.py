"""A request whose answer is still owed, and whether it may be sent again."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from bankd.client.answers import Answer
from bankd.client.keys import key_of
from bankd.wire import messages
from bankd.wire.messages import Message

HARMLESS = (
    messages.Accounts,
    messages.Acknowledge,
    messages.Balance,
    messages.Listen,
    messages.Notices,
    messages.Statement,
    messages.ViewDetails,
)
"""What may be asked twice though it has no key."""

LEAVING = (messages.Logout, messages.DeleteAccount)
"""After these nobody wants the session back."""


@dataclass(slots=True, eq=False)
class Owed:
    """A message or bare verb that was asked, and the ``answer`` that whoever asked waits for.

    ``sent`` is how often it was sent, ``under_way`` whether an answer may come to it now, and ``last`` an answer that
    ended the conversation. While a busy bank is left alone, ``again`` is the call that will send it.
    """

    request: Message | str = field(repr=False)
    answer: Deferred[Answer]
    sent: int = 0
    under_way: bool = False
    last: Answer | None = None
    again: IDelayedCall | None = None
    pauses: Iterator[float] | None = None

    @property
    def moves_money(self) -> bool:
        """Whether it carries a key."""
        return key_of(self.request) is not None

    @property
    def in_doubt(self) -> bool:
        """Whether the bank may have moved money for it."""
        return self.moves_money and self.sent > 0

    @property
    def leaves(self) -> bool:
        """Whether nobody wants the session back after it."""
        return isinstance(self.request, LEAVING)

    @property
    def settled(self) -> bool:
        """Whether, the conversation being over, nothing is gained or something risked by sending it again."""
        if self.last is None or self.last.code.number >= 500:
            return not (self.moves_money or isinstance(self.request, HARMLESS))
        # That this attempt was refused says nothing of those before it.
        return not (self.moves_money and self.sent > 1)

    def call_off(self) -> None:
        """Do not send it again by itself."""
        if self.again is not None and self.again.active():
            self.again.cancel()
