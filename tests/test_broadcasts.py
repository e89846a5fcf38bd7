"""Broadcasts: what an operator says to every customer reaches each account once, in pieces, whatever comes between."""

from typing import Any

from sqlalchemy import select

from bankd import codes
from bankd.bank import broadcasts
from bankd.client import news
from bankd.codes import Refused
from bankd.records import Event, Notice, NoticeKind
from bankd.rounds import Chore, Rounds
from bankd.store import schema
from bankd.testing import PracticeBank, Wire
from bankd.wire.roles import Role
from tests.databases import DatabaseCase, on_every_engine, on_servers

AMY, BEN = 1001, 1002
SAY = "BROADCAST words=Closed%20on%20Sunday key=b reason=New%20machine"


class BroadcastCase(DatabaseCase):
    """A bank with a teller (amy), an administrator (ben), and seven customers; a piece is three accounts."""

    def setUp(self) -> None:
        self.patch(broadcasts, "PIECE", 3)
        self.bank = PracticeBank(url=self.database())
        self.addCleanup(self.bank.close)
        self.bank.add_operator("amy", Role.TELLER, AMY)
        self.bank.add_operator("ben", Role.ADMINISTRATOR, BEN)
        self.known = [self.bank.add_customer(f"customer{number}", deposit_minor=100) for number in range(7)]
        self.ben = self.bank.operate(BEN)

    def say(self, line: str = SAY, wire: Wire | None = None) -> str:
        """What the bank answers to an operator."""
        [answer] = (wire or self.ben).ask(f"t {line}")
        return answer.removeprefix("t ")

    def piece(self) -> bool:
        """One piece of a broadcast; whether there may be more."""
        return self.bank.run(broadcasts.go_on)

    def told(self) -> list[tuple[int, int]]:
        """Which accounts have a notice of a broadcast, and under which number."""
        table = schema.notices.c
        query = select(table.account_id, table.number).where(table.kind == "broadcast").order_by(table.account_id)
        with self.bank.store.reading() as connection:
            return [(row.account_id, row.number) for row in connection.execute(query)]

    def notices(self, wire: Wire) -> list[str]:
        """A customer's notices."""
        return wire.ask("n NOTICES since=0")[:-1]


@on_every_engine
class Reaching(BroadcastCase):
    """Every customer has it once."""

    def test_everybody(self) -> None:
        """Each open account gets the next number; a till, a closed account and one opened later get none."""
        closing = self.bank.log_in(self.known[2])
        closing.ask(f"d DELETE_ACCOUNT pin={self.known[2].pin} payout={self.known[0].account}")
        self.assertRegex(self.say(), r"^200 broadcast=1 at=\S+ reached=0$")
        self.bank.add_customer("late")
        self.bank.board.events.clear()
        self.bank.make_rounds()
        reached = [known.account_id for known in self.known if known is not self.known[2]]
        self.assertEqual(self.told(), [(account_id, 2 + (account_id == reached[0])) for account_id in reached])
        self.assertEqual(
            self.bank.board.events, [Event(*told, NoticeKind.BROADCAST) for told in self.told()], "those who listen"
        )
        self.assertRegex(self.say(), r"^200 broadcast=1 at=\S+ reached=6 finished=\S+$")
        self.assertEqual(self.bank.faults(), [])
        self.assertRegex(
            self.notices(self.bank.log_in(self.known[1]))[-1],
            r"^n - number=2 kind=broadcast at=\S+ words=Closed%20on%20Sunday$",
        )

    def test_pieces(self) -> None:
        """A transaction has no more accounts than a piece; what it tells is undone with it, and done again once."""
        self.say()
        self.assertTrue(self.piece())
        self.assertEqual(len(self.told()), 3)
        self.assertRaises(ZeroDivisionError, self.fail_in_a_piece)
        self.assertEqual(len(self.told()), 3)
        self.assertRegex(self.say(), "reached=3$")
        self.assertEqual([self.piece() for _ in range(4)], [True, True, False, False])
        self.assertEqual([account_id for account_id, _ in self.told()], [known.account_id for known in self.known])

    def fail_in_a_piece(self) -> None:
        """A piece, and then the bank crashes before it is committed."""
        with self.bank.store.writing() as tx:
            broadcasts.go_on(tx)
            raise ZeroDivisionError

    def test_full_piece_at_the_end(self) -> None:
        """Where the last piece is a full one the broadcast is finished with the next."""
        self.patch(broadcasts, "PIECE", 7)
        self.say()
        self.assertEqual([self.piece(), self.piece(), self.piece()], [True, False, False])
        self.assertIn("finished=", self.say())

    def test_two(self) -> None:
        """A second one begins when the first has reached everybody."""
        self.say()
        self.say(SAY.replace("key=b", "key=c"))
        self.bank.make_rounds()
        self.assertEqual(len(self.told()), 14)
        kinds = [notice.split(" ")[3] for notice in self.notices(self.bank.log_in(self.known[0]))]
        self.assertEqual(kinds, ["kind=deposit", "kind=broadcast", "kind=broadcast"])
        self.assertEqual(self.bank.faults(), [])


@on_servers
class OnServers(BroadcastCase):
    """Several banks on one database."""

    def test_two_banks(self) -> None:
        """A second bank waits for the piece of the first, and goes on behind it."""
        self.say()
        other = PracticeBank(url=self.bank.store.url.render_as_string(hide_password=False))
        self.addCleanup(other.close)
        while self.piece() | other.run(broadcasts.go_on):
            pass
        self.assertEqual([account_id for account_id, _ in self.told()], [known.account_id for known in self.known])


class Asking(BroadcastCase):
    """Who may say something to everybody, and what is kept of it."""

    def test_recorded(self) -> None:
        """It is an act with its words and its reason; asked again it is no other, and is not recorded again."""
        self.say()
        self.say()
        self.assertEqual(self.say(wire=self.bank.operate(AMY)), "403 reason=role")
        self.assertEqual(self.say(SAY.replace("Sunday", "Monday")), "409 reason=key")
        acts = [act.removeprefix("a - act=").split(" ", 2)[2] for act in self.ben.ask("a ACTS")[:-1]]
        said = "details=Closed%20on%20Sunday reason=New%20machine"
        self.assertEqual(
            acts,
            [
                f"operator=ben verb=broadcast outcome=done {said}",
                f"operator=amy verb=broadcast outcome=role {said}",
                f"operator=ben verb=broadcast outcome=key {said.replace('Sunday', 'Monday')}",
            ],
        )

    def test_in_a_session(self) -> None:
        """Who listens is told while the session goes on, and who has seen it is not told again."""
        wire = self.bank.log_in(self.known[0])
        wire.ask("l LISTEN port=50001", "a ACKNOWLEDGE upto=1")
        self.say()
        self.bank.make_rounds()
        self.assertIn(Event(self.known[0].account_id, 2, NoticeKind.BROADCAST), self.bank.board.events)
        self.assertEqual(len(wire.ask("n NOTICES")), 2)
        self.assertEqual(wire.ask("k ACKNOWLEDGE upto=2", "n NOTICES"), ["k 200", "n 200 acknowledged=2"])

    def test_words(self) -> None:
        """The terminal shows the words, braces and all; where only the kind is known it says so."""
        told = news.notice(Notice(4, "broadcast", 0, words="100% {new}"), between="|")
        self.assertTrue(told.startswith("Your bank says: 100% {new}|"), told)
        self.assertEqual(news.kind_alone("broadcast"), "Your bank has something to say.")

    def test_bank_without_accounts(self) -> None:
        """Where there is nobody to tell, that is soon done."""
        bank = PracticeBank(url=self.database())
        self.addCleanup(bank.close)
        bank.operate(0).ask(f"t {SAY}")
        bank.make_rounds()
        self.assertRegex(bank.operate(0).ask(f"t {SAY}")[0], "reached=0 finished=")


class TheRounds(BroadcastCase):
    """The bank goes through the accounts by itself."""

    def rounds(self, *chores: Chore) -> Rounds:
        """The bank's rounds, begun."""
        going = Rounds(self.bank.lane, self.bank.clock, *([chores] if chores else []))
        going.begin()
        self.addCleanup(going.end)
        return going

    def test_within_a_second(self) -> None:
        """What is to be told is told to all at the next round."""
        self.rounds()
        self.say()
        self.bank.clock.advance(1)
        self.assertEqual(len(self.told()), 7)

    def test_after_a_restart(self) -> None:
        """A bank that was killed goes on where it was as soon as it is there again."""
        self.say()
        self.piece()
        self.rounds()
        self.assertEqual(len(self.told()), 7)

    def test_fault(self) -> None:
        """A chore that fails is logged, with what is left of it, and done at the next round; the others go on."""
        done: list[str] = []
        failing: list[Exception] = [ZeroDivisionError("no"), Refused(codes.BUSY)]

        def fail(_tx: Any) -> bool:
            done.append("failing")
            if failing:
                raise failing.pop(0)
            return False

        def work(_tx: Any) -> bool:
            done.append("working")
            return False

        going = self.rounds(Chore(fail, "something is left"), Chore(work, "nothing is"))
        self.bank.clock.pump([1, 1])
        self.assertEqual(done, ["failing", "working"] * 3)
        going.end()
        going.end()
        self.bank.clock.advance(5)
        self.assertEqual(len(done), 6)


class Large(BroadcastCase):
    """Many accounts, without waiting for them in this test: only what one piece does is counted."""

    def test_statements(self) -> None:
        """A piece takes the same few statements however many accounts it has."""
        counted: list[int] = []
        for piece in (1, 5):
            self.patch(broadcasts, "PIECE", piece)
            self.say(SAY.replace("key=b", f"key={piece}"))
            with self.bank.store.writing() as tx:
                counted.append(0)
                real = tx.connection.execute

                def execute(*arguments: Any, real: Any = real, **more: Any) -> Any:
                    counted[-1] += 1
                    return real(*arguments, **more)

                tx.connection.execute = execute  # type: ignore[method-assign]
                broadcasts.go_on(tx)
            self.bank.make_rounds()
        self.assertEqual(counted[0], counted[1])
