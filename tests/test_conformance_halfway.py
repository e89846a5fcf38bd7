"""``bankd-conformance`` at servers that are not finished: it goes on, and tells what is not there yet."""

import re
from collections.abc import Callable, Sequence
from functools import partial

from bankd.conformance import main as command
from bankd.conformance import specification
from bankd.conformance.candidate import Candidate
from bankd.conformance.line import Stream
from bankd.conformance.rule import Grade, Rule, Verdict
from bankd.conformance.rules import access, lines, money, signatures
from bankd.conformance.rules.catalogue import RULES
from bankd.testing import Wire
from tests.test_conformance import ConformanceCase, Deaf, PracticeStream

PYTHON = re.compile(r"\w+(Error|Exception)\b|\{'|None|did not foresee")
"""What nobody who wrote a server should have to read."""


class HalfwayStream(PracticeStream):
    """A connection to a server that answers ``refused`` verbs, or all, with ``answer`` and does nothing of them."""

    def __init__(self, wire: Wire, answer: str, refused: str = "") -> None:
        super().__init__(wire)
        self._answer, self._refused = answer, refused
        self.asked: set[str] = set()

    def send(self, octets: bytes) -> None:
        """See ``Stream.send``."""
        for line in octets.splitlines(keepends=True):
            tag, _, verb = line.decode("latin-1").strip().partition(" ")
            verb = verb.partition(" ")[0]
            self.asked.add(verb)
            if verb == self._refused or (not self._refused and verb):
                self._said += [*self._wire.received(), f"{tag} {self._answer}"]
            else:
                super().send(line)


class HalfwayCase(ConformanceCase):
    """Servers that are not finished, graded."""

    def graded(self, rules: Sequence[Rule], open_stream: Callable[[], Stream]) -> list[Verdict]:
        """What came of ``rules``."""
        return list(command.grade(Candidate(open_stream), rules))

    def assert_told(self, verdicts: Sequence[Verdict]) -> None:
        """What is broken or blocked is told in words of the protocol, and never in those of Python."""
        for verdict in verdicts:
            if verdict.grade is not Grade.KEPT:
                self.assertTrue(verdict.why)
                self.assertNotRegex(verdict.why, PYTHON, verdict.rule.words)


class OneVerbMissing(HalfwayCase):
    """A server without one of the verbs."""

    def test_each_verb(self) -> None:
        """With any verb refused as busy every rule is looked at, and the rules that need it are told broken."""
        for verb, rules in self.rules_of_verbs().items():
            verdicts = self.graded(rules, partial(self.without, verb))
            self.assertEqual(len(verdicts), len(rules))
            self.assert_told(verdicts)
            self.assertIn(Grade.BROKEN, {verdict.grade for verdict in verdicts}, verb)

    def without(self, verb: str) -> HalfwayStream:
        """A connection to a server that is too busy for ``verb``."""
        return HalfwayStream(self.bank.connect(), "503 reason=busy", verb)

    def rules_of_verbs(self) -> dict[str, list[Rule]]:
        """By verb, the rules that ask it of a server that lacks none; for the first two of them a few will do."""
        found: dict[str, list[Rule]] = {}
        for rule in RULES:
            streams: list[HalfwayStream] = []

            def open_stream(streams: list[HalfwayStream] = streams) -> HalfwayStream:
                streams.append(HalfwayStream(self.bank.connect(), "", "nothing"))
                return streams[-1]

            self.graded([rule], open_stream)
            for verb in set().union(*(stream.asked for stream in streams)) & specification.states().keys():
                found.setdefault(verb, []).append(rule)
        self.assertLess({"KEYS", "STATEMENT", "HOLD", "REVERSE", "SIGNUP"}, found.keys())
        return found

    def test_fields_that_lack(self) -> None:
        """What lacks in an answer is named, with the request and the answer."""
        (verdict,) = self.graded([signatures.published], lambda: HalfwayStream(self.bank.connect(), "200", "KEYS"))
        self.assertRegex(
            verdict.why,
            "'KEYS' is answered \"g1 200\", which is no keys-answer of the grammar: without keys, identity, nonce$",
        )
        (verdict,) = self.graded([lines.unknown_verb], lambda: HalfwayStream(self.bank.connect(), "400", "DANCE"))
        self.assertRegex(verdict.why, 'answered "g1 400", which is no refusal of the grammar$')
        busy = "503 reason=busy"
        (verdict,) = self.graded([signatures.signed], lambda: HalfwayStream(self.bank.connect(), busy, "STATEMENT"))
        self.assertRegex(verdict.why, "'STATEMENT' is answered \"g3 503 reason=busy\"")


class NothingThere(HalfwayCase):
    """A server that knows no verb, or does not speak."""

    def test_no_verb(self) -> None:
        """Where every verb is unknown every rule is looked at, and those for customers are blocked by the first."""
        verdicts = self.graded(RULES, lambda: HalfwayStream(self.bank.connect(), "400 reason=verb"))
        self.assertEqual(len(verdicts), len(RULES))
        self.assert_told(verdicts)
        unable = [verdict for verdict in verdicts if verdict.why.startswith("nobody can sign up: ")]
        self.assertGreater(len(unable), 40)
        self.assertEqual([verdict.grade for verdict in unable], [Grade.BROKEN, *[Grade.BLOCKED] * (len(unable) - 1)])

    def test_other_reasons_are_told(self) -> None:
        """A rule that cannot be looked at for another reason than the one before is broken, and not blocked."""
        answers = iter(["400 reason=verb", "500 reason=incident incident=7", "500 reason=incident incident=8"])
        verdicts = self.graded(
            [money.cash, money.holds, money.releases],
            lambda: HalfwayStream(self.bank.connect(), next(answers), "SIGNUP"),
        )
        self.assertEqual([one.grade for one in verdicts], [Grade.BROKEN, Grade.BROKEN, Grade.BLOCKED])

    def test_wrong_answers_are_alike(self) -> None:
        """Answers that lack the same are one reason, whatever else is in them."""
        shorter = partial(re.sub, r"(201 .*) opened=\S+", r"\1")
        verdicts = self.grade([money.cash, money.holds, lines.any_order], says=shorter)
        self.assertEqual([one.grade for one in verdicts], [Grade.BROKEN, Grade.BLOCKED, Grade.BLOCKED])
        self.assertIn("no signup-answer of the grammar: without opened", verdicts[0].why)

    def test_closed_at_once(self) -> None:
        """A server that closes before it greets."""
        verdicts = self.graded([lines.greeting, lines.nul], lambda: Deaf(b"", ends=True))
        self.assertEqual([one.grade for one in verdicts], [Grade.BROKEN, Grade.BLOCKED])
        self.assertEqual(verdicts[0].why, "nobody is greeted: the server closed the connection instead of greeting")

    def test_silent_at_some(self) -> None:
        """A server that is silent at lines that it does not understand, and answers NOOP, is graded to the end."""
        rules = [lines.bare_line_feed, lines.bare_return, lines.nul, lines.empty, lines.without_end] * 2
        greeting = b"* 200 protocol=BANK/1 bank=Half currency=USD\r\n"
        self.assertRaises(command.GivesUp, self.graded, rules, lambda: Deaf(greeting))
        self.assertEqual(len(self.graded(rules, lambda: Deaf(greeting + b"g1 200\r\n"))), 10)


class Words(HalfwayCase):
    """What is said of a server tells what it did."""

    GREETING = b"* 200 protocol=BANK/1 bank=Half currency=USD\r\n"

    def why(self, rule: Rule, said: bytes) -> str:
        """What is told of a server that says this after its greeting, and then nothing."""
        (verdict,) = self.graded([rule], lambda: Deaf(self.GREETING + said))
        return verdict.why

    def test_not_closed(self) -> None:
        """A server that answers and does not close was not silent."""
        why = self.why(lines.nul, b"* 400 reason=framing\r\n")
        self.assertEqual(why, "the server answered '* 400 reason=framing' and does not close the connection")

    def test_silent(self) -> None:
        """What was not answered is named."""
        self.assertEqual(self.why(lines.nul, b""), r"the server is silent instead of answering 'a1 NOOP\x00'")

    def test_line_feed(self) -> None:
        """A line that ends with LF alone is told as such, whether more comes or not."""
        for more in (b"", b"g2 200\r\n"):
            why = self.why(lines.unknown_verb, b"g1 400 reason=verb\n" + more)
            self.assertEqual(why, r"the server ends its line with LF and not with CR LF: 'g1 400 reason=verb\n'")

    def test_no_end(self) -> None:
        """A line without any end."""
        self.assertEqual(self.why(lines.unknown_verb, b"g1 400"), "the server does not end its line: 'g1 400'")

    def test_endless(self) -> None:
        """A line that goes on and on is not read for ever, and one that is long is told shortly."""
        why = self.why(lines.unknown_verb, b"x" * 70000)
        self.assertEqual(why, "the server sends 65536 octets without the end of a line")
        self.assertEqual(self.why(lines.without_end, b""), "the server is silent instead of answering 'aaa...'")

    def test_what_came(self) -> None:
        """What was sent is told with what came."""
        why = self.why(lines.in_pieces, b"a1 400 reason=line\r\n")
        self.assertEqual(why, '`a1 NOOP` in nine pieces of an octet is answered "a1 400 reason=line"')
        why = self.why(lines.unknown_verb, b"g1 200\r\n")
        self.assertEqual(why, "'DANCE with=me' is answered \"g1 200\" and not 400 verb")

    def test_no_reply(self) -> None:
        """What is no line of the protocol is told with what it was to answer."""
        why = self.why(lines.empty, b"OK\r\n")
        self.assertEqual(why, "this is no line of BANK/1: 'OK', instead of answering ''")
        self.assertEqual(self.why(lines.empty, b""), "the server is silent instead of answering ''")

    def test_not_foreseen(self) -> None:
        """What the suite itself falls over is told with what was said last, and the other rules are graded."""

        def falls(bank: Candidate) -> None:
            bank.connect().ask("NOOP").end.fields["color"]

        verdicts = self.grade([Rule(2, "x", falls), lines.nul])
        self.assertEqual([one.grade for one in verdicts], [Grade.BROKEN, Grade.KEPT])
        why = "this suite did not foresee what it was told: KeyError 'color', after C: g1 NOOP / S: g1 200"
        self.assertEqual(verdicts[0].why, why)

    def test_secrets(self) -> None:
        """What a customer keeps to themselves is not told."""
        open_stream = lambda: HalfwayStream(self.bank.connect(), "400 reason=verb", "LOGIN")  # noqa: E731
        (verdict,) = self.graded([access.details], open_stream)
        self.assertRegex(verdict.why, r"'LOGIN username=\S+ password=\*\*\*' is answered")
