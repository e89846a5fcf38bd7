"""Looking out for notices: the probe, and the question that needs no datagram."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.client.answers import Answer
from bankd.client.errors import Denied, Loss, LostBank
from bankd.client.inbox import GREETING
from bankd.client.lookout import LOOK_SECONDS, PAUSES_SECONDS, Lookout, look_out
from bankd.client.testing import ScriptedLine, granted, refusal, scripted_bank
from bankd.records import Listening, Newest, Welcome
from bankd.wire import messages, notice
from bankd.wire.notice import Hint, Sealing
from tests.test_inbox import LISTENING, PROOF, UDPReactor

BANK = "127.0.0.1"
OTHER = Listening("f" * 32, notice.spell_key(bytes(32)), 65433)
LOST = LostBank(Loss.ENDED)
LOOK = messages.Noop(notices="yes")


class LookoutCase(SynchronousTestCase):
    """A test with a lookout at a bank that is a script."""

    lease = 0

    def setUp(self) -> None:
        self.heard: list[Hint] = []

    def look_out(self, reactor: UDPReactor | None = None, **answers: Any) -> Deferred[Lookout]:
        """Look out at a bank that gives these answers."""
        self.reactor = reactor or UDPReactor()
        self.line = ScriptedLine(**{"LISTEN": granted(LISTENING), "NOOP": granted(Newest(0))} | answers)
        bank = scripted_bank(self.line)
        bank.welcome = Welcome("1000001", "USD", self.lease) if self.lease else None
        return Deferred.fromCoroutine(look_out(self.reactor, bank, self.heard.append))

    def opened(self, **answers: Any) -> Lookout:
        """The lookout itself, which is open at once."""
        lookout = self.successResultOf(self.look_out(**answers))
        self.addCleanup(lookout.close)
        return lookout

    def receive(self, *datagrams: bytes) -> None:
        """Have datagrams arrive from the bank."""
        for datagram in datagrams:
            assert self.reactor.inbox is not None
            self.reactor.inbox.datagramReceived(datagram, (BANK, 65433))

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass, in small steps."""
        for _ in range(round(seconds * 10)):
            self.reactor.advance(0.1)

    def asked(self, kind: type[messages.Message]) -> list[messages.Message | str]:
        """What was asked of one kind."""
        return [message for message in self.line.asked if isinstance(message, kind)]


class Probed(LookoutCase):
    """The way of the datagrams."""

    def test_port_is_told(self) -> None:
        """The bank learns the port, on the address of the connection, and its own is greeted so that it is let in."""
        self.opened()
        self.assertEqual(self.line.asked, [messages.Listen(port=4711)])
        self.assertEqual(self.reactor.interfaces, [BANK])
        self.assertEqual(self.reactor.port.sent, [(GREETING, (BANK, 65433))])

    def test_probe_is_confirmed(self) -> None:
        """What the probe brought is told, what came before that is asked for, and hints are heard then."""
        self.opened(NOOP=granted(Newest(5)))
        sealing = Sealing(LISTENING.listener, notice.read_key(LISTENING.notice_key))
        self.receive(sealing.probe(PROOF), *sealing.hints([Hint(6, "paid")]))
        self.assertEqual(self.line.asked[1:], [messages.Confirm(proof=PROOF.hex()), LOOK])
        self.assertEqual(self.heard, [Hint(5), Hint(6, "paid")])
        self.pass_time(60)
        self.assertEqual(len(self.asked(messages.Listen)), 1)

    def test_probe_that_overtakes_the_answer(self) -> None:
        """A probe that comes before the answer to LISTEN is confirmed as well."""
        slow: Deferred[Answer] = Deferred()
        self.line = ScriptedLine()
        reactor = UDPReactor()
        bank = scripted_bank(self.line)
        ask, self.line.ask = self.line.ask, lambda message: slow  # type: ignore[method-assign]
        opening = Deferred.fromCoroutine(look_out(reactor, bank, self.heard.append))
        assert reactor.inbox is not None
        sealing = Sealing(LISTENING.listener, notice.read_key(LISTENING.notice_key))
        reactor.inbox.datagramReceived(sealing.probe(PROOF), (BANK, 65433))
        self.line.ask = ask  # type: ignore[method-assign]
        slow.callback(granted(LISTENING))
        self.successResultOf(opening).close()
        self.assertIn(messages.Confirm(proof=PROOF.hex()), self.line.asked)

    def test_lost_probes(self) -> None:
        """Another probe is asked for a few times, with longer and longer pauses, and then no more."""
        self.opened(LISTEN=[granted(LISTENING), granted(OTHER)])
        self.pass_time(1.2)
        self.assertEqual(len(self.asked(messages.Listen)), 2)
        self.receive(Sealing(LISTENING.listener, notice.read_key(LISTENING.notice_key)).probe(PROOF))
        self.assertEqual(self.asked(messages.Confirm), [])  # that listener is none any more
        self.pass_time(600)
        self.assertEqual(len(self.asked(messages.Listen)), 1 + len(PAUSES_SECONDS))

    def test_later_probe_arrives(self) -> None:
        """A probe of a later LISTEN counts."""
        self.opened(LISTEN=[granted(LISTENING), granted(OTHER)])
        self.pass_time(1.2)
        self.receive(Sealing(OTHER.listener, bytes(32)).probe(PROOF))
        self.pass_time(600)
        self.assertEqual((len(self.asked(messages.Listen)), len(self.asked(messages.Confirm))), (2, 1))

    def test_refused_later(self) -> None:
        """Where the bank wants to wait with another probe, it is asked once more after the next pause."""
        self.opened(LISTEN=[granted(LISTENING), refusal(codes.WAIT, seconds=2), granted(OTHER)])
        self.pass_time(3.3)
        self.assertEqual(len(self.asked(messages.Listen)), 3)

    def test_refused_at_first(self) -> None:
        """So it is at the beginning; the newest notice is asked for meanwhile."""
        self.opened(LISTEN=[refusal(codes.WAIT, seconds=2), granted(LISTENING)], NOOP=granted(Newest(2)))
        self.assertEqual(self.reactor.port.sent, [])
        self.pass_time(LOOK_SECONDS + 0.3)
        self.assertEqual(self.heard, [Hint(2)])
        self.assertGreater(len(self.asked(messages.Listen)), 1)

    def test_proof_that_is_refused(self) -> None:
        """A proof that the bank does not take leaves all as it was, and the next probe is waited for."""
        self.opened(CONFIRM=refusal(codes.NO_PROBE))
        self.receive(Sealing(LISTENING.listener, notice.read_key(LISTENING.notice_key)).probe(PROOF))
        self.pass_time(1.2)
        self.assertEqual(len(self.asked(messages.Listen)), 2)

    def test_refusal_closes_the_port(self) -> None:
        """A bank that sends no notices leaves no port open, and no timer."""
        self.failureResultOf(self.look_out(LISTEN=refusal(codes.BUSY)), Denied)
        self.assertTrue(self.reactor.port.closed)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_no_port(self) -> None:
        """A machine that gives no port is told of, before the bank is asked for anything."""
        self.failureResultOf(self.look_out(UDPReactor(BANK, "")), CannotListenError)
        self.assertEqual((self.line.asked, self.reactor.getDelayedCalls()), ([], []))

    def test_closed_while_asking(self) -> None:
        """Who is closed before the answer comes does nothing with it."""
        slow: Deferred[Answer] = Deferred()
        lookout = self.opened()
        self.line.ask = lambda message: slow  # type: ignore[method-assign]
        self.pass_time(1.2)
        lookout.close()
        slow.callback(granted(OTHER))
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class Looking(LookoutCase):
    """The question that is asked now and then."""

    def test_now_and_then(self) -> None:
        """The newest notice is asked for and told of, and the way for datagrams is kept open."""
        self.opened(NOOP=[granted(Newest(0)), granted(Newest(8))])
        self.pass_time(2 * LOOK_SECONDS + 0.5)
        self.assertEqual(self.asked(messages.Noop), [LOOK] * 2)
        self.assertEqual(self.heard, [Hint(8)])
        greeted = len(self.reactor.port.sent) - len(self.asked(messages.Listen))
        self.assertEqual(greeted, 2)

    def test_before_the_line_would(self) -> None:
        """With a lease it is asked a little before the line would ask NOOP by itself."""
        self.lease = 30
        self.opened()
        self.pass_time(8.9)
        self.assertEqual(self.asked(messages.Noop), [])
        self.pass_time(1)
        self.assertEqual(self.asked(messages.Noop), [LOOK])

    def test_one_at_a_time(self) -> None:
        """While a question has no answer no other one is asked."""
        slow: Deferred[Answer] = Deferred()
        self.opened()
        ask, asked = self.line.ask, []

        def wait(message: messages.Message) -> Deferred[Answer]:
            asked.append(message)
            return slow if message == LOOK else ask(message)

        self.line.ask = wait  # type: ignore[method-assign]
        self.pass_time(5 * LOOK_SECONDS)
        self.assertEqual(asked.count(LOOK), 1)
        slow.callback(granted(Newest(3)))
        self.assertEqual(self.heard, [Hint(3)])

    def test_busy_bank_is_asked_again(self) -> None:
        """A bank that cannot say now is asked again; one that does not know the question is not."""
        for code, questions in ((codes.BUSY, 3), (codes.BAD_FIELD, 1)):
            self.opened(NOOP=refusal(code))
            self.pass_time(3 * LOOK_SECONDS + 0.5)
            self.assertEqual(len(self.asked(messages.Noop)), questions)

    def test_over(self) -> None:
        """With the end of the session the asking ends; after that nothing waits."""
        self.opened()
        self.line.lose(LOST)
        self.pass_time(5 * LOOK_SECONDS)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_lost_for_a_while(self) -> None:
        """While there is a way back the asking goes on."""
        self.opened(NOOP=granted(Newest(4)))
        ask = self.line.ask

        def lost(message: messages.Message) -> Deferred[Answer]:
            self.line.ask = ask  # type: ignore[method-assign]
            failed: Deferred[Answer] = Deferred()
            failed.errback(LostBank(Loss.UNSENT))
            return failed

        self.pass_time(20)  # every probe was asked for
        self.heard.clear()
        self.line.ask = lost  # type: ignore[method-assign]
        self.pass_time(LOOK_SECONDS)
        self.assertEqual(self.heard, [])
        self.pass_time(LOOK_SECONDS)
        self.assertEqual(self.heard, [Hint(4)])

    def test_closed(self) -> None:
        """After the end nothing is asked, heard or waited for."""
        lookout = self.opened(NOOP=granted(Newest(4)))
        lookout.close()
        self.pass_time(5 * LOOK_SECONDS)
        self.assertEqual((self.asked(messages.Noop), self.heard, self.reactor.getDelayedCalls()), ([], [], []))
