"""The datagrams that tell of notices: what opens, and that nothing else does."""

import struct
from random import Random

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from bankd.records import NoticeKind
from bankd.wire import grammar, notice
from bankd.wire.notice import LAST, MAX_DATAGRAM, MOST_HINTS, Hint, Opening, Probe, Sealing
from tests import docs

LISTENER = "9f86d081884c7d659a2feaa0c55ad015"
OTHER = "0" * 32
KEY = bytes(range(32))
PROOF = bytes(range(16))
HINTS = [Hint(7, "received"), Hint(8, "paid")]

HEADER = 25


def opened(*datagrams: bytes, listener: str = LISTENER, key: bytes = KEY) -> list[object]:
    """What a terminal finds in these datagrams."""
    opening = Opening(listener, key)
    return [opening.open(datagram) for datagram in datagrams]


def sealed(content: bytes, number: int = 1, direction: int = 1, version: int = 1) -> bytes:
    """A datagram with any content, sealed with the right key by hand, as the page describes it."""
    header = bytes([version]) + bytes.fromhex(LISTENER) + number.to_bytes(8, "big")
    nonce = direction.to_bytes(4, "big") + number.to_bytes(8, "big")
    return header + AESGCM(KEY).encrypt(nonce, content, header)


class RoundTrips(SynchronousTestCase):
    """Datagrams that arrive as they were sent."""

    def test_probe(self) -> None:
        """A probe brings its proof, and is as short as is promised."""
        probe = Sealing(LISTENER, KEY).probe(PROOF)
        self.assertEqual(opened(probe), [Probe(PROOF.hex())])
        self.assertEqual(len(probe), notice.PROBE_OCTETS)
        self.assertLessEqual(len(probe), 64)

    @given(
        st.lists(st.builds(Hint, st.integers(0, LAST), st.from_regex(r"[a-z_]{1,16}", fullmatch=True)), max_size=150)
    )
    def test_hints(self, hints: list[Hint]) -> None:
        """Any number of hints arrives, in order, in as few datagrams as there can be, none of them too long."""
        datagrams = list(Sealing(LISTENER, KEY).hints(hints))
        brought = opened(*datagrams)
        self.assertEqual([hint for some in brought for hint in some], hints)  # type: ignore[attr-defined]
        self.assertEqual(len(datagrams), -(-len(hints) // MOST_HINTS))
        self.assertLessEqual(max([0, *map(len, datagrams)]), MAX_DATAGRAM)

    def test_every_kind(self) -> None:
        """There is room for every kind of notice."""
        hints = [Hint(1, kind) for kind in NoticeKind]
        self.assertEqual(opened(*Sealing(LISTENER, KEY).hints(hints)), [tuple(hints)])

    def test_kinds_look_alike(self) -> None:
        """Who looks on cannot tell kinds apart by their lengths."""
        lengths = {len(next(Sealing(LISTENER, KEY).hints([Hint(1, kind)]))) for kind in NoticeKind}
        self.assertEqual(len(lengths), 1)

    def test_key(self) -> None:
        """A key travels as base64url, in the form of the grammar."""
        for key in (KEY, b"\xff" * 32, bytes(32)):
            spelt = notice.spell_key(key)
            self.assertEqual(notice.read_key(grammar.NOTICE_KEY.parse(spelt)), key)

    def test_numbers(self) -> None:
        """Each datagram has the next number, from 1, and with the last one there is an end: none is used twice."""
        sealing = Sealing(LISTENER, KEY)
        datagrams = [sealing.probe(PROOF), *sealing.hints(HINTS * MOST_HINTS), *sealing.hints(HINTS)]
        numbers = [int.from_bytes(datagram[17:HEADER], "big") for datagram in datagrams]
        self.assertEqual(numbers, [1, 2, 3, 4])
        sealing._last = LAST
        self.assertRaises(struct.error, sealing.probe, PROOF)


class Page(SynchronousTestCase):
    """The datagrams that the protocol's page prints."""

    def test_printed(self) -> None:
        """They are what the key that the page prints makes of what is printed above each, and it opens them."""
        (block,) = docs.blocks("datagrams")
        first, *lines = block.splitlines()
        listener, key = (word.partition("=")[2] for word in first.split())
        sealing, opening = Sealing(listener, notice.read_key(key)), Opening(listener, notice.read_key(key))
        for told, printed in zip(lines[::2], lines[1::2], strict=True):
            values = [word.partition("=")[2] for word in told.split()]
            hints = [Hint(int(number), kind) for number, kind in zip(values[::2], values[1::2], strict=False)]
            made = next(sealing.hints(hints)) if hints else sealing.probe(bytes.fromhex(values[0]))
            self.assertEqual(made.hex(), printed)
            self.assertEqual(opening.open(bytes.fromhex(printed)), tuple(hints) or Probe(values[0]))


class Refusals(SynchronousTestCase):
    """What is dropped without a word."""

    def setUp(self) -> None:
        self.probe, self.hints = Sealing(LISTENER, KEY).probe(PROOF), next(Sealing(LISTENER, KEY).hints(HINTS))

    def test_replayed(self) -> None:
        """A datagram that comes again is dropped, also long after."""
        sealing = Sealing(LISTENER, KEY)
        datagrams = [next(sealing.hints([Hint(n, "paid")])) for n in range(1, 301)]
        brought = opened(*datagrams, *datagrams)
        self.assertEqual(brought[:300], [(Hint(n, "paid"),) for n in range(1, 301)])
        self.assertEqual(set(brought[300:]), {None})

    def test_every_octet(self) -> None:
        """Another octet in any place, and in the number above all, is refused, and the true datagram opens after it."""
        for datagram in (self.probe, self.hints):
            for place in range(len(datagram)):
                for change in (1, 0x80, 0xFF):
                    altered = datagram[:place] + bytes([datagram[place] ^ change]) + datagram[place + 1 :]
                    self.assertEqual([found is None for found in opened(altered, datagram)], [True, False])

    def test_cut_and_extended(self) -> None:
        """A part of a datagram is refused, and one with more after it."""
        for datagram in (self.probe, self.hints):
            parts = [datagram[:length] for length in range(len(datagram))]
            self.assertEqual(set(opened(*parts, datagram + b"\0", datagram * 2, bytes(65507))), {None})

    def test_others(self) -> None:
        """Another listener's, another key's, the other direction's and another version's are refused."""
        for datagram in (
            Sealing(OTHER, KEY).probe(PROOF),
            Sealing(LISTENER, bytes(32)).probe(PROOF),
            sealed(b"\1" + PROOF, direction=0),
            sealed(b"\1" + PROOF, direction=2),
            sealed(b"\1" + PROOF, version=0),
            sealed(b"\1" + PROOF, version=2),
            sealed(b"\1" + PROOF, number=0),
        ):
            self.assertEqual(opened(datagram), [None])
        self.assertEqual(opened(sealed(b"\1" + PROOF)), [Probe(PROOF.hex())])

    def test_other_forms(self) -> None:
        """What the bank itself sealed in a form that is not known, as a newer bank may, is passed over."""
        hint = (7).to_bytes(8, "big") + b"paid".ljust(16, b"\0")
        for content in (b"", b"\0", b"\3" + hint, b"\2", b"\2" + hint[:-1], b"\2" + hint + b"\0", b"\1", b"\1" + hint):
            self.assertEqual(opened(sealed(content)), [None], content)
        self.assertEqual(opened(sealed(b"\2" + hint)), [(Hint(7, "paid"),)])

    def test_kind_that_is_no_word(self) -> None:
        """Octets that are not ASCII in the place of a kind are a kind that nobody knows."""
        brought = opened(sealed(b"\2" + bytes(7) + b"\7" + b"\xff" * 16))
        self.assertEqual(brought, [(Hint(7, "\N{REPLACEMENT CHARACTER}" * 16),)])

    def test_garbage(self) -> None:
        """Random octets of any length, also with the right beginning, are refused."""
        chance = Random(9146)
        garbage = [chance.randbytes(chance.randrange(1400)) for _ in range(1000)]
        garbage += [self.hints[:HEADER] + chance.randbytes(chance.randrange(1200)) for _ in range(1000)]
        self.assertEqual(set(opened(*garbage)), {None})
