"""The line that outlives its connection: whatever happens on the way, the money moves once, and the client knows."""

from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.exc import OperationalError
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.client import exits, prompts, words
from bankd.client.address import Address
from bankd.client.answers import Answer
from bankd.client.bank import Bank
from bankd.client.conversation import Conversation
from bankd.client.errors import Cause, Denied, InDoubt, Loss, LostBank, NoBank
from bankd.client.feed import Feed, Later
from bankd.client.lifeline import BUSY_SECONDS, PATIENCE_SECONDS, Lifeline
from bankd.client.menu import Menu
from bankd.client.patience import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, pauses
from bankd.client.script import Script
from bankd.client.testing import ScriptedLine, ScriptedScreen, granted, refusal, scripted_bank
from bankd.codes import Code
from bankd.records import Limits, Listening, Notice, Receipt, Welcome
from bankd.store.engines import Transaction
from bankd.testing import PRACTICE_TERMS, Known, PracticeBank, Wire
from bankd.wire import messages
from bankd.wire.notice import Hint

T = TypeVar("T")

LEASE = PRACTICE_TERMS.lease_seconds
END = PATIENCE_SECONDS + LEASE
STEP_SECONDS = 0.1
PATIENT = Limits(login_seconds=86_400, idle_seconds=86_400, session_seconds=86_400)


@dataclass(frozen=True)
class Mishap:
    """A connection that is lost as a request goes by.

    ``arrives`` says whether the request still gets to the bank, ``noticed`` whether the bank sees the connection go.
    """

    verb: str
    arrives: bool
    noticed: bool = True


class Pipe:
    """The transport of one conversation with a practice bank."""

    def __init__(self, road: "Road", conversation: Conversation) -> None:
        self._road = road
        self._conversation = conversation
        self._wire = road.bank.connect()
        self._open = True
        conversation.makeConnection(self)
        self._deliver(self._wire.greeting)

    @property
    def disconnecting(self) -> bool:
        """Whether nothing more is to be read."""
        return not self._open

    def write(self, data: bytes) -> None:
        """Carry lines to the bank, and its answers back a moment later."""
        for line in data.decode().splitlines():
            if self._open:
                self._carry(line)

    def loseConnection(self) -> None:
        """Hang up."""
        self.cut()

    def abortConnection(self) -> None:
        """Hang up."""
        self.cut()

    def cut(self, noticed: bool = True) -> None:
        """Have the connection end, for both sides or for the client alone."""
        if self._open:
            self._open = False
            if noticed and self._wire.connected:
                self._wire.drop()
            self._conversation.connectionLost(Failure(ConnectionLost()))

    def deliver(self) -> None:
        """Bring what the bank has said since, and its end."""
        self._deliver(self._wire.received())
        if not self._wire.connected:
            self.cut()

    def _carry(self, line: str) -> None:
        self._road.carried.append(line.partition(" ")[2])
        mishap = self._road.mishap_of(line.split()[1])
        if mishap is None or mishap.arrives:
            self._wire.send(line)
        if mishap is not None:
            self.cut(mishap.noticed)

    def _deliver(self, lines: list[str]) -> None:
        if self._open and lines:
            self._conversation.dataReceived("".join(f"{line}\r\n" for line in lines).encode())


class Road:
    """The way from a client to a practice bank: ``mishaps`` happen on it in turn, and ``closed`` it leads nowhere."""

    def __init__(self, bank: PracticeBank) -> None:
        self.bank = bank
        self.closed = False
        self.mishaps: deque[Mishap] = deque()
        self.carried: list[str] = []
        self.pipes: list[Pipe] = []

    async def reach(self) -> Bank:
        """A conversation with the bank. Raises NoBank."""
        if self.closed:
            raise NoBank(Address("bank.example"), Cause.UNREACHABLE)
        conversation = Conversation(self.bank.clock)
        self.pipes.append(Pipe(self, conversation))
        keys = (f"key-{len(self.carried)}-{number}" for number in range(1000))
        here = f"192.0.2.{len(self.pipes)}"
        return Bank(conversation, await conversation.greeted, lambda: next(keys), here, "192.0.2.99")

    def mishap_of(self, verb: str) -> Mishap | None:
        """What happens to a request on its way."""
        return self.mishaps.popleft() if self.mishaps and self.mishaps[0].verb == verb else None

    def sent(self, verb: str) -> list[str]:
        """The requests of this verb that left the client."""
        return [line for line in self.carried if line.split()[0] == verb]


class OnTheRoad(SynchronousTestCase):
    """Alice, with 100 dollars, in a session with a practice bank; Bob has nothing."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.practice = PracticeBank(folder, limits=PATIENT)
        self.addCleanup(self.practice.close)
        self.alice = self.practice.add_customer("alice", deposit_minor=100_00)
        self.bob = self.practice.add_customer("bob")
        self.road = Road(self.practice)
        self.told: list[str] = []
        self.lifeline = self.line()
        self.bank = self.lifeline.bank

    def line(self) -> Lifeline:
        """A new line to the bank."""
        first = self.now(self.road.reach())
        return Lifeline(first, self.road.reach, self.practice.clock, lambda: 0.0, self.told.append)

    def log_in(self) -> None:
        """Open Alice's session by account and PIN."""
        self.now(self.bank.log_in(messages.Login(account=self.alice.account, pin=self.alice.pin)))

    def wait(self, seconds: float = 0.0) -> None:
        """Let time pass, in steps, and answers arrive."""
        for _ in range(1 + round(seconds / STEP_SECONDS)):
            for pipe in self.road.pipes:
                pipe.deliver()
            self.practice.clock.advance(STEP_SECONDS if seconds else 0)
        for pipe in self.road.pipes:
            pipe.deliver()

    def begin(self, doing: Coroutine[Any, Any, T]) -> Deferred[T]:
        """Begin something."""
        return Deferred.fromCoroutine(doing)

    def now(self, doing: Coroutine[Any, Any, T]) -> T:
        """Do something that takes no time."""
        done = self.begin(doing)
        if hasattr(self, "road"):
            self.wait()
        return self.successResultOf(done)

    def pay(self, amount_minor: int = 25_00) -> Deferred[Receipt]:
        """Begin to pay Bob."""
        return self.begin(self.bank.transfer(self.bob.account, amount_minor))

    def receipt(self, paying: Deferred[Receipt], seconds: float) -> Receipt:
        """The receipt that comes within ``seconds``."""
        self.wait(seconds)
        return self.successResultOf(paying)

    def doubt(self, paying: Deferred[Receipt]) -> InDoubt:
        """Why it is not known whether the money moved."""
        error = self.failureResultOf(paying, InDoubt).value
        assert isinstance(error, InDoubt)
        return error

    def balance(self, known: Known) -> int:
        """What the ledger says that somebody has."""
        wire = self.practice.log_in(known)
        (answer,) = wire.ask("b BALANCE")
        wire.ask("o LOGOUT")
        return int(answer.split("balance=")[1].split()[0])

    def assertPaid(self, times: int, amount_minor: int = 25_00) -> None:
        """The ledger has moved the money so many times, and every request for it was the same."""
        self.bank.close()
        self.wait(LEASE + 1)
        self.assertEqual(self.balance(self.alice), 100_00 - times * amount_minor)
        self.assertEqual(self.balance(self.bob), times * amount_minor)
        self.assertEqual(self.practice.faults(), [])
        self.assertEqual(len(set(self.road.sent("TRANSFER"))), 1, self.road.carried)


class MoneyUnderWay(OnTheRoad):
    """The connection is lost while money is to move."""

    def setUp(self) -> None:
        super().setUp()
        self.log_in()

    def test_lost_before_the_request_arrived(self) -> None:
        """It is sent again by itself, and is carried out then."""
        self.road.mishaps.append(Mishap("TRANSFER", arrives=False))
        receipt = self.receipt(self.pay(), seconds=1)
        self.assertEqual((receipt.amount_minor, receipt.balance_minor), (-25_00, 75_00))
        self.assertEqual(self.told, [words.ASKING.format(movement="transfer")])
        self.assertEqual(len(self.road.sent("TRANSFER")), 2)
        self.assertPaid(1)

    def test_lost_before_the_answer_arrived(self) -> None:
        """The bank tells what it did, and does nothing twice."""
        self.road.mishaps.append(Mishap("TRANSFER", arrives=True))
        receipt = self.receipt(self.pay(), seconds=1)
        self.assertEqual(receipt.balance_minor, 75_00)
        self.assertEqual(len(self.road.sent("TRANSFER")), 2)
        self.assertPaid(1)

    def test_every_way_to_move_money(self) -> None:
        """A deposit and a withdrawal are asked again like a transfer."""
        for verb, move, balance in (("DEPOSIT", self.bank.deposit, 101_00), ("WITHDRAW", self.bank.withdraw, 100_00)):
            self.road.mishaps.append(Mishap(verb, arrives=True))
            self.assertEqual(self.receipt(self.begin(move(1_00)), seconds=1).balance_minor, balance)
            self.assertEqual(len(set(self.road.sent(verb))), 1)
            self.assertEqual(len(self.road.sent(verb)), 2)

    def test_lost_again_and_again(self) -> None:
        """Each loss is followed by another attempt, with the same key."""
        self.road.mishaps += [Mishap("TRANSFER", arrives=arrives) for arrives in (False, True, True, False)]
        self.assertEqual(self.receipt(self.pay(), seconds=10).balance_minor, 75_00)
        self.assertEqual(len(self.road.sent("TRANSFER")), 5)
        self.assertPaid(1)

    def test_account_that_is_still_held(self) -> None:
        """Where the bank has not noticed the loss, the lease is waited out; the person is told so once."""
        self.road.mishaps.append(Mishap("TRANSFER", arrives=True, noticed=False))
        paying = self.pay()
        self.wait(LEASE - 1)
        self.assertNoResult(paying)
        self.assertEqual(self.told, [words.ASKING.format(movement="transfer"), words.STILL_HELD])
        self.assertEqual(self.receipt(paying, seconds=10).balance_minor, 75_00)
        self.assertPaid(1)

    def test_bank_that_is_away_for_a_while(self) -> None:
        """It is called until it is back."""
        self.road.mishaps.append(Mishap("TRANSFER", arrives=True))
        self.road.closed = True
        paying = self.pay()
        self.wait(60)
        self.assertNoResult(paying)
        self.assertEqual(self.told, [words.ASKING.format(movement="transfer"), words.STILL_AWAY])
        self.road.closed = False
        self.assertEqual(self.receipt(paying, seconds=10).balance_minor, 75_00)
        self.assertPaid(1)

    def test_bank_that_stays_away(self) -> None:
        """In the end it is said what is not known, of what amount, and under which key."""
        for arrives, times in ((False, 0), (True, 1)):
            with self.subTest(arrives=arrives):
                self.setUp()
                self.road.mishaps.append(Mishap("TRANSFER", arrives))
                self.road.closed = True
                paying = self.pay()
                self.wait(END + 1)
                said = words.in_doubt(self.doubt(paying))
                self.assertIn("not known whether the transfer of 25.00 USD was made", said)
                self.assertIn(self.road.sent("TRANSFER")[0].split("key=")[1].split()[0], said)
                self.assertIn("bank.example:65432 cannot be reached", self.told[-1])
                self.assertIsNotNone(self.bank.over)
                self.assertPaid(times)

    def test_refusal_is_the_answer(self) -> None:
        """What the bank refused at first it refuses again, and that is told."""
        self.road.mishaps.append(Mishap("TRANSFER", arrives=True))
        paying = self.pay(amount_minor=500_00)
        self.wait(1)
        self.assertEqual(self.failureResultOf(paying, Denied).value.code, codes.NO_FUNDS)
        self.assertIsNone(self.bank.over)
        self.assertPaid(0)

    def test_refusal_stays_though_money_came(self) -> None:
        """A refusal that was lost on the way is not carried out later, when there would be enough."""
        self.road.mishaps.append(Mishap("TRANSFER", arrives=True))
        self.road.closed = True
        paying = self.pay(amount_minor=150_00)
        wire = self.practice.log_in(self.alice)
        wire.ask("d DEPOSIT amount=10000 currency=USD key=other", "o LOGOUT")
        self.road.closed = False
        self.wait(1)
        self.failureResultOf(paying, Denied)
        self.assertEqual(len(self.road.sent("TRANSFER")), 2)

    def change_pin(self, wire: Wire, new: str) -> None:
        """Change Alice's PIN by hand."""
        self.assertEqual(wire.ask(f"p CHANGE_PIN pin={self.alice.pin} new={new}"), ["p 200"])

    def test_secret_that_was_changed_meanwhile(self) -> None:
        """Without a way in it is not tried again and again, and nothing is claimed."""
        self.road.mishaps.append(Mishap("TRANSFER", arrives=True))
        self.road.closed = True
        paying = self.pay()
        wire = self.practice.log_in(self.alice)
        self.change_pin(wire, "86420")
        wire.ask("o LOGOUT")
        self.road.closed = False
        self.wait(1)
        self.doubt(paying)
        self.assertEqual(self.told[-1], words.CODES[codes.WRONG_SECRET])
        self.assertEqual(len(self.road.sent("LOGIN")), 2)

    def test_secret_that_this_session_changed(self) -> None:
        """The new one opens the door."""
        change = messages.ChangePin(pin=self.alice.pin, new="86420")
        self.now(self.bank.change(change))
        self.road.mishaps.append(Mishap("TRANSFER", arrives=True))
        self.assertEqual(self.receipt(self.pay(), seconds=1).balance_minor, 75_00)
        self.assertIn("pin=86420", self.road.sent("LOGIN")[-1])

    def test_session_goes_on(self) -> None:
        """After it, the next thing is asked as if nothing had happened, and the session is kept."""
        self.road.mishaps.append(Mishap("TRANSFER", arrives=True))
        self.receipt(self.pay(), seconds=1)
        self.assertEqual(self.now(self.bank.balance()).balance_minor, 75_00)
        self.wait(2 * LEASE)
        self.assertEqual(
            self.practice.connect().ask(f"l LOGIN account={self.alice.account} pin={self.alice.pin}")[0][:5], "l 423"
        )
        self.assertEqual(self.now(self.bank.balance()).balance_minor, 75_00)

    def test_each_loss_has_the_whole_patience(self) -> None:
        """Time that an earlier loss took is not taken from a later one."""
        for times in (1, 2):
            self.road.mishaps.append(Mishap("TRANSFER", arrives=True))
            self.road.closed = True
            paying = self.pay()
            self.wait(END - 10)
            self.road.closed = False
            self.assertEqual(self.receipt(paying, seconds=10).balance_minor, 100_00 - times * 25_00)

    def test_person_who_has_waited_long_enough(self) -> None:
        """The asking can be stopped; what is then not known is said."""
        self.assertFalse(self.lifeline.stop())
        self.road.mishaps.append(Mishap("TRANSFER", arrives=True))
        self.road.closed = True
        paying = self.pay()
        self.wait(5)
        self.assertTrue(self.lifeline.stop())
        self.doubt(paying)
        self.assertFalse(self.lifeline.stop())
        self.road.closed = False
        self.wait(END)
        self.assertEqual(len(self.road.pipes), 1)
        self.assertPaid(1)

    def test_program_that_ends_says_what_is_in_doubt(self) -> None:
        """A SIGINT cancels what waits; of money that was sent, it is said that nothing is known."""
        self.road.closed = True
        self.road.mishaps.append(Mishap("TRANSFER", arrives=True))
        paying = self.pay()
        paying.cancel()
        self.doubt(paying)

    def test_log_out_ends_the_asking(self) -> None:
        """Nobody waits for the bank to say goodbye."""
        self.road.mishaps.append(Mishap("TRANSFER", arrives=True))
        self.road.closed = True
        paying = self.pay()
        self.now(self.bank.log_out())
        self.doubt(paying)
        self.assertIsNotNone(self.bank.over)


class BankThatCannot(OnTheRoad):
    """The answer is that the bank could not, and it may not itself know whether it did."""

    def setUp(self) -> None:
        super().setUp()
        self.log_in()
        self.writing = self.practice.lane._writing

    @contextmanager
    def failing(self, *, stored: bool) -> Iterator[Transaction]:
        """A transaction whose commit fails, before or after it was durable."""
        with self.writing() as tx:
            yield tx
            if not stored:
                raise OperationalError("COMMIT", None, Exception("disk I/O error"))
        raise OperationalError("COMMIT", None, Exception("disk I/O error"))

    def break_disk(self, *, stored: bool) -> None:
        """Have every commit fail from now on."""
        self.practice.lane._writing = lambda: self.failing(stored=stored)

    def mend_disk(self) -> None:
        """Have commits succeed again."""
        self.practice.lane._writing = self.writing
        self.flushLoggedErrors(OperationalError)

    def test_busy_bank_is_asked_again(self) -> None:
        """With the same key, whether or not the money had moved; the person is told once."""
        for stored in (False, True):
            with self.subTest(stored=stored):
                self.setUp()
                self.break_disk(stored=stored)
                paying = self.pay()
                self.wait(1)
                self.assertNoResult(paying)
                self.mend_disk()
                self.assertEqual(self.receipt(paying, seconds=3).balance_minor, 75_00)
                self.assertEqual(self.told, [words.BUSY.format(movement="transfer")])
                self.assertPaid(1)

    def test_bank_that_stays_busy(self) -> None:
        """After a while it is said that nothing is known, and the session goes on."""
        self.break_disk(stored=True)
        paying = self.pay()
        self.wait(BUSY_SECONDS + 1)
        error = self.doubt(paying)
        assert isinstance(error.why, Denied)
        self.assertEqual(error.why.code, codes.BUSY)
        self.assertIsNone(self.bank.over)
        self.assertGreater(len(self.road.sent("TRANSFER")), 4)
        self.mend_disk()
        self.assertPaid(1)

    def test_asking_a_busy_bank_can_be_stopped(self) -> None:
        """By the person, or with the program; the session is as it was."""
        self.break_disk(stored=False)
        for stop in (lambda paying: self.lifeline.stop(), lambda paying: paying.cancel()):
            paying = self.pay()
            self.wait()
            stop(paying)
            self.doubt(paying)
            self.wait(BUSY_SECONDS)
        self.assertEqual(len(self.road.sent("TRANSFER")), 2)
        self.assertIsNone(self.bank.over)
        self.mend_disk()

    def test_lost_while_the_bank_is_busy(self) -> None:
        """The one follows the other, and the money still moves once."""
        self.break_disk(stored=True)
        paying = self.pay()
        self.wait()
        self.mend_disk()
        self.road.pipes[-1].cut()
        self.assertEqual(self.receipt(paying, seconds=2).balance_minor, 75_00)
        self.assertPaid(1)


class NothingUnderWay(OnTheRoad):
    """The connection is lost while the person thinks."""

    def setUp(self) -> None:
        super().setUp()
        self.log_in()

    def test_session_is_opened_again(self) -> None:
        """By itself, and whoever asked for hints of notices is told that the way is another."""
        recovered: list[str] = []
        self.bank.on_recovery = lambda: recovered.append(self.bank.here)
        self.road.pipes[-1].cut()
        self.wait(1)
        self.assertEqual(recovered, ["192.0.2.2"])
        self.assertEqual(self.told, [words.CONNECTING_AGAIN, words.CONNECTED_AGAIN])
        self.assertEqual(self.now(self.bank.balance()).balance_minor, 100_00)

    def test_money_that_is_asked_for_meanwhile(self) -> None:
        """It is sent when the session is open again."""
        self.road.pipes[-1].cut()
        paying = self.pay()
        self.assertEqual(self.road.sent("TRANSFER"), [])
        self.assertEqual(self.receipt(paying, seconds=1).balance_minor, 75_00)
        self.assertEqual(self.told, [words.CONNECTING_AGAIN, words.CONNECTED_AGAIN])
        self.assertPaid(1)

    def test_what_was_never_sent_is_not_in_doubt(self) -> None:
        """When the bank stays away, that is said; and so it is afterwards."""
        self.road.closed = True
        self.road.pipes[-1].cut()
        paying = self.pay()
        self.wait(END + 1)
        for payment in (paying, self.pay()):
            self.assertEqual(self.failureResultOf(payment, LostBank).value.loss, Loss.UNSENT)

    def test_each_loss_has_the_whole_patience(self) -> None:
        """Time that an earlier loss took is not taken from a later one."""
        for _ in range(3):
            self.road.closed = True
            self.road.pipes[-1].cut()
            self.wait(END - 10)
            self.road.closed = False
            self.wait(10)
            self.assertIsNone(self.bank.over)

    def test_visitor_is_not_called_back(self) -> None:
        """Before log-in and after log-out there is nothing to go on with."""
        self.now(self.bank.log_out())
        visitor = self.line()
        self.road.pipes[-1].cut()
        self.assertIsNotNone(visitor.bank.over)
        self.assertEqual(self.told, [])

    def test_credentials_are_forgotten_with_the_session(self) -> None:
        """Nothing holds them after its end."""
        self.assertNotIn(self.alice.pin, repr(vars(self.lifeline)))
        self.bank.close()
        self.assertIsNone(self.lifeline._way_back.login)


WELCOME = granted(Welcome(account="1000001", currency="USD", lease_seconds=30))
LOGIN = messages.Login(account="1000001", pin="4711")
RECEIPT = granted(Receipt(receipt=7, at_us=0, amount_minor=-500, balance_minor=2500, currency="USD"))
LOST = LostBank(Loss.ENDED)


class Scripted(SynchronousTestCase):
    """A line over conversations that answer as they were told to, one after another."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.told: list[str] = []

    def open(self, *conversations: dict[str, Any] | Exception, login: messages.Login = LOGIN) -> Lifeline:
        """A session in the first conversation; the last one is for ever. An exception is what reaching one raises."""
        self.lines: list[ScriptedLine] = []
        coming = deque(conversations)

        async def reach() -> Bank:
            next_one = coming.popleft() if len(coming) > 1 else coming[0]
            if isinstance(next_one, Exception):
                raise next_one
            self.lines.append(ScriptedLine(**{"LOGIN": WELCOME} | next_one))
            return scripted_bank(self.lines[-1])

        first = self.successResultOf(Deferred.fromCoroutine(reach()))
        lifeline = Lifeline(first, reach, self.clock, lambda: 0.0, self.told.append)
        self.successResultOf(Deferred.fromCoroutine(lifeline.bank.log_in(login)))
        return lifeline

    def ask(self, lifeline: Lifeline, request: messages.Message | str, seconds: float = END + 1) -> Deferred[Answer]:
        """Ask, and let time pass."""
        bank = lifeline.bank
        asking = bank.answer_verb(request) if isinstance(request, str) else bank.answer(request)
        asked = Deferred.fromCoroutine(asking)
        for _ in range(round(seconds / STEP_SECONDS)):
            self.clock.advance(STEP_SECONDS)
        return asked

    def code(self, asked: Deferred[Answer]) -> Code:
        """The code of the answer."""
        return self.successResultOf(asked).code


WITHDRAW = messages.Withdraw(amount=500, currency="USD", key="k")


class WhatMayBeAskedAgain(Scripted):
    """What a lost connection means for each kind of request."""

    def test_what_only_reads(self) -> None:
        """It is asked again, as often as need be."""
        lifeline = self.open({"BALANCE": LOST}, {"BALANCE": LOST}, {})
        self.assertEqual(self.code(self.ask(lifeline, messages.Balance())), codes.DONE)
        self.assertEqual(self.told.count(words.CONNECTED_AGAIN), 2)

    def test_what_might_do_harm_twice(self) -> None:
        """It fails, and is not sent again; the session goes on."""
        open_account = messages.OpenAccount()
        for request, verb in ((open_account, "OPEN_ACCOUNT"), ("MAKE_COFFEE", "MAKE_COFFEE")):
            lifeline = self.open({verb: LOST}, {})
            self.failureResultOf(self.ask(lifeline, request), LostBank)
            self.assertEqual(self.lines[1].asked[1:], [])
            self.assertIsNone(lifeline.bank.over)
            self.assertEqual(self.code(self.ask(lifeline, messages.Balance())), codes.DONE)

    def test_who_leaves_is_not_called_back(self) -> None:
        """A log-out whose answer is lost is one all the same, and so is a deleted account."""
        for request in (messages.Logout(), messages.DeleteAccount(pin="4711")):
            lifeline = self.open({request.verb: LOST}, {})
            self.failureResultOf(self.ask(lifeline, request), LostBank)
            self.assertIsNotNone(lifeline.bank.over)
            self.assertEqual((len(self.lines), self.told), (1, []))

    def test_what_else_was_under_way(self) -> None:
        """Beside money, what may not be asked again fails at once, and what may is asked again."""
        lifeline = self.open({}, {"WITHDRAW": RECEIPT})
        silent: list[Deferred[Answer]] = []

        def ask(message: messages.Message) -> Deferred[Answer]:
            silent.append(Deferred())
            return silent[-1]

        self.lines[0].ask = ask  # type: ignore[method-assign]
        requests = (WITHDRAW, messages.OpenAccount(), messages.Balance())
        money, opening, reading = [Deferred.fromCoroutine(lifeline.bank.answer(request)) for request in requests]
        self.lines[0].lose(LOST)
        for answer in silent:
            self.assertNoResult(opening)
            answer.errback(LOST)
        self.failureResultOf(opening, LostBank)
        self.clock.advance(FIRST_PAUSE_SECONDS)
        self.assertEqual([self.code(money), self.code(reading)], [codes.DONE, codes.DONE])
        self.assertEqual(self.lines[1].asked[1:], [WITHDRAW, messages.Balance()])


class WhatTheBankEnds(Scripted):
    """The bank closes the connection, and says why."""

    def test_reason_of_its_own(self) -> None:
        """An idle session stays ended, and so does one that makes no sense."""
        for why in (LostBank(Loss.ENDED, codes.IDLE), LostBank(Loss.NONSENSE)):
            lifeline = self.open({}, {})
            self.lines[0].lose(why)
            self.assertIs(lifeline.bank.over, why)
            self.assertEqual(self.told, [])

    def test_bank_that_closes(self) -> None:
        """The session is opened again once the bank is back, and it is said what is waited for."""
        away = NoBank(Address("bank.example"), Cause.UNREACHABLE)
        lifeline = self.open({}, away, {"BALANCE": granted()})
        self.lines[0].lose(LostBank(Loss.ENDED, codes.STOPPING))
        self.assertEqual(self.told, [words.CLOSING])
        self.assertEqual(self.code(self.ask(lifeline, messages.Balance())), codes.DONE)
        self.assertEqual(self.told, [words.CLOSING, words.STILL_AWAY, words.CONNECTED_AGAIN])
        self.assertEqual(self.lines[1].asked[1:], [messages.Balance()])

    def test_bank_that_closes_with_money_under_way(self) -> None:
        """It is asked again when it is back, however it said that it closes."""
        for ended in (LostBank(Loss.ENDED, codes.STOPPING), refusal(codes.STOPPING)):
            lifeline = self.open({"WITHDRAW": ended}, {"WITHDRAW": RECEIPT})
            self.assertEqual(self.code(self.ask(lifeline, WITHDRAW)), codes.DONE)

    def test_session_that_is_over(self) -> None:
        """What is answered so was not carried out; who hears it finds the bank lost."""
        lifeline = self.open({"WITHDRAW": refusal(codes.OVER)}, {})
        known: list[bool] = []

        async def ask() -> Answer:
            answer = await lifeline.bank.answer(WITHDRAW)
            known.append(lifeline.bank.over is not None)
            return answer

        self.assertEqual(self.code(Deferred.fromCoroutine(ask())), codes.OVER)
        self.assertEqual((known, len(self.lines)), ([True], 1))

    def test_session_that_is_over_after_money_was_sent_before(self) -> None:
        """That the second attempt was not carried out says nothing of the first: the bank is asked once more."""
        lifeline = self.open({"WITHDRAW": LOST}, {"WITHDRAW": refusal(codes.OVER)}, {"WITHDRAW": RECEIPT})
        self.assertEqual(self.code(self.ask(lifeline, WITHDRAW)), codes.DONE)
        self.assertEqual([line.asked[-1] for line in self.lines], [WITHDRAW] * 3)


class ComingBack(Scripted):
    """The ways in which there is no coming back, and those in which there is."""

    def test_session_is_on_the_same_account(self) -> None:
        """Who logged in by a name comes back to the account of the session, by the password as it is then."""
        by_name = messages.Login(username="alice", password="amber-Kettle-40")
        for new in ("", "plum-Wagon-58"):
            lifeline = self.open({"WITHDRAW": LOST}, {"WITHDRAW": RECEIPT}, login=by_name)
            if new:
                self.ask(lifeline, messages.ChangePassword(password="amber-Kettle-40", new=new), seconds=0)
            self.assertEqual(self.code(self.ask(lifeline, WITHDRAW)), codes.DONE)
            back = messages.Login(username="alice", password=new or "amber-Kettle-40", account="1000001")
            self.assertEqual(self.lines[1].asked, [back, WITHDRAW])

    def test_busy_bank_that_is_then_lost(self) -> None:
        """In the new conversation the request is sent once, though its turn in the old one would come still."""
        lifeline = self.open({"WITHDRAW": refusal(codes.BUSY)}, {})
        asked = self.ask(lifeline, WITHDRAW, seconds=4 * FIRST_PAUSE_SECONDS)
        self.lines[0].lose(LOST)
        self.clock.advance(FIRST_PAUSE_SECONDS - STEP_SECONDS)
        self.assertEqual(len(self.lines), 1)
        sent: list[messages.Message] = []
        log_in = ScriptedLine.ask

        def ask(line: ScriptedLine, message: messages.Message) -> Deferred[Answer]:
            if isinstance(message, messages.Login):
                return log_in(line, message)
            sent.append(message)
            return Deferred()

        self.patch(ScriptedLine, "ask", ask)
        for _ in range(100):
            self.clock.advance(STEP_SECONDS)
        self.assertEqual(sent, [WITHDRAW])
        self.assertNoResult(asked)

    def test_stranger_in_the_banks_place(self) -> None:
        """Who shows another certificate is waited out, and in the end it is said what was wrong."""
        for cause in (Cause.UNTRUSTED, Cause.WRONG_NAME):
            stranger = NoBank(Address("bank.example"), cause)
            lifeline = self.open({"WITHDRAW": LOST}, stranger, {"WITHDRAW": RECEIPT})
            self.assertEqual(self.code(self.ask(lifeline, WITHDRAW)), codes.DONE)
            self.assertEqual(self.told[-1], words.NOT_THE_BANK)
            lifeline = self.open({"WITHDRAW": LOST}, stranger)
            self.failureResultOf(self.ask(lifeline, WITHDRAW), InDoubt)
            self.assertEqual(self.told[-1], words.no_bank(stranger))

    def test_bank_that_is_busy_or_hangs_up(self) -> None:
        """At the door too it is asked again, and the connection that led nowhere is closed."""
        address = Address("bank.example")
        lifeline = self.open(
            {"WITHDRAW": LOST},
            NoBank(address, Cause.TURNED_AWAY, codes.BUSY),
            {"LOGIN": refusal(codes.BUSY)},
            {"LOGIN": refusal(codes.STOPPING)},
            {"LOGIN": refusal(codes.IN_USE)},
            {"LOGIN": refusal(codes.WAIT)},
            {"LOGIN": LOST},
            {"LOGIN": granted()},
            {"WITHDRAW": RECEIPT},
        )
        self.assertEqual(self.code(self.ask(lifeline, WITHDRAW)), codes.DONE)
        self.assertEqual([line.lost.called for line in self.lines], [True] * 7 + [False])
        waited = [words.STILL_AWAY, words.STILL_HELD, words.CODES[codes.WAIT], words.STILL_AWAY]
        self.assertEqual(self.told[1:], waited)

    def test_fault_of_our_own_ends_it(self) -> None:
        """Whoever waits is not left waiting."""
        lifeline = self.open({"WITHDRAW": LOST}, ZeroDivisionError())
        error = self.failureResultOf(self.ask(lifeline, WITHDRAW, seconds=1), InDoubt).value
        reason = error.why.reason
        self.assertIsNotNone(reason.check(ZeroDivisionError))
        self.assertIsNotNone(lifeline.bank.over)

    def test_nonsense_in_place_of_a_receipt(self) -> None:
        """What says that it is done and not what leaves the money in doubt, and is not asked again."""
        lifeline = self.open({"WITHDRAW": granted()}, {})
        paying = Deferred.fromCoroutine(lifeline.bank.withdraw(500, key="k"))
        self.assertIs(self.failureResultOf(paying, InDoubt).value.why.loss, Loss.NONSENSE)
        self.assertEqual(len(self.lines), 1)


class Patience(SynchronousTestCase):
    """The pauses between attempts."""

    def test_they_grow_and_end(self) -> None:
        """From well under a second to some seconds, and no longer than was asked for."""
        clock, waited = Clock(), []
        for pause in pauses(clock, lambda: 0.0, PATIENCE_SECONDS):
            waited.append(pause)
            clock.advance(pause)
        self.assertEqual(waited[:3], [FIRST_PAUSE_SECONDS, 2 * FIRST_PAUSE_SECONDS, 4 * FIRST_PAUSE_SECONDS])
        self.assertEqual(max(waited), LONGEST_PAUSE_SECONDS)
        self.assertAlmostEqual(sum(waited), PATIENCE_SECONDS)

    def test_they_are_not_the_same_for_all(self) -> None:
        """Chance takes up to a half of each."""
        for number, part in ((0.0, 1.0), (0.5, 0.75), (1.0, 0.5)):
            first = next(pauses(Clock(), lambda: number, PATIENCE_SECONDS))  # noqa: B023
            self.assertEqual(first, part * FIRST_PAUSE_SECONDS)


class Ear:
    """What hears hints, until it is closed."""

    def __init__(self, on_hint: Callable[[Hint], None]) -> None:
        self.on_hint = on_hint
        self.closed = False

    def close(self) -> None:
        """Hear nothing more."""
        self.closed = True


NOTICES = [Notice(number=number, kind="contact", at_us=0) for number in (1, 2)]


class AtTheTerminal(Scripted):
    """What a person sees of it."""

    slow: list[Deferred[None]] | None = None
    """Where listening takes its time, what each time waits for."""

    def tearDown(self) -> None:
        """Let the person go."""
        self.screen.end_of_input()

    def sit_down(self, *lines: str, conversations: list[dict[str, Any] | Exception]) -> ScriptedScreen:
        """Log in at the bank's terminal and type ``lines``."""
        coming = deque(conversations)
        self.lines, self.ears = [], list[Ear]()
        self.screen = screen = ScriptedScreen("2", "2", "1000001", "4711", *lines)

        async def reach() -> Bank:
            next_one = coming.popleft() if len(coming) > 1 else coming[0]
            if isinstance(next_one, Exception):
                raise next_one
            self.lines.append(ScriptedLine(**{"LOGIN": WELCOME} | next_one))
            return scripted_bank(self.lines[-1])

        async def call() -> Bank:
            lifeline = Lifeline(await reach(), reach, self.clock, lambda: 0.0, screen.say)
            screen.on_interrupt = lifeline.stop
            return lifeline.bank

        async def listen(bank: Bank, on_hint: Callable[[Hint], None]) -> Ear:
            await bank.listen(4711)
            if self.slow is not None:
                self.slow.append(Deferred())
                await self.slow[-1]
            self.ears.append(Ear(on_hint))
            return self.ears[-1]

        self.status = Deferred.fromCoroutine(Menu(screen, call, listen).run())
        return screen

    def bank(self, **answers: Any) -> dict[str, Any]:
        """A conversation with a bank that sends hints."""
        return {"LISTEN": granted(Listening("0" * 32, "A" * 43, 65433)), **answers}

    def test_withdrawal_that_was_lost_on_the_way(self) -> None:
        """The person reads what is going on, then the receipt, and is at the same menu."""
        banks = [self.bank(WITHDRAW=LOST), self.bank(WITHDRAW=RECEIPT)]
        screen = self.sit_down("withdraw", "5", conversations=[*banks])
        self.assertEqual(screen.transcript[-1], words.ASKING.format(movement="withdrawal"))
        self.clock.advance(FIRST_PAUSE_SECONDS)
        self.assertIn("Success: 5.00 USD paid out. Balance: 25.00 USD.", screen.text)
        self.assertEqual(screen.transcript[-2:], ["  7  Exit", prompts.CHOICE])

    def test_notices_go_on(self) -> None:
        """They are listened for again; what came meanwhile is shown, and nothing twice."""
        banks = [
            self.bank(NOTICES=granted(None, NOTICES[:1]), WITHDRAW=LOST),
            self.bank(NOTICES=granted(None, NOTICES), WITHDRAW=RECEIPT),
        ]
        screen = self.sit_down("withdraw", "5", conversations=[*banks])
        self.clock.advance(FIRST_PAUSE_SECONDS)
        self.assertEqual([screen.text.count(f"[{number}]") for number in (1, 2)], [1, 1])
        self.assertEqual([ear.closed for ear in self.ears], [True, False])
        self.ears[1].on_hint(Hint(2, "contact"))
        self.assertEqual(screen.text.count("[2]"), 1)
        screen.type("ok")
        self.assertIn(messages.Acknowledge(upto=2), self.lines[1].asked)

    def test_what_is_being_typed_stays(self) -> None:
        """A connection that is lost at a question is made again behind it."""
        screen = self.sit_down("withdraw", conversations=[self.bank(), self.bank(WITHDRAW=RECEIPT)])
        self.lines[0].lose(LOST)
        self.clock.advance(FIRST_PAUSE_SECONDS)
        self.assertEqual(screen.transcript[-2:], [words.CONNECTING_AGAIN, words.CONNECTED_AGAIN])
        screen.type("5")
        self.assertIn("Success: 5.00 USD paid out.", screen.text)

    def test_ctrl_c_stops_the_asking(self) -> None:
        """And says what is not known; the first menu is there again."""
        away = NoBank(Address("bank.example"), Cause.UNREACHABLE)
        screen = self.sit_down("withdraw", "5", conversations=[self.bank(WITHDRAW=LOST), away])
        self.clock.advance(FIRST_PAUSE_SECONDS)
        screen.interrupt()
        self.assertIn("It is not known whether the withdrawal of 5.00 USD was made.", screen.text)
        self.assertIn("key-1", screen.text)
        self.assertEqual(screen.transcript[-2:], ["  3  Exit", prompts.CHOICE])

    def test_bank_that_stays_away_while_a_person_thinks(self) -> None:
        """The question is withdrawn, and the reason said."""
        away = NoBank(Address("bank.example"), Cause.UNREACHABLE)
        screen = self.sit_down("withdraw", conversations=[self.bank(), away])
        self.lines[0].lose(LOST)
        for _ in range(200):
            self.clock.advance(1)
        self.assertIn("bank.example:65432 cannot be reached", screen.text)
        self.assertIn(words.LOSSES[Loss.ENDED], screen.text)
        self.assertEqual(screen.transcript[-2:], ["  3  Exit", prompts.CHOICE])

    def test_connection_lost_again_before_anything_was_heard(self) -> None:
        """Of two ears that open late, the last stays."""
        self.sit_down(conversations=[self.bank(), self.bank(), self.bank()])
        self.slow = []
        for line in (0, 1):
            self.lines[line].lose(LOST)
            self.clock.advance(FIRST_PAUSE_SECONDS)
        for slow in self.slow:
            slow.callback(None)
        self.assertEqual([ear.closed for ear in self.ears], [True, True, False])

    def test_connection_lost_again_while_catching_up(self) -> None:
        """One ear is open in the end, and every notice is shown once."""
        banks = [
            self.bank(),
            self.bank(NOTICES=LOST),
            self.bank(LISTEN=LOST),
            self.bank(NOTICES=granted(None, NOTICES)),
        ]
        screen = self.sit_down(conversations=[*banks])
        self.lines[0].lose(LOST)
        for _ in range(20):
            self.clock.advance(1)
        self.assertEqual([ear.closed for ear in self.ears][-1], False)
        self.assertEqual(sum(not ear.closed for ear in self.ears), 1)
        self.assertEqual([screen.text.count(f"[{number}]") for number in (1, 2)], [1, 1])


class WithoutAPerson(Scripted):
    """What a script makes of it."""

    def run_tasks(self, *tasks: str | Later, conversations: list[dict[str, Any] | Exception]) -> int:
        """Run ``tasks``; the exit status."""
        lifeline = self.open(*conversations)
        self.written: list[str] = []
        script = Script(lifeline.bank, self.written.append, self.told.append, as_json=True)
        running = Deferred.fromCoroutine(script.run(LOGIN, Feed(tasks, Nothing())))
        for _ in range(round(END)):
            self.clock.advance(1)
        return self.successResultOf(running)

    def test_next_tasks_are_done(self) -> None:
        """A lost connection costs a script nothing but time, with and without money under way."""
        banks: list[dict[str, Any]] = [{"WITHDRAW": LOST}, {"WITHDRAW": RECEIPT, "ACKNOWLEDGE": LOST}, {}]
        status = self.run_tasks("Withdraw 5", "Acknowledge 1", "Make Coffee", conversations=[*banks])
        self.assertEqual(status, exits.SUCCESS)
        self.assertEqual(['"code": 200' in line for line in self.written], [True] * 3)
        self.assertEqual(self.lines[2].asked[1:], [messages.Acknowledge(upto=1), "MAKE_COFFEE", messages.Logout()])
        self.assertEqual(self.told[0], words.ASKING.format(movement="withdrawal"))

    def test_script_that_cannot_go_on_is_not_called_back(self) -> None:
        """Where it ends because of what might do harm twice, the session is not opened again behind it."""
        self.assertEqual(self.run_tasks("Open Account", conversations=[{"OPEN_ACCOUNT": LOST}, {}]), exits.NO_BANK)
        self.assertEqual(len(self.lines), 1)

    def test_money_in_doubt_has_its_key(self) -> None:
        """A program finds it in the answer, beside words for people."""
        away = NoBank(Address("bank.example"), Cause.UNREACHABLE)
        status = self.run_tasks("Withdraw 5", "Check Balance", conversations=[{"WITHDRAW": LOST}, away])
        self.assertEqual(status, exits.NO_BANK)
        self.assertEqual(len(self.written), 1)
        for part in ('"code": null', '"reason": "lost"', '"key": "key-1"', "withdrawal of 5.00 USD"):
            self.assertIn(part, self.written[0])

    def test_bank_that_stays_busy(self) -> None:
        """Its code is told, that nothing is known, and the key; the next task is done."""
        status = self.run_tasks("Withdraw 5", "Acknowledge 1", conversations=[{"WITHDRAW": refusal(codes.BUSY)}])
        self.assertEqual(status, exits.REFUSED)
        for part in ('"code": 503', '"reason": "busy"', '"key": "key-1"', "It is not known"):
            self.assertIn(part, self.written[0])
        self.assertIn('"code": 200', self.written[1])


class Nothing:
    """A standard input that is at its end."""

    def next(self) -> Deferred[str | None]:
        """Nothing."""
        line: Deferred[str | None] = Deferred()
        line.callback(None)
        return line

    def close(self) -> None:
        """Nothing more."""
