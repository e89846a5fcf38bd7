"""Turns: whose call is made next, who may have how many waiting, and who is whom."""

from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.bank import lockout
from bankd.bank.lockout import Tried
from bankd.codes import Refused
from bankd.credentials import Origin
from bankd.perspectives import tries, turns
from bankd.perspectives.turns import MOST, SHARE, Comer, Turns
from bankd.testing import AtOnce, PracticeBank, Stepped

FLOOD = Comer("network 127.0.0.0/24")
HONEST = Comer("network 127.0.9.0/24")
TERMINAL = Comer("customer 1", known=True)


class TurnsCase(SynchronousTestCase):
    """A test with a pool of two threads, and a note of what was made in which order."""

    def setUp(self) -> None:
        self.pool = Stepped()
        self.turns = Turns(self.pool, 2)
        self.made: list[Any] = []

    def ask(self, comer: Comer, what: Any = None) -> Deferred[Any]:
        """Have a call made for ``comer``, which notes ``what``, or else who it is for."""
        return self.turns(comer, self.made.append, comer if what is None else what)

    def flood(self, comer: Comer = FLOOD, count: int = 300) -> int:
        """Have many made; how many are not refused."""
        asked = [self.ask(comer) for _ in range(count)]
        refused = [one for one in asked if one.called]
        for one in refused:
            self.assertIs(self.failureResultOf(one, Refused).value.code, codes.BUSY)
        return count - len(refused)

    def step(self, count: int = 1) -> None:
        """Have so many calls of the pool made."""
        for _ in range(count):
            self.pool.step()


class InTurns(TurnsCase):
    """Whose call is made next."""

    def test_one_among_hundreds(self) -> None:
        """Behind hundreds of one network's, another's only call is made after those two that were being made."""
        self.flood()
        self.assertEqual(len(self.pool.waiting), 2)
        honest = self.ask(HONEST)
        self.step(4)
        self.successResultOf(honest)
        self.assertLessEqual(self.made.index(HONEST), 3)

    def test_as_often(self) -> None:
        """Who asks again as soon as there is an answer waits for the call after the next, however long that goes on."""
        self.flood()
        honest = self.ask(HONEST)
        for _ in range(200):
            self.step()
            self.flood(count=1)
            if honest.called:
                honest = self.ask(HONEST)
        self.assertEqual(self.made.count(HONEST), 50)

    def test_many_networks(self) -> None:
        """Of many networks each has a turn before one of them has its second."""
        networks = [Comer(f"network {number}") for number in range(20)]
        for network in networks:
            self.flood(network, 5)
        self.pool.drain()
        self.assertEqual(self.made[2:22], networks)

    def test_own_order(self) -> None:
        """The calls of one comer are made in their order."""
        for number in range(9):
            self.ask(HONEST, number)
            self.ask(FLOOD)
        self.pool.drain()
        self.assertEqual([one for one in self.made if one != FLOOD], list(range(9)))

    def test_acquaintances(self) -> None:
        """However many networks of strangers wait, a trusted terminal waits for one call of theirs at most."""
        for number in range(100):
            self.flood(Comer(f"network {number}"), 3)
        self.ask(TERMINAL)
        self.ask(TERMINAL)
        self.step(6)
        self.assertLessEqual(self.made.index(TERMINAL), 3)
        self.assertEqual(self.made.count(TERMINAL), 2)

    def test_strangers_are_not_forgotten(self) -> None:
        """Acquaintances who do not stop do not keep a stranger waiting either."""
        for number in range(100):
            self.flood(Comer(f"customer {number}", known=True), 3)
        self.ask(HONEST)
        self.step(4)
        self.assertIn(HONEST, self.made)

    def test_no_more_at_once(self) -> None:
        """The pool is never given more than it has threads."""
        self.flood()
        while self.pool.waiting:
            self.assertLessEqual(len(self.pool.waiting), 2)
            self.step()


class Places(TurnsCase):
    """How many may wait."""

    def test_of_one(self) -> None:
        """One comer has a tenth of the places or fewer; what it asks beyond that is refused, and only to it."""
        had = self.flood()
        self.assertEqual(had, 37)
        self.assertLessEqual(had, MOST / SHARE)
        self.assertEqual(self.flood(count=50), 0)
        self.assertFalse(self.ask(HONEST).called)

    def test_of_many(self) -> None:
        """However many ask for all they can, there is soon a place for who has none, and goes on to be."""
        networks = [Comer(f"network {number}") for number in range(100)]
        self.assertLessEqual(sum(self.flood(network) for network in networks), MOST)
        honest: Deferred[Any] | None = None
        for step in range(3 * MOST):
            self.step()
            for network in networks:
                self.flood(network, 1)
            if step >= MOST and (honest is None or honest.called):
                self.assertIsNone(self.successResultOf(honest) if honest else None)
                honest = self.ask(HONEST)

    def test_of_all(self) -> None:
        """The whole is bounded, and acquaintances still find places where strangers find none."""
        had = [self.flood(Comer(f"network {number}"), 1) for number in range(MOST + 100)]
        self.assertEqual(sum(had), MOST)
        self.assertFalse(self.ask(TERMINAL).called)

    def test_room_again(self) -> None:
        """Each call that was made, also one that failed or was cancelled, leaves a place for another."""
        had = self.flood()
        self.step()
        self.assertEqual(self.flood(), 1)
        self.pool.drain()
        failing = [self.turns(FLOOD, divmod, 1, 0) for _ in range(had)]
        self.assertEqual(self.flood(count=1), 0)
        self.pool.drain()
        for one in failing:
            self.failureResultOf(one, ZeroDivisionError)
        self.assertEqual(self.flood(), had)

    def test_cancelled(self) -> None:
        """A call that is cancelled while it waits is not made, and its place is free."""
        asked = [self.ask(FLOOD, number) for number in range(37)]
        only = self.ask(HONEST)
        only.cancel()
        self.failureResultOf(only, CancelledError)
        self.assertEqual(self.flood(count=1), 0)
        asked[20].cancel()
        self.failureResultOf(asked[20], CancelledError)
        self.assertEqual(self.flood(count=2), 1)
        self.pool.drain()
        self.assertEqual(self.made[:-1], [*range(20), *range(21, 37)])

    def test_cancelled_under_way(self) -> None:
        """One that is cancelled while it is made frees its place at once, and its thread when it has ended."""
        asked = [self.ask(FLOOD, number) for number in range(3)]
        asked[0].cancel()
        self.failureResultOf(asked[0], CancelledError)
        self.assertEqual(len(self.pool.waiting), 2)
        self.pool.drain()
        self.assertEqual(self.made, [0, 1, 2])
        self.assertEqual(self.flood(), 37)

    def test_kept(self) -> None:
        """A place that was taken beforehand is there for call after call, and free when it is left."""
        single = Turns(AtOnce(), 1, 1)
        with single.place(FLOOD) as place:
            self.failureResultOf(single(FLOOD, str), Refused)
            self.assertEqual([self.successResultOf(place(str)) for _ in range(3)], [""] * 3)
        self.successResultOf(single(FLOOD, str))

    def test_nobody_is_kept_in_mind(self) -> None:
        """Who has nothing waiting any more is forgotten."""
        self.flood()
        self.pool.drain()
        self.assertEqual((self.turns._strangers.places, self.turns._strangers.waiting), ({}, {}))


class WhoIsWho(SynchronousTestCase):
    """Whom calls are for."""

    def test_visitors(self) -> None:
        """Visitors are their network's, and a terminal with a certificate is one by itself wherever it is."""
        self.assertEqual(turns.visitor("127.0.9.1", None), HONEST)
        self.assertEqual(turns.visitor("127.0.9.1", "ab"), Comer("certificate ab", known=True))

    def test_at_the_door(self) -> None:
        """Who shows a token is apart from the others of that network, however many tokens are shown."""
        door = partial(turns.at_the_door)
        self.assertEqual({door(Origin("127.0.9.1")), door(Origin("127.0.9.2", token=""))}, {HONEST})
        shown = {door(Origin("127.0.9.1", token=str(number))) for number in range(9)}
        self.assertEqual(shown, {Comer(HONEST.name, known=True)})
        self.assertEqual(door(Origin("127.0.9.1", "ab", "x")), Comer("certificate ab", known=True))

    def test_trying(self) -> None:
        """A network is one by whatever way in, and a customer's trusted terminals and sessions are one together."""
        for kind in ("pin", "password"):
            network = f"{kind} network 127.0.9.0/24"
            self.assertEqual(turns.trying(Tried("1", 1, network, f"{kind} strangers")), HONEST)
            self.assertEqual(turns.trying(Tried("1", 1, f"{kind} terminal x")), TERMINAL)
            self.assertEqual(turns.trying(lockout.in_session(1, kind)), TERMINAL)
        certified = Comer("certificate ab", known=True)
        self.assertEqual(turns.trying(Tried("nobody", None, "pin certificate ab")), certified)


class Tries(SynchronousTestCase):
    """Tries that find no place, or are not carried out."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.lane = Stepped()
        self.bank = PracticeBank(folder, lane_pool=self.lane)
        self.addCleanup(self.bank.close)
        self.tried = lockout.in_session(self.bank.add_customer("alice").customer_id, "pin")

    def test_no_place(self) -> None:
        """Who finds no place is refused before anything is written or looked at."""
        self.bank.branch.hash_pool = Turns(AtOnce(), 1, 0)
        made: Deferred[Any] = Deferred.fromCoroutine(tries.make(self.bank.branch, self.tried, self.fail))
        self.assertIs(self.failureResultOf(made, Refused).value.code, codes.BUSY)
        self.assertEqual(len(self.lane.waiting), 0)

    def test_place_is_there(self) -> None:
        """Who is counted has a place already: another cannot take it meanwhile."""
        pool = Stepped()
        self.bank.branch.hash_pool = Turns(pool, 1, 1)
        trying = tries.make(self.bank.branch, self.tried, lambda place: place(str, 5))
        made: Deferred[str] = Deferred.fromCoroutine(trying)
        self.failureResultOf(self.bank.branch.hash_pool(TERMINAL, str), Refused)
        self.lane.drain()
        pool.drain()
        self.assertEqual(self.successResultOf(made), "5")
