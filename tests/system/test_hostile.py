"""The cases of tests/hostile, but for those that take long: `make hostile` plays all of them."""

import sys

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from bench.programs import scratch
from tests.hostile import profile
from tests.hostile.case import Case, Subject
from tests.hostile.catalogue import GROUPS
from tests.hostile.report import FEWEST, measure
from tests.hostile.siege import cases_of, play
from tests.hostile.target import target


class Hostile(SynchronousTestCase):
    """What strangers and bad customers try, each group of subjects against a bank of its own."""

    def assertUnmoved(self, group: str) -> None:
        """Each case is answered as it should be, and leaves nothing behind."""

        def is_short(_: Subject, case: Case) -> bool:
            return not case.long

        played = play(cases_of(GROUPS[group], is_short))
        wrong = [f"{one.subject}: {one.case.name}: {said}" for one in played for said in one.complaints]
        self.assertEqual(wrong, [], "\n".join(wrong))
        self.assertGreater(len(played), 0)

    def test_lines(self) -> None:
        """Lines that are none, and verbs and fields that are wrong."""
        self.assertUnmoved("lines")

    def test_values(self) -> None:
        """Values at the edge and beyond it, and people who are nobody."""
        self.assertUnmoved("values")

    def test_order(self) -> None:
        """Requests at the wrong moment, too many of them, and after the end."""
        self.assertUnmoved("order")

    def test_property(self) -> None:
        """Money that is not there, and what belongs to others."""
        self.assertUnmoved("property")

    def test_seals(self) -> None:
        """Seals that are none, and lines of sealed sessions that are not the next."""
        self.assertUnmoved("seals")

    def test_passwords(self) -> None:
        """One-time passwords that are wrong, late, another's or for something else, and accounts taken over."""
        self.assertUnmoved("passwords")

    def test_gate(self) -> None:
        """Strangers who are slow, silent or too many."""
        self.assertUnmoved("gate")

    def test_beneath(self) -> None:
        """TLS that is none, and the other ports."""
        self.assertUnmoved("beneath")

    def test_all_groups(self) -> None:
        """Every group has its test."""
        for group in GROUPS:
            self.assertTrue(hasattr(self, f"test_{group}"), group)


class Report(SynchronousTestCase):
    """What cases cost a customer beside them."""

    def test_beside(self) -> None:
        """The customer gets in also where a one-time password is wanted, and what they waited is told."""
        found = cases_of(GROUPS["passwords"], lambda subject, case: case is subject.cases[0])
        played, calm = measure(found, lambda _: None)
        self.assertEqual([one.complaints for one in played], [[]] * len(found))
        self.assertGreater(len(calm.quiet), FEWEST)
        self.assertIn("p99 / quiet p99", "\n".join(calm.lines()))


class Profile(SynchronousTestCase):
    """What sslyze says of a running bank."""

    def test_modern(self) -> None:
        """It keeps to the profile of TLS that Mozilla calls modern."""
        sslyze = profile.find_sslyze()
        if sslyze is None:
            print(f"a system test is skipped: {profile.ABSENT}", file=sys.stderr)
            raise SkipTest(profile.ABSENT)
        with scratch() as folder, target(folder / "bank", 4) as bank:
            said = profile.scan(sslyze, bank)
        self.assertIn("OK - Compliant", said)
