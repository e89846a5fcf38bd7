"""Many transfers in one request: its lines as they are read, what is made of them, and that nobody else waits."""

from collections.abc import Iterable

from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.codes import Code
from bankd.protocols.asked import Asked, Reader
from bankd.protocols.line import TURN
from bankd.testing import Known, Wire
from bankd.wire.messages import MAX_BULK, Balance, Bulk, BulkItem
from tests.test_line import LineCase

END = b"b BULK count=%d mode=all currency=USD key=k"


def bulk(payees: Iterable[tuple[Known, int]], mode: str = "all", key: str = "k", tag: str = "b") -> list[str]:
    """The lines of a request that pays so much to each."""
    items = [f"{tag} - to={payee.account} amount={amount_minor}" for payee, amount_minor in payees]
    return [*items, f"{tag} BULK count={len(items)} mode={mode} currency=USD key={key}"]


class Reading(SynchronousTestCase):
    """Lines become requests."""

    def setUp(self) -> None:
        self.reader = Reader()

    def read(self, *lines: bytes, is_customer: bool = True) -> list[Asked]:
        """What is asked with lines."""
        return [asked for line in lines for asked in self.reader.read(line, is_customer)]

    def assertRefused(self, asked: Asked, code: Code, field: str | None = None, place: int | None = None) -> None:
        """Fail unless a request of items is refused so, and nothing is kept for it."""
        refused = asked.refused
        assert refused is not None
        self.assertEqual((asked.kind, refused.code, refused.field, refused.place), (Bulk, code, field, place))
        self.assertEqual((asked.message, asked.items), (None, 0))

    def test_items(self) -> None:
        """Items ask nothing by themselves; with their last line they are one request."""
        self.assertEqual(self.read(b"b - to=1 amount=2", b"b - amount=3 reference=a%20b to=4"), [])
        (asked,) = self.read(END % 2)
        items = (BulkItem(to="1", amount=2), BulkItem(to="4", amount=3, reference="a b"))
        self.assertEqual(
            asked, Asked("b", Bulk, Bulk(count=2, mode="all", currency="USD", key="k", items=items), None, 2)
        )
        self.assertEqual(self.read(b"c BALANCE"), [Asked("c", Balance, Balance())])

    def test_none(self) -> None:
        """A last line without items, or with another number of them, is refused."""
        for lines in (
            (END % 0,),
            (END % 1,),
            (b"b - to=1 amount=2", END % 2),
            (b"b - to=1 amount=2",) * 2 + (END % 1,),
        ):
            (asked,) = self.read(*lines)
            self.assertRefused(asked, codes.BAD_ITEMS)

    def test_too_many(self) -> None:
        """One more than may be is refused, however many follow, and nothing of them is kept."""
        for count, items in ((MAX_BULK, MAX_BULK), (MAX_BULK + 1, 0), (3 * MAX_BULK, 0)):
            self.assertEqual(self.read(*[b"b - to=1 amount=2"] * count), [])
            assert self.reader._items is not None
            self.assertEqual(len(self.reader._items.kept), items)
            (asked,) = self.read(END % count)
            self.assertEqual(asked.items, items)
            if not items:
                self.assertRefused(asked, codes.BAD_ITEMS)

    def test_another_line(self) -> None:
        """What follows items and is not theirs is read for what it is, after they are refused."""
        for line in (b"c BALANCE", b"b BALANCE", b"c BULK count=1 mode=all currency=USD key=k", b"c x", b"!"):
            self.assertEqual(self.read(b"b - to=1 amount=2"), [])
            cut_off, other = self.read(line)
            self.assertRefused(cut_off, codes.BAD_ITEMS)
            self.assertEqual((cut_off.tag, other.tag), ("b", {33: "*"}.get(line[0], line[:1].decode())))
            self.assertEqual(self.read(b"d BALANCE"), [Asked("d", Balance, Balance())])

    def test_rest_is_not_the_whole(self) -> None:
        """Items after a line that came between are not taken for all of them."""
        asked = self.read(b"b - to=1 amount=2", b"c - to=1 amount=2", b"b - to=1 amount=2", END % 2)
        self.assertEqual([one.tag for one in asked], ["b", "c", "b"])
        for one in asked:
            self.assertRefused(one, codes.BAD_ITEMS)

    def test_not_an_item(self) -> None:
        """A line that begins as an item and is none makes the whole request wrong, and its place is told."""
        for line in (b"b - ", b"b - x", b"b -  to=1", b"b - to=1 amount=2 ", b"b - to=\xff"):
            asked = self.read(b"b - to=1 amount=0", line, b"b - to=1 amount=2", END % 3)
            self.assertRefused(asked[-1], codes.BAD_ITEMS, place=2)

    def test_bad_field(self) -> None:
        """The first item with a field that is wrong is named; nothing of any other is kept."""
        for line, field in (
            (b"b - to=1", "amount"),
            (b"b - amount=1", "to"),
            (b"b - to=1 amount=0", "amount"),
            (b"b - to=1 amount=1 key=k", "key"),
            (b"b - to=1 to=1 amount=1", "to"),
            (b"b - to=1 amount=1 reference=%0A", "reference"),
        ):
            self.read(b"b - to=1 amount=2", line, b"b - to=_ amount=1", b"b -")
            (asked,) = self.read(END % 4)
            self.assertRefused(asked, codes.BAD_FIELD, field, 2)

    def test_precedence(self) -> None:
        """The number of items comes before the fields of any, and those of the last line before an item's."""
        self.read(b"b - to=1 amount=0")
        self.assertRefused(self.read(END % 2)[0], codes.BAD_ITEMS)
        self.read(b"b - to=1 amount=0")
        self.assertRefused(self.read(b"b BULK count=1 mode=some currency=USD key=k")[0], codes.BAD_FIELD, "mode")

    def test_stranger(self) -> None:
        """Items of who is no customer are counted and dropped, also when the last line comes after the log-in."""
        self.read(*[b"b - to=1 amount=2"] * 3, is_customer=False)
        items = self.reader._items
        assert items is not None
        self.assertEqual((items.kept, items.count), ([], 3))
        self.assertRefused(self.read(END % 3)[0], codes.NEEDS_LOGIN)
        self.read(b"b - to=1 amount=2", is_customer=False)
        self.assertRefused(self.read(b"c BALANCE")[0], codes.NEEDS_LOGIN)

    def test_framing(self) -> None:
        """A broken line among items ends the connection as any other does."""
        asked = self.read(b"b - to=1 amount=2", b"b - to=1\x00")
        self.assertEqual([one.refused and one.refused.code for one in asked], [codes.BAD_ITEMS, codes.BROKEN_LINE])


class Asking(LineCase):
    """A customer's many payments at a real bank."""

    def setUp(self) -> None:
        super().setUp()
        self.carol = self.bank.add_customer("carol")

    def assertHave(self, *balances: int) -> None:
        """Alice, Bob and Carol have so much, and the books are right."""
        self.assertEqual(tuple(map(self.balance, (self.alice, self.bob, self.carol))), balances)
        self.assertEqual(self.bank.faults(), [])

    def test_all(self) -> None:
        """Each is made, and has its line and its receipt; the answer to the same again is the same."""
        wire = self.log_in()
        lines = bulk([(self.bob, 10), (self.carol, 20), (self.bob, 30)])
        answer = wire.ask(*lines)
        receipts = [int(line.partition(" receipt=")[2]) for line in answer[:3]]
        self.assertEqual(answer[:3], [f"b - place={n} receipt={number}" for n, number in enumerate(receipts, 1)])
        self.assertEqual(answer[3:], ["b 200 made=3 refused=0 amount=60 currency=USD"])
        self.assertEqual(receipts, sorted(set(receipts)))
        self.assertEqual(wire.ask(*lines), answer)
        self.assertHave(99_40, 40, 20)

    def test_nothing(self) -> None:
        """Where one cannot be made none is, and its place is told, now and whenever it is asked again."""
        wire = self.log_in()
        lines = bulk([(self.bob, 10), (self.alice, 1), (self.bob, 1)])
        self.assertEqual(wire.ask(*lines), ["b 422 reason=same_account place=2"])
        lines = bulk([(self.bob, 10), (self.carol, 100_00)], key="much")
        self.assertEqual(wire.ask(*lines), ["b 402 reason=funds place=2"])
        wire.ask("d DEPOSIT amount=50000 currency=USD key=d")
        self.assertEqual(wire.ask(*lines), ["b 402 reason=funds place=2"])
        self.assertHave(600_00, 0, 0)

    def test_each(self) -> None:
        """Where each goes by itself what can be made is."""
        wire = self.log_in()
        _, second, _, end = wire.ask(*bulk([(self.bob, 60_00), (self.carol, 50_00), (self.bob, 40_00)], "each"))
        self.assertEqual(second, "b - place=2 reason=funds")
        self.assertEqual(end, "b 200 made=2 refused=1 amount=10000 currency=USD")
        self.assertHave(0, 100_00, 0)

    def test_other_content(self) -> None:
        """The key stands for those transfers in that order and that way."""
        wire = self.log_in()
        payees = [(self.bob, 1), (self.carol, 2)]
        wire.ask(*bulk(payees))
        for lines in (bulk(payees[::-1]), bulk(payees[:1]), bulk(payees, "each")):
            self.assertEqual(wire.ask(*lines), ["b 409 reason=key"])
        self.assertEqual(
            wire.ask(f"t TRANSFER to={self.bob.account} amount=1 currency=USD key=k"), ["t 409 reason=key"]
        )
        self.assertHave(99_97, 1, 2)

    def test_lost_session(self) -> None:
        """Who goes away before the answer, and asks again in another session, is told what was done."""
        wire = self.log_in()
        lines = bulk([(self.bob, 10), (self.carol, 20)])
        self.stepped = True
        wire.send(*lines)
        wire.drop()
        self.lane_pool.drain()
        self.stepped = False
        answer = self.log_in().ask(*lines)
        self.assertEqual(answer[-1], "b 200 made=2 refused=0 amount=30 currency=USD")
        self.assertHave(99_70, 10, 20)

    def test_half_sent(self) -> None:
        """Who goes away before the last line has asked for nothing."""
        wire = self.log_in()
        wire.send(*bulk([(self.bob, 10), (self.carol, 20)])[:-1])
        wire.drop()
        self.assertHave(100_00, 0, 0)

    def test_visitor(self) -> None:
        """Who has not logged in is told to, once."""
        wire = self.bank.connect()
        self.assertEqual(wire.ask(*bulk([(self.bob, 10)] * 3)), ["b 401 reason=login"])
        log_in = f"l LOGIN account={self.alice.account} pin={self.alice.pin}"
        self.assertEqual(wire.ask(log_in, *bulk([(self.bob, 10)]))[-1][:5], "b 200")
        self.assertHave(99_90, 10, 0)

    def test_sent_before_the_log_in_is_answered(self) -> None:
        """Items that arrive while the log-in is under way are not kept."""
        self.hash_when_stepped()
        wire = self.bank.connect()
        wire.send(f"l LOGIN account={self.alice.account} pin={self.alice.pin}", *bulk([(self.bob, 10)]))
        self.hash_pool.drain()
        self.assertEqual([line[:5] for line in wire.received()], ["l 200", "b 401"])
        self.assertHave(100_00, 0, 0)

    def test_in_order(self) -> None:
        """A set and single payments under way together are decided in their order."""
        wire = self.log_in()
        self.stepped = True
        pay = f"TRANSFER to={self.bob.account} amount=5000 currency=USD"
        wire.send(f"x {pay} key=x", *bulk([(self.bob, 40_00), (self.carol, 10_00)]), f"y {pay} key=y", "z BALANCE")
        self.lane_pool.drain()
        answers = wire.received()
        self.assertEqual([line[:5] for line in answers], ["x 200", "b - p", "b - p", "b 200", "y 402", "z 200"])
        self.assertHave(0, 90_00, 10_00)


class Thousands(LineCase):
    """As many as may be at once."""

    def thousand(self, payee: Known, key: str = "k", mode: str = "all") -> list[str]:
        """The lines of a request that pays a cent a thousand times."""
        return bulk([(payee, 1)] * MAX_BULK, mode, key)

    def made(self, wire: Wire) -> int:
        """How many transfers were made, by the end of the answer that came."""
        return int(wire.received()[-1].split("made=")[1].split()[0])

    def test_a_thousand(self) -> None:
        """All are made in one transaction, and come back whole from a replay."""
        wire = self.log_in()
        self.stepped = True
        wire.send(*self.thousand(self.bob))
        self.assertEqual(len(self.lane_pool.waiting), 1)
        self.lane_pool.step()
        self.stepped = False
        answer = wire.received()
        self.assertEqual(len(answer), MAX_BULK + 1)
        self.assertEqual(wire.ask(*self.thousand(self.bob)), answer)
        self.assertEqual((self.balance(self.alice), self.balance(self.bob)), (90_00, 10_00))
        self.assertEqual(self.bank.faults(), [])

    def test_turns(self) -> None:
        """After TURN lines others come first."""
        wire = self.log_in()
        octets = "".join(f"{line}\r\n" for line in self.thousand(self.bob)).encode()
        wire.protocol.dataReceived(octets)
        for turn in range(1, MAX_BULK // TURN + 1):
            assert wire.protocol._reader._items is not None
            self.assertEqual(wire.protocol._reader._items.count, turn * TURN)
            (rest,) = [
                call for call in self.bank.clock.getDelayedCalls() if call.getTime() == self.bank.clock.seconds()
            ]
            rest.cancel()
            wire.protocol._rested()
        self.assertEqual(self.made(wire), MAX_BULK)

    def test_items_that_wait_are_bounded(self) -> None:
        """While a thousand of a connection wait it is not read from."""
        wire = self.log_in()
        self.stepped = True
        wire.send(*(line for key in "xyz" for line in self.thousand(self.bob, key)))
        self.assertEqual((len(wire.protocol._queue), wire.protocol._items), (1, MAX_BULK))
        self.assertTrue(wire.protocol.paused)
        for key in "xyz":
            self.lane_pool.step()
            self.bank.clock.advance(0)
            self.assertEqual(self.made(wire), MAX_BULK, key)
        self.assertEqual(wire.protocol._items, 0)
        self.assertEqual(self.balance(self.bob), 30_00)

    def test_nobody_waits_for_more_than_a_batch(self) -> None:
        """Another's transfer waits for the thousand under way, and not for those that follow on that connection."""
        wire, other = self.log_in(), self.log_in(self.bob)
        other.ask("d DEPOSIT amount=100 currency=USD key=d")
        self.stepped = True
        wire.send(*(line for key in "xyz" for line in self.thousand(self.bob, key)))
        other.send(f"t TRANSFER to={self.alice.account} amount=1 currency=USD key=t")
        self.lane_pool.step()
        self.assertEqual(other.received(), [])
        self.lane_pool.step()
        self.assertEqual(other.received()[0][:5], "t 200")
        self.lane_pool.drain()

    def test_two_customers(self) -> None:
        """Two who pay each other a thousand times at once both get what is theirs."""
        wire, other = self.log_in(), self.log_in(self.bob)
        self.stepped = True
        wire.send(*self.thousand(self.bob))
        other.send(*bulk([(self.alice, 1)] * MAX_BULK, "each"))
        self.lane_pool.drain()
        self.assertEqual((self.made(wire), self.made(other)), (MAX_BULK, MAX_BULK))
        self.assertEqual((self.balance(self.alice), self.balance(self.bob)), (100_00, 0))
        self.assertEqual(self.bank.faults(), [])
