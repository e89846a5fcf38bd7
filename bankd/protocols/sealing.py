"""What is sealed on one connection: requests by themselves, and all lines once a sealed session has begun.

1. A SEALED request is opened off the reactor's thread. Until that is done no further line is taken in: what follows may
   be sealed by what is in it.
2. What was sealed is then a request like any other, in its place and with the tag that it came with. SEALED, KEYS and
   the lines of a BULK are none: sets of lines are for sealed sessions.
3. A sealed session begins with the line after the request that carried its secret, and in the other direction with the
   answer to that request, also where it is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from bankd import codes
from bankd.codes import Refused
from bankd.protocols.asked import Asked, Reader
from bankd.records import Sealing
from bankd.wire import messages
from bankd.wire.messages import Message
from bankd.wire.sealed_lines import SealedLines, both_ways

NEVER_SEALED = (messages.Sealed, messages.Keys, messages.Bulk)
"""What cannot be sealed by itself."""

ALWAYS_OPEN = (messages.Sealed, messages.Keys, messages.Noop, messages.Logout)
"""What is taken in the clear by a bank that takes all else under seal only."""

NEEDED: dict[Sealing, frozenset[type[Message]]] = {
    Sealing.NO: frozenset(),
    Sealing.SECRETS: frozenset(message for message in messages.ALL if message.secret),
    Sealing.SESSION: frozenset(messages.ALL).difference(ALWAYS_OPEN),
}
"""Which requests are taken under seal only."""


@dataclass(frozen=True, slots=True)
class Unsealed(Asked):
    """A request that came under seal; ``answers`` are the lines of the sealed session that its answer begins."""

    answers: SealedLines | None = None


class Seal:
    """The seal on one connection: ``needed`` are the requests that are taken under seal only.

    ``outward`` is None where lines leave as they are, ``opening`` is true while a sealed request is being opened. Lines
    that come in are unsealed by ``reader``; ``take`` is called with each request that was opened, or what refuses it.
    """

    log = Logger()

    def __init__(self, reader: Reader, take: Callable[[Unsealed], None]) -> None:
        self.outward: SealedLines | None = None
        self.opening = False
        self.needed = NEEDED[Sealing.NO]
        self._reader = reader
        self._take = take

    def need(self, sealing: Sealing) -> None:
        """Take under seal only what ``sealing`` says."""
        self.needed = NEEDED[sealing]

    def vetted(self, asked: Asked) -> Asked:
        """A request that is needed under seal, or the refusal of it where it came in the clear."""
        if isinstance(asked, Unsealed):
            return asked
        return replace(asked, message=None, refused=Refused(codes.NEEDS_SEAL))

    def open(self, visitor: Any, tag: str, jwe: str) -> None:
        """Open a sealed request of ``visitor``."""
        self.opening = True
        opened = Deferred.fromCoroutine(self._open(visitor, tag, jwe))
        opened.addErrback(self._refuse, tag).addCallback(self._opened)

    def answer(self, asked: Asked) -> None:
        """Seal from here on, if the answer to ``asked`` is the first line of a sealed session."""
        if isinstance(asked, Unsealed) and asked.answers is not None:
            self.outward = asked.answers

    async def _open(self, visitor: Any, tag: str, jwe: str) -> Unsealed:
        if self._reader.inward is not None:
            raise Refused(codes.BROKEN_SEAL)
        sealed = await visitor.unseal(jwe)
        inner = Reader().read(f"{tag} {sealed.request}".encode("ascii"), False)
        if len(inner) != 1 or inner[0].kind in NEVER_SEALED:
            raise Refused(codes.BROKEN_SEAL)
        answers = None
        if sealed.session is not None:
            self._reader.inward, answers = both_ways(sealed.session, sealed.nonce)
            self.needed = NEEDED[Sealing.NO]
        (asked,) = inner
        return Unsealed(asked.tag, asked.kind, asked.message, asked.refused, answers=answers)

    def _refuse(self, failure: Failure, tag: str) -> Unsealed:
        """What is answered where nothing was opened."""
        if isinstance(failure.value, Refused):
            return Unsealed(tag, messages.Sealed, refused=failure.value)
        self.log.failure("a sealed request could not be opened", failure)
        return Unsealed(tag, messages.Sealed, refused=Refused(codes.BUSY))

    def _opened(self, unsealed: Unsealed) -> None:
        self.opening = False
        self._take(unsealed)
