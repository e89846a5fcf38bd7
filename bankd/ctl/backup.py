"""``bankctl backup`` and ``bankctl restore``: what the operator is told of them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bankd import money
from bankd.config import Settings
from bankd.store import archive, audit, backup, restore
from bankd.store.archive import Tell
from bankd.store.backup import Contents
from bankd.store.engines import Store

NICENESS = 10
"""How far a backup stands back for the bank that serves beside it."""

BACKUP_WORDS = """
Write everything in the bank's database to the new file FILE, as it is at this moment. The bank may serve meanwhile. The
file is gzip, readable by its owner alone, and there only once it is whole; 'bankctl restore' fills a database of any
engine from it. It holds customers' data and the hashes of their secrets, but none of the keys in the state folder: keep
a copy of those in another place, for without the pepper no password or PIN can be checked in the restored bank.
"""

RESTORE_WORDS = """
Fill the empty database that the settings name, of whichever engine, from the backup FILE, and verify its ledger. All is
restored or nothing, and nothing is overwritten. Every session is over afterwards. Put the copy of the bank's keys into
the state folder first, and stop a bank that still serves from the database that this one replaces.
"""


def save(settings: Settings, path: Path) -> None:
    """Back the bank up to the new file ``path``, and say what is in it. Raises BackupError, OSError, DatabaseFault."""
    os.nice(NICENESS)
    store = Store(settings.database)
    try:
        store.check_exists()
        with _progress() as tell:
            header, contents = backup.save(store, path, settings.terms.name, tell)
    finally:
        store.close()
    print(f"{header.bank} is backed up as it was at {header.at}")
    _print_contents(contents)
    print(f"the keys in {settings.state} are not in it; keep a copy of them in another place")


def load(settings: Settings, path: Path) -> None:
    """Restore the backup in ``path``, and say what is in it. Raises BackupError, OSError and DatabaseFault."""
    with archive.read(path) as source:
        settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = Store(settings.database)
        try:
            with _progress() as tell:
                restored = restore.restore(store, source, audit.faults, tell)
        except restore.Wrong as wrong:
            print("\n".join(wrong.faults))
            raise
        finally:
            store.close()
    print(f"{source.header.bank} is restored as it was at {source.header.at}")
    _print_contents(restored.contents)
    print("the ledger is right: every balance equals its entries, and all add up to zero")
    print(f"sessions that were open: {restored.sessions}; all are over, and everybody logs in anew")
    if not (settings.state / "pepper").exists():
        print(f"{settings.state} has no pepper yet: copy the bank's own there before 'bankctl init' makes another")


def _print_contents(contents: Contents) -> None:
    """What was saved or restored, as figures to compare."""
    print(f"customers: {contents.customers}, accounts: {contents.accounts}, entries: {contents.entries}")
    for currency, total_minor in contents.held_minor.items():
        print(f"customers hold {money.written(total_minor, currency)}")


@contextmanager
def _progress() -> Iterator[Tell]:
    """Shows how many rows are done, while it lasts, where somebody sits before a terminal."""
    if not sys.stderr.isatty():
        yield lambda _rows: None
        return
    try:
        yield lambda rows: print(f"\r{rows:,} rows", end="", file=sys.stderr, flush=True)
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
