"""Backup and restore: the same bank in another database, on whichever engine, with nobody logged in."""

import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, create_engine, select, text, update

from bankd.bank import announcements, broadcasts
from bankd.ledger import chain
from bankd.ledger.commands import Bulk, Capture, Deposit, Hold, Release, Reversal, Transfer, Withdrawal
from bankd.ledger.entries import Entry
from bankd.records import NoticeKind, PreferencesView
from bankd.store import (
    archive,
    attempts,
    audit,
    backup,
    challenges,
    customers,
    devices,
    forwarding,
    journal,
    migrate,
    operators,
    outbox,
    preferences,
    proposals,
    restore,
    schema,
    sessions,
    terminals,
)
from bankd.store.archive import BackupError, Batch
from bankd.store.attempts import Attempts
from bankd.store.backup import Contents
from bankd.store.challenges import ChallengeRow, State
from bankd.store.devices import AppRow
from bankd.store.engines import Store, Transaction
from bankd.store.operators import Deed, OperatorRow
from bankd.store.proposals import Order
from bankd.store.restore import Restored
from bankd.wire import grammar
from bankd.wire.roles import Role
from tests.databases import on_every_engine
from tests.test_store import CHAIN_KEY, START_US, Ledger, LedgerCase

NEXT = '''"""A column more."""
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "9999", "{head}", None, None
def upgrade():
    op.add_column("customers", sa.Column("rating", sa.Integer(), server_default="7"))
'''


BANKS_OWN: dict[str, Any] = {"customer_id": 1, "fence": None}


def silent(_rows: int) -> None:
    """Hear how many rows are done."""


def faults(connection: Connection) -> list[str]:
    """What is wrong with a ledger under the key of these tests."""
    return [str(fault) for fault in audit.faults(connection, CHAIN_KEY)]


class BackupCase(LedgerCase):
    """A test with a bank in which all kinds of things have happened, and a folder for its backups."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.file = self.folder / "bank.backup"
        self.ledger.deposit(500, 70)
        self.ledger.carry_out(
            self.ledger.command(Transfer, 30, "t", payee="A2", reference="für Zoë €"),
            self.ledger.command(Transfer, 9999, "u", payee="A2"),
            self.ledger.command(Transfer, 9999, "a", payee="A2"),
        )
        self.ledger.carry_out(
            self.hold(25, "h"),
            self.hold(35, "i"),
            Bulk(**BANKS_OWN, account_id=1, key="b", transfers=(self.transfer(1), self.transfer(9999)), together=True),
            Reversal(**BANKS_OWN, account_id=2, key="r", of_id=3, amount_minor=10),
        )
        self.ledger.carry_out(Release(**BANKS_OWN, account_id=2, key="e", of_id=5))
        self.add_account("A4", "EUR")
        with self.store.writing() as tx:
            customers.change_account(tx, self.ledger.two, payment_limit_minor=400, day_limit_minor=900, frozen_us=1)
            customers.change_account(tx, customers.add_account(tx, "A5", "EUR", 3), closed_us=START_US)
            customers.change_customer(tx, 3, username="kim", mobile="+12025550123", last_login_us=START_US)
            customers.note_mobile(tx, 3, "+12025550123")
            customers.set_secret(tx, 1, "pin", "$argon2id$")
            self.add_operators(tx)
            customers.change_customer(tx, 2, name="Zoë", email="zoe@example.com")
            outbox.add(tx, self.ledger.two, NoticeKind.SECRET)
            two = customers.account(tx.connection, self.ledger.two)
            outbox.add_to_all(tx, [(two.id, two.events)], NoticeKind.STATEMENT, month="2026-08")
            terminals.add(tx, "ATM 1", "ab" * 32, START_US)
            terminals.revoke(tx, "ATM 1")
            attempts.add(tx, [Attempts("1", "pin strangers", 1, 2, START_US, START_US, 0, False, START_US)])
            devices.keep_app(tx, 2, AppRow(b"sealed", b"offered", 7))
            devices.set_recovery_codes(tx, 2, [bytes(32)])
            devices.know_payees(tx, 2, {self.ledger.one})
            challenges.add(tx, challenge("0" * 32, State.SPENT))
            self.fences = [
                sessions.take(tx, account_id, 10, host="::1") for account_id in (self.ledger.one, self.ledger.two)
            ]
            sessions.release(tx, self.ledger.two, 1)

    def add_operators(self, tx: Transaction) -> None:
        """Somebody who was an operator, with something that they did and proposed."""
        operators.add(tx, "amy", Role.TELLER, 1001, "ab" * 32)
        operators.remove(tx, "amy")
        amy = OperatorRow(1, "amy", Role.TELLER)
        order = Order(
            "reverse_entry", "k", "Paid twice", account="A2", receipt=3, amount_minor=5, currency="USD", payout="A1"
        )
        proposals.decide(tx, proposals.add(tx, amy, order, START_US).id, amy, "done", 4)
        broadcasts.begin(tx, amy, "Closed on Sunday", "k", Deed("broadcast"))
        broadcasts.go_on(tx)
        announcements.go_on(tx)
        way = forwarding.begin(tx, "webhook")
        forwarding.keep(tx, replace(way, sent_us=START_US, failed_us=START_US, failure="the receiver answered 500"))
        preferences.keep(tx, self.ledger.two, PreferencesView("fee", 100, "USD"))
        operators.record(tx, amy, Deed("approve", "A2", "reverse_entry", "Paid twice", 1, 4), "done")

    def transfer(self, amount_minor: int) -> Transfer:
        """One of a set."""
        return Transfer(
            **BANKS_OWN, account_id=1, key=f"b.{amount_minor}", amount_minor=amount_minor, currency="USD", payee="A2"
        )

    def hold(self, amount_minor: int, key: str) -> Hold:
        """Something set aside for A2."""
        return Hold(
            **BANKS_OWN, account_id=1, key=key, amount_minor=amount_minor, currency="USD", payee="A2", seconds=60
        )

    def new_database(self) -> Store:
        """A database without tables."""
        return self.open_store(self.database())

    def save(self, store: Store | None = None) -> Contents:
        """Back a bank up to a file, in place of the one before."""
        self.file.unlink(missing_ok=True)
        return backup.save(store or self.store, self.file, "Test Bank", silent)[1]

    def restore(self, store: Store, check: restore.Check = faults) -> Restored:
        """Restore the file."""
        with archive.read(self.file) as source:
            return restore.restore(store, source, check, silent)

    def refusal(self, store: Store, kind: type[BackupError] = BackupError) -> str:
        """Why the file is not restored; the database must be left as it was."""
        before = self.tables(store)
        error = self.assertRaises(kind, self.restore, store)
        self.assertEqual(self.tables(store), before)
        return str(error).removeprefix(f"{self.file}: ")

    def tables(self, store: Store) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table that there is."""
        if store.file is not None and not store.file.exists():
            return {}
        with store.reading() as connection:
            found = MetaData()
            found.reflect(connection)
            return {
                table.name: sorted(tuple(row) for row in connection.execute(select(table)))
                for table in found.sorted_tables
            }

    def lines(self) -> list[object]:
        """All that the file says of tables, but for leases."""
        with gzip.open(self.file) as lines:
            _header, *rows, _trailer, _seal = [json.loads(line) for line in lines]
        begin = rows.index({"table": "leases", "columns": [column.name for column in schema.leases.columns]})
        end = next((at for at, row in enumerate(rows) if at > begin and isinstance(row, dict)), len(rows))
        return rows[:begin] + rows[end:]


@on_every_engine
class RoundTrip(BackupCase):
    """A bank that moves to another database."""

    def test_everything(self) -> None:
        """From SQLite to another database and back to SQLite nothing is lost, and what the operator is told agrees."""
        told = self.save()
        self.assertEqual(told, Contents(customers=3, accounts=4, entries=7, held_minor={"EUR": 0, "USD": 570}))
        lines, between, back = self.lines(), self.new_database(), self.new_database()
        self.assertEqual(self.restore(between).contents, told)
        self.assertEqual(self.save(between), told)
        self.assertEqual(self.lines(), lines)
        self.restore(back)
        self.save(back)
        self.assertEqual(self.lines(), lines)

    def test_every_column(self) -> None:
        """The bank that makes the journey has something in every column of every table."""
        with self.store.reading() as connection:
            for column in (column for table in schema.metadata.sorted_tables for column in table.columns):
                filled = connection.execute(select(column).where(column.is_not(None)).limit(1)).first()
                self.assertIsNotNone(filled, column)

    def test_the_bank_goes_on(self) -> None:
        """In the restored database customers, accounts and entries get the ids that follow, and keys are known."""
        commands = [
            self.ledger.command(Transfer, 30, "t", payee="A2", reference="für Zoë €"),
            self.ledger.command(Transfer, 9999, "u", payee="A2"),
        ]
        outcomes = self.ledger.carry_out(*commands)
        self.save()
        self.store = self.new_database()
        self.restore(self.store)
        self.assertEqual(self.add_account("A6"), 6)
        ledger = Ledger(self.store, self.ledger.till, self.ledger.one, self.ledger.two)
        self.assertEqual(ledger.carry_out(*commands), outcomes)
        ledger.carry_out(ledger.command(Deposit, 1, "new"))
        with self.store.reading() as connection:
            self.assertEqual(journal.newest(connection)[0], 8)
            self.assertEqual(faults(connection), [])

    def test_promises_are_kept(self) -> None:
        """An open hold is captured in the restored database, and what was given back is not given back twice."""
        self.save()
        self.store = self.new_database()
        self.restore(self.store)
        ledger = Ledger(self.store, self.ledger.till, self.ledger.one, self.ledger.two)
        captured, reversed_, too_much = ledger.carry_out(
            Capture(**BANKS_OWN, account_id=2, key="c", of_id=4),
            Reversal(**BANKS_OWN, account_id=2, key="s", of_id=3, amount_minor=20),
            Reversal(**BANKS_OWN, account_id=2, key="v", of_id=3, amount_minor=1),
        )
        self.assertEqual([outcome.code.refuses for outcome in (captured, reversed_, too_much)], [False, False, True])
        self.assertEqual((self.balance(self.ledger.one), self.balance(self.ledger.two)), (545, 25))

    def test_into_a_prepared_database(self) -> None:
        """The tables that 'bankctl init' made will do while they are empty."""
        told = self.save()
        prepared = self.new_database()
        migrate.upgrade(prepared.writer)
        self.assertEqual(self.restore(prepared).contents, told)


@on_every_engine
class Snapshot(BackupCase):
    """What is in a backup that is made while the bank serves."""

    def test_one_moment(self) -> None:
        """The bank writes while the backup is made, and nothing of that is in it."""
        amounts = iter(range(1, 100))

        def deposit(_rows: int) -> None:
            amount = next(amounts)
            self.ledger.carry_out(self.ledger.command(Deposit, amount, f"meanwhile{amount}"))

        before = self.balance(self.ledger.one)
        header, told = backup.save(self.store, self.file, "Test Bank", deposit)
        self.assertGreater(self.balance(self.ledger.one), before)
        self.assertEqual((header.newest_entry, told.entries, told.held_minor["USD"]), (7, 7, 570))
        restored = self.new_database()
        self.assertEqual(self.restore(restored).contents, told)

    def test_header(self) -> None:
        """The header says which bank, when, up to which entry, and in which schema."""
        header, _ = backup.save(self.store, self.file, "Test Bank", silent)
        at = grammar.write_time(START_US)
        self.assertEqual(header, archive.Header("Test Bank", at, 7, migrate.NEWEST))

    def test_order(self) -> None:
        """Rows stand in the order of their primary keys, so that a row may refer to one above it."""
        self.save()
        lines = self.lines()
        begin = next(at for at, line in enumerate(lines) if isinstance(line, dict) and line["table"] == "outcomes")
        rows = takewhile(lambda line: isinstance(line, list), lines[begin + 1 :])
        keys = [line[0] for line in rows if isinstance(line, list)]
        self.assertEqual(keys, sorted(keys))
        self.assertLessEqual({"a", "b", "u"}, set(keys))

    def test_another_version(self) -> None:
        """A database that this bank does not serve is not backed up either."""
        with self.store.writing() as tx:
            tx.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        error = self.assertRaises(BackupError, self.save)
        self.assertIn("the database is of another version", str(error))
        self.assertFalse(self.file.exists())


@on_every_engine
class Sessions(BackupCase):
    """Who was logged in, and is not."""

    def test_over(self) -> None:
        """A session that was open cannot renew its lease, and the account is free at once."""
        self.save()
        restored = self.new_database()
        self.assertEqual(self.restore(restored).sessions, 1)
        with restored.writing() as tx:
            for account_id, fence in zip((self.ledger.one, self.ledger.two), self.fences, strict=True):
                assert fence is not None
                self.assertFalse(sessions.renew(tx, account_id, fence, 10))
                self.assertGreater(sessions.take(tx, account_id, 10) or 0, fence)

    def test_challenges(self) -> None:
        """A one-time password that was asked for or given before the backup opens nothing afterwards."""
        with self.store.writing() as tx:
            for name, state in (("1" * 32, State.OPEN), ("2" * 32, State.ANSWERED)):
                challenges.add(tx, challenge(name, state))
        self.save()
        restored = self.new_database()
        self.restore(restored)
        with restored.writing() as tx:
            self.assertFalse(challenges.spend(tx, 2, 2, "payment", bytes(32)))
            became = [challenges.to_answer(tx, name * 32) for name in "012"]
        self.assertEqual([row and row.state for row in became], [State.SPENT, State.VOID, State.VOID])

    def test_nothing_waits_for_approval(self) -> None:
        """What was proposed before cannot be approved in the restored bank: it may have been, in the one before."""
        with self.store.writing() as tx:
            order = Order("credit", "l", "Found cash", account="A2", amount_minor=5, currency="USD")
            row = proposals.add(tx, OperatorRow(1, "amy", Role.TELLER), order, tx.at_us + 1_000_000)
            self.assertEqual(len(proposals.waiting(tx.connection, tx.at_us, None)), 1)
        self.save()
        restored = self.new_database()
        self.restore(restored)
        with restored.reading() as connection:
            self.assertEqual(proposals.waiting(connection, restored.now_us(connection), None), [])
            self.assertIsNotNone(proposals.numbered(connection, row.id))

    def test_sessions_that_the_backup_has_not_seen(self) -> None:
        """Fences that were given out after the backup are not given out again, also on accounts that had none."""
        self.save()
        never_used = 4
        later = set()
        for account_id in (self.ledger.one, never_used):
            for _ in range(9):
                self.seconds.now += 60
                with self.store.writing() as tx:
                    later.add((account_id, sessions.take(tx, account_id, 10)))
        restored = self.new_database()
        self.restore(restored)
        with restored.writing() as tx:
            for account_id in (self.ledger.one, never_used):
                self.assertNotIn((account_id, sessions.take(tx, account_id, 10)), later)


@on_every_engine
class Refusals(BackupCase):
    """What is not restored, and leaves a database as it was."""

    def rewrite(self, revision: str | None = None, **rows: list[Batch]) -> None:
        """Write the file anew with another revision, or with other batches in place of a table's."""
        with archive.read(self.file) as source:
            header = source.header
            batches = list(source.batches(silent))
        self.file.unlink()
        kept = [batch for batch in batches if batch.table not in rows]
        more = [batch for others in rows.values() for batch in others]
        header = archive.Header(header.bank, header.at, header.newest_entry, revision or header.revision)
        archive.write(self.file, header, kept + more, silent)

    def test_not_empty(self) -> None:
        """A bank with rows in any table is left alone."""
        self.save()
        self.assertIn("the database is not empty: there are acts in it", self.refusal(self.store))

    def test_tables_of_others(self) -> None:
        """A database with tables that are not a bank's is left alone, and the tables are named."""
        self.save()
        other = self.new_database()
        with other.writing() as tx:
            tx.connection.execute(text("CREATE TABLE poems (verse INTEGER)"))
        self.assertEqual(self.refusal(other), "the database is not empty: it has the tables poems")

    def test_newer_schema(self) -> None:
        """The backup of a newer bank is refused with a line that says so."""
        self.save()
        self.rewrite("9999")
        why = "it was made by a newer bankd (schema 9999); restore it with that one"
        self.assertEqual(self.refusal(self.new_database()), why)

    def test_other_tables(self) -> None:
        """A file whose tables or columns are not those of its schema is refused, and what they are is told."""
        columns = tuple(column.name for column in schema.notices.columns)
        for notices, why in (
            ([], "it lacks the tables notices"),
            ([Batch("notices", columns[1:], ())], f"its columns of notices are not those of schema {migrate.NEWEST}"),
            ([Batch("notice", columns, ())], f"there is no table notice in schema {migrate.NEWEST}"),
        ):
            self.save()
            self.rewrite(notices=notices)
            self.assertEqual(self.refusal(self.new_database()), why)

    def test_a_ledger_that_is_wrong(self) -> None:
        """A ledger that does not add up is not restored; each fault is told."""
        with self.store.writing() as tx:
            mine = schema.accounts.c.id == self.ledger.one
            tx.connection.execute(update(schema.accounts).where(mine).values(balance_minor=1))
        self.save()
        database = self.new_database()
        self.assertEqual(
            self.refusal(database, restore.Wrong), "the ledger in the backup is wrong; nothing was restored"
        )
        with archive.read(self.file) as source:
            wrong = self.assertRaises(restore.Wrong, restore.restore, database, source, faults, silent)
        assert isinstance(wrong, restore.Wrong)
        self.assertIn("account A1 has a balance of 1, but its entries add up to 550", wrong.faults)

    def test_again_after_a_failure(self) -> None:
        """What failed at the very end left no row behind, and can be done again in the same database."""

        def fail(_connection: Connection) -> list[str]:
            raise KeyboardInterrupt

        told = self.save()
        for prepare in (lambda _engine: None, migrate.upgrade):
            database = self.new_database()
            prepare(database.writer)
            self.assertRaises(KeyboardInterrupt, self.restore, database, fail)
            rows = {name: rows for name, rows in self.tables(database).items() if name != "alembic_version"}
            self.assertFalse(any(rows.values()))
            self.assertEqual(self.restore(database).contents, told)

    def test_again_after_a_kill(self) -> None:
        """Tables without rows or version, as MariaDB keeps them of a restore that was killed, are in nobody's way."""
        told = self.save()
        database = self.new_database()
        with database.writing() as tx:
            schema.metadata.create_all(tx.connection)
        self.assertEqual(self.restore(database).contents, told)


@on_every_engine
class Forgeries(BackupCase):
    """A backup that somebody wrote anew, who has its whole text but not the chain's key."""

    def forge(self, change: Callable[[str, dict[str, Any]], None]) -> None:
        """Change each row of each table in the file, and seal it as a good one is."""

        def changed(batch: Batch) -> Batch:
            rows = [dict(zip(batch.columns, row, strict=True)) for row in batch.rows]
            for row in rows:
                change(batch.table, row)
            return Batch(batch.table, batch.columns, [tuple(row.values()) for row in rows])

        with archive.read(self.file) as source:
            header, batches = source.header, [changed(batch) for batch in source.batches(silent)]
        self.file.unlink()
        archive.write(self.file, header, batches, silent)

    def forge_deposit(self, table: str, row: dict[str, Any]) -> None:
        """Ten dollars more were paid in by entry 2, and all balances from then on agree."""
        more = {self.ledger.one: 1000, self.ledger.till: -1000}
        if table == "accounts":
            row["balance_minor"] += more.get(row["id"], 0)
        elif table == "journal" and row["id"] >= 2:
            row["amount_minor"] += 1000 if row["id"] == 2 else 0
            for side in ("debit", "credit"):
                row[f"{side}_balance"] += more.get(row[f"{side}_id"], 0)

    def relink(self, key: bytes, first: int) -> None:
        """Link the entries from ``first`` on under another key."""
        head = chain.START

        def link(table: str, row: dict[str, Any]) -> None:
            nonlocal head
            if table == "journal":
                head = row["hash"] if row["id"] < first else chain.link(key, head, entry(row))
                row["hash"] = head

        self.forge(link)

    def wrong(self) -> list[str]:
        """The faults for which the file is not restored, with nothing left behind."""
        database = self.new_database()
        self.refusal(database, restore.Wrong)
        with archive.read(self.file) as source:
            wrong = self.assertRaises(restore.Wrong, restore.restore, database, source, faults, silent)
        assert isinstance(wrong, restore.Wrong)
        return wrong.faults

    def test_consistent(self) -> None:
        """Where all adds up, the links do not, and the first entry that was forged is named first."""
        self.save()
        self.forge(self.forge_deposit)
        for are_linked in (False, True):
            if are_linked:
                self.relink(bytes(32), 2)
            said = "is not what was linked to the entry before it: one of the two was changed"
            found = self.wrong()
            self.assertEqual(found[0], f"entry 2 {said}")
            self.assertEqual([fault for fault in found if not fault.endswith(said)], [])

    def test_from_the_first_entry(self) -> None:
        """A ledger under a key of the forger's own is told in one line, and so is a key that is another bank's."""
        said = "the ledger in the backup does not begin under this chain.key: the key is not that bank's own"
        self.save()
        another = Store(self.database(), bytes(32), self.seconds)
        self.addCleanup(another.close)
        self.assertIn(said, self.refusal(another))
        self.forge(self.forge_deposit)
        self.relink(bytes(32), 1)
        self.assertIn(said, self.refusal(self.new_database()))

    def test_links_taken_away(self) -> None:
        """Links that a backup must have are not made up for, be all gone or the newest."""
        for first in (7, 1):
            self.save()

            def unlink(table: str, row: dict[str, Any], first: int = first) -> None:
                if table == "journal" and row["id"] >= first:
                    row["hash"] = None

            self.forge(unlink)
            self.assertEqual(self.wrong()[0], f"entry {first} has no link to the entries before it")


@on_every_engine
class FirstSchema(LedgerCase):
    """A backup of a bank from before there was a chain."""

    def setUp(self) -> None:
        super().setUp()
        self.ledger.deposit(100, 20)
        self.ledger.carry_out(self.ledger.command(Transfer, 50, "t", payee="A2"))
        self.seconds.now += 86_400
        for number, kind in enumerate((Withdrawal, Withdrawal)):
            self.ledger.carry_out(self.ledger.command(kind, 4, f"w{number}"))
        self.file = Path(self.mktemp()).absolute()

    def restored(self, check: restore.Check) -> tuple[Store, Restored]:
        """The database that the file makes, and what is told of it."""
        save_first_schema(self.store, self.file)
        store = self.open_store(self.database())
        with archive.read(self.file) as source:
            return store, restore.restore(store, source, check, silent)

    def test_sealed(self) -> None:
        """Entries get the links that they would have had before the ledger is verified; what was spent is known."""
        found: list[str] = []

        def check(connection: Connection) -> list[str]:
            found.extend(["checked", *faults(connection)])
            return found[1:]

        store, told = self.restored(check)
        self.assertEqual((found, told.sealed, told.contents.entries), (["checked"], 5, 5))
        with store.reading() as restored, self.store.reading() as connection:
            links = select(schema.journal.c.id, schema.journal.c.hash)
            self.assertEqual(sorted(restored.execute(links)), sorted(connection.execute(links)))
            self.assertEqual(customers.account(restored, self.ledger.one).spent_minor, 8)
            self.assertEqual(restored.execute(select(schema.outcomes.c.key)).scalars().all(), ["k"])

    def test_sealed_once(self) -> None:
        """Of its backup, which has links, none is made."""
        store, _ = self.restored(faults)
        self.file.unlink()
        backup.save(store, self.file, "Test Bank", silent)
        with archive.read(self.file) as source:
            self.assertEqual(restore.restore(self.open_store(self.database()), source, faults, silent).sealed, 0)


def challenge(name: str, state: State) -> ChallengeRow:
    """A challenge of the customer 2 that has come so far."""
    return ChallengeRow(name, 2, 2, "payment", bytes(32), "sms", bytes(32), state, 1, START_US, 2 * START_US)


def entry(row: dict[str, Any]) -> Entry:
    """The entry that a row of the journal is."""
    return Entry._make(row[name] for name in Entry._fields)


def save_first_schema(store: Store, path: Path) -> None:
    """Write what ``store`` holds, and a refusal, as the first version of the bank would have backed it up."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        migrate.upgrade_to(connection, "0001")
        first = MetaData()
        first.reflect(connection)
    engine.dispose()
    batches = []
    with store.reading() as connection:
        for table in (table for table in first.sorted_tables if table.name != "alembic_version"):
            names = tuple(column.name for column in table.columns)
            batches.append(Batch(table.name, names, ()))
            if table.name == "refusals":
                rows = [("k", 1, "transfer", 1, "99", 5, "EUR", "Café", 404, "account", 7)]
            else:
                now = schema.metadata.tables[table.name]
                wanted = select(*(now.c[name] for name in names)).order_by(*now.primary_key)
                if table.name == "accounts":
                    wanted = wanted.where(~now.c.number.like("FEES-%"))
                rows = [tuple(row) for row in connection.execute(wanted)]
            if rows:
                batches.append(Batch(table.name, names, rows))
        header = archive.Header("Old Bank", grammar.write_time(START_US), journal.newest(connection)[0], "0001")
    archive.write(path, header, batches, silent)


@on_every_engine
class OlderSchema(BackupCase):
    """A backup from before the last migration."""

    def setUp(self) -> None:
        super().setUp()
        self.save()
        migrations = Path(self.mktemp()).absolute()
        shutil.copytree(Path(migrate.__file__).with_name("migrations"), migrations)
        (migrations / "versions" / "later.py").write_text(NEXT.format(head=migrate.NEWEST))
        self.patch(migrate, "_FOLDER", migrations)
        self.patch(migrate, "NEWEST", "9999")

    def test_migrated(self) -> None:
        """It is restored at its own schema, and then brought up to date with its rows in it."""
        database = self.new_database()
        self.assertEqual(self.restore(database).contents.entries, 7)
        with database.reading() as connection:
            self.assertTrue(migrate.is_current(connection))
            ratings = connection.execute(text("SELECT rating FROM customers")).scalars()
            self.assertEqual(list(ratings), [7] * 3)

    def test_into_a_prepared_database(self) -> None:
        """Empty tables of the present schema are in nobody's way."""
        database = self.new_database()
        migrate.upgrade(database.writer)
        self.assertEqual(self.restore(database).contents.entries, 7)

    def test_again_after_a_failure(self) -> None:
        """What failed after the migration leaves no table behind."""
        database = self.new_database()
        self.assertRaises(ZeroDivisionError, self.restore, database, lambda _connection: [str(1 // 0)])
        self.assertEqual(self.tables(database), {})
