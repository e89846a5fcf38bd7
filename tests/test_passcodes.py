"""One-time passwords in the client: asked of a person, given to a script, and the QR code of an app."""

import io
import os
import sys
from dataclasses import replace
from pathlib import Path
from shutil import get_terminal_size

import pyotp
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.bank.terms import OneTime
from bankd.client import enrolment, exits, main, passcodes, prompts, qr, words
from bankd.client.address import Address
from bankd.client.arguments import Given as ProgramGiven
from bankd.client.dialog import Dialog
from bankd.client.errors import Denied, InDoubt, Loss, LostBank
from bankd.client.feed import Later
from bankd.client.means import Means
from bankd.client.passcodes import AskPasscode
from bankd.client.screen import Interrupted
from bankd.client.testing import ScriptedLine, ScriptedScreen, granted, refusal, scripted_bank
from bankd.records import Challenged, Enrolment, Receipt, RecoveryCode, Welcome
from bankd.wire import messages
from bankd.wire.messages import Login, Transfer
from bankd.wire.messages import OneTime as OneTimeMessage
from tests import test_client_main
from tests.test_lifeline import Mishap, OnTheRoad
from tests.test_menu import AS_USER, WELCOME, AtTheTerminal

CHALLENGED = Challenged("5f" * 16, "sms", 300_000_000, "+1202…23")
WANTED = granted(CHALLENGED, (), codes.ONE_TIME)
RECEIPT = granted(Receipt(7, 0, -100, 900, "USD"))
WRONG = [refusal(codes.WRONG_CODE, left=left) for left in (2, 1, 0)]
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PAID = "Success: 1.00 USD transferred to account 1000002. Balance: 9.00 USD. Receipt 7."


class Confirming(SynchronousTestCase):
    """A request that the bank wants a one-time password for."""

    def transfer(self, ask: AskPasscode, **answers: object) -> tuple[ScriptedLine, Deferred[Receipt]]:
        """Begin to pay a bank with ``answers``."""
        line = ScriptedLine(**answers)  # type: ignore[arg-type]
        bank = scripted_bank(line)
        bank.ask_passcode = ask
        return line, Deferred.fromCoroutine(bank.transfer("1000002", 100))

    def test_sent_again_unchanged(self) -> None:
        """Once the password was given, the same request with the same key is sent again."""
        line, paying = self.transfer(passcodes.once("12345678"), TRANSFER=[WANTED, RECEIPT])
        self.assertEqual(self.successResultOf(paying).receipt, 7)
        first, given, second = line.asked
        assert isinstance(first, Transfer)
        self.assertEqual(first, second)
        self.assertEqual(given, OneTimeMessage(challenge="5f" * 16, code="12345678"))

    def test_log_in(self) -> None:
        """The answer to the password is the answer to the log-in."""
        line = ScriptedLine(LOGIN=WANTED, ONE_TIME=WELCOME)
        bank = scripted_bank(line)
        bank.ask_passcode = passcodes.once("12345678")
        welcome: Welcome = self.successResultOf(Deferred.fromCoroutine(bank.log_in(Login(account="1", pin="4711"))))
        self.assertEqual((welcome.account, line.kept_alive, len(line.asked)), ("1000001", 10.0, 2))

    def test_none_given(self) -> None:
        """Without a password the refusal stands."""
        line, paying = self.transfer(passcodes.nobody, TRANSFER=WANTED)
        error = self.failureResultOf(paying, Denied).value
        self.assertEqual((error.code, error.about), (codes.ONE_TIME, CHALLENGED))
        self.assertEqual(len(line.asked), 1)

    def test_wrong(self) -> None:
        """After a wrong one it is asked again as long as there are tries; then that is the answer."""
        told: list[int | None] = []

        async def ask(challenge: Challenged, left: int | None) -> str | None:
            told.append(left)
            return "00000000"

        _, paying = self.transfer(ask, TRANSFER=WANTED, ONE_TIME=WRONG)
        self.assertEqual(self.failureResultOf(paying, Denied).value.code, codes.WRONG_CODE)
        self.assertEqual(told, [None, 2, 1])

    def test_one_wrong(self) -> None:
        """Who has no other after a wrong one is told that it was wrong, and not that there was none."""
        _, paying = self.transfer(passcodes.once("00000000"), TRANSFER=WANTED, ONE_TIME=WRONG)
        self.assertEqual(self.failureResultOf(paying, Denied).value.code, codes.WRONG_CODE)

    def test_too_late(self) -> None:
        """What else refuses the password is the answer too."""
        late = refusal(codes.NO_CHALLENGE)
        _, paying = self.transfer(passcodes.once("12345678"), TRANSFER=WANTED, ONE_TIME=late)
        self.assertEqual(self.failureResultOf(paying, Denied).value.code, codes.NO_CHALLENGE)

    def test_lost(self) -> None:
        """Money is in doubt where the request was lost, and not where the password was: then nothing was paid."""
        lost = LostBank(Loss.ENDED)
        _, paying = self.transfer(passcodes.once("12345678"), TRANSFER=WANTED, ONE_TIME=lost)
        self.failureResultOf(paying, LostBank)
        _, paying = self.transfer(passcodes.once("12345678"), TRANSFER=[WANTED, lost])
        self.failureResultOf(paying, InDoubt)

    def test_nonsense(self) -> None:
        """A refusal that names no challenge is no bank's."""
        _, paying = self.transfer(passcodes.once("12345678"), TRANSFER=refusal(codes.ONE_TIME))
        self.assertIs(self.failureResultOf(paying, LostBank).value.loss, Loss.NONSENSE)

    def test_waiting(self) -> None:
        """A bank that was asked too often is quoted with the time to wait."""
        _, paying = self.transfer(passcodes.nobody, TRANSFER=refusal(codes.WAIT, seconds=3541))
        said = words.refused(self.failureResultOf(paying, Denied).value)
        self.assertEqual(said, "There were several tries. Please wait 60 minutes before the next one.")

    def test_terminal(self) -> None:
        """A log-in's token for this terminal goes with its password too."""
        line = ScriptedLine(LOGIN=WANTED, ONE_TIME=WELCOME)
        bank = scripted_bank(line)
        bank.ask_passcode = passcodes.once("12345678")
        self.successResultOf(Deferred.fromCoroutine(bank.log_in(Login(account="1", pin="4711", terminal="new"))))
        self.assertEqual(line.asked[1], OneTimeMessage(challenge="5f" * 16, code="12345678", terminal="new"))


class WithoutAPerson(SynchronousTestCase):
    """Where a script has one-time passwords from."""

    def given(self, ask: AskPasscode, by: str = "app", left: int | None = None) -> Deferred[str | None]:
        """Ask for one."""

        async def asked() -> str | None:
            return await ask(replace(CHALLENGED, by=by), left)

        return Deferred.fromCoroutine(asked())

    def test_once(self) -> None:
        """One that was given is given once."""
        ask = passcodes.once("12345678")
        self.assertEqual(self.successResultOf(self.given(ask)), "12345678")
        self.assertIsNone(self.successResultOf(self.given(ask)))

    def test_app(self) -> None:
        """A secret gives each code once: this step's, the next one's, and then those that come."""
        clock = Clock()
        clock.advance(3_000_010)
        ask, totp = passcodes.app(SECRET, clock), pyotp.TOTP(SECRET)
        for step in (100_000, 100_001):
            self.assertEqual(self.successResultOf(self.given(ask)), totp.at(step * 30))
        third = self.given(ask, left=2)
        clock.advance(19)
        self.assertNoResult(third)
        clock.advance(1)
        self.assertEqual(self.successResultOf(third), totp.at(100_002 * 30))

    def test_not_by_app(self) -> None:
        """A secret is no help with a password that was sent."""
        self.assertIsNone(self.successResultOf(self.given(passcodes.app(SECRET, Clock()), by="sms")))

    def test_secrets(self) -> None:
        """A secret is base32, with or without spaces, or an otpauth URI; anything else is none."""
        uri = pyotp.TOTP(SECRET).provisioning_uri(name="alice", issuer_name="Bank")
        for text in (SECRET, f" {SECRET.lower()}\n", f"{SECRET[:4]} {SECRET[4:]}", uri):
            self.assertEqual(passcodes.totp_secret(text), SECRET)
        for text in ("1", "otpauth://hotp", "!!!!", "otpauth:nonsense"):
            self.assertRaises(ValueError, passcodes.totp_secret, text)


class AtTheScreen(AtTheTerminal):
    """A person who is asked for a one-time password."""

    QUESTION = "One-time password (sent to +1202…23): "

    def test_log_in(self) -> None:
        """It is asked after the secret, shown as it is typed, and told to be wrong."""
        screen = self.sit_down(
            *AS_USER, "1111 1111", "nonsense!", "22222222", LOGIN=WANTED, ONE_TIME=[WRONG[0], WELCOME]
        )
        self.assertIn(f"Password: (hidden)\n{self.QUESTION}\n", screen.text)
        self.assertIn(f"\n{prompts.wrong_passcode(2)}\n{self.QUESTION}\n{prompts.HINT_PASSCODE}\n", screen.text)
        self.assertIn("Welcome. This is account 1000001", screen.text)
        given = [message.code for message in self.asked(OneTimeMessage)]  # type: ignore[union-attr]
        self.assertEqual(given, ["11111111", "22222222"])

    def test_empty(self) -> None:
        """An empty answer goes back."""
        screen = self.sit_down(*AS_USER, "", LOGIN=WANTED)
        self.assertIn(words.CODES[codes.ONE_TIME], screen.text)
        self.assertIn("  1  Sign Up", screen.text.rpartition(words.CODES[codes.ONE_TIME])[0])
        self.assertEqual(self.asked(OneTimeMessage), [])

    def test_one_try_left(self) -> None:
        """The last try is announced as such."""
        self.assertEqual(prompts.wrong_passcode(1), "This is not the one-time password. 1 try is left.")

    def test_where_it_is(self) -> None:
        """The question says where the password is to be found."""
        self.assertEqual(
            prompts.passcode(replace(CHALLENGED, by="app", to=None)),
            "One-time password (from your authenticator app): ",
        )
        self.assertEqual(prompts.passcode(replace(CHALLENGED, by="console", to=None)), "One-time password: ")

    def test_payment(self) -> None:
        """It is asked after the confirmation of a payment."""
        screen = self.sit_down(
            *AS_USER, "2", "1000002", "1", "", "y", "12345678", TRANSFER=[WANTED, RECEIPT], ONE_TIME=granted()
        )
        self.assertIn(f"Transfer 1.00 USD to account 1000002? (y/N) \n{self.QUESTION}\n{PAID}", screen.text)

    def test_payment_without_it(self) -> None:
        """After too many wrong ones it is said that nothing was done."""
        pay = ("2", "1000002", "1", "", "y")
        screen = self.sit_down(*AS_USER, *pay, *["00000000"] * 3, TRANSFER=WANTED, ONE_TIME=WRONG)
        self.assertIn(f"{words.CODES[codes.WRONG_CODE]} {prompts.NOTHING_DONE}", screen.text)

    def test_session_that_ends_meanwhile(self) -> None:
        """Where the session ends while one is asked for, that is told, and the first menu comes."""
        screen = self.sit_down(*AS_USER, "2", "1000002", "1", "", "y", TRANSFER=WANTED)
        self.lines[-1].lose(LostBank(Loss.ENDED, codes.OVER))
        self.assertNoResult(self.status)
        self.assertIn(f"{self.QUESTION}\n{words.lost(LostBank(Loss.ENDED, codes.OVER))}\n", screen.text)
        self.assertIn("  1  Sign Up", screen.text.rpartition(self.QUESTION)[2])

    def test_terminal_that_is_closed_meanwhile(self) -> None:
        """A terminal that is closed while one is asked for ends the program as it does elsewhere."""
        screen = self.sit_down(*AS_USER, "2", "1000002", "1", "", "y", TRANSFER=WANTED)
        screen.cancel()
        self.assertEqual(self.successResultOf(self.status), exits.SUCCESS)

    def test_app(self) -> None:
        """An app is set up with its secret as a picture and in letters, a code of it, and recovery codes shown once."""
        uri = pyotp.TOTP(SECRET).provisioning_uri(name="alice", issuer_name="Bank")
        recovery = [RecoveryCode(f"abcd{letter}-fghjk") for letter in "abcdefghjk"]
        screen = self.sit_down(
            *AS_USER,
            "authenticator app...",
            "1",
            "correct horse",
            "123456",
            "654321",
            ENROL_APP=granted(Enrolment(SECRET, uri)),
            CONFIRM_APP=[refusal(codes.WRONG_CODE), granted(None, recovery)],
        )
        self.assertIn("\n  JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP\n", screen.text)
        self.assertIn(qr.drawn(uri, 80, 40) or "", screen.text)
        self.assertIn(words.CODES[codes.WRONG_CODE], screen.text)
        self.assertIn("\n  abcda-fghjk    abcdb-fghjk\n", screen.text)
        self.assertEqual(self.asked(messages.ConfirmApp)[-1], messages.ConfirmApp(code="654321"))

    def test_app_on_a_small_terminal(self) -> None:
        """Where there is no room for a picture the secret and the URI are shown."""
        self.patch(enrolment, "get_terminal_size", lambda: os.terminal_size((40, 12)))
        uri = pyotp.TOTP(SECRET).provisioning_uri(name="alice", issuer_name="Bank")
        offered, typed = (
            granted(Enrolment(SECRET, uri)),
            (*AS_USER, "authenticator app...", "1", "correct horse", "123456"),
        )
        screen = self.sit_down(*typed, ENROL_APP=offered, CONFIRM_APP=refusal(codes.NO_APP))
        self.assertIn(f"{prompts.TOO_SMALL}\n  JBSW", screen.text)
        self.assertIn(f"\n  {uri}\n", screen.text)
        self.assertNotIn("█", screen.text)
        self.assertIn(words.CODES[codes.NO_APP], screen.text)

    def test_remove(self) -> None:
        """The app is removed after the secret and a code of it; one may also go back."""
        wanted = granted(replace(CHALLENGED, by="app", to=None), (), codes.ONE_TIME)
        screen = self.sit_down(
            *AS_USER, "authenticator app...", "3", "authenticator app...", "2", "correct horse", "123456",
            REMOVE_APP=[wanted, granted()],
        )  # fmt: skip
        self.assertIn(prompts.APP_REMOVED, screen.text)
        self.assertEqual(self.asked(messages.RemoveApp)[0], messages.RemoveApp(password="correct horse"))


class QrCodes(SynchronousTestCase):
    """A QR code in a terminal."""

    def test_size(self) -> None:
        """The code of an app fits into 80 columns and 24 rows with a question below it; none is made to fit."""
        uri = pyotp.TOTP(SECRET).provisioning_uri(name="alice", issuer_name="Demo Bank")
        rows = (qr.drawn(uri, 80, 24 - enrolment.LINES_BESIDE) or "").split("\n")
        self.assertEqual({len(row) for row in rows}, {41})
        self.assertEqual(len(rows), 21)
        self.assertIsNone(qr.drawn(uri, 40, 24))
        self.assertIsNone(qr.drawn(uri, 80, 20))
        for more in range(0, 200, 20):
            rows = (qr.drawn(uri + "x" * more, 200, 100) or "").split("\n")
            self.assertEqual(len(rows), (len(rows[0]) + 1) // 2)

    def test_modules(self) -> None:
        """Its three corners are there, on a quiet ground: light modules are drawn, dark ones are not."""
        rows = (qr.drawn("A" * 20, 80, 24) or "").split("\n")
        self.assertEqual(rows[0], "█" * len(rows[0]))
        for corner in (rows[1], rows[1][::-1]):
            self.assertEqual(corner[:9], "██ ▄▄▄▄▄ ")
            self.assertEqual(rows[2][:9], "██ █   █ ")

    def test_terminal(self) -> None:
        """The size is that of the terminal, or what is usual."""
        self.assertEqual(len(get_terminal_size()), 2)


class Again(OnTheRoad):
    """A session that has to log in again, at a bank that asks for one-time passwords."""

    def setUp(self) -> None:
        super().setUp()
        self.practice.branch.terms = replace(self.practice.branch.terms, one_time=OneTime.LOGIN)
        self.screen = ScriptedScreen()
        self.dialog = Dialog(self.screen)
        self.dialog.bank = self.bank
        self.bank.ask_passcode = self.dialog.ask_passcode
        logging_in = self.begin(self.bank.log_in(Login(account=self.alice.account, pin=self.alice.pin)))
        self.wait()
        self.type_password()
        self.successResultOf(logging_in)

    def type_password(self) -> None:
        """Type the password that was sent."""
        self.screen.type(self.practice.post.sent[-1][1].text[:8])
        self.wait()

    def cut_and_log_in(self) -> None:
        """Lose the connection, and type the password that lets the session go on."""
        self.road.pipes[-1].cut()
        self.wait(2)
        self.type_password()

    def test_person_is_asked(self) -> None:
        """The person is asked for a new one, whatever question was open, which is then asked again."""
        choosing = self.begin(self.dialog.confirm("Sure? "))
        self.road.pipes[-1].cut()
        self.wait(2)
        self.assertEqual(self.screen.transcript[-2:], ["Sure? ", "One-time password (sent to …01): "])
        self.type_password()
        self.assertEqual(self.told[-1], words.CONNECTED_AGAIN)
        self.assertEqual(self.screen.transcript[-1], "Sure? ")
        self.screen.type("y")
        self.assertTrue(self.successResultOf(choosing))
        self.assertEqual(self.now(self.bank.balance()).balance_minor, 100_00)

    def test_person_who_was_asked_for_one_already(self) -> None:
        """One for the log-in comes first; then the one that was asked for is asked for again, and is still good."""
        self.practice.branch.terms = replace(self.practice.branch.terms, one_time=OneTime.RISK)
        self.cut_and_log_in()  # a session that begins under these terms
        paying = self.pay()
        self.wait()
        code = self.practice.post.sent[-1][1].text[:8]
        self.cut_and_log_in()
        self.assertNoResult(paying)
        self.assertEqual(self.screen.transcript[-2:], ["One-time password (sent to …01): "] * 2)
        self.screen.type(code)
        self.wait()
        self.assertEqual(self.successResultOf(paying).balance_minor, 75_00)
        self.assertPaid_once()

    def test_payment_under_way(self) -> None:
        """A payment whose answer was lost is asked again after it."""
        self.road.mishaps.append(Mishap("TRANSFER", arrives=True))
        paying = self.pay()
        self.wait(2)
        self.assertNoResult(paying)
        self.type_password()
        self.assertEqual(self.successResultOf(paying).balance_minor, 75_00)
        self.assertPaid_once()

    def assertPaid_once(self) -> None:
        """Bob has the money once."""
        with self.practice.store.reading() as connection:
            count = connection.exec_driver_sql("SELECT count(*) FROM journal WHERE kind = 'transfer'").scalar()
        self.assertEqual(count, 1)

    def test_person_who_has_none(self) -> None:
        """Without one the session is over, and the reason is told."""
        choosing = self.begin(self.dialog.confirm("Sure? "))
        self.road.pipes[-1].cut()
        self.wait(2)
        self.screen.type("")
        self.wait()
        self.assertEqual(self.told[-1], words.CODES[codes.ONE_TIME])
        self.assertIsNotNone(self.bank.over)
        self.screen.cancel()
        self.failureResultOf(choosing, LostBank)

    def test_ctrl_c(self) -> None:
        """Ctrl-C at that question ends the session as well."""
        self.road.pipes[-1].cut()
        self.wait(2)
        self.screen.type(Interrupted())
        self.wait()
        self.assertIsNotNone(self.bank.over)

    def test_script(self) -> None:
        """A script without one is told that its session is over, and why."""
        self.bank.ask_passcode = passcodes.nobody
        self.road.pipes[-1].cut()
        self.wait(2)
        self.assertEqual(self.told[-1], words.CODES[codes.ONE_TIME])
        self.assertIsNotNone(self.bank.over)


class Given(test_client_main.Arguments):
    """What the program is told of one-time passwords."""

    def test_sources(self) -> None:
        """One for one use comes from a file or a variable, and an app's secret from a file."""
        self.assertIsNone(self.given().passcode)
        self.assertEqual(self.given(BANKD_ONE_TIME="12345678").passcode, "12345678")
        file = self.file("code", "87654321\n")
        given = self.given("--one-time-file", file, "--totp-file", self.file("app", SECRET), BANKD_ONE_TIME="12345678")
        self.assertEqual((given.passcode, given.totp), ("87654321", SECRET))
        self.assertNotIn("87654321", repr(given))
        self.assertNotIn(SECRET, repr(given))

    def test_unusable(self) -> None:
        """What is none is refused before the bank is called."""
        self.assertIn(prompts.HINT_PASSCODE, self.refused(BANKD_ONE_TIME="12"))
        self.assertIn("cannot read the one-time password file", self.refused("--one-time-file", "nowhere"))
        self.assertIn("not standard input", self.refused("--one-time-file", "-"))
        self.assertIn("holds no secret", self.refused("--totp-file", self.file("app", "1")))
        self.assertIn("cannot read the TOTP file", self.refused("--totp-file", str(Path("nowhere"))))


class TypedLines:
    """What a person types at a script's questions."""

    def __init__(self, *lines: str | None) -> None:
        self.lines = list(lines)

    def next(self) -> Deferred[str | None]:
        """The next line."""
        return succeed(self.lines.pop(0))


class ScriptAtATerminal(SynchronousTestCase):
    """Where the program has one-time passwords from."""

    def source(
        self, *lines: str | None, tty: bool = True, tasks: tuple[str | Later, ...] = ("x",), **more: str
    ) -> AskPasscode:
        """What the program asks, with a person who types ``lines``."""
        self.complaints = io.StringIO()
        self.patch(sys, "stderr", self.complaints)
        self.patch(os, "isatty", lambda descriptor: tty)
        told = ProgramGiven(
            Means(Address("bank.example"), None, Path("tokens")),
            ("account", "1"),
            "4711",
            tasks,
            False,
            False,
            **more,  # type: ignore[arg-type]
        )
        return main._passcodes(Clock(), told, TypedLines(*lines))  # type: ignore[arg-type]

    def answer(self, ask: AskPasscode, left: int | None = None, by: str = "sms") -> str | None:
        """What is given."""

        async def asked() -> str | None:
            return await ask(replace(CHALLENGED, by=by), left)

        given: str | None = self.successResultOf(Deferred.fromCoroutine(asked()))
        return given

    def test_person(self) -> None:
        """A person is asked on standard error, and told of a wrong one; nothing, or the end of the input, is none."""
        ask = self.source(" 12345678 ", "87654321", "", None)
        self.assertEqual(self.answer(ask), "12345678")
        self.assertEqual(self.answer(ask, left=1), "87654321")
        question = "One-time password (sent to +1202…23): "
        wrong = f"bankd-client: {prompts.wrong_passcode(1)}\n"
        self.assertEqual(self.complaints.getvalue(), question + wrong + question)
        self.assertIsNone(self.answer(ask))
        self.assertIsNone(self.answer(ask))

    def test_nobody(self) -> None:
        """Where nobody is there, or the tasks come from standard input, there is none."""
        self.assertIsNone(self.answer(self.source(tty=False)))
        self.assertIsNone(self.answer(self.source(tasks=(Later.TYPED,))))

    def test_given(self) -> None:
        """An app's secret goes before what is for one use, and that before a person."""
        self.assertEqual(self.answer(self.source(passcode="12345678")), "12345678")
        ask = self.source(passcode="12345678", totp=SECRET)
        self.assertEqual(self.answer(ask, by="app"), pyotp.TOTP(SECRET).at(30))
