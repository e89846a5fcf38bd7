"""The cash machine: one customer after another, and nothing left of any of them."""

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.client import atm_prompts, exits, prompts, words
from bankd.client.address import Address
from bankd.client.atm import FAREWELL_SECONDS, IDLE_SECONDS, MENU, RETRY_SECONDS, Atm
from bankd.client.bank import Bank
from bankd.client.errors import Cause, Loss, LostBank, NoBank
from bankd.client.screen import EndOfInput, Interrupted
from bankd.client.testing import GREETING, ScriptedLine, ScriptedScreen, granted, refusal, scripted_bank
from bankd.records import AccountView, Allowance, PayeeView, Receipt, Welcome

WELCOME = granted(Welcome(account="1000001", currency="USD", lease_seconds=30, last_login_us=0))
RECEIPT = granted(Receipt(receipt=7, at_us=0, amount_minor=-5000, balance_minor=2500, currency="USD"))
ACCOUNT = granted(AccountView("1000001", "USD", 12500, 0, 12500))
LIMITS = granted(Allowance("USD", 12500, 0, 0, 0))
AT_HOME = GREETING.bank

CARD = ("1000001", "24680")


class AtTheMachine(SynchronousTestCase):
    """A machine whose bank grants everything but what a test says."""

    def start(self, *lines: str | Exception, captive: bool = False, away: bool = False, **answers: Any) -> None:
        """Switch the machine on; somebody types ``lines``."""
        self.lines: list[ScriptedLine] = []
        self.away = away
        payee = granted(PayeeView("1000002", "USD", "B*** M***"))
        self.answers = {"LOGIN": WELCOME, "WITHDRAW": RECEIPT, "DEPOSIT": RECEIPT, "PAYEE": payee, **answers}
        self.clock = Clock()
        self.screen = ScriptedScreen(*lines)
        machine = Atm(self.screen, self.reach, self.clock, captive=captive)
        self.running = Deferred.fromCoroutine(machine.run())
        self.addCleanup(self.switch_off, self.running)

    def switch_off(self, running: Deferred[int]) -> None:
        """End a machine, if a test has not."""
        running.addErrback(lambda failure: failure.trap(CancelledError))
        running.cancel()

    async def reach(self) -> Bank:
        """The bank, or none while it is away."""
        if self.away:
            raise NoBank(Address("bank.example"), Cause.UNREACHABLE)
        self.lines.append(ScriptedLine(**self.answers))
        return scripted_bank(self.lines[-1])

    def asked(self) -> list[str]:
        """The verbs that the customer's own conversation asked."""
        return [getattr(request, "verb", "") for request in self.lines[-1].asked]

    def assertWelcomes(self) -> None:
        """Check that nobody is there: the first page is shown, and nothing else; no session is open."""
        self.assertNoResult(self.running)
        page = f"{atm_prompts.heading(AT_HOME)}\n{atm_prompts.HELLO}\n\n{atm_prompts.WHO}"
        self.assertEqual(self.screen.text, page)
        self.assertTrue(all(line.lost.called for line in self.lines))

    def assertTold(self, said: str) -> None:
        """Check that this is on the screen."""
        self.assertIn(said, self.screen.text)


class Customers(AtTheMachine):
    """What customers do."""

    def test_order(self) -> None:
        """Withdraw, deposit and exit come first, in this order."""
        first = [option.words for option in MENU][:3]
        self.assertEqual(first, [prompts.WITHDRAW, prompts.DEPOSIT, prompts.EXIT])

    def test_from_welcome_to_welcome(self) -> None:
        """Number, PIN, an amount by its key, nothing else; then a farewell, and the next may come."""
        self.start()
        self.assertWelcomes()
        self.screen.type(*CARD)
        self.assertTold("Welcome. This is account 1000001")
        self.screen.type("1")
        for amount in ("20.00 USD", "50.00 USD", "100.00 USD", "200.00 USD", atm_prompts.OTHER):
            self.assertTold(amount)
        self.screen.type("2")
        self.assertTold("Success: 50.00 USD paid out.")
        self.screen.type("2")
        self.assertTold(atm_prompts.FAREWELL.splitlines()[0])
        self.assertEqual(self.asked(), ["LOGIN", "WITHDRAW", "LOGOUT"])
        self.assertEqual(getattr(self.lines[-1].asked[1], "amount", None), 50_00)
        self.clock.advance(FAREWELL_SECONDS)
        self.assertWelcomes()
        self.screen.type(*CARD, "3")
        self.assertEqual(self.asked(), ["LOGIN", "LOGOUT"])

    def test_another_amount_and_another_transaction(self) -> None:
        """Any amount can be typed, and there may be more to do."""
        self.start(*CARD, "2", "5", "1.005", "12.30", "1", "4")
        self.assertEqual(self.asked(), ["LOGIN", "DEPOSIT", "BALANCE"])
        self.assertEqual(getattr(self.lines[-1].asked[1], "amount", None), 12_30)

    def test_yes_by_a_key(self) -> None:
        """A question that a line would answer by letters is answered by a key here, and has no letters."""
        self.start(*CARD, "5", "1000002", "12.50", "", TRANSFER=RECEIPT, BALANCE=ACCOUNT, LIMITS=LIMITS)
        self.assertTold("Transfer 12.50 USD to account 1000002?\n")
        self.screen.type("1")
        self.assertTold("transferred to account 1000002")

    def test_currencies_without_a_smaller_unit(self) -> None:
        """Their notes are larger."""
        yen = granted(Welcome(account="1000001", currency="JPY", lease_seconds=30, last_login_us=0))
        self.start(*CARD, "1", LOGIN=yen)
        self.assertTold("2,000 JPY")

    def test_mobile(self) -> None:
        """A mobile number begins with a plus; one that is new to the bank is told so."""
        self.start("+31 6 12345678", "24680", LOGIN=granted(Welcome("7", "USD", 30), code=codes.CREATED))
        self.assertEqual(getattr(self.lines[-1].asked[0], "mobile", None), "+31612345678")
        self.assertTold("you are now registered")

    def test_no_number(self) -> None:
        """What cannot be one gets a hint; nobody is called."""
        self.start("!", "")
        self.assertNotIn(atm_prompts.HINT_WHO, self.screen.text)
        self.assertIn(atm_prompts.HINT_WHO, self.screen.wiped)
        self.assertEqual(len(self.lines), 1)
        self.assertWelcomes()

    def test_pin_that_must_be_changed(self) -> None:
        """Comes before anything else."""
        first = granted(Welcome("1000001", "USD", 30, change="pin"))
        self.start(*CARD, "86420", "86420", LOGIN=first)
        self.assertEqual(self.asked(), ["LOGIN", "CHANGE_PIN"])
        self.assertTold(prompts.WITHDRAW)

    def test_think_better_of_it(self) -> None:
        """An empty answer or Ctrl-C goes back to the choices, and from these and from the PIN to the farewell."""
        self.start(*CARD, "5", "", "1", Interrupted())
        self.assertTold(prompts.WITHDRAW)
        self.assertNotIn(atm_prompts.ANOTHER, self.screen.text)
        for lines in ((*CARD, Interrupted()), (CARD[0], Interrupted()), (CARD[0], "")):
            self.start(*lines)
            self.assertTold(atm_prompts.FAREWELL.splitlines()[0])
            self.clock.advance(FAREWELL_SECONDS)
            self.assertWelcomes()


class Trouble(AtTheMachine):
    """What else happens."""

    def test_gone_away(self) -> None:
        """Wherever a customer goes away, they are logged out and the next is welcomed; a key is a sign of life."""
        for lines in ((CARD[0],), CARD, (*CARD, "1"), (*CARD, "1", "2"), (*CARD, "5", "1000002")):
            self.start(*lines)
            self.clock.advance(IDLE_SECONDS - 1)
            self.screen.on_key()
            self.clock.advance(IDLE_SECONDS - 1)
            self.assertFalse(self.lines[-1].lost.called)
            self.clock.advance(1)
            self.assertWelcomes()

    def test_gone_away_after_a_refusal(self) -> None:
        """A refusal is left for the customer to read, and then not for the next."""
        self.start(*CARD, LOGIN=refusal(codes.WRONG_SECRET))
        self.assertTold(words.CODES[codes.WRONG_SECRET])
        self.clock.advance(IDLE_SECONDS)
        self.assertWelcomes()

    def test_refused(self) -> None:
        """A log-in that is refused ends at the welcome, and anything else at the choices."""
        self.start(*CARD, "", LOGIN=refusal(codes.WRONG_SECRET))
        self.clock.advance(FAREWELL_SECONDS)
        self.assertWelcomes()
        self.start(*CARD, "1", "4", WITHDRAW=refusal(codes.NO_FUNDS))
        self.assertTold("Not enough money")
        self.screen.type("1")
        self.assertTold(prompts.WITHDRAW)

    def test_lost(self) -> None:
        """A connection that is lost for good is told, in a question as in a request; then comes the welcome."""
        self.start(*CARD)
        self.lines[-1].lose(LostBank(Loss.ENDED, codes.IDLE))
        self.assertTold(words.CODES[codes.IDLE])
        self.screen.type("")
        self.clock.advance(FAREWELL_SECONDS)
        self.assertWelcomes()
        self.start(*CARD, "4", BALANCE=LostBank(Loss.SILENT))
        self.assertTold(words.LOSSES[Loss.SILENT])
        self.clock.advance(IDLE_SECONDS)
        self.clock.advance(FAREWELL_SECONDS)
        self.assertWelcomes()

    def test_in_doubt(self) -> None:
        """Where it is not known whether money moved, the customer is told so, with the key."""
        self.start(*CARD, "1", "1", WITHDRAW=LostBank(Loss.SILENT))
        self.assertTold("It is not known whether the withdrawal of 20.00 USD was made.")
        self.assertTold("key-1")
        self.screen.type("")
        self.clock.advance(FAREWELL_SECONDS)
        self.assertWelcomes()
        self.start(*CARD, "1", "1", WITHDRAW=refusal(codes.BUSY))
        self.assertTold("It is not known whether")
        self.assertTold(atm_prompts.ANOTHER)

    def test_no_bank(self) -> None:
        """Without a bank the machine is out of service, until there is one, whoever stands before it."""
        self.start()
        self.away = True
        self.screen.type(CARD[0])
        self.assertOutOfService()
        for _again in range(3):
            self.clock.advance(RETRY_SECONDS)
            self.assertOutOfService()
        self.away = False
        self.clock.advance(RETRY_SECONDS)
        self.assertWelcomes()
        self.screen.type(*CARD)
        self.assertTold(prompts.WITHDRAW)

    def assertOutOfService(self) -> None:
        """Check that the public is told so, and nothing of addresses and options; and that nothing is taken."""
        page = (atm_prompts.heading(AT_HOME), atm_prompts.OUT_OF_SERVICE, "", atm_prompts.TRYING_AGAIN, "(hidden)")
        self.assertEqual(self.screen.text, "\n".join(page))

    def test_no_bank_at_first(self) -> None:
        """A machine may be switched on before its bank; who sets it up is told what is wrong, but not in a hall."""
        why = words.no_bank(NoBank(Address("bank.example"), Cause.UNREACHABLE))
        for captive in (False, True):
            self.start(away=True, captive=captive)
            self.assertTold(atm_prompts.OUT_OF_SERVICE)
            self.assertEqual(why in self.screen.text, not captive)
            self.away = False
            self.clock.advance(RETRY_SECONDS)
            self.assertWelcomes()

    def test_key_without_a_bank(self) -> None:
        """Enter tries at once; Ctrl-C ends a machine that is out of service, unless it is captive."""
        self.start(Interrupted(), away=True)
        self.assertEqual(self.successResultOf(self.running), exits.INTERRUPTED)
        self.start(Interrupted(), away=True, captive=True)
        self.assertTold(atm_prompts.OUT_OF_SERVICE)
        self.away = False
        self.screen.type("")
        self.assertWelcomes()
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_end_without_a_bank(self) -> None:
        """A terminal that is gone ends it, and so does SIGTERM."""
        self.start(EndOfInput(), away=True)
        self.assertEqual(self.successResultOf(self.running), exits.SUCCESS)
        self.start(away=True)
        self.running.cancel()
        self.failureResultOf(self.running)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_in_use(self) -> None:
        """An account that is in use elsewhere can be taken over, by the bank's leave."""
        self.start(*CARD, "1", LOGIN=[refusal(codes.IN_USE), WELCOME])
        self.assertEqual([getattr(request, "take_over", None) for request in self.lines[-1].asked], [None, "yes"])
        self.start(*CARD, "2", LOGIN=refusal(codes.IN_USE))
        self.assertTold(words.CODES[codes.IN_USE])


class Ends(AtTheMachine):
    """How a machine ends."""

    def test_interrupt(self) -> None:
        """Ctrl-C ends a machine at its welcome, unless it is captive; nothing is left on the screen."""
        self.start(Interrupted())
        self.assertEqual(self.successResultOf(self.running), exits.INTERRUPTED)
        self.assertEqual(self.screen.transcript, [])
        self.start(Interrupted(), captive=True)
        self.assertWelcomes()

    def test_terminal_gone(self) -> None:
        """A terminal that is gone ends it, and a session that was open."""
        self.start(*CARD, EndOfInput())
        self.assertEqual(self.successResultOf(self.running), exits.SUCCESS)
        self.assertTrue(self.lines[-1].lost.called)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancelled(self) -> None:
        """SIGTERM ends it in the midst of anything."""
        self.start(*CARD, "1")
        self.running.cancel()
        self.failureResultOf(self.running)
        self.assertTrue(self.lines[-1].lost.called)
        self.assertEqual(self.screen.transcript, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
