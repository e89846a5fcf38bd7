"""client.csv and bank.csv: the rows, and the files that are kept up with the journal."""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from bankd.bank import accounts, payments
from bankd.extract_file import ExtractFile, NotOurs
from bankd.extract_writer import RETRY_SECONDS, WAIT_SECONDS, ExtractWriter
from bankd.ledger.commands import Reversal
from bankd.ledger.tariff import Tariff
from bankd.store import extracts
from bankd.store.extracts import BANK, CLIENT, HEADERS
from bankd.testing import PRACTICE_TERMS, PracticeBank, Stepped
from tests.databases import DatabaseCase, on_every_engine

write = os.write

KINDS = (CLIENT, BANK)


def exported(bank: PracticeBank, kind: str) -> str:
    """The whole file as ``bankctl export csv`` writes it."""
    with bank.store.reading() as connection:
        return HEADERS[kind] + "".join(row for rows in extracts.all_rows(connection) for row in rows.of(kind))


def told(bank: PracticeBank, kind: str = CLIENT) -> list[str]:
    """The rows alone."""
    return exported(bank, kind).splitlines()[1:]


@on_every_engine
class Rows(DatabaseCase):
    """The rows of what happened."""

    def setUp(self) -> None:
        tariff = Tariff(fees={"transfer": {"USD": 25}})
        self.bank = PracticeBank(url=self.database(), terms=replace(PRACTICE_TERMS, tariff=tariff))
        self.addCleanup(self.bank.close)
        self.alice = self.bank.add_customer("alice", deposit_minor=100_00)
        self.bob = self.bank.add_customer("bob")

    def test_a_session(self) -> None:
        """Each row has whose it was, what and how much, both balances, when, and the session if it was done in one."""
        alice, bob = self.bank.log_in(self.alice), self.bank.log_in(self.bob)
        self.bank.clock.advance(1.5)
        alice.ask("a DEPOSIT amount=5 currency=USD key=a")
        self.bank.clock.advance(60)
        alice.ask(f"b TRANSFER to={self.bob.account} amount=1000 currency=USD key=b")
        bob.ask("c WITHDRAW amount=250 currency=USD key=c")
        began = "2026-09-21T14:13:20.000000Z"
        later, last = "2026-09-21T14:13:21.500000Z", "2026-09-21T14:14:21.500000Z"
        a, b = "+12025550101", "+12025550102"
        self.assertEqual(
            told(self.bank),
            [
                f"{a},deposit,100.00,100.00,100.00,{began},,",
                f"{a},deposit,0.05,100.05,100.05,{later},{began},1.500000",
                f"{a},fee,-0.25,99.80,100.05,{last},{began},61.500000",
                f"{a},paid,-10.00,89.80,100.05,{last},{began},61.500000",
                f"{b},received,10.00,10.00,100.05,{last},,",
                f"{b},withdrawal,-2.50,7.50,97.55,{last},{began},61.500000",
            ],
        )
        self.assertEqual(told(self.bank, BANK)[-1], f"{b},withdrawal,-2.50,97.55,{last}")
        self.assertEqual(len(told(self.bank, BANK)), 6)

    def test_what_was_said_stays(self) -> None:
        """What happens later changes no row: not a new session, a new number, another's with the old one, nor the end
        of an account; it is in the rows that come after.
        """
        alice = self.bank.log_in(self.alice)
        alice.ask("a DEPOSIT amount=5 currency=USD key=a")
        before = [told(self.bank, kind) for kind in KINDS]
        self.bank.clock.advance(10)
        alice.ask("b UPDATE_CONTACT mobile=2025550199", "c DEPOSIT amount=6 currency=USD key=c", "d LOGOUT")
        self.bank.add_customer("carol", 1, mobile=self.alice.mobile)
        self.bank.clock.advance(10)
        alice = self.bank.log_in(self.alice)
        alice.ask(f"e DELETE_ACCOUNT pin={self.alice.pin} payout={self.bob.account}")
        after = [told(self.bank, kind) for kind in KINDS]
        self.assertEqual([rows[:2] for rows in after], before)
        said = [row.split(",") for row in after[0][2:]]
        self.assertEqual(
            [(row[0], row[1], row[2], row[7]) for row in said],
            [
                ("+12025550199", "deposit", "0.06", "10.000000"),
                (self.alice.mobile, "deposit", "0.01", ""),
                ("+12025550199", "paid", "-100.11", "0.000000"),
                (self.bob.mobile, "received", "100.11", ""),
            ],
        )

    def test_two_changes_at_one_place(self) -> None:
        """Of two numbers, or two sessions, between which nothing moved, the later is told; without a number none is."""
        for mobile in ("2025550198", "2025550199"):
            alice = self.bank.log_in(self.alice)
            alice.ask(f"a UPDATE_CONTACT mobile={mobile}", "b LOGOUT")
            self.bank.clock.advance(5)
        alice = self.bank.log_in(self.alice)
        self.bank.clock.advance(1)
        alice.ask("c DEPOSIT amount=5 currency=USD key=c")
        self.assertRegex(told(self.bank)[-1], r"^\+12025550199,deposit,0\.05,.*,1\.000000$")
        nobody = self.bank.add_customer("dora", 1, mobile=None)
        self.assertRegex(told(self.bank)[-1], r"^,deposit,0\.01,")
        self.assertEqual(nobody.mobile, None)

    def test_whose_session(self) -> None:
        """The session is that of who asked: the payee who captures or releases, and none of what the bank does."""
        alice = self.bank.log_in(self.alice)
        alice.ask(f"a HOLD to={self.bob.account} amount=500 currency=USD seconds=600 key=a")
        alice.ask(f"b HOLD to={self.bob.account} amount=600 currency=USD seconds=600 key=b")
        alice.ask("c HOLD amount=700 currency=USD seconds=60 key=c")
        bob = self.bank.log_in(self.bob)
        bob.ask("a CAPTURE hold=2 amount=400 key=a", "b RELEASE hold=3 key=b")
        self.bank.clock.advance(100)
        self.bank.expire_holds()
        alice.ask(f"d TRANSFER to={self.bob.account} amount=100 currency=USD key=d")
        with self.bank.store.writing() as tx:
            whose: Any = {"customer_id": self.bob.customer_id, "account_id": self.bob.account_id, "fence": None}
            payments.apply(tx, [Reversal(**whose, key=":proposal:1", of_id=10)])
        said = [row.split(",") for row in told(self.bank)]
        self.assertEqual(
            [(row[0][-1], row[1], row[2], bool(row[6])) for row in said[1:]],
            [
                ("1", "hold", "-5.00", True),
                ("2", "promised", "5.00", False),
                ("1", "hold", "-6.00", True),
                ("2", "promised", "6.00", False),
                ("1", "hold", "-7.00", True),
                ("1", "fee", "-0.25", False),
                ("1", "paid", "-4.00", False),
                ("2", "received", "4.00", True),
                ("2", "withdrawn", "-6.00", True),
                ("1", "released", "6.00", False),
                ("1", "released", "7.00", False),
                ("1", "fee", "-0.25", True),
                ("1", "paid", "-1.00", True),
                ("2", "received", "1.00", False),
                ("2", "reversal", "-1.00", False),
                ("1", "reversal", "1.00", False),
            ],
        )

    def test_currencies(self) -> None:
        """The bank's balance is that of the entry's own currency, with that currency's decimals."""
        with self.bank.store.writing() as tx:
            yen = accounts.open_account(tx, self.bank.random.randrange, self.alice.customer_id, "JPY")
            deposit = replace(self.bank.deposit(self.alice, 500, "yen"), account_id=yen.id, currency="JPY")
            payments.apply(tx, [deposit, self.bank.deposit(self.bob, 1, "cent")])
        said = [row.split(",")[2:5] for row in told(self.bank)]
        self.assertEqual(said[1:], [["500", "500", "500"], ["0.01", "0.01", "100.01"]])

    def test_pages(self) -> None:
        """Wherever a page begins, its rows are those of the whole; the place after an entry needs nothing before it."""
        with self.bank.store.writing() as tx:
            payments.apply(tx, [self.bank.deposit(self.bob, number, f"k{number}") for number in range(1, 9)])
        self.bank.log_in(self.bob).ask(f"b TRANSFER to={self.alice.account} amount=5 currency=USD key=b")
        whole = told(self.bank)
        self.patch(extracts, "_FOUND", extracts._FOUND.limit(3))
        self.assertEqual(told(self.bank), whole)
        with self.bank.store.reading() as connection:
            for entry_id in range(12):
                rows = extracts.rows(connection, extracts.place_after(connection, entry_id))
                following = [row.rstrip("\n") for each in rows for row in each.client]
                start = min(entry_id, 10) + 2 * (entry_id == 11)
                self.assertEqual(following, whole[start : start + len(following)], entry_id)
                self.assertEqual(len(rows), min(3, 11 - entry_id))
            counted = [extracts.entry_of(connection, row) for row in (1, 10, 11, 12)]
            self.assertEqual(counted, [(1, 1), (10, 10), (11, 12), (11, 12)])
            self.assertEqual(extracts.entry_of(connection, 13), None)


class Session(SynchronousTestCase):
    """How long a session had lasted."""

    def test_clock_set_back(self) -> None:
        """A clock that was set back makes no time less than nothing."""
        self.assertRegex(extracts._session(5, 7), r",0\.000000$")


class FileCase(SynchronousTestCase):
    """A test with a bank of two customers and some entries, and a file that is kept up with its journal."""

    kind = CLIENT

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder)
        self.addCleanup(self.bank.close)
        self.alice = self.bank.add_customer("alice", deposit_minor=100_00)
        self.bob = self.bank.add_customer("bob")
        self.wire = self.bank.log_in(self.alice)
        self.keys = iter(range(10_000))
        self.pay()
        self.path = folder / "client.csv"
        self.file = ExtractFile(self.path, self.kind)

    def pay(self, count: int = 1) -> None:
        """Have Alice pay Bob, and pay something in."""
        for _ in range(count):
            key = next(self.keys)
            self.wire.ask(f"a TRANSFER to={self.bob.account} amount=1 currency=USD key=t{key}")
            self.wire.ask(f"a DEPOSIT amount=1 currency=USD key=d{key}")

    def advance(self, file: ExtractFile | None = None) -> None:
        """Bring a file up to the journal's end."""
        with self.bank.store.reading() as connection:
            while (file or self.file).advance(connection):
                pass

    def assertUpToDate(self, why: object = None) -> None:
        """The file is what would be exported."""
        self.assertEqual(self.path.read_bytes().decode(), exported(self.bank, self.kind), why)


class Files(FileCase):
    """A file, and what may happen to it."""

    def test_kept_up(self) -> None:
        """It is made with its header, for the operator alone, and each time has what was added since."""
        self.addCleanup(os.umask, os.umask(0))
        self.advance()
        self.assertUpToDate()
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        for count in (1, 3):
            self.pay(count)
            self.advance()
            self.assertUpToDate()

    def test_bank(self) -> None:
        """The other file is kept up in the same way."""
        self.kind = BANK
        self.file = ExtractFile(self.path, BANK)
        self.advance()
        self.pay()
        self.advance()
        self.assertUpToDate()

    def test_cut_anywhere(self) -> None:
        """Wherever a crash cut it, it is gone on with from there, to the octet; also when entries came since."""
        self.advance()
        whole = self.path.read_bytes()
        self.pay()
        for length in range(len(whole) + 1):
            self.path.write_bytes(whole[:length])
            self.advance(ExtractFile(self.path, self.kind))
            self.assertUpToDate(length)

    def test_long(self) -> None:
        """Of a long one only the end is compared; it is gone on with at any of its lines."""
        self.pay(80)
        self.patch(extracts, "_FOUND", extracts._FOUND.limit(101))
        self.advance()
        lines = self.path.read_bytes().splitlines(keepends=True)
        for count in (len(lines) - 1, len(lines) - 2, 220, 221, 222):
            self.path.write_bytes(b"".join(lines[:count]))
            self.advance(ExtractFile(self.path, self.kind))
            self.assertUpToDate(count)

    def test_moved_away(self) -> None:
        """One that was moved away is made anew, whole."""
        self.advance()
        self.path.rename(self.path.with_suffix(".old"))
        self.pay()
        self.advance()
        self.assertUpToDate()

    def test_another_bank(self) -> None:
        """One whose rows are not those of the journal is set aside as it is, and a new one begun."""
        self.advance()
        whole = self.path.read_bytes()
        for number, rows in enumerate(
            (whole.replace(b"paid", b"gave"), whole + whole[-30:] + b"\ntorn", whole[:-9] + b"\n"), 1
        ):
            self.path.write_bytes(rows)
            with capturedLogs() as logged:
                self.advance(ExtractFile(self.path, self.kind))
            self.assertUpToDate(number)
            aside = self.path.with_name(f"client.csv.{number}")
            self.assertEqual(aside.read_bytes(), rows)
            self.assertIn(f"is now {aside}", formatEvent(logged[0]))

    def test_another_file(self) -> None:
        """One that is no such file is left as it is."""
        for text in ("Mobile_Number,Action\n", "127.0.0.1 localhost\n"):
            self.path.write_text(text)
            self.assertRaises(NotOurs, self.file.check)
            self.assertRaises(NotOurs, self.advance)
            self.assertEqual(self.path.read_text(), text)

    def test_full_disk(self) -> None:
        """A write that fails in part is taken back, and made up when there is room."""
        self.advance()
        before = self.path.read_bytes()
        for room in (0, 1, 70):
            self.pay()
            left = [room]

            def write_while_there_is_room(file: int, data: bytes, left: list[int] = left) -> int:
                if not left[0]:
                    raise OSError(errno.ENOSPC, "No space left on device")
                written = write(file, data[: left[0]])
                left[0] -= written
                return written

            patch = self.patch(os, "write", write_while_there_is_room)
            self.assertRaises(OSError, self.advance)
            patch.restore()
            self.assertEqual(self.path.read_bytes(), before)
        self.advance()
        self.assertUpToDate()


class Writing(FileCase):
    """The files while the bank is open."""

    def setUp(self) -> None:
        super().setUp()
        self.thread, self.clock = Stepped(), Clock()
        self.file = ExtractFile(self.path, CLIENT)
        self.other = ExtractFile(self.path.with_name("bank.csv"), BANK)
        files = (self.other, self.file)
        self.writer = ExtractWriter(files, self.bank.store.reading, self.thread, self.clock)

    def test_soon(self) -> None:
        """What was committed is written a little later, in the thread, once for all that came meanwhile."""
        self.writer.check()
        for _ in range(3):
            self.writer.wake()
        self.assertEqual(len(self.thread.waiting), 0)
        self.clock.advance(WAIT_SECONDS)
        self.assertEqual(len(self.thread.waiting), 1)
        self.thread.step()
        self.assertUpToDate()
        self.assertEqual(self.other.path.read_text(), exported(self.bank, BANK))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_while_it_writes(self) -> None:
        """What is committed while rows are written is written after them."""
        self.writer.wake()
        self.clock.advance(WAIT_SECONDS)
        self.writer.wake()
        self.thread.step()
        self.pay()
        self.clock.advance(WAIT_SECONDS)
        self.thread.step()
        self.assertUpToDate()
        self.assertEqual((len(self.thread.waiting), self.clock.getDelayedCalls()), (0, []))

    def test_fails(self) -> None:
        """A file that cannot be written is told of once, keeps nobody from the other, and is made up later."""
        self.other.path.mkdir()
        with capturedLogs() as logged:
            self.writer.wake()
            self.clock.advance(WAIT_SECONDS)
            self.thread.step()
            self.assertUpToDate()
            self.clock.advance(RETRY_SECONDS)
            self.thread.step()
            self.other.path.rmdir()
            self.clock.advance(RETRY_SECONDS)
            self.thread.step()
        self.assertEqual(self.other.path.read_text(), exported(self.bank, BANK))
        said = [formatEvent(event).partition("bank.csv ")[2].partition(":")[0] for event in logged]
        self.assertEqual(said, ["is not up to date", "is up to date again"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def closings(self) -> Iterator[None]:
        """Every state that it can be closed in."""
        yield
        self.writer.wake()
        yield
        self.writer.wake()
        self.clock.advance(WAIT_SECONDS)
        yield

    def test_closed(self) -> None:
        """Closing writes what there is, whatever was under way, and then nothing more."""
        for place, _ in enumerate(self.closings()):
            self.pay()
            closed = self.writer.close()
            self.thread.drain()
            self.successResultOf(closed)
            self.assertUpToDate(place)
            self.writer.wake()
            self.assertEqual(self.clock.getDelayedCalls(), [])
            self.writer = ExtractWriter((self.file,), self.bank.store.reading, self.thread, self.clock)

    def test_closed_while_it_fails(self) -> None:
        """A file that cannot be written does not keep the bank from closing."""
        self.path.mkdir()
        self.writer.wake()
        self.clock.advance(WAIT_SECONDS)
        self.thread.step()
        closed = self.writer.close()
        self.thread.drain()
        self.successResultOf(closed)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_none(self) -> None:
        """Without files nothing is done."""
        writer = ExtractWriter((), self.bank.store.reading, self.thread, self.clock)
        writer.wake()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.successResultOf(writer.close())
