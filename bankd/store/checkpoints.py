"""Checkpoints of the ledger, signed and kept in a file outside the database: one on each line, oldest first.

1. A line is whole once its line feed is there, and it is flushed to the disk before anybody is told that it is there.
   What follows the last line feed is a line that was never finished; the next checkpoint takes its place.
2. A checkpoint is taken and written under one lock on the file, so that their entries never go backwards.
3. The file begins when the journal's entries from before the chain have been linked. From then on a missing link is a
   fault, and never made up for: who took the links away could else have the bank put new ones in their place.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, bindparam, select, update

from bankd import money
from bankd.ledger import chain
from bankd.ledger.checkpoint import Checkpoint, read_claims
from bankd.ledger.entries import Entry
from bankd.signing import Kind, PrivateKey, PublicKey
from bankd.store import journal
from bankd.store.customers import till_number
from bankd.store.engines import Store, Transaction
from bankd.store.schema import accounts
from bankd.store.schema import journal as rows

_STRETCH = 10_000
"""Entries sealed at a time."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file: its number from 1, and the checkpoint in it, or what is wrong with it.

    ``torn`` says that it was never finished, which is no fault.
    """

    number: int
    checkpoint: Checkpoint | None = None
    wrong: str = ""
    torn: bool = False


class CheckpointFile:
    """The file of checkpoints at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begun(self) -> bool:
        """Whether there is a first checkpoint. Raises OSError."""
        if not self.path.exists():
            return False
        with self.path.open("rb") as file:
            return _end_of_whole_lines(file) > 0

    def add(self, key: PrivateKey, take: Callable[[], Checkpoint]) -> Checkpoint:
        """Sign what ``take`` finds the ledger to be, and write it so that it survives a power cut. Raises OSError."""
        with self._locked() as file:
            checkpoint = take()
            file.seek(_end_of_whole_lines(file))
            file.truncate()
            file.write(key.sign(Kind.CHECKPOINT, checkpoint.claims()).encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return checkpoint

    def set_aside(self) -> Path | None:
        """Make room for a new beginning, keeping what is there beside it. Gives where it is; None without a file."""
        if not self.path.exists():
            return None
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.{number}")).exists():
            number += 1
        self.path.rename(aside)
        return aside

    def read(self, key: PublicKey) -> Iterator[Line]:
        """Each line that the file has now, one after another. Raises OSError."""
        return self._lines(key, self.path.stat().st_size)

    def _lines(self, key: PublicKey, size: int) -> Iterator[Line]:
        with self.path.open("rb") as file:
            number = 0
            while file.tell() < size:
                number += 1
                yield _line(key, number, file.readline())

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """The file, made if need be, with nobody else writing to it."""
        is_new = not self.path.exists()
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        if is_new:
            _sync_folder(self.path.parent)


def take(store: Store, connection: Connection) -> Checkpoint:
    """What the ledger of ``store`` is as ``connection`` sees it."""
    newest, head = journal.newest(connection)
    held = {currency: balance_minor for currency, _, balance_minor in tills(connection)}
    return Checkpoint(store.now_us(connection), newest, head, held)


def tills(connection: Connection) -> list[tuple[str, int, int]]:
    """The currency, id and balance of each till."""
    numbers = {till_number(currency): currency for currency in money.CURRENCIES}
    found = connection.execute(
        select(accounts.c.number, accounts.c.id, accounts.c.balance_minor).where(accounts.c.number.in_(numbers))
    )
    return [(numbers[row.number], row.id, row.balance_minor) for row in found]


def begins_under(connection: Connection, chain_key: bytes) -> bool:
    """Whether the journal's first entry is linked under this key, or is not there, or has no link yet.

    Under another key no entry would be right, and what is added would be linked to what nobody can check.
    """
    first = select(*(rows.c[name] for name in (*Entry._fields, "hash"))).order_by(rows.c.id).limit(1)
    for *fields, link in connection.execute(first):
        return link is None or link == chain.link(chain_key, chain.START, Entry._make(fields))
    return True


def seal(tx: Transaction) -> int:
    """Link the entries that have no link yet, those from before there was a chain; how many they were."""
    count, last, head = 0, 0, chain.START
    while True:
        found = select(*(rows.c[name] for name in (*Entry._fields, "hash"))).where(rows.c.id > last)
        stretch = tx.connection.execute(found.order_by(rows.c.id).limit(_STRETCH)).all()
        made = []
        for *fields, link in stretch:
            entry = Entry._make(fields)
            head = link or chain.link(tx.chain_key, head, entry)
            if link is None:
                made.append({"entry_id": entry.id, "link": head})
        if made:
            linked = update(rows).where(rows.c.id == bindparam("entry_id")).values(hash=bindparam("link"))
            tx.connection.execute(linked, made)
        count += len(made)
        if len(stretch) < _STRETCH:
            return count
        last = stretch[-1].id


def _line(key: PublicKey, number: int, octets: bytes) -> Line:
    if not octets.endswith(b"\n"):
        return Line(number, torn=True)
    try:
        return Line(number, read_claims(key.read(Kind.CHECKPOINT, octets[:-1].decode("ascii", "replace"))))
    except ValueError as error:
        return Line(number, wrong=str(error))


def _end_of_whole_lines(file: BinaryIO) -> int:
    """Where the last line feed ends; 0 when there is none."""
    size = at = file.seek(0, os.SEEK_END)
    while at > 0:
        at = max(at - 4096, 0)
        file.seek(at)
        found = file.read(min(4096, size - at)).rfind(b"\n")
        if found >= 0:
            return at + found + 1
    return 0


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file as durable as what is in it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
