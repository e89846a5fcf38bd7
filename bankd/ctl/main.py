"""``bankctl``: what an operator does by hand."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import shtab

import bankd
from bankd import core_files, output
from bankd.certificates import CertificateError
from bankd.config import SettingsError
from bankd.ctl import (
    account,
    act,
    backup,
    broadcast,
    certificate,
    check,
    credit,
    customer,
    database,
    delivery,
    events,
    export_csv,
    export_tables,
    find,
    freeze,
    import_accounts,
    init,
    key,
    ledger,
    lockout,
    operator,
    pin,
    proposal,
    receipt,
    reverse,
    session,
    terminal,
)
from bankd.ctl.command import DONE, UNUSABLE, Command, Unusable
from bankd.ctl.desk import Withheld
from bankd.keyring import KeysMissing
from bankd.store.archive import BackupError
from bankd.store.engines import DatabaseFault

COMMANDS: tuple[Command, ...] = (
    init.INIT,
    check.CHECK,
    ledger.VERIFY,
    ledger.CHECKPOINT,
    find.FIND,
    receipt.VERIFY,
    account.SHOW,
    account.LIMIT,
    account.LIST,
    account.FIND,
    customer.LIST,
    customer.SHOW,
    customer.UNLOCK,
    freeze.FREEZE,
    freeze.UNFREEZE,
    freeze.CLOSE,
    session.LIST,
    session.END,
    credit.CREDIT,
    lockout.LIST,
    lockout.LIFT,
    lockout.DISTRUST,
    reverse.REVERSE,
    pin.RESET,
    proposal.LIST,
    proposal.APPROVE,
    proposal.REJECT,
    broadcast.BROADCAST,
    act.LIST,
    operator.ADD,
    operator.LIST,
    operator.REMOVE,
    terminal.ENROL,
    terminal.LIST,
    terminal.REVOKE,
    delivery.TEST,
    events.LIST,
    events.TEST,
    key.SHARE,
    key.LIST,
    key.REVOKE,
    import_accounts.ACCOUNTS,
    export_tables.ACCOUNTS,
    export_tables.CUSTOMERS,
    export_tables.JOURNAL,
    export_csv.CSV,
    database.UPGRADE,
    certificate.RENEW,
    backup.BACKUP,
    backup.RESTORE,
)
"""Every command, in the order in which the help lists them."""

NOUNS = {
    "account": "show accounts, and set what may be done with them",
    "act": "see what operators did",
    "config": "see what the settings come to",
    "cert": "renew the bank's certificate",
    "customer": "see who the customers are, and let one in again",
    "db": "bring the bank's database up to date",
    "delivery": "try the ways by which customers are sent messages",
    "export": "write what the bank has to a file",
    "import": "begin with what another bank kept",
    "events": "see how far the ways out for events have come, and try them",
    "key": "share keys with terminals, to seal what they say",
    "ledger": "check the ledger, sign what it comes to, and find what was done in it",
    "lockout": "see who is locked out for wrong secrets, and lift it",
    "operator": "say who is an operator of the bank",
    "pin": "give a customer a new PIN",
    "proposal": "see and decide what waits for a second person",
    "receipt": "check a signed receipt",
    "session": "see who is logged in, and end it",
    "terminal": "give terminals certificates of their own, and take them back",
}
"""What can be done with each thing that has commands of its own."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit status."""
    core_files.forbid()
    output.escape()
    os.umask(0o077)  # whatever is made here is the operator's alone
    options = _parser().parse_args(argv)
    try:
        status = int(options.run(options))
        sys.stdout.flush()  # here, where it is known what to say when that fails
        return status
    except SettingsError as error:
        print("\n".join(f"bankctl: {fault}" for fault in error.faults), file=sys.stderr)
        return UNUSABLE
    except Withheld as withheld:
        print(withheld)
        return DONE
    except Unusable as error:
        print(f"bankctl: {error}", file=sys.stderr)
        return UNUSABLE
    except BrokenPipeError:
        output.abandon()
        return output.BROKEN_PIPE
    except OSError as error:
        print(f"bankctl: {_why(error)}", file=sys.stderr)
        return int(options.failed)
    except (CertificateError, KeysMissing, DatabaseFault, BackupError) as error:
        print(f"bankctl: {str(error).splitlines()[0]}", file=sys.stderr)
        return int(options.failed)
    except KeyboardInterrupt:
        print("bankctl: interrupted", file=sys.stderr)
        return int(options.failed)


def _why(error: OSError) -> str:
    """What the system says of a file, in words."""
    if error.filename is None:
        return error.strerror or str(error).splitlines()[0]
    if isinstance(error, FileNotFoundError):
        return f"there is no file {error.filename}"
    return f"{error.filename}: {error.strerror}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bankctl", description="What the operator of a bank does by hand.")
    parser.add_argument("--version", action="version", version=f"bankctl {bankd.__version__}")
    shtab.add_argument_to(parser, help="print what completes bankctl's commands in a shell, to be kept for it")
    parsers = {"": parser.add_subparsers(required=True, metavar="COMMAND")}
    for command in COMMANDS:
        noun, _, verb = command.name.rpartition(" ")
        if noun not in parsers:
            sub = parsers[""].add_parser(noun, help=NOUNS[noun], description=NOUNS[noun])
            parsers[noun] = sub.add_subparsers(required=True, metavar="COMMAND")
        sub = parsers[noun].add_parser(verb, help=command.meaning, description=command.words or command.meaning)
        sub.add_argument("--config", type=Path, metavar="FILE", help="the settings file; without, every default holds")
        sub.add_argument("--state", metavar="FOLDER", help="where the bank keeps its files (var)")
        command.arguments(sub)
        sub.set_defaults(run=command.run, failed=command.failed)
        _complete_files(sub)
    return parser


def _complete_files(parser: argparse.ArgumentParser) -> None:
    """Let a shell complete the names of files where they are asked for."""
    for action in parser._actions:
        if action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main())
