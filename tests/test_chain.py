"""The links between entries, and what a checkpoint says."""

from itertools import combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from bankd.ledger import chain, checkpoint
from bankd.ledger.checkpoint import Checkpoint
from bankd.ledger.entries import Entry

KEY = bytes(range(32))

steady = settings(derandomize=True, database=None, deadline=None, max_examples=300)

FIRST = Entry._make(
    # Fields that were added after these are None for entries from before them.
    (
        *(1, "transfer", 11, 12, 2500, 7500, 2500, None, None, 1, 2, 1_795_169_700_123_456, "k1", 1, "Café, May"),
        *[None] * (len(Entry._fields) - 15),
    )
)

values = st.none() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text(max_size=6) | st.sampled_from(["null", "1", ""])
made_up = st.tuples(*[values] * len(Entry._fields)).filter(lambda fields: fields[0] is not None).map(Entry._make)


class Links(SynchronousTestCase):
    """What a link depends on."""

    def test_fixed(self) -> None:
        """The link of a known entry is what it was when the first bank was sealed; another would break every chain."""
        self.assertEqual(
            chain.link(KEY, chain.START, FIRST).hex(),
            "9cfc6a87188841759da84f7bb5b42a4dca47ecf59276bc7ec886af7ab9e1c567",
        )

    def test_everything_counts(self) -> None:
        """The key, the link before and every field make another link."""
        changes: list[Any] = [("x" if isinstance(value, str) else 99) for value in FIRST]
        changed = [FIRST._replace(**{name: new}) for name, new in zip(Entry._fields, changes, strict=True)]
        made = [chain.link(KEY, chain.START, entry) for entry in (FIRST, *changed)]
        made += [chain.link(bytes(32), chain.START, FIRST), chain.link(KEY, KEY, FIRST)]
        self.assertEqual(len(set(made)), len(Entry._fields) + 3)
        self.assertEqual({len(link) for link in made}, {32})

    def test_none_is_no_text(self) -> None:
        """Nothing, a number, and texts that look like them are all different."""
        made = [
            chain.link(KEY, chain.START, FIRST._replace(key=key, customer_id=customer_id))
            for key, customer_id in (("1", 2), ('1",2', 2), ("null", 2), ('1,"2"', 2), ("1", 22), ("", 2))
        ]
        for one, other in combinations(made, 2):
            self.assertNotEqual(one, other)

    @steady
    @given(made_up, made_up)
    def test_injective(self, one: Entry, other: Entry) -> None:
        """Two entries have the same link just when they are the same."""
        links = [chain.link(KEY, chain.START, entry) for entry in (one, other)]
        self.assertEqual(links[0] == links[1], one == other)
        self.assertEqual(chain.link(KEY, chain.START, Entry._make(one)), links[0])

    def test_one_after_another(self) -> None:
        """Links of a batch follow each other from the head on; of nothing there are none."""
        second = FIRST._replace(id=2)
        first_link = chain.link(KEY, chain.START, FIRST)
        self.assertEqual(
            chain.links(KEY, chain.START, [FIRST, second]), [first_link, chain.link(KEY, first_link, second)]
        )
        self.assertEqual(chain.links(KEY, chain.START, []), [])


class Claims(SynchronousTestCase):
    """A checkpoint as it is signed."""

    def test_there_and_back(self) -> None:
        """A checkpoint is read from its claims."""
        taken = Checkpoint(5, 7, KEY, {"USD": -100, "EUR": 0})
        self.assertEqual(checkpoint.read_claims(taken.claims()), taken)

    def test_nonsense(self) -> None:
        """Claims of something else are told to be none."""
        right = Checkpoint(5, 7, KEY, {"USD": -100}).claims()
        wrongs: tuple[Any, ...] = (
            {},
            [],
            {**right, "tills": [1]},
            {**right, "tills": {"USD": "x"}},
            {**right, "head": "xyz"},
            {**right, "head": 5},
            {**right, "entry": None},
            {name: value for name, value in right.items() if name != "at_us"},
        )
        for wrong in wrongs:
            self.assertRaises(ValueError, checkpoint.read_claims, wrong)
