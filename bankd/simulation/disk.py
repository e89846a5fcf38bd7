"""The database of a simulated bank: SQLite itself, on which what chance says goes wrong.

1. A fault is met where a real one would be: at a statement or at the commit, in the driver. Everything above the driver
   is the bank's own.
2. What goes wrong at a commit does so before it, and nothing is stored; or after it, and all is stored but nobody is
   told. The program may also end at either moment, or at any statement.
3. A connection at whose commit the disk failed is good for nothing any more.
4. ``on_commit`` is called after each commit that stored anything, whatever the bank is told of it.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import event

from bankd.simulation.threads import Crash
from bankd.simulation.world import World
from bankd.store.engines import Store

FULL, BUSY, BROKEN = FAULTS = ("database or disk is full", "database is locked", "disk I/O error")
"""What SQLite says of each."""


@dataclass(slots=True)
class Faults:
    """Shares: of transactions in which a statement fails, since the disk is full or something holds a lock; of commits
    that fail before or after they are done; of commits, and of statements, at which the program ends.
    """

    full: float = 0.0
    busy: float = 0.0
    before: float = 0.0
    after: float = 0.0
    crash: float = 0.0
    unreadable: float = 0.0


class Database(Store):
    """The database at ``url``, opened and closed for one bank after another: for those of ``disk``, at their ``clock``.

    It stays the same object, because it takes SQLAlchemy longer to learn a bank's statements than to carry them out.
    """

    def __init__(self, url: str, chain_key: bytes) -> None:
        super().__init__(url, chain_key, lambda: self.clock())
        self.clock: Callable[[], float] = float
        self.disk: Disk | None = None
        for engine, kind in ((self.writer, _Writing), (self.reader, _Reading)):
            event.listen(engine, "do_connect", partial(self._connect, kind))

    def _connect(self, kind: Any, _dialect: Any, _record: Any, args: Any, options: dict[str, Any]) -> Any:
        connection = sqlite3.connect(*args, **options, factory=kind)
        connection.disk = self.disk
        return connection


class Disk:
    """What a bank's database is on. It outlives the bank's crashes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults = Faults()
        self.on_commit: Callable[[], object] = lambda: None

    def statement(self) -> None:
        """A statement of a transaction that writes begins."""
        world, faults = self.world, self.faults
        luck = world.chance.random()
        if luck < faults.full:
            self._fail(FULL)
        elif luck < faults.full + faults.busy:
            self._fail(BUSY)
        elif luck > 1 - faults.crash:
            self._crash("at a statement")

    def commit(self, store: Callable[[], object], changed: bool) -> None:
        """``store`` what was written, which ``changed`` something."""
        world, faults = self.world, self.faults
        luck = world.chance.random()
        if luck < faults.before:
            self._fail(BROKEN)
        if luck > 1 - faults.crash:
            self._crash("before a commit")
        store()
        if changed:
            self.on_commit()
        if luck < faults.before + faults.after:
            self._fail(BROKEN)
        if luck > 1 - 2 * faults.crash:
            self._crash("after a commit")

    def look(self) -> None:
        """A statement that only reads begins."""
        if self.world.happens(self.faults.unreadable):
            self._fail(BROKEN)

    def _fail(self, why: str) -> None:
        self.world.note(f"database: {why}")
        raise sqlite3.OperationalError(why)

    def _crash(self, when: str) -> None:
        self.world.note(f"crash {when}")
        raise Crash(when)


class _Writing(sqlite3.Connection):
    disk: Disk | None = None
    _stored = 0
    _broken = False

    def cursor(self, *args: Any) -> Any:
        """A cursor, for one more statement."""
        if self.disk is not None and self.in_transaction:
            with self._dying():
                self.disk.statement()
        return super().cursor(*args)

    def commit(self) -> None:
        """Store what was written."""
        if self.disk is None or not self.in_transaction:
            super().commit()
            return
        changed = self.total_changes != self._stored
        self._stored = self.total_changes
        with self._dying():
            self.disk.commit(super().commit, changed)

    @contextmanager
    def _dying(self) -> Iterator[None]:
        """Let go of the database where the program ends: a cursor that something still holds would keep it locked."""
        try:
            if self._broken:
                raise sqlite3.OperationalError(BROKEN)
            yield
        except Crash:
            super().rollback()
            raise
        except sqlite3.OperationalError as error:
            self._broken = BROKEN in str(error)
            raise


class _Reading(sqlite3.Connection):
    disk: Disk | None = None

    def cursor(self, *args: Any) -> Any:
        """A cursor, for one more statement."""
        if self.disk is not None:
            self.disk.look()
        return super().cursor(*args)
