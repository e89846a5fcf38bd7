"""``bankctl`` at the operators' desk: what it asks a bank that serves, and what it tells whoever asked."""

import builtins
import errno
import io
import json
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from bankd.ctl import broadcast, desk, main, way
from bankd.store import customers
from bankd.testing import PRACTICE_TERMS, PracticeBank, Wire
from bankd.wire.roles import Role
from tests import test_ctl
from tests.test_ctl import CtlCase, Done

AMY, BEN = 1001, 1002

BESIDE = ("operator", "import", "export", "db", "cert")
"""What does not ask the bank that serves."""

PAGE = Path(__file__).resolve().parent.parent / "docs" / "operators.md"


class Stream:
    """What ``bankctl`` reads from and writes to: a connection to a practice bank."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._unread = [line.encode() + b"\r\n" for line in wire.greeting]
        self._unsent = b""

    def write(self, octets: bytes) -> None:
        """Keep what is to be sent."""
        self._unsent += octets

    def flush(self) -> None:
        """Send it."""
        octets, self._unsent = self._unsent, b""
        self._wire.send_octets(octets)
        self._unread += [line.encode() + b"\r\n" for line in self._wire.received()]

    def flush_and_lose(self) -> None:
        """Send it, and lose what is answered."""
        Stream.flush(self)
        self._unread.clear()

    def readline(self, _most: int) -> bytes:
        """The next line, or nothing once the connection is closed."""
        return self._unread.pop(0) if self._unread else b""

    def close(self) -> None:
        """Go away."""
        self._wire.drop()


class Screen(io.StringIO):
    """A terminal that something is printed to."""

    def isatty(self) -> bool:
        """It is one."""
        return True


class DeskCase(CtlCase):
    """A bank that serves, and ``bankctl`` run by its owner, or by whose ``uid`` is set."""

    two_people = False

    def setUp(self) -> None:
        super().setUp()
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder, terms=replace(PRACTICE_TERMS, two_people=self.two_people))
        self.addCleanup(self.bank.close)
        self.bank.add_operator("amy", Role.TELLER, AMY)
        self.bank.add_operator("ben", Role.ADMINISTRATOR, BEN)
        self.alice = self.bank.add_customer("alice", deposit_minor=1000_00)
        self.bob = self.bank.add_customer("bob")
        self.uid = 0
        self.patch(way, "at_socket", lambda _path: Stream(self.bank.operate(self.uid)))

    def sleep(self, _seconds: float) -> None:
        """What a command does between two questions: the bank makes its rounds."""
        self.bank.make_rounds()

    def run_as(self, uid: int, *arguments: str) -> Done:
        """Run a command as a user of the system."""
        self.uid = uid
        return self.bankctl(*arguments, "--socket", "/run/operators.sock")

    def told(self, uid: int, *arguments: str) -> list[str]:
        """What a command that succeeds prints, line by line."""
        done = self.run_as(uid, *arguments)
        self.assertEqual((done.status, done.complaints), (0, ""))
        return done.printed.splitlines()

    def refused(self, uid: int, *arguments: str) -> str:
        """What a command that cannot be carried out complains of, in one line."""
        done = self.run_as(uid, *arguments)
        self.assertEqual((done.status, len(done.complaints.splitlines())), (2, 1), done)
        return done.complaints.removeprefix("bankctl: ").removesuffix("\n")

    def pay(self, amount_minor: int = 2500) -> int:
        """Alice pays Bob; the number of the entry."""
        wire = self.bank.log_in(self.alice)
        [answer] = wire.ask(f"p TRANSFER to={self.bob.account} amount={amount_minor} currency=USD key=p reference=Rent")
        wire.drop()
        return int(answer.split("receipt=")[1].split(" ")[0])

    def balances(self) -> tuple[int, int]:
        """What Alice and Bob have."""
        with self.bank.store.reading() as connection:
            alice, bob = (customers.account(connection, known.account_id) for known in (self.alice, self.bob))
        return alice.balance_minor, bob.balance_minor


class AtOnce(DeskCase):
    """A bank in which one person is enough."""

    def test_credit(self) -> None:
        """Money is paid into an account, and its owner's statement says why."""
        lines = self.told(AMY, "credit", self.alice.account, "12.50", "--reason", "Counted again")
        self.assertEqual(lines, [f"12.50 USD paid into account {self.alice.account}; receipt 2"])
        self.assertEqual(self.balances(), (1012_50, 0))

    def test_credit_refused(self) -> None:
        """What is no amount, no account or no reason is told, and nothing was done."""
        for arguments, complaint in (
            (("99", "5", "--reason", "x"), "there is no such account; nothing was done"),
            (("no/ne", "5", "--reason", "x"), "no/ne is no account's number"),
            ((self.alice.account, "5\x1b", "--reason", "x"), "5\\x1b will not do: an amount is digits with at most"),
            ((self.alice.account, "5", "--reason", ""), "--reason takes 1 to 140 printable characters"),
        ):
            self.assertIn(complaint, self.refused(AMY, "credit", *arguments))
        self.assertEqual(self.balances(), (1000_00, 0))

    def test_reverse(self) -> None:
        """The movement is shown first, and then given back."""
        receipt = self.pay()
        lines = self.told(0, "reverse", str(receipt), "--reason", "Paid in error", "--yes")
        alice, bob = f"account {self.alice.account}", f"account {self.bob.account}"
        self.assertRegex(lines[0], rf"^receipt {receipt} of 20\d\d-.*Z: transfer of 25.00 USD$")
        self.assertEqual(
            lines[1:],
            [
                f"  from {alice} to {bob} (Rent)",
                f"to give back: 25.00 USD from {bob} to {alice}",
                f"given back; receipt {receipt + 1}",
            ],
        )
        self.assertEqual(self.balances(), (1000_00, 0))

    def test_reverse_part_by_part(self) -> None:
        """Parts are given back until nothing is left, and what was given before is told."""
        asked = ("reverse", str(self.pay()), "--reason", "x", "--yes")
        self.told(0, *asked, "--amount", "10")
        self.assertEqual(self.refused(0, *asked, "--amount", "15.01"), "only 15.00 USD of receipt 2 is left")
        self.assertIn("  given back before: 10.00 USD", self.told(0, *asked))
        self.assertEqual(self.balances(), (1000_00, 0))
        self.assertEqual(self.refused(0, *asked), "all of receipt 2 was given back before")

    def test_reverse_cash(self) -> None:
        """A deposit goes back to the till, and a reversal nowhere."""
        self.assertIn("  from the bank's till to account", self.told(0, *self.reversal(1), "--yes")[1])
        self.assertIn("receipt 2 is a reversal: it is no entry", self.refused(0, *self.reversal(2), "--yes"))

    def test_reverse_refused(self) -> None:
        """What is not there, not there any more, or no number is told in words."""
        self.assertEqual(self.refused(0, *self.reversal(99), "--yes"), "there is no entry 99 in the journal")
        receipt = self.pay()
        self.assertIn("--amount x will not do", self.refused(0, *self.reversal(receipt), "--amount", "x"))
        self.bank.log_in(self.bob).ask("w WITHDRAW amount=2500 currency=USD key=w")
        self.assertIn("has not so much available; nothing was done", self.refused(0, *self.reversal(receipt), "--yes"))
        for number in ("99999999999999999999", "x", "-1", "1_0", ""):
            done = self.run_as(0, "reverse", number, "--reason", "x", "--yes")
            self.assertEqual((done.status, done.printed, len(done.complaints.splitlines())), (2, "", 1), number)

    def test_reverse_asks(self) -> None:
        """Without --yes the operator is asked; anything but a yes, and the end of input, leaves it."""
        receipt = self.pay()
        self.patch(sys, "stdin", Terminal())
        for answer, status, balance in (("", 1, 975_00), (None, 1, 975_00), ("yes", 0, 1000_00)):
            self.patch(builtins, "input", Answers(answer))
            self.assertEqual(self.run_as(0, *self.reversal(receipt)).status, status)
            self.assertEqual(self.balances()[0], balance)

    def test_nobody_to_ask(self) -> None:
        """Without a terminal and without --yes nothing is done."""
        receipt = self.pay()
        self.patch(sys, "stdin", io.StringIO("y\n"))
        self.assertIn("--yes does it without", self.refused(0, *self.reversal(receipt)))
        self.assertEqual(self.balances()[0], 975_00)

    def test_reverse_of_another_kind_of_refusal(self) -> None:
        """A refusal that has nothing to do with the entry is told as any other."""
        self.bank.add_operator("ivy", Role.AUDITOR, 1003)
        said = self.refused(1003, *self.reversal(1), "--yes")
        self.assertEqual(said, "your role does not include this; nothing was done")
        self.assertEqual(self.refused(4711, *self.reversal(1)), "you are no operator of this bank; nothing was done")

    def test_pin(self) -> None:
        """A new PIN is sent, and no operator sees it."""
        lines = self.told(AMY, "pin", "reset", self.alice.account, "--reason", "Lost")
        self.assertEqual(lines, ["the PIN is void; a new one was sent by sms to …01"])
        self.patch(type(self.bank.post), "route", lambda _post, _contact: None)
        [line] = self.told(AMY, "pin", "reset", self.alice.account, "--reason", "Lost")
        self.assertIn("no new one was sent: the customer sets one after a log-in with the password", line)

    def test_account(self) -> None:
        """An account is found by its number, or by whose it is."""
        lines = self.told(AMY, "account", "find", "--username", "alice")
        self.assertEqual(lines[0], f"account {self.alice.account} of customer 1")
        self.assertEqual(lines[2:], ["  balance      1,000.00 USD", "  available    1,000.00 USD",
                                     "  user name    alice", f"  mobile       {self.alice.mobile}"])  # fmt: skip
        with self.bank.store.writing() as tx:
            customers.change_account(tx, self.bob.account_id, closed_us=tx.at_us)
        self.assertIn("  closed ", "\n".join(self.told(AMY, "account", "find", "--account", self.bob.account)))
        self.assertEqual(self.refused(AMY, "account", "find", "--mobile", "x"), "x will not do for --mobile")

    def reversal(self, receipt: int) -> tuple[str, ...]:
        """The command that gives an entry back."""
        return "reverse", str(receipt), "--reason", "Paid in error"


class TwoPeople(DeskCase):
    """A bank in which another operator has to approve."""

    two_people = True

    def test_approved(self) -> None:
        """What one proposes another sees and approves; both are in the acts."""
        [line] = self.told(AMY, "credit", self.alice.account, "5", "--reason", "Found")
        self.assertRegex(line, r"^proposal 1: it is done once another operator approves it, until 20\d\d-.*Z$")
        self.pay()
        self.told(AMY, "reverse", "2", "--reason", "Twice", "--yes")
        listed = self.told(BEN, "proposal", "list")
        self.assertRegex(listed[0], rf"^1: credit 5.00 USD to account {self.alice.account} \(Found\), by amy until ")
        self.assertRegex(listed[1], rf"^2: reverse entry 25.00 USD of receipt 2 from account {self.bob.account} ")
        self.assertEqual(self.told(BEN, "proposal", "approve", "1"), ["proposal 1 is carried out: receipt 3"])
        rejected = self.told(BEN, "proposal", "reject", "2", "--reason", "It was right")
        self.assertEqual(rejected, ["proposal 2 is rejected; nothing was done"])
        self.assertEqual(self.told(AMY, "proposal", "list"), ["nothing waits to be approved"])
        acts = [line.split("Z ")[1] for line in self.told(BEN, "act", "list") if "find" not in line]
        self.assertEqual(
            acts,
            [
                f"amy credit proposed: {self.alice.account} 5.00 USD proposal 1 (Found)",
                f"amy reverse_entry proposed: {self.bob.account} 25.00 USD of receipt 2 proposal 2 (Twice)",
                f"ben approve done: {self.alice.account} credit 5.00 USD proposal 1 made receipt 3 (Found)",
                f"ben reject done: {self.bob.account} reverse_entry proposal 2 (It was right)",
            ],
        )

    def test_pin(self) -> None:
        """The PIN is sent when it is approved."""
        self.told(AMY, "pin", "reset", self.alice.account, "--reason", "Lost")
        self.assertRegex(self.told(BEN, "proposal", "list")[0], rf"^1: reset pin to account {self.alice.account} ")
        told = "proposal 1 is carried out: the PIN is void; a new one was sent by sms to …01"
        self.assertEqual(self.told(BEN, "proposal", "approve", "1"), [told])

    def test_own(self) -> None:
        """Nobody approves what they proposed."""
        self.told(BEN, "credit", self.alice.account, "5", "--reason", "Found")
        said = self.refused(BEN, "proposal", "approve", "1")
        self.assertEqual(said, "you proposed this yourself; another operator has to approve it; nothing was done")

    def test_broadcast(self) -> None:
        """It waits until every account has the notice, and tells a person how far it has come."""
        self.patch(broadcast, "time", self)
        self.assertEqual(
            self.refused(BEN, "broadcast", "two\nlines", "--reason", "x"),
            "WORDS takes 1 to 140 printable characters",
        )
        lines = self.told(BEN, "broadcast", "Closed on Sunday", "--reason", "New machine")
        self.assertEqual(lines, ["broadcast 1: 2 accounts have a notice of it"])
        self.patch(test_ctl, "StringIO", Screen)
        done = self.run_as(BEN, "broadcast", "Open on Monday", "--reason", "New machine")
        self.assertEqual(done.complaints, "\r0 accounts so far\r\x1b[K")

    def test_acts_as_json(self) -> None:
        """A program gets an object for each act, from a number on."""
        self.told(AMY, "account", "find", "--account", self.alice.account)
        self.told(AMY, "pin", "reset", self.alice.account, "--reason", "Lost")
        [line] = self.told(0, "act", "list", "--since", "1", "--json")
        act = json.loads(line)
        self.assertEqual((act.pop("at")[:4], act["act"], act["verb"]), ("2026", 2, "reset_pin"))
        self.assertEqual(act["outcome"], "proposed")


class Page(DeskCase):
    """The commands that docs/operators.md shows."""

    two_people = True

    def test_table(self) -> None:
        """The table has every command there is, in the order of the help, with what that says of it."""
        rows = [f"| `{command.name}` | {command.meaning} |" for command in main.COMMANDS]
        table = "\n".join(
            ["<!-- every command -->", "| command | what it does |", "| --- | --- |", *rows, "<!-- end -->"]
        )
        self.assertIn(table, PAGE.read_text(encoding="utf-8"))

    def test_every_command(self) -> None:
        """Each is one that there is; those that ask the bank do what the page says, with a test's own numbers."""
        self.patch(broadcast, "time", self)
        receipt = self.pay()
        for key in "ab":
            wire = self.bank.operate(AMY)
            wire.ask(f"c CREDIT account={self.alice.account} amount=5 currency=USD key={key} reason=Found")
        own = {
            "10000042": self.alice.account,
            "10000059": self.bob.account,
            "104": str(receipt),
            "7": "1",
            "8": "2",
            "100": "0",
        }
        shown = re.findall(r"^\$ bankctl (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
        self.assertEqual(len(shown), 33)
        for command in shown:
            words = [own.get(word, word) for word in shlex.split(command)]
            if words[0].startswith("--"):
                self.assertEqual(self.bankctl(*words).status, 0)
            elif words[0] in BESIDE or "--server" in words:
                main._parser().parse_args(words)
            else:
                self.assertTrue(
                    self.told(BEN, *words, *(["--yes"] if {"reverse", "close"} & {*words[:2]} else [])), command
                )


class Trouble(DeskCase):
    """A bank that does not answer as it should."""

    def test_nobody_there(self) -> None:
        """What stands between the command and the bank is told in a plain line, with status 1."""
        for error, complaint in (
            (FileNotFoundError(errno.ENOENT, "x"), "no bank serves operators at /run/operators.sock"),
            (ConnectionRefusedError(), "no bank serves operators at /run/operators.sock"),
            (PermissionError(errno.EACCES, "x"), "you may not use /run/operators.sock"),
            (TimeoutError("timed out"), "the bank at /run/operators.sock does not answer: timed out"),
        ):
            self.patch(way, "at_socket", raising(error))
            done = self.run_as(0, "act", "list")
            self.assertEqual((done.status, len(done.complaints.splitlines())), (1, 1), done)
            self.assertIn(complaint, done.complaints)

    def test_no_socket(self) -> None:
        """A bank whose settings give operators no socket says so."""
        config = self.settings("[server]\noperator_socket =\n")
        done = self.bankctl("act", "list", "--config", config)
        self.assertEqual(
            done, Done(2, "", "bankctl: the settings give operators no socket: operator_socket is empty\n")
        )

    def test_over_tls(self) -> None:
        """What the way over TLS takes is told where it is missing or will not do."""
        empty = self.settings("")
        for arguments, complaint in (
            (("--server", "::"), ":: is no HOST:PORT"),
            (("--server", "localhost"), "name it with --terminal"),
            (("--server", "localhost", "--terminal", empty, "--ca", empty), "does not hold the certificate"),
        ):
            done = self.bankctl("act", "list", *arguments)
            self.assertEqual((done.status, len(done.complaints.splitlines())), (2, 1), done)
            self.assertIn(complaint, done.complaints)
        done = self.bankctl("act", "list", "--server", "localhost", "--terminal", "t", "--ca", "no.pem")
        self.assertEqual(done, Done(1, "", "bankctl: there is no file no.pem\n"))

    def test_lost_answers(self) -> None:
        """What was not answered is asked again under its key, so that it is done once; in the end that is told."""
        lost: list[Stream] = []

        def forgetful(_path: Path) -> Stream:
            stream = Stream(self.bank.operate(0))
            if len(lost) < 2:
                lost.append(stream)
                self.patch(stream, "flush", stream.flush_and_lose)
            return stream

        self.patch(way, "at_socket", forgetful)
        self.told(0, "pin", "reset", self.alice.account, "--reason", "Lost")
        self.assertEqual((len(lost), len(self.bank.post.sent)), (2, 1))
        self.patch(desk, "MAX_TRIES", 2)
        lost.clear()
        done = self.run_as(0, "pin", "reset", self.alice.account, "--reason", "Lost")
        self.assertEqual((done.status, "before it answered; 'bankctl act list' tells" in done.complaints), (1, True))

    def test_busy(self) -> None:
        """A bank that is busy is asked again, and then says so."""
        self.patch(desk, "PAUSE_SECONDS", 0)
        self.patch(way, "at_socket", lambda _path: Script(b"b 503 reason=busy\r\n" * 3))
        self.assertEqual(
            self.refused(0, "act", "list"),
            "the bank is busy. Please try again in a moment; 'bankctl act list' tells whether it was done",
        )

    def test_incident(self) -> None:
        """A fault of the bank's own is told with its number."""
        self.patch(way, "at_socket", lambda _path: Script(b"b 500 reason=incident incident=42\r\n"))
        self.assertIn("with the number 42", self.refused(0, "act", "list"))

    def test_what_is_not_known(self) -> None:
        """A code of a newer bank, and a bank that closes before it answers, are told."""
        for octets, complaint in (
            (b"b 299\r\n", "the bank answered 299"),
            (b"* 503 reason=stopping\r\n" * 3, "before it"),
        ):
            self.patch(way, "at_socket", lambda _path, octets=octets: Script(octets))
            self.assertIn(complaint, self.run_as(0, "act", "list").complaints)


class Script(io.BytesIO):
    """A bank that says what it is told to say."""

    def __init__(self, octets: bytes) -> None:
        super().__init__(b"* 200 protocol=BANK/1 bank=B currency=USD\r\n* 200 operator=amy role=teller\r\n" + octets)

    def write(self, octets: Any) -> int:
        """Hear what is asked."""
        return len(octets)


def raising(error: Exception) -> Any:
    """A function that raises ``error``."""

    def function(_path: Path) -> None:
        raise error

    return function


class Answers:
    """What somebody at a terminal types: a line, or with None the end of input."""

    def __init__(self, line: str | None) -> None:
        self.line = line

    def __call__(self, prompt: str) -> str:
        """The line."""
        if self.line is None:
            raise EOFError
        return self.line


class Terminal(io.StringIO):
    """Standard input that somebody sits at."""

    def isatty(self) -> bool:
        """Yes."""
        return True
