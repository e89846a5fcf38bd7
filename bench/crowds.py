"""A bank with a crowd of customers and a long journal, on SQLite, made in minutes.

1. Customers are inserted in bulk, as ``accounts.sign_up`` would leave them: one by one a million takes an hour.
2. Every entry goes through the bank's own rooms: first each account's opening deposit, then transfers, a batch in a
   transaction, with keys as clients make them.
3. The transfers of the filling go from neighbour to neighbour, so that a batch touches few pages of the accounts and is
   soon written. What is measured afterwards is between any two accounts.
"""

import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import insert
from stdnum import damm

from bankd.bank import payments
from bankd.bank.accounts import NUMBER_DIGITS
from bankd.ledger.commands import Deposit, Payment, Transfer
from bankd.store import customers, schema
from bankd.store.engines import Store, Transaction
from bench import banks
from bench.banks import OPENING_MINOR, Made, Say
from bench.load import CURRENCY, new_key
from bench.programs import BenchError

BATCH = 1000
MEBIBYTE = 1 << 20

TELL_SECONDS = 10
"""How often the progress is told of."""

ACCOUNT_OCTETS, ENTRY_OCTETS, SPARE_OCTETS = 400, 200, 256 * MEBIBYTE
"""What an account with its customer takes on the disk, an entry with its key, and logs beside them."""


class Owner(NamedTuple):
    """Whose an account is: what a command needs to know of it."""

    id: int
    customer_id: int
    number: str


@dataclass(frozen=True, slots=True)
class Crowd:
    """A bank that can be served, and all of its accounts; it was filled with so many ``entries`` a second."""

    made: Made
    owners: Sequence[Owner]
    entries: int
    per_second: float

    @property
    def octets(self) -> int:
        """What its database takes on the disk."""
        return sum(path.stat().st_size for path in self.made.settings.state.glob("*.sqlite3*"))


def check_room(folder: Path, accounts: int, entries: int, say: Say) -> None:
    """Tell what a crowd takes on the disk. Raises BenchError where there is less."""
    needed = accounts * ACCOUNT_OCTETS + entries * ENTRY_OCTETS + SPARE_OCTETS
    free = shutil.disk_usage(folder).free
    said = f"about {needed / (1 << 30):.1f} GiB of disk in {folder.parent}; {free / (1 << 30):.1f} GiB are free"
    if free < needed:
        raise BenchError(f"needed: {said}. TMPDIR chooses another disk, and the numbers of accounts can be smaller")
    say(f"this takes {said}")


def make(folder: Path, accounts: int, entries: int, say: Say) -> Crowd:
    """A bank of so many ``accounts`` and ``entries`` in the new ``folder``; every account has one entry at least."""
    made = banks.make(folder, 1)
    with banks.opened(made.settings) as store:
        owners = _sign_up(store, made, accounts, say)
        began = time.perf_counter()
        _fill(store, owners, entries, say)
    return Crowd(made, owners, entries, round(entries / (time.perf_counter() - began), 1))


def pay(payer: Owner, payee: Owner, source: random.Random) -> Transfer:
    """A minor unit from ``payer`` to ``payee``, under a new key."""
    return Transfer(
        customer_id=payer.customer_id,
        account_id=payer.id,
        fence=None,
        key=new_key(source),
        amount_minor=1,
        currency=CURRENCY,
        payee=payee.number,
    )


def carry_out(store: Store, commands: Sequence[Payment]) -> None:
    """One transaction of ``commands``, all of which are to be accepted."""
    with store.writing() as tx:
        outcomes = payments.apply(tx, commands)
    refused = {outcome.code for outcome in outcomes if outcome.code.refuses}
    if refused:
        raise BenchError(f"refused: {refused}")


def _sign_up(store: Store, made: Made, count: int, say: Say) -> list[Owner]:
    """The bank's one customer and as many others as make it ``count``, each with a random number and the same PIN."""
    source, lowest = random.Random(), 10 ** (NUMBER_DIGITS - 2)
    first = made.rows[0]
    digits = map(str, source.sample(range(lowest, 10 * lowest), count))
    numbers = [number for each in digits if (number := each + damm.calc_check_digit(each)) != first.number]
    owners = [Owner(first.id, first.customer_id, first.number)]
    owners += [Owner(first.id + i, first.customer_id + i, number) for i, number in enumerate(numbers[: count - 1], 1)]
    say(f"signing up {count:,} customers")
    with store.reading() as connection:
        hashed = customers.secret(connection, first.customer_id, "pin") or ""
    for start in range(1, count, 50 * BATCH):
        with store.writing() as tx:
            _insert(tx, owners[start : start + 50 * BATCH], hashed)
    return owners


def _insert(tx: Transaction, owners: Sequence[Owner], hashed: str) -> None:
    people = [
        {"id": one.customer_id, "username": f"crowd-{one.id}", "opened_us": tx.at_us, "contact_us": tx.at_us}
        for one in owners
    ]
    pins = [{"customer_id": one.customer_id, "kind": "pin", "hash": hashed, "changed_us": tx.at_us} for one in owners]
    always = {"kind": "current", "currency": CURRENCY, "balance_minor": 0, "floor_minor": 0, "events": 0}
    always |= {"acknowledged": 0, "opened_us": tx.at_us}
    held = [always | one._asdict() for one in owners]
    for table, rows in ((schema.customers, people), (schema.secrets, pins), (schema.accounts, held)):
        tx.connection.execute(insert(table), rows)


def _fill(store: Store, owners: Sequence[Owner], entries: int, say: Say) -> None:
    """Openings, and then transfers until there are so many ``entries``."""
    source, count = random.Random(), len(owners)
    began = told = time.perf_counter()
    for start in range(0, entries, BATCH):
        serials = range(start, min(start + BATCH, entries))
        carry_out(
            store,
            [
                pay(owners[serial % count], owners[(serial + 1) % count], source)
                if serial >= count
                else _open(owners[serial], source)
                for serial in serials
            ],
        )
        now = time.perf_counter()
        if now - told > TELL_SECONDS:
            told, rate = now, serials.stop / (now - began)
            left = (entries - serials.stop) / rate
            say(f"filling: {serials.stop:,} of {entries:,} entries, {rate:,.0f}/s, {left:,.0f} seconds left")


def _open(owner: Owner, source: random.Random) -> Deposit:
    return Deposit(
        customer_id=owner.customer_id,
        account_id=owner.id,
        fence=None,
        key=new_key(source),
        amount_minor=OPENING_MINOR,
        currency=CURRENCY,
    )
