"""The past in the journal: instants, and the last entry of an account before them, against a plain list."""

import random
from bisect import bisect_right
from collections.abc import Iterator

from sqlalchemy import insert

from bankd.store import customers, history, schema
from tests.test_store import START_US, StoreCase


class HistoryCase(StoreCase):
    """A test with a journal of which account A1 has some entries; where they are is the test's to say."""

    def write(self, ours: list[bool], times_us: list[int] | None = None) -> None:
        """Make a journal: an entry for each in ``ours``, of A1's when that is true, else between others."""
        self.ids: list[int] = []
        self.times_us = times_us or [START_US + 10 * number for number in range(1, len(ours) + 1)]
        one, other, another = (self.add_account(number) for number in ("A1", "A2", "A3"))
        newest: dict[int, int] = {}
        rows = []
        for number, (our, at_us) in enumerate(zip(ours, self.times_us, strict=True), 1):
            debit, credit = (one, other) if our and number % 2 else (other, one) if our else (other, another)
            rows.append(_row(number, at_us, debit, credit, newest))
            newest[debit] = newest[credit] = number
            self.ids += [number] if our else []
        with self.store.writing() as tx:
            for row in rows:
                tx.connection.execute(insert(schema.journal).values(row))
            if one in newest:
                customers.change_account(tx, one, newest=newest[one])
            self.one = customers.account(tx.connection, one)

    def last(self, upto_id: int) -> int | None:
        """What is found to be A1's last entry up to a place."""
        with self.store.reading() as connection:
            return history.last_entry_id(connection, self.one.id, self.one.newest, upto_id)

    def place(self, at_us: int) -> int:
        """The place that is found for an instant."""
        with self.store.reading() as connection:
            return history.place_of(connection, at_us)


def _row(number: int, at_us: int, debit: int, credit: int, newest: dict[int, int]) -> dict[str, object]:
    return {
        "id": number,
        "kind": "transfer",
        "debit_id": debit,
        "credit_id": credit,
        "amount_minor": 1,
        "debit_balance": 0,
        "credit_balance": 0,
        "debit_previous": newest.get(debit),
        "credit_previous": newest.get(credit),
        "debit_event": 1,
        "credit_event": 1,
        "at_us": at_us,
        "key": f"k{number}",
        "customer_id": 1,
    }


class Places(HistoryCase):
    """Where an instant lies."""

    def test_every_instant(self) -> None:
        """The place is the last entry at or before the instant, also where several have the same time."""
        for count in (1, 2, 3, 7, 8, 9):
            with self.subTest(count=count):
                self.setUp()
                self.write([True] * count, [START_US + 10 * (number // 2) for number in range(count)])
                for at_us in range(START_US - 1, START_US + 10 * count):
                    self.assertEqual(self.place(at_us), bisect_right(self.times_us, at_us), at_us)

    def test_empty_journal(self) -> None:
        """Before the first entry everything is at the beginning."""
        self.assertEqual(self.place(START_US), 0)

    def test_clock_that_was_set_back(self) -> None:
        """An instant then has one place of several: never before that of an earlier one, and the same for ever."""
        times_us = [START_US + at for at in (10, 20, 30, 12, 14, 25, 40, 50, 20, 60)]
        self.write([True] * 10, times_us)
        instants = range(START_US, START_US + 70)
        places = [self.place(at_us) for at_us in instants]
        self.assertEqual(places, sorted(places))
        for at_us, place in zip(instants, places, strict=True):
            before, after = [0, *times_us][place], [*times_us, at_us + 1][place]
            self.assertTrue(before <= at_us < after, (at_us, place))
        with self.store.writing() as tx:
            for number in range(11, 40):
                tx.connection.execute(insert(schema.journal).values(_row(number, START_US + 99, 1, 2, {})))
        self.assertEqual([self.place(at_us) for at_us in instants], places)


class LastEntries(HistoryCase):
    """An account's last entry before a place, with so few pointers and so short stretches that every way is taken."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(history, "STEPS", 3)
        self.patch(history, "STRETCH", 4)

    def check(self, ours: list[bool]) -> None:
        """Fail unless the last entry before every place is found."""
        self.write(ours)
        for place in range(len(ours) + 2):
            before = bisect_right(self.ids, place)
            self.assertEqual(self.last(place), self.ids[before - 1] if before else None, place)

    def test_shapes(self) -> None:
        """However an account's entries lie in the journal: always, seldom, late, early, in bursts, by chance, never."""
        for name, ours in _shapes():
            with self.subTest(shape=name):
                self.setUp()
                self.check(ours)

    def test_journal_is_looked_at(self) -> None:
        """An account that is busy all the time is found by a few looks, not by following every pointer."""
        self.write([True] * 150)
        steps: list[int] = []
        step_back = history._stepped_back

        def counted(*given: int) -> int | None:
            steps.append(1)
            return step_back(*given)  # type: ignore[arg-type]  # as it came

        self.patch(history, "_stepped_back", counted)
        self.assertEqual(self.last(1), 1)
        self.assertLess(len(steps), 10)


def _shapes() -> Iterator[tuple[str, list[bool]]]:
    size, chance = 150, random.Random(1)
    yield "always", [True] * size
    yield "never", [False] * size
    yield "seldom", [number % 40 == 7 for number in range(size)]
    yield "late", [number > 120 for number in range(size)]
    yield "early", [number < 30 for number in range(size)]
    yield "in bursts", [number % 30 < 6 for number in range(size)]
    yield "by chance", [chance.random() < 0.3 for _ in range(size)]
