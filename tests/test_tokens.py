"""The client's file of tokens: what it keeps for whom, who may read it, and that nothing depends on it."""

import json
import stat
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from bankd.client.address import Address
from bankd.client.bank import Bank
from bankd.client.errors import Loss, LostBank
from bankd.client.lifeline import Lifeline
from bankd.client.testing import ScriptedLine, granted, scripted_bank
from bankd.client.tokens import MOST, NEW, Tokens, file_of
from bankd.records import Welcome
from bankd.wire.messages import Login

BANK = Address("bank.example")
BY_NAME = Login(username="alice", password="x", account="1")
BY_PIN = Login(account="1", pin="x")
BY_MOBILE = Login(mobile="+1", pin="x")


class TokensTests(SynchronousTestCase):
    """A file that is not there yet, in folders that are not."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp(), "bankd", "terminals")
        self.tokens = Tokens(self.path, BANK)

    def shown(self, login: Login, address: Address = BANK) -> str | None:
        """What a log-in shows."""
        return Tokens(self.path, address).shown(login).terminal

    def test_kept(self) -> None:
        """A token is shown to the bank that gave it by who got it, and by nobody else."""
        for login in (BY_NAME, BY_PIN, BY_MOBILE):
            self.assertEqual(self.shown(login), NEW)
        self.assertEqual(self.tokens.kept(BY_NAME, {"terminal": "a.b"}).terminal, "a.b")
        self.tokens.kept(BY_MOBILE, {"terminal": "c.d"})
        self.assertEqual([self.shown(login) for login in (BY_NAME, BY_PIN, BY_MOBILE)], ["a.b", NEW, "c.d"])
        self.assertEqual(self.shown(Login(username="alice", password="y")), "a.b")
        self.assertEqual(self.shown(BY_NAME, Address("bank.example", 1)), NEW)
        self.tokens.kept(BY_NAME, {"terminal": "e.f"})
        self.assertEqual(self.shown(BY_NAME), "e.f")

    def test_for_the_owner_alone(self) -> None:
        """Nobody else may read the file, and no secret is in it."""
        self.tokens.kept(BY_NAME, {"terminal": "a.b"})
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.path.parent.stat().st_mode), 0o700)
        self.assertEqual(json.loads(self.path.read_text()), {"bank.example:65432 user:alice": "a.b"})
        self.assertEqual([path.name for path in self.path.parent.iterdir()], ["terminals"])

    def test_nothing_given(self) -> None:
        """What is no token is not kept."""
        for granted_fields in ({}, {"terminal": ""}, {"terminal": "a b"}, {"terminal": "x" * 129}):
            self.assertIs(self.tokens.kept(BY_NAME, granted_fields), BY_NAME)
        self.assertFalse(self.path.exists())

    def test_unreadable(self) -> None:
        """A file that is damaged, or holds something else, is as good as none, and is written anew."""
        self.path.parent.mkdir(parents=True)
        key = "bank.example:65432 user:alice"
        for content in (b"{", b"\xff", b"[1]", b'{"%s": 1}' % key.encode(), b'{"%s": "a b"}' % key.encode()):
            self.path.write_bytes(content)
            self.assertEqual(self.shown(BY_NAME), NEW, content)
        self.tokens.kept(BY_NAME, {"terminal": "a.b"})
        self.assertEqual(self.shown(BY_NAME), "a.b")

    def test_unwritable(self) -> None:
        """Where no file can be written the session has its token, and nothing is said."""
        self.path.parent.parent.mkdir()
        self.path.parent.write_text("no folder")
        self.assertEqual(self.tokens.kept(BY_NAME, {"terminal": "a.b"}).terminal, "a.b")
        self.path.parent.unlink()
        self.path.mkdir(parents=True)
        self.assertEqual(self.tokens.kept(BY_NAME, {"terminal": "a.b"}).terminal, "a.b")
        self.assertEqual([path.name for path in self.path.parent.iterdir()], ["terminals"])

    def test_no_more_than_enough(self) -> None:
        """The newest are kept."""
        for number in range(MOST + 1):
            self.tokens.kept(Login(username=f"u{number}", password="x"), {"terminal": f"t{number}"})
        self.assertEqual(self.shown(Login(username="u0", password="x")), NEW)
        self.assertEqual(self.shown(Login(username="u1", password="x")), "t1")

    def test_where(self) -> None:
        """It is in the user's own data folder."""
        for environment, path in (
            ({"HOME": "/home/a"}, "/home/a/.local/share/bankd/terminals"),
            ({"HOME": "/home/a", "XDG_DATA_HOME": "/data"}, "/data/bankd/terminals"),
            ({"HOME": "/home/a", "XDG_DATA_HOME": "data"}, "/home/a/.local/share/bankd/terminals"),
            ({}, "/.local/share/bankd/terminals"),
        ):
            self.assertEqual(file_of(environment), Path(path))


class LogIns(SynchronousTestCase):
    """A lifeline that keeps tokens."""

    def test_shown_and_kept(self) -> None:
        """The log-in asks for a token, and the one after a lost connection shows it, as does the next program."""
        path = Path(self.mktemp())
        welcome = granted(Welcome(account="1", currency="USD", lease_seconds=30, terminal="a.b"))
        lines: list[ScriptedLine] = []

        async def reach() -> Bank:
            lines.append(ScriptedLine(LOGIN=welcome))
            return scripted_bank(lines[-1])

        def session() -> Lifeline:
            first = self.successResultOf(Deferred.fromCoroutine(reach()))
            lifeline = Lifeline(first, reach, clock, lambda: 0.0, told.append, Tokens(path, BANK))
            self.successResultOf(Deferred.fromCoroutine(lifeline.bank.log_in(BY_PIN)))
            return lifeline

        clock, told = Clock(), list[str]()
        session()
        lines[0].lose(LostBank(Loss.ENDED))
        clock.pump([1.0] * 30)
        session().close()
        shown: list[Any] = [getattr(line.asked[0], "terminal", None) for line in lines]
        self.assertEqual(shown, [NEW, "a.b", "a.b"])
