"""``bankctl import accounts``: a bank begins with the accounts of a text file, also while it serves."""

import json
import os
import secrets
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BufferedReader
from itertools import islice
from pathlib import Path

from bankd import money
from bankd.bank import account_file, openings
from bankd.bank.account_file import LONGEST, BadLine, Listed
from bankd.bank.hashing import Hasher
from bankd.bank.openings import Opening
from bankd.config import Settings
from bankd.ctl import desk, operator
from bankd.ctl.backup import NICENESS
from bankd.ctl.command import DONE, FAULT, UNUSABLE, Command, Unusable, opened_to_write, printable, settings_of
from bankd.store.engines import Store
from bankd.store.operators import Deed

WORDS = """
Open the accounts in FILE. Each line has an account's number, its PIN and its balance, with commas between, such as
'zz-99999, 4821, 150.00'; '#' begins a comment, and neither spaces nor the case of letters matter. A line that will not
do, and one with a number that came before, is told with its number and passed over; then the exit status is 1. Accounts
that the bank has are passed over too, so that the same file can be imported again, after an interruption for example.
Opening balances are paid in from the bank's till. A PIN that is too easy to guess is taken as it is in a demo; in any
other bank it has to be changed at the first log-in. The bank may serve meanwhile.
"""

CHUNK = 250
"""Accounts that are opened in one transaction: others wait for it."""

THREADS = 2
"""PINs that are hashed at the same time."""

WORTH_TELLING_SECONDS = 5
"""For how long hashing may take without being announced."""


@dataclass(slots=True)
class Tally:
    """What was found in a file, or done with it: accounts, and minor units on them."""

    accounts: int = 0
    amount_minor: int = 0
    weak: int = 0
    there: int = 0
    bad: int = 0

    def add(self, listed: Listed, weak: bool) -> None:
        """Count an account."""
        self.accounts += 1
        self.amount_minor += listed.balance_minor
        self.weak += weak


def _import(options: Namespace) -> int:
    settings = settings_of(options)
    reason = None if options.reason is None else desk.reason_of(options)
    path: Path = options.file
    if path.exists() and not path.is_file():
        raise Unusable(f"{path} is no file; it is read twice")
    with opened_to_write(settings) as (store, keys):
        wanted = _look(store, settings, path, options.json)
        done = wanted if options.dry_run else _open(store, Hasher(keys.pepper), settings, path, wanted.accounts, reason)
    done.there, done.bad = wanted.there, wanted.bad
    _tell(done, settings, options)
    return FAULT if done.bad else DONE


def _look(store: Store, settings: Settings, path: Path, as_json: bool) -> Tally:
    """Go through the file, print each line that will not do, and count what is to be opened."""
    tally = Tally()
    for chunk in _chunks(path, settings.terms.currency):
        listed = [account for account in chunk if isinstance(account, Listed)]
        with store.reading() as connection:
            wanted, others = openings.missing(connection, listed)
        for account in wanted:
            tally.add(account, openings.is_weak(account))
        tally.there += len(listed) - len(wanted) - len(others)
        bad = [account for account in chunk if isinstance(account, BadLine)]
        for line in sorted([*bad, *others], key=lambda line: line.line):
            tally.bad += 1
            what = {"line": line.line, "what": line.what}
            print(json.dumps(what) if as_json else f"line {line.line}: {printable(line.what)}")
    return tally


def _open(store: Store, hasher: Hasher, settings: Settings, path: Path, count: int, reason: str | None) -> Tally:
    """Open the accounts in the file, of which there are about ``count``."""
    tally, currency = Tally(), settings.terms.currency
    progress = Progress(count, _hash_seconds(hasher) / THREADS)
    os.nice(NICENESS)
    pool = ThreadPoolExecutor(THREADS)
    try:
        for chunk in _chunks(path, currency):
            with store.reading() as connection:
                wanted, _ = openings.missing(connection, [each for each in chunk if isinstance(each, Listed)])
            hashes = pool.map(lambda account: hasher.hash(account.pin), wanted)
            prepared = [
                Opening(account, hashed, openings.is_weak(account) and not settings.demo)
                for account, hashed in zip(wanted, progress.counted(hashes), strict=True)
            ]
            if prepared:
                for account in _write(store, currency, prepared, reason):
                    tally.add(account, openings.is_weak(account))
    finally:
        pool.shutdown(cancel_futures=True)
        progress.end()
    return tally


def _write(store: Store, currency: str, prepared: list[Opening], reason: str | None) -> list[Listed]:
    """Open accounts and record it, in one transaction."""
    with store.writing() as tx:
        opened = openings.open_all(tx, secrets.randbelow, currency, prepared)
        amount = money.written(sum(account.balance_minor for account in opened), currency)
        first, last = prepared[0].listed.line, prepared[-1].listed.line
        details = f"lines {first} to {last}: {len(opened)} accounts with {amount}"
        operator.record(tx, Deed("import_accounts", details=details, reason=reason))
    return opened


class Progress:
    """Says how far hashing has come: before it begins where it takes long, and all the while at a terminal."""

    def __init__(self, count: int, seconds_each: float) -> None:
        self._count = count
        self._seconds_each = seconds_each
        self._done = 0
        self._shows = sys.stderr.isatty()
        if count * seconds_each > WORTH_TELLING_SECONDS:
            print(f"{count:,} PINs are to be hashed, which takes about {self._left()}", file=sys.stderr)

    def counted(self, hashes: Iterable[str]) -> Iterator[str]:
        """``hashes`` as they are made."""
        for hashed in hashes:
            self._done += 1
            if self._shows and self._done % 10 == 0:
                told = f"\r{self._done:,} of {self._count:,} accounts, about {self._left()} left \x1b[K"
                print(told, end="", file=sys.stderr, flush=True)
            yield hashed

    def end(self) -> None:
        """Leave an empty line."""
        if self._shows:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _left(self) -> str:
        seconds = max(self._count - self._done, 0) * self._seconds_each
        return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"


def _hash_seconds(hasher: Hasher) -> float:
    """How long this machine takes for one hash."""
    before = time.perf_counter()
    hasher.hash("0")
    return time.perf_counter() - before


def _chunks(path: Path, currency: str) -> Iterator[list[Listed | BadLine]]:
    """What a file holds, CHUNK at a time. Raises OSError."""
    with path.open("rb") as file:
        found = account_file.read(_lines(file), currency)
        while chunk := list(islice(found, CHUNK)):
            yield chunk


def _lines(file: BufferedReader) -> Iterator[bytes]:
    """The lines of a file; of one that is far too long only the beginning, so that none fills the memory."""
    while octets := file.readline(LONGEST + 2):
        rest = octets
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(1 << 16)
        yield octets


def _tell(done: Tally, settings: Settings, options: Namespace) -> None:
    """Print what was done, or would be."""
    currency = settings.terms.currency
    must_change = 0 if settings.demo else done.weak
    if options.json:
        told = {"dry_run": options.dry_run, "opened": done.accounts, "amount": done.amount_minor, "currency": currency}
        print(json.dumps(told | {"must_change": must_change, "there": done.there, "bad": done.bad}))
        return
    amount = money.written(done.amount_minor, currency)
    print(f"{'would be opened' if options.dry_run else 'opened'}: {done.accounts:,} accounts with {amount} in all")
    for count, what in (
        (must_change, "with a PIN that has to be changed at the first log-in"),
        (done.there, "there already, and passed over"),
        (done.bad, "lines that will not do, and were passed over"),
    ):
        if count:
            print(f"{what}: {count:,}")


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the file of accounts")
    parser.add_argument("--reason", metavar="WORDS", help="why; it is kept with the acts")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--json", action="store_true", help="print a JSON object for each bad line, and one for all")


ACCOUNTS = Command("import accounts", "open the accounts in a text file", _import, _arguments, WORDS, failed=UNUSABLE)
