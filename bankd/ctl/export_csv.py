"""``bankctl export csv``: client.csv and bank.csv, made of the whole journal."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from bankd.ctl.command import DONE, Command, Unusable, opened, settings_of
from bankd.store import extracts
from bankd.store.extracts import BANK, CLIENT, HEADERS

NICENESS = 10
"""How far an export stands back for the bank that serves beside it."""

WORDS = """
Write client.csv, bank.csv or both, of the whole journal as it is at this moment, to new files. The bank may serve
meanwhile. They are what the bank itself appends to the files that client_csv and bank_csv in the settings name.
"""


def _csv(options: Namespace) -> int:
    wanted = {kind: path for kind, path in ((CLIENT, options.client), (BANK, options.bank)) if path is not None}
    if not wanted:
        raise Unusable("name a file: --client FILE, --bank FILE or both")
    os.nice(NICENESS)
    entries = 0
    with opened(settings_of(options)) as (store, _), ExitStack() as stack:
        files = {kind: stack.enter_context(_new(path)) for kind, path in wanted.items()}
        for kind, file in files.items():
            file.write(HEADERS[kind])
        with store.reading() as connection:
            for rows in extracts.all_rows(connection):
                entries += 1
                for kind, file in files.items():
                    file.writelines(rows.of(kind))
    print(f"entries: {entries}, in {' and '.join(map(str, wanted.values()))}")
    return DONE


@contextmanager
def _new(path: Path) -> Iterator[TextIO]:
    """A file that was not there, and is not either when the export fails."""
    with path.open("x", encoding="utf-8", newline="") as file:
        try:
            yield file
        except BaseException:
            path.unlink()
            raise


def _files(parser: ArgumentParser) -> None:
    parser.add_argument("--client", type=Path, metavar="FILE", help="where to write client.csv")
    parser.add_argument("--bank", type=Path, metavar="FILE", help="where to write bank.csv")


CSV = Command("export csv", "write client.csv and bank.csv, of the whole journal", _csv, _files, WORDS)
