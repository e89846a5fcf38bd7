"""Every example of the protocol's page, in order, against one fresh bank.

What the page prints and what a bank says differ where they must: in times, and in numbers that a bank makes up. Each
printed one stands for one real one all through the story, so that a receipt that is printed twice is the same receipt.
All else is compared as it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyotp
from twisted.trial.unittest import SynchronousTestCase

from bankd.bank.terms import OneTime, Terms
from bankd.signing import PublicKey
from bankd.testing import PracticeBank, Wire
from bankd.wire import grammar, key_set, seal
from bankd.wire.grammar import Kind
from bankd.wire.roles import Role
from bankd.wire.seal import Sealed
from tests import docs
from tests.test_protocol_abnf import CRLF, in_order

STEP = re.compile(r"(?P<side>[CSD])(?P<who>[2-9]?):(?: (?P<text>.*))?|\((?P<note>.*)\)")
GREETING = "* 200 protocol="
HINT = re.compile(r"number=[1-9]\d* kind=[a-z_]{1,16}")

MADE_UP: dict[str, tuple[str, Kind]] = {
    "account": ("account", grammar.ACCOUNT),
    "counterparty": ("account", grammar.ACCOUNT),
    "to": ("account", grammar.ACCOUNT),
    "payout": ("account", grammar.ACCOUNT),
    "receipt": ("receipt", grammar.COUNT),
    "cursor": ("receipt", grammar.COUNT),
    "hold": ("receipt", grammar.COUNT),
    "listener": ("listener", grammar.LISTENER),
    "notice_key": ("notice_key", grammar.NOTICE_KEY),
    "proof": ("proof", grammar.PROOF),
    "at": ("time", grammar.TIME),
    "since": ("time", grammar.TIME),
    "before": ("time", grammar.TIME),
    "opened": ("time", grammar.TIME),
    "expires": ("time", grammar.TIME),
    "finished": ("time", grammar.TIME),
    "contact": ("time", grammar.TIME),
    "last_login": ("time", grammar.TIME),
    "signed": ("signed", grammar.JWS),
    "payer": ("account", grammar.ACCOUNT),
    "payee": ("account", grammar.ACCOUNT),
    "subject": ("account", grammar.SUBJECT),
    "customer": ("customer", grammar.COUNT),
    "terminal": ("terminal", grammar.TOKEN),
    "keys": ("keys", grammar.JWS),
    "identity": ("identity", grammar.IDENTITY),
    "nonce": ("nonce", grammar.NONCE),
    "jwe": ("jwe", grammar.JWE),
    "challenge": ("challenge", grammar.CHALLENGE),
    "code": ("code", grammar.PASSCODE),
    "secret": ("secret", grammar.SEED),
    "uri": ("uri", grammar.URI),
}
"""Fields whose values a bank makes up: what they are numbers of, and their kind."""


OPERATORS = {"amy": (1001, Role.TELLER), "ben": (1002, Role.ADMINISTRATOR)}
"""The operators of the page's bank, with their users on its machine."""

STRANGER = 4711
"""A user of that machine who is nobody to the bank."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an example: what a client sends (`C`), a bank answers (`S`), a datagram (`D`), or else happens (`!`).

    `who` tells connections apart.
    """

    side: str
    text: str
    who: str = ""


def steps(example: str) -> Iterator[Step]:
    """The lines of an example. Raises ValueError for one that has no meaning."""
    for line in example.splitlines():
        found = STEP.fullmatch(line)
        if found is None:
            raise ValueError(line)
        if found["side"] is None:
            yield Step("!", found["note"])
        else:
            yield Step(found["side"], found["text"] or "", found["who"])


@dataclass(slots=True)
class Dictionary:
    """What the page's made-up values stand for, as far as the story has come."""

    real: dict[tuple[str, str], str] = field(default_factory=dict)
    printed: dict[tuple[str, str], str] = field(default_factory=dict)

    def spoken(self, line: str) -> str:
        """A line as the page prints it, with real values in place of printed ones that are known."""
        return " ".join(self._spoken(word) for word in line.split(" "))

    def objection(self, printed: str, said: str) -> str | None:
        """Why what was said is not what is printed; None when it is."""
        words, real_words = printed.split(" "), said.split(" ")
        if len(words) != len(real_words):
            return f"{said!r} has other words than {printed!r}"
        for word, real_word in zip(words, real_words, strict=True):
            if word != real_word and not self._learn(word, real_word):
                return f"{real_word!r} in {said!r} is not {word!r}"
        return None

    def newest(self, subject: str) -> str:
        """The real value of what was printed last of a subject."""
        return [value for (of, _), value in self.real.items() if of == subject][-1]

    def _spoken(self, word: str) -> str:
        name, equals, value = word.partition("=")
        if not equals or name not in MADE_UP:
            return word
        return f"{name}={self.real.get((MADE_UP[name][0], value), value)}"

    def _learn(self, word: str, real_word: str) -> bool:
        """Whether a real word may be what a printed one stands for; it then does from now on."""
        (name, _, value), (real_name, _, real_value) = word.partition("="), real_word.partition("=")
        if name != real_name or name not in MADE_UP:
            return False
        subject, kind = MADE_UP[name]
        if kind.pattern.fullmatch(value) is None or kind.pattern.fullmatch(real_value) is None:
            return False
        stands_for = self.real.setdefault((subject, value), real_value)
        printed_as = self.printed.setdefault((subject, real_value), value)
        return (stands_for, printed_as) == (real_value, value)


class Player:
    """Plays examples against a bank. Raises AssertionError where the bank does otherwise."""

    def __init__(self, folder: Path) -> None:
        self.bank = PracticeBank(folder, Terms("Example Bank", "USD", "US", registers_mobiles=True, lease_seconds=30))
        self._dictionary = Dictionary()
        self._wires: dict[str, Wire] = {}
        self._said: dict[str, list[str]] = {}
        self._told = self._probed = 0
        self._hints: list[str] = []
        self._to_send: list[str] = []
        self._last = ""
        self._uid: int | None = None
        for name, (uid, role) in OPERATORS.items():
            self.bank.add_operator(name, role, uid)
        self._sealed: str | None = None
        self._seals = 0

    def play(self, example: str) -> None:
        """One example, to its end, with nothing left over."""
        for step in steps(example):
            if step.side != "C" or step.who != self._last:
                self._send()
            if step.side != "!" and step.side != "D":
                self._last = step.who
            self._take(step)
        self._send()
        left = [line for said in (*self._said.values(), self._hints) for line in said]
        assert not left, f"said, and not printed: {left}"

    def _take(self, step: Step) -> None:
        match step.side:
            case "C":
                if self._sealed is not None:
                    self._seal(step.text.partition("jwe=")[2])
                self._to_send.append(self._dictionary.spoken(step.text))
            case "S":
                self._compare(step)
            case "D":
                assert self._hints, f"there was no datagram instead of {step.text!r}"
                self._check(step.text, self._hints.pop(0))
            case _:
                self._happen(step.text)

    def _compare(self, step: Step) -> None:
        if step.text.startswith(GREETING):
            self._wires[step.who] = self.bank.connect() if self._uid is None else self.bank.operate(self._uid)
            self._uid = None
            self._said[step.who] = list(self._wires[step.who].greeting)
        said = self._said[step.who]
        assert said, f"nothing was said instead of {step.text!r}"
        self._check(step.text, said.pop(0))

    def _check(self, printed: str, said: str) -> None:
        objection = self._dictionary.objection(printed, said)
        assert objection is None, objection

    def _send(self) -> None:
        """Send what is to be sent in one piece, as a client that does not wait."""
        if self._to_send:
            self.bank.clock.advance(0.001)
            self._wires[self._last].send(*self._to_send)
            self._to_send.clear()
        for who, wire in self._wires.items():
            self._said[who] += wire.received()
        self._hints += self._new_hints()

    def _new_hints(self) -> list[str]:
        """What is in the datagrams that the board sends since the last time: probes, and what it was told."""
        board = self.bank.board
        events, probes = board.events[self._told :], list(board.probes.values())[self._probed :]
        self._told, self._probed = len(board.events), len(board.probes)
        return [f"proof={proof}" for proof in probes] + [
            f"number={event.number} kind={event.kind}"
            for event in events
            for listener, (account_id, _, _) in board.listeners.items()
            if account_id == event.account_id and listener in board.proven
        ]

    def _seal(self, printed: str) -> None:
        """Seal what was told, as what is printed, with the key and for the connection that the bank named last."""
        identity = PublicKey.from_x(self._dictionary.newest("identity"))
        key = key_set.read(identity, self._dictionary.newest("keys"), self.bank.clock.seconds())
        sealed = Sealed(self._dictionary.newest("nonce"), self._seals, self._sealed or "")
        self._dictionary.real["jwe", printed] = seal.seal(sealed, key)
        self._seals, self._sealed = self._seals + 1, None

    def _happen(self, note: str) -> None:
        passing = re.fullmatch(r"(\d+) seconds pass", note)
        coming = re.fullmatch(r"(\w+) connects to the operators' socket", note)
        if passing is not None:
            self.bank.clock.advance(int(passing[1]))
        elif coming is not None:
            self._uid = OPERATORS[coming[1]][0] if coming[1] in OPERATORS else STRANGER
        elif note.startswith("sealed: "):
            self._sealed = note.removeprefix("sealed: ")
        elif shown := re.fullmatch(r"the (phone|app) shows (\d+)", note):
            self._dictionary.real["code", shown[2]] = self._code_on(shown[1])
        elif asking := re.fullmatch(r"from now on the bank asks for (one-time passwords|none)", note):
            asks = OneTime.OFF if asking[1] == "none" else OneTime.RISK
            self.bank.branch.terms = replace(self.bank.branch.terms, one_time=asks)
        elif note == "the bank makes its rounds":
            self.bank.make_rounds()
        elif note == "the client closes":
            self._wires[self._last].drop()
        elif note == "the bank closes":
            assert not self._wires[self._last].connected, "the bank did not close"
        else:
            raise ValueError(note)

    def _code_on(self, device: str) -> str:
        """The one-time password that was sent last, or that an app with the secret told last would show."""
        if device == "phone":
            return self.bank.post.sent[-1][1].text[:8]
        secret = [real for (subject, _), real in self._dictionary.real.items() if subject == "secret"][-1]
        return pyotp.TOTP(secret).at(self.bank.clock.seconds())


def is_item(text: str) -> bool:
    """Whether a line of a client is an item of a request of several lines."""
    return text.split(" ")[1:2] == ["-"]


class PlayerCase(SynchronousTestCase):
    """What the tests that play examples share."""

    def player(self) -> Player:
        """A player with a fresh bank."""
        folder = Path(self.mktemp())
        folder.mkdir()
        player = Player(folder)
        self.addCleanup(player.bank.close)
        return player


class StoryTests(PlayerCase):
    """The page's examples are what a bank does."""

    def test_examples(self) -> None:
        """A fresh bank answers every example, in the page's order, as the page prints it, and its books are right."""
        player = self.player()
        for example in docs.blocks("bank"):
            player.play(example)
        self.assertEqual(player.bank.faults(), [])


class FormTests(SynchronousTestCase):
    """The page's examples have the forms of the page's grammar."""

    def test_requests(self) -> None:
        """Every request is one of the grammar, or is answered in its example with what is wrong with its form."""
        for example in docs.blocks("bank"):
            refused = {step.text.split(" ")[0] for step in steps(example) if re.search(r" 400 ", step.text)}
            for step in steps(example):
                rule = "bulk-item" if is_item(step.text) else "request"
                if step.side == "C" and not docs.parses(rule, in_order(step.text) + CRLF):
                    tag = step.text.partition(" ")[0]
                    self.assertIn(tag if tag.isalnum() else "*", refused, step.text)

    def test_what_the_bank_says(self) -> None:
        """Every line of a bank is a greeting, an event or a reply of the grammar."""
        for example in docs.blocks("bank"):
            for step in steps(example):
                if step.side == "S":
                    rule = "greeting" if step.text.startswith(GREETING) else "event" if step.text[0] == "*" else "reply"
                    self.assertTrue(docs.parses(rule, step.text + CRLF), step.text)

    def test_answers(self) -> None:
        """All lines of an answer together have the form of their request's answer, unless it is refused."""
        for example in docs.blocks("bank"):
            verbs = {step.text.split(" ")[0]: step.text.split(" ")[1] for step in steps(example) if " " in step.text}
            verbs = {tag: verb for tag, verb in verbs.items() if verb.isupper()}
            self._check_answers(example, verbs)

    def _check_answers(self, example: str, verbs: dict[str, str]) -> None:
        sent = [step for step in steps(example) if step.side == "C" and not is_item(step.text)]
        for asked in sent:
            tag, _, rest = asked.text.partition(" ")
            lines = [step.text for step in steps(example) if step.side == "S" and step.text.startswith(f"{tag} ")]
            if lines and lines[-1].split(" ")[1] < "400":
                rule = rest.split(" ")[0].lower().replace("_", "-") + "-answer"
                self.assertTrue(docs.parses(rule, "".join(line + CRLF for line in lines)), lines)

    def test_datagrams(self) -> None:
        """Every datagram is a probe, or brings hints, in the forms of the grammar's fields."""
        hints = [step.text for example in docs.blocks("bank") for step in steps(example) if step.side == "D"]
        self.assertTrue(hints)
        for hint in hints:
            self.assertTrue(docs.parses("f-proof", f" {hint}") or HINT.fullmatch(hint), hint)


class StepsTests(SynchronousTestCase):
    """Reading an example."""

    def test_sides(self) -> None:
        """A line is a client's, a bank's, a datagram, or tells what else happens; connections are told apart."""
        example = "C: a1 NOOP\nS2: a1 200\nD: x\n(the bank closes)\nC:\nC2: a  b\n"
        self.assertEqual(
            list(steps(example)),
            [
                Step("C", "a1 NOOP"),
                Step("S", "a1 200", "2"),
                Step("D", "x"),
                Step("!", "the bank closes"),
                Step("C", ""),
                Step("C", "a  b", "2"),
            ],
        )

    def test_nonsense(self) -> None:
        """A line without a meaning is an error, not passed over."""
        for line in ("", "a1 NOOP", "X: a1 NOOP", "C1: a1 NOOP", " C: a1 NOOP", "(the bank closes", "C:a1 NOOP"):
            self.assertRaises(ValueError, list, steps(line + "\n"))


class DictionaryTests(SynchronousTestCase):
    """Comparing what is printed with what was said."""

    def setUp(self) -> None:
        self.dictionary = Dictionary()

    def assertAlike(self, printed: str, said: str) -> None:
        """Fail unless what was said may be what is printed."""
        self.assertIsNone(self.dictionary.objection(printed, said))

    def assertUnlike(self, printed: str, said: str) -> None:
        """Fail unless what was said is noticed to be something else."""
        self.assertIsNotNone(self.dictionary.objection(printed, said))

    def test_as_printed(self) -> None:
        """What is said as it is printed is right."""
        self.assertAlike("a1 402 reason=funds", "a1 402 reason=funds")

    def test_what_matters(self) -> None:
        """Tags, codes, reasons, amounts, balances, numbers of notices and fields must be as printed."""
        for printed, said in (
            ("a1 200", "a2 200"),
            ("a1 200", "a1 201"),
            ("a1 402 reason=funds", "a1 402 reason=key"),
            ("a1 200 amount=5", "a1 200 amount=6"),
            ("a1 200 balance=5", "a1 200 balance=-5"),
            ("a1 - number=5", "a1 - number=6"),
            ("a1 200 receipt=5", "a1 200 cursor=5"),
            ("a1 200 receipt=5", "a1 200"),
            ("a1 200", "a1 200 receipt=5"),
            ("a1 200 amount=5 balance=5", "a1 200 balance=5 amount=5"),
        ):
            self.assertUnlike(printed, said)

    def test_made_up(self) -> None:
        """A made-up value stands for the same real one from then on, and no other printed one does."""
        self.assertAlike("a1 200 receipt=1 account=10000042", "a1 200 receipt=71 account=48293015")
        self.assertAlike("a2 200 receipt=1", "a2 200 receipt=71")
        self.assertUnlike("a3 200 receipt=1", "a3 200 receipt=72")
        self.assertUnlike("a3 200 receipt=2", "a3 200 receipt=71")
        self.assertAlike("a4 200 counterparty=10000042", "a4 200 counterparty=48293015")
        self.assertUnlike("a4 200 counterparty=10000059", "a4 200 counterparty=48293015")
        self.assertAlike("a5 200 cursor=1", "a5 200 cursor=71")

    def test_kinds(self) -> None:
        """A made-up value must be of its field's kind."""
        time = "2026-11-20T10:15:00.123456Z"
        self.assertAlike(f"a1 200 at={time}", "a1 200 at=2027-01-01T00:00:00.000000Z")
        self.assertUnlike(f"a1 200 opened={time}", "a1 200 opened=2027-01-01")
        self.assertUnlike("a1 200 receipt=1", "a1 200 receipt=x")
        self.assertUnlike("a1 200 receipt=x", "a1 200 receipt=1")

    def test_spoken(self) -> None:
        """What a client sends has the real values in place of the printed ones; what is not known stays."""
        self.assertAlike("a1 201 account=10000059 receipt=3", "a1 201 account=48293015 receipt=71")
        self.assertEqual(
            self.dictionary.spoken("a2  X to=10000059 payout=10000042 cursor=3 amount=3 key=10000059"),
            "a2  X to=48293015 payout=10000042 cursor=71 amount=3 key=10000059",
        )


class PlayerTests(PlayerCase):
    """The player notices a bank that does something else."""

    def play(self, *lines: str) -> None:
        """Play one example against a bank of its own."""
        self.player().play("\n".join(["S: * 200 protocol=BANK/1 bank=Example%20Bank currency=USD", *lines]) + "\n")

    def test_right(self) -> None:
        """An example that is right is played to its end, pipelined lines and all."""
        self.play("C: a1 NOOP", "C: a2 NOOP", "S: a1 200", "S: a2 200", "(the client closes)")

    def test_wrong(self) -> None:
        """Another answer, none, one too many, a missing datagram and a connection that stays open are noticed."""
        for lines in (
            ("C: a1 NOOP", "S: a1 201"),
            ("C: a1 NOOP", "S: a1 200", "S: a1 200"),
            ("C: a1 NOOP",),
            ("C: a1 NOOP", "C: a2 NOOP", "S: a1 200"),
            ("D: number=1 kind=deposit",),
            ("D: proof=9f86d081884c7d659a2feaa0c55ad015",),
            ("(the bank closes)",),
            ("(59 seconds pass)", "S: * 408 reason=idle"),
        ):
            self.assertRaises(AssertionError, self.play, *lines)

    def test_nonsense(self) -> None:
        """A note that the player cannot make happen is an error."""
        self.assertRaises(ValueError, self.play, "(the sun comes up)")
