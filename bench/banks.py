"""Banks to be measured: made by ``bankctl``, filled through the bank's own rooms, served by ``twistd``."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bankd import certificates, config, keyring
from bankd.bank import accounts, payments
from bankd.bank.hashing import Hasher
from bankd.config import Settings
from bankd.ledger.commands import Deposit
from bankd.store.customers import AccountRow
from bankd.store.engines import Store
from bench import threaded
from bench.load import CURRENCY, Served
from bench.programs import BIN, Program, answers, free_port, run

PIN = "4711"
OPENING_MINOR = 1_000_000_000
BATCH = 500

SETTINGS = """
[server]
host = 127.0.0.1

[database]
url = {url}

[bank]
name = Bench
currency = {currency}
"""
"""Everything else is as it is for anybody who leaves it out."""

Say = Callable[[str], None]
"""Tells a person what is going on."""


@dataclass(frozen=True, slots=True)
class Made:
    """A bank that can be served: its settings, and the accounts in it."""

    folder: Path
    settings_file: Path
    settings: Settings
    rows: list[AccountRow]

    @property
    def chain_key(self) -> bytes:
        """What its journal's entries are linked under."""
        return keyring.load(self.settings.state).chain


def make(folder: Path, count: int, url: str = "", real_hash: bool = False) -> Made:
    """A bank of ``count`` customers with money in the new ``folder``; on SQLite unless ``url`` says otherwise.

    They share one PIN and its hash. Without ``real_hash`` it is one that is quickly checked, so that sessions for a
    load open at once; the rate of log-ins is measured with the bank's own.
    """
    folder.mkdir(mode=0o700)
    written = folder / "bank.ini"
    written.write_text(SETTINGS.format(url=url, currency=CURRENCY))
    run([BIN / "bankctl", "init", "--config", written, "--state", folder / "state"], folder)
    settings = config.load(written, {"state": str(folder / "state")})
    pepper = keyring.load(settings.state).pepper
    hasher = Hasher(pepper) if real_hash else Hasher(pepper, passes=1, memory_kib=8)
    with opened(settings) as store:
        return Made(folder, written, settings, _customers(store, settings, count, hasher.hash(PIN)))


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The database of a bank that is not being served."""
    store = Store(settings.database, keyring.load(settings.state).chain)
    try:
        yield store
    finally:
        store.close()


def deposit(row: AccountRow, amount_minor: int, key: str) -> Deposit:
    """The bank's own command to pay cash in."""
    return Deposit(
        customer_id=row.customer_id,
        account_id=row.id,
        fence=None,
        key=key,
        amount_minor=amount_minor,
        currency=row.currency,
    )


@contextmanager
def serve(made: Made) -> Iterator[Served]:
    """Serve a bank as an operator does, until the end."""
    port = free_port()
    command: list[str | Path] = [BIN / "twistd", "--nodaemon", "--pidfile=", "bankd", "--config", made.settings_file]
    command += ["--state", made.settings.state, "--port", str(port), "--notice-port", "0", "--status-port", "0"]
    with Program(command, made.folder / "log", made.folder) as program:
        program.wait_until(lambda: answers(port))
        numbers = tuple(row.number for row in made.rows)
        yield Served(port, made.settings.state / "ca.pem", numbers, PIN, program.process)


@contextmanager
def serve_threaded(folder: Path, count: int) -> Iterator[Served]:
    """Serve the design with a thread for each connection in the new ``folder``, until the end."""
    folder.mkdir()
    now, port = datetime.now(UTC), free_port()
    authority = certificates.ensure_authority(folder, now)
    certificates.ensure_server_certificate(authority, folder, ["localhost"], now)
    told = (port, folder / "server.pem", folder / "server.key", folder / "threaded.sqlite3", count)
    with Program([BIN / "python", "-m", "bench.threaded", *map(str, told)], folder / "log") as program:
        program.wait_until(lambda: answers(port))
        numbers = tuple(threaded.account_number(serial) for serial in range(count))
        yield Served(port, folder / "ca.pem", numbers, threaded.PIN, program.process)


def _customers(store: Store, settings: Settings, count: int, hashed: str) -> list[AccountRow]:
    rows: list[AccountRow] = []
    while len(rows) < count:
        with store.writing() as tx:
            names = [f"bench-{serial}" for serial in range(len(rows), min(len(rows) + BATCH, count))]
            added = [
                accounts.sign_up(tx, settings.terms, secrets.randbelow, {"username": name}, {"pin": hashed})
                for name in names
            ]
            payments.apply(tx, [deposit(row, OPENING_MINOR, "opening") for row in added])
            rows += added
    return rows
