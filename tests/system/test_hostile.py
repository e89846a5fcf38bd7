"""The cases of tests/hostile, but for those that take long: `make hostile` plays all of them."""

from twisted.trial.unittest import SynchronousTestCase

from tests.hostile.case import Case, Subject
from tests.hostile.cases import (
    access,
    datagrams,
    framing,
    http,
    money,
    people,
    pipelining,
    records,
    requests,
    states,
    tls,
    values,
)
from tests.hostile.siege import cases_of, play


class Hostile(SynchronousTestCase):
    """What strangers and bad customers try, each subject against a bank of its own."""

    def assertUnmoved(self, *subjects: Subject) -> None:
        """Each case is answered as it should be, and leaves nothing behind."""

        def is_short(_: Subject, case: Case) -> bool:
            return not case.long

        played = play(cases_of(subjects, is_short))
        wrong = [f"{one.subject}: {one.case.name}: {said}" for one in played for said in one.complaints]
        self.assertEqual(wrong, [], "\n".join(wrong))
        self.assertGreater(len(played), 0)

    def test_lines(self) -> None:
        """Lines that are none, and verbs and fields that are wrong."""
        self.assertUnmoved(framing.SUBJECT, requests.SUBJECT)

    def test_values(self) -> None:
        """Values at the edge and beyond it."""
        self.assertUnmoved(values.SUBJECT, people.SUBJECT)

    def test_order(self) -> None:
        """Requests at the wrong moment, too many of them, and after the end."""
        self.assertUnmoved(states.SUBJECT, pipelining.SUBJECT)

    def test_property(self) -> None:
        """Money that is not there, and what belongs to others."""
        self.assertUnmoved(money.SUBJECT, access.SUBJECT)

    def test_under_the_protocol(self) -> None:
        """TLS that is none, and the other ports."""
        self.assertUnmoved(tls.SUBJECT, records.SUBJECT, http.SUBJECT, datagrams.SUBJECT)
