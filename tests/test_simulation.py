"""The simulation itself: that its world is what it says, that its witness sees, and a few seeds of it."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.client.answers import Answer
from bankd.codes import Code
from bankd.ledger import chain
from bankd.ledger.entries import Entry
from bankd.simulation.disk import Disk, Faults
from bankd.simulation.host import Host
from bankd.simulation.network import Network
from bankd.simulation.orders import Order, Wrong
from bankd.simulation.run import Broken, Simulation, simulate
from bankd.simulation.site import Ground, Person, ground
from bankd.simulation.threads import Crash
from bankd.simulation.weather import Fate, Weather
from bankd.simulation.witness import Witness
from bankd.simulation.world import World
from bankd.wire import messages
from tests.planted.__main__ import plant, search
from tests.planted.faults import FAULTS

SEEDS = 4
"""Seeds in the suite; `make simulate` has as many as are wanted."""


class Hears(Protocol):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard = b""
        self.ends: list[Failure] = []

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.heard += data

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Keep why."""
        self.ends.append(reason)


class Worlds(SynchronousTestCase):
    """Time, chance and order."""

    def test_order(self) -> None:
        """What was put down happens by its time, and at one time in the order in which it was put down."""
        world, told = World(1), list[str]()
        for seconds, what in ((2.0, "c"), (1.0, "a"), (1.0, "b")):
            world.put_down(seconds, lambda what=what: told.append(what))  # type: ignore[misc]
        off = world.put_down(1.5, lambda: told.append("never"))
        off.call_off()
        while world.step():
            pass
        self.assertEqual((told, world.seconds, world.steps), (["a", "b", "c"], 2.0, 3))

    def test_trace(self) -> None:
        """The trace tells one history from another, by what happened and by when."""

        def traced(seconds: float, what: str) -> str:
            world = World(1)
            world.put_down(seconds, lambda: world.note(what))
            world.step()
            return world.trace

        self.assertEqual(traced(1, "a"), traced(1, "a"))
        self.assertEqual(len({traced(1, "a"), traced(1, "b"), traced(2, "a")}), 3)

    def test_jump(self) -> None:
        """A host's clock that is set forward has calls happen at once that are due by it; set back, so much later."""
        for jump, due in ((60.0, 5.0), (-60.0, 70.0)):
            world = World(1)
            host, called = Host(world, Network(world), "a", "10.0.0.1"), list[float]()
            host.callLater(10, lambda world=world, called=called: called.append(world.seconds))
            world.put_down(5, lambda host=host, jump=jump: host.jump(jump))  # type: ignore[misc]
            while world.step():
                pass
            self.assertEqual(called, [due])

    def test_death(self) -> None:
        """What a dead host was to do is not done, nor anything that it is asked to do later."""
        world = World(1)
        host, called = Host(world, Network(world), "a", "10.0.0.1"), list[str]()
        host.callLater(1, called.append, "before")
        host.die()
        host.callLater(1, called.append, "after")
        self.assertFalse(world.step())
        self.assertEqual(called, [])


class Networks(SynchronousTestCase):
    """Connections and datagrams."""

    def setUp(self) -> None:
        self.world = World(7)
        self.network = Network(self.world)
        self.server = Host(self.world, self.network, "server", "10.0.0.1")
        self.client = Host(self.world, self.network, "client", "10.0.0.2")
        self.near, self.far = Hears(), Hears()

    def connect(self, fate: Fate | None = None) -> None:
        """Connect the two, to that fate."""
        if fate is not None:
            self.patch(Fate, "drawn", classmethod(lambda *_about, **_more: fate))
        self.server.listenTCP(1, _Once(self.far))
        self.client.connectTCP("10.0.0.1", 1, _Once(self.near))
        self.run_out()

    def run_out(self) -> None:
        """Until nothing happens any more."""
        while self.world.step():
            pass

    def write(self, *pieces: bytes) -> None:
        """Write at the near end."""
        assert self.near.transport is not None
        for piece in pieces:
            self.near.transport.write(piece)
        self.run_out()

    def test_in_order(self) -> None:
        """What is written arrives, whole and in order, whatever the pieces."""
        self.connect()
        self.write(*(bytes([number]) * 100 for number in range(200)))
        self.assertEqual(self.far.heard, b"".join(bytes([number]) * 100 for number in range(200)))

    def test_closed(self) -> None:
        """Who closes has all of it arrive before; both ends hear of it once."""
        self.connect()
        self.near.transport.write(b"x" * 1000)  # type: ignore[union-attr]
        self.near.transport.loseConnection()  # type: ignore[union-attr]
        self.run_out()
        self.assertEqual(len(self.far.heard), 1000)
        self.assertEqual((len(self.near.ends), len(self.far.ends)), (1, 1))
        self.assertEqual(self.network.open, 0)

    def test_cut(self) -> None:
        """A connection that is cut brings a part of the piece it is cut in, and nothing later; both ends hear of it."""
        self.connect(Fate(2, share=0.5, cuts=True))
        self.write(b"a" * 100, b"b" * 100, b"c" * 100)
        self.assertTrue(self.far.heard.startswith(b"a" * 100 + b"b"))
        self.assertLess(len(self.far.heard), 200)
        self.assertEqual((len(self.near.ends), len(self.far.ends)), (1, 1))

    def test_dead(self) -> None:
        """On a dead connection nothing arrives, and nobody hears of it."""
        self.connect(Fate(1, share=0.0))
        self.write(b"a" * 100, b"b" * 100)
        self.assertEqual((self.far.heard, self.near.ends, self.far.ends), (b"", [], []))

    def test_killed(self) -> None:
        """A host that dies has its peers hear of it; one that was unplugged before does not."""
        self.connect()
        self.server.die()
        self.run_out()
        self.assertEqual((len(self.near.ends), self.far.ends), (1, []))

    def test_unplugged(self) -> None:
        """Of a host that was unplugged nobody hears, not even that it died."""
        self.connect()
        self.network.unplug(self.server)
        self.server.die()
        self.run_out()
        self.assertEqual(self.near.ends, [])

    def test_unplugged_and_within(self) -> None:
        """A program on the host itself hears, whose requests would otherwise wait for ever."""
        program = Host(self.world, self.network, "program", self.server.address)
        self.server.listenUNIX("socket", _Once(self.far))
        program.connectUNIX("socket", _Once(self.near))
        self.run_out()
        self.network.unplug(self.server)
        self.server.die()
        self.run_out()
        self.assertEqual(len(self.near.ends), 1)

    def test_window(self) -> None:
        """Who writes to an end that does not read is paused, and resumed when that reads."""
        self.connect()
        told: list[str] = []
        self.near.transport.registerProducer(_Producer(told), True)  # type: ignore[union-attr]
        self.far.transport.pauseProducing()  # type: ignore[union-attr]
        self.write(b"x" * 70_000)
        self.assertEqual(told, ["pause"])
        self.far.transport.resumeProducing()  # type: ignore[union-attr]
        self.run_out()
        self.assertEqual(told, ["pause", "resume"])

    def test_datagrams(self) -> None:
        """Of datagrams some are lost and some doubled, in about the shares that the weather has."""
        self.network.weather = Weather(lost=0.3, doubled=0.2)
        heard: list[bytes] = []
        self.server.listenUDP(9, _Datagrams(heard.append))
        sender = self.client.listenUDP(0, _Datagrams(heard.append))
        for number in range(1000):
            sender.write(number.to_bytes(2, "big"), ("10.0.0.1", 9))
        self.run_out()
        self.assertLess(abs(len(heard) / 1000 - 0.7 * 1.2), 0.06)
        self.assertLess(abs(len(set(heard)) / 1000 - 0.7), 0.05)


def _wrong() -> None:
    raise Wrong("planted")


class _Once:
    """A factory of one protocol."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: object) -> Protocol:
        return self._protocol

    def doStart(self) -> None: ...

    def doStop(self) -> None: ...

    def startedConnecting(self, connector: object) -> None: ...


class _Producer:
    def __init__(self, told: list[str]) -> None:
        self._told = told

    def pauseProducing(self) -> None:
        self._told.append("pause")

    def resumeProducing(self) -> None:
        self._told.append("resume")

    def stopProducing(self) -> None:
        self._told.append("stop")


class _Datagrams:
    def __init__(self, hear: Callable[[bytes], object]) -> None:
        self._hear = hear

    def makeConnection(self, transport: object) -> None: ...

    def datagramReceived(self, datagram: bytes, addr: object) -> None:
        self._hear(datagram)


_open: dict[str, Any] = {}


def shared_ground() -> Ground:
    """The ground of this process; it takes a second to lay."""
    if not _open:
        _open["manager"] = ground()
        _open["ground"] = _open["manager"].__enter__()
    made: Ground = _open["ground"]
    return made


def answer(code: Code = codes.DONE, **fields: str | int) -> Answer:
    """An answer with these fields."""
    return Answer(code, {name: str(value) for name, value in fields.items()}, ())


class Witnesses(SynchronousTestCase):
    """What the witness must not let pass: one test for each promise, on a bank whose rows the test writes."""

    def setUp(self) -> None:
        self.ground = shared_ground()
        self.ground.fresh()
        self.witness = Witness(self.ground)
        self.addCleanup(self.witness.close)
        self.alice, self.bob = self.ground.people[:2]
        self.db = self.witness._database
        self.made = 0

    def order(self, amount: int = 100, key: str = "k1", **changes: Any) -> Order:
        """Alice's order to pay Bob."""
        message = messages.Transfer(to=self.bob.account, amount=amount, currency="USD", key=key)
        order = Order(self.alice, "terminal0", changes.pop("message", message))
        self.witness.asked(order)
        return order

    def pay(self, amount: int = 100, key: str = "k1", payer: Person | None = None, **changes: Any) -> int:
        """Write an entry as the bank would, but for ``changes``; its number."""
        payer = payer or self.alice
        payee = self.bob if payer is self.alice else self.alice
        balances = dict(self.db.execute("SELECT id, balance_minor FROM accounts").fetchall())
        events = dict(self.db.execute("SELECT id, events FROM accounts").fetchall())
        number = int(self.db.execute("SELECT max(id) FROM journal").fetchone()[0]) + 1
        row = {
            "id": number, "kind": "transfer", "debit_id": payer.account_id, "credit_id": payee.account_id,
            "amount_minor": amount, "debit_balance": balances[payer.account_id] - amount,
            "credit_balance": balances[payee.account_id] + amount, "debit_event": events[payer.account_id] + 1,
            "credit_event": events[payee.account_id] + 1, "at_us": 1, "key": key, "customer_id": payer.customer_id,
        } | changes  # fmt: skip
        (before,) = self.db.execute("SELECT hash FROM journal ORDER BY id DESC LIMIT 1").fetchone()
        row["hash"] = chain.link(self.ground.chain_key, before, Entry(*map(row.get, Entry._fields)))  # type: ignore[arg-type]
        row |= changes
        self.db.execute(
            f"INSERT INTO journal ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values())
        )
        for side, balance in ((payer, row["debit_balance"]), (payee, row["credit_balance"])):
            self.db.execute(
                "UPDATE accounts SET balance_minor = ?, events = events + 1 WHERE id = ?", (balance, side.account_id)
            )
        return number

    def wrong(self, what: str, function: Callable[..., object], *args: object) -> None:
        """``function`` must find that."""
        self.assertIn(what, str(self.assertRaises(Wrong, function, *args)))

    def test_all_is_well(self) -> None:
        """An order that was asked for, stored and acknowledged as it is."""
        order = self.order()
        number = self.pay()
        self.witness.stored()
        self.witness.answered(order, answer(receipt=number, amount=-100, balance=49_900))
        self.assertEqual(self.witness.unanswered(), [])

    def test_nobody_asked(self) -> None:
        """An entry under a key of nobody's."""
        self.pay()
        self.wrong("nobody asked", self.witness.stored)

    def test_other_amount(self) -> None:
        """An entry of another amount than was asked."""
        self.order(amount=101)
        self.pay()
        self.wrong("became", self.witness.stored)

    def test_twice(self) -> None:
        """One order, two entries: under one key the second would be, or another's."""
        self.order()
        self.pay()
        self.witness.stored()
        self.pay(key="k1:1")
        self.wrong("once more", self.witness.stored)

    def test_balance(self) -> None:
        """A balance that does not go on from the one before."""
        self.order()
        self.pay(debit_balance=1)
        self.wrong("do not go on", self.witness.stored)

    def test_row(self) -> None:
        """An account that is not what its entries make it."""
        self.db.execute("UPDATE accounts SET balance_minor = 7 WHERE id = ?", (self.alice.account_id,))
        self.wrong("its entries make it", self.witness.stored)

    def test_overdrawn(self) -> None:
        """A customer below zero."""
        self.order(amount=60_000)
        self.db.execute("UPDATE accounts SET floor_minor = NULL")
        self.pay(amount=60_000)
        self.wrong("is at -10000", self.witness.stored)

    def test_event(self) -> None:
        """An event that is no entry and no notice."""
        self.db.execute("UPDATE accounts SET events = events + 1 WHERE id = ?", (self.alice.account_id,))
        self.wrong("events", self.witness.stored)

    def test_lost(self) -> None:
        """An acknowledged order that is not in the journal."""
        self.wrong("not in the journal", self.witness.answered, self.order(), answer(receipt=9, amount=-100))

    def test_refused_and_done(self) -> None:
        """A refusal of what was carried out, and the other way round."""
        order = self.order()
        self.pay()
        self.witness.stored()
        self.wrong("was carried out", self.witness.answered, order, answer(codes.NO_FUNDS))
        other = self.order(key="k2")
        self.witness.answered(other, answer(codes.NO_FUNDS))
        self.pay(key="k2")
        self.wrong("then carried out", self.witness.stored)

    def test_two_answers(self) -> None:
        """Another answer to the same order."""
        order = self.order()
        self.witness.answered(order, answer(codes.NO_FUNDS))
        self.wrong("asked again", self.witness.answered, order, answer(codes.PAYMENT_LIMIT))

    def test_other_receipt(self) -> None:
        """An acknowledgement with another receipt, amount or balance than is kept."""
        order = self.order()
        number = self.pay()
        self.witness.stored()
        good: dict[str, Any] = {"receipt": number, "amount": -100, "balance": 49_900}
        for bad in ({"receipt": number + 1}, {"amount": -99}, {"balance": 49_901}):
            order.said = None
            self.wrong("stands in the journal", self.witness.answered, order, answer(**good | bad))

    def test_link(self) -> None:
        """An entry that is not linked to all before it."""
        self.order()
        self.pay(hash=bytes(32))
        self.wrong("not linked", self.witness.stored)

    def test_part_of_a_set(self) -> None:
        """A set that goes together, of which a part was made."""
        items = tuple(messages.BulkItem(to=self.bob.account, amount=100) for _ in range(2))
        bulk = messages.Bulk(count=2, mode="all", currency="USD", key="k1", items=items)
        order = self.order(message=bulk)
        self.pay(key="k1:1")
        self.witness.stored()
        self.wrong("stands in the journal", self.witness.answered, order, answer(made=1))

    def test_given_back(self) -> None:
        """More that is given back than was paid."""
        self.order()
        number = self.pay()
        self.witness.stored()
        for key, amount in (("r1", 60), ("r2", 41)):
            self.witness.asked(Order(self.bob, "terminal1", messages.Reverse(receipt=number, amount=amount, key=key)))
        self.pay(60, "r1", self.bob, kind="reversal", of_id=number)
        self.witness.stored()
        self.pay(41, "r2", self.bob, kind="reversal", of_id=number)
        self.wrong("more was given back", self.witness.stored)

    def test_late_capture(self) -> None:
        """A hold that is captured when its time has passed."""
        hold = self.order(message=messages.Hold(to=self.bob.account, amount=100, currency="USD", seconds=5, key="k1"))
        self.db.execute("UPDATE accounts SET held_minor = 100 WHERE id = ?", (self.alice.account_id,))
        whole: dict[str, Any] = {"debit_balance": 50_000, "credit_balance": 50_000}
        number = self.pay(kind="hold", at_us=1_000_000, expires_us=6_000_000, **whole)
        self.witness.stored()
        self.assertEqual(len(hold.entries), 1)
        self.order(key="k2", message=messages.Capture(hold=number, key="k2"))
        self.pay(key="k2", kind="capture", at_us=6_000_000, of_id=number)
        self.wrong("not the time", self.witness.stored)

    def test_wrong_way(self) -> None:
        """A reversal that goes the way of the payment."""
        self.order()
        number = self.pay()
        self.witness.asked(Order(self.bob, "terminal1", messages.Reverse(receipt=number, key="r1")))
        self.pay(key="r1", kind="reversal", of_id=number, customer_id=self.bob.customer_id)
        self.wrong("became", self.witness.stored)

    def test_no_one_time_password(self) -> None:
        """A one-time password is wanted for what was carried out."""
        order = self.order()
        self.witness.challenged(order)
        self.pay()
        self.witness.stored()
        self.wrong("carried out", self.witness.challenged, order)

    def test_two_terminals(self) -> None:
        """Two terminals that pay in one session."""
        self.order()
        self.pay()
        self.witness.stored()
        self.order(key="k2").terminal = "terminal1"
        self.pay(key="k2")
        self.wrong("in the session of terminal0", self.witness.stored)

    def lease(self, terminal: int, fence: int, expires_us: int = 100, since_us: int = 1) -> None:
        """Give Alice's account out to a terminal, or with 0 for its end to nobody."""
        tenants, host = self.witness.tenants, f"10.0.{terminal + 1}.7"
        tenants.terminals[host] = f"terminal{terminal}"
        mine = (self.alice.account_id, fence, expires_us, since_us, host)
        self.db.execute("INSERT OR REPLACE INTO leases (account_id, fence, expires_us, since_us, host)"
                        " VALUES (?, ?, ?, ?, ?)", mine)  # fmt: skip
        if expires_us:
            (newest,) = self.db.execute("SELECT max(id) FROM journal").fetchone()
            self.db.execute("INSERT OR REPLACE INTO openings VALUES (?, ?, ?)", (mine[0], newest, since_us))
        self.witness.stored()

    def test_after_another(self) -> None:
        """A terminal that pays when another has got the account, though that has done nothing in it yet."""
        self.lease(0, 1)
        self.lease(1, 2, since_us=101)
        self.order()
        self.pay()
        self.wrong("in the session of terminal1", self.witness.stored)

    def test_after_the_end(self) -> None:
        """A terminal that pays when an operator has ended its session."""
        self.lease(0, 1)
        self.lease(0, 2, expires_us=0)
        self.order()
        self.pay()
        self.wrong("had been ended", self.witness.stored)

    def test_robbed(self) -> None:
        """A terminal from which another gets the account, unless it asked to take it over, or the time had passed."""
        tenants = self.witness.tenants
        self.lease(0, 1)
        self.lease(1, 2, since_us=100, expires_us=200)
        tenants.told_over(self.alice, "terminal0")
        self.lease(0, 3, since_us=199, expires_us=300)
        self.wrong("had not asked", tenants.told_over, self.alice, "terminal1")
        tenants.taking_over.add("terminal1")
        self.lease(1, 4, since_us=200, expires_us=300)
        tenants.told_over(self.alice, "terminal0")

    def test_refused_and_in(self) -> None:
        """A terminal that is refused the account, and has got it by that."""
        self.lease(0, 1)
        tenants = self.witness.tenants
        tenants.refused(self.alice, "terminal0", 1)
        self.lease(1, 2, since_us=101)
        tenants.refused(self.alice, "terminal0", 1)
        tenants.refused(self.alice, "terminal1", 101)
        self.wrong("has got it", tenants.refused, self.alice, "terminal1", 1)

    def test_served_after(self) -> None:
        """A terminal that is served after another has got the account."""
        self.witness.tenants.logged_in(self.alice, "terminal0", 1.0)
        self.witness.tenants.logged_in(self.alice, "terminal1", 2.0)
        self.witness.tenants.served(self.alice, "terminal0", 1.5)  # asked before
        self.wrong("was served", self.witness.tenants.served, self.alice, "terminal0", 3.0)

    def test_early_hint(self) -> None:
        """A datagram about an event that is not stored."""
        self.witness.hint(self.alice, 1)
        self.wrong("before it was stored", self.witness.hint, self.alice, 2)

    def test_notices(self) -> None:
        """Notices that are missing, double, or out of order."""
        self.witness.notices(self.alice, 1, [1])
        for numbers in ([], [1, 1], [2], [1, 2]):
            self.wrong("was told of", self.witness.notices, self.alice, 1, numbers)

    def test_told_twice(self) -> None:
        """A broadcast that an account is told of twice."""
        mine = self.alice.account_id
        row = {"account_id": mine, "number": 2, "kind": "broadcast", "at_us": 1, "broadcast_id": 1}
        self.db.execute("PRAGMA foreign_keys = OFF")
        for number in (2, 3):
            self.db.execute(
                f"INSERT INTO notices ({', '.join(row)}) VALUES (?, ?, ?, ?, ?)", [*(row | {"number": number}).values()]
            )
        self.db.execute("UPDATE accounts SET events = events + 2 WHERE id = ?", (mine,))
        self.wrong("2 times by broadcast", self.witness.stored)

    def test_secret(self) -> None:
        """A password or PIN in the log."""
        for secret in (self.alice.password, self.bob.pin):
            self.wrong("secret", self.witness.line, f"somebody said {secret}")


class Seeds(SynchronousTestCase):
    """A few worlds, from begin to end."""

    def tearDown(self) -> None:
        self.flushLoggedErrors()  # the witness has judged them

    def test_promises(self) -> None:
        """No promise is broken, and things happen in them: orders are done, banks crash, datagrams arrive."""
        results = [simulate(seed, shared_ground()) for seed in range(SEEDS)]
        for what in ("done", "crashes", "hints"):
            self.assertGreater(sum(getattr(result, what) for result in results), 0, what)

    def test_again(self) -> None:
        """A seed gives the same trace again, here and in another process."""
        here = simulate(1, shared_ground())
        self.assertEqual(simulate(1, shared_ground()), here)
        command = [sys.executable, "-m", "bankd.simulation", "--seed", "1"]
        told = subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": "4711"}, capture_output=True, check=True)
        self.assertEqual(json.loads(told.stdout)["trace"], here.trace)

    def test_broken(self) -> None:
        """A promise that is broken ends the simulation; what is raised tells seed and step."""
        simulation = Simulation(5, shared_ground())
        self.addCleanup(simulation.close)
        self.patch(simulation.witness, "stored", _wrong)
        broken = self.assertRaises(Broken, simulation.run)
        self.assertEqual((broken.seed, "planted" in broken.why, broken.step > 0), (5, True, True))
        self.assertTrue(str(broken).startswith(f"seed 5, step {broken.step}: "))

    def test_broken_connection(self) -> None:
        """A connection at whose commit the disk failed is good for nothing; the bank opens another."""
        made = shared_ground()
        made.fresh()
        database, disk = made.database, Disk(World(1))
        database.disk = disk
        self.addCleanup(setattr, database, "disk", None)
        self.addCleanup(database.close)
        change = text("UPDATE accounts SET events = events")
        with database.writer.connect() as connection:
            disk.faults = Faults(before=1.0)
            connection.execute(change)
            self.assertRaises(OperationalError, connection.commit)
            disk.faults = Faults()
            connection.rollback()
            self.assertRaises(OperationalError, connection.execute, change)
            connection.invalidate()
        with database.writing() as tx:
            tx.connection.execute(change)

    def test_crash_in_a_transaction(self) -> None:
        """A program that is gone locks nothing, whatever of it is not cleared away yet."""
        made = shared_ground()
        made.fresh()
        database = made.database
        database.disk = disk = Disk(World(1))
        self.addCleanup(setattr, database, "disk", None)
        self.addCleanup(database.close)
        disk.faults = Faults(crash=1.0)
        change = text("UPDATE accounts SET events = events")
        with database.writer.connect() as connection:
            connection.begin()
            driver: Any = connection.connection.driver_connection
            cursor = sqlite3.Connection.cursor(driver)
            cursor.execute("UPDATE accounts SET events = events RETURNING id")
            crash = self.assertRaises(Crash, connection.execute, change)
        database.close()
        with sqlite3.connect(str(made.database.file), timeout=0) as another:
            another.execute("BEGIN IMMEDIATE")
        del cursor, crash

    def test_faults_are_none_by_default(self) -> None:
        """A disk and a network are good unless they are made otherwise."""
        self.assertEqual({getattr(Faults(), name) for name in Faults.__slots__}, {0.0})


class Planted(SynchronousTestCase):
    """The faults that are planted in copies of the bank."""

    def test_they_fit(self) -> None:
        """Each still fits the bank as it is."""
        for fault in FAULTS:
            with TemporaryDirectory() as folder:
                path = Path(folder) / "bankd" / fault.file
                plant(fault, Path(folder))
                self.assertIn(fault.new, path.read_text())
        self.assertGreaterEqual(len(FAULTS), 40)

    def test_found(self) -> None:
        """One that every world has is found at once."""
        (fault,) = [fault for fault in FAULTS if "swapped sign" in fault.what]
        found = search(fault, seeds=3, jobs=1)
        assert found is not None
        self.assertEqual(found[0], 1)
        self.assertIn("balances do not go on", found[1])
