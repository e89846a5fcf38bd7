"""Backup and restore: the same bank in another database, on whichever engine, with nobody logged in."""

import gzip
import json
import shutil
from pathlib import Path

from sqlalchemy import Connection, MetaData, select, text, update

from bankd.ledger.commands import Deposit, Transfer
from bankd.records import NoticeKind
from bankd.store import archive, audit, backup, customers, journal, migrate, outbox, restore, schema, sessions
from bankd.store.archive import BackupError, Batch
from bankd.store.backup import Contents
from bankd.store.engines import Store
from bankd.store.restore import Restored
from bankd.wire import grammar
from tests.databases import on_every_engine
from tests.test_store import START_US, Ledger, LedgerCase

NEXT = '''"""A column more."""
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "9999", "{head}", None, None
def upgrade():
    op.add_column("customers", sa.Column("rating", sa.Integer(), server_default="7"))
'''


def silent(_rows: int) -> None:
    """Hear how many rows are done."""


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
        self.add_account("A4", "EUR")
        with self.store.writing() as tx:
            customers.set_secret(tx, 1, "pin", "$argon2id$")
            customers.change_customer(tx, 2, name="Zoë", email="zoe@example.com")
            outbox.add(tx, self.ledger.two, NoticeKind.SECRET)
            self.fences = [sessions.take(tx, account_id, 10) for account_id in (self.ledger.one, self.ledger.two)]
            sessions.release(tx, self.ledger.two, 1)

    def new_database(self) -> Store:
        """A database without tables."""
        return self.open_store(self.database())

    def save(self, store: Store | None = None) -> Contents:
        """Back a bank up to a file, in place of the one before."""
        self.file.unlink(missing_ok=True)
        return backup.save(store or self.store, self.file, "Test Bank", silent)[1]

    def restore(self, store: Store, check: restore.Check = audit.faults) -> Restored:
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
        begin = rows.index({"table": "leases", "columns": ["account_id", "fence", "expires_us"]})
        end = next((at for at, row in enumerate(rows) if at > begin and isinstance(row, dict)), len(rows))
        return rows[:begin] + rows[end:]


@on_every_engine
class RoundTrip(BackupCase):
    """A bank that moves to another database."""

    def test_everything(self) -> None:
        """From SQLite to another database and back to SQLite nothing is lost, and what the operator is told agrees."""
        told = self.save()
        self.assertEqual(told, Contents(customers=3, accounts=3, entries=3, held_minor={"EUR": 0, "USD": 570}))
        lines, between, back = self.lines(), self.new_database(), self.new_database()
        self.assertEqual(self.restore(between).contents, told)
        self.assertEqual(self.save(between), told)
        self.assertEqual(self.lines(), lines)
        self.restore(back)
        self.save(back)
        self.assertEqual(self.lines(), lines)

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
        self.assertEqual(self.add_account("A5"), 5)
        ledger = Ledger(self.store, self.ledger.till, self.ledger.one, self.ledger.two)
        self.assertEqual(ledger.carry_out(*commands), outcomes)
        ledger.carry_out(ledger.command(Deposit, 1, "new"))
        with self.store.reading() as connection:
            self.assertEqual(journal.newest(connection)[0], 4)
            self.assertEqual(list(audit.faults(connection)), [])

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
        self.assertEqual((header.newest_entry, told.entries, told.held_minor["USD"]), (3, 3, 570))
        restored = self.new_database()
        self.assertEqual(self.restore(restored).contents, told)

    def test_header(self) -> None:
        """The header says which bank, when, up to which entry, and in which schema."""
        header, _ = backup.save(self.store, self.file, "Test Bank", silent)
        at = grammar.write_time(START_US)
        self.assertEqual(header, archive.Header("Test Bank", at, 3, migrate.head()))

    def test_order(self) -> None:
        """Rows stand in the order of their primary keys, so that a row may refer to one above it."""
        self.save()
        lines = self.lines()
        begin = next(at for at, line in enumerate(lines) if isinstance(line, dict) and line["table"] == "refusals")
        self.assertEqual([line[0] for line in lines[begin + 1 : begin + 3] if isinstance(line, list)], ["a", "u"])

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
        """A bank with customers is left alone."""
        self.save()
        self.assertIn("the database is not empty: there are customers in it", self.refusal(self.store))

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
            ([Batch("notices", columns[1:], ())], f"its columns of notices are not those of schema {migrate.head()}"),
            ([Batch("notice", columns, ())], f"there is no table notice in schema {migrate.head()}"),
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
            wrong = self.assertRaises(restore.Wrong, restore.restore, database, source, audit.faults, silent)
        assert isinstance(wrong, restore.Wrong)
        self.assertIn("account A1 has a balance of 1, but its entries add up to 540", wrong.faults)

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
class OlderSchema(BackupCase):
    """A backup from before the last migration."""

    def setUp(self) -> None:
        super().setUp()
        self.save()
        migrations = Path(self.mktemp()).absolute()
        shutil.copytree(Path(migrate.__file__).with_name("migrations"), migrations)
        (migrations / "versions" / "later.py").write_text(NEXT.format(head=migrate.head()))
        self.patch(migrate, "_FOLDER", migrations)

    def test_migrated(self) -> None:
        """It is restored at its own schema, and then brought up to date with its rows in it."""
        database = self.new_database()
        self.assertEqual(self.restore(database).contents.entries, 3)
        with database.reading() as connection:
            self.assertTrue(migrate.is_current(connection))
            ratings = connection.execute(text("SELECT rating FROM customers")).scalars()
            self.assertEqual(list(ratings), [7] * 3)

    def test_into_a_prepared_database(self) -> None:
        """Empty tables of the present schema are in nobody's way."""
        database = self.new_database()
        migrate.upgrade(database.writer)
        self.assertEqual(self.restore(database).contents.entries, 3)

    def test_again_after_a_failure(self) -> None:
        """What failed after the migration leaves no table behind."""
        database = self.new_database()
        self.assertRaises(ZeroDivisionError, self.restore, database, lambda _connection: [str(1 // 0)])
        self.assertEqual(self.tables(database), {})
