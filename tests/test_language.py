"""Words in one place, in every language; and amounts as each language writes them."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bankd import bankd_client, language
from bankd.client import amounts, prompts
from bankd.language import ENGLISH, LANGUAGES, Marks, marks_of, wanted
from tests import catalogue
from tests.catalogue import CLIENT

ROOT = Path(__file__).resolve().parent.parent
PLACES = re.compile(r"\{\w*\}|%[a-zA-Z]")

ROOMS = frozenset(
    {
        *("words", "slips", "statement_slips", "payment_slips", "app_slips", "news", "lockout", "prompts", "no_banks"),
        *("amounts", "atm_prompts", "payments", "payment_file"),
    }
)
"""Where words are, each marked to be translated."""

ENGLISH_ROOMS = frozenset(
    {
        *("arguments", "means", "main", "help"),  # options, which are English themselves
        *("tasks", "task_values", "days"),  # and so are tasks and files of payments
        *(
            "known_banks",
            "answers",
            "connection",
            "loops",
            "watching",
        ),  # a file's head; what programmers alone are told
    }
)
"""Where words are that have no other language."""

SENTENCE = re.compile(r"[A-Za-z]{2,},? [a-z]{2,},? [a-z]{2,}")
"""Three words on end."""


def sentences(tree: ast.Module) -> Iterator[str]:
    """Every sentence in a module that is no docstring, not marked, and no message of an exception."""
    passed_over: set[int] = set()
    for node in ast.walk(tree):
        named = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if docstring or isinstance(node, ast.Raise | ast.Assert | ast.Compare) or named in catalogue.MARKS:
            passed_over.update(id(inner) for inner in ast.walk(node))
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in passed_over else None
        if isinstance(text, str) and SENTENCE.search(text):
            yield text


class Catalogues(SynchronousTestCase):
    """What stands in the catalogues is what is said, and all of it."""

    def setUp(self) -> None:
        """There is a language besides English, or nothing would be shown."""
        self.others = [name for name in LANGUAGES if name != ENGLISH]
        self.assertIn("de", self.others)

    def test_whole(self) -> None:
        """Every sentence has its translation; `python -m tests.catalogue` prints what lacks one."""
        self.assertGreater(len(list(catalogue.said())), 300)
        for name in self.others:
            self.assertEqual(catalogue.lacking(name), [], f"translate these in bankd/locale/{name}.po")
            self.assertEqual(catalogue.needless(name), [], f"nobody says these of bankd/locale/{name}.po any more")

    def test_places(self) -> None:
        """A translation has the same places to fill, and the same spaces at its end, as the English."""
        for name in self.others:
            for message in catalogue.catalogue(name):
                if not message.id:
                    continue
                english = message.id if isinstance(message.id, list | tuple) else [message.id]
                for words in message.string if isinstance(message.string, list | tuple) else [message.string]:
                    self.assertTrue(self.alike(english, str(words)), f"{name}: {english}: {words!r}")

    def alike(self, english: list[str] | tuple[str, ...], words: str) -> bool:
        """Whether a translation goes where the English does."""
        places = set(PLACES.findall(words))
        most = {place for text in english for place in PLACES.findall(text)}
        if not (places <= most and places >= most - {"{count}"}) and not words.startswith("%d"):
            return False
        last = english[-1]
        return (words[-1:] == last[-1:]) is True or (not (words + last).endswith((" ", "\n")) and words[-1] != " ")

    def test_german_is_of_one_kind(self) -> None:
        """A space stands before the dots of what goes on, and holds have one word."""
        for message in catalogue.catalogue("de"):
            for words in message.string if isinstance(message.string, list | tuple) else [message.string]:
                self.assertNotRegex(str(words), r"\w\.\.\.|[Rr]eservier")

    def test_what_is_missing_is_found(self) -> None:
        """A sentence without a translation, or with other places, does not pass."""
        self.patch(catalogue, "said", lambda: iter(["Done.", "This is new.", ("one new", "{count} new")]))
        self.assertEqual(catalogue.lacking("de"), ["This is new.", ("one new", "{count} new")])
        self.assertIn("Goodbye.", catalogue.needless("de"))
        for english, words, alike in (
            (["{a} to {b}"], "{b} von {a}", True),
            (["{a} to {b}"], "{b} von {c}", False),
            (["{a} to {b}"], "{b}", False),
            (["a day", "{count} days"], "einen Tag", True),
            (["a day", "{count} days"], "{tage} Tage", False),
            (["PIN: "], "PIN: ", True),
            (["PIN: "], "PIN:", False),
        ):
            self.assertEqual(self.alike(english, words), alike, words)

    def test_words_stand_in_their_rooms(self) -> None:
        """No other room of the client has a sentence in it, and every sentence in these is marked."""
        for path in sorted(CLIENT.rglob("*.py")):
            if path.stem not in ENGLISH_ROOMS:
                found = list(sentences(ast.parse(path.read_text(encoding="utf-8"))))
                self.assertEqual(found, [], f"{path.name}: move these to {sorted(ROOMS)}, or see ENGLISH_ROOMS")
        source = (
            'say("You have been paid")\nsay(_("You have been paid"))\nraise NotReply("this is for us")\n"""It is."""'
        )
        self.assertEqual(list(sentences(ast.parse(source))), ["You have been paid"])

    def test_they_are_installed(self) -> None:
        """A wheel and a source archive hold the catalogues."""
        settings = ConfigParser()
        settings.read(ROOT / "setup.cfg", encoding="utf-8")
        self.assertIn("locale/*.po", settings["options.package_data"]["bankd"])
        self.assertIn("*.po", (ROOT / "MANIFEST.in").read_text(encoding="utf-8"))


class Choosing(SynchronousTestCase):
    """Which language it is."""

    def test_what_is_asked_for(self) -> None:
        """The option goes first, then the variables in gettext's order; what nobody knows is English."""
        for arguments, environment, name in (
            ([], {}, "en"),
            ([], {"LANG": "de_DE.UTF-8"}, "de"),
            ([], {"LANG": "de_DE.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
            ([], {"LANG": "en_GB.UTF-8", "LC_ALL": "de_AT@euro"}, "de"),
            ([], {"LANG": "en_GB.UTF-8", "LC_ALL": "", "LANGUAGE": "fr:de:en"}, "de"),
            ([], {"LANG": "fr_FR.UTF-8"}, "en"),
            ([], {"LANG": "C.UTF-8"}, "en"),
            (["--login", "user:alice", "--language", "de"], {"LANG": "en_GB.UTF-8"}, "de"),
            (["--language=en"], {"LANG": "de_DE.UTF-8"}, "en"),
            (["--language", "xx"], {"LANG": "de_DE.UTF-8"}, "en"),
            (["--language"], {"LANG": "de_DE.UTF-8"}, "en"),
            (["--task", "Check Balance"], {"LANG": "de_DE.UTF-8"}, "en"),
            (["--tasks", "-"], {"LANG": "de_DE.UTF-8"}, "en"),
            (["--task", "Check Balance", "--language", "de"], {}, "de"),
        ):
            self.assertEqual(wanted(arguments, environment), name, (arguments, environment))

    def test_before_anything_is_imported(self) -> None:
        """The program's first module knows no words, so that none is spoken before the choice."""
        program = (
            "import sys; from bankd import bankd_client; "
            "print([name for name in sys.modules if name.startswith('bankd.client')])"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
        self.assertEqual(done.stdout, "[]\n")
        self.assertEqual(bankd_client.main.__module__, "bankd.bankd_client")

    def test_german(self) -> None:
        """What was chosen is spoken: constants, sentences with places, plurals, numbers and times."""
        program = (
            "from bankd import language; language.choose('de')\n"
            "from bankd.client import news, payment_slips, prompts, words\n"
            "from bankd.records import Notice\n"
            "print(prompts.CHOICE, prompts.YES, prompts.waiting(1), prompts.waiting(1200), sep='|')\n"
            "print(payment_slips.paying(1000, 2500))\n"
            "print(news.notice(Notice(1, 'received', 0, 123450, 6, 'EUR', '1000002', 'Miete')))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            encoding="utf-8",
            check=True,
            cwd=ROOT,
            env={"TZ": "UTC"},
        )
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "Ihre Wahl: |['j', 'ja']|1 ungelesene Mitteilung. Mit ok im Menü ist sie gelesen."
                "|1.200 ungelesene Mitteilungen. Mit ok im Menü sind sie gelesen.",
                "1.000 von 2.500 Zahlungen beantwortet",
                "Sie haben 1.234,50 EUR von Konto 1000002 erhalten (Miete), 01.01.1970 00:00; Kontostand 0,06 EUR.",
            ],
        )

    def test_english_where_nobody_chose(self) -> None:
        """The tests speak English wherever they are run."""
        self.assertEqual(prompts.CHOICE, "Your choice: ")


class Amounts(SynchronousTestCase):
    """What people type and read."""

    def speak(self, name: str) -> None:
        """Write numbers as a language does."""
        self.patch(language._Choice, "marks", marks_of(name))

    def test_marks(self) -> None:
        """They are those of the Unicode CLDR."""
        self.assertEqual((marks_of("en"), marks_of("de")), (Marks(".", ","), Marks(",", ".")))

    def test_typed(self) -> None:
        """Each language's own way is read, with groups or without, and with a currency before or after."""
        for name, typed, currency, minor in (
            ("en", "1234.5", "EUR", 123450),
            ("en", "1,234.50", "EUR", 123450),
            ("en", "1,234", "EUR", 123400),
            ("en", "$100", "USD", 10000),
            ("en", "100 usd", "USD", 10000),
            ("en", "1,000,000", "JPY", 1000000),
            ("de", "1234,5", "EUR", 123450),
            ("de", "1.234,50", "EUR", 123450),
            ("de", "1.500", "EUR", 150000),
            ("de", "12,50 €", "EUR", 1250),
            ("de", "12,50EUR", "EUR", 1250),
            ("de", "1,500", "KWD", 1500),
        ):
            self.speak(name)
            self.assertEqual(amounts.parse(typed, currency), minor, (name, typed))

    def test_not_an_amount(self) -> None:
        """Another language's way, marks out of their place, and what is no number are refused, never guessed at."""
        for name, typed in (
            *(
                ("en", typed)
                for typed in ("1,5", "12,50", "1.234,50", "1,23,456", "0,123", ",5", "5.", "1 000", "-5", "1e3")
            ),
            *(("de", typed) for typed in ("1.5", "12.50", "1,234.50", "1.23.456", "0.123", ",5", "5,", "1 000", "٣")),
            *(("en", typed) for typed in ("", "1.234", "€ 5 €", "5 GBP", "£5", "0", "9" * 16)),
        ):
            self.speak(name)
            self.assertRaises(amounts.NotAmount, amounts.parse, typed, "EUR")

    def test_unclear(self) -> None:
        """What is an amount in both ways, and not the same one, is asked back with both."""
        for name, typed, said in (
            ("en", "1,500", "this could be 1500.000 or 1.500; please type it like that"),
            ("de", "1.500", "this could be 1500,000 or 1,500; please type it like that"),
        ):
            self.speak(name)
            error = self.assertRaises(amounts.NotAmount, amounts.parse, typed, "KWD")
            self.assertEqual(str(error), said)
        for typed, minor in (("1500,000", 1_500_000), ("1.500,000", 1_500_000), ("1,500", 1_500)):
            self.assertEqual(amounts.parse(typed, "KWD"), minor)

    def test_what_is_shown_can_be_typed(self) -> None:
        """Whatever is shown is read as the same amount, in groups and without, in each language."""
        for name in LANGUAGES:
            self.speak(name)
            for currency in ("EUR", "JPY", "KWD"):
                for minor in (1, 99, 100, 1250, 123456, 10**9 + 5, 10**15 - 1):
                    self.assertEqual(amounts.parse(amounts.plain_amount(minor, currency), currency), minor)
                    self.assertEqual(amounts.parse(amounts.written(minor, currency), currency), minor)

    def test_why(self) -> None:
        """The reason shows an amount as it may be typed."""
        self.speak("de")
        error = self.assertRaises(amounts.NotAmount, amounts.parse, "1.5", "EUR")
        self.assertTrue(str(error).endswith("12,50"), error)
        for typed, said in (
            ("9" * 20, "an amount is more than zero and at most 9999999999999,99"),
            ("0005", "an amount has no needless zeros before it, such as 12,50"),
        ):
            self.assertEqual(str(self.assertRaises(amounts.NotAmount, amounts.parse, typed, "EUR")), said)
