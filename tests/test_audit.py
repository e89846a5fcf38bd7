"""Whatever is changed in the ledger behind the bank's back is found, and the row is named.

Somebody who can write to the database but has not the chain's key changes one thing in a small ledger, a thousand times
over, in every way there is: any column of any entry, whole entries, their order, the end of the journal, the accounts
that stand on it, and the notices; roughly, or with everything else made to agree with it.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from sqlalchemy import delete, update

from bankd.ledger.checkpoint import read_claims
from bankd.ledger.commands import Deposit, Transfer, Withdrawal
from bankd.ledger.entries import Entry
from bankd.records import NoticeKind
from bankd.store import audit, checkpoints, customers, outbox, schema
from bankd.store.audit import Audit, Fault
from bankd.store.checkpoints import Line
from tests.test_store import LedgerCase

CHANGES = 1000


class Audits(LedgerCase):
    """What the audit finds, one thing at a time."""

    def faults(self, *lines: Line) -> list[str]:
        """What is wrong."""
        with self.store.reading() as connection:
            return [str(fault) for fault in audit.faults(connection, self.store.chain_key, lines)]

    def change(self, entry_id: int, **values: Any) -> None:
        """Change an entry by hand."""
        with self.store.writing() as tx:
            tx.connection.execute(update(schema.journal).where(schema.journal.c.id == entry_id).values(**values))

    def checkpoint(self, number: int = 1, **values: Any) -> Line:
        """A line with a checkpoint of the ledger as it is, but for ``values``."""
        with self.store.reading() as connection:
            taken = checkpoints.take(self.store, connection).claims() | values
        return Line(number, read_claims(taken))

    def test_right(self) -> None:
        """Nothing is wrong with an empty bank, nor with one in which money has moved."""
        lines = [self.checkpoint()]
        self.assertEqual(self.faults(*lines), [])
        self.ledger.deposit(10, 20)
        lines.append(self.checkpoint(2))
        self.ledger.carry_out(self.ledger.command(Transfer, 3, "t", payee="A2"))
        lines += [self.checkpoint(3), self.checkpoint(4)]
        with self.store.reading() as connection:
            whole = Audit(connection, self.store.chain_key, lines)
            self.assertEqual(list(whole.faults()), [])
        self.assertEqual((whole.entries, whole.checkpoints), (3, 4))

    def test_changed_balance(self) -> None:
        """A balance that was changed by hand is named, and so is the sum that is no longer zero."""
        self.ledger.deposit(10)
        with self.store.writing() as tx:
            customers.change_account(tx, self.ledger.one, balance_minor=11)
        self.assertEqual(
            self.faults(),
            [
                "account A1 has a balance of 11, but its entries add up to 10",
                "the balances in USD add up to 1 minor units, not to zero",
            ],
        )

    def test_changed_pointers(self) -> None:
        """A pointer or a count that was changed by hand is named, the first wrong row first."""
        self.ledger.deposit(10, 20)
        self.change(2, credit_previous=None)
        with self.store.writing() as tx:
            customers.change_account(tx, self.ledger.one, newest=1, events=3)
            customers.change_account(tx, self.ledger.till, events=1)
        self.assertEqual(
            self.faults(),
            [
                "entry 2 is not what was linked to the entry before it: one of the two was changed",
                "entry 2 of account 1 points to None, not 1",
                "account A1 points to entry 1, but its newest is 2",
                "account TILL-USD counts 1 events, but its newest entry is event 2",
                "notice 3 of account 1 is missing, or the account counts too many events",
            ],
        )

    def test_changed_entry(self) -> None:
        """An entry that was changed by hand shows on both accounts, and not with every entry after it."""
        self.ledger.deposit(10, 20, 30)
        self.change(1, amount_minor=9)
        self.assertEqual(
            self.faults(),
            [
                "entry 1 is not what was linked to the entry before it: one of the two was changed",
                "entry 1 leaves account 3 with -10, but its entries add up to -9",
                "entry 1 leaves account 1 with 10, but its entries add up to 9",
            ],
        )

    def test_more_than_a_stretch(self) -> None:
        """A journal is read in stretches, to its end, and after each it is told how far."""
        self.patch(audit, "_STRETCH", 2)
        self.ledger.deposit(10, 20, 30, 40)
        told: list[int] = []
        with self.store.reading() as connection:
            whole = Audit(connection, self.store.chain_key, progress=lambda: told.append(whole.entries))
            self.assertEqual(list(whole.faults()), [])
        self.assertEqual(told[:2], [2, 4])
        self.change(4, amount_minor=9)
        self.assertIn("entry 4 leaves account 1 with 100, but its entries add up to 69", self.faults())

    def test_no_link(self) -> None:
        """A link that was taken away is named with its entry, and nothing makes up for it."""
        self.ledger.deposit(10, 20)
        self.change(1, hash=None)
        self.assertEqual(self.faults()[0], "entry 1 has no link to the entries before it")

    def test_other_key(self) -> None:
        """Under another key nothing is as it was linked."""
        self.ledger.deposit(10)
        with self.store.reading() as connection:
            self.assertEqual([fault.row for fault in audit.faults(connection, bytes(32))], ["entry 1"])

    def test_damaged_text(self) -> None:
        """A text that is no longer UTF-8 is read all the same, and named; other readers of the connection see none."""
        self.ledger.deposit(10)
        with self.store.writing() as tx:
            tx.connection.exec_driver_sql("UPDATE journal SET key = CAST(x'63ff' AS TEXT)")
        self.assertEqual(len(self.faults()), 1)
        self.assertIn("entry 1 ", self.faults()[0])

    def test_numbers_from_one(self) -> None:
        """An entry with a number that the bank gives to none is named."""
        self.ledger.deposit(10)
        self.change(1, id=0)
        self.assertIn("entry 0 has a number that the bank gives to no entry", self.faults())

    def test_accounts(self) -> None:
        """An account that is gone is named by its id, and so is one that is now kept in another currency."""
        self.ledger.deposit(10)
        with self.store.writing() as tx:
            tx.connection.execute(update(schema.accounts).where(schema.accounts.c.id == 1).values(currency="EUR"))
        self.assertIn("entry 1 goes from account 3 in USD to account 1 in EUR", self.faults())
        with self.store.writing() as tx:
            tx.connection.execute(delete(schema.accounts).where(schema.accounts.c.id == 1))
        self.assertIn("account 1 is missing; its newest entry is 1", self.faults())

    def test_floor(self) -> None:
        """A customer's account that may go to any depth is named, as a till that may not."""
        with self.store.writing() as tx:
            tx.connection.execute(update(schema.accounts).where(schema.accounts.c.id == 2).values(floor_minor=None))
        self.assertEqual(self.faults(), ["account A2 is a till with a lowest balance, or a customer's without one"])

    def test_notices(self) -> None:
        """Notices must fill the gaps between the events that were entries, and nothing else."""
        with self.store.writing() as tx:
            for _ in range(4):
                outbox.add(tx, self.ledger.one, NoticeKind.CONTACT)
        self.ledger.deposit(10)
        with self.store.writing() as tx:
            outbox.add(tx, self.ledger.one, NoticeKind.SECRET)
            outbox.add(tx, self.ledger.two, NoticeKind.SECRET)
        self.assertEqual(self.faults(), [])
        missing = "is missing, or the account counts too many events"
        stray = "tells of what was an entry, or did not happen"
        for number, new, wanted in (
            (2, 7, [f"notice 2 of account 1 {missing}", f"notice 7 of account 1 {stray}"]),
            (4, 5, [f"notice 4 of account 1 {missing}", f"notice 5 of account 1 {stray}"]),
            (6, 0, [f"notice 0 of account 1 {stray}", f"notice 6 of account 1 {missing}"]),
            (6, None, [f"notice 6 of account 1 {missing}"]),
            (1, None, [f"notice 1 of account 1 {missing}"]),
        ):
            self.assertEqual(self.with_notice(number, new), wanted)

    def with_notice(self, number: int, new: int | None) -> list[str]:
        """What is wrong when a notice of account 1 has another number, or is gone; it is then put back."""
        mine = (schema.notices.c.account_id == 1) & (schema.notices.c.number == number)
        with self.store.writer.connect() as connection:
            if new is None:
                connection.execute(delete(schema.notices).where(mine))
            else:
                connection.execute(update(schema.notices).where(mine).values(number=new))
            found = [str(fault) for fault in audit.faults(connection, self.store.chain_key)]
            connection.rollback()
        return found

    def test_checkpoints(self) -> None:
        """A checkpoint that saw more, something else or nothing that can be trusted is told with its line."""
        self.ledger.deposit(10, 20)
        line = self.checkpoint(3)
        stamp = "2026-09-21T14:13:20.000000Z"
        for lines, wanted in (
            (
                [self.checkpoint(entry=4)],
                [f"entry 3 is missing: line 1 of the checkpoints saw entries up to 4 at {stamp}"],
            ),
            (
                [self.checkpoint(entry=4), self.checkpoint(2, entry=9)],
                [f"entry 3 is missing: line 2 of the checkpoints saw entries up to 9 at {stamp}"],
            ),
            (
                [self.checkpoint(head="00")],
                ["entry 2 is not the one that line 1 of the checkpoints names: another was linked then"],
            ),
            (
                [self.checkpoint(tills={"USD": -31})],
                ["line 1 of the checkpoints leaves the till for USD with -31, but its entries add up to -30"],
            ),
            (
                [self.checkpoint(tills={"USD": -30, "EUR": 1})],
                ["line 1 of the checkpoints leaves the till for EUR with 1, but its entries add up to 0"],
            ),
            ([Line(1, wrong="torn out")], ["line 1 of the checkpoints is not to be trusted: torn out"]),
            (
                [line, self.checkpoint(4, entry=1)],
                ["line 4 of the checkpoints names entry 1, which is missing, or was named before"],
            ),
        ):
            self.assertEqual(self.faults(*lines), wanted)


Change = Callable[["Forger"], set[str]]
"""Changes one thing, and gives the rows one of which must be the first that is named."""


class Forger:
    """Somebody with the database and without the key."""

    def __init__(self, database: sqlite3.Connection, random: Random) -> None:
        self.database = database
        self.random = random
        self.size = self.one("SELECT count(*) FROM journal")

    def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a statement gives."""
        return self.database.execute(statement, values).fetchall()

    def one(self, statement: str, *values: Any) -> Any:
        """The one value that a statement gives."""
        return self.run(statement, *values)[0][0]

    def any_entry(self) -> int:
        """The id of an entry."""
        return self.random.randint(1, self.size)

    def other_value(self, value: Any) -> Any:
        """Another value than ``value``, of the same kind and near it."""
        if value is None:
            return self.random.choice([0, 1, self.size])
        if isinstance(value, int):
            return value + self.random.choice([-1, 1, 100, 1 << 40])
        if isinstance(value, bytes):
            at = self.random.randrange(len(value))
            return value[:at] + bytes([value[at] ^ 1 << self.random.randrange(8)]) + value[at + 1 :]
        at = self.random.randrange(len(value))
        return value[:at] + chr(ord(value[at]) ^ 64) + value[at + 1 :]

    def readd(self) -> None:
        """Make every balance, pointer, count and account agree with the amounts in the journal again."""
        balances: dict[int, int] = {}
        newest: dict[int, int] = {}
        for entry_id, debit, credit, amount in self.run(
            "SELECT id, debit_id, credit_id, amount_minor FROM journal ORDER BY id"
        ):
            for side, account_id, moved in (("debit", debit, -amount), ("credit", credit, amount)):
                balances[account_id] = balances.get(account_id, 0) + moved
                self.run(
                    f"UPDATE journal SET {side}_balance = ?, {side}_previous = ? WHERE id = ?",
                    balances[account_id],
                    newest.get(account_id),
                    entry_id,
                )
                newest[account_id] = entry_id
        self.run("UPDATE accounts SET balance_minor = 0, newest = NULL, floor_minor = NULL")
        for account_id, balance in balances.items():
            self.run(
                "UPDATE accounts SET balance_minor = ?, newest = ? WHERE id = ?",
                balance,
                newest[account_id],
                account_id,
            )
        self.run("UPDATE accounts SET floor_minor = min(0, balance_minor) WHERE kind = 'current'")


def entries(*ids: int) -> set[str]:
    """What entries are called."""
    return {f"entry {entry_id}" for entry_id in ids}


def flip(forger: Forger) -> set[str]:
    """Another value in any column of any entry; with another number it is missing, or stands where it should not."""
    entry_id, column = forger.any_entry(), forger.random.choice([*Entry._fields, "hash"])
    value = forger.one(f'SELECT "{column}" FROM journal WHERE id = ?', entry_id)
    new = forger.other_value(value)
    if column == "id":
        new = forger.random.choice([0, -5, forger.size + 1, forger.size + 50])
    forger.run(f'UPDATE journal SET "{column}" = ? WHERE id = ?', new, entry_id)
    return entries(entry_id, new) if column == "id" else entries(entry_id)


def forget(forger: Forger) -> set[str]:
    """Nothing in a column that may be empty."""
    entry_id, column = (
        forger.any_entry(),
        forger.random.choice(["debit_previous", "credit_previous", "reference", "hash"]),
    )
    if forger.one(f"SELECT {column} FROM journal WHERE id = ?", entry_id) is None:
        return flip(forger)
    forger.run(f"UPDATE journal SET {column} = NULL WHERE id = ?", entry_id)
    return entries(entry_id)


def remove(forger: Forger) -> set[str]:
    """One entry is taken out."""
    entry_id = forger.any_entry()
    forger.run("DELETE FROM journal WHERE id = ?", entry_id)
    return entries(entry_id)


def remove_well(forger: Forger) -> set[str]:
    """One entry is taken out, those after it move up, and everything is added up again."""
    entry_id = forger.random.randint(1, forger.size - 1)
    forger.run("DELETE FROM journal WHERE id = ?", entry_id)
    forger.run("UPDATE journal SET id = -id WHERE id > ?", entry_id)
    forger.run("UPDATE journal SET id = -id - 1 WHERE id < 0")
    forger.readd()
    return entries(entry_id)


def swap(forger: Forger) -> set[str]:
    """Two entries change places, with their links or without; each keeps its place's number."""
    one, two = sorted(forger.random.sample(range(1, forger.size + 1), 2))
    forger.run("UPDATE journal SET id = -1 WHERE id = ?", one)
    forger.run("UPDATE journal SET id = ? WHERE id = ?", one, two)
    forger.run("UPDATE journal SET id = ? WHERE id = -1", two)
    if forger.random.random() < 0.5:
        links = [forger.one("SELECT hash FROM journal WHERE id = ?", entry_id) for entry_id in (one, two)]
        forger.run("UPDATE journal SET hash = ? WHERE id = ?", links[1], one)
        forger.run("UPDATE journal SET hash = ? WHERE id = ?", links[0], two)
    if forger.random.random() < 0.5:
        forger.readd()
    return entries(one)


def truncate(forger: Forger) -> set[str]:
    """The end of the journal is cut off, and the accounts are put back to what they were; or they are not."""
    last = forger.random.randint(0, forger.size - 1)
    forger.run("DELETE FROM journal WHERE id > ?", last)
    if forger.random.random() < 0.8:
        forger.readd()
        for side in ("debit", "credit"):
            forger.run(
                f"UPDATE accounts SET events = max(coalesce((SELECT max({side}_event) FROM journal WHERE {side}_id ="
                " accounts.id), 0), 0) WHERE kind = 'till'"
            )
    return entries(last + 1)


def insert(forger: Forger) -> set[str]:
    """A forged entry at the end, or with a number of its own, with everything else made to agree."""
    new = forger.random.choice([0, forger.size + 1, forger.size + 1, forger.size + 7])
    copied = forger.any_entry()
    names = ", ".join(f'"{name}"' for name in (*Entry._fields, "hash") if name not in ("id", "key", "hash"))
    forger.run(
        f"INSERT INTO journal (id, key, hash, {names}) SELECT ?, 'forged', ?, {names} FROM journal WHERE id = ?",
        new,
        forger.random.choice([None, forger.random.randbytes(32)]),
        copied,
    )
    forger.readd()
    return entries(new, forger.size + 1)


def repay(forger: Forger) -> set[str]:
    """An amount, or who got it, is another, and everything is added up again; the link is forged, or left."""
    entry_id = forger.any_entry()
    if forger.random.random() < 0.5:
        forger.run(
            "UPDATE journal SET amount_minor = amount_minor + ? WHERE id = ?", forger.random.randint(1, 9), entry_id
        )
    else:
        debit, credit = forger.run("SELECT debit_id, credit_id FROM journal WHERE id = ?", entry_id)[0]
        other = forger.random.choice(sorted({1, 2, 3, 4} - {debit, credit}))
        forger.run("UPDATE journal SET credit_id = ? WHERE id = ?", other, entry_id)
    if forger.random.random() < 0.5:
        forger.run("UPDATE journal SET hash = ? WHERE id = ?", forger.random.randbytes(32), entry_id)
    forger.readd()
    return entries(entry_id)


def spoil_account(forger: Forger) -> set[str]:
    """What an account makes of the journal is another; of two that both are wrong the first is named."""
    account_id, number = forger.random.choice(forger.run("SELECT id, number FROM accounts WHERE newest IS NOT NULL"))
    column = forger.random.choice(["balance_minor", "newest", "events", "currency"])
    if column == "currency":
        forger.run("UPDATE accounts SET currency = 'CHF' WHERE id = ?", account_id)
        touched = forger.run("SELECT min(id) FROM journal WHERE ? IN (debit_id, credit_id)", account_id)[0][0]
        return entries(touched)
    value = forger.one(f"SELECT {column} FROM accounts WHERE id = ?", account_id)
    forger.run(f"UPDATE accounts SET {column} = ? WHERE id = ?", value + forger.random.randint(1, 5), account_id)
    return {f"account {number}", f"notice {value + 1} of account {account_id}"}


def remove_account(forger: Forger) -> set[str]:
    """An account is taken out; its entries then go to a currency that is not known."""
    account_id = forger.random.choice([1, 2, 3, 4])
    forger.run("DELETE FROM accounts WHERE id = ?", account_id)
    return entries(forger.one("SELECT min(id) FROM journal WHERE ? IN (debit_id, credit_id)", account_id))


def spoil_notice(forger: Forger) -> set[str]:
    """A notice is gone, or has another number."""
    account_id, number = forger.random.choice(forger.run("SELECT account_id, number FROM notices"))
    mine = "account_id = ? AND number = ?"
    if forger.random.random() < 0.5:
        forger.run(f"DELETE FROM notices WHERE {mine}", account_id, number)
        return {f"notice {number} of account {account_id}"}
    new = forger.random.choice([0, number + 200])
    forger.run(f"UPDATE notices SET number = {new} WHERE {mine}", account_id, number)
    return {f"notice {at} of account {account_id}" for at in (number, new)}


WAYS: tuple[Change, ...] = (
    *(flip,) * 6,
    forget,
    remove,
    remove_well,
    swap,
    truncate,
    insert,
    repay,
    spoil_account,
    remove_account,
    spoil_notice,
)


class Tampering(LedgerCase):
    """A thousand changes to a small ledger."""

    def setUp(self) -> None:
        super().setUp()
        self.add_account("A3")
        self.lines: list[Line] = []
        ledger = self.ledger
        for number in range(10):
            ledger.carry_out(
                ledger.command(Transfer, 1, f"never {number}", payee="nobody"),
                *(
                    ledger.command(Transfer, 3 + number, f"{payee} {number}", payee=payee, reference="rent")
                    for payee in ("A2", "A3")
                    if number
                ),
                ledger.command(Withdrawal, 7, f"cash {number}"),
            )
            ledger.carry_out(ledger.command(Deposit, 1000 + number, f"pay {number}"))
            with self.store.writing() as tx:
                outbox.add(tx, 1 + number % 2, NoticeKind.CONTACT)
            if number % 3 == 0:
                self.sign()

    def sign(self) -> None:
        """Take a checkpoint, as the bank does from time to time and when it stops."""
        with self.store.reading() as connection:
            self.lines.append(Line(len(self.lines) + 1, checkpoints.take(self.store, connection)))

    def test_found_and_named(self) -> None:
        """Every change is found, and the first row that is named is one that was changed, or the first that is gone."""
        self.assertEqual(self.tampered(lambda _: set(), Random()), (set(), []))
        done: Counter[Change] = Counter()
        for seed in range(CHANGES):
            random = Random(seed)
            change = random.choice(WAYS)
            changed, told = self.tampered(change, random)
            self.assertTrue(told, f"{change.__name__} with seed {seed} was not found")
            self.assertIn(told[0].row, changed, f"{change.__name__} with seed {seed}: {[str(fault) for fault in told]}")
            done[change] += 1
        self.assertEqual((done.total(), set(done)), (CHANGES, set(WAYS)))

    def tampered(self, change: Change, random: Random) -> tuple[set[str], list[Fault]]:
        """The rows that a change was made to, and what the audit then tells; the ledger is put back after it."""
        with self.store.writer.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA foreign_keys=OFF")
            driver.execute("PRAGMA ignore_check_constraints=ON")
            connection.exec_driver_sql("SELECT 1")  # begins the transaction
            changed = change(Forger(driver, random))
            told = list(audit.faults(connection, self.store.chain_key, self.lines))
            connection.rollback()
        return changed, told
