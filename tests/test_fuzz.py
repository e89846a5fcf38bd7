"""Every target of the fuzzer for a short while; what it found before; and that it finds anything at all."""

import io
from contextlib import redirect_stderr, redirect_stdout
from random import Random
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from bankd import money
from bankd.protocols.line import LineProtocol
from bankd.protocols.standing import Standing
from bankd.wire import notice
from bankd.wire.replay import ReplayWindow
from tests.fuzz import __main__ as program
from tests.fuzz import catalogue, guided
from tests.fuzz.catalogue import TARGETS
from tests.fuzz.feeding import Failed, Feeding, replay
from tests.fuzz.mutation import Mutator
from tests.fuzz.streams import uncut
from tests.fuzz.target import Stateless, ensure

FEW = 6_000
"""Inputs that all targets share."""

GET = b"GET %s HTTP/1.1\r\nHost: %s\r\nAccept: %s\r\n\r\n"

FOUND = (
    ("cuts", uncut(b"a - to=1 amount=2\r\na - \nb NOOP\r\n")),
    ("cuts", uncut(b"a SEALED jwe=opens\r\nb\nc NOOP\r\n")),
    ("cuts", uncut(b"a NOOP\nb " + b"a" * 5000)),
    ("keys", b"[" * 1500),
    ("keys", b'{"iat":' + b"9" * 5000 + b"}"),
    ("replies", b"a1 200 currency=ESD available=1 overdraft=1 transfer_fee=1 withdrawal_fee=1"),
    ("tasks", b"Export Statement to ~nobody-here/a.csv"),
    ("tasks", b"Pay File ~nobody-here/a.csv"),
    ("settings", b"[server]\nstate = ~nobody-here\n[logging]\nlogfile = ~nobody-here/log\n"),
    ("pages", GET % (b"/status", b"\xe1", b"*/*")),
    ("pages", GET % (b"/metrics", b"localhost:5000", b"\xe1")),
    ("pages", GET % (b"/metrics", b"localhost:5000", b"text/plain;version=1.x")),
)
"""Inputs that once came out as what no target may do."""


class Weak(Stateless):
    """A target that fails on whatever has an x in it, but only after something else."""

    crowd = 100

    def __init__(self) -> None:
        self._fed = 0

    def seeds(self) -> tuple[bytes, ...]:
        """Two inputs."""
        return b"a", b"x"

    def feed(self, data: bytes) -> None:
        """Fail, or not."""
        ensure(b"x" not in data or not self._fed, "there is an x")
        self._fed += 1


class Fuzzed(SynchronousTestCase):
    """Inputs that nobody meant."""

    def test_every_target(self) -> None:
        """All that reads what others wrote gives a value or a documented refusal, for a few thousand inputs."""
        whole = sum(make().weight for make in TARGETS.values())
        for name, make in TARGETS.items():
            feeding = Feeding(name, make, max(FEW * make().weight // whole, 30))
            feeding.made(seed=1)
            self.assertIn("inputs", feeding.end())

    def test_found_before(self) -> None:
        """What was found once is not found again."""
        for name, data in FOUND:
            replay(TARGETS[name], [data])

    def finds(self, name: str, most: int = 2000) -> None:
        """Fail unless a target, whose bank was just broken, finds that."""
        feeding = Feeding(name, TARGETS[name], most)
        self.assertRaises(Failed, feeding.made, 1)

    def test_a_window_that_is_blind(self) -> None:
        """A number that is taken twice is found, by itself and in a datagram."""
        self.patch(ReplayWindow, "admits", lambda window, number: True)
        self.finds("windows")
        self.finds("datagrams")

    def test_a_header_that_is_not_sealed(self) -> None:
        """A datagram's header that may be altered is found."""
        self.patch(notice, "InvalidTag", ZeroDivisionError)
        self.finds("datagrams")

    def test_an_amount_in_other_words(self) -> None:
        """An amount with a zero in front is found."""
        self.patch(money, "_AMOUNT", mock.Mock(fullmatch=lambda text: {"sign": "", "units": "1", "part": None}))
        self.finds("amounts")

    def test_a_line_that_depends_on_its_pieces(self) -> None:
        """A bank that answers otherwise when a line comes in pieces is found."""
        received = LineProtocol.dataReceived
        self.patch(LineProtocol, "dataReceived", lambda line, data: received(line, data.rstrip(b"\r")))
        self.finds("cuts")

    def test_a_fault_behind_the_front(self) -> None:
        """A request at which the bank stumbles is found, and told with the octets that show it again."""
        answer = Standing.answer

        def stumbling(standing: Standing, asked: object) -> object:
            if getattr(getattr(asked, "kind", None), "verb", "") == "KEYS":
                raise ZeroDivisionError
            return answer(standing, asked)  # type: ignore[arg-type]

        self.patch(Standing, "answer", stumbling)
        self.finds("front", most=60)
        self.assertNotEqual(self.flushLoggedErrors(ZeroDivisionError), [])


class Program(SynchronousTestCase):
    """The program that feeds."""

    def run_it(self, *arguments: str) -> tuple[int, str, str]:
        """The exit status of the program, and what it printed."""
        self.patch(guided, "is_there", lambda: False)
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            status = program.main(arguments)
        return status, out.getvalue(), err.getvalue()

    def test_figures(self) -> None:
        """It tells how many inputs there were, how fast, and how long the slowest took."""
        status, out, _ = self.run_it("--only", "windows", "--inputs", "40", "--seed", "3")
        self.assertEqual(status, 0)
        self.assertRegex(out, r"^windows: 40 inputs in \d+ s, [\d,]+ a second, slowest \d+ ms\n$")

    def test_failure(self) -> None:
        """An input that fails is told with those that it needs before it, and fails when it is fed again."""
        self.patch(catalogue, "TARGETS", {"weak": Weak})
        status, _, err = self.run_it("--only", "weak")
        self.assertEqual(status, 1)
        self.assertIn("there is an x", err)
        *_, spelt = err.partition("--replay ")
        self.assertEqual(bytes.fromhex(spelt), b"ax")
        self.assertRaises(AssertionError, self.run_it, "--only", "weak", "--replay", *spelt.split())
        self.assertEqual(self.run_it("--only", "weak", "--replay", "78")[:2], (0, "nothing is wrong with it\n"))

    def test_seed(self) -> None:
        """The same seed makes the same inputs, and another one others."""
        mutators = [Mutator(Random(seed), (b"a b=1\r\n", b"c")) for seed in (1, 1, 2)]
        one, again, other = ([mutator.made() for _ in range(50)] for mutator in mutators)
        self.assertEqual(one, again)
        self.assertNotEqual(one, other)

    def test_names(self) -> None:
        """Every target is listed."""
        self.assertEqual(self.run_it("--list")[1].split(), list(TARGETS))
