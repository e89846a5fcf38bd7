"""Several banks on one database, and a database that fails or goes away: nothing is lost, nothing is done twice."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Barrier, Thread
from typing import Any

from sqlalchemy import event, insert, text, update
from twisted.internet.defer import Deferred

from bankd import codes
from bankd.bank import accounts
from bankd.codes import Code, Refused
from bankd.lane import MAX_TRIES, Lane
from bankd.ledger import book
from bankd.ledger.books import Outcome
from bankd.ledger.commands import Command, Transfer
from bankd.store import customers, journal, schema, sessions
from bankd.store.engines import DatabaseFault, Store, Transaction
from bankd.store.failures import Unknown
from bankd.testing import AtOnce, Known, PracticeBank
from tests.databases import DatabaseCase, Server, on_every_engine, on_servers

Step = Callable[[], object]

_WAITING = {
    "PostgreSQL": "SELECT count(*) FROM pg_locks WHERE NOT granted",
    "MariaDB": """
        SELECT CAST(variable_value AS SIGNED) FROM information_schema.global_status
        WHERE variable_name = 'Innodb_row_lock_current_waits'
    """,
}
"""How many transactions wait for another's lock, by the name of the server."""


class Node:
    """A bank of its own on a database that others use too: ``tries`` counts its transactions.

    ``between`` is done once, in the next transaction that moves money: when all was read and nothing is written.
    """

    def __init__(self, url: str) -> None:
        self.store = Store(url, bytes(32))
        self.tries = 0
        self.between: Step | None = None
        self.lane = Lane(self.writing, self.apply, AtOnce(), lambda _events, _at: None)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction, counted."""
        self.tries += 1
        with self.store.writing() as tx:
            yield tx

    def apply(self, tx: Transaction, commands: Sequence[Command]) -> list[Outcome]:
        """Carry out commands, with what is to happen in between."""
        books = journal.load(tx, commands)
        between, self.between = self.between, None
        if between is not None:
            between()
        outcomes = book.decide(commands, books)
        journal.append(tx, books)
        return outcomes

    def impatient(self) -> None:
        """Do not wait for locks."""
        postgresql = self.store.url.get_backend_name() == "postgresql"
        with self.store.writer.connect() as connection:
            connection.execute(text("SET lock_timeout = '1ms'" if postgresql else "SET innodb_lock_wait_timeout = 0"))
            connection.commit()


class RivalsCase(DatabaseCase):
    """A test with a bank of four customers, who have paid in ``deposit_minor``, and two nodes on its database."""

    deposit_minor = 1000

    def setUp(self) -> None:
        self.url = self.database()
        self.bank = PracticeBank(url=self.url)
        self.addCleanup(self.bank.close)
        names = ("alice", "bob", "carol", "dave")
        self.people = [self.bank.add_customer(name, deposit_minor=self.deposit_minor) for name in names]
        self.alice, self.bob, self.carol, self.dave = self.people
        self.one, self.other = self.node(), self.node()

    def node(self) -> Node:
        """A node, closed after the test."""
        node = Node(self.url)
        self.addCleanup(node.store.close)
        return node

    def pay(self, payer: Known, payee: Known, key: str, amount_minor: int = 1) -> Transfer:
        """A transfer."""
        return Transfer(
            customer_id=payer.customer_id,
            account_id=payer.account_id,
            fence=None,
            key=key,
            amount_minor=amount_minor,
            currency="USD",
            payee=payee.account,
        )

    def code(self, waited: Deferred[Outcome]) -> Code:
        """What became of a command."""
        return self.successResultOf(waited).code

    def assertBusy(self, waited: Deferred[Any]) -> None:
        """The command was neither acknowledged nor refused for good, and the operator can read why."""
        self.assertIs(self.failureResultOf(waited, Refused).value.code, codes.BUSY)
        self.assertEqual(len(self.flushLoggedErrors(DatabaseFault)), 1)

    def balances(self) -> list[int]:
        """What everybody has, in a ledger that is right."""
        self.assertEqual(self.bank.faults(), [])
        with self.bank.store.reading() as connection:
            return [customers.account(connection, one.account_id).balance_minor for one in self.people]


def together(*steps: Step) -> None:
    """Take each step in a thread of its own, and wait for all."""
    threads = [Thread(target=step) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@on_servers
class Rivals(RivalsCase):
    """Two banks write at the same time."""

    def test_deadlock(self) -> None:
        """Of two that wait for each other one is undone, and then done again from its beginning."""
        met = Barrier(2, timeout=30)

        def touching(first: Known, second: Known) -> Callable[[Transaction], None]:
            met_before = False

            def errand(tx: Transaction) -> None:
                nonlocal met_before
                tx.connection.execute(self.adding(first))
                if not met_before:
                    met_before = True
                    met.wait()
                tx.connection.execute(self.adding(second))

            return errand

        waited: list[Deferred[None]] = []
        together(
            lambda: waited.append(self.one.lane.run(touching(self.alice, self.bob))),
            lambda: waited.append(self.other.lane.run(touching(self.bob, self.alice))),
        )
        for one in waited:
            self.successResultOf(one)
        self.assertGreaterEqual(self.one.tries + self.other.tries, 3)
        with self.bank.store.reading() as connection:
            events = [customers.account(connection, one.account_id).events for one in (self.alice, self.bob)]
        self.assertEqual(events, [3, 3])  # the opening deposit, and one from each

    def adding(self, known: Known) -> Any:
        """Count one event more."""
        table = schema.accounts
        return update(table).where(table.c.id == known.account_id).values(events=table.c.events + 1)

    def test_numbers_one_after_the_other(self) -> None:
        """Nobody takes numbers of the journal while another's batch has read which is next, and not yet used it."""
        self.other.impatient()
        refused: list[Deferred[Any]] = []
        rival = self.pay(self.carol, self.dave, "c", amount_minor=5)
        self.one.between = lambda: refused.append(self.other.lane.post(rival))
        self.assertIs(self.code(self.one.lane.post(self.pay(self.alice, self.bob, "a"))), codes.DONE)
        self.assertBusy(refused[0])
        self.assertIs(self.code(self.other.lane.post(rival)), codes.DONE)
        self.assertEqual(self.one.tries, 1)
        self.assertEqual(self.balances(), [999, 1001, 995, 1005])

    def test_key_was_used(self) -> None:
        """A key that the customer uses on another account at the same time is used once, and then found used."""
        with self.bank.store.writing() as tx:
            more = accounts.open_account(tx, self.bank.random.randrange, self.alice.customer_id, "USD")
        second = Known(self.alice.customer_id, more.id, "", "", more.number, "", "")
        self.code(self.one.lane.post(self.pay(self.alice, second, "fill", amount_minor=10)))
        outcomes: list[Outcome] = []
        together(
            lambda: self.one.lane.post(self.pay(self.alice, self.bob, "k")).addCallback(outcomes.append),
            lambda: self.other.lane.post(self.pay(second, self.dave, "k")).addCallback(outcomes.append),
        )
        self.assertCountEqual([outcome.code for outcome in outcomes], [codes.DONE, codes.OTHER_CONTENT])
        self.assertIn(self.balances(), ([989, 1001, 1000, 1000], [990, 1000, 1000, 1001]))

    def test_nothing_in_common(self) -> None:
        """Two nodes that pay between accounts of their own as fast as they can have every batch done at once."""
        outcomes: list[Outcome] = []

        def pay(node: Node, payer: Known, payee: Known) -> None:
            for number in range(150):
                node.lane.post(self.pay(payer, payee, f"k{number}")).addCallback(outcomes.append)

        together(lambda: pay(self.one, self.alice, self.bob), lambda: pay(self.other, self.carol, self.dave))
        self.assertEqual([outcome.code for outcome in outcomes], [codes.DONE] * 300)
        self.assertEqual((self.one.tries, self.other.tries), (150, 150))
        self.assertEqual(self.balances(), [850, 1150] * 2)

    def test_taken_again_and_again(self) -> None:
        """Who finds taken what was free a moment ago, however often it is looked for, is told BUSY."""
        again = insert(schema.customers).values(username="alice", opened_us=0, contact_us=0)
        self.assertBusy(self.one.lane.run(lambda tx: tx.connection.execute(again)))
        self.assertEqual(self.one.tries, MAX_TRIES)

    def test_same_command_at_both(self) -> None:
        """The same command sent to both at once is done once, and both give its entry."""
        outcomes: list[Outcome] = []
        command = self.pay(self.alice, self.bob, "k")
        together(
            *(lambda node=node: node.lane.post(command).addCallback(outcomes.append) for node in (self.one, self.other))
        )
        self.assertEqual(outcomes[0], outcomes[1])
        self.assertEqual(self.balances(), [999, 1001, 1000, 1000])

    def test_lock_is_freed(self) -> None:
        """A lock that is not given in time undoes the batch, which is done once it is free."""
        self.one.impatient()
        holding = self.other.store.writing()
        tx = holding.__enter__()
        tx.connection.execute(self.adding(self.alice).values(events=schema.accounts.c.events))

        def freed(_node: object) -> None:
            if self.one.tries == 2:
                holding.__exit__(None, None, None)

        event.listen(self.one.store.writer, "begin", freed)
        self.assertIs(self.code(self.one.lane.post(self.pay(self.alice, self.bob, "a"))), codes.DONE)
        self.assertEqual(self.balances()[:2], [999, 1001])

    def test_lock_is_kept(self) -> None:
        """While another keeps the lock the answer is BUSY after a few tries, and later the same command is done."""
        self.one.impatient()
        with self.other.store.writing() as tx:
            tx.connection.execute(self.adding(self.alice).values(events=schema.accounts.c.events))
            self.assertBusy(self.one.lane.post(self.pay(self.alice, self.bob, "a")))
            self.assertEqual(self.one.tries, MAX_TRIES)
            self.assertIs(self.code(self.one.lane.post(self.pay(self.carol, self.dave, "c"))), codes.DONE)
        self.assertIs(self.code(self.one.lane.post(self.pay(self.alice, self.bob, "a"))), codes.DONE)
        self.assertEqual(self.balances(), [999, 1001, 999, 1001])

    def test_lease_waits_for_money(self) -> None:
        """Nobody takes a lease while money moves under the one before: what it showed would not be all."""
        self.other.impatient()
        refused: list[Deferred[Any]] = []
        take = self.taking(0)
        self.assertEqual(self.successResultOf(self.other.lane.run(take)), 1)
        self.one.between = lambda: refused.append(self.other.lane.run(take))
        self.assertIs(self.code(self.one.lane.post(self.pay(self.alice, self.bob, "a"))), codes.DONE)
        self.assertBusy(refused[0])
        self.assertEqual(self.successResultOf(self.other.lane.run(take)), 2)

    def test_take_over_while_money_waits(self) -> None:
        """A payment that waits while another session takes the account finds its own fence gone, and is refused."""
        self.assertEqual(self.successResultOf(self.other.lane.run(self.taking(0))), 1)
        outcomes: list[Outcome] = []
        late = replace(self.pay(self.alice, self.bob, "late"), fence=1)
        payment = Thread(target=lambda: self.one.lane.post(late).addCallback(outcomes.append))
        with self.other.store.writing() as tx:
            self.assertEqual(self.taking(30)(tx), 2)
            payment.start()
            while payment.is_alive() and not self.somebody_waits():
                pass
        payment.join()
        self.assertEqual((self.one.tries, outcomes), (1, [Outcome(codes.OVER)]))
        self.assertEqual(self.balances(), [1000] * 4)

    def somebody_waits(self) -> bool:
        """Whether a transaction on the server waits for another's lock."""
        with self.bank.store.reading() as connection:
            return bool(connection.execute(text(_WAITING[self.engine.name])).scalar_one())

    def taking(self, seconds: int) -> Callable[[Transaction], int | None]:
        """An errand that takes Alice's account for a session."""
        return lambda tx: sessions.take(tx, self.alice.account_id, seconds)

    def test_first_lease(self) -> None:
        """Of two who take the first lease on an account at the same moment one has it."""
        given: list[int | None] = []
        take = self.taking(30)
        together(*(lambda node=node: node.lane.run(take).addCallback(given.append) for node in (self.one, self.other)))
        self.assertEqual(sorted(given, key=str), [1, None])

    def test_crowd(self) -> None:
        """Two nodes that pay to and fro between the same accounts as fast as they can lose and invent nothing."""

        def pay(node: Node, payer: Known, payee: Known, name: str) -> None:
            for number in range(25):
                self.ask_until_done(node, self.pay(payer, payee, f"{name}{number}", amount_minor=number + 1))

        together(
            lambda: pay(self.one, self.alice, self.bob, "one"),
            lambda: pay(self.other, self.bob, self.alice, "other"),
        )
        self.flushLoggedErrors(DatabaseFault)
        with self.bank.store.reading() as connection:
            self.assertEqual(journal.newest(connection)[0], 4 + 2 * 25)
        self.assertEqual(self.balances(), [1000] * 4)

    def ask_until_done(self, node: Node, command: Command) -> None:
        """Send a command again as long as the answer is BUSY, as a client does."""
        answers: list[Outcome] = []
        while not answers:
            node.lane.post(command).addCallbacks(answers.append, lambda failure: failure.trap(Refused))


@on_servers
class Beginnings(RivalsCase):
    """Two banks write the first entries there are."""

    deposit_minor = 0

    def test_first_number_was_taken(self) -> None:
        """When the other was faster with the first number the batch is decided again, and done once."""
        with self.bank.store.writing() as tx:
            euros = accounts.open_account(tx, self.bank.random.randrange, self.bob.customer_id, "EUR")
        first = self.bank.deposit(self.alice, 5, "a")
        rival = replace(first, customer_id=self.bob.customer_id, account_id=euros.id, currency="EUR")
        self.one.between = lambda: self.assertIs(self.code(self.other.lane.post(rival)), codes.DONE)
        self.assertIs(self.code(self.one.lane.post(first)), codes.DONE)
        self.assertEqual((self.one.tries, self.other.tries), (2, 1))
        self.assertEqual(self.balances(), [5, 0, 0, 0])


@on_every_engine
class Commits(RivalsCase):
    """The database fails at a commit, before or after it was done: only the key can tell."""

    def fail_at_commit(self, done: bool) -> None:
        """Have the next commit fail, after or before it is done."""
        dialect = self.one.store.writer.dialect
        commit = dialect.do_commit

        def failing(connection: Any) -> None:
            patched.restore()
            if done:
                commit(connection)
            raise dialect.loaded_dbapi.OperationalError("disk I/O error")

        patched = self.patch(dialect, "do_commit", failing)

    def test_neither_done_nor_refused(self) -> None:
        """Nobody is told that it was done, or that it was not; asked again the same command is done once."""
        for number, done in enumerate((False, True)):
            command = self.pay(self.alice, self.bob, f"k{number}")
            self.fail_at_commit(done)
            before = self.one.tries
            self.assertBusy(self.one.lane.post(command))
            self.assertEqual(self.one.tries, before + 1, "a commit without an answer was sent again")
            self.assertIs(self.code(self.one.lane.post(command)), codes.DONE)
            self.assertEqual(self.balances()[:2], [999 - number, 1001 + number])

    def test_connection_is_thrown_away(self) -> None:
        """A connection on which a commit failed is not used again; readers keep theirs."""
        with self.one.store.writer.connect() as connection:
            used = connection.connection.driver_connection
        with self.one.store.reader.connect() as connection:
            read = connection.connection.driver_connection
        self.fail_at_commit(done=False)
        with self.assertRaises(Unknown), self.one.store.writing():
            pass
        with self.one.store.writer.connect() as connection:
            self.assertIsNot(connection.connection.driver_connection, used)
        with self.one.store.reader.connect() as connection:
            self.assertIs(connection.connection.driver_connection, read)

    def test_fault_of_whoever_asks(self) -> None:
        """A statement that the database refuses costs nobody the connection."""
        with self.one.store.writer.connect() as connection:
            used = connection.connection.driver_connection
        with self.assertRaises(DatabaseFault), self.one.store.writing() as tx:
            customers.change_account(tx, self.alice.account_id, balance_minor=-1)
        with self.one.store.writer.connect() as connection:
            self.assertIs(connection.connection.driver_connection, used)


@on_servers
class Restarts(RivalsCase):
    """The server is killed and started again."""

    def setUp(self) -> None:
        super().setUp()
        assert isinstance(self.engine, Server)
        self.server = self.engine

    def restart(self) -> None:
        """Kill the server, and start it again."""
        self.server.kill()
        self.server.start()

    def test_between_batches(self) -> None:
        """Whoever writes or reads after a restart does not notice it."""
        self.code(self.one.lane.post(self.pay(self.alice, self.bob, "a")))
        self.balances()
        self.restart()
        self.assertIs(self.code(self.one.lane.post(self.pay(self.alice, self.bob, "b"))), codes.DONE)
        self.assertEqual(self.balances()[:2], [998, 1002])

    def test_in_the_middle(self) -> None:
        """A batch that the restart undid is done again, once."""
        self.one.between = self.restart
        self.assertIs(self.code(self.one.lane.post(self.pay(self.alice, self.bob, "a"))), codes.DONE)
        self.assertEqual(self.one.tries, 2)
        self.assertEqual(self.balances()[:2], [999, 1001])

    def test_at_the_commit(self) -> None:
        """Whether a commit was done that the restart cut off nobody knows: it is BUSY, and then done once."""
        event.listen(self.one.store.writer, "commit", lambda _connection: self.restart(), once=True)
        command = self.pay(self.alice, self.bob, "a")
        self.assertBusy(self.one.lane.post(command))
        self.assertEqual(self.one.tries, 1)
        self.assertIs(self.code(self.one.lane.post(command)), codes.DONE)
        self.assertEqual(self.balances()[:2], [999, 1001])

    def test_away(self) -> None:
        """While there is no server everything is BUSY; when it is back the bank goes on by itself."""
        wire = self.bank.log_in(self.alice)
        self.server.kill()
        self.assertEqual(wire.ask("b BALANCE"), ["b 503 reason=busy"])
        self.assertEqual(wire.ask("d DEPOSIT amount=5 currency=USD key=k"), ["d 503 reason=busy"])
        self.assertEqual(len(self.flushLoggedErrors(DatabaseFault)), 1)
        self.server.start()
        (answer,) = wire.ask("d DEPOSIT amount=5 currency=USD key=k")
        self.assertIn(" 200 ", answer)
        self.assertEqual(self.balances()[0], 1005)
