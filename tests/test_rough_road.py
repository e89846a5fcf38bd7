"""Notices over a rough road: whatever becomes of the datagrams, each is shown once, in order; and the road itself."""

from collections.abc import Iterable, Iterator
from random import Random

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from bankd.client import noticeboard
from bankd.client.answers import Answer
from bankd.client.inbox import Inbox
from bankd.client.noticeboard import Noticeboard
from bankd.client.testing import ScriptedLine, granted, scripted_bank
from bankd.notify import Notices
from bankd.records import Event, Newest, Notice, NoticeKind
from bankd.wire import messages
from bankd.wire.messages import Message
from bankd.wire.notice import Hint
from tests.rough_road import CLEAR, RoughRoad, Weather
from tests.test_noticeboard import WholeTexts
from tests.test_notify import FakeUDP

ALICE = 1
BANK = "192.0.2.9"


class RoadTests(SynchronousTestCase):
    """What becomes of datagrams."""

    def carried(self, seed: int, weather: Weather, count: int = 10_000) -> tuple[list[int], dict[str, int]]:
        """What comes out of so many datagrams, by their places, and what was counted."""
        road = RoughRoad(seed, weather)
        out = [octets for place in range(count) for octets in road.carry(place.to_bytes(4, "big"))] + road.rest()
        return [int.from_bytes(octets, "big") for octets in out], road.counted

    def test_clear(self) -> None:
        """In clear weather everything arrives once, in order."""
        out, counted = self.carried(1, CLEAR)
        self.assertEqual(out, [*range(10_000)])
        self.assertEqual(counted, {"sent": 10_000, "lost": 0, "doubled": 0, "overtaken": 0})

    def test_seeded(self) -> None:
        """The same seed is the same weather, and another one another."""
        self.assertEqual(self.carried(1, Weather()), self.carried(1, Weather()))
        self.assertNotEqual(self.carried(1, Weather())[0], self.carried(2, Weather())[0])

    def test_rough(self) -> None:
        """About as many are lost, come twice and are overtaken as the weather says, and none comes from nowhere."""
        weather = Weather(lost=0.3, doubled=0.1, overtaken=0.3, most_behind=5)
        out, counted = self.carried(3, weather)
        self.assertLess(abs(counted["lost"] / 10_000 - 0.3), 0.02)
        self.assertLess(abs(counted["doubled"] / 7000 - 0.1), 0.02)
        self.assertLess(abs(counted["overtaken"] / 7700 - 0.3), 0.02)
        self.assertEqual(len(set(out)), 10_000 - counted["lost"])
        self.assertEqual(len(out), len(set(out)) + counted["doubled"])
        behind = [max(out[:place]) - number for place, number in enumerate(out) if place]
        self.assertGreater(sum(distance > 0 for distance in behind), 1000)
        self.assertLessEqual(max(behind), weather.most_behind)


class Teller(ScriptedLine):
    """A line to a bank that tells of all the notices there are, as late as its script has it."""

    def __init__(self, clock: Clock, chance: Random) -> None:
        super().__init__()
        self.events = 0
        self._clock = clock
        self._chance = chance

    def ask(self, message: Message) -> Deferred[Answer]:
        """The answer, after a while."""
        answer: Deferred[Answer] = Deferred()
        self._clock.callLater(self._chance.random() / 10, lambda: answer.callback(self._answer_to(message)))
        return answer

    def _answer_to(self, message: Message) -> Answer:
        if isinstance(message, messages.Noop):
            return granted(Newest(self.events))
        assert isinstance(message, messages.Notices)
        first = (message.since or 0) + 1
        numbers = range(first, min(first + 100, self.events + 1))
        return granted(None, [Notice(number=number, kind="received", at_us=0) for number in numbers])


class OverARoughRoad(SynchronousTestCase):
    """The bank's board, a road, and the client's inbox and noticeboard, with every part but the sockets real."""

    def setUp(self) -> None:
        self.clock, self.said = Clock(), list[str]()
        self.patch(noticeboard, "MOST_AT_ONCE", 10**6)  # or of many at once only the newest would be shown

    def go(self, seed: int, weather: Weather, batches: Iterable[int], last_is_lost: bool = False) -> RoughRoad:
        """Have events happen, so many in each batch, and all datagrams go by a road; then look, as clients do."""
        chance, road, screen = Random(seed), RoughRoad(seed, weather), WholeTexts()
        self.said = screen.transcript
        line = Teller(self.clock, chance)
        notices = Noticeboard(scripted_bank(line), screen)
        udp, board = FakeUDP(), Notices(chance.randbytes, self.clock.seconds)
        board.makeConnection(udp)  # type: ignore[arg-type]
        proofs: list[str] = []
        inbox = Inbox(BANK, notices.on_hint, proofs.append)
        listening = board.listen(seed, BANK, 4711)
        inbox.expect(listening)
        inbox.datagramReceived(udp.sent[0][0], (BANK, 65433))
        self.assertTrue(board.confirm(listening.listener, proofs[0]))
        for size in batches:
            udp.sent.clear()
            numbers = range(line.events + 1, line.events + size + 1)
            line.events += size
            board.tell([Event(seed, number, NoticeKind.RECEIVED) for number in numbers], self.clock.seconds())
            for datagram, _ in udp.sent:
                for arriving in road.carry(datagram):
                    inbox.datagramReceived(arriving, (BANK, 65433))
            self.clock.advance(chance.random() / 20)
        for arriving in [] if last_is_lost else road.rest():
            inbox.datagramReceived(arriving, (BANK, 65433))
        self.clock.pump([0.1] * 10)
        notices.on_hint(Hint(line.events))  # what the answer to a look does
        self.clock.pump([0.1] * 20)
        self.assertEqual([one.number for one in notices.waiting], [*range(1, line.events + 1)])
        return road

    def shown(self) -> Iterator[str]:
        """The numbers that were shown, in their order."""
        return (text[1 : text.index("]")] for text in self.said if text.startswith("["))

    def test_every_event_once_and_in_order(self) -> None:
        """With 30 % lost, a tenth doubled and a third overtaken each event is shown once, in order, in any weather."""
        for seed in range(1, 21):
            chance = Random(seed)
            batches = [chance.choice((1, 1, 2, 3, 60)) for _ in range(60)]
            road = self.go(seed, Weather(), batches, last_is_lost=seed % 2 == 0)
            self.assertEqual([*self.shown()], [str(number) for number in range(1, sum(batches) + 1)], seed)
            self.assertGreater(road.counted["lost"], 5)

    def test_nothing_arrives(self) -> None:
        """Where every datagram is lost, the next look shows all that happened."""
        self.go(7, Weather(lost=1), [1] * 30)
        self.assertEqual([*self.shown()], [str(number) for number in range(1, 31)])
