"""The client's side of BANK/1: requests, answers, events, and every way in which it can end."""

from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.client.answers import Answer, items_of, read
from bankd.client.bank import Bank
from bankd.client.conversation import ANSWER_SECONDS, GREETING_SECONDS, MAX_ITEMS, Conversation
from bankd.client.errors import Denied, Loss, LostBank
from bankd.client.keys import key_maker, ordered_key
from bankd.client.testing import ScriptedLine, granted, refusal, scripted_bank
from bankd.records import AccountView, Notice, Receipt, StatementLine, Welcome
from bankd.wire import messages
from bankd.wire.codec import NotReply

T = TypeVar("T")

GREETING = b"* 200 protocol=BANK/1 bank=Test%20Bank currency=USD\r\n".replace(b"/", b"%2F")


class Talking(SynchronousTestCase):
    """A conversation whose bank is the test itself."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.transport = StringTransport()
        self.conversation = Conversation(self.clock)
        self.losses: list[LostBank] = []
        self.conversation.lost.addCallback(self.losses.append)
        self.conversation.makeConnection(self.transport)

    def greet(self) -> None:
        """Send the greeting, as a bank does first."""
        self.conversation.dataReceived(GREETING)

    def hear(self, *lines: str) -> None:
        """Send lines to the client."""
        self.conversation.dataReceived("".join(f"{line}\r\n" for line in lines).encode())

    def sent(self) -> list[str]:
        """The lines that the client has sent since the last look."""
        sent: bytes = self.transport.value()
        self.transport.clear()
        return sent.decode().split("\r\n")[:-1]

    def lose(self) -> None:
        """End the connection, as Twisted does."""
        self.conversation.connectionLost(Failure(ConnectionDone()))

    def loss_of(self, answer: Deferred[T]) -> LostBank:
        """The LostBank that ``answer`` failed with."""
        lost = self.failureResultOf(answer, LostBank).value
        assert isinstance(lost, LostBank)
        return lost


class Asking(Talking):
    """Requests and their answers."""

    def test_greeting_is_read(self) -> None:
        """The bank's name and currency are known from its greeting."""
        self.greet()
        greeting = self.successResultOf(self.conversation.greeted)
        self.assertEqual((greeting.bank, greeting.currency), ("Test Bank", "USD"))

    def test_request_travels_with_a_tag_of_its_own(self) -> None:
        """Two requests are two lines with two tags, sent without waiting."""
        self.greet()
        self.conversation.ask(messages.Balance())
        self.conversation.ask(messages.Statement(limit=5))
        self.assertEqual(self.sent(), ["a1 BALANCE", "a2 STATEMENT limit=5"])

    def test_answer_reaches_its_request(self) -> None:
        """Each answer fires the Deferred of the request with its tag, in order."""
        self.greet()
        first, second = self.conversation.ask(messages.Noop()), self.conversation.ask(messages.Balance())
        self.hear("a1 200")
        self.assertEqual(self.successResultOf(first), Answer(codes.DONE, {}))
        self.assertNoResult(second)
        self.hear("a2 200 account=1 balance=-5")
        self.assertEqual(self.successResultOf(second).fields, {"account": "1", "balance": "-5"})

    def test_list_comes_with_its_last_line(self) -> None:
        """The lines of a list are kept until the line with the code."""
        self.greet()
        answer = self.conversation.ask(messages.Accounts())
        self.hear("a1 - account=1", "a1 - account=2")
        self.assertNoResult(answer)
        self.hear("a1 200")
        self.assertEqual(self.successResultOf(answer).items, ({"account": "1"}, {"account": "2"}))

    def test_refusal_is_an_answer(self) -> None:
        """A refusal fires with its code and fields."""
        self.greet()
        answer = self.conversation.ask(messages.SignUp(username="zoe", password="x", mobile="1234"))
        self.hear("a1 409 reason=taken field=username")
        self.assertEqual(self.successResultOf(answer).code, codes.TAKEN)

    def test_code_of_a_newer_bank_keeps_its_number(self) -> None:
        """A code that this client does not know is still a refusal with its number and reason."""
        self.greet()
        answer = self.conversation.ask(messages.Noop())
        self.hear("a1 451 reason=law")
        code = self.successResultOf(answer).code
        self.assertEqual((code.number, code.reason, code.refuses), (451, "law", True))

    def test_bare_verb_is_sent_as_it_is(self) -> None:
        """A verb that the client does not know goes out for the bank to judge."""
        self.greet()
        self.conversation.ask_verb("MAKE_COFFEE")
        self.assertEqual(self.sent(), ["a1 MAKE_COFFEE"])


class Ending(Talking):
    """The ways in which a conversation ends."""

    def test_loss_fails_all_that_waits_with_one_error(self) -> None:
        """Every outstanding request fails with the same LostBank."""
        self.greet()
        answers = [self.conversation.ask(messages.Noop()) for _ in range(3)]
        self.lose()
        self.assertEqual({self.loss_of(answer) for answer in answers}, set(self.losses))
        self.assertEqual(self.losses[0].loss, Loss.ENDED)

    def test_lost_is_known_before_requests_fail(self) -> None:
        """Who awaits an answer finds the conversation over, and may open another one at once."""
        self.greet()
        known: list[bool] = []
        self.conversation.ask(messages.Noop()).addErrback(lambda failure: known.append(bool(self.losses)))
        self.lose()
        self.assertEqual(known, [True])

    def test_request_after_the_end_fails_at_once(self) -> None:
        """Nothing is sent, and nobody waits, on a conversation that is over."""
        self.greet()
        self.lose()
        self.loss_of(self.conversation.ask(messages.Noop()))
        self.assertEqual(self.sent(), [])

    def test_news(self) -> None:
        """A warning of idleness is passed on, with its seconds; other news, even of that kind, is passed over."""
        idle: list[int] = []
        self.conversation.on_idle = idle.append
        self.greet()
        for line in ("reason=idle_soon seconds=60", "reason=idle_soon", "reason=idle_soon seconds=0", "reason=weather"):
            self.hear(f"* 100 {line}")
        self.hear("* 102", "* 199 reason=x y=z", "* 100 reason=idle_soon seconds=59 because=why")
        self.assertEqual((idle, self.losses), ([60, 59], []))

    def test_news_before_the_greeting(self) -> None:
        """A bank that begins with anything but its greeting is none."""
        self.hear("* 100 reason=idle_soon seconds=60")
        self.assertEqual(self.losses[0].loss, Loss.NONSENSE)
        self.failureResultOf(self.conversation.greeted, LostBank)

    def test_warning_is_kept(self) -> None:
        """The code of an event before the end says why."""
        for line, code in (
            ("* 408 reason=idle", codes.IDLE),
            ("* 408 reason=session_time", codes.SESSION_TIME),
            ("* 503 reason=crowded", codes.CROWDED),
            ("* 410 reason=session", codes.OVER),
            ("* 503 reason=stopping", codes.STOPPING),
            ("* 400 reason=framing", codes.BROKEN_LINE),
        ):
            self.setUp()
            self.greet()
            self.hear(line)
            self.lose()
            self.assertEqual(self.losses[0].warning, code)

    def test_answer_that_closes_ends_it(self) -> None:
        """A keep-alive that is answered 'the session is over' ends the conversation, which says so."""
        self.greet()
        self.conversation.keep_alive(10)
        self.clock.advance(10)
        self.hear("a1 410 reason=session")
        self.assertEqual([(lost.loss, lost.warning) for lost in self.losses], [(Loss.ENDED, codes.OVER)])
        self.assertTrue(self.transport.disconnecting)
        self.lose()
        self.assertEqual((len(self.losses), self.clock.getDelayedCalls()), (1, []))

    def test_what_waits_behind_a_closing_answer_is_answered_alike(self) -> None:
        """A session that is over does nothing any more, so there is no doubt about what was asked in it."""
        self.greet()
        self.conversation.keep_alive(10)
        self.clock.advance(10)
        withdrawal = self.conversation.ask(messages.Withdraw(amount=1, currency="USD", key="k"))
        self.hear("a1 410 reason=session")
        self.assertEqual(self.successResultOf(withdrawal).code, codes.OVER)

    def test_lost_is_known_before_a_closing_answer(self) -> None:
        """Who is answered that the session is over finds the conversation over."""
        self.greet()
        known: list[bool] = []
        self.conversation.ask(messages.Noop()).addCallback(lambda answer: known.append(bool(self.losses)))
        self.hear("a1 410 reason=session")
        self.assertEqual(known, [True])

    def test_end_before_the_greeting_fails_it(self) -> None:
        """What closes without a greeting is reported to whoever waits for one, with the network's reason."""
        self.lose()
        lost = self.loss_of(self.conversation.greeted)
        assert lost.reason is not None
        lost.reason.trap(ConnectionDone)

    def test_nonsense_aborts(self) -> None:
        """A line that is no BANK/1, or not due now, ends the conversation; later lines are not looked at."""
        for nonsense in (
            "HTTP/1.1 400 Bad Request",
            "a2 200",
            "b1 - x=1",
            "* - x=1",
            "* 200 protocol=BANK%2F1 bank=B currency=USD",
            "a1 200 x=%FF",
        ):
            self.setUp()
            self.greet()
            answer = self.conversation.ask(messages.Noop())
            self.hear(nonsense, "a1 200")
            self.assertEqual(self.loss_of(answer).loss, Loss.NONSENSE, nonsense)
            self.assertTrue(self.transport.disconnected, nonsense)

    def test_other_greeting_aborts(self) -> None:
        """Another protocol's greeting, or one with a field missing, is not a bank's."""
        for nonsense in (
            "* 200",
            "* 200 protocol=FTP bank=B currency=USD",
            "* 200 protocol=BANK%2F1 bank=B",
            "* - protocol=BANK%2F1 bank=B currency=USD",
        ):
            self.setUp()
            self.hear(nonsense)
            self.assertEqual(self.loss_of(self.conversation.greeted).loss, Loss.NONSENSE, nonsense)

    def test_long_line_aborts(self) -> None:
        """A line of more than 4096 octets is not read to its end."""
        self.greet()
        answer = self.conversation.ask(messages.Noop())
        self.conversation.dataReceived(b"a1 200 x=" + b"y" * 5000)
        self.assertEqual(self.loss_of(answer).loss, Loss.NONSENSE)

    def test_endless_list_aborts(self) -> None:
        """A list that does not end does not fill the memory."""
        self.greet()
        answer = self.conversation.ask(messages.Accounts())
        self.hear(*["a1 - account=1"] * MAX_ITEMS)
        self.assertNoResult(answer)
        self.hear("a1 - account=1")
        self.assertEqual(self.loss_of(answer).loss, Loss.NONSENSE)

    def test_leaving_is_not_a_fault_of_the_bank(self) -> None:
        """``close`` ends the conversation at once, and says that this side did."""
        self.greet()
        answer = self.conversation.ask(messages.Noop())
        self.conversation.close()
        self.assertEqual(self.loss_of(answer).loss, Loss.LEFT)
        self.assertTrue(self.transport.disconnecting)

    def test_what_still_comes_after_leaving_is_passed_over(self) -> None:
        """The bank's last lines do not turn a farewell into an abort."""
        self.greet()
        self.conversation.ask(messages.Logout()).addErrback(lambda failure: None)
        self.conversation.close()
        self.hear("a1 200")
        self.assertFalse(self.transport.disconnected)

    def test_end_is_told_once(self) -> None:
        """The connection that ends after ``close`` changes nothing."""
        self.greet()
        self.conversation.close()
        self.lose()
        self.assertEqual([lost.loss for lost in self.losses], [Loss.LEFT])


class Silence(Talking):
    """Timers: an answer that is due, and a session that must not seem dead."""

    def test_silent_server_is_given_up(self) -> None:
        """Without a greeting the conversation ends in time."""
        self.clock.advance(GREETING_SECONDS)
        self.assertEqual(self.loss_of(self.conversation.greeted).loss, Loss.SILENT)

    def test_answer_that_does_not_come_ends_it(self) -> None:
        """A bank that owes an answer for too long is lost; until then it has its full time."""
        self.greet()
        self.clock.advance(1000)
        answer = self.conversation.ask(messages.Noop())
        self.clock.advance(ANSWER_SECONDS - 1)
        self.assertNoResult(answer)
        self.clock.advance(1)
        self.assertEqual(self.loss_of(answer).loss, Loss.SILENT)

    def test_asking_more_does_not_renew_patience(self) -> None:
        """What was due first is still due, however much is asked after it."""
        self.greet()
        answer = self.conversation.ask(messages.Noop())
        self.clock.advance(ANSWER_SECONDS - 1)
        self.conversation.ask(messages.Noop()).addErrback(lambda failure: None)
        self.clock.advance(1)
        self.assertEqual(self.loss_of(answer).loss, Loss.SILENT)

    def test_each_line_renews_patience(self) -> None:
        """A long list may take longer than one answer."""
        self.greet()
        answer = self.conversation.ask(messages.Accounts())
        for _ in range(3):
            self.clock.advance(ANSWER_SECONDS - 1)
            self.hear("a1 - account=1")
        self.assertNoResult(answer)

    def test_quiet_session_is_kept(self) -> None:
        """A NOOP is asked whenever nothing was, again and again."""
        self.greet()
        self.conversation.keep_alive(10)
        self.clock.advance(10)
        self.assertEqual(self.sent(), ["a1 NOOP"])
        self.hear("a1 200")
        self.clock.advance(10)
        self.assertEqual(self.sent(), ["a2 NOOP"])

    def test_request_takes_the_place_of_a_noop(self) -> None:
        """After any request the wait for the next NOOP begins again."""
        self.greet()
        self.conversation.keep_alive(10)
        self.clock.advance(9)
        self.conversation.ask(messages.Balance())
        self.clock.advance(9)
        self.assertEqual(self.sent(), ["a1 BALANCE"])

    def test_nothing_is_scheduled_after_the_end(self) -> None:
        """A conversation that is over leaves no timer behind, and its failed NOOP is no error."""
        self.greet()
        self.conversation.keep_alive(10)
        self.clock.advance(10)
        self.lose()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class Keys(SynchronousTestCase):
    """The keys of money commands."""

    def test_layout_is_that_of_the_rfc(self) -> None:
        """The example of RFC 9562, appendix A.6, is made from its time and random bits."""
        noise = 0x18C4DC0C0C07398F << 12 | 0xCC3
        key = ordered_key(1645557742.000, noise.to_bytes(10))
        self.assertEqual(key, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")

    def test_later_keys_sort_later(self) -> None:
        """Keys are ordered by the clock, whatever the random octets are."""
        clock = Clock()
        new_key = key_maker(clock, lambda count: bytes([255 - int(clock.seconds())]) * count)
        keys = []
        for _ in range(20):
            keys.append(new_key())
            clock.advance(1)
        self.assertTrue(all(earlier < later for earlier, later in pairwise(keys)))


class Reading(SynchronousTestCase):
    """Fields as records."""

    def test_field_of_a_newer_bank_is_passed_over(self) -> None:
        """A field that this client does not know does no harm."""
        account = read(AccountView, _ACCOUNT_FIELDS | {"colour": "red"})
        self.assertEqual(account, _ACCOUNT)

    def test_text_is_decoded_once(self) -> None:
        """A reference that looks percent-encoded stays what the payer wrote."""
        line = StatementLine(receipt=1, at_us=0, kind="paid", amount_minor=-1, balance_minor=0, reference="100%41 %FF")
        [item] = items_of(messages.Statement, granted(None, [line]))
        self.assertEqual(item.reference, "100%41 %FF")

    def test_missing_or_bad_field_is_not_a_reply(self) -> None:
        """What does not fit the record is no answer of a bank."""
        for change in ({"balance": "1e3"}, {"account": ""}):
            self.assertRaises(NotReply, read, AccountView, _ACCOUNT_FIELDS | change)
        self.assertRaises(NotReply, read, AccountView, {})


_ACCOUNT = AccountView(account="1000001", currency="USD", balance_minor=1250, available_minor=1250, opened_us=0)
_ACCOUNT_FIELDS = dict(granted(_ACCOUNT).fields)
_WELCOME = Welcome(account="1000001", currency="USD", lease_seconds=30)
_RECEIPT = Receipt(receipt=7, at_us=0, amount_minor=-100, balance_minor=900, currency="USD")


class TypedBank(SynchronousTestCase):
    """The bank as methods and records."""

    def result(self, line: ScriptedLine, ask: Callable[[Bank], Coroutine[Any, Any, T]]) -> T:
        """What ``ask`` gets from a bank on ``line``."""
        return self.successResultOf(Deferred.fromCoroutine(ask(scripted_bank(line))))

    def test_records_come_back(self) -> None:
        """An answer's fields are a record."""
        self.assertEqual(self.result(ScriptedLine(BALANCE=granted(_ACCOUNT)), Bank.balance), _ACCOUNT)
        self.assertEqual(self.result(ScriptedLine(ACCOUNTS=granted(None, [_ACCOUNT])), Bank.accounts), [_ACCOUNT])

    def test_refusals_are_raised(self) -> None:
        """A refusal is an exception with the code, the field and the incident."""
        bank = scripted_bank(ScriptedLine(BALANCE=refusal(codes.INCIDENT, incident=42)))
        failure = self.failureResultOf(Deferred.fromCoroutine(bank.balance()), Denied)
        self.assertEqual((failure.value.code, failure.value.incident), (codes.INCIDENT, "42"))

    def test_log_in_keeps_the_session_three_times_a_lease(self) -> None:
        """After log-in the line is kept alive at a third of the lease."""
        line = ScriptedLine(LOGIN=granted(_WELCOME))
        self.result(line, lambda bank: bank.log_in(messages.Login(account="1000001", pin="1234")))
        self.assertEqual(line.kept_alive, 10)

    def test_endless_lease_needs_no_keeping(self) -> None:
        """A bank without leases is not asked NOOP."""
        line = ScriptedLine(LOGIN=granted(Welcome(account="1", currency="USD", lease_seconds=0)))
        self.result(line, lambda bank: bank.log_in(messages.Login(account="1", pin="1234")))
        self.assertIsNone(line.kept_alive)

    def test_registration_is_known_by_its_code(self) -> None:
        """A log-in answered 201 has registered a new customer."""
        for code in (codes.DONE, codes.CREATED):
            bank = scripted_bank(ScriptedLine(LOGIN=granted(_WELCOME, (), code)))
            self.assertFalse(bank.registered)
            self.successResultOf(Deferred.fromCoroutine(bank.log_in(messages.Login(mobile="1234", pin="1234"))))
            self.assertEqual(bank.registered, code is codes.CREATED)

    def test_money_travels_with_a_key_and_the_accounts_currency(self) -> None:
        """Each command gets a key of its own; a key that is given is used, to send the same command again."""
        line = ScriptedLine(WITHDRAW=granted(_RECEIPT))
        bank = scripted_bank(line)
        for key in (None, None, "mine"):
            self.successResultOf(Deferred.fromCoroutine(bank.withdraw(100, key=key)))
        self.assertEqual(
            line.asked, [messages.Withdraw(amount=100, currency="USD", key=key) for key in ("key-1", "key-2", "mine")]
        )

    def test_notices_are_read_page_by_page(self) -> None:
        """A full page is followed by a question for what comes after it."""
        pages = [range(1, 101), range(101, 103)]
        notices = [[Notice(number=n, kind="paid", at_us=0) for n in page] for page in pages]
        line = ScriptedLine(NOTICES=[granted(None, page) for page in notices])
        self.assertEqual([notice.number for notice in self.result(line, Bank.notices)], list(range(1, 103)))
        self.assertEqual(line.asked, [messages.Notices(), messages.Notices(since=100)])

    def test_page_that_repeats_itself_is_the_last(self) -> None:
        """A bank that does not get on with its list is not asked for ever."""
        page = granted(None, [Notice(number=n, kind="paid", at_us=0) for n in range(1, 101)])
        line = ScriptedLine(NOTICES=page)
        self.result(line, lambda bank: bank.notices(100))
        self.assertEqual(len(line.asked), 1)

    def test_answer_without_its_record_is_not_a_banks(self) -> None:
        """What answers without the fields that are due is left."""
        bank = scripted_bank(ScriptedLine(BALANCE=granted()))
        failure = self.failureResultOf(Deferred.fromCoroutine(bank.balance()), LostBank)
        self.assertEqual(failure.value.loss, Loss.NONSENSE)
        self.assertIsNotNone(bank.over)

    def test_log_out_ends_the_conversation(self) -> None:
        """The session is closed, and so is the connection."""
        line = ScriptedLine()
        bank = scripted_bank(line)
        self.successResultOf(Deferred.fromCoroutine(bank.log_out()))
        self.assertEqual(line.asked, [messages.Logout()])
        self.assertIsNotNone(bank.over)

    def test_log_out_ends_quietly_even_when_the_bank_is_gone(self) -> None:
        """Nothing is raised at the end, for it is over either way."""
        line = ScriptedLine()
        line.lose(LostBank(Loss.ENDED))
        self.result(line, Bank.log_out)
