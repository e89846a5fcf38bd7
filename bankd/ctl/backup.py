"""``bankctl backup`` and ``bankctl restore``: what the operator is told of them."""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from bankd import keyring, money
from bankd.ctl.command import DONE, Command, opened, settings_of
from bankd.ctl.ledger import MOST_FAULTS, faults_told
from bankd.keyring import Keyring, KeysMissing
from bankd.store import archive, audit, backup, checkpoints, journal, restore
from bankd.store.archive import Tell
from bankd.store.backup import Contents
from bankd.store.checkpoints import CheckpointFile
from bankd.store.engines import Connection, Store

NICENESS = 10
"""How far a backup stands back for the bank that serves beside it."""

BACKUP_WORDS = """
Write everything in the bank's database to the new file FILE, as it is at this moment. The bank may serve meanwhile. The
file is gzip, readable by its owner alone, and there only once it is whole; 'bankctl restore' fills a database of any
engine from it. It holds customers' data and the hashes of their secrets, but none of the keys in the state folder. Keep
a copy of those in another place: without the pepper no password or PIN can be checked in the restored bank, and without
the chain's key nothing is restored, for the ledger cannot be verified.
"""

RESTORE_WORDS = """
Fill the empty database that the settings name, of whichever engine, from the backup FILE, and verify its ledger. All is
restored or nothing, and nothing is overwritten. Every session is over afterwards. Put the copy of the bank's keys into
the state folder first, with the file of checkpoints if there is one ('bankctl init' makes the chain's and the receipts'
key of a bank that never had them), and stop a bank that still serves from the database that this one replaces.
Checkpoints that name entries of the backup must agree with it; those of entries that came after it would contradict it
from then on, so their file is set aside and a new one begun.
"""

_KEYS = ("pepper", "chain.key", "receipts.key")
"""The files of keys that must be there before anything is restored."""


def _save(options: Namespace) -> int:
    settings = settings_of(options)
    os.nice(NICENESS)
    with opened(settings) as (store, _), _progress() as tell:
        header, contents = backup.save(store, options.file, settings.terms.name, tell)
    print(f"{header.bank} is backed up as it was at {header.at}")
    _print_contents(contents)
    print(f"the keys in {settings.state} are not in it; keep a copy of them in another place")
    return DONE


def _load(options: Namespace) -> int:
    settings = settings_of(options)
    with archive.read(options.file) as source:
        keys = _keys(settings.state)
        signed = CheckpointFile(settings.state / keyring.CHECKPOINTS)
        store = Store(settings.database, keys.chain)
        try:
            with _progress() as tell:
                restored = restore.restore(store, source, lambda connection: _wrong(connection, keys, signed), tell)
            aside = signed.set_aside()
            with store.reading() as connection:
                signed.add(keys.signer, lambda: checkpoints.take(store, connection))
        except restore.Wrong as wrong:
            print("\n".join(wrong.faults))
            raise
        finally:
            store.close()
    print(f"{source.header.bank} is restored as it was at {source.header.at}")
    _print_contents(restored.contents)
    print("the ledger is right: every balance equals its entries, all add up to zero, and the chain holds")
    if restored.sealed:
        print(f"entries from before there was a chain: {restored.sealed}; they are linked as they are")
    print(f"sessions that were open: {restored.sessions}; all are over, and everybody logs in anew")
    if aside is not None:
        print(f"the checkpoints from before are now in {aside}: they may name entries that the backup does not have")
    return DONE


def _keys(state: Path) -> Keyring:
    """The bank's own keys. Raises OSError, and KeysMissing where one is not there: a new one would not do."""
    for name in _KEYS:
        if not (state / name).exists():
            raise KeysMissing(f"there is no {state / name}: put the copy of the bank's keys there first")
    return keyring.load(state)


def _wrong(connection: Connection, keys: Keyring, signed: CheckpointFile) -> list[str]:
    """What is wrong with the restored ledger, also by the checkpoints of entries that it has."""
    newest, _ = journal.newest(connection)
    whole = (line for line in (signed.read(keys.signer) if signed.begun() else ()) if not line.torn)
    earlier = (line for line in whole if line.checkpoint is None or line.checkpoint.entry <= newest)
    return faults_told(list(islice(audit.faults(connection, keys.chain, earlier), MOST_FAULTS + 1)))


def _file(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the backup")


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


BACKUP = Command(
    "backup", "write all that the database holds to a file, while the bank serves", _save, _file, BACKUP_WORDS
)
RESTORE = Command("restore", "fill an empty database from such a file", _load, _file, RESTORE_WORDS)
