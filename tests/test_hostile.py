"""What the hostile suite judges by, judged: a checker that finds nothing may be blind."""

import random
from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from tests.hostile import traces
from tests.hostile.case import Case, is_like
from tests.hostile.catalogue import SUBJECTS
from tests.hostile.ranks import area_under_curve
from tests.hostile.scene import Scene
from tests.hostile.target import PASSWORD, Target, with_settings
from tests.hostile.traces import Held, Traces


class AreasUnderCurves(SynchronousTestCase):
    """What is said of two samples."""

    def test_nothing_tells(self) -> None:
        """Two samples of one distribution are told apart no better than by a coin."""
        source = random.Random(4)
        ones, others = ([source.gauss(20, 1) for _ in range(1000)] for _ in range(2))
        area = area_under_curve(ones, others)
        self.assertTrue(area.low < 0.5 < area.high, area)
        self.assertTrue(0.02 < area.high - area.low < 0.06, area)

    def test_a_difference_tells(self) -> None:
        """Normal distributions a deviation apart have an area of 0.760: the distribution's value at the root of 1/2."""
        source = random.Random(5)
        area = area_under_curve([source.gauss(1, 1) for _ in range(2000)], [source.gauss(0, 1) for _ in range(2000)])
        self.assertTrue(area.low < 0.760 < area.high, area)
        self.assertGreater(area.low, 0.7)

    def test_by_hand(self) -> None:
        """Of four pairs one is in order, two are not, and one is a tie; less tells as well as more."""
        area = area_under_curve([1.0, 2.0], [2.0, 1.5])
        self.assertEqual(area.area, (0 + 0.5 + 0 + 1) / 4)
        self.assertEqual(area.telling, 0.625)


class Settings(SynchronousTestCase):
    """Settings that are told on a command line."""

    def test_over_others(self) -> None:
        """One that is told replaces the one that stands there; others stay."""
        changed = with_settings({"server": {"login_seconds": 3}}, ["server.login_seconds=4", "bank.one_time=off"])
        self.assertEqual(changed, {"server": {"login_seconds": "4"}, "bank": {"one_time": "off"}})


class Catalogue(SynchronousTestCase):
    """All cases."""

    def test_names(self) -> None:
        """Each has words of its own, by which it can be chosen."""
        names = [f"{subject.name}: {case.name}" for subject in SUBJECTS for case in subject.cases]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreater(len(names), 500)


class Answers(SynchronousTestCase):
    """What counts as the answer that is wanted."""

    def test_whole(self) -> None:
        """A line is compared as a whole, where "..." is anything and nothing else is special."""
        for heard, wanted, alike in (
            ("a 200", "a 200", True),
            ("a 2000", "a 200", False),
            ("a 200 receipt=1 balance=5", "a 200 ... balance=5", True),
            ("a 200 receipt=1 balance=55", "a 200 ... balance=5", False),
            ("a 200 xbalance", "a 200 .balance", False),
        ):
            self.assertEqual(is_like(heard, wanted), alike, (heard, wanted))


class Watched:
    """As much of a bank and of a scene as is looked at: customer 1 acts, and customer 2 does not."""

    log = ""
    actors = frozenset({1})


class WhatIsLeft(SynchronousTestCase):
    """What is said of a case by what it left behind."""

    def setUp(self) -> None:
        self.bank = Watched()

    def tables(self, *changes: tuple[str, int, dict[str, Any]]) -> dict[str, traces.Rows]:
        """Two customers with 50 each, of whom 1 has paid 2 in entry 1; then rows changed, or added."""
        account = {"kind": "current", "currency": "USD", "newest": 1, "events": 1, "held_minor": 0}
        tables: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {
            "customers": {(1,): {"id": 1, "name": "Mallory"}, (2,): {"id": 2, "name": "Anna"}},
            "accounts": {
                (1,): account | {"id": 1, "number": "1", "customer_id": 1, "balance_minor": 50},
                (2,): account | {"id": 2, "number": "2", "customer_id": 2, "balance_minor": 50},
                (3,): account | {"id": 3, "number": "T", "customer_id": None, "balance_minor": -100, "kind": "till"},
            },
            "journal": {(1,): {"id": 1, "customer_id": 1, "amount_minor": 5}},
            "notices": {},
        }
        for table, key, values in changes:
            tables[table][(key,)] = tables[table].get((key,), {}) | values
        return cast(dict[str, traces.Rows], tables)

    def said(self, case: Case, *changes: tuple[str, int, dict[str, Any]]) -> list[str]:
        """The complaints about a case after which rows have changed."""
        before, after = (Traces(tables, Held(1, 1), 0) for tables in (self.tables(), self.tables(*changes)))
        bank, scene = cast(Target, self.bank), cast(Scene, self.bank)
        return list(traces.complaints(bank, before, after, case, scene))

    def assertSaid(self, case: Case, words: str, *changes: tuple[str, int, dict[str, Any]]) -> None:
        """Just one thing is said, with these words in it."""
        said = self.said(case, *changes)
        self.assertEqual(len(said), 1, said)
        self.assertIn(words, said[0])

    def test_nothing(self) -> None:
        """A case that changed nothing is right."""
        self.assertEqual(self.said(NOTHING), [])

    def test_paid(self) -> None:
        """A payment to somebody else is right where one was announced; not where none was, or two were."""
        pays = (
            ("journal", 2, {"id": 2, "customer_id": 1, "amount_minor": 3}),
            ("accounts", 1, {"balance_minor": 47, "newest": 2, "events": 2}),
            ("accounts", 2, {"balance_minor": 53, "newest": 2, "events": 2}),
        )
        self.assertEqual(self.said(Case("", NOTHING.act, entries=1), *pays), [])
        self.assertEqual(self.said(Case("", NOTHING.act, entries=None), *pays), [])
        self.assertSaid(Case("", NOTHING.act, entries=2), "1 entries more, and 2 should be", *pays)
        self.assertEqual(len(self.said(NOTHING, *pays)), 3)

    def test_robbed(self) -> None:
        """Who does not act never becomes poorer, nor is anything else of theirs changed."""
        robs = (
            ("journal", 2, {"id": 2, "customer_id": 1, "amount_minor": 3}),
            ("accounts", 1, {"balance_minor": 53}),
            ("accounts", 2, {"balance_minor": 47}),
        )
        self.assertSaid(Case("", NOTHING.act, entries=1), "accounts (2,) of customer 2", *robs)
        renamed = Case("", NOTHING.act, changes=frozenset({"customers"}))
        self.assertSaid(renamed, "customers (2,) of customer 2", ("customers", 2, {"name": "Mallory"}))
        self.assertEqual(self.said(renamed, ("customers", 1, {"name": "M."})), [])
        self.assertSaid(NOTHING, "customers (1,)", ("customers", 1, {"name": "M."}))

    def test_forged(self) -> None:
        """An entry that was there is as it was, and one in another's name is found."""
        self.assertSaid(NOTHING, "has changed", ("journal", 1, {"amount_minor": 6}))
        added = ("journal", 2, {"id": 2, "customer_id": 2, "amount_minor": 3})
        self.assertSaid(Case("", NOTHING.act, entries=1), "in the names of {2}", added)

    def test_balances(self) -> None:
        """Balances that do not add up, or are below zero, are found, whoever's they are."""
        entry = ("journal", 2, {"id": 2, "customer_id": 1, "amount_minor": 3})
        pays = Case("", NOTHING.act, entries=1)
        self.assertSaid(pays, "add up to 7", entry, ("accounts", 1, {"balance_minor": 57}))
        overdrawn = (("accounts", 1, {"balance_minor": -1}), ("accounts", 2, {"balance_minor": 101}))
        self.assertSaid(pays, "is at -1", entry, *overdrawn)

    def test_logged(self) -> None:
        """Faults, passwords and lines that the bank did not write are found in the log; its own lines are not."""
        self.bank.log = "2026-11-20T10:15:00+0000 [bankd] 127.0.0.1:5 connected\n\t127.0.0.1:5 closed\n"
        self.assertEqual(self.said(NOTHING), [])
        for line, words in (
            ("2026-11-20T10:15:00+0000 [bankd] incident 12", "a fault"),
            (f"2026-11-20T10:15:00+0000 [bankd] {PASSWORD}", "a password"),
            ("forged", "not the bank's"),
        ):
            self.bank.log = line
            self.assertSaid(NOTHING, words)


NOTHING = Case("nothing", lambda _: None)
