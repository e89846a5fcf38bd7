"""Requests of one connection: in what order they begin, and in what order their answers leave."""

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from bankd.protocols.queue import Queue


class QueueCase(SynchronousTestCase):
    """A test with a queue of words; those that begin with "t" may overlap, those with "!" answer at once.

    ``begun`` are the requests under way by word, ``log`` what was begun (">a") and delivered ("<a").
    """

    def setUp(self) -> None:
        self.begun: dict[str, Deferred[str]] = {}
        self.log: list[str] = []
        self.queue: Queue[str, str] = Queue(self.begin, lambda word: word.startswith("t"), self.deliver)

    def begin(self, word: str) -> Deferred[str]:
        """Begin a request."""
        self.log.append(f">{word}")
        if word.endswith("!"):
            return succeed(word)
        self.begun[word] = Deferred()
        return self.begun[word]

    def deliver(self, word: str) -> None:
        """Note an answer."""
        self.log.append(f"<{word}")

    def add(self, *words: str) -> None:
        """Add requests."""
        for word in words:
            self.queue.add(word)

    def answer(self, *words: str) -> None:
        """Have requests answered."""
        for word in words:
            self.begun.pop(word).callback(word)

    def assertLog(self, spelt: str) -> None:
        """All that has happened since the last time is this."""
        log, self.log = self.log, []
        self.assertEqual(" ".join(log), spelt)


class Order(QueueCase):
    """What begins when."""

    def test_one_after_another(self) -> None:
        """A request begins when everything before it is answered."""
        self.add("a", "b", "c")
        self.assertLog(">a")
        self.answer("a")
        self.assertLog("<a >b")
        self.answer("b")
        self.answer("c")
        self.assertLog("<b >c <c")

    def test_overlapping(self) -> None:
        """Requests that may overlap begin beside each other, and answers leave in order whichever is ready first."""
        self.add("t1", "t2", "t3")
        self.assertLog(">t1 >t2 >t3")
        self.answer("t3", "t1")
        self.assertLog("<t1")
        self.answer("t2")
        self.assertLog("<t2 <t3")

    def test_between_overlapping_ones(self) -> None:
        """A request that may not overlap waits for all before it, and all after it wait for it."""
        self.add("t1", "t2", "a", "t3", "t4")
        self.assertLog(">t1 >t2")
        self.answer("t1")
        self.assertLog("<t1")
        self.answer("t2")
        self.assertLog("<t2 >a")
        self.answer("a")
        self.assertLog("<a >t3 >t4")

    def test_does_not_overlap_what_may_not(self) -> None:
        """One that may overlap does not begin beside one that may not."""
        self.add("a", "t1")
        self.assertLog(">a")

    def test_joins_those_under_way(self) -> None:
        """One that may overlap joins others that are under way, also when some of them are answered already."""
        self.add("t1", "t2")
        self.answer("t2")
        self.add("t3")
        self.assertLog(">t1 >t2 >t3")

    def test_answered_at_once(self) -> None:
        """Requests that are answered at once leave nothing waiting."""
        self.add("a!", "b!", "t!")
        self.assertLog(">a! <a! >b! <b! >t! <t!")
        self.assertEqual(len(self.queue), 0)

    def test_many_answered_at_once(self) -> None:
        """However many waited for one, all are answered when it is, in order."""
        self.add("a", *(f"{number}!" for number in range(64)))
        self.answer("a")
        self.assertEqual(self.log[2:], [f"{sign}{number}!" for number in range(64) for sign in "><"])

    def test_added_while_answers_leave(self) -> None:
        """A request that is added when an answer is delivered has its turn after those that waited."""
        deliver = self.deliver

        def deliver_and_add(word: str) -> None:
            deliver(word)
            if word == "a":
                self.add("d!")

        self.queue = Queue(self.begin, lambda _: False, deliver_and_add)
        self.add("a", "b!", "c!")
        self.answer("a")
        self.assertLog(">a <a >b! <b! >c! <c! >d! <d!")


class Length(QueueCase):
    """How many requests are not answered."""

    def test_counted(self) -> None:
        """Requests count from being added until their answers have left, under way or not."""
        self.add("t1", "t2", "a")
        self.assertEqual(len(self.queue), 3)
        self.answer("t2")
        self.assertEqual(len(self.queue), 3)
        self.answer("t1")
        self.assertEqual(len(self.queue), 1)


class Holding(QueueCase):
    """While nothing is to be begun."""

    def test_held(self) -> None:
        """What is under way is answered, and nothing else begins until it may again; then all does, in order."""
        self.add("t1", "t2", "a")
        self.queue.hold(True)
        self.add("t3", "b!")
        self.answer("t1", "t2")
        self.assertLog(">t1 >t2 <t1 <t2")
        self.queue.hold(False)
        self.assertLog(">a")
        self.answer("a")
        self.answer("t3")
        self.assertLog("<a >t3 <t3 >b! <b!")

    def test_held_and_closed(self) -> None:
        """A queue that was closed while it was held begins nothing when it may again."""
        self.queue.hold(True)
        self.add("a")
        self.queue.close()
        self.queue.hold(False)
        self.assertLog("")


class Closing(QueueCase):
    """After the end."""

    def test_nothing_begins(self) -> None:
        """What waited is forgotten, what is under way is not delivered, and what is added does not begin."""
        self.add("t1", "t2", "a")
        self.queue.close()
        self.answer("t1")
        self.add("b", "t3")
        self.answer("t2")
        self.assertLog(">t1 >t2")

    def test_closed_by_an_answer(self) -> None:
        """When the delivery of an answer closes the queue, the answers behind it are not delivered."""
        self.add("t1", "t2", "a")
        self.answer("t2")
        deliver = self.deliver

        def deliver_and_close(word: str) -> None:
            deliver(word)
            self.queue.close()

        self.patch(self.queue, "_deliver", deliver_and_close)
        self.answer("t1")
        self.assertLog(">t1 >t2 <t1")
