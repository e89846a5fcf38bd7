"""Checkpoints while the bank is open: what the ledger comes to is signed at an interval, and once more at the end.

A checkpoint that cannot be written is logged, and holds nobody up: the next one says more than it would have.
"""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from bankd.perspectives.turns import Pool
from bankd.signing import PrivateKey
from bankd.store import checkpoints, journal
from bankd.store.checkpoints import CheckpointFile
from bankd.store.engines import Store


class Notary:
    """Signs with ``key`` in ``pool``, and adds to ``file``. Nothing is signed twice: only new entries count."""

    log = Logger()

    def __init__(
        self,
        file: CheckpointFile,
        key: PrivateKey,
        store: Store,
        pool: Pool,
        clock: IReactorTime,
    ) -> None:
        self._file = file
        self._key = key
        self._store = store
        self._pool = pool
        self._signed: int | None = None
        self._loop = LoopingCall(self._sign_in_pool)
        self._loop.clock = clock
        self._under_way: Deferred[None] | None = None

    def open(self, seconds: float) -> None:
        """Sign every ``seconds``, from that long from now on."""
        self._loop.start(seconds, now=False)

    async def close(self) -> None:
        """Sign what the ledger has come to in the end."""
        if self._loop.running:
            self._loop.stop()
        if self._under_way is not None:
            await self._under_way
        await self._sign_in_pool()

    def _sign_in_pool(self) -> Deferred[None]:
        self._under_way = self._pool(self._sign)
        return self._under_way.addErrback(lambda why: self.log.failure("a checkpoint could not be written", why))

    def _sign(self) -> None:
        with self._store.reading() as connection:
            newest, _ = journal.newest(connection)
        if newest != self._signed:
            with self._store.reading() as connection:  # one that sees what is there once the file is locked
                self._signed = self._file.add(self._key, lambda: checkpoints.take(self._store, connection)).entry
