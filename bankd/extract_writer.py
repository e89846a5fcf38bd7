"""Writes client.csv and bank.csv while the bank is open: soon after entries are committed, in a thread of its own.

1. Nothing waits for it. What is committed while rows are written is written next, a page at a time, with the database
   read in between; there is no list of rows that could grow.
2. A file that cannot be written costs nobody anything: the log says so, once for each kind of failure and once when it
   works again, and the rows are made up then.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from bankd.extract_file import ExtractFile
from bankd.records import Event
from bankd.store.engines import Connection, DatabaseFault

WAIT_SECONDS = 0.2
"""How long entries may wait, so that those of many batches are written together."""

RETRY_SECONDS = 5.0
"""After how long a file that could not be written is tried again."""


class ExtractWriter:
    """Keeps ``files`` up with the journal that ``reading`` opens; ``in_thread`` calls a function in a thread."""

    log = Logger()

    def __init__(
        self,
        files: Sequence[ExtractFile],
        reading: Callable[[], AbstractContextManager[Connection]],
        in_thread: Any,
        clock: IReactorTime,
    ) -> None:
        self._files = files
        self._reading = reading
        self._in_thread = in_thread
        self._clock = clock
        self._failing: dict[ExtractFile, str] = {}
        self._waiting: IDelayedCall | None = None
        self._under_way: Deferred[None] | None = None
        self._again = False
        self._closed = False

    def check(self) -> None:
        """See that the files can be written. Raises OSError and NotOurs."""
        for file in self._files:
            file.check()

    def wake(self, _events: Sequence[Event] = (), _committed_at: float = 0.0) -> None:
        """There may be something to write. To be called in the reactor's thread, also at the start."""
        if self._under_way is not None:
            self._again = True
        elif self._files and self._waiting is None and not self._closed:
            self._waiting = self._clock.callLater(WAIT_SECONDS, self._begin)

    def close(self) -> Deferred[None]:
        """Write what there is, once more, and then nothing; fires when that is done, or has failed."""
        self._closed = True
        if self._waiting is not None:
            self._waiting.cancel()
        if self._under_way is not None:
            self._under_way.addCallback(lambda _: self._begin())
            return self._under_way
        return self._begin() if self._files else succeed(None)

    def _begin(self) -> Deferred[None]:
        self._waiting, self._again = None, False
        self._under_way = self._in_thread(self._advance).addCallback(self._done)
        return self._under_way

    def _done(self, failed: bool) -> None:
        self._under_way = None
        if self._closed:
            return
        if failed:
            self._waiting = self._clock.callLater(RETRY_SECONDS, self._begin)
        elif self._again:
            self.wake()

    def _advance(self) -> bool:
        """In the thread: bring every file up to the journal's end. Whether one could not be."""
        for file in self._files:
            try:
                while self._page(file):
                    pass
            except (OSError, DatabaseFault) as error:
                self._failed(file, str(error).splitlines()[0])
            else:
                self._works(file)
        return bool(self._failing)

    def _page(self, file: ExtractFile) -> bool:
        with self._reading() as connection:  # a new look each time: what was committed meanwhile is seen
            return file.advance(connection)

    def _failed(self, file: ExtractFile, why: str) -> None:
        if self._failing.get(file) != why:
            self._failing[file] = why
            self.log.warn("{path} is not up to date: {why}", path=str(file.path), why=why)

    def _works(self, file: ExtractFile) -> None:
        if self._failing.pop(file, None) is not None:
            self.log.info("{path} is up to date again", path=str(file.path))
