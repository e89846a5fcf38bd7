"""``bankd-conformance``: this bank keeps every rule, and a server that does not is found out."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bankd.conformance import main as command
from bankd.conformance import rule, specification
from bankd.conformance.candidate import Candidate
from bankd.conformance.line import Reply
from bankd.conformance.rule import Broken, Grade, NotGraded, Rule, Verdict
from bankd.conformance.rules import access, lines, lists, money, signatures, values
from bankd.conformance.rules.catalogue import RULES
from bankd.testing import PracticeBank, Wire
from tests import specification as page

Change = Callable[[str], str]
"""What a server at fault makes of a line, in its way."""


class PracticeStream:
    """A connection to a practice bank; ``hears`` changes what reaches it, and ``says`` what it answers."""

    def __init__(self, wire: Wire, hears: Change = str, says: Change = str) -> None:
        self._wire, self._hears, self._says = wire, hears, says
        self._said = wire.greeting

    def send(self, octets: bytes) -> None:
        """See ``Stream.send``."""
        text = self._hears(octets.decode("latin-1"))
        if self._wire.connected:
            self._wire.send_octets(text.encode("latin-1"))

    def receive(self) -> bytes:
        """See ``Stream.receive``. Who has nothing to say and is not asked stays silent for ever."""
        said, self._said = [*self._said, *self._wire.received()], []
        if not said and self._wire.connected:
            raise TimeoutError
        told = "".join(self._says(line + "\r\n") for line in said)
        if not told and self._wire.connected:
            raise TimeoutError
        return told.encode("latin-1")

    def close(self) -> None:
        """See ``Stream.close``."""
        if self._wire.connected:
            self._wire.drop()


class Deaf:
    """A connection on which ``said`` comes, and then nothing; ``ends`` when the server closes after it."""

    def __init__(self, said: bytes, *, ends: bool = False) -> None:
        self._said, self._ends = said, ends

    def send(self, octets: bytes) -> None:
        """See ``Stream.send``."""

    def receive(self) -> bytes:
        """See ``Stream.receive``."""
        said, self._said = self._said, b""
        if not said and not self._ends:
            raise TimeoutError
        return said

    def close(self) -> None:
        """See ``Stream.close``."""


class ConformanceCase(SynchronousTestCase):
    """A practice bank that can be graded."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder)
        self.addCleanup(self.bank.close)

    def grade(self, rules: Iterable[Rule], hears: Change = str, says: Change = str) -> list[Verdict]:
        """What came of ``rules`` at the bank, or at one that is at fault."""
        seconds = self.bank.clock.seconds
        candidate = Candidate(lambda: PracticeStream(self.bank.connect(), hears, says), now=seconds)
        return list(command.grade(candidate, list(rules)))

    def broken(self, verdicts: Iterable[Verdict]) -> list[str]:
        """The rules that are broken, with why."""
        return [f"{one.rule.words}: {one.why}" for one in verdicts if one.grade is Grade.BROKEN]


class ThisBank(ConformanceCase):
    """This bank is one that conforms."""

    def test_every_rule(self) -> None:
        """Every rule is kept; only what needs TLS cannot be looked at here."""
        verdicts = self.grade(RULES)
        self.assertEqual(self.broken(verdicts), [])
        self.assertEqual([one.rule for one in verdicts if one.grade is Grade.NOT_GRADED], [lines.old_tls])

    def test_other_spellings(self) -> None:
        """Fields in another order, and fields that nobody knows, are as good."""

        def turned(line: str) -> str:
            words = line.removesuffix("\r\n").split(" ")
            return " ".join([*words[:2], "news=1", *reversed(words[2:])]) + "\r\n"

        rules = [lines.greeting, access.details, lists.statement, money.bulk_each]
        self.assertEqual(self.broken(self.grade(rules, says=turned)), [])

    def test_policies(self) -> None:
        """What a bank's own policy does not let anybody look at is not graded."""
        (verdict,) = self.grade([money.cash], says=lambda line: re.sub("201 .*", "403 reason=sealed\r\n", line))
        self.assertEqual((verdict.grade, verdict.why), (Grade.NOT_GRADED, "this bank takes this under seal only"))

    def test_long_leases(self) -> None:
        """A lease that is longer than anybody waits for is not graded, unless the account is free before."""
        self.patch(access, "LONGEST_LEASE_SECONDS", 0)
        self.patch(access, "LOOK_SECONDS", 0)
        log_ins = iter(range(100))

        def leases(line: str) -> str:
            if "lease=" not in line:
                return line
            return line.replace("lease=30", "lease=86400") if next(log_ins) == 0 else "g1 423 reason=in_use\r\n"

        (verdict,) = self.grade([access.lost_connection], says=leases)
        self.assertEqual(verdict.grade, Grade.NOT_GRADED)
        self.assertIn("the lease of 86400 seconds", verdict.why)


class AtFault(ConformanceCase):
    """Each fault breaks the rules that are about it."""

    def assert_found(self, rules: Iterable[Rule], hears: Change = str, says: Change = str) -> None:
        """Each of ``rules`` is broken by a server with this fault."""
        verdicts = [verdict for one in rules for verdict in self.grade([one], hears, says)]
        kept = [one.rule.words for one in verdicts if one.grade is not Grade.BROKEN]
        self.assertEqual(kept, [])

    def test_another_protocol(self) -> None:
        """A greeting that names another protocol."""
        self.assert_found([lines.greeting], says=lambda line: line.replace("BANK/1", "BANK/2"))

    def test_other_numbers(self) -> None:
        """A number that means something else."""
        self.assert_found([money.no_overdraft], says=lambda line: line.replace(" 402 ", " 422 "))

    def test_no_reasons(self) -> None:
        """Refusals without their reason."""
        self.assert_found(
            [lines.unknown_verb, access.visitors], says=lambda line: re.sub(r"( 4\d\d) reason=\w+", r"\1", line)
        )

    def test_missing_fields(self) -> None:
        """An answer without a field that is always there."""
        self.assert_found([money.cash, lists.statement], says=lambda line: re.sub(r" currency=\w+", "", line))

    def test_wrong_sums(self) -> None:
        """Balances that are not what moved."""
        self.assert_found(
            [money.cash, money.transfer, lists.statement],
            says=lambda line: re.sub(r"(?<=balance=)([1-9])", r"1\1", line),
        )

    def test_keys_that_do_not_count(self) -> None:
        """Every request is carried out anew."""
        keys = iter(range(1, 1_000_000))

        def forgets(line: str) -> str:
            return re.sub(r"(?<=key=)\S+", lambda _: str(next(keys)), line)

        self.assert_found([money.same_again, money.other_content, money.at_once], hears=forgets)

    def test_amounts_by_another_language(self) -> None:
        """Amounts are read as a programming language reads numbers."""

        def reads(line: str) -> str:
            return re.sub(r"amount=\+?0*(\d+)", r"amount=\1", line)

        self.assert_found([values.amounts], hears=reads)

    def test_folded_names(self) -> None:
        """Capitals in user names are folded, where a mobile number is then refused instead."""
        self.assert_found([values.usernames], hears=lambda line: line.replace("Graded", "graded"))

    def test_lenient_lines(self) -> None:
        """Bare line feeds end lines too, and empty lines are passed over."""
        self.assert_found([lines.bare_line_feed], hears=lambda line: re.sub(r"(?<!\r)\n", "\r\n", line))
        self.assert_found([lines.empty], hears=lambda line: "" if line == "\r\n" else line)

    def test_line_ends(self) -> None:
        """Lines that end in a line feed alone."""
        self.assert_found([lines.greeting, access.details], says=lambda line: line.replace("\r\n", "\n"))

    def test_other_tags(self) -> None:
        """Tags that are not those of the requests."""
        self.assert_found([lines.longest_tag, lists.notices], says=lambda line: re.sub(r"^\w+", "x", line))

    def test_loud_names(self) -> None:
        """Unknown names are told from wrong passwords."""

        def tells(line: str) -> str:
            return line.replace("g1 401", "g1 404") if next(asked) % 2 else line

        asked = iter(range(100))
        self.assert_found([access.nobody_is_told], says=tells)

    def test_one_nonce(self) -> None:
        """All connections have one nonce."""
        self.assert_found([signatures.published], says=lambda line: re.sub(r"(?<=nonce=)\w+", "0" * 32, line))

    def test_no_end_to_it(self) -> None:
        """Any number of accounts, or of items."""
        self.assert_found([access.most_accounts], says=lambda line: line.replace("reason=accounts", "reason=key"))
        self.assert_found([money.bulk_most], says=lambda line: line.replace("reason=items", "reason=line"))

    def test_keys_of_all(self) -> None:
        """A key that one customer has used is used for all."""
        receipts = iter(range(100))

        def once(line: str) -> str:
            return re.sub("200 receipt=.*", "409 reason=key", line) if "receipt=" in line and next(receipts) else line

        self.assert_found([money.others_keys], says=once)

    def test_periods(self) -> None:
        """A period that has the entry at its end as well."""
        self.assert_found([lists.periods], hears=lambda line: re.sub(" before=(?!2000)", " since=", line))

    def test_silence(self) -> None:
        """A server that says nothing after its greeting."""
        self.assert_found([lines.unknown_verb], says=lambda line: line if line.startswith("*") else "")


class TheParts(SynchronousTestCase):
    """What the rules are made of."""

    def test_specification(self) -> None:
        """What the package has of the page is what the page says."""
        self.assertEqual(page.FILE.read_text("ascii"), page.made(), "python -m tests.specification makes it anew")

    def test_forms(self) -> None:
        """A form is kept by what the grammar allows, and by nothing else."""
        good = "a1 200 account=10 currency=USD balance=5 opened=2026-11-20T10:15:00.123456Z available=5"
        self.assertTrue(specification.has_form("balance-answer", [good]))
        self.assertTrue(specification.has_form("balance-answer", [good.replace(" balance=5", "") + " new=1 balance=5"]))
        for bad in (good.replace("USD", "usd"), good.replace(" balance=5", ""), good + " balance=5", good + "\n"):
            self.assertFalse(specification.has_form("balance-answer", [bad]), bad)
        self.assertFalse(specification.has_form("balance-answer", ["a1 - account=10", good]))

    def test_replies(self) -> None:
        """What is no line of the protocol, or has a field twice, is none."""
        for line in ("", "a1", "a1  200", "a1 2000", "a1 200 x", "a1 200 x=1 x=2", "ä 200"):
            self.assertRaises(Broken, Reply.read, line)
        self.assertRaises(Broken, Reply.read("a1 200 balance=007").amount, "balance")

    def test_verdicts(self) -> None:
        """A rule that cannot be looked at is told from one that is broken, and a lost connection is the server's."""
        for error, grade in (
            (Broken("x"), Grade.BROKEN),
            (NotGraded("x"), Grade.NOT_GRADED),
            (OSError("x"), Grade.BROKEN),
            (KeyError("x"), Grade.BROKEN),
        ):

            def look(_: object, error: Exception = error) -> None:
                raise error

            self.assertIs(rule.judge(Rule(1, "x", look), Candidate(lambda: Deaf(b""))).grade, grade)
