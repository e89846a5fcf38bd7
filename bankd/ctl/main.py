"""``bankctl``: what an operator does by hand."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import bankd
from bankd import config
from bankd.certificates import CertificateError
from bankd.config import Settings, SettingsError
from bankd.ctl import backup, init
from bankd.store import audit
from bankd.store.archive import BackupError
from bankd.store.engines import DatabaseFault, Store

DONE, FAULT, UNUSABLE = 0, 1, 2
"""Exit statuses: done; something is wrong with the bank; the command or the settings cannot be used."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit status."""
    os.umask(0o077)  # whatever is made here is the operator's alone
    options = _parser().parse_args(argv)
    over = {} if options.state is None else {"state": options.state}
    try:
        settings = config.load(options.config, over)
        return int(options.command(settings, *((options.file,) if "file" in options else ())))
    except SettingsError as error:
        print("\n".join(f"bankctl: {fault}" for fault in error.faults), file=sys.stderr)
        return UNUSABLE
    except (OSError, CertificateError, DatabaseFault, BackupError) as error:
        print(f"bankctl: {str(error).splitlines()[0]}", file=sys.stderr)
        return FAULT
    except KeyboardInterrupt:
        print("bankctl: interrupted", file=sys.stderr)
        return FAULT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bankctl", description="What the operator of a bank does by hand.")
    parser.add_argument("--version", action="version", version=f"bankctl {bankd.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command, meaning, words in (
        ("init", _init, "make what the bank needs before it can serve, or bring it up to date", None),
        ("verify", _verify, "add every balance up again from the journal; exit 1 when one is wrong", None),
        ("backup", _backup, "write all that the database holds to a file, while the bank serves", backup.BACKUP_WORDS),
        ("restore", _restore, "fill an empty database from such a file", backup.RESTORE_WORDS),
    ):
        sub = commands.add_parser(name, help=meaning, description=words or meaning)
        if words is not None:
            sub.add_argument("file", type=Path, metavar="FILE", help="the backup")
        sub.add_argument("--config", type=Path, metavar="FILE", help="the settings file; without, every default holds")
        sub.add_argument("--state", metavar="FOLDER", help="where the bank keeps its files (var)")
        sub.set_defaults(command=command)
    return parser


def _init(settings: Settings) -> int:
    init.prepare(settings, print)
    return DONE


def _verify(settings: Settings) -> int:
    store = Store(settings.database)
    try:
        store.check_exists()
        with store.reading() as connection:
            faults = list(audit.faults(connection))
    finally:
        store.close()
    print("\n".join(faults) or "the ledger is right: every balance equals its entries, and all add up to zero")
    return FAULT if faults else DONE


def _backup(settings: Settings, path: Path) -> int:
    backup.save(settings, path)
    return DONE


def _restore(settings: Settings, path: Path) -> int:
    backup.load(settings, path)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
