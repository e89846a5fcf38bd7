"""The bank without a person: tasks in words, answers as lines or objects, exit statuses."""

import json
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.client import days, exits, prompts, words
from bankd.client.answers import Answer
from bankd.client.errors import Loss, LostBank
from bankd.client.export import Export
from bankd.client.feed import Feed, Later
from bankd.client.script import Script
from bankd.client.statement_slips import NO_ENTRIES
from bankd.client.tasks import SHAPES, Context, NotTask, Verb, read_task
from bankd.client.testing import ScriptedLine, granted, refusal, scripted_bank
from bankd.records import (
    AccountView,
    Allowance,
    CustomerView,
    Notice,
    Period,
    Receipt,
    StatementEnd,
    StatementLine,
    Welcome,
    period_of,
)
from bankd.wire import messages
from bankd.wire.messages import Message

CONTEXT = Context("USD", lambda: "key-1")
NOVEMBER = period_of("2026-11")
FIRST_US, LAST_US = days.begins("2026-11-01"), days.begins("2026-12-01")


class Tasks(SynchronousTestCase):
    """Words become requests."""

    def read(self, text: str, expected: Message | Export | Verb) -> None:
        """``text`` becomes ``expected``."""
        self.assertEqual(read_task(text, CONTEXT), expected)

    def test_the_words_of_the_assignment(self) -> None:
        """S1.5, S1.6 and S1.7, as their authors wrote them."""
        self.read("Check Balance", messages.Balance())
        self.read(
            "Transfer $100 to Account XYZ",
            messages.Transfer(to="XYZ", amount=10000, currency="USD", key="key-1"),
        )
        self.read("Update Contact Information", messages.UpdateContact())

    def test_case_and_spaces_do_not_matter(self) -> None:
        """A task is its words, however they are typed."""
        self.read("  CHECK \t balance ", messages.Balance())
        self.read("transfer 1.50 to xyz", messages.Transfer(to="XYZ", amount=150, currency="USD", key="key-1"))

    def test_reference_keeps_its_case(self) -> None:
        """What is quoted to the payee is what was written."""
        self.read(
            "TRANSFER 1 TO ACCOUNT 7 REFERENCE Rent May é",
            messages.Transfer(to="7", amount=100, currency="USD", key="key-1", reference="Rent May é"),
        )

    def test_contact_fields(self) -> None:
        """E-mail, mobile number and a name of several words."""
        self.read(
            "Update Contact Information email a@b.c mobile +31612345678 name Zoë van Dam",
            messages.UpdateContact(email="a@b.c", mobile="+31612345678", name="Zoë van Dam"),
        )
        self.read("update contact information name Name", messages.UpdateContact(name="Name"))

    def test_every_other_form(self) -> None:
        """What has a line in the menu and needs no secret."""
        for text, message in (
            ("View Account Details", messages.ViewDetails()),
            ("View Accounts", messages.Accounts()),
            ("Statement", messages.Statement()),
            ("Statement 100", messages.Statement(limit=100)),
            ("Statement from 2026-11-01 to 2026-11-30", messages.Statement(since_us=FIRST_US, before_us=LAST_US)),
            ("Statement of 2026-11", messages.Statement(since_us=NOVEMBER.since_us, before_us=NOVEMBER.before_us)),
            (
                "statement of 2026-11 9",
                messages.Statement(limit=9, since_us=NOVEMBER.since_us, before_us=NOVEMBER.before_us),
            ),
            ("Statement 7 to 2026-11-30", messages.Statement(limit=7, before_us=LAST_US)),
            ("Balance at 2026-11-30", messages.Balance(at_us=LAST_US - 1)),
            ("Check Balance at 2026-11-01 00:00", messages.Balance(at_us=FIRST_US)),
            ("Export Statement to My File.csv", Export(Path("My File.csv"), "csv")),
            ("Export Statement to ~nobody-here/b.JSON", Export(Path("~nobody-here/b.JSON"), "json")),
            ("Export Statement to /a/b.JSON", Export(Path("/a/b.JSON"), "json")),
            ("Export Statement to a.xml", Export(Path("a.xml"), "camt")),
            ("Export Statement to a.txt as CAMT", Export(Path("a.txt"), "camt")),
            (
                "export statement to from to.csv as json from 2026-11-01 to 2026-11-30",
                Export(Path("from to.csv"), "json", Period(FIRST_US, LAST_US)),
            ),
            ("Deposit 1,000.00", messages.Deposit(amount=100000, currency="USD", key="key-1")),
            ("Deposit $1,000", messages.Deposit(amount=100000, currency="USD", key="key-1")),
            ("Deposit $50", messages.Deposit(amount=5000, currency="USD", key="key-1")),
            ("Withdraw $0.01", messages.Withdraw(amount=1, currency="USD", key="key-1")),
            ("Open Account", messages.OpenAccount()),
            ("Open Account eur", messages.OpenAccount(currency="EUR")),
            ("Notices", messages.Notices()),
            ("Acknowledge 3", messages.Acknowledge(upto=3)),
            ("Exit", messages.Logout()),
        ):
            self.read(text, message)

    def test_unknown_words_become_a_verb_for_the_bank_to_judge(self) -> None:
        """Letters and spaces can be sent."""
        self.read("Make Coffee", Verb("MAKE_COFFEE"))

    def test_existing_verb_is_not_sent_by_its_name(self) -> None:
        """Words that happen to be a verb of the protocol do not do what they do not say."""
        for text in ("Logout", "Delete Account", "transfer", "deposit", "noop"):
            error = self.assertRaises(NotTask, read_task, text, CONTEXT)
            self.assertIsNone(error.why)

    def test_what_cannot_be_sent_is_no_task(self) -> None:
        """Digits, signs, other scripts and too many letters."""
        for text in ("", "2 + 2", "DROP TABLE;", "Überweisung", "x" * 33, "Deposit $50 now", "Caf\udce9"):
            self.assertRaises(NotTask, read_task, text, CONTEXT)

    def test_known_form_with_a_bad_value_says_which(self) -> None:
        """The field and the reason are told."""
        for text, field in (
            ("Deposit -5", "amount"),
            ("Deposit €5", "amount"),
            ("Deposit 1.234", "amount"),
            ("Withdraw 1_000", "amount"),
            ("Transfer $0 to Account XYZ", "amount"),
            ("Transfer $1 to Account X!Z", "to"),
            ("Transfer $1 to Account 7 reference " + "x" * 141, "reference"),
            ("Statement 101", "limit"),
            ("Statement 0", "limit"),
            ("Statement from yesterday", "since"),
            ("Statement to 2026-02-30", "before"),
            ("Statement of 2026-13", "month"),
            ("Statement of November", "month"),
            ("Balance at 2026-13-01", "at"),
            ("Balance at 2026-11-01 25:00", "at"),
            ("Balance at 2026-11-01 noon", "at"),
            ("Export Statement to a.doc", "file"),
            ("Export Statement to a.csv as pdf", "file"),
            ("Export Statement to a.csv from now", "since"),
            ("Transfer $1 to Account 7 reference Caf\udce9", "reference"),
            ("Update Contact Information email nowhere", "email"),
            ("Update Contact Information mobile me", "mobile"),
        ):
            error = self.assertRaises(NotTask, read_task, text, CONTEXT)
            self.assertEqual(error.field, field, text)
            self.assertTrue(error.why, text)

    def test_reason_is_true(self) -> None:
        """What is told is what is wrong, and what would do."""
        most = "an amount is more than zero and at most 9999999999999.99"
        for text, why in (
            ("Deposit 99999999999999999999", most),
            ("Deposit 99999999999999", most),
            ("Deposit 0005", "an amount has no needless zeros before it, such as 12.50"),
            ("Deposit 1,00", "an amount is digits with at most 2 decimals, such as 12.50"),
            ("Statement from 2026-11-29 to 2026-11-28", "the period ends before it begins"),
            ("Export Statement to a.csv from 2026-11-29 to 2026-10-01", "the period ends before it begins"),
            ("Hold 5 for Account 7 days 0", "money is set aside for 1 to 99 days"),
            ("Hold 5 days 400", "money is set aside for 1 to 99 days"),
            ("Hold 5 days " + "0" * 5000 + "7", "money is set aside for 1 to 99 days"),
            ("Open Account XXX", "A currency is one that ISO 4217 knows, such as EUR."),
        ):
            error = self.assertRaises(NotTask, read_task, text, CONTEXT)
            self.assertEqual(error.why, why, text)

    def test_groups_that_could_be_decimals(self) -> None:
        """Of a currency with three decimals, 1,500 may be meant for one and a half: only 1,500.000 is clear."""
        context = Context("KWD", lambda: "key-1")
        self.assertRaises(NotTask, read_task, "Deposit 1,500", context)
        wanted = messages.Deposit(amount=1_500_000, currency="KWD", key="key-1")
        self.assertEqual(read_task("Deposit 1,500.000", context), wanted)

    def test_every_form_has_its_line_in_the_help(self) -> None:
        """The words of each usage, without what may be left out, are matched by its own pattern."""
        values = {"AMOUNT": "1", "NUMBER": "7", "DAY": "2026-11-30", "FILE": "a.csv"}
        for shape in SHAPES:
            usage = shape.usage.split(" [")[0]
            for name, value in values.items():
                usage = usage.replace(name, value)
            self.assertTrue(shape.match(usage), shape.usage)


WELCOME = granted(Welcome(account="1000001", currency="USD", lease_seconds=30))
LOGIN = messages.Login(account="1000001", pin="4711")
RECEIPT = granted(Receipt(receipt=7, at_us=0, amount_minor=-10000, balance_minor=2500, currency="USD"))


class TypedLines:
    """A standard input into which the test types."""

    def __init__(self) -> None:
        self.line: Deferred[str | None] = Deferred()

    def next(self) -> Deferred[str | None]:
        """The next line, when it is typed."""
        self.line = Deferred()
        return self.line

    def close(self) -> None:
        """Type nothing more."""
        self.type(None)

    def type(self, line: str | None) -> None:
        """Type a line, or press Ctrl-D."""
        if not self.line.called:
            self.line.callback(line)


class Running(SynchronousTestCase):
    """A list of tasks, from the log-in to the exit status."""

    def run_tasks(
        self, *tasks: str, as_json: bool = False, **answers: Answer | LostBank | list[Answer | LostBank]
    ) -> int:
        """Run ``tasks`` at a bank that answers so; the exit status."""
        self.written: list[str] = []
        self.complaints: list[str] = []
        self.line = ScriptedLine(**{"LOGIN": WELCOME} | answers)
        script = Script(scripted_bank(self.line), self.written.append, self.complaints.append, as_json=as_json)
        return self.successResultOf(Deferred.fromCoroutine(script.run(LOGIN, Feed(tasks, TypedLines()))))

    def objects(self) -> list[dict[str, Any]]:
        """What was written, as objects."""
        return [json.loads(line) for line in self.written]

    def test_three_tasks(self) -> None:
        """A balance, a success and a confirmation (S1.5 to S1.7), then a log-out."""
        status = self.run_tasks(
            "Check Balance",
            "Transfer $100 to Account XYZ",
            "Update Contact Information",
            BALANCE=granted(AccountView("1000001", "USD", 12500, 0, 12500)),
            TRANSFER=RECEIPT,
            UPDATE_CONTACT=granted(CustomerView(opened_us=0, contact_us=0, mobile="+31612345678")),
        )
        self.assertEqual(status, exits.SUCCESS)
        balance, success, confirmation = self.written
        self.assertEqual(balance, "Balance of account 1000001: 125.00 USD")
        self.assertTrue(success.startswith("Success: 100.00 USD transferred to account XYZ."))
        self.assertTrue(confirmation.startswith("Confirmed."))
        self.assertIsInstance(self.line.asked[-1], messages.Logout)

    def test_invalid_request_and_the_session_goes_on(self) -> None:
        """The bank's own refusal of unknown words, then the next task (S1.8)."""
        status = self.run_tasks("Make Coffee", "Acknowledge 1", MAKE_COFFEE=refusal(codes.BAD_VERB))
        self.assertEqual(self.written, ["Invalid Request", "Done."])
        self.assertEqual(status, exits.REFUSED)
        self.assertIn("MAKE_COFFEE", self.line.asked)

    def test_statement_is_as_long_as_asked_for(self) -> None:
        """Where the bank's page is short, for it passed over holds, the rest is asked for, and is one statement."""
        lines = [StatementLine(number, 0, "deposit", 100, number * 100) for number in (7, 4, 2)]
        pages: list[Answer | LostBank] = [
            granted(StatementEnd("USD", 700, 700, 700, 9, 0, 700)),
            granted(StatementEnd("USD", 700, 300, 700, 4), lines[:1] + lines[1:2]),
            granted(StatementEnd("USD", 700, 100, 300, 1), lines[2:]),
        ]
        self.assertEqual(self.run_tasks("Statement 3", as_json=True, STATEMENT=pages), exits.SUCCESS)
        (told,) = self.objects()
        self.assertEqual([item["receipt"] for item in told["items"]], ["7", "4", "2"])
        self.assertEqual(
            [told[name] for name in ("closing", "opening", "cursor", "period_closing")], ["700", "100", "1", "700"]
        )
        wanted = [
            messages.Statement(limit=3),
            messages.Statement(limit=3, cursor=9),
            messages.Statement(limit=1, cursor=4),
        ]
        self.assertEqual(self.line.asked[1:-1], wanted)

    def test_statement_whose_rest_is_refused(self) -> None:
        """Half of a statement is not passed off as the whole; and where there is no more, no more is asked for."""
        pages = [granted(StatementEnd("USD", 0, 0, 0, 9)), refusal(codes.BUSY)]
        self.run_tasks("Statement", "Statement", STATEMENT=[*pages, granted(StatementEnd("USD", 0, 0, 0))])
        self.assertEqual(self.written[0], words.CODES[codes.BUSY])
        self.assertIn(NO_ENTRIES, self.written[1])
        self.assertEqual(self.line.asked[2], messages.Statement(limit=20, cursor=9))

    def test_verb_of_a_newer_bank_is_answered(self) -> None:
        """Words that the bank does know, though this client does not, are told as done."""
        self.assertEqual(self.run_tasks("Make Coffee"), exits.SUCCESS)
        self.assertEqual(self.written, ["Done."])

    def test_client_answers_what_cannot_be_sent(self) -> None:
        """The same words, and the reason where the form is known; nothing is sent."""
        status = self.run_tasks("2 + 2", "Deposit 1,50")
        self.assertEqual(self.written[0], "Invalid Request")
        self.assertTrue(self.written[1].startswith("Invalid Request: an amount is digits"))
        self.run_tasks("Deposit 1,50", as_json=True)
        self.assertEqual(self.objects()[0]["field"], "amount")
        self.assertEqual([type(message) for message in self.line.asked], [messages.Login, messages.Logout])
        self.assertEqual(status, exits.REFUSED)

    def test_no_such_receipt(self) -> None:
        """A receipt that the account does not have is said to be none, and not a number of a wrong form."""
        self.run_tasks("Receipt 99999", CERTIFY=refusal(codes.BAD_FIELD, field="receipt"))
        self.assertEqual(self.written, ["Your account has no receipt with this number."])

    def test_limit_is_named(self) -> None:
        """A task over a limit tells how much would be allowed; a bank that is lost then has refused all the same."""
        limits = granted(Allowance("USD", 12500, 0, 0, 0, 5000))
        self.run_tasks("Withdraw 500", WITHDRAW=refusal(codes.PAYMENT_LIMIT), LIMITS=limits)
        self.assertEqual(self.written, ["This is more than the account may pay at once: 50.00 USD at most."])
        self.run_tasks("Withdraw 500", WITHDRAW=refusal(codes.PAYMENT_LIMIT), LIMITS=LostBank(Loss.ENDED))
        self.assertEqual(self.written, [words.CODES[codes.PAYMENT_LIMIT]])

    def test_whose_account_is_frozen(self) -> None:
        """It is the customer's own, but where a hold is to be paid, that may be another's."""
        frozen = refusal(codes.FROZEN)
        self.run_tasks("Withdraw 5", "Capture Hold 9", WITHDRAW=frozen, CAPTURE=frozen)
        self.assertEqual(self.written, [words.CODES[codes.FROZEN], words.PAYER_FROZEN])

    def test_refusal_is_status_1(self) -> None:
        """One refused task among others is enough."""
        status = self.run_tasks("Withdraw 5", "Acknowledge 1", WITHDRAW=refusal(codes.NO_FUNDS))
        self.assertEqual(self.written, ["Not enough money in the account.", "Done."])
        self.assertEqual(status, exits.REFUSED)

    def test_refused_log_in_does_nothing(self) -> None:
        """Without a session no task is sent."""
        status = self.run_tasks("Check Balance", LOGIN=refusal(codes.WRONG_SECRET))
        self.assertEqual(self.written, [words.CODES[codes.WRONG_SECRET]])
        self.assertEqual(len(self.line.asked), 1)
        self.assertTrue(self.line.lost.called)
        self.assertEqual(status, exits.REFUSED)

    def test_lost_bank_is_status_3(self) -> None:
        """The rest is not tried; money in doubt is said to be."""
        status = self.run_tasks("Withdraw 5", "Check Balance", WITHDRAW=LostBank(Loss.ENDED))
        self.assertEqual(status, exits.NO_BANK)
        self.assertEqual(self.written, [])
        in_doubt = words.IN_DOUBT.format(movement="withdrawal", amount=" of 5.00 USD", key="key-1")
        self.assertEqual(self.complaints, [f"{words.LOSSES[Loss.ENDED]} {in_doubt}"])
        self.assertEqual(len(self.line.asked), 2)

    def test_session_that_is_over_is_status_3_without_doubt(self) -> None:
        """What was answered so was not carried out; the rest is not tried, and the bank's word is told once."""
        status = self.run_tasks("Withdraw 5", "Check Balance", WITHDRAW=refusal(codes.OVER))
        self.assertEqual(status, exits.NO_BANK)
        self.assertEqual((self.written, self.complaints), ([words.CODES[codes.OVER]], []))
        self.assertEqual(len(self.line.asked), 2)

    def test_exit_is_the_end(self) -> None:
        """After Exit nothing is asked any more, not even to log out."""
        self.assertEqual(self.run_tasks("Notices", "Exit"), exits.SUCCESS)
        self.assertEqual([type(one) for one in self.line.asked][1:], [messages.Notices, messages.Logout])
        self.assertEqual((self.written[-1], self.complaints), (prompts.LOGGED_OUT, []))

    def test_bank_lost_at_log_in_is_status_3(self) -> None:
        """The same before the session began."""
        self.assertEqual(self.run_tasks("Check Balance", LOGIN=LostBank(Loss.SILENT)), exits.NO_BANK)
        self.assertEqual(self.complaints, [words.LOSSES[Loss.SILENT]])

    def test_answer_that_makes_no_sense_is_status_3(self) -> None:
        """What grants a balance without telling one is no bank."""
        self.assertEqual(self.run_tasks("Check Balance", BALANCE=granted()), exits.NO_BANK)

    def test_registration_is_told(self) -> None:
        """Who logs in with an unknown mobile number learns of the account."""
        new = granted(Welcome(account="1000009", currency="USD", lease_seconds=30), (), codes.CREATED)
        self.run_tasks("Acknowledge 1", LOGIN=new)
        self.assertIn("1000009", self.written[0])

    def test_terminal_is_not_commanded(self) -> None:
        """What another customer wrote cannot clear the screen."""
        line = StatementLine(1, 0, "received", 1, 1, "7", "x\x1b[2Jy\u202ez")
        items = granted(StatementEnd("USD", 1, 0, 1))
        evil = Answer(items.code, items.fields, ({**granted(line).fields, "reference": "x[2Jyz"},))
        self.run_tasks("Statement", STATEMENT=evil)
        self.assertNotIn("\x1b", self.written[0])

    def test_objects_hold_the_fields_as_sent(self) -> None:
        """One object a line, with everything that the bank told."""
        notice = granted(None, [Notice(number=3, kind="paid", at_us=0)], acknowledged=2)
        self.run_tasks(
            "Withdraw 100", "Notices", "Make Coffee", "nonsense!", as_json=True,
            WITHDRAW=RECEIPT, NOTICES=notice, MAKE_COFFEE=refusal(codes.BAD_VERB),
        )  # fmt: skip
        receipt, notices, refused, invalid = self.objects()
        self.assertEqual(
            (receipt["task"], receipt["code"], receipt["ok"], receipt["reason"]), ("Withdraw 100", 200, True, None)
        )
        self.assertEqual((receipt["amount"], receipt["balance"], receipt["currency"]), ("-10000", "2500", "USD"))
        self.assertNotIn("items", receipt)
        self.assertEqual((notices["acknowledged"], notices["items"][0]["number"]), ("2", "3"))
        self.assertEqual([one["ok"] for one in (receipt, notices)], [True, True])
        self.assertNotIn("field", invalid)
        for one in (refused, invalid):
            self.assertEqual(
                (one["code"], one["ok"], one["reason"], one["words"]), (400, False, "verb", "Invalid Request")
            )

    def export(self, name: str, **answers: Any) -> tuple[int, Path]:
        """Export a statement of one entry to a file of a new folder; the exit status, and the file."""
        folder = Path(self.mktemp())
        folder.mkdir()
        end = StatementEnd("USD", 100, 0, 100, period_opening_minor=0, period_closing_minor=100)
        given = {
            "BALANCE": granted(AccountView("1000001", "USD", 100, 0)),
            "STATEMENT": granted(end, [StatementLine(1, 0, "deposit", 100, 100)]),
        }
        task = f"Export Statement to {folder / name}"
        return self.run_tasks(task, task, as_json=True, **given | answers), folder / name

    def test_export(self) -> None:
        """The file is there, and is told of; a second time it is not written over."""
        status, file = self.export("x.csv")
        done, refused = self.objects()
        self.assertEqual((done["ok"], done["code"], done["file"], done["entries"]), (True, 200, str(file), "1"))
        self.assertEqual((refused["ok"], refused["field"]), (False, "file"))
        self.assertIn("exists already", refused["words"])
        self.assertEqual(len(file.read_text(encoding="utf-8").splitlines()), 2)
        self.assertEqual(status, exits.REFUSED)

    def test_export_that_the_bank_refuses(self) -> None:
        """The bank's code is the answer, and there is no file."""
        refused = {"STATEMENT": refusal(codes.BAD_FIELD, field="before")}
        status, file = self.export("x.csv", **refused)
        self.assertEqual((self.objects()[0]["field"], status), ("before", exits.REFUSED))
        status, file = self.export("x.csv", STATEMENT=refusal(codes.BUSY))
        self.assertNotIn("field", self.objects()[0])
        self.assertEqual(list(file.parent.iterdir()), [])

    def test_export_that_loses_the_bank(self) -> None:
        """There is no file, and nothing is in doubt."""
        status, file = self.export("x.csv", STATEMENT=LostBank(Loss.ENDED))
        self.assertEqual((status, self.complaints), (exits.NO_BANK, [words.LOSSES[Loss.ENDED]]))
        self.assertEqual(list(file.parent.iterdir()), [])

    def test_refused_log_in_and_lost_bank_are_objects_too(self) -> None:
        """A program that reads objects need not read anything else."""
        self.run_tasks("Check Balance", as_json=True, LOGIN=refusal(codes.IN_USE))
        [refused] = self.objects()
        self.assertNotIn("items", refused)
        self.assertEqual((refused["task"], refused["code"], refused["reason"]), ("Log In", 423, "in_use"))
        self.run_tasks("Check Balance", as_json=True, LOGIN=Answer(codes.WAIT, {"reason": "wait", "seconds": "8"}))
        [refused] = self.objects()
        self.assertEqual((refused["reason"], refused["seconds"]), ("wait", "8"))
        self.assertIn("Please wait 8 seconds", refused["words"])
        self.run_tasks("Check Balance", as_json=True, BALANCE=LostBank(Loss.ENDED))
        [lost] = self.objects()
        self.assertEqual((lost["code"], lost["ok"], lost["reason"]), (None, False, "lost"))

    def test_reason_is_the_banks_own_word(self) -> None:
        """Also where this client knows only what its number says."""
        answer = Answer(codes.NO_FUNDS, {"reason": "frozen"})
        self.run_tasks("Withdraw 5", as_json=True, WITHDRAW=answer)
        self.assertEqual(self.objects()[0]["reason"], "frozen")


class RunningOn(SynchronousTestCase):
    """Tasks that are typed while the session is open."""

    def setUp(self) -> None:
        self.written: list[str] = []
        self.complaints: list[str] = []
        self.line = ScriptedLine(LOGIN=WELCOME)
        self.typed = TypedLines()
        script = Script(scripted_bank(self.line), self.written.append, self.complaints.append)
        self.status = Deferred.fromCoroutine(script.run(LOGIN, Feed([Later.TYPED], self.typed)))

    def test_each_is_answered_as_it_comes(self) -> None:
        """The session is open before the first and after the last, until the input ends."""
        self.assertEqual(self.line.asked, [LOGIN])
        for count in (1, 2):
            self.typed.type("Acknowledge 1")
            self.assertEqual(self.written, ["Done."] * count)
            self.assertNoResult(self.status)
        self.typed.type(None)
        self.assertEqual(self.successResultOf(self.status), exits.SUCCESS)
        self.assertIsInstance(self.line.asked[-1], messages.Logout)

    def test_end_of_the_session_is_said_at_once(self) -> None:
        """Nobody needs to type another task to learn that the bank has ended the session."""
        self.line.lose(LostBank(Loss.ENDED, codes.STOPPING))
        self.assertEqual(self.successResultOf(self.status), exits.NO_BANK)
        self.assertEqual((self.written, self.complaints), ([], [words.CODES[codes.STOPPING]]))

    def test_exit_does_not_wait_for_the_end_of_the_input(self) -> None:
        """Exit is the end, as a person means it."""
        self.typed.type("sing a song 2")
        self.typed.type("exit")
        self.assertEqual(self.successResultOf(self.status), exits.REFUSED)
        self.assertEqual(self.complaints, [])
