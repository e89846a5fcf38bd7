"""``bankctl ledger``: is the ledger right, and what does it come to?"""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from bankd import keyring
from bankd.ctl.command import DONE, FAULT, UNUSABLE, Command, opened, opened_to_write, printable, settings_of
from bankd.store import checkpoints
from bankd.store.audit import Audit, Fault
from bankd.store.checkpoints import CheckpointFile, Line
from bankd.wire.grammar import write_time

MOST_FAULTS = 20
"""Faults that are told; with more the ledger is not looked at any further."""


def _verify(options: Namespace) -> int:
    settings = settings_of(options)
    with opened(settings) as (store, keys):
        path = options.checkpoints or settings.state / keyring.CHECKPOINTS
        torn: list[Line] = []
        lines = _whole_lines(CheckpointFile(path).read(keys.signer), torn)
        with store.reading() as connection:
            audit = Audit(connection, store.chain_key, lines, lambda: _show_progress(audit))
            found = list(islice(audit.faults(), MOST_FAULTS + 1))
            _end_progress()
    notes = [f"line {line.number} of the checkpoints was never finished, and is passed over" for line in torn]
    if options.json:
        faults = [{"row": fault.row, "what": fault.what} for fault in found[:MOST_FAULTS]]
        told = {"right": not found, "entries": audit.entries, "checkpoints": audit.checkpoints, "faults": faults}
        print(json.dumps(told | {"all_told": len(found) <= MOST_FAULTS, "notes": notes}))
    else:
        print("\n".join([*notes, *_told(found, audit)]))
    return FAULT if found else DONE


def _told(found: list[Fault], audit: Audit) -> list[str]:
    """The outcome in lines, the first wrong row first."""
    if not found:
        return [
            "the ledger is right: every balance equals its entries, and all add up to zero",
            f"chained: {audit.entries} entries; signed checkpoints, which agree: {audit.checkpoints}",
        ]
    return faults_told(found)


def faults_told(found: Sequence[Fault]) -> list[str]:
    """The first MOST_FAULTS of what was found, a line each, and that there is more where there is."""
    more = ["there is more, which was not looked at"] if len(found) > MOST_FAULTS else []
    return [*(printable(str(fault)) for fault in found[:MOST_FAULTS]), *more]


def _verify_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    parser.add_argument(
        "--checkpoints", type=Path, metavar="FILE", help="a copy that was kept elsewhere, to check with"
    )


def _checkpoint(options: Namespace) -> int:
    settings = settings_of(options)
    with opened_to_write(settings) as (store, keys), store.reading() as connection:
        file = CheckpointFile(settings.state / keyring.CHECKPOINTS)
        made = file.add(keys.signer, lambda: checkpoints.take(store, connection))
    print(f"signed, in {file.path}: {made.entry} entries up to {write_time(made.at_us)}")
    return DONE


def _whole_lines(lines: Iterable[Line], torn: list[Line]) -> Iterator[Line]:
    """The lines that were finished; the others are added to ``torn``."""
    for line in lines:
        if line.torn:
            torn.append(line)
        else:
            yield line


def _show_progress(audit: Audit) -> None:
    if sys.stderr.isatty():
        print(f"\r{audit.entries:,} entries ", end="", file=sys.stderr, flush=True)


def _end_progress() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


VERIFY = Command(
    "ledger verify",
    "work every balance out again, check the chain and the checkpoints; exit 1 when a row is wrong, and name it",
    _verify,
    _verify_arguments,
    failed=UNUSABLE,
)
CHECKPOINT = Command("ledger checkpoint", "sign what the ledger comes to now, and keep it outside it", _checkpoint)
