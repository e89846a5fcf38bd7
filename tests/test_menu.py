"""The terminal, seen from the chair in front of it: what stands on the screen, and what reaches the bank."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.client import days, exits, export, payment_slips, preference_words, prompts, words
from bankd.client.address import Address
from bankd.client.answers import Answer
from bankd.client.bank import Bank
from bankd.client.errors import Cause, Loss, LostBank, NoBank
from bankd.client.line import Line
from bankd.client.menu import ATM_MENU, CUSTOMER_MENU, Menu
from bankd.client.screen import EndOfInput, Interrupted, Screen
from bankd.client.testing import ScriptedLine, ScriptedScreen, granted, refusal, scripted_bank
from bankd.records import (
    AccountView,
    Allowance,
    BulkEnd,
    BulkLine,
    CustomerView,
    Held,
    HoldView,
    Notice,
    PayeeView,
    PreferencesView,
    Receipt,
    SignedReceipt,
    StatementEnd,
    StatementLine,
    Welcome,
    period_of,
)
from bankd.wire import messages
from bankd.wire.notice import Hint

WELCOME = granted(Welcome(account="1000001", currency="USD", lease_seconds=30, last_login_us=0))
ACCOUNT = AccountView(account="1000001", currency="USD", balance_minor=12500, available_minor=12500, opened_us=0)
EMPTY = replace(ACCOUNT, balance_minor=0, available_minor=0)
CUSTOMER = CustomerView(opened_us=0, contact_us=0, username="alice", mobile="+31612345678")
RECEIPT = Receipt(receipt=7, at_us=0, amount_minor=-10000, balance_minor=2500, currency="USD")

ANSWERS: dict[str, Answer] = {
    "LOGIN": WELCOME,
    "BALANCE": granted(ACCOUNT),
    "VIEW_DETAILS": granted(CUSTOMER),
    "UPDATE_CONTACT": granted(CUSTOMER),
    "ACCOUNTS": granted(None, [ACCOUNT]),
    "DEPOSIT": granted(RECEIPT),
    "WITHDRAW": granted(RECEIPT),
    "TRANSFER": granted(RECEIPT),
    "SIGNUP": granted(ACCOUNT, (), codes.CREATED),
    "OPEN_ACCOUNT": granted(ACCOUNT, (), codes.CREATED),
    "LIMITS": granted(Allowance("USD", 12500, 0, 0, 0)),
    "PAYEE": granted(PayeeView("1000002", "USD", "B*** M***")),
    "STATEMENT": granted(StatementEnd("USD", 12500, 0, 12500)),
}

MENU_ENDS = prompts.menu([option.words for option in CUSTOMER_MENU]).split("\n")[-1]
"""The last line of a customer's menu."""

AS_USER = ("log in", "1", "Alice", "correct horse")
AS_ACCOUNT = ("2", "2", "1000001", "4711")


class Ear:
    """What hears hints, until it is closed."""

    def __init__(self, on_hint: Callable[[Hint], None]) -> None:
        self.on_hint = on_hint
        self.closed = False

    def close(self) -> None:
        """Hear nothing more."""
        self.closed = True


class AtTheTerminal(SynchronousTestCase):
    """A person types ``lines`` before a bank that grants everything but ``answers``."""

    def setUp(self) -> None:
        self.screens: list[ScriptedScreen] = []

    def tearDown(self) -> None:
        """Let whoever still sits at a terminal go."""
        for screen in self.screens:
            screen.end_of_input()

    def sit_down(
        self,
        *lines: str | Exception,
        login: tuple[str, str] | None = None,
        deaf: bool = False,
        **answers: Answer | LostBank | list[Answer],
    ) -> ScriptedScreen:
        """Open the terminal, let the lines be typed, and show the screen."""
        self.lines: list[ScriptedLine] = []
        self.ears: list[Ear] = []
        self.unreachable = False

        async def reach() -> Bank:
            if self.unreachable:
                raise NoBank(Address("bank.example"), Cause.UNREACHABLE)
            self.lines.append(ScriptedLine(**ANSWERS | answers))  # type: ignore[arg-type]
            line: Line = self.lines[-1]
            assert isinstance(line, ScriptedLine)
            return scripted_bank(line)

        async def listen(bank: Bank, on_hint: Callable[[Hint], None]) -> Ear:
            if deaf:
                raise CannotListenError("", 0, OSError())
            self.ears.append(Ear(on_hint))
            return self.ears[-1]

        self.screens.append(ScriptedScreen(*lines))
        screen: Screen = self.screens[-1]
        self.status = Deferred.fromCoroutine(Menu(screen, reach, listen).run(login))
        return self.screens[-1]

    def asked(self, *kinds: type[messages.Message]) -> list[messages.Message | str]:
        """The requests of these kinds that reached any bank."""
        return [message for line in self.lines for message in line.asked if isinstance(message, kinds)]


class FirstMenu(AtTheTerminal):
    """Sign Up, Log In, Exit."""

    def test_opens_with_sign_up_log_in_exit(self) -> None:
        """The first three choices stand in this order (S0.14)."""
        text = self.sit_down().text
        self.assertIn("  1  Sign Up\n  2  Log In\n  3  Exit", text)
        self.assertNoResult(self.status)

    def test_exit_ends_the_program(self) -> None:
        """By number or by words, whatever the case of letters."""
        for choice in ("3", "exit", " EXIT "):
            self.sit_down(choice)
            self.assertEqual(self.successResultOf(self.status), exits.SUCCESS)
            self.assertEqual(self.screens[-1].transcript[-1], prompts.GOODBYE)

    def test_other_choices_get_a_hint(self) -> None:
        """What is not on the menu is asked again."""
        screen = self.sit_down("4", "quit", "3")
        self.assertEqual(screen.transcript.count(prompts.HINT_CHOICE), 2)

    def test_unreachable_bank_is_said(self) -> None:
        """Without a bank there is a sentence that says what to do, and status 3."""

        async def reach() -> Bank:
            raise NoBank(Address("bank.example"), Cause.UNREACHABLE)

        async def listen(bank: Bank, on_hint: Callable[[Hint], None]) -> Ear:
            raise AssertionError

        screen = ScriptedScreen()
        status = Deferred.fromCoroutine(Menu(screen, reach, listen).run())
        self.assertEqual(self.successResultOf(status), exits.NO_BANK)
        self.assertIn("bank.example:65432 cannot be reached", screen.text)

    def test_end_of_input_and_interrupt_end_the_program(self) -> None:
        """Ctrl-D ends as Exit does; Ctrl-C as shells expect."""
        for key, status in ((EndOfInput(), exits.SUCCESS), (Interrupted(), exits.INTERRUPTED)):
            self.sit_down(key)
            self.assertEqual(self.successResultOf(self.status), status)

    def test_connection_that_ended_meanwhile_is_made_anew(self) -> None:
        """A bank that hung up on an idle visitor is called again when there is something to ask."""
        screen = self.sit_down()
        self.lines[0].lose(LostBank(Loss.ENDED, codes.IDLE))
        screen.type(*AS_USER)
        self.assertEqual(len(self.lines), 2)
        self.assertIn("Welcome", screen.text)


class SigningUp(AtTheTerminal):
    """A new customer."""

    def test_asks_what_the_bank_needs(self) -> None:
        """User name, password and PIN twice, and mobile number reach the bank."""
        screen = self.sit_down("1", "Zoe", "pass word", "pass word", "+31 6 1234-5678", "4711", "4711")
        wanted = messages.SignUp(username="zoe", password="pass word", mobile="+31612345678", pin="4711")
        self.assertEqual(self.asked(messages.SignUp), [wanted])
        self.assertIn("Your account is 1000001", screen.text)

    def test_pin_is_optional(self) -> None:
        """Without a PIN there is log-in by user name only."""
        self.sit_down("1", "zoe", "pw", "pw", "12345", "")
        wanted = messages.SignUp(username="zoe", password="pw", mobile="12345")
        self.assertEqual(self.asked(messages.SignUp), [wanted])

    def test_secrets_are_hidden_and_typed_the_same_twice(self) -> None:
        """A slip of the finger is found before it locks somebody out."""
        screen = self.sit_down("1", "zoe", "right", "wrong", "good", "good", "12345", "")
        self.assertIn(prompts.NOT_THE_SAME, screen.text)
        self.assertIn(f"{prompts.NEW_PASSWORD}(hidden)", screen.text)
        [sent] = self.asked(messages.SignUp)
        assert isinstance(sent, messages.SignUp)
        self.assertEqual(sent.password, "good")

    def test_only_the_refused_field_is_asked_again(self) -> None:
        """A name that is taken does not cost the rest of what was typed."""
        answers = [refusal(codes.TAKEN, field="username"), ANSWERS["SIGNUP"]]
        screen = self.sit_down("1", "zoe", "pw", "pw", "12345", "", "zoe2", SIGNUP=answers)
        first, second = self.asked(messages.SignUp)
        assert isinstance(first, messages.SignUp) and isinstance(second, messages.SignUp)
        self.assertEqual((second.username, second.password), ("zoe2", first.password))
        self.assertIn("the user name", screen.text)

    def test_other_refusals_lead_back(self) -> None:
        """What no other answer would mend is said."""
        screen = self.sit_down("1", "zoe", "pw", "pw", "12345", "", SIGNUP=refusal(codes.BUSY))
        self.assertIn(words.CODES[codes.BUSY], screen.text)
        self.assertEqual(screen.transcript[-2].strip(), "3  Exit")


class LoggingIn(AtTheTerminal):
    """The ways in, and the menus behind them."""

    def test_each_way_asks_for_its_credentials(self) -> None:
        """User name and password, account and PIN, mobile and PIN."""
        for lines, login in (
            (AS_USER, messages.Login(username="alice", password="correct horse")),
            (AS_ACCOUNT, messages.Login(account="1000001", pin="4711")),
            (("2", "3", "+31612345678", "4711"), messages.Login(mobile="+31612345678", pin="4711")),
        ):
            self.sit_down(*lines)
            self.assertEqual(self.asked(messages.Login), [login])

    def test_spaces_in_a_password_count(self) -> None:
        """A secret is taken as it is typed; what else is typed loses the spaces around it."""
        self.sit_down("2", "1", " Alice ", " pass word ")
        self.assertEqual(self.asked(messages.Login), [messages.Login(username="alice", password=" pass word ")])

    def test_secrets_are_hidden(self) -> None:
        """Neither PIN nor password is shown."""
        self.assertIn("Password: (hidden)", self.sit_down(*AS_USER).text)
        self.assertIn("PIN: (hidden)", self.sit_down(*AS_ACCOUNT).text)

    def test_menu_after_a_user_name(self) -> None:
        """The whole menu stands in the order of S0.15 and S4.7, Exit last."""
        names = [option.words for option in CUSTOMER_MENU]
        text = self.sit_down(*AS_USER).text
        self.assertIn(prompts.menu(names), text)
        for number, name in enumerate(names, 1):
            self.assertRegex(text, rf"(?m)(^|  ){number:>3}  {re.escape(name)}(  |$)")
        for order in (
            ["View Account Details", "Transfer Funds", "Check Balance", "Delete Account", "Exit"],
            ["Deposit", "Withdraw", "Check Balance", "Exit"],
        ):
            self.assertEqual([name for name in names if name in order], order)

    def test_menu_fits_the_screen(self) -> None:
        """On a terminal of 20 rows of 60 it leaves room for the bar, the question, and an answer of several rows."""
        shown = prompts.menu([option.words for option in CUSTOMER_MENU]).split("\n")
        self.assertLessEqual(len([*shown, prompts.waiting(1), prompts.CHOICE]), 15)
        self.assertLessEqual(max(map(len, shown)), 60)

    def test_menu_at_the_atm(self) -> None:
        """Account and mobile number lead to the ATM's menu, which begins with Withdraw, Deposit (S3.3)."""
        text = self.sit_down(*AS_ACCOUNT).text
        self.assertIn("  1  Withdraw\n  2  Deposit\n  3  Check Balance\n  4  Transfer Funds", text)
        self.assertEqual(ATM_MENU[-1].words, "Exit")

    def test_refused_credentials_lead_back(self) -> None:
        """A refusal is said, and the first menu is there again."""
        screen = self.sit_down(*AS_ACCOUNT, "3", LOGIN=refusal(codes.WRONG_SECRET))
        self.assertIn(words.CODES[codes.WRONG_SECRET], screen.text)
        self.assertEqual(self.successResultOf(self.status), exits.SUCCESS)

    def test_empty_answer_leads_back(self) -> None:
        """So does Back among the ways; nothing is asked of the bank."""
        for lines in (("2", "4"), ("2", "2", ""), ("2", "2", "1000001", "")):
            screen = self.sit_down(*lines)
            self.assertEqual(screen.transcript[-2].strip(), "3  Exit")
            self.assertEqual(self.lines[0].asked, [])
        self.assertIn(prompts.NOTHING_DONE, screen.text)

    def test_bad_input_gets_a_hint_and_the_question_again(self) -> None:
        """A PIN of letters never reaches the bank."""
        screen = self.sit_down("2", "2", "1000001", "secret", "4711")
        self.assertIn(prompts.HINT_PIN, screen.text)
        self.assertEqual(self.asked(messages.Login), [messages.Login(account="1000001", pin="4711")])

    def test_login_given_beforehand_asks_only_the_secret(self) -> None:
        """With --login the first question is the secret."""
        screen = self.sit_down("4711", login=("account", "1000001"))
        self.assertEqual(screen.transcript[1], "PIN: (hidden)")
        self.assertEqual(self.asked(messages.Login), [messages.Login(account="1000001", pin="4711")])

    def test_new_number_is_told_that_it_is_registered(self) -> None:
        """Who logs in with an unknown mobile number learns of the new account."""
        welcome = granted(Welcome(account="1000009", currency="USD", lease_seconds=30), (), codes.CREATED)
        screen = self.sit_down("2", "3", "12345", "47114", LOGIN=welcome)
        self.assertIn("you are now registered", screen.text)

    def test_pin_that_has_to_be_changed(self) -> None:
        """A PIN that the bank wants changed is asked anew before the menu, until one will do."""
        welcome = granted(Welcome(account="ZZ-99999", currency="USD", lease_seconds=30, change="pin"))
        weak = refusal(codes.WEAK_SECRET, field="new")
        new = ("1234", "1234", "4821", "4821")
        screen = self.sit_down("2", "2", "zz-99999", "9999", *new, LOGIN=welcome, CHANGE_PIN=[weak, granted()])
        asked = [messages.ChangePin(new=pin, pin="9999") for pin in ("1234", "4821")]
        self.assertEqual(self.asked(messages.ChangePin), asked)
        self.assertLess(screen.text.index(prompts.CHANGE_FIRST), screen.text.index(prompts.PIN_CHANGED))
        self.assertIn("  1  Withdraw", screen.text)

    def test_pin_that_is_not_changed(self) -> None:
        """Who chooses no other PIN, or cannot, is logged out."""
        welcome = granted(Welcome(account="ZZ-99999", currency="USD", lease_seconds=30, change="pin"))
        for lines, answer in (((), granted()), (("4821", "4821"), refusal(codes.WAIT))):
            self.sit_down("2", "2", "zz-99999", "9999", *lines, "", LOGIN=welcome, CHANGE_PIN=answer)
            self.assertEqual(len(self.asked(messages.Logout)), 1)

    def test_exit_logs_out_and_leads_to_the_first_menu(self) -> None:
        """After Exit the session is closed and somebody else can log in."""
        screen = self.sit_down(*AS_ACCOUNT, "7")
        self.assertEqual(len(self.asked(messages.Logout)), 1)
        self.assertEqual(screen.transcript[-2], "  3  Exit")
        self.assertIn(prompts.LOGGED_OUT, screen.text)
        screen.type(*AS_USER)
        self.assertEqual(len(self.lines), 2)

    def test_nothing_stays_open(self) -> None:
        """The connection of a visitor who leaves is closed."""
        self.sit_down("3")
        self.assertTrue(self.lines[0].lost.called)


class Money(AtTheTerminal):
    """What moves money."""

    def test_withdrawal(self) -> None:
        """An amount as people write it reaches the bank in minor units, with a key."""
        screen = self.sit_down(*AS_ACCOUNT, "withdraw", "$100")
        wanted = messages.Withdraw(amount=10000, currency="USD", key="key-1")
        self.assertEqual(self.asked(messages.Withdraw), [wanted])
        self.assertIn("Success: 100.00 USD paid out. Balance: 25.00 USD.", screen.text)

    def test_deposit(self) -> None:
        """Cash paid in, likewise."""
        self.sit_down(*AS_ACCOUNT, "2", "0.50")
        self.assertEqual(self.asked(messages.Deposit), [messages.Deposit(amount=50, currency="USD", key="key-1")])

    def test_bad_amount_gets_a_hint(self) -> None:
        """What is no amount is explained and asked again; an empty answer goes back with nothing done."""
        screen = self.sit_down(*AS_ACCOUNT, "1", "-5", "1e3", "€5", "")
        self.assertEqual(screen.text.count("That will not do"), 3)
        self.assertIn(prompts.NOTHING_DONE, screen.text)
        self.assertEqual(self.asked(messages.Withdraw), [])

    def test_transfer_is_confirmed(self) -> None:
        """Account, amount and reference are asked, and nothing moves without a yes."""
        steps = ("transfer funds", "1000002", "12.50", "Rent, May")
        screen = self.sit_down(*AS_USER, *steps, "")
        self.assertIn("Transfer 12.50 USD to account 1000002? (y/N) ", screen.text)
        self.assertEqual(self.asked(messages.Transfer), [])
        screen.type(*steps, "y")
        wanted = messages.Transfer(to="1000002", amount=1250, currency="USD", key="key-1", reference="Rent, May")
        self.assertEqual(self.asked(messages.Transfer), [wanted])

    def test_payee_and_balance_are_shown_first(self) -> None:
        """Before the question stand the payee's masked name, and the balance after the amount and its fee."""
        screen = self.sit_down(*AS_USER, "2", "1000002", "12.50", "", "")
        self.assertIn("Account 1000002 belongs to B*** M***.", screen.text)
        asked = "Balance afterwards: 112.50 USD.\nTransfer 12.50 USD to account 1000002? (y/N) "
        self.assertIn(f"Payee: B*** M***. {asked}", screen.text)
        fee = granted(Allowance("USD", 12500, 0, 25, 0))
        screen = self.sit_down(*AS_USER, "2", "1000002", "12.50", "", "", LIMITS=fee)
        self.assertIn("Balance afterwards, with a fee of 0.25 USD: 112.25 USD.", screen.text)
        screen = self.sit_down(*AS_USER, "2", "1000002", "124.80", "", "", LIMITS=fee)
        self.assertIn("Payee: B*** M***. Available: 125.00 USD, which is less than this.", screen.text)

    def test_wrong_payees_are_asked_again(self) -> None:
        """An account that does not exist, or is one's own, is said so before any amount is asked."""
        answers = [refusal(codes.NO_ACCOUNT), refusal(codes.SAME_ACCOUNT), granted(PayeeView("1000002", "USD"))]
        screen = self.sit_down(*AS_USER, "2", "1", "1000001", "1000002", PAYEE=answers)
        self.assertIn("There is no such account.\nTransfer to account: \nThis is your own account", screen.text)
        self.assertIn("The bank knows no name for account 1000002.\nAmount in USD: ", screen.text)

    def test_payment_without_a_name(self) -> None:
        """Where the bank shows no names any more, or is older than this request, one can pay all the same."""
        for code, said in (
            (codes.WAIT, prompts.NO_MORE_NAMES),
            (codes.BAD_VERB, prompts.NAME_NOT_SHOWN),
        ):
            screen = self.sit_down(*AS_USER, "2", "1000002", "12.50", "", "y", PAYEE=refusal(code))
            self.assertIn(f"{said}\nAmount in USD: ", screen.text)
            self.assertIn("\nBalance afterwards: 112.50 USD.\n", screen.text)
            self.assertEqual(len(self.asked(messages.Transfer)), 1)

    def test_reference_may_be_empty(self) -> None:
        """A transfer needs no reference, and any words may be one."""
        self.sit_down(*AS_USER, "2", "1000002", "1", "", "yes", "2", "1000002", "1", "ok", "YES")
        sent = [one.reference for one in self.asked(messages.Transfer) if isinstance(one, messages.Transfer)]
        self.assertEqual(sent, [None, "ok"])

    def test_refusal_is_said_and_the_menu_goes_on(self) -> None:
        """No overdraft: the code becomes words, and the session lives."""
        screen = self.sit_down(*AS_ACCOUNT, "1", "500", "3", WITHDRAW=refusal(codes.NO_FUNDS))
        self.assertIn("Not enough money in the account.", screen.text)
        self.assertIn("Balance of account 1000001: 125.00 USD", screen.text)

    def test_limit_is_named(self) -> None:
        """Who would pay more than is allowed is told how much is, if the bank tells that."""
        limits = granted(Allowance("USD", 12500, 0, 0, 0, 5000, 9000, 700))
        for code, said in (
            (codes.PAYMENT_LIMIT, "This is more than the account may pay at once: 50.00 USD at most."),
            (codes.DAY_LIMIT, "may still pay today: 7.00 USD at most, until midnight in UTC."),
        ):
            screen = self.sit_down(*AS_ACCOUNT, "1", "500", WITHDRAW=refusal(code), LIMITS=limits)
            self.assertIn(said, screen.text)
            for answer in (refusal(codes.BUSY), granted(Allowance("USD", 12500, 0, 0, 0))):
                screen = self.sit_down(*AS_ACCOUNT, "1", "500", WITHDRAW=refusal(code), LIMITS=answer)
                self.assertIn(words.CODES[code], screen.text)

    def test_frozen_account_is_ones_own(self) -> None:
        """Who may pay nothing is told that it is their own account which is frozen."""
        screen = self.sit_down(*AS_ACCOUNT, "1", "500", WITHDRAW=refusal(codes.FROZEN))
        self.assertIn("Your account is frozen: the bank lets no money go from it for now.", screen.text)

    def test_lost_bank_leaves_no_false_certainty(self) -> None:
        """A bank lost in the middle of a withdrawal is said, and that it may have been carried out."""
        screen = self.sit_down(*AS_ACCOUNT, "1", "5", WITHDRAW=LostBank(Loss.ENDED))
        self.assertIn("It is not known whether the withdrawal of 5.00 USD was made.", screen.text)
        self.assertIn("key-1", screen.text)
        self.assertIn(words.LOSSES[Loss.ENDED], screen.text)
        self.assertEqual(screen.transcript[-2], "  3  Exit")

    def test_session_that_is_over_leaves_no_doubt(self) -> None:
        """What is answered 'the session is over' was not carried out: that is said, once, and nothing else."""
        screen = self.sit_down(*AS_ACCOUNT, "1", "5", WITHDRAW=refusal(codes.OVER))
        self.assertEqual(screen.text.count(words.CODES[codes.OVER]), 1)
        self.assertNotIn("not known", screen.text)
        self.assertEqual(screen.transcript[-2], "  3  Exit")


HOLD = HoldView(
    hold=9, at_us=0, expires_us=0, amount_minor=-2000, currency="USD", counterparty="1000002", reference="Hotel"
)
FOR_ME = replace(HOLD, hold=10, amount_minor=700)
CASH = replace(HOLD, hold=11, counterparty=None, reference=None)
HELD = granted(Held(hold=12, at_us=0, expires_us=0, amount_minor=2000, currency="USD"))
SIGNED = SignedReceipt(7, 0, "received", 2500, 12500, "USD", "aa.bb.cc", "1000002", "Rent")


class Holds(AtTheTerminal):
    """Money that is set aside: all of it behind one line of the menu."""

    def choose(self, *lines: str | Exception, **answers: Any) -> ScriptedScreen:
        """Choose holds, with three of them open, and type these lines."""
        views = granted(None, [HOLD, FOR_ME, CASH])
        more = {"HOLDS": views, "HOLD": HELD, "CAPTURE": ANSWERS["DEPOSIT"], "RELEASE": ANSWERS["DEPOSIT"]}
        return self.sit_down(*AS_USER, "holds", *lines, **more | answers)

    def test_list(self) -> None:
        """Open holds are shown with amount, account and time before anything is asked, and Back leads back."""
        screen = self.choose("4")
        for told in ("Hold 9: 20.00 USD for 1000002 until", "Hold 10: 7.00 USD for you by 1000002", "for cash until"):
            self.assertIn(told, screen.text)
        self.assertIn("  1  Set Money Aside\n  2  Have a Hold Paid\n  3  Release a Hold\n  4  Back", screen.text)
        self.assertEqual(screen.transcript[-2], MENU_ENDS)

    def test_list_of_more_than_a_page(self) -> None:
        """A list that the bank gives in pages is shown whole."""
        pages = [granted(None, [replace(HOLD, hold=number) for number in range(1, 101)]), granted(None, [CASH])]
        screen = self.choose(HOLDS=pages)
        self.assertEqual(sum(line.startswith("Hold ") for line in screen.transcript), 101)
        self.assertEqual(self.asked(messages.Holds), [messages.Holds(), messages.Holds(since=100)])

    def test_set_aside(self) -> None:
        """Amount, account and time are shown before the bank is asked, and nothing is done without a yes."""
        steps = ("1", "1000002", "20", "100", "3", "Hotel")
        screen = self.choose(*steps, "n")
        self.assertIn(prompts.HINT_DAYS, screen.text)
        self.assertIn("Set 20.00 USD aside for account 1000002, for 3 days? (y/N) ", screen.text)
        self.assertEqual(self.asked(messages.Hold), [])
        screen.type("holds", *steps, "y")
        wanted = messages.Hold(
            to="1000002", amount=2000, currency="USD", seconds=259_200, key="key-1", reference="Hotel"
        )
        self.assertEqual(self.asked(messages.Hold), [wanted])
        self.assertIn("Success: 20.00 USD is held until", screen.text)

    def test_set_aside_for_cash_and_a_week(self) -> None:
        """Empty answers are for cash, a week and no reference; a day is one day."""
        screen = self.choose("1", "", "20", "", "", "y", "holds", "1", "", "20", "1", "", "")
        wanted = messages.Hold(amount=2000, currency="USD", seconds=604_800, key="key-1")
        self.assertEqual(self.asked(messages.Hold), [wanted])
        self.assertIn("Set 20.00 USD aside for cash, for 7 days?", screen.text)
        self.assertIn("for cash, for a day?", screen.text)

    def test_captured(self) -> None:
        """A hold is paid in part or whole, never for more: what is shown is what is asked for, and what is freed."""
        screen = self.choose("2", "8", "9", "20.01", "12.50", "y")
        self.assertIn(prompts.HINT_HOLD, screen.text)
        self.assertEqual(screen.text.count(words.CODES[codes.MORE_THAN_LEFT]), 1)
        self.assertIn("Amount in USD (empty for 20.00): ", screen.text)
        part = "Have 12.50 USD of hold 9 paid to account 1000002, and the other 7.50 USD freed? (y/N) "
        self.assertIn(part, screen.transcript)
        self.assertIn("paid out of the hold. Balance: 25.00 USD.", screen.text)
        screen.type("holds", "2", "10", "", "y")
        self.assertIn("Have 7.00 USD of hold 10 paid to you by account 1000002? (y/N) ", screen.text)
        screen.type("holds", "2", "11", "", "")
        self.assertIn("Have 20.00 USD of hold 11 paid out in cash? (y/N) ", screen.text)
        wanted = [
            messages.Capture(hold=9, amount=1250, key="key-1"),
            messages.Capture(hold=10, amount=700, key="key-2"),
        ]
        self.assertEqual(self.asked(messages.Capture), wanted)

    def test_payer_is_frozen(self) -> None:
        """A hold that another's frozen account was to pay is not said to be frozen by one's own."""
        screen = self.choose("2", "10", "", "y", CAPTURE=refusal(codes.FROZEN))
        self.assertIn(words.PAYER_FROZEN, screen.text)
        screen = self.choose("2", "9", "", "y", CAPTURE=refusal(codes.FROZEN))
        self.assertIn(words.CODES[codes.FROZEN], screen.text)

    def test_released(self) -> None:
        """The amount is shown; after a yes it is free again."""
        screen = self.choose("3", "9", "", "holds", "3", "9", "y")
        self.assertEqual(screen.text.count("Release hold 9 of 20.00 USD? (y/N) "), 2)
        self.assertEqual(self.asked(messages.Release), [messages.Release(hold=9, key="key-1")])

    def test_refusal(self) -> None:
        """Only who was to be paid may release a hold, says the bank."""
        screen = self.choose("3", "9", "y", RELEASE=refusal(codes.NOT_PAYEE))
        self.assertIn(words.CODES[codes.NOT_PAYEE], screen.text)

    def test_none(self) -> None:
        """Without holds there is none to have paid, and no number is asked for."""
        screen = self.choose("2", HOLDS=granted())
        self.assertIn("Nothing is held.", screen.text)
        self.assertIn(prompts.NOTHING_DONE, screen.text)
        self.assertNotIn(prompts.HOLD_NUMBER, screen.text)

    def test_empty_answer_leads_back(self) -> None:
        """Wherever a number or an amount is asked for."""
        for lines in (("1", "1000002", ""), ("2", ""), ("3", "")):
            screen = self.choose(*lines)
            self.assertIn(prompts.NOTHING_DONE, screen.text)
            self.assertEqual(screen.transcript[-2], MENU_ENDS)

    def test_doubt_is_told(self) -> None:
        """A capture without an answer is not said to have been made, nor the contrary."""
        screen = self.choose("2", "9", "", "y", CAPTURE=LostBank(Loss.ENDED))
        self.assertIn("It is not known whether the payment of the hold was made.", screen.text)


class GivingBack(AtTheTerminal):
    """A payment that came goes back."""

    def choose(self, *lines: str, **answers: Any) -> ScriptedScreen:
        """Choose to give back, where receipt 7 is of 25.00 received, and type these lines."""
        more = {"CERTIFY": granted(SIGNED), "REVERSE": granted(RECEIPT)}
        return self.sit_down(*AS_USER, "give a payment back", *lines, **more | answers)

    def test_whole(self) -> None:
        """The payment is shown, and then amount and account; what is shown is what is asked for."""
        screen = self.choose("seven", "7", "", "Sorry", "y")
        self.assertIn(prompts.HINT_RECEIPT, screen.text)
        self.assertIn("received: 25.00 USD from account 1000002", screen.text)
        self.assertIn("Give 25.00 USD back to account 1000002? (y/N) ", screen.text)
        wanted = messages.Reverse(receipt=7, amount=2500, key="key-1", reference="Sorry")
        self.assertEqual(self.asked(messages.Reverse), [wanted])
        self.assertIn("given back. Balance: 25.00 USD.", screen.text)

    def test_part(self) -> None:
        """Less than the whole is given back where an amount is named, and nothing without a yes."""
        screen = self.choose("7", "5", "", "", "give a payment back", "7", "5", "", "y")
        self.assertEqual(screen.text.count("Give 5.00 USD back to account 1000002? (y/N) "), 2)
        self.assertEqual(self.asked(messages.Reverse), [messages.Reverse(receipt=7, amount=500, key="key-1")])

    def test_no_payment_to_this_account(self) -> None:
        """What this account paid, cash, and numbers of others' receipts cannot be given back."""
        paid, cash = replace(SIGNED, kind="paid", amount_minor=-1), replace(SIGNED, kind="deposit", counterparty=None)
        for one in (paid, cash):
            self.assertIn(words.CODES[codes.NO_ENTRY], self.choose("7", CERTIFY=granted(one)).text)
        unknown = refusal(codes.BAD_FIELD, field="receipt")
        self.assertIn(prompts.NO_RECEIPT, self.choose("7", CERTIFY=unknown).text)
        self.assertIn(words.CODES[codes.BUSY], self.choose("7", CERTIFY=refusal(codes.BUSY)).text)
        self.assertEqual(self.asked(messages.Reverse), [])

    def test_more_than_is_left(self) -> None:
        """What was given back before is not given again."""
        screen = self.choose("7", "", "", "y", REVERSE=refusal(codes.MORE_THAN_LEFT))
        self.assertIn(words.CODES[codes.MORE_THAN_LEFT], screen.text)


class Customer(AtTheTerminal):
    """What does not move money."""

    def test_details_and_accounts(self) -> None:
        """The details on record and each account are shown."""
        text = self.sit_down(*AS_USER, "1").text
        self.assertIn("alice", text)
        self.assertIn("Account 1000001: 125.00 USD", text)

    def test_balance_and_available(self) -> None:
        """Balance and what is available are both shown where they differ, and one figure where they do not."""
        for available_minor, told in (
            (12500, "Balance of account 1000001: 125.00 USD"),
            (10000, "Balance of account 1000001: 125.00 USD; available: 100.00 USD"),
            (62500, "Balance of account 1000001: 125.00 USD; available: 625.00 USD"),
        ):
            account = granted(replace(ACCOUNT, available_minor=available_minor))
            screen = self.sit_down(*AS_USER, "check balance", BALANCE=account)
            self.assertIn(told, screen.transcript)

    def test_file_of_payments(self) -> None:
        """A file is paid once the person has seen what it comes to, and what became of each line is said."""
        path = Path(self.mktemp())
        path.write_text("1000002,12.50,Rent\n1000003,1\n", encoding="utf-8")
        lines = [BulkLine(1, 7), BulkLine(2, reason="funds")]
        paid = granted(BulkEnd(1, 1, 1250, "USD"), lines)
        screen = self.sit_down(*AS_USER, "pay a file", str(path), "two words", "", "y", "n", BULK=paid)
        self.assertIn(f"{prompts.HINT_RUN}\n{prompts.RUN}\n{prompts.EACH}", screen.text)
        self.assertIn("2 payments, 13.50 USD in all. Pay this file? (y/N) \nNothing was done.", screen.text)
        self.assertEqual(self.asked(messages.Bulk), [])
        screen.type("pay a file", str(path), "2026-12", "y", "y")
        (sent,) = self.asked(messages.Bulk)
        self.assertIsInstance(sent, messages.Bulk)
        self.assertEqual((sent.mode, len(sent.items)), ("each", 2))  # type: ignore[union-attr]
        self.assertIn("1 payment made, 12.50 USD in all. Key file-", screen.text)
        self.assertIn("  line 2: 1.00 USD to account 1000003: Not enough money in the account.", screen.text)

    def test_file_that_cannot_be_paid(self) -> None:
        """Faults are named by their lines, refusals too, and a bank that is lost leaves a word on what to do."""
        path = Path(self.mktemp())
        path.write_text("1000002,12,50\n1000003\n1000002,1e3\n", encoding="utf-8")
        screen = self.sit_down(*AS_USER, "pay a file", str(path), "", "")
        self.assertIn("  line 2: it has 1 cells, not account, amount and reference", screen.text)
        self.assertIn("  line 3: an amount is digits with at most 2 decimals, such as 12.50", screen.text)
        path.write_text("1000002,1\n", encoding="utf-8")
        answers = ("pay a file", str(path), "", "", "y")
        screen = self.sit_down(*AS_USER, *answers, BULK=refusal(codes.NO_FUNDS, place=1))
        self.assertIn(f"Line 1: {words.CODES[codes.NO_FUNDS]} Nothing was paid.", screen.text)
        screen = self.sit_down(*AS_USER, *answers, BULK=LostBank(Loss.ENDED))
        self.assertIn(payment_slips.AGAIN, screen.text)
        self.assertIn("It is not known whether the set of payments was made.", screen.text)

    def test_limits(self) -> None:
        """What the account may spend is shown, with what that costs."""
        limits = Allowance("USD", 62500, 50000, 25, 0, payment_minor=10000)
        screen = self.sit_down(*AS_USER, "view limits", LIMITS=granted(limits))
        for told in ("At once:           100.00 USD", "In a day:          no limit", "Overdraft:         500.00 USD"):
            self.assertIn(told, screen.transcript)

    def test_what_to_be_told(self) -> None:
        """Kinds are switched off and on one by one, amounts from a least one; what holds is shown after each."""
        none, fee = PreferencesView("none", 0, "USD"), PreferencesView("fee", 0, "USD")
        screen = self.sit_down(
            *(*AS_USER, "choose notices", "fees", "only amounts from", "", "only amounts from", "12.50"),
            *("every amount", "fees", "done"),
            PREFERENCES=[granted(chosen) for chosen in (none, fee, replace(fee, least_minor=1250), fee, none)],
        )
        ask = messages.Preferences
        wanted = [ask(), ask(muted="fee"), ask(least=1250), ask(least=0), ask(muted="none")]
        self.assertEqual(self.asked(messages.Preferences), wanted)
        for told in ("Fees: told", "Fees: not told", "Amounts: from 12.50 USD", preference_words.ALWAYS):
            self.assertIn(told, screen.transcript)

    def test_receipt_is_saved(self) -> None:
        """A signed receipt is shown in a line, and written to a new file for its owner alone."""
        folder = Path(self.mktemp())
        folder.mkdir()
        file = folder / "receipt.txt"
        screen = self.sit_down(*AS_USER, "save a receipt", "7", str(file), CERTIFY=granted(SIGNED))
        self.assertIn("received: 25.00 USD from account 1000002", screen.text)
        self.assertIn(f"Receipt 7 written to {file}.", screen.text)
        self.assertEqual(file.read_text(encoding="utf-8"), "aa.bb.cc\n")
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        screen.type("save a receipt", "7", str(file))
        self.assertIn("exists already", screen.text)

    def test_receipt_need_not_be_saved(self) -> None:
        """Without a number or a file nothing is done."""
        screen = self.sit_down(*AS_USER, "save a receipt", "", "save a receipt", "7", "", CERTIFY=granted(SIGNED))
        self.assertEqual(screen.text.count(prompts.NOTHING_DONE), 2)

    def test_statement_goes_on_with_the_cursor(self) -> None:
        """Older entries are shown for as long as there are any and the person wants them."""
        line = StatementLine(1, 0, "deposit", 100, 100)
        first = granted(StatementEnd("USD", 100, 0, 100, 55), [line] * 10)
        pages = [first, granted(StatementEnd("USD", 100, 0, 100), [line])]
        screen = self.sit_down(*AS_USER, "statement", "y", STATEMENT=pages)
        self.assertEqual(screen.text.count("cash paid in"), 11)
        asked = [
            (one.limit, one.cursor) for one in self.asked(messages.Statement) if isinstance(one, messages.Statement)
        ]
        self.assertEqual(asked, [(10, None), (10, 55)])

    def export(self, *answers: str, **more: Any) -> ScriptedScreen:
        """Choose to export, and give these answers."""
        end = StatementEnd("USD", 100, 0, 100, period_opening_minor=0, period_closing_minor=100)
        page = granted(end, [StatementLine(1, 0, "deposit", 100, 100)])
        return self.sit_down(*AS_USER, "export statement", *answers, **{"STATEMENT": page} | more)

    def test_export(self) -> None:
        """A file and two days are asked for, each until it will do; then the file is there."""
        folder = Path(self.mktemp())
        folder.mkdir()
        file = folder / "my statement.csv"
        screen = self.export("statement.doc", str(file), "yesterday", "2026-11-01", "2026-11-30")
        self.assertIn(prompts.HINT_FILE, screen.text)
        self.assertIn(prompts.HINT_DAY, screen.text)
        self.assertIn(f"1 entry written to {file}.", screen.text)
        self.assertEqual(len(file.read_text(encoding="utf-8").splitlines()), 2)
        asked = messages.Statement(limit=100, since_us=days.begins("2026-11-01"), before_us=days.ends("2026-11-30"))
        self.assertEqual(self.asked(messages.Statement), [asked])
        screen.type("export statement", str(file), "", "")
        self.assertIn("exists already", screen.text)

    def test_export_of_no_days(self) -> None:
        """A period that ends before it begins is asked for again, and nothing is asked of the bank meanwhile."""
        screen = self.export("x.csv", "2026-11-29", "2026-11-28")
        self.assertEqual(screen.transcript[-2:], [prompts.WRONG_WAY, prompts.UPTO])
        self.assertEqual(self.asked(messages.Statement), [])

    def test_export_can_be_left(self) -> None:
        """Without a file nothing is done."""
        self.assertEqual(self.export("").transcript[0], "Connected to Test Bank.")
        self.assertEqual(self.asked(messages.Statement), [])

    def test_long_export_tells_how_far_it_is(self) -> None:
        """A person who waits sees that something happens."""
        self.patch(export, "PAGE", 1)
        folder = Path(self.mktemp())
        folder.mkdir()
        line = StatementLine(1, 0, "deposit", 100, 100)
        pages = [granted(StatementEnd("USD", 100, 0, 100, cursor), [line]) for cursor in (55, None)]
        screen = self.export(str(folder / "x.csv"), "", "", STATEMENT=pages)
        self.assertIn("1 entries so far", screen.text)
        self.assertIn("2 entries written", screen.text)

    def test_contact_changes_what_is_given(self) -> None:
        """An empty answer keeps what is on record."""
        self.sit_down(*AS_USER, "7", "", "zoe@example.org", "")
        self.assertEqual(self.asked(messages.UpdateContact), [messages.UpdateContact(email="zoe@example.org")])

    def test_contact_can_be_confirmed(self) -> None:
        """With nothing to change, what is on record can be confirmed, or left."""
        screen = self.sit_down(*AS_USER, "7", "", "", "", "n")
        self.assertEqual(self.asked(messages.UpdateContact), [])
        self.assertIn("Mobile:      +31612345678", screen.text)
        screen.type("7", "", "", "", "y")
        self.assertIn("Confirmed.", screen.text)
        self.assertEqual(self.asked(messages.UpdateContact), [messages.UpdateContact()])

    def test_pin_is_changed_with_the_secret_of_the_log_in(self) -> None:
        """After a user name the password is asked again; at the ATM the PIN."""
        self.sit_down(*AS_USER, "change pin", "correct horse", "8520", "8520")
        self.assertEqual(self.asked(messages.ChangePin), [messages.ChangePin(new="8520", password="correct horse")])
        screen = self.sit_down(*AS_ACCOUNT, "change pin", "4711", "8520", "8520")
        self.assertEqual(self.asked(messages.ChangePin), [messages.ChangePin(new="8520", pin="4711")])
        self.assertIn(prompts.PIN_CHANGED, screen.text)

    def test_password_is_changed(self) -> None:
        """The present password, then the new one twice."""
        screen = self.sit_down(*AS_USER, "10", "correct horse", "new one", "new one")
        self.assertIn(prompts.PASSWORD_CHANGED, screen.text)
        wanted = messages.ChangePassword(new="new one", password="correct horse")
        self.assertEqual(self.asked(messages.ChangePassword), [wanted])

    def test_account_is_opened_in_a_currency(self) -> None:
        """Open Account takes a currency in letters of either case, or none."""
        self.sit_down(*AS_USER, "open account", "eur", "11", "")
        self.assertEqual(
            self.asked(messages.OpenAccount), [messages.OpenAccount(currency="EUR"), messages.OpenAccount()]
        )

    def test_currency_that_is_none(self) -> None:
        """Three letters that ISO 4217 does not have for money are asked for again."""
        screen = self.sit_down(*AS_USER, "open account", "XXX")
        self.assertEqual(screen.transcript[-2:], [prompts.HINT_CURRENCY, prompts.CURRENCY])

    def test_empty_account_is_deleted_after_the_secret(self) -> None:
        """The secret is asked again; then the account is closed and the first menu is back (S0.6)."""
        screen = self.sit_down(*AS_USER, "delete account", "y", "correct horse", BALANCE=granted(EMPTY))
        self.assertEqual(self.asked(messages.DeleteAccount), [messages.DeleteAccount(password="correct horse")])
        self.assertIn("Account 1000001 is closed.", screen.text)
        self.assertEqual(screen.transcript[-2], "  3  Exit")
        self.assertNotIn(words.LOSSES[Loss.LEFT], screen.text)

    def test_deletion_is_confirmed(self) -> None:
        """Anything but a yes leaves the account as it is."""
        screen = self.sit_down(*AS_USER, "delete account", "", BALANCE=granted(EMPTY))
        self.assertEqual(self.asked(messages.DeleteAccount), [])
        self.assertIn(prompts.NOTHING_DONE, screen.text)

    def test_account_with_money_is_paid_out(self) -> None:
        """Money goes to the account that is named; the question says how much and where to."""
        screen = self.sit_down(*AS_USER, "delete account", "1000002", "y", "correct horse")
        asked = "Account 1000001 will be closed for good, and 125.00 USD paid to account 1000002. Go on? (y/N) "
        self.assertIn(asked, screen.transcript)
        wanted = messages.DeleteAccount(password="correct horse", payout="1000002")
        self.assertEqual(self.asked(messages.DeleteAccount), [wanted])

    def test_who_is_paid_out_is_named(self) -> None:
        """An account that cannot be paid is said so at once, and whose the other is, before the confirmation."""
        answers = [refusal(codes.NO_ACCOUNT), refusal(codes.SAME_ACCOUNT), granted(PayeeView("1000002", "USD", "B***"))]
        screen = self.sit_down(*AS_USER, "delete account", "y", "1000001", "1000002", PAYEE=answers)
        self.assertIn(f"There is no such account.\n{prompts.PAYOUT}\nThis is your own account", screen.text)
        self.assertIn("Account 1000002 belongs to B***.\nAccount 1000001 will be closed for good", screen.text)
        self.assertEqual(self.asked(messages.DeleteAccount), [])

    def test_interrupt_leads_back_to_the_menu(self) -> None:
        """Ctrl-C in the middle of something does nothing and ends nothing; at the menu it logs out."""
        screen = self.sit_down(*AS_USER, "delete account", "1000002", Interrupted())
        self.assertIn(prompts.NOTHING_DONE, screen.text)
        self.assertEqual(self.asked(messages.Logout), [])
        screen.interrupt()
        self.assertEqual(len(self.asked(messages.Logout)), 1)
        self.assertEqual(screen.transcript[-2], "  3  Exit")


NOTICE = Notice(
    number=3, kind="received", at_us=0, amount_minor=500, balance_minor=700, currency="USD", counterparty="1000002"
)


class Notices(AtTheTerminal):
    """Notices come while the person types, and stay until they are acknowledged (S0.16, S0.17)."""

    def test_waiting_notices_are_shown_at_log_in(self) -> None:
        """What was not acknowledged is shown, with a reminder above the prompt."""
        screen = self.sit_down(*AS_USER, NOTICES=granted(None, [NOTICE]))
        self.assertIn("[3] You received 5.00 USD from account 1000002", screen.text)
        self.assertEqual(screen.transcript[-2:], [prompts.waiting(1), prompts.CHOICE])
        screen.type("nonsense")
        self.assertEqual(screen.transcript[-2:], [prompts.HINT_CHOICE, prompts.CHOICE])

    def test_reminder_stands_once(self) -> None:
        """A notice that comes at the menu is shown with a reminder, unless one stands above the question already."""
        later = replace(NOTICE, number=4)
        for waiting in ((), (NOTICE,)):
            pages = [granted(None, waiting), granted(None, [later])]
            screen = self.sit_down(*AS_USER, NOTICES=pages)
            self.ears[0].on_hint(Hint(4, "received"))
            self.assertIn("[4] You received 5.00 USD", screen.text)
            self.assertEqual(screen.text.count("Type ok"), 1, waiting)
        screen.type("ok")
        self.ears[0].on_hint(Hint(5, "received"))
        self.assertEqual(screen.text.count("Type ok"), 1)

    def test_reminder_comes_again_with_the_first_notice_after_ok(self) -> None:
        """What was acknowledged is no reason to keep silent on what comes next."""
        pages = [granted(None, [NOTICE]), granted(None, [replace(NOTICE, number=4)])]
        screen = self.sit_down(*AS_USER, "ok", NOTICES=pages)
        self.ears[0].on_hint(Hint(4, "received"))
        self.assertEqual(screen.transcript[-1], prompts.waiting(1))

    def test_notice_comes_while_typing(self) -> None:
        """A hint shows the notice at once, and the question stays open."""
        screen = self.sit_down(*AS_USER, "withdraw", NOTICES=[granted(), granted(None, [NOTICE])])
        self.ears[0].on_hint(Hint(3, "received"))
        self.assertIn("[3] You received 5.00 USD", screen.transcript[-3])
        screen.type("100")
        self.assertEqual(len(self.asked(messages.Withdraw)), 1)

    def test_ok_acknowledges_at_any_question(self) -> None:
        """Also in the middle of something, which then goes on."""
        screen = self.sit_down(*AS_USER, "withdraw", "OK", "100", NOTICES=granted(None, [NOTICE]))
        self.assertEqual(self.asked(messages.Acknowledge), [messages.Acknowledge(upto=3)])
        self.assertEqual(len(self.asked(messages.Withdraw)), 1)
        self.assertEqual(screen.text.count("Type ok"), 1)

    def test_ok_with_a_number_acknowledges_so_far(self) -> None:
        """``ok 3`` leaves what came after it."""
        later = replace(NOTICE, number=4)
        screen = self.sit_down(*AS_USER, "ok 3", NOTICES=granted(None, [NOTICE, later]))
        self.assertEqual(self.asked(messages.Acknowledge), [messages.Acknowledge(upto=3)])
        reminded = ["1 notice acknowledged.", prompts.waiting(1), prompts.CHOICE]
        self.assertEqual(screen.transcript[-3:], reminded)

    def test_refused_acknowledgement_is_said(self) -> None:
        """The notice stays."""
        screen = self.sit_down(*AS_USER, "ok", NOTICES=granted(None, [NOTICE]), ACKNOWLEDGE=refusal(codes.BUSY))
        self.assertIn(words.CODES[codes.BUSY], screen.text)

    def test_notices_can_be_listed(self) -> None:
        """The menu's Notices shows those that wait again, or says that there are none, and lists earlier ones."""
        screen = self.sit_down(*AS_USER, "notices", NOTICES=granted(None, [NOTICE]))
        self.assertEqual(screen.text.count("[3] You received"), 2)
        self.assertNotIn(prompts.NO_NOTICES, screen.text)
        self.assertEqual(screen.transcript[-1], prompts.UPTO_NOTICE)
        text = self.sit_down(*AS_USER, "notices").text
        self.assertIn(f"{prompts.NO_NOTICES}\n\n  1", text)
        pages = [granted(), granted(), granted(acknowledged=3), granted(None, [NOTICE, replace(NOTICE, number=4)])]
        screen = self.sit_down(*AS_USER, "notices", NOTICES=pages)
        self.assertNotIn("[4]", screen.text)
        self.assertIn(f"{prompts.NO_NOTICES}\n{prompts.EARLIER}\n[3] You received 5.00 USD", screen.text)

    def test_notices_can_be_acknowledged_from_the_list(self) -> None:
        """All, or up to a number; nothing else is taken for either, and an empty answer keeps them."""
        both = granted(None, [NOTICE, replace(NOTICE, number=4)])
        for answers, upto in ((["all"], [4]), (["x", "3"], [3]), (["3x", ""], [])):
            screen = self.sit_down(*AS_USER, "notices", *answers, NOTICES=both)
            sent = [one.upto for one in self.asked(messages.Acknowledge) if isinstance(one, messages.Acknowledge)]
            self.assertEqual(sent, upto, answers)
            self.assertEqual(screen.text.count(prompts.HINT_NOTICE), len(answers) - 1)

    def test_statement_that_is_ready_is_offered(self) -> None:
        """With the notices up to it acknowledged, the newest of them; with a yes it is shown, page by page."""
        ready = [Notice(number, "statement", 0, period=f"2026-{7 + number:02}") for number in (1, 2, 3)]
        offer = prompts.SHOW_MONTH.format(month="September 2026")
        pages = [granted(StatementEnd("USD", 0, 0, 0, 7, 0, 0)), granted(StatementEnd("USD", 0, 0, 0))]
        for answers, cursors in ((["2", "y", "y"], [None, 7]), (["2", "n"], []), ([""], [])):
            notices = granted(None, ready)
            screen = self.sit_down(*AS_USER, "notices", *answers, NOTICES=notices, STATEMENT=[*pages])
            self.assertIn("Your statement of October 2026 is ready", screen.text)
            self.assertEqual(offer in screen.transcript, answers != [""])
            of = period_of("2026-09")
            self.assertEqual(
                self.asked(messages.Statement),
                [
                    messages.Statement(limit=10, cursor=cursor, since_us=of.since_us, before_us=of.before_us)
                    for cursor in cursors
                ],
            )

    def test_ear_is_closed_when_the_terminal_is(self) -> None:
        """Nothing listens after the end."""
        self.sit_down(*AS_USER, "exit", *AS_USER, "exit", "exit")
        self.assertEqual([ear.closed for ear in self.ears], [True, True])

    def test_earlier_session_is_not_heard_in_the_next(self) -> None:
        """Who logs in next does not read what was meant for the one before."""
        self.sit_down(*AS_USER, "exit", *AS_USER)
        self.assertEqual([ear.closed for ear in self.ears], [True, False])

    def test_terminal_that_cannot_hear_says_so(self) -> None:
        """Without hints everything else still works."""
        screen = self.sit_down(*AS_USER, deaf=True)
        self.assertIn(prompts.NO_HINTS, screen.text)
        self.assertEqual(screen.transcript[-1], prompts.CHOICE)


class TakingOver(AtTheTerminal):
    """An account that is in use elsewhere."""

    def test_offered(self) -> None:
        """Only with a yes the log-in is asked again, so that it ends the other session."""
        for said, fields in (("yes", [None, "yes"]), ("no", [None])):
            screen = self.sit_down(*AS_USER, said, LOGIN=[refusal(codes.IN_USE), WELCOME])
            self.assertIn(prompts.TAKE_OVER, screen.transcript)
            self.assertLess(len(prompts.TAKE_OVER), 80)
            asked = self.asked(messages.Login)
            self.assertEqual([getattr(login, "take_over", None) for login in asked], fields)


class BeingIdle(AtTheTerminal):
    """What the bank says before it ends a session in which nothing is asked."""

    def test_a_key_keeps_the_session(self) -> None:
        """The person is warned, and whatever is typed next asks the bank something, once for each warning."""
        screen = self.sit_down(*AS_USER)
        for round in (1, 2):
            self.lines[0].on_idle(60)
            self.assertEqual(screen.transcript[-1], words.idle_soon(60))
            before = len(self.asked(messages.Notices))
            for _ in range(3):
                screen.on_key()
            self.assertEqual(len(self.asked(messages.Notices)), before + 1, round)

    def test_too_late(self) -> None:
        """A key when the session is over asks nothing, and is not complained about."""
        screen = self.sit_down(*AS_USER)
        self.lines[0].on_idle(60)
        self.lines[0].lose(LostBank(Loss.ENDED, codes.IDLE))
        said = len(screen.transcript)
        screen.on_key()
        self.assertEqual(len(screen.transcript), said)


class LosingTheBank(AtTheTerminal):
    """The bank closes, or goes away."""

    def test_question_is_withdrawn_and_the_reason_said(self) -> None:
        """An idle session that the bank ends leads to the first menu, in plain words."""
        screen = self.sit_down(*AS_USER, "withdraw")
        self.lines[0].lose(LostBank(Loss.ENDED, codes.IDLE))
        self.assertEqual(screen.text.count(words.CODES[codes.IDLE]), 1)
        self.assertEqual(screen.transcript[-2], "  3  Exit")

    def test_first_menu_is_not_disturbed(self) -> None:
        """After log-out, nothing of the session is left: no reminder, and no farewell of its connection."""
        screen = self.sit_down(*AS_USER, "exit", NOTICES=granted(None, [NOTICE]))
        self.assertEqual(screen.transcript[-2:], ["  3  Exit", prompts.CHOICE])
        screen.type("ok")
        self.assertEqual(screen.transcript[-2:], [prompts.HINT_CHOICE, prompts.CHOICE])

    def test_loss_at_the_session_menu_is_said_once(self) -> None:
        """The same while nothing was chosen."""
        screen = self.sit_down(*AS_USER)
        self.lines[0].lose(LostBank(Loss.ENDED))
        self.assertEqual(screen.text.count(words.LOSSES[Loss.ENDED]), 1)
        self.assertEqual(screen.transcript[-2], "  3  Exit")

    def test_bank_that_stays_away_ends_the_program(self) -> None:
        """When it cannot be reached again, the status is 3."""
        screen = self.sit_down(*AS_USER)
        self.lines[0].lose(LostBank(Loss.ENDED, codes.STOPPING))
        self.unreachable = True
        screen.type(*AS_USER)
        self.assertEqual(self.successResultOf(self.status), exits.NO_BANK)
        self.assertIn("cannot be reached", screen.text)

    def test_terminal_that_ends_logs_out(self) -> None:
        """Ctrl-D in a session ends it at the bank, too."""
        screen = self.sit_down(*AS_USER, "withdraw")
        screen.end_of_input()
        self.assertEqual(self.successResultOf(self.status), exits.SUCCESS)
        self.assertEqual(len(self.asked(messages.Logout)), 1)

    def test_closing_screen_ends_the_program(self) -> None:
        """A SIGTERM closes the screen; the session is ended and nothing is said."""
        screen = self.sit_down(*AS_USER)
        screen.close()
        self.successResultOf(self.status)
        self.assertEqual(len(self.asked(messages.Logout)), 1)
