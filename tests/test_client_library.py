"""The client as a library: what it exports, how a session begins and ends, notices as they come, and its errors."""

import asyncio
import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

import bankd.client
from bankd import codes
from bankd.client import (
    Bank,
    BankError,
    Cause,
    Denied,
    InDoubt,
    Login,
    Loss,
    LostBank,
    NoBank,
    Unusable,
    connect,
    connection,
    errors,
    in_asyncio,
    loops,
    words,
)
from bankd.client.address import Address
from bankd.client.testing import ScriptedLine, granted, refusal, scripted_bank
from bankd.client.tokens import Tokens
from bankd.client.watching import LOOK_SECONDS, Watch
from bankd.records import Notice, Welcome
from bankd.wire import messages
from bankd.wire.notice import Hint

PAGE = Path(__file__).resolve().parent.parent / "docs" / "client.md"

LOGIN = Login(account="1", pin="24680")
WELCOME = granted(Welcome("1", "USD", 30))


class Surface(SynchronousTestCase):
    """What programs may rely on."""

    def test_names(self) -> None:
        """The exported names are these; one that goes, or changes, breaks programs."""
        self.assertEqual(
            bankd.client.__all__,
            [
                *("Bank", "BankError", "Cause", "ChangePassword", "ChangePin", "DeleteAccount", "Denied", "EnrolApp"),
                *("InDoubt", "Login", "Loss", "LostBank", "NoBank", "RemoveApp", "SignUp", "Unusable"),
                *("connect", "in_asyncio", "watch"),
            ],
        )
        for name in bankd.client.__all__:
            self.assertTrue(inspect.getdoc(getattr(bankd.client, name)), name)

    def test_arguments(self) -> None:
        """So are the arguments of connect, which the page tells of."""
        known = list(inspect.signature(connect).parameters)
        told = [name for row in self.table("argument") for name in re.findall(r"`(\w+)`", row.split("|")[1])]
        self.assertEqual(known, told)

    def test_methods(self) -> None:
        """Every method that the page names exists, is a coroutine function or closes, and is documented."""
        named = [name for row in self.table("") for name in re.findall(r"`(\w+)`", row)]
        self.assertGreater(len(named), 25)
        for name in named:
            method = getattr(Bank, name)
            self.assertTrue(inspect.iscoroutinefunction(method) or name == "close", name)
            self.assertTrue(inspect.getdoc(method), name)

    def table(self, heading: str) -> list[str]:
        """The rows of the page's table whose first column has this heading."""
        lines = PAGE.read_text(encoding="utf-8").splitlines()
        start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading}".rstrip() + " |"))
        return lines[start + 2 : lines.index("", start)]

    def test_errors_are_told(self) -> None:
        """The page's table of errors has all of them."""
        told = [re.findall(r"`(\w+)`", row)[0] for row in self.table("error")]
        kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, BankError)]
        self.assertEqual(sorted(told), sorted(kind.__name__ for kind in kinds if kind is not BankError))

    def test_import(self) -> None:
        """To import it installs no reactor, and brings neither the server's rooms nor a database."""
        code = "import sys, bankd.client; print(*sys.modules)"
        loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        self.assertIn("bankd.client.bank", loaded)
        for name in ("twisted.internet.reactor", "sqlalchemy", "bankd.store", "bankd.bank", "bankd.tap"):
            self.assertNotIn(name, loaded)


class Sessions(SynchronousTestCase):
    """A block with a bank in it."""

    def setUp(self) -> None:
        self.line = ScriptedLine(LOGIN=WELCOME)
        self.patch(connection, "reach", self.reach)
        self.patch(Tokens, "_read", lambda tokens: {})

    async def reach(self, reactor: object, address: Address, trust: object, **how: Any) -> Bank:
        """The bank."""
        self.address = address
        return scripted_bank(self.line)

    def block(self, inside: Callable[[Bank], object] = str, login: Login | None = LOGIN, **how: Any) -> Deferred[None]:
        """Do something inside of a block."""

        async def block() -> None:
            async with connect("bank.example:7", login, reactor=Clock(), **how) as bank:
                self.bank = bank
                inside(bank)

        return Deferred.fromCoroutine(block())

    @property
    def asked(self) -> list[str]:
        """The verbs that the bank was asked."""
        return [getattr(request, "verb", "") for request in self.line.asked]

    def test_in_and_out(self) -> None:
        """The block begins with a log-in and ends with a log-out."""
        self.successResultOf(self.block(lambda bank: self.assertEqual(bank.currency, "USD")))
        self.assertEqual(self.asked, ["LOGIN", "LOGOUT"])
        self.assertEqual(self.address, Address("bank.example", 7))
        self.assertTrue(self.line.lost.called)

    def test_without_a_login(self) -> None:
        """The program may log in itself."""
        self.successResultOf(self.block(login=None))
        self.assertEqual(self.asked, ["LOGOUT"])

    def test_an_error_closes(self) -> None:
        """An error inside comes out, and the session ends with the connection."""

        def fail(bank: Bank) -> None:
            raise ZeroDivisionError

        self.failureResultOf(self.block(fail), ZeroDivisionError)
        self.assertEqual(self.asked, ["LOGIN"])
        self.assertTrue(self.line.lost.called)

    def test_over_already(self) -> None:
        """A session that ended inside needs no log-out."""
        self.successResultOf(self.block(lambda bank: bank.close()))
        self.assertEqual(self.asked, ["LOGIN"])

    def test_refused(self) -> None:
        """A log-in that is refused comes out of the block's beginning, and leaves nothing open."""
        self.line = ScriptedLine(LOGIN=refusal(codes.WRONG_SECRET))
        error = self.failureResultOf(self.block(), Denied).value
        self.assertEqual(error.code, codes.WRONG_SECRET)
        self.assertTrue(self.line.lost.called)

    def test_one_time_passwords(self) -> None:
        """They are asked where the program says."""

        async def ask(challenge: object, left: int | None) -> str | None:
            return None

        self.successResultOf(self.block(ask_passcode=ask))
        self.assertIs(self.bank.ask_passcode, ask)

    def test_unusable(self) -> None:
        """What cannot be used is refused before anything is called."""
        for server, how, said in (
            ("a:b", {}, "HOST:PORT"),
            ("a", {"ca": "/nonexistent"}, "/nonexistent"),
            ("a", {"terminal": "/nonexistent"}, "/nonexistent"),
            ("a", {"identity": "/nonexistent"}, "/nonexistent"),
            ("a", {"shared_key": "/nonexistent"}, "/nonexistent"),
            ("a", {"seal": "some"}, "'some'"),
        ):
            error = self.assertRaises(Unusable, connect, server, reactor=Clock(), **how)
            self.assertIn(said, str(error))


class InAsyncio(SynchronousTestCase):
    """In a process with another reactor, asyncio is told so; docs/client.md has what works, and its test runs it."""

    def test_in_a_task(self) -> None:
        """In a task of asyncio's the bank cannot be awaited, and what can be done is said."""

        async def task() -> None:
            connect("bank.example")

        error = self.assertRaises(RuntimeError, asyncio.run, task())
        self.assertEqual(str(error), connection.IN_A_TASK)

    def test_another_reactor(self) -> None:
        """A reactor that is not asyncio's is not taken for one; the coroutine is not begun."""

        async def never() -> None:
            self.fail("begun")

        import twisted.internet.reactor  # noqa: F401  # is there

        error = self.assertRaises(RuntimeError, asyncio.run, in_asyncio(never()))
        self.assertEqual(str(error), loops.OTHER_REACTOR)


class Ear:
    """An inbox that hears what a test says."""

    def __init__(self, on_hint: Callable[[Hint], None]) -> None:
        self.on_hint = on_hint
        self.closed = False

    def close(self) -> None:
        """Hear nothing more."""
        self.closed = True


class Watching(SynchronousTestCase):
    """Notices as they come."""

    def watch(self, *pages: Any, since: int | None = None) -> Watch:
        """Watch a bank that answers NOTICES by these pages, in turn; the last one ever after."""
        self.line = ScriptedLine(NOTICES=list(pages))
        self.bank = scripted_bank(self.line)
        self.clock = Clock()
        self.ears: list[Ear] = []
        self.deaf = False

        async def listen(bank: Bank, on_hint: Callable[[Hint], None]) -> Ear:
            if self.deaf:
                raise CannotListenError("", 0, OSError())
            self.ears.append(Ear(on_hint))
            return self.ears[-1]

        return Watch(self.bank, listen, self.clock, since)

    def page(self, *numbers: int) -> Any:
        """An answer with these notices."""
        return granted(items=[Notice(number, "received", 0, 100, 100, "USD") for number in numbers])

    def next(self, watch: Watch) -> Deferred[Notice]:
        """The next notice."""
        return Deferred.fromCoroutine(watch.__anext__())

    def numbers(self, watch: Watch, count: int) -> list[int]:
        """The numbers of the next notices, which are there."""
        return [self.successResultOf(self.next(watch)).number for _ in range(count)]

    def since(self) -> list[int | None]:
        """From where on the bank was asked for notices."""
        return [request.since for request in self.line.asked if isinstance(request, messages.Notices)]

    def hint(self, number: int, kind: str = "received") -> None:
        """Say that there is a notice."""
        self.ears[-1].on_hint(Hint(number=number, kind=kind))

    def test_waiting_then_as_they_come(self) -> None:
        """First those that wait, and at a hint what is new; a hint of what was told wakes nobody."""
        watch = self.watch(self.page(4, 5), self.page(6))
        self.assertEqual(self.numbers(watch, 2), [4, 5])
        coming = self.next(watch)
        self.assertNoResult(coming)
        self.hint(5)
        self.assertNoResult(coming)
        self.hint(6)
        self.assertEqual(self.successResultOf(coming).number, 6)
        self.assertEqual(self.since(), [None, 5])

    def test_page_by_page(self) -> None:
        """What a full page brought is there before the next is asked for, and stays when that one is refused."""
        full = [*range(1, 101)]
        watch = self.watch(self.page(*full), refusal(codes.BUSY), self.page(101))
        self.assertEqual(self.numbers(watch, 100), full)
        self.assertEqual(self.since(), [None])
        self.failureResultOf(self.next(watch), Denied)
        self.hint(101)
        self.assertEqual(self.numbers(watch, 1), [101])
        self.assertEqual(self.since(), [None, 100, 100])
        self.assertNoResult(self.next(watch))

    def test_number_alone(self) -> None:
        """A number of which the bank told nothing wakes nobody again; a greater one does, and so does a hint of it."""
        watch = self.watch(self.page(), self.page(), self.page(8), self.page(9))
        coming = self.next(watch)
        for number in (7, 7, 6):
            self.hint(number, kind="")
        self.assertEqual(self.since(), [None, None])
        self.hint(8, kind="")
        self.assertEqual(self.successResultOf(coming).number, 8)
        self.hint(9)
        self.assertEqual(self.numbers(watch, 1), [9])

    def test_a_hint_between(self) -> None:
        """A hint that comes while nobody waits is not forgotten."""
        watch = self.watch(self.page(1), self.page(2))
        self.assertEqual(self.numbers(watch, 1), [1])
        self.hint(2)
        self.assertEqual(self.numbers(watch, 1), [2])

    def test_never_twice(self) -> None:
        """What the bank tells again is not passed on again; from a number on that was told before, neither."""
        watch = self.watch(self.page(3, 4), self.page(4, 5), since=3)
        self.assertEqual(self.numbers(watch, 1), [4])
        self.hint(5)
        self.assertEqual(self.numbers(watch, 1), [5])
        self.assertEqual(self.since(), [3, 4])

    def test_without_hints(self) -> None:
        """Where no hints arrive, or none can, the bank is asked every now and then."""
        for deaf in (False, True):
            watch = self.watch(self.page(), self.page(), self.page(1))
            self.deaf = deaf
            coming = self.next(watch)
            self.clock.advance(LOOK_SECONDS)
            self.assertNoResult(coming)
            self.clock.advance(LOOK_SECONDS)
            self.assertEqual(self.successResultOf(coming).number, 1)
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_another_connection(self) -> None:
        """Over another connection hints are sent for anew, and the bank is asked at once; others are told of it too."""
        told: list[str] = []
        listen = self.watch(self.page(), self.page(7))._listen
        self.bank.on_recovery = lambda: told.append("recovered")
        coming = self.next(Watch(self.bank, listen, self.clock))
        self.bank.on_recovery()
        self.assertEqual(self.successResultOf(coming).number, 7)
        self.assertEqual(([ear.closed for ear in self.ears], told), ([True, False], ["recovered"]))

    def test_the_end(self) -> None:
        """It ends when this side closes, and fails when the bank is lost; nothing is left open."""
        for loss, error in ((Loss.LEFT, StopAsyncIteration), (Loss.ENDED, LostBank)):
            watch = self.watch(self.page())
            coming = self.next(watch)
            self.line.lose(LostBank(loss))
            self.failureResultOf(coming, error)
            self.failureResultOf(self.next(watch), error)
            self.assertTrue(self.ears[0].closed)
            self.assertEqual(self.clock.getDelayedCalls(), [])


class Errors(SynchronousTestCase):
    """One tree, whose texts are sentences."""

    def test_texts(self) -> None:
        """They say what the terminal says, and hold no secret."""
        lost, asked = LostBank(Loss.SILENT), messages.Deposit(amount=2500, currency="USD", key="k-1")
        doubt = InDoubt(asked, lost)
        for error, said in (
            (Unusable("the file is empty"), "the file is empty"),
            (NoBank(Address("bank.example"), Cause.UNREACHABLE), "The bank at bank.example:65432 cannot be reached."),
            (lost, words.LOSSES[Loss.SILENT]),
            (Denied(codes.NO_FUNDS), "Not enough money in the account."),
            (doubt, "It is not known whether the deposit of 25.00 USD was made."),
        ):
            self.assertIsInstance(error, BankError)
            self.assertIn(said, str(error))
        self.assertTrue(str(doubt).startswith(words.LOSSES[Loss.SILENT]))
        self.assertEqual(doubt.key, "k-1")
