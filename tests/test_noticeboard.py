"""What a notice does when it comes: the noticeboard of a session."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.client import prompts
from bankd.client.answers import Answer
from bankd.client.errors import Denied, Loss, LostBank
from bankd.client.noticeboard import Noticeboard
from bankd.client.testing import ScriptedLine, ScriptedScreen, granted, refusal, scripted_bank
from bankd.client.tone import Tone
from bankd.records import Notice
from bankd.wire import messages
from bankd.wire.notice import Hint

HINT = Hint(7, "received")


def notices(*numbers: int) -> Answer:
    """The bank's list of these notices."""
    return granted(None, [Notice(number=number, kind="contact", at_us=0) for number in numbers])


class WholeTexts(ScriptedScreen):
    """A screen whose transcript has what was said in one piece."""

    def say(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        """Add it."""
        self.transcript.append(text)


class Board(SynchronousTestCase):
    """The notices of a session."""

    def setUp(self) -> None:
        self.screen = WholeTexts()
        self.said = self.screen.transcript

    def board(self, *answers: Answer | LostBank) -> Noticeboard:
        """A board whose bank answers NOTICES so."""
        self.line = ScriptedLine(NOTICES=list(answers))
        return Noticeboard(scripted_bank(self.line), self.screen)

    def fetch(self, board: Noticeboard) -> None:
        """Fetch, as at log-in."""
        self.successResultOf(Deferred.fromCoroutine(board.fetch()))

    def asked(self) -> list[int | None]:
        """The numbers since which the bank was asked."""
        return [message.since for message in self.line.asked if isinstance(message, messages.Notices)]

    def test_hint_fetches_what_is_new(self) -> None:
        """On a hint the bank is asked for what follows the last notice seen, and that is shown with a reminder."""
        board = self.board(notices(5), notices(6, 7))
        self.fetch(board)
        board.on_hint(HINT)
        self.assertEqual(self.asked(), [None, 5])
        self.assertEqual([text[:3] for text in self.said], ["[5]", "[6]", "[7]", "3 u"])

    def test_notice_is_shown_once(self) -> None:
        """A hint for what is here already, or a list that repeats it, shows nothing."""
        board = self.board(notices(7), notices(7))
        self.fetch(board)
        board.on_hint(HINT)
        self.fetch(board)
        self.assertEqual([text[:3] for text in self.said], ["[7]"])
        self.assertEqual(len(self.asked()), 2)

    def test_hints_while_asking_cost_one_more_question(self) -> None:
        """Three hints at once are two questions, and nothing is missed."""
        slow: Deferred[Answer] = Deferred()
        board = self.board(notices(9))
        ask, self.line.ask = self.line.ask, lambda message: slow  # type: ignore[method-assign]
        for number in (7, 8, 9):
            board.on_hint(Hint(number, "contact"))
        self.line.ask = ask  # type: ignore[method-assign]
        slow.callback(notices(7))
        self.assertEqual([one.number for one in board.waiting], [7, 9])
        self.assertEqual(self.asked(), [7])

    def test_later_hint_asks_again(self) -> None:
        """Each new notice is fetched when its hint comes."""
        board = self.board(notices(7), notices(8))
        for number in (7, 8):
            board.on_hint(Hint(number, "contact"))
        self.assertEqual(self.asked(), [None, 7])

    def test_forged_hint_does_not_hide_what_comes(self) -> None:
        """A hint of a notice that does not exist costs a question, and the next true one is still followed."""
        board = self.board(notices(), notices(8))
        for number in (10**17, 8):
            board.on_hint(Hint(number, "contact"))
        self.assertEqual([one.number for one in board.waiting], [8])

    def test_hint_of_nothing_says_nothing(self) -> None:
        """Where the bank has nothing to tell, there is nothing to remind of."""
        board = self.board(notices())
        board.on_hint(HINT)
        self.assertEqual(self.said, [])

    def test_number_alone_fetches_once(self) -> None:
        """A number without a kind is asked for, and where the bank tells nothing of it not again; a greater one is."""
        board = self.board(notices(), notices(9), notices())
        for number in (7, 7, 6, 9, 9, 8, 7):
            board.on_hint(Hint(number))
        self.assertEqual(self.asked(), [None, None])
        self.assertEqual([one.number for one in board.waiting], [9])

    def test_number_alone_does_not_hide_a_hint(self) -> None:
        """A hint with its kind is followed, also of a number of which the bank told nothing before."""
        board = self.board(notices(), notices(7))
        board.on_hint(Hint(7))
        board.on_hint(HINT)
        self.assertEqual([one.number for one in board.waiting], [7])

    def test_number_alone_says_nothing_by_itself(self) -> None:
        """Where the bank cannot be asked, a number tells nobody anything; once it can, it is asked for again."""
        board = self.board(refusal(codes.BUSY), notices(7))
        board.on_hint(Hint(7))
        self.assertEqual(self.said, [])
        board.on_hint(Hint(7))
        self.assertEqual(self.said[0][:3], "[7]")

    def test_all_that_wait_can_be_shown_again(self) -> None:
        """What waits is shown once more, and what came meanwhile for the first time."""
        board = self.board(notices(1), notices(2))
        self.fetch(board)
        self.assertEqual(self.listed(board), [])
        self.assertEqual([text[:3] for text in self.said], ["[1]", "[1]", "[2]"])

    def listed(self, board: Noticeboard, *wanted: bool) -> list[int]:
        """List what waits; the person is asked as often as this is told, and answers so."""
        asked: list[int] = []

        async def more(count: int) -> bool:
            asked.append(count)
            return wanted[len(asked) - 1]

        self.successResultOf(Deferred.fromCoroutine(board.show_all(more)))
        return asked

    def test_of_many_the_newest_are_shown(self) -> None:
        """Who has had hundreds of notices is told how many, and sees the newest; the list has them all, by pages."""
        board = self.board(notices(*range(1, 26)), notices())
        self.fetch(board)
        self.assertEqual(self.said[0], prompts.more_notices(15))
        self.assertEqual([text.split()[0] for text in self.said[1:]], [f"[{number}]" for number in range(16, 26)])
        self.assertEqual(len(board.waiting), 25)
        self.said.clear()
        self.assertEqual(self.listed(board, True, True), [15, 5])
        self.assertEqual([text.split()[0] for text in self.said], [f"[{number}]" for number in range(1, 26)])
        self.said.clear()
        self.assertEqual(self.listed(board, False), [15])
        self.assertEqual(len(self.said), 10)

    def test_page_by_page(self) -> None:
        """What a full page brought is shown also where the next is refused, and nothing is shown twice."""
        board = self.board(notices(*range(1, 101)), refusal(codes.BUSY), notices(101, 102))
        failed = Deferred.fromCoroutine(board.fetch())
        self.failureResultOf(failed, Denied)
        self.assertEqual(self.said[0], prompts.more_notices(90))
        self.assertEqual([text.split()[0] for text in self.said[1:]], [f"[{number}]" for number in range(91, 101)])
        del self.said[:]
        self.fetch(board)
        self.assertEqual([text.split()[0] for text in self.said], ["[101]", "[102]"])
        self.assertEqual(self.asked(), [None, 100, 100])
        self.assertEqual(len(board.waiting), 102)

    def test_what_was_not_shown_is_not_acknowledged(self) -> None:
        """An acknowledgement while the next page is on its way is of what was shown before."""
        slow: Deferred[Answer] = Deferred()
        board = self.board(notices(1), notices(*range(2, 102)))
        ask = self.line.ask
        self.line.ask = lambda message: slow if "101" in str(message) else ask(message)  # type: ignore[method-assign]
        self.fetch(board)
        fetching = Deferred.fromCoroutine(board.fetch())
        for upto, count in ((50, 1), (None, 0)):
            self.assertEqual(self.successResultOf(Deferred.fromCoroutine(board.acknowledge(upto))), count)
        slow.callback(notices())
        self.successResultOf(fetching)
        self.assertEqual(board.waiting[0].number, 2)

    def test_over_session_shows_the_kind_alone(self) -> None:
        """Where the bank cannot be asked any more, the hint itself is what there is to show."""
        board = self.board(LostBank(Loss.ENDED))
        board.on_hint(Hint(1, "deletion"))
        self.assertEqual(self.said, ["Your account was closed."])

    def test_each_hint_of_an_over_session_is_shown(self) -> None:
        """All that could not be fetched is shown by its kind, in the order of its number, and each but once."""
        slow: Deferred[Answer] = Deferred()
        board = self.board(LostBank(Loss.ENDED))
        ask, self.line.ask = self.line.ask, lambda message: slow  # type: ignore[method-assign]
        for number, kind in ((3, "deletion"), (2, "paid"), (3, "deletion")):
            board.on_hint(Hint(number, kind))
        self.line.ask = ask  # type: ignore[method-assign]
        slow.errback(LostBank(Loss.LEFT))
        self.assertEqual(self.said, ["A payment left your account.", "Your account was closed."])
        for number, kind in ((2, "paid"), (3, "deletion"), (4, "secret")):
            board.on_hint(Hint(number, kind))
        self.assertEqual(self.said[2:], ["Your PIN or password was changed."])

    def test_what_was_fetched_is_not_shown_again_by_its_kind(self) -> None:
        """Only what is still missing when the bank is lost is shown so; a refusal does not hide the notice for good."""
        slow: Deferred[Answer] = Deferred()
        board = self.board(refusal(codes.BUSY), notices(8))
        ask, self.line.ask = self.line.ask, lambda message: slow  # type: ignore[method-assign]
        for number in (7, 8):
            board.on_hint(Hint(number, "secret"))
        self.line.ask = ask  # type: ignore[method-assign]
        slow.callback(notices(7))
        self.assertEqual([text[:3] for text in self.said], ["[7]", "You", "1 u"])
        board.on_hint(Hint(8, "secret"))
        self.assertEqual(self.said[3][:3], "[8]")

    def test_reminder_stays_until_all_is_acknowledged(self) -> None:
        """Acknowledging up to a number leaves what follows it; without a number, nothing is left."""
        board = self.board(notices(1, 2, 3))
        self.fetch(board)
        self.said.clear()
        for upto, count, reminder in ((2, 2, [prompts.waiting(1)]), (None, 1, []), (None, 0, [])):
            acknowledged = Deferred.fromCoroutine(board.acknowledge(upto))
            self.assertEqual(self.successResultOf(acknowledged), count)
            board.remind(again=True)
            self.assertEqual(self.said, reminder)
            self.said.clear()
        sent = [one for one in self.line.asked if isinstance(one, messages.Acknowledge)]
        self.assertEqual(sent, [messages.Acknowledge(upto=2), messages.Acknowledge(upto=3)])
