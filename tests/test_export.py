"""A statement in a file: each form read back by a reader of its own, hostile words, and files whole or not at all."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any
from unittest import mock

from lxml import etree
from pycamt.parser import Camt053Parser
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.client.errors import Denied
from bankd.client.export import FORMS, Export, export
from bankd.client.files import new_file
from bankd.client.files.camt import NAMESPACE
from bankd.client.files.csv import COLUMNS
from bankd.client.files.new_file import NotWritten
from bankd.client.testing import ScriptedLine, granted, refusal, scripted_bank
from bankd.client.words import NO_CAMT
from bankd.records import ALWAYS, AccountView, Period, StatementEnd, StatementLine
from bankd.wire import messages
from bankd.wire.grammar import TEXT, read_time

SCHEMA = Path(__file__).parent / "camt.053.001.08.xsd"
"""ISO 20022's own, as iso20022.org publishes it."""

NOON_US = read_time("2026-11-20T12:00:00.000000Z")
MADE = 1_800_000_000
ACCOUNT = AccountView("1000001", "USD", 97_45, read_time("2026-11-01T08:00:00.000000Z"))

HOSTILE = (
    '=HYPERLINK("http://evil.example","x")',
    "+1+cmd|' /C calc'!A1",
    "-2+3",
    "@SUM(1,2)",
    "  =1+1",
    "＝1+1",
    "</Ustrd></Stmt><!-- ]]> &amp; &#0;",
    '","entries":[]}',
    'a "quoted", b; c',
    "\ufffe\uffff",
    "Zoë 李 🏦",
)
"""References that other customers may have written."""

LINES = (
    StatementLine(29, NOON_US, "withdrawal", -5, 97_45),
    *(StatementLine(20 - n, NOON_US - n, "paid", -25, 97_50 + 25 * n, "-1", text) for n, text in enumerate(HOSTILE)),
    StatementLine(1, NOON_US - 99, "received", 100_25, 100_25, "1000002"),
)


class ExportCase(SynchronousTestCase):
    """A test with a folder, and a bank that gives LINES on two pages."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.told: list[int] = []

    def start(self, form: str, period: Period = ALWAYS, name: str = "x", **answers: Any) -> Deferred[int]:
        """An export to a file of this name."""
        first = StatementEnd("USD", 97_45, 0, 97_45, 5, period_opening_minor=0, period_closing_minor=97_45)
        pages = [
            granted(first, LINES[:4]),
            granted(StatementEnd("USD", 97_45, 0, 0), LINES[4:]),
        ]
        given: dict[str, Any] = {"BALANCE": granted(ACCOUNT), "STATEMENT": pages}
        self.line = ScriptedLine(**given | answers)
        wanted = Export(self.folder / name, form, period)
        writing = export(scripted_bank(self.line), wanted, self.told.append, lambda: MADE)
        return Deferred.fromCoroutine(writing)

    def export(self, form: str, period: Period = ALWAYS, name: str = "x", **answers: Any) -> Path:
        """The file that was written."""
        self.assertEqual(self.successResultOf(self.start(form, period, name, **answers)), len(LINES))
        return self.folder / name

    def failed(self, failure: type[Exception], **given: Any) -> Any:
        """The failure of an export, after which the folder is as it was."""
        before = {path.name: path.read_bytes() for path in self.folder.glob("[!l]*")}
        caught = self.failureResultOf(self.start(**given), failure)
        self.assertEqual({path.name: path.read_bytes() for path in self.folder.glob("[!l]*")}, before)
        return caught.value


class Forms(ExportCase):
    """Every form, by another reader than the one that wrote it."""

    def test_references_can_be_sent(self) -> None:
        """The bank takes every hostile word of these tests as a reference."""
        for text in HOSTILE:
            self.assertEqual(TEXT.parse(text), text)

    def test_csv(self) -> None:
        """A row of names and one for each entry; no words are left that a spreadsheet would compute."""
        rows = list(csv.DictReader(io.StringIO(self.export("csv").read_text(encoding="utf-8"), newline="")))
        self.assertEqual(tuple(rows[0]), COLUMNS)
        self.assertEqual(
            list(rows[0].values()),
            ["29", "2026-11-20T12:00:00.000000Z", "withdrawal", "-0.05", "USD", "97.45", "", ""],
        )
        self.assertEqual([row["reference"].removeprefix("'") for row in rows[1:-1]], list(HOSTILE))
        self.assertEqual([row["reference"][0] == "'" for row in rows[1:-1]], [True] * 6 + [False] * 5)
        self.assertEqual(rows[1]["counterparty"], "'-1")
        self.assertEqual([row["amount"] for row in rows[-2:]], ["-0.25", "100.25"])

    def test_json(self) -> None:
        """One object with the balances at both ends and every entry; amounts are text."""
        text = self.export("json").read_text(encoding="utf-8")
        told = json.loads(text)
        entries = told.pop("entries")
        self.assertEqual(
            told,
            {
                "bank": "Test Bank",
                "account": "1000001",
                "currency": "USD",
                "since": "2026-11-01T08:00:00.000000Z",
                "until": "2027-01-15T08:00:00.000000Z",
                "opening": "0.00",
                "closing": "97.45",
                "made": "2027-01-15T08:00:00.000000Z",
            },
        )
        self.assertEqual([entry["reference"] for entry in entries[1:-1]], list(HOSTILE))
        self.assertEqual(
            entries[-1],
            {
                "receipt": 1,
                "time": "2026-11-20T11:59:59.999901Z",
                "kind": "received",
                "amount": "100.25",
                "balance": "100.25",
                "counterparty": "1000002",
                "reference": None,
            },
        )
        self.assertEqual(len(text.splitlines()), len(LINES) + 2)

    def test_json_without_entries(self) -> None:
        """An empty list is one too."""
        end = StatementEnd("USD", 0, 0, 0, period_opening_minor=0, period_closing_minor=0)
        self.patch(sys.modules[__name__], "LINES", ())
        self.assertEqual(json.loads(self.export("json", STATEMENT=granted(end)).read_bytes())["entries"], [])

    def test_camt_is_what_iso_20022_says(self) -> None:
        """The message is valid by the schema of ISO 20022, whatever the references are, and has them all."""
        message = etree.parse(str(self.export("camt")))
        etree.XMLSchema(etree.parse(str(SCHEMA))).assertValid(message)
        references = [element.text for element in message.iter(f"{{{NAMESPACE}}}Ustrd")]
        self.assertEqual(references, [text.replace("\ufffe\uffff", "\ufffd\ufffd") for text in HOSTILE])

    def test_camt_by_another_reader(self) -> None:
        """A reader of CAMT.053 finds the balances at both ends, and each entry with its sign and words."""
        period = Period(read_time("2026-11-20T00:00:00.000000Z"), read_time("2026-11-21T00:00:00.000000Z"))
        read = Camt053Parser(self.export("camt", period).read_bytes())
        (statement,) = read.get_statement_info()
        self.assertEqual(
            [statement[name] for name in ("Currency", "OpeningBalance", "ClosingBalance", "OpeningBalanceDate")],
            ["USD", "0.00", "97.45", "2026-11-20T00:00:00Z"],
        )
        entries = read.get_transactions()
        self.assertEqual(
            [
                (entry["TransactionID"], entry["Amount"], entry["CreditDebitIndicator"])
                for entry in entries[:: len(LINES) - 1]
            ],
            [("29", "0.05", "DBIT"), ("1", "100.25", "CRDT")],
        )
        self.assertEqual([entry["RemittanceInformation"] for entry in entries[1:3]], list(HOSTILE[:2]))
        self.assertEqual({entry["Status"] for entry in entries}, {"BOOK"})
        self.assertEqual(len(entries), len(LINES))

    def test_without_the_library(self) -> None:
        """Where the library for CAMT.053 is not installed, it is told what to install, and the bank is not asked."""
        with mock.patch.dict(sys.modules, {"bankd.client.files.camt": None}):
            self.assertEqual(str(self.failed(NotWritten, form="camt")), NO_CAMT)
        self.assertEqual(self.line.asked, [])


class Exporting(ExportCase):
    """The way from the bank into a file."""

    def test_pages(self) -> None:
        """Every page is asked for with the same period, as many entries at a time, and begins where one ended."""
        self.patch(sys.modules[export.__module__], "PAGE", 4)
        for period, since_us in ((ALWAYS, 0), (Period(5, 9), 5), (Period(None, 9), 0)):
            self.export("csv", period, name=str(period))
            asked = [
                messages.Statement(limit=4, cursor=cursor, since_us=since_us, before_us=period.before_us)
                for cursor in (None, 5)
            ]
            self.assertEqual(self.line.asked[1:], asked)
        self.assertEqual(self.told, [4] * 3)

    def test_only_its_owner_may_read(self) -> None:
        """A statement is nobody else's business."""
        self.assertEqual(self.export("csv").stat().st_mode & 0o777, 0o600)

    def test_no_file_is_written_over(self) -> None:
        """Neither one that was there, nor a link that leads nowhere, nor one that came meanwhile; each form says so."""
        (self.folder / "there").write_text("mine", encoding="utf-8")
        for form in FORMS:
            self.assertIn("exists already", str(self.failed(NotWritten, form=form, name="there")))
        (self.folder / "link").symlink_to("nowhere")
        self.failed(NotWritten, form="csv", name="link")
        with self.assertRaises(NotWritten), new_file.new_file(self.folder / "raced") as file:
            (self.folder / "raced").write_text("theirs", encoding="utf-8")
            file.write("ours")
        self.assertEqual((self.folder / "raced").read_text(encoding="utf-8"), "theirs")

    def test_where_no_file_can_be(self) -> None:
        """The system's own reason is told."""
        for name, reason in (("none/x.csv", "No such file or directory"), ("x" * 300, "File name too long")):
            self.assertIn(f"cannot be written: {reason}", str(self.failed(NotWritten, form="csv", name=name)))

    def test_full_disk(self) -> None:
        """What could not be written to its end is not there."""

        def full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        self.patch(new_file.os, "fsync", full)  # type: ignore[attr-defined]  # as new_file sees it
        self.assertIn("No space left on device", str(self.failed(NotWritten, form="json")))

    def test_bank_that_refuses_midway(self) -> None:
        """There is no file then, nor anything beside it."""
        first = StatementEnd("USD", 1, 0, 1, 5, period_opening_minor=0, period_closing_minor=1)
        pages = [granted(first, LINES[:4]), refusal(codes.BUSY)]
        self.assertEqual(self.failed(Denied, form="csv", STATEMENT=pages).code, codes.BUSY)
