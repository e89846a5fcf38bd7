"""The database: engines, leases, journal, notices, customers, and the schema that migrations make."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, insert, inspect, select, text, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from bankd import codes
from bankd.ledger import book
from bankd.ledger.books import Account, Books, Kept, Outcome
from bankd.ledger.commands import (
    Capture,
    Command,
    Deposit,
    Hold,
    Payment,
    Release,
    Reversal,
    Sequel,
    Transfer,
    Withdrawal,
)
from bankd.records import Event, NoticeKind
from bankd.store import connections, customers, holds, journal, migrate, outbox, schema, sessions
from bankd.store.engines import DatabaseFault, Store, Transaction, is_url
from bankd.testing import OPENED, prepare
from tests.databases import DatabaseCase, on_every_engine, on_servers

START_US = OPENED * 1_000_000
CHAIN_KEY = bytes(range(32))


class Seconds:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = float(OPENED)

    def __call__(self) -> float:
        """The time."""
        return self.now


class StoreCase(DatabaseCase):
    """A test with an empty database of the present schema."""

    def setUp(self) -> None:
        self.url = self.database()
        self.seconds = Seconds()
        self.store = self.open_store()
        prepare(self.store)

    def open_store(self, url: str | None = None) -> Store:
        """The database, or another, by a store of its own, as another process would open it."""
        store = Store(url or self.url, CHAIN_KEY, self.seconds)
        self.addCleanup(store.close)
        return store

    def add_account(self, number: str, currency: str = "USD") -> int:
        """A customer with one account."""
        with self.store.writing() as tx:
            return customers.add_account(tx, number, currency, customers.add_customer(tx))

    def add_till(self, currency: str = "USD") -> int:
        """A till."""
        with self.store.writing() as tx:
            return customers.add_account(tx, f"TILL-{currency}", currency, None)


@on_every_engine
class Engines(StoreCase):
    """The two ways into a database."""

    def test_commit(self) -> None:
        """What a transaction wrote is there for whoever opens the database after it."""
        account_id = self.add_account("A1")
        with self.open_store().reading() as connection:
            self.assertEqual(customers.account(connection, account_id).number, "A1")

    def test_rollback(self) -> None:
        """A block that fails leaves nothing behind, and the next one works."""
        with self.assertRaises(ZeroDivisionError), self.store.writing() as tx:
            customers.add_customer(tx, username="alice")
            raise ZeroDivisionError
        with self.store.writing() as tx:
            self.assertIsNone(customers.customer_named(tx.connection, "alice"))

    def test_parts(self) -> None:
        """A part that fails is undone with those in it, and no other; however many there were, two names do for all."""
        said: set[str] = set()
        event.listen(self.store.writer, "before_cursor_execute", lambda *told: said.add(told[2]))
        with self.store.writing() as tx:
            for name in ("alice", "bob", "carol"):
                with contextlib.suppress(ZeroDivisionError), tx.part():
                    customers.add_customer(tx, username=name)
                    tx.events.append(cast(Event, name))
                    with contextlib.suppress(ZeroDivisionError), tx.part():
                        customers.add_customer(tx, username=f"friend-of-{name}")
                        tx.events.append(cast(Event, f"friend-of-{name}"))
                        raise ZeroDivisionError
                    if name == "bob":
                        raise ZeroDivisionError
        self.assertEqual(tx.events, ["alice", "carol"])
        with self.store.reading() as connection:
            self.assertEqual(set(connection.execute(select(schema.customers.c.username)).scalars()), {"alice", "carol"})
        begun = {statement for statement in said if statement.startswith("SAVEPOINT")}
        self.assertEqual(begun, {"SAVEPOINT part_0", "SAVEPOINT part_1"})

    def test_reader_has_a_snapshot(self) -> None:
        """A reader sees the database as it was when it first looked, whatever is written meanwhile."""
        with self.store.reading() as connection:
            self.assertIsNone(customers.customer_named(connection, "alice"))
            with self.store.writing() as tx:
                customers.add_customer(tx, username="alice")
            self.assertIsNone(customers.customer_named(connection, "alice"))
        with self.store.reading() as connection:
            self.assertIsNotNone(customers.customer_named(connection, "alice"))

    def test_time(self) -> None:
        """A transaction's time is that of the clock handed in, in microseconds, when it began."""
        self.seconds.now += 1.5
        with self.store.writing() as tx:
            self.assertEqual(tx.at_us, START_US + 1_500_000)

    def test_errors_show_no_values(self) -> None:
        """What the database says of a failed statement does not hold the values in it."""
        named = insert(schema.customers).values(username="hush", opened_us=1, contact_us=1)
        with self.store.writing() as tx:
            tx.connection.execute(named)
        for statement in (
            insert(schema.secrets).values(customer_id=1, kind="x", hash="hush", changed_us=0),
            named,
            text("UPDATE customers SET opened_us = 'hush'"),
        ):
            with self.assertRaises(DBAPIError) as caught, self.store.writing() as tx:
                tx.connection.execute(statement)
            said = f"{caught.exception} {caught.exception.orig}".replace("= 'hush'", "")
            self.assertNotIn("hush", said)
            self.assertNotIsInstance(caught.exception, OperationalError)


class Sqlite(StoreCase):
    """What only the engine in a file does, and what is so before any engine is opened."""

    def test_one_writer_at_a_time(self) -> None:
        """A second writer is kept out from the moment the first begins, before either has read anything."""
        other = self.open_store()
        with other.writer.connect() as connection:
            connection.execute(text("PRAGMA busy_timeout=0"))
        with self.store.writing(), self.assertRaises(OperationalError), other.writing():
            self.fail("two transactions wrote at once")

    def test_durable(self) -> None:
        """Every connection waits for the disk, keeps foreign keys, waits for a lock rather than fail, and sorts without
        the disk, which may be full.
        """
        for engine in (self.store.writer, self.store.reader):
            with engine.connect() as connection:
                found = {
                    pragma: connection.execute(text(f"PRAGMA {pragma}")).scalar_one()
                    for pragma in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "temp_store")
                }
            full = memory = 2
            wanted = {"journal_mode": "wal", "synchronous": full, "foreign_keys": 1, "busy_timeout": 5000}
            wanted["temp_store"] = memory
            self.assertEqual(found, wanted)

    def test_cache(self) -> None:
        """The writer keeps as much of the database in memory as it was told, and readers what SQLite finds right."""
        store = Store(self.url, CHAIN_KEY, cache_mib=3)
        self.addCleanup(store.close)
        kept = []
        for engine in (self.store.writer, store.writer, store.reader):
            with engine.connect() as connection:
                kept.append(connection.execute(text("PRAGMA cache_size")).scalar_one())
        self.assertEqual(kept, [-256 * 1024, -3 * 1024, -2000])

    def test_strict(self) -> None:
        """Text where a number belongs is refused by the database itself, in every table."""
        for table in schema.metadata.sorted_tables:
            with self.store.reading() as connection:
                strict = connection.execute(
                    text("SELECT strict FROM pragma_table_list WHERE name = :name"), {"name": table.name}
                ).scalar_one()
            self.assertEqual(strict, 1, table.name)

    def test_urls(self) -> None:
        """URLs of databases that a bank can be kept in are told from other URLs, and from other text."""
        for url, good in (
            ("sqlite:////var/lib/bankd/bank.sqlite3", True),
            ("postgresql+psycopg://bank@localhost/bank", True),
            ("mysql+pymysql://bank@localhost/bank", True),
            ("mariadb+pymysql://bank@localhost/bank", True),
            ("sqlite://", False),
            ("sqlite:///:memory:", False),
            ("oracle+oracledb://bank@localhost/bank", False),
            ("nonsense://bank@localhost/bank", False),
            ("bank.sqlite3", False),
            ("://", False),
            ("", False),
        ):
            self.assertEqual(is_url(url), good, url)

    def test_driver_that_is_not_installed(self) -> None:
        """A driver that is missing is a fault of the database, and named."""
        with self.assertRaises(DatabaseFault) as caught:
            Store("mysql+mysqlconnector://bank@localhost/bank", CHAIN_KEY, self.seconds)
        self.assertIn("the driver for mysql+mysqlconnector is not installed", str(caught.exception))

    def test_no_database(self) -> None:
        """Looking whether there is a database makes none, and names the one that is missing."""
        self.store.check_exists()
        missing = self.open_store(self.database())
        with self.assertRaises(FileNotFoundError) as caught:
            missing.check_exists()
        path = missing.url.database or ""
        self.assertIn(path, str(caught.exception))
        self.assertFalse(Path(path).exists())


@on_servers
class Servers(StoreCase):
    """What a connection to a server is told, whatever the server's own settings are."""

    def setUp(self) -> None:
        super().setUp()
        self.postgresql = self.store.url.get_backend_name() == "postgresql"

    def settings(self, engine: Engine, *names: str) -> list[str]:
        """Settings of a connection."""
        mark = "SELECT current_setting('{}')" if self.postgresql else "SELECT @@SESSION.{}"
        with engine.connect() as connection:
            return [str(connection.exec_driver_sql(mark.format(name)).scalar_one()) for name in names]

    def test_waiting_has_an_end(self) -> None:
        """The writer waits neither for a lock nor for a statement for ever, and does not hold locks for ever."""
        names, values = (
            (["lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"], ["5s", "30s", "30s"])
            if self.postgresql
            else (
                ["innodb_lock_wait_timeout", "lock_wait_timeout", "max_statement_time", "idle_transaction_timeout"],
                ["5", "5", "30.0", "30"],
            )
        )
        self.assertEqual(self.settings(self.store.writer, *names), values)

    def test_readers_and_migrations_may_take_long(self) -> None:
        """An audit or a migration takes as long as it takes, but waits for no lock for ever."""
        names = (
            ["lock_timeout", "statement_timeout"] if self.postgresql else ["lock_wait_timeout", "max_statement_time"]
        )
        values = ["5s", "0"] if self.postgresql else ["5", "0.0"]
        for engine in (self.store.reader, connections.without_limits(self.store.writer)):
            self.assertEqual(self.settings(engine, *names), values)

    def test_whatever_the_server_is_set_to(self) -> None:
        """The writer's commits are durable and its times UTC; values that do not fit are refused."""
        names, values = (
            (["synchronous_commit", "enable_seqscan", "jit"], ["on", "off", "off"])
            if self.postgresql
            else (["time_zone", "default_storage_engine"], ["+00:00", "InnoDB"])
        )
        self.assertEqual(self.settings(self.store.writer, *names), values)
        if not self.postgresql:
            self.assertIn("TRADITIONAL", self.settings(self.store.writer, "sql_mode")[0])

    def test_isolation(self) -> None:
        """The writer sees what is committed when it looks; a reader has a snapshot."""
        name = "transaction_isolation" if self.postgresql else "tx_isolation"
        found = [
            self.settings(engine, name)[0].upper().replace("-", " ")
            for engine in (self.store.writer, self.store.reader)
        ]
        self.assertEqual(found, ["READ COMMITTED", "REPEATABLE READ"])

    def test_urls_may_say_otherwise(self) -> None:
        """How long to wait for a server may be said in the URL."""
        self.assertEqual(self.waits(self.url)["connect_timeout"], 5)
        mark = "&" if "?" in self.url else "?"
        self.assertEqual(int(self.waits(f"{self.url}{mark}connect_timeout=7")["connect_timeout"]), 7)

    def waits(self, url: str) -> dict[str, Any]:
        """What the driver is given when a connection is opened."""
        given: list[dict[str, Any]] = []
        store = self.open_store(url)
        event.listen(store.reader, "do_connect", lambda _dialect, _record, _args, more: given.append(dict(more)))
        store.reader.connect().close()
        return given[0]

    def test_the_database_has_a_clock(self) -> None:
        """Where no clock is handed in, a transaction's time is the server's."""
        store = Store(self.url, CHAIN_KEY)
        self.addCleanup(store.close)
        with store.writing() as tx:
            told = tx.connection.exec_driver_sql(
                "SELECT extract(epoch FROM now())" if self.postgresql else "SELECT UNIX_TIMESTAMP()"
            ).scalar_one()
            self.assertLess(abs(tx.at_us / 1_000_000 - float(told)), 30)

    def test_no_silent_changes(self) -> None:
        """Text that is too long is refused, not cut."""
        with self.assertRaises(DataError), self.store.writing() as tx:
            customers.add_customer(tx, username="a" * 33)


@on_every_engine
class Migrations(StoreCase):
    """The schema that migrations make."""

    def test_equal_the_metadata(self) -> None:
        """A database made by the migrations is what ``schema`` says, down to the names of its constraints."""
        with self.store.reading() as connection:
            self.assertEqual(compare_metadata(MigrationContext.configure(connection), schema.metadata), [])
            migrated = self.constraints()
        self.store = self.open_store(self.database())
        with self.store.writing() as tx:
            schema.metadata.create_all(tx.connection)
        self.assertEqual(self.constraints(), migrated)

    def constraints(self) -> dict[str, object]:
        """Everything named or checked in each table, and each column's type."""
        found = inspect(self.store.reader)
        return {
            table.name: (
                sorted((check["name"] or "", check["sqltext"]) for check in found.get_check_constraints(table.name)),
                sorted(str(unique) for unique in found.get_unique_constraints(table.name)),
                sorted(str(index) for index in found.get_indexes(table.name)),
                found.get_pk_constraint(table.name),
                sorted(str(foreign) for foreign in found.get_foreign_keys(table.name)),
                [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(table.name)],
            )
            for table in schema.metadata.sorted_tables
        }

    def test_current(self) -> None:
        """A database is current once migrated, and is not when empty or of a version that this bank does not know."""
        with self.store.reading() as connection:
            self.assertTrue(migrate.is_current(connection))
        with self.store.writing() as tx:
            tx.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with self.store.reading() as connection:
            self.assertFalse(migrate.is_current(connection))
        with self.open_store(self.database()).reading() as connection:
            self.assertFalse(migrate.is_current(connection))

    def test_newest(self) -> None:
        """What a bank needs is what the last of the migrations makes."""
        folder = Path(migrate.__file__).with_name("migrations")
        self.assertEqual(ScriptDirectory(folder).get_current_head(), migrate.NEWEST)

    def test_again(self) -> None:
        """Migrating a current database changes nothing in it."""
        self.add_account("A1")
        migrate.upgrade(self.store.writer)
        with self.store.reading() as connection:
            self.assertIsNotNone(customers.account_numbered(connection, "A1"))


@on_every_engine
class Leases(StoreCase):
    """Who may act on an account."""

    def setUp(self) -> None:
        super().setUp()
        self.account_id = self.add_account("A1")

    def take(self) -> int | None:
        """Take the lease for ten seconds."""
        with self.store.writing() as tx:
            return sessions.take(tx, self.account_id, 10)

    def renew(self, fence: int) -> bool:
        """Renew it for ten seconds."""
        with self.store.writing() as tx:
            return sessions.renew(tx, self.account_id, fence, 10)

    def release(self, fence: int) -> bool:
        """Release it."""
        with self.store.writing() as tx:
            return sessions.release(tx, self.account_id, fence)

    def test_exclusive(self) -> None:
        """One lease is given at a time; another account's is another's business."""
        self.assertEqual(self.take(), 1)
        self.assertIsNone(self.take())
        self.account_id = self.add_account("A2")
        self.assertEqual(self.take(), 1)

    def test_taken_over(self) -> None:
        """A lease can be taken from who holds it, with a higher fence; they can then neither renew nor release it."""
        self.assertEqual(self.take(), 1)
        with self.store.writing() as tx:
            self.assertEqual(sessions.take(tx, self.account_id, 10, over=True), 2)
        self.assertFalse(self.renew(1))
        self.assertFalse(self.release(1))
        self.assertIsNone(self.take())
        self.assertTrue(self.release(2))
        with self.store.writing() as tx:
            self.assertEqual(sessions.take(tx, self.account_id, 10, over=True), 3)

    def test_released(self) -> None:
        """A released lease is free, and its next holder has a higher fence."""
        self.take()
        self.assertTrue(self.release(1))
        self.assertEqual(self.take(), 2)

    def test_expired(self) -> None:
        """A lease runs out to the microsecond, and its next holder has a higher fence."""
        self.take()
        self.seconds.now += 9.999999
        self.assertIsNone(self.take())
        self.seconds.now = OPENED + 10
        self.assertEqual(self.take(), 2)

    def test_renewed(self) -> None:
        """A renewed lease runs from the renewal."""
        self.take()
        self.seconds.now += 9
        self.assertTrue(self.renew(1))
        self.seconds.now += 9
        self.assertIsNone(self.take())

    def test_ran_out_and_nobody_took_it(self) -> None:
        """A lease that ran out is its holder's to renew while nobody has taken it."""
        self.take()
        self.seconds.now += 60
        self.assertTrue(self.renew(1))
        self.assertIsNone(self.take())

    def test_lost(self) -> None:
        """A lease that another has taken can be neither renewed nor released by the one before."""
        self.take()
        self.seconds.now += 60
        self.take()
        self.assertFalse(self.renew(1))
        self.assertFalse(self.release(1))
        self.assertIsNone(self.take())


@dataclass
class Ledger:
    """Two customers' accounts and a till, with a way to carry commands out."""

    store: Store
    till: int
    one: int
    two: int

    def command(self, kind: type[Payment], amount_minor: int, key: str, **more: str) -> Command:
        """A command of the bank's own on account one."""
        return kind(
            customer_id=1, account_id=self.one, fence=None, key=key, amount_minor=amount_minor, currency="USD", **more
        )

    def carry_out(self, *commands: Command) -> list[Outcome]:
        """Decide and write commands in one transaction."""
        with self.store.writing() as tx:
            books = journal.load(tx, commands)
            outcomes = book.decide(commands, books)
            journal.append(tx, books)
            return outcomes

    def deposit(self, *amounts_minor: int) -> None:
        """Pay cash in, a transaction for each amount."""
        for number, amount_minor in enumerate(amounts_minor):
            self.carry_out(self.command(Deposit, amount_minor, f"cash{number}"))


class LedgerCase(StoreCase):
    """A test with accounts A1 and A2, and a till."""

    def setUp(self) -> None:
        super().setUp()
        one, two = self.add_account("A1"), self.add_account("A2")
        self.ledger = Ledger(self.store, self.add_till(), one, two)

    def read(self, report: Callable[..., object], *args: object) -> object:
        """What ``report`` finds."""
        with self.store.reading() as connection:
            return report(connection, *args)

    def balance(self, account_id: int) -> int:
        """An account's balance."""
        with self.store.reading() as connection:
            return customers.account(connection, account_id).balance_minor


@on_every_engine
class Loading(LedgerCase):
    """The books that a batch is decided from."""

    def load(self, *commands: Command) -> Books:
        """The books for ``commands``."""
        with self.store.writing() as tx:
            return journal.load(tx, commands)

    def test_what_is_touched(self) -> None:
        """Own account, payee and till are loaded, and no account else; numbers and currencies lead to them."""
        self.add_account("A3")
        self.add_till("EUR")
        ledger = self.ledger
        books = self.load(ledger.command(Transfer, 1, "k", payee="A2"), ledger.command(Deposit, 1, "l"))
        self.assertEqual(set(books.accounts), {ledger.one, ledger.two, ledger.till})
        self.assertEqual(books.ids, {"A1": ledger.one, "A2": ledger.two})
        self.assertEqual(books.tills, {"USD": ledger.till})
        self.assertEqual((books.at_us, books.next_id), (START_US, 1))

    def test_a_till_is_no_payee(self) -> None:
        """A till cannot be paid by its number."""
        books = self.load(self.ledger.command(Transfer, 1, "k", payee="TILL-USD"))
        self.assertNotIn("TILL-USD", books.ids)

    def test_accounts_as_they_are(self) -> None:
        """An account is loaded with its balance, newest entry, events, fence, and whether it is closed."""
        self.ledger.deposit(70)
        with self.store.writing() as tx:
            sessions.take(tx, self.ledger.one, 10)
            customers.change_account(tx, self.ledger.two, closed_us=5)
        books = self.load(self.ledger.command(Transfer, 1, "k", payee="A2"))
        self.assertEqual(
            books.accounts[self.ledger.one],
            Account(self.ledger.one, "A1", "USD", 70, 0, newest=1, events=1, fence=1),
        )
        self.assertEqual(books.accounts[self.ledger.two], Account(self.ledger.two, "A2", "USD", closed=True))

    def test_keys_of_others(self) -> None:
        """A key that another customer used is not this customer's."""
        self.ledger.deposit(70)
        mine = Deposit(
            customer_id=2, account_id=self.ledger.two, fence=None, key="cash0", amount_minor=1, currency="USD"
        )
        self.assertEqual(self.load(mine).entries, {})

    def test_refusals_come_back(self) -> None:
        """A refusal is loaded as it was decided, so that its key has that outcome for ever."""
        command = self.ledger.command(Transfer, 5, "k", payee="A2", reference="rent")
        self.assertEqual(self.ledger.carry_out(command)[0].code, codes.NO_FUNDS)
        kept = Kept("k", 1, command.content, codes.NO_FUNDS, None, at_us=START_US)
        self.assertEqual(self.load(command).kept, {(1, "k"): kept})
        self.ledger.deposit(70)
        self.assertEqual(self.ledger.carry_out(command)[0].code, codes.NO_FUNDS)

    def test_refusals_are_told_apart(self) -> None:
        """A withdrawal is not the transfer of the same amount that was refused under its key."""
        self.ledger.carry_out(self.ledger.command(Withdrawal, 5, "w"), self.ledger.command(Transfer, 5, "t", payee="X"))
        again = self.ledger.carry_out(self.ledger.command(Withdrawal, 5, "w"), self.ledger.command(Withdrawal, 5, "t"))
        self.assertEqual([outcome.code for outcome in again], [codes.NO_FUNDS, codes.OTHER_CONTENT])


@on_every_engine
class Appending(LedgerCase):
    """What a batch writes."""

    def test_an_entry(self) -> None:
        """An entry comes back as it was decided, and both accounts have moved on."""
        self.ledger.deposit(100)
        outcome = self.ledger.carry_out(self.ledger.command(Transfer, 30, "t", payee="A2", reference="rent"))[0]
        self.assertEqual(self.read(journal.entry, 2), outcome.entry)
        self.assertEqual([self.balance(side) for side in (self.ledger.one, self.ledger.two)], [70, 30])
        self.assertIsNone(self.read(journal.entry, 3))
        self.assertEqual(self.read(journal.newest), (2, self.read(journal.link, 2)))

    def test_same_command_again(self) -> None:
        """A command sent again has the entry that it made, and moves nothing."""
        command = self.ledger.command(Deposit, 100, "k")
        first, second = self.ledger.carry_out(command, command)
        self.assertEqual(first, second)
        self.assertEqual(self.ledger.carry_out(command), [first])
        self.assertEqual(self.balance(self.ledger.one), 100)

    def test_cost_does_not_grow(self) -> None:
        """A batch of a hundred costs as many statements as a batch of two."""
        ledger = self.ledger
        counted = [
            self.statements([ledger.command(Deposit, 1, f"{size}.{n}") for n in range(size)]) for size in (2, 100)
        ]
        self.assertEqual(counted[0], counted[1])

    def statements(self, commands: list[Command]) -> int:
        """How many statements a batch takes; the driver's executemany is one."""
        seen: list[str] = []

        def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        event.listen(self.store.writer, "before_cursor_execute", count)
        try:
            self.ledger.carry_out(*commands)
        finally:
            event.remove(self.store.writer, "before_cursor_execute", count)
        return len(seen)

    def test_the_database_holds_the_floor(self) -> None:
        """The database itself refuses an overdraft, a closed account with money, and more seen than there was."""
        for values in ({"balance_minor": -1}, {"balance_minor": 1, "closed_us": 1}, {"acknowledged": 1}):
            with self.assertRaises(IntegrityError), self.store.writing() as tx:
                customers.change_account(tx, self.ledger.one, **values)

    def test_the_database_holds_the_keys(self) -> None:
        """The database itself refuses a second entry under a customer's key."""
        self.ledger.deposit(100)
        again = insert(schema.journal).from_select(
            [column.name for column in schema.journal.c],
            select(*[column + 1 if column.name == "id" else column for column in schema.journal.c]),
        )
        with self.assertRaises(IntegrityError), self.store.writing() as tx:
            tx.connection.execute(again)


@on_every_engine
class Walking(LedgerCase):
    """The entries of one account."""

    def test_backwards(self) -> None:
        """Entries are walked from any of them backwards, newest first, past those of other accounts."""
        self.ledger.deposit(10, 20)
        other = Deposit(customer_id=2, account_id=self.ledger.two, fence=None, key="o", amount_minor=5, currency="USD")
        self.ledger.carry_out(other)
        self.ledger.carry_out(self.ledger.command(Transfer, 3, "t", payee="A2"))
        for account_id, start, limit, ids in (
            (self.ledger.one, 4, 9, [4, 2, 1]),
            (self.ledger.one, 4, 2, [4, 2]),
            (self.ledger.one, 2, 1, [2]),
            (self.ledger.two, 4, 9, [4, 3]),
            (self.ledger.one, None, 9, []),
        ):
            with self.store.reading() as connection:
                walked = [entry.id for entry in journal.walk(connection, account_id, start, limit)]
            self.assertEqual(walked, ids, (account_id, start, limit))

    def test_after_an_event(self) -> None:
        """Entries after an event come oldest first; events without money among them have no entry."""
        self.ledger.deposit(10, 20)
        with self.store.writing() as tx:
            outbox.add(tx, self.ledger.one, NoticeKind.CONTACT)
        self.ledger.carry_out(self.ledger.command(Transfer, 3, "t", payee="A2"))
        with self.store.reading() as connection:
            account = customers.account(connection, self.ledger.one)
            for number, limit, ids in (
                (0, 9, [1, 2, 3]),
                (0, 2, [1, 2]),
                (1, 9, [2, 3]),
                (2, 9, [3]),
                (3, 9, [3]),
                (4, 9, []),
            ):
                found = [entry.id for entry in journal.after_event(connection, account, number, limit)]
                self.assertEqual(found, ids, (number, limit))

    def test_no_farther(self) -> None:
        """No more than FARTHEST entries are walked back for notices, however many there were."""
        self.patch(journal, "FARTHEST", 3)
        self.ledger.deposit(1, 2, 3, 4, 5)
        with self.store.reading() as connection:
            account = customers.account(connection, self.ledger.one)
            self.assertEqual([entry.id for entry in journal.after_event(connection, account, 0, 9)], [3, 4, 5])

    def test_many_at_once(self) -> None:
        """A thousand steps back are walked as one is; some engines would stop a recursion there."""
        many = 1_100
        self.ledger.carry_out(*(self.ledger.command(Deposit, 1, f"k{number}") for number in range(many)))
        with self.store.reading() as connection:
            account = customers.account(connection, self.ledger.one)
            self.assertEqual([one.id for one in journal.after_event(connection, account, 0, 2)], [1, 2])
            self.assertEqual(len(journal.walk(connection, self.ledger.one, many, many)), many)

    def test_numbers_of_64_bits(self) -> None:
        """Ids and amounts beyond 32 bits are walked as small ones are."""
        large = 2**40
        self.ledger.deposit(large)
        with self.store.writing() as tx:
            tx.connection.execute(update(schema.journal).values(id=large))
            tx.connection.execute(update(schema.accounts).where(schema.accounts.c.events > 0).values(newest=large))
        self.ledger.carry_out(self.ledger.command(Transfer, large - 1, "t", payee="A2"))
        with self.store.reading() as connection:
            walked = journal.walk(connection, self.ledger.one, large + 1, 9)
        self.assertEqual([(one.id, one.amount_minor) for one in walked], [(large + 1, large - 1), (large, large)])
        self.assertEqual([self.balance(side) for side in (self.ledger.one, self.ledger.two)], [1, large - 1])

    def test_after_an_event_of_an_empty_account(self) -> None:
        """An account on which nothing happened has no entries to walk."""
        with self.store.reading() as connection:
            self.assertEqual(journal.after_event(connection, customers.account(connection, self.ledger.one), 0, 9), [])


@on_every_engine
class Outbox(LedgerCase):
    """Events that moved no money, and what is told of."""

    def test_numbers(self) -> None:
        """Each event has its account's next number, among the movements of money."""
        self.ledger.deposit(10)
        with self.store.writing() as tx:
            for kind in (NoticeKind.CONTACT, NoticeKind.SECRET):
                outbox.add(tx, self.ledger.one, kind)
            self.assertEqual(tx.events, [Event(self.ledger.one, 2, NoticeKind.CONTACT), Event(1, 3, NoticeKind.SECRET)])
        with self.store.reading() as connection:
            found = outbox.other_events(connection, self.ledger.one, 0, 9)
            self.assertEqual(
                [(one.number, one.kind, one.at_us) for one in found],
                [(2, "contact", START_US), (3, "secret", START_US)],
            )
            self.assertEqual([one.number for one in outbox.other_events(connection, self.ledger.one, 2, 9)], [3])
            self.assertEqual([one.number for one in outbox.other_events(connection, self.ledger.one, 0, 1)], [2])
            self.assertEqual(outbox.other_events(connection, self.ledger.two, 0, 9), [])

    def test_announced(self) -> None:
        """Both sides of an entry are told of, each in its own words and by its own number."""
        self.ledger.deposit(10)
        with self.store.writing() as tx:
            commands = [self.ledger.command(Transfer, 3, "t", payee="A2")]
            books = journal.load(tx, commands)
            book.decide(commands, books)
            outbox.announce(tx, books)
            self.assertEqual(
                tx.events, [Event(self.ledger.one, 2, NoticeKind.PAID), Event(self.ledger.two, 1, NoticeKind.RECEIVED)]
            )


@on_every_engine
class Customers(StoreCase):
    """Customers, their secrets and their accounts."""

    def setUp(self) -> None:
        super().setUp()
        with self.store.writing() as tx:
            self.alice = customers.add_customer(tx, username="alice", mobile="+12025550101", name="Alice")
            self.account_id = customers.add_account(tx, "A1", "USD", self.alice)

    def tx(self) -> Transaction:
        """A transaction that lasts as long as the test."""
        writing = self.store.writing()
        tx = writing.__enter__()
        self.addCleanup(writing.__exit__, None, None, None)
        return tx

    def test_found(self) -> None:
        """A customer is found by user name and by mobile number, and nobody else is."""
        connection = self.tx().connection
        self.assertEqual(customers.customer_named(connection, "alice"), self.alice)
        self.assertEqual(customers.customer_with_mobile(connection, "+12025550101"), self.alice)
        self.assertIsNone(customers.customer_named(connection, "ALICE"))
        self.assertIsNone(customers.customer_with_mobile(connection, "+12025550102"))

    def test_details(self) -> None:
        """Details are kept, changed and read; the last log-in is never until there was one."""
        tx = self.tx()
        self.assertIsNone(customers.last_login_us(tx.connection, self.alice))
        customers.change_customer(tx, self.alice, email="alice@example.com", last_login_us=7)
        view = customers.customer(tx.connection, self.alice)
        self.assertEqual((view.username, view.name, view.email), ("alice", "Alice", "alice@example.com"))
        self.assertEqual((view.mobile, view.opened_us, view.contact_us), ("+12025550101", START_US, START_US))
        self.assertEqual(customers.last_login_us(tx.connection, self.alice), 7)

    def test_names_are_unique(self) -> None:
        """The database itself refuses a second customer with a user name or mobile number, but many with none."""
        for details in ({"username": "alice"}, {"mobile": "+12025550101"}):
            with self.assertRaises(IntegrityError), self.store.writing() as tx:
                customers.add_customer(tx, **details)
        tx = self.tx()
        self.assertNotEqual(customers.add_customer(tx), customers.add_customer(tx))

    def test_secrets(self) -> None:
        """Each kind of secret has one hash, which a new one takes the place of."""
        tx = self.tx()
        self.assertIsNone(customers.secret(tx.connection, self.alice, "pin"))
        customers.set_secret(tx, self.alice, "pin", "one")
        customers.set_secret(tx, self.alice, "password", "other")
        customers.set_secret(tx, self.alice, "pin", "two")
        self.assertEqual(customers.secret(tx.connection, self.alice, "pin"), "two")
        self.assertEqual(customers.secret(tx.connection, self.alice, "password"), "other")

    def test_forgotten(self) -> None:
        """A forgotten customer has no names, numbers or secrets, and the account is still there."""
        tx = self.tx()
        customers.set_secret(tx, self.alice, "pin", "one")
        customers.forget(tx, self.alice)
        view = customers.customer(tx.connection, self.alice)
        self.assertEqual((view.username, view.mobile, view.name, view.email), (None, None, None, None))
        self.assertIsNone(customers.secret(tx.connection, self.alice, "pin"))
        self.assertIsNotNone(customers.account_numbered(tx.connection, "A1"))

    def test_accounts(self) -> None:
        """A customer's open accounts come oldest first; a closed one only by its number; a till never."""
        tx = self.tx()
        second = customers.add_account(tx, "A2", "EUR", self.alice)
        customers.add_account(tx, "TILL-USD", "USD", None)
        self.assertEqual(
            [one.id for one in customers.open_accounts(tx.connection, self.alice)], [self.account_id, second]
        )
        customers.change_account(tx, self.account_id, closed_us=tx.at_us)
        self.assertEqual([one.id for one in customers.open_accounts(tx.connection, self.alice)], [second])
        closed = customers.account_numbered(tx.connection, "A1")
        assert closed is not None
        self.assertEqual(closed.closed_us, START_US)
        self.assertIsNone(customers.account_numbered(tx.connection, "TILL-USD"))
        self.assertIsNone(customers.account_numbered(tx.connection, "A9"))

    def test_numbers(self) -> None:
        """Account numbers are told by id, a till's as None."""
        tx = self.tx()
        till = customers.add_account(tx, "TILL-USD", "USD", None)
        self.assertEqual(customers.numbers(tx.connection, {self.account_id, till}), {self.account_id: "A1", till: None})

    def test_tills(self) -> None:
        """Whether a currency has a till is told for each."""
        tx = self.tx()
        customers.add_account(tx, "TILL-USD", "USD", None)
        self.assertTrue(customers.has_till(tx.connection, "USD"))
        self.assertFalse(customers.has_till(tx.connection, "EUR"))


@on_every_engine
class HoldRows(LedgerCase):
    """Open holds and reversals, kept besides the journal."""

    def about(self, kind: type[Sequel], of_id: int, key: str, amount_minor: int | None = None) -> Sequel:
        """A command of the payee's about an entry."""
        return kind(
            customer_id=2, account_id=self.ledger.two, fence=None, key=key, of_id=of_id, amount_minor=amount_minor
        )

    def hold(self, amount_minor: int = 30, key: str = "h", seconds: int = 60) -> Outcome:
        """Set money aside for A2."""
        self.ledger.deposit(100)
        return self.ledger.carry_out(
            Hold(
                customer_id=1,
                account_id=self.ledger.one,
                fence=None,
                key=key,
                amount_minor=amount_minor,
                currency="USD",
                payee="A2",
                seconds=seconds,
            )
        )[0]

    def open_holds(self) -> list[tuple[int, int, int, int]]:
        """Every open hold, and what the payer's account counts as held."""
        with self.store.reading() as connection:
            held = customers.account(connection, self.ledger.one).held_minor
            rows = connection.execute(select(schema.holds).order_by(schema.holds.c.id))
            return [(row.id, row.account_id, row.amount_minor, held) for row in rows]

    def test_opened(self) -> None:
        """A hold is found again by its number, by either of its accounts, and once it is due."""
        made = self.hold()
        self.assertEqual(self.open_holds(), [(2, self.ledger.one, 30, 30)])
        for account_id in (self.ledger.one, self.ledger.two):
            self.assertEqual(self.read(holds.of_account, account_id, 0, 10), [made.entry])
            self.assertEqual(self.read(holds.of_account, account_id, 2, 10), [])
        self.assertEqual(self.read(holds.due, START_US + 59_999_999, 10), [])
        self.assertEqual(len(cast("list[object]", self.read(holds.due, START_US + 60_000_000, 10))), 1)

    def test_ended(self) -> None:
        """A captured hold is gone, what it set aside is free, and what was captured has moved."""
        self.hold()
        outcome = self.ledger.carry_out(self.about(Capture, 2, "c", 20))[0]
        self.assertEqual(outcome.code, codes.DONE)
        self.assertEqual(self.open_holds(), [])
        self.assertEqual([self.balance(side) for side in (self.ledger.one, self.ledger.two)], [80, 20])
        self.assertEqual(self.ledger.carry_out(self.about(Capture, 2, "d"))[0].code, codes.NO_HOLD)

    def test_opened_and_ended_in_one_batch(self) -> None:
        """A hold that is released in the batch that opened it leaves no row."""
        self.hold()
        outcomes = self.ledger.carry_out(self.about(Release, 2, "r"), self.about(Release, 2, "s"))
        self.assertEqual([outcome.code for outcome in outcomes], [codes.DONE, codes.NO_HOLD])
        self.assertEqual(self.open_holds(), [])

    def test_reversed(self) -> None:
        """How much of a payment was given back is remembered from batch to batch."""
        self.ledger.deposit(100)
        paid = self.ledger.carry_out(self.ledger.command(Transfer, 50, "t", payee="A2"))[0].entry
        assert paid is not None
        for key, amount_minor, code in (
            ("a", 30, codes.DONE),
            ("b", 21, codes.MORE_THAN_LEFT),
            ("c", None, codes.DONE),
        ):
            outcome = self.ledger.carry_out(self.about(Reversal, paid.id, key, amount_minor))[0]
            self.assertEqual(outcome.code, code)
        self.assertEqual([self.balance(side) for side in (self.ledger.one, self.ledger.two)], [100, 0])
