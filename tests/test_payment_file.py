"""Files of payments: read strictly, paid once however often they are sent, and told line by line."""

import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.client import exits, payment_slips, prompts, words
from bankd.client.answers import Answer
from bankd.client.errors import Denied, InDoubt, Loss, LostBank
from bankd.client.feed import Feed, Later
from bankd.client.files.payments import Fault, NotPayments, read_payments
from bankd.client.payment_file import TOO_LONG, Paid, PayFile, file_key, pay, to_pay
from bankd.client.script import Script
from bankd.client.tasks import Context, read_task
from bankd.client.testing import ScriptedLine, granted, refusal, scripted_bank
from bankd.records import Allowance, BulkEnd, BulkLine, BulkResult, Payee, StatementEnd, StatementLine, Welcome
from bankd.wire import messages
from bankd.wire.messages import MAX_BULK
from tests.test_lifeline import Mishap, OnTheRoad

FILE = """\
account,amount,reference
# Salaries

10000042,1250,November
 1000 0059 , 99.5
"10000067",$0.01,"a ""b"", c"
"""


class FileCase(SynchronousTestCase):
    """A test with a folder."""

    def file(self, text: str | bytes) -> Path:
        """A file with this text."""
        path = Path(self.mktemp())
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path


class Reading(FileCase):
    """What is a payment, and what is not."""

    def read(self, text: str | bytes, currency: str = "USD") -> list[tuple[Any, ...]]:
        """Line, payee, amount and reference of the payments in a file of this text."""
        found = read_payments(self.file(text), currency)
        return [(one.line, one.payee.payee, one.payee.amount_minor, one.payee.reference) for one in found]

    def faults(self, text: str | bytes, currency: str = "USD") -> list[int | None]:
        """The lines that are told to be wrong."""
        error = self.assertRaises(NotPayments, read_payments, self.file(text), currency)
        for fault in error.faults:
            self.assertTrue(fault.why)
        return [fault.line for fault in error.faults]

    def test_forms(self) -> None:
        """A row of names, remarks, empty lines, quotes and spaces are for people; lines keep their numbers."""
        expected = [
            (4, "10000042", 1250_00, "November"),
            (5, "10000059", 99_50, None),
            (6, "10000067", 1, 'a "b", c'),
        ]
        self.assertEqual(self.read(FILE), expected)
        self.assertEqual(self.read("\ufeff" + FILE.replace("\n", "\r\n")), expected)
        self.assertEqual(self.read("A,1"), [(1, "A", 100, None)])
        self.assertEqual(self.read("Account, Amount".lower() + "\nA,1,\n"), [(2, "A", 100, None)])

    def test_currency(self) -> None:
        """The amount is one of the payer's currency."""
        self.assertEqual(self.read("A,100", "JPY"), [(1, "A", 100, None)])
        self.assertEqual(self.faults("A,1.5", "JPY"), [1])
        self.assertEqual(self.faults("A,$1", "EUR"), [1])

    def test_every_fault_is_told(self) -> None:
        """Each wrong line is named, and nothing is taken from a file with one."""
        wrong = (
            "A",
            "A,1,b,c",
            "A;1",
            ",1",
            "A!,1",
            "A,",
            "A,0",
            "A,-1",
            "A,1e3",
            "A,1_000",
            "A,1.234",
            'A,"1,000"',
            "A,١",
            "A,1," + "x" * 141,
            "A,1,a\x07",
            'A,1,"b',
            'A,1,"b"c',
            "account,amount",
        )
        self.assertEqual(self.faults("A,1\n" + "\n".join(wrong)), list(range(2, 2 + len(wrong))))

    def test_semicolons(self) -> None:
        """A file of the kind that is common where decimals have a comma is said to have the wrong marks."""
        file = self.file("account;amount;reference\n10000042;12,50;Rent\nA,1")
        error = self.assertRaises(NotPayments, read_payments, file, "USD")
        why = "the cells are separated by commas, not by semicolons"
        self.assertEqual([(fault.line, fault.why) for fault in error.faults], [(1, why), (2, why)])

    def test_no_payments(self) -> None:
        """A file without any, one that is not UTF-8 and one that is not there are at fault as a whole."""
        for text in ("", "\n \n", "# nothing\n", "account,amount,reference\n", b"A,1,\xff"):
            self.assertEqual(self.faults(text), [None], text)
        error = self.assertRaises(NotPayments, read_payments, Path(self.mktemp()), "USD")
        self.assertIn("No such file", error.faults[0].why)


class Keys(FileCase):
    """The key of a file."""

    def key(self, text: str, account: str = "1", name: str = "") -> str:
        """The key of a file of this text."""
        return file_key(account, "USD", name, read_payments(self.file(text), "USD"))

    def test_what_it_says(self) -> None:
        """How a file is written does not matter; what it says, its order, the account and the name do."""
        key = self.key("A,1,x\nB,2")
        self.assertEqual(self.key('account,amount,reference\n# later\na,1.00," x"\n\nB,2,'), key)
        others = {self.key("B,2\nA,1,x"), self.key("A,1,x"), self.key("A,1\nB,2"), self.key("A,1,y\nB,2")}
        others |= {self.key("A,1,x\nB,2", account="2"), self.key("A,1,x\nB,2", name="x")}
        self.assertEqual(len(others - {key}), 6)
        self.assertRegex(key, r"^file-[0-9a-f]{32}$")


class Task(SynchronousTestCase):
    """The words for it."""

    def test_words(self) -> None:
        """A file, whether each goes by itself, and a name."""
        for text, expected in (
            ("Pay File a.csv", PayFile(Path("a.csv"))),
            ("pay file My File.csv EACH", PayFile(Path("My File.csv"), each=True)),
            ("Pay File a.csv as 2026-12", PayFile(Path("a.csv"), name="2026-12")),
            ("Pay File a.csv each as x", PayFile(Path("a.csv"), each=True, name="x")),
        ):
            self.assertEqual(read_task(text, Context("USD", lambda: "k")), expected)


class Paying(OnTheRoad):
    """At a real bank, over connections that are lost."""

    def setUp(self) -> None:
        super().setUp()
        self.log_in()

    def write(self, *lines: str) -> Path:
        """A file of these lines."""
        path = Path(self.mktemp())
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    def start(self, path: Path, *, each: bool = False, name: str = "") -> Deferred[Paid]:
        """Begin to pay a file."""
        wanted = PayFile(path, each, name)
        self.answered: list[int] = []
        return self.begin(pay(self.bank, wanted, to_pay(self.bank, wanted), self.tell))

    def tell(self, answered: int) -> None:
        """Note how far it has come."""
        self.answered.append(answered)

    def pay_file(self, path: Path, seconds: float = 0, **how: Any) -> Paid:
        """Pay a file; what became of it."""
        paying = self.start(path, **how)
        self.wait(seconds)
        return self.successResultOf(paying)

    def come_back(self) -> None:
        """Start the client again."""
        self.bank.close()
        self.wait(1)
        self.lifeline = self.line()
        self.bank = self.lifeline.bank
        self.log_in()

    def assertHas(self, amount_minor: int) -> None:
        """Bob has so much, and the books are right."""
        self.bank.close()
        self.wait(1)
        self.assertEqual(self.balance(self.bob), amount_minor)
        self.assertEqual(self.practice.faults(), [])

    def test_paid_once(self) -> None:
        """A file that was paid and is paid again moves nothing, and that is said; under another name it is paid."""
        path = self.write(f"{self.bob.account},1", f"{self.bob.account},2")
        first = self.pay_file(path)
        self.assertEqual((len(first.made), first.amount_minor, first.before), (2, 3_00, 0))
        self.come_back()
        again = self.pay_file(path)
        self.assertEqual((again.made, again.key, again.before), (first.made, first.key, 2))
        self.assertEqual(self.pay_file(path, name="2").before, 0)
        self.assertHas(6_00)

    def test_paid_before_holds(self) -> None:
        """A file that was paid is known to have been also where holds came after it, more than a page of them."""
        path = self.write(f"{self.bob.account},1")
        self.pay_file(path)
        for holds in (1, 200):
            for _ in range(holds):
                self.now(self.bank.hold(1))
            again = self.pay_file(path, 1)
            self.assertEqual((len(again.made), again.before), (1, 1))
        self.assertEqual(len(self.road.sent("STATEMENT")), 1 + 1 + 3)
        self.assertHas(1_00)

    def test_one_way(self) -> None:
        """What was paid together is not paid again each by itself."""
        path = self.write(f"{self.bob.account},1")
        self.pay_file(path)
        paying = self.start(path, each=True)
        self.wait()
        self.assertEqual(self.failureResultOf(paying, Denied).value.code, codes.OTHER_CONTENT)
        self.assertHas(1_00)

    def test_lost(self) -> None:
        """Where the connection is lost before or after the request arrived, it is asked again, and paid once."""
        for number, arrives in enumerate((False, True)):
            self.road.mishaps.append(Mishap("BULK", arrives))
            paid = self.pay_file(self.write(f"{self.bob.account},1", f"{self.bob.account},2"), 1, name=str(number))
            self.assertEqual((len(paid.made), paid.before), (2, 0))
        self.assertEqual(len(self.road.sent("BULK")), 4)
        self.assertIn(words.ASKING.format(movement="set of payments"), self.told)
        self.assertHas(6_00)

    def test_many(self) -> None:
        """A long file goes in several requests, and how far it has come is told."""
        paid = self.pay_file(self.write(*[f"{self.bob.account},0.01"] * 2500), 1, each=True)
        self.assertEqual((len(paid.made), self.answered), (2500, [1000, 2000]))
        self.assertEqual(len({line.split("key=")[1] for line in self.road.sent("BULK")}), 3)
        self.assertHas(25_00)

    def test_interrupted(self) -> None:
        """A client that is killed between two requests is started again, and pays the rest."""
        path = self.write(*[f"{self.bob.account},0.01"] * 1500)
        for arrives, before in ((False, 1000), (True, 1500)):
            self.patch(self, "tell", lambda _, arrives=arrives: self.road.mishaps.append(Mishap("BULK", arrives)))
            paying = self.start(path, each=True, name=str(before))
            self.wait(0.1)
            self.lifeline.stop()
            self.failureResultOf(paying, InDoubt)
            self.come_back()
            paid = self.pay_file(path, 1, each=True, name=str(before))
            self.assertEqual((len(paid.made), paid.before), (1500, before))
        self.assertHas(30_00)

    def test_too_long(self) -> None:
        """More than go together are refused before anything is asked."""
        path = self.write(*["A,1"] * (MAX_BULK + 1))
        error = self.assertRaises(NotPayments, to_pay, self.bank, PayFile(path))
        self.assertEqual(error.faults, (Fault(None, TOO_LONG),))
        self.assertEqual(len(to_pay(self.bank, PayFile(path, each=True))), MAX_BULK + 1)

    def test_transfer_all(self) -> None:
        """A program pays several by one call; the place of what is refused is told."""
        payees = [Payee(self.bob.account, 100, "Rent"), Payee("77777777", 100)]

        def transfer(together: bool) -> Coroutine[Any, Any, BulkResult]:
            return self.bank.transfer_all(payees, together=together)

        refused = self.begin(transfer(True))
        self.wait()
        error = self.failureResultOf(refused, Denied).value
        self.assertEqual((error.code, error.place), (codes.NO_ACCOUNT, 2))
        result = self.now(transfer(False))
        self.assertEqual(result.lines[1], BulkLine(2, reason="account"))
        self.assertEqual(result.end, BulkEnd(1, 1, 100, "USD"))
        self.assertHas(1_00)


LOGIN = messages.Login(account="1000001", pin="4711")
WELCOME = granted(Welcome(account="1000001", currency="USD", lease_seconds=30))
STATEMENT = granted(StatementEnd("USD", 0, 0, 0), [StatementLine(7, 0, "deposit", 1, 1)])


class Nothing:
    """A standard input without a line."""

    def next(self) -> Deferred[str | None]:
        """Wait for ever."""
        return Deferred()

    def close(self) -> None:
        """Read no more."""


class Telling(FileCase):
    """What a person or a program reads of it."""

    def run_file(self, text: str, how: str = "", *, as_json: bool = False, **answers: Any) -> int:
        """Pay a file of this text at a bank that answers so; the exit status."""
        self.written: list[str] = []
        self.complaints: list[str] = []
        given: dict[str, Any] = {"LOGIN": WELCOME, "STATEMENT": STATEMENT}
        self.line = ScriptedLine(**given | answers)
        self.progress: list[str] = []
        script = Script(
            scripted_bank(self.line),
            self.written.append,
            self.complaints.append,
            progress=self.progress.append,
            as_json=as_json,
        )
        tasks: list[str | Later] = [f"Pay File {self.file(text)}{how}"]
        return self.successResultOf(Deferred.fromCoroutine(script.run(LOGIN, Feed(tasks, Nothing()))))

    def asked(self) -> list[messages.Bulk]:
        """The sets that were asked for."""
        return [message for message in self.line.asked if isinstance(message, messages.Bulk)]

    def answer(self, *lines: BulkLine) -> Answer:
        """An answer with these lines."""
        return granted(BulkEnd(0, 0, 0, "USD"), lines)

    def test_summary(self) -> None:
        """How many, how much, by which key, and every line that was refused, by its number in the file."""
        made = self.answer(BulkLine(1, 8), BulkLine(2, reason="funds"), BulkLine(3, reason="new_one"))
        status = self.run_file(FILE, " each", BULK=made)
        (asked,) = self.asked()
        self.assertEqual((asked.mode, asked.count, len(asked.items)), ("each", 3, 3))
        self.assertEqual(
            self.written[0].splitlines(),
            [
                f"1 payment made, 1,250.00 USD in all. Key {asked.key[:-2]}.",
                "2 payments refused:",
                "  line 5: 99.50 USD to account 10000059: Not enough money in the account.",
                "  line 6: 0.01 USD to account 10000067: The bank refused this (new_one).",
            ],
        )
        self.assertEqual(status, exits.REFUSED)

    def test_again(self) -> None:
        """What had been paid before is said to have been."""
        self.assertEqual(self.run_file("A,1\nB,2", BULK=self.answer(BulkLine(1, 6), BulkLine(2, 8))), exits.SUCCESS)
        self.assertIn("1 payment had been made before and cost nothing now.", self.written[0])

    def test_object(self) -> None:
        """The same for a program."""
        made = self.answer(BulkLine(1, 8), BulkLine(2, reason="funds"))
        self.run_file("# x\nA,1\nB,2", " each", as_json=True, BULK=made)
        (told,) = map(json.loads, self.written)
        self.assertEqual((told["code"], told["ok"], told["reason"]), (200, False, "part"))
        self.assertEqual((told["made"], told["refused"], told["amount"]), ("1", "1", "100"))
        self.assertEqual(
            told["items"],
            [
                {"line": "2", "to": "A", "amount": "100", "receipt": "8"},
                {"line": "3", "to": "B", "amount": "200", "reason": "funds"},
            ],
        )

    def test_wrong_file(self) -> None:
        """Every wrong line is told, and nothing is asked."""
        status = self.run_file("A,1\nB,x\nC", as_json=True)
        (told,) = map(json.loads, self.written)
        self.assertEqual((told["field"], status), ("file", exits.REFUSED))
        self.assertEqual(told["words"].count("\n  line "), 2)
        self.assertEqual([type(one) for one in self.line.asked], [messages.Login, messages.Logout])

    def test_refused(self) -> None:
        """The line at fault is told, that nothing was paid, and how to ask anew."""
        status = self.run_file("# x\nA,1\nB,2", BULK=refusal(codes.NO_FUNDS, place=2))
        said = f"Line 3: Not enough money in the account. {payment_slips.NOTHING_PAID} {payment_slips.KEPT}"
        said = said.format(how="as NAME")
        self.assertEqual((self.written, status), ([said], exits.REFUSED))
        self.run_file("# x\nA,1\nB,2", as_json=True, BULK=refusal(codes.NO_FUNDS, place=2))
        self.assertEqual(json.loads(self.written[0])["line"], "3")
        self.run_file("A,1", " each", BULK=refusal(codes.NO_FUNDS, place=1))
        self.assertIn(payment_slips.KEPT.format(how="each as NAME"), self.written[0])
        for answer, hint in (
            (refusal(codes.NO_FUNDS, place=9), payment_slips.AGAIN),
            (refusal(codes.NO_FUNDS, place="x"), payment_slips.AGAIN),
        ):
            self.run_file("A,1", BULK=answer)
            self.assertEqual(self.written, [f"{words.CODES[answer.code]} {hint}"])

    def test_without_a_one_time_password(self) -> None:
        """Where no one-time password was right it is said that nothing was paid, and how to go on."""
        self.run_file("A,1", BULK=refusal(codes.WRONG_CODE, left=0))
        said = f"{words.CODES[codes.WRONG_CODE]} {prompts.NOTHING_DONE} {payment_slips.AGAIN}"
        self.assertEqual(self.written, [said])

    def test_over_a_limit(self) -> None:
        """The limit is told with the line that is over it."""
        limits = granted(Allowance("USD", 12500, 0, 0, 0, 5000))
        self.run_file("A,60", BULK=refusal(codes.PAYMENT_LIMIT, place=1), LIMITS=limits)
        self.assertTrue(self.written[0].startswith("Line 1: This is more than the account may pay at once: 50.00 USD"))

    def test_refused_in_the_other_way(self) -> None:
        """A file that was asked for before in the other way may be paid, so it is said that a new name pays it anew."""
        for ending, how in (("", "as NAME"), (" each", "each as NAME")):
            self.run_file("A,1", ending, BULK=refusal(codes.OTHER_CONTENT))
            self.assertEqual(self.written, [payment_slips.OTHER_WAY.format(how=how)])
        self.assertIn("would pay all of it anew", self.written[0])

    def test_refused_in_the_middle(self) -> None:
        """Where a later request is refused it is not said that nothing was paid."""
        first = self.answer(*(BulkLine(place, place) for place in range(1, MAX_BULK + 1)))
        self.run_file("A,1\n" * (MAX_BULK + 1), " each", BULK=[first, refusal(codes.OVER)])
        self.assertEqual(self.written, [f"{words.CODES[codes.OVER]} {payment_slips.AGAIN}"])
        self.assertEqual(self.progress, ["1,000 of 1,001 payments answered", ""])

    def test_lost(self) -> None:
        """Where it is not known what was paid, it is said how to learn it."""
        status = self.run_file("A,1", BULK=LostBank(Loss.ENDED))
        self.assertEqual(status, exits.NO_BANK)
        self.assertIn("whether the set of payments was made", self.complaints[0])
        self.assertTrue(self.complaints[0].endswith(payment_slips.AGAIN))

    def test_nonsense(self) -> None:
        """An answer about other payments than were asked is no bank's."""
        for lines in ((), (BulkLine(2, 8),), (BulkLine(1, 8), BulkLine(2, 9))):
            self.assertEqual(self.run_file("A,1", BULK=self.answer(*lines)), exits.NO_BANK)

    def test_no_receipt_before(self) -> None:
        """On an account without entries nothing was paid before."""
        self.run_file("A,1", STATEMENT=granted(StatementEnd("USD", 0, 0, 0)), BULK=self.answer(BulkLine(1, 1)))
        self.assertEqual(len(self.written[0].splitlines()), 1)
