"""Tasks one after another: those that were given, and those that standard input brings while the session is open.

1. Nothing is read before somebody asks for it, so that what a later program is to read stays where it is, and a long
   file does not fill the memory.
2. The descriptor is read only when the reactor says that it has something. So reading never waits, and the descriptor's
   flags, which a terminal's output shares, stay as they are.
"""

import os
from collections import deque
from collections.abc import Iterable
from enum import Enum, auto
from typing import Any, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

MOST_AT_ONCE = 65536
"""Octets read at a time: as many as a pipe holds."""


class Later(Enum):
    """What stands among tasks for those that are not known yet."""

    TYPED = auto()  # the lines of standard input, as they arrive


class Unreadable(Exception):
    """The descriptor cannot be read; the message is the system's reason."""


class Typed(Protocol):
    """Where lines come from while the program runs."""

    def next(self) -> Deferred[str | None]:
        """The next line, or None at the end. Fails with Unreadable."""

    def close(self) -> None:
        """Read no more: who waits for a line gets None."""


def tasks_among(lines: Iterable[str]) -> list[str]:
    """The lines that are tasks, without the spaces around them: neither empty ones nor those that begin with #."""
    stripped = [line.strip() for line in lines]
    return [line for line in stripped if line and not line.startswith("#")]


class Feed:
    """Hands out tasks in their order; in the place of ``Later.TYPED``, those that ``typed`` brings until its end."""

    def __init__(self, tasks: Iterable[str | Later], typed: Typed) -> None:
        self._tasks = deque(tasks)
        self._typed = typed

    async def next(self) -> str | None:
        """The next task, waiting for it if need be; None when there will be none. Raises Unreadable."""
        while self._tasks:
            if isinstance(self._tasks[0], str):
                return str(self._tasks.popleft())
            line = await self._typed.next()
            if line is None and self._tasks:
                self._tasks.popleft()
            for task in tasks_among([line or ""]):
                return task
        return None

    def close(self) -> None:
        """Hand out nothing more: who waits for a task gets None."""
        self._tasks.clear()
        self._typed.close()


@implementer(IReadDescriptor)
class Lines:
    """The lines of ``descriptor`` as they arrive; a last one without its end counts.

    What is no UTF-8 becomes lone surrogates, as in the arguments of a program: no value of a request takes them.
    ``reactor`` provides IReactorFDSet, which also watches files where their readiness cannot be told.
    """

    def __init__(self, reactor: Any, descriptor: int) -> None:
        self._reactor = reactor
        self._descriptor = descriptor
        self._lines: deque[str] = deque()
        self._unfinished = b""
        self._at_end = False
        self._waiting: Deferred[str | None] | None = None

    def next(self) -> Deferred[str | None]:
        """See ``Typed.next``. A line that nobody waits for any more goes to whoever asks next."""
        if self._lines or self._at_end:
            return succeed(self._lines.popleft() if self._lines else None)
        self._waiting = Deferred(self._forget)
        self._reactor.addReader(self)
        return self._waiting

    def close(self) -> None:
        """See ``Typed.close``."""
        self._lines.clear()
        self._end()

    # What the reactor calls.

    def fileno(self) -> int:
        return self._descriptor

    def logPrefix(self) -> str:
        return "Lines"

    def doRead(self) -> None:
        try:
            octets = os.read(self._descriptor, MOST_AT_ONCE)
        except BlockingIOError:
            return
        except OSError as error:
            self._give_up(Unreadable(error.strerror))
            return
        if not octets:
            self._end()
            return
        *lines, self._unfinished = (self._unfinished + octets).split(b"\n")
        self._lines.extend(_decoded(line) for line in lines)
        if self._lines:
            self._answer(self._lines.popleft())

    def connectionLost(self, reason: Failure) -> None:
        self._end()

    def _end(self) -> None:
        """Nothing more comes: hand out what was left without its end, then None."""
        self._at_end = True
        last, self._unfinished = self._unfinished, b""
        self._answer(_decoded(last) if last else None)

    def _answer(self, line: str | None) -> None:
        waiting = self._stop()
        if waiting is not None:
            waiting.callback(line)

    def _give_up(self, error: Unreadable) -> None:
        waiting = self._stop()
        if waiting is not None:
            waiting.errback(error)

    def _forget(self, waiting: Deferred[str | None]) -> None:
        self._stop()

    def _stop(self) -> Deferred[str | None] | None:
        """Watch the descriptor no more; who was waiting for a line."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._reactor.removeReader(self)
        return waiting


def _decoded(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")
