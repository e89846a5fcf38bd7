"""The operators' socket of a real daemon: who may use it, as the kernel tells, and what two people do on it."""

import os
import socket
import stat
import sys
from contextlib import closing
from io import BufferedIOBase
from pathlib import Path
from tempfile import mkdtemp

from twisted.trial.unittest import SkipTest

from tests.system.support import BIN, DEADLINE_SECONDS, Done, SystemTestCase, environment, run
from tests.system.test_daemon import MortalBank

AMY, BEN, STRANGER = 21_001, 21_002, 21_003
OUTSIDER_GROUP = 21_000

AS_USER = """
import os, sys
from bankd.ctl import main
uid, gid = int(sys.argv[1]), int(sys.argv[2])
os.setgroups([])
os.setgid(gid)
os.setuid(uid)
sys.exit(main.main(sys.argv[3:]))
"""
"""``bankctl`` run by another user, who need not be able to read where Python is."""


class SocketCase(SystemTestCase):
    """A bank whose socket is in a folder that the bank's group can enter, as it is on a machine with several users."""

    def setUp(self) -> None:
        super().setUp()
        self.socket = self.folder / "desk" / "operators.sock"
        self.socket.parent.mkdir(mode=0o750)
        self.folder.chmod(0o711)

    def prepare(self) -> MortalBank:
        """A bank in which two people are needed, that does not serve yet."""
        settings = {"two_people": "yes", "operator_socket": str(self.socket)}
        return MortalBank(Path(mkdtemp(dir=self.folder)), settings)

    def serve(self) -> MortalBank:
        """The same, and it serves."""
        bank = self.prepare()
        bank.start()
        self.addCleanup(bank.stop)
        return bank

    def run_as(self, uid: int, *command: str, gid: int | None = None) -> Done:
        """Run ``bankctl`` as a user of the system, who is in the bank's group unless ``gid`` is another."""
        if os.geteuid() != 0:
            print("a system test is skipped: only root can run bankctl as other users", file=sys.stderr)
            raise SkipTest("only root can run bankctl as other users")
        group = str(os.getegid() if gid is None else gid)
        options = [*command, "--socket", str(self.socket)]
        return run([sys.executable, "-c", AS_USER, str(uid), group, *options], environment({}), self.folder)


class TwoUsers(SocketCase):
    """Amy is a teller and Ben an administrator, each with a user of their own on the bank's machine."""

    def setUp(self) -> None:
        super().setUp()
        self.bank = self.serve()
        self.alice = self.bank.customers[0]
        for name, role, uid in (("amy", "teller", AMY), ("ben", "administrator", BEN)):
            done = self.bank.bankctl("operator", "add", name, "--role", role, "--uid", str(uid))
            self.assertEqual((done.status, done.complaints), (0, ""))

    def credit(self) -> Done:
        """Amy pays five dollars in for Alice."""
        return self.run_as(AMY, "credit", self.alice.account, "5", "--reason", "Counted again")

    def balance(self) -> str:
        """What Alice has, in cents."""
        return self.bank.told(f"account:{self.alice.account}", self.alice.pin, "Check Balance")[0]["balance"]

    def test_two_people(self) -> None:
        """What one user proposes another approves; the owner of the bank sees who did what."""
        self.assertRegex(self.credit().lines[0], "^proposal 1: it is done once another operator approves it, until ")
        refused = self.run_as(AMY, "proposal", "approve", "1")
        self.assertIn("your role does not include this", refused.complaints)
        self.assertEqual(self.balance(), "100000")
        self.assertRegex(self.run_as(BEN, "proposal", "list").lines[0], "^1: credit 5.00 USD .*, by amy until ")
        self.assertRegex(
            self.run_as(BEN, "proposal", "approve", "1").lines[0], r"^proposal 1 is carried out: receipt \d"
        )
        self.assertEqual(self.balance(), "100500")
        acts = self.bank.bankctl("act", "list").lines
        self.assertEqual(len([line for line in acts if " amy approve role:" in line]), 1, acts)
        self.assertEqual(len([line for line in acts if " ben approve done:" in line]), 1, acts)
        self.assertEqual(len([line for line in acts if " operator_add done: amy teller, uid 21001" in line]), 1, acts)
        self.assert_right(self.bank)

    def test_over_tls(self) -> None:
        """An operator at another machine is known by the terminal's certificate, and by nothing else."""
        pem = self.bank.folder / "kim.pem"
        self.assertEqual(self.bank.bankctl("terminal", "enrol", "kim", "--out", str(pem)).status, 0)
        add = ("operator", "add", "kim", "--role", "auditor", "--certificate", str(pem))
        self.assertEqual(self.bank.bankctl(*add).complaints, "")
        there = ("--server", self.bank.server, "--ca", str(self.bank.state / "ca.pem"), "--terminal", str(pem))
        acts = run([str(BIN / "bankctl"), "act", "list", *there], environment({}), self.folder)
        self.assertEqual((acts.status, acts.complaints), (0, ""))
        self.assertIn(" operator_add done: kim auditor, certificate ", acts.lines[-1])
        self.assertEqual(self.bank.bankctl("terminal", "revoke", "kim").status, 0)
        gone = run([str(BIN / "bankctl"), "act", "list", *there], environment({}), self.folder)
        self.assertEqual(gone.complaints, "bankctl: you are no operator of this bank; nothing was done\n")

    def test_removed(self) -> None:
        """A connection that is open is no operator's any more once the operator is removed."""
        done = self.bank.bankctl("operator", "remove", "amy")
        self.assertEqual(done.lines, ["amy is an operator no more, also on connections that are open"])
        self.assertIn("you are no operator of this bank", self.credit().complaints)

    def test_strangers(self) -> None:
        """A user in the bank's group who is no operator is refused by the bank, and one outside of it by the system."""
        done = self.run_as(STRANGER, "act", "list")
        self.assertEqual(
            (done.status, done.complaints), (2, "bankctl: you are no operator of this bank; nothing was done\n")
        )
        done = self.run_as(AMY, "act", "list", gid=OUTSIDER_GROUP)
        self.assertEqual((done.status, done.complaints.startswith("bankctl: you may not use ")), (1, True))
        self.assertIn(f"uid {STRANGER} (process ", self.bank.log)


class Life(SocketCase):
    """The socket from the start of the daemon to its end."""

    def test_made_and_taken_away(self) -> None:
        """It is for the bank's user and group alone, and gone when the bank has stopped."""
        bank = self.serve()
        self.assertEqual(stat.S_IMODE(self.socket.stat().st_mode), 0o660)
        with closing(self.connect()) as line:
            greeting, operator = (line.readline() for _ in range(2))
            self.assertTrue(greeting.startswith(b"* 200 protocol=BANK/1 "), greeting)
            self.assertRegex(operator, rb"^\* 200 operator=\S+ role=administrator\r\n$")
            line.write(b"a LOGIN account=1 pin=12345\r\nb OPERATE\r\nc NOOP\r\n")
            line.flush()
            answers = [line.readline() for _ in range(3)]
            self.assertEqual(answers, [b"a 403 reason=state\r\n", b"b 403 reason=state\r\n", b"c 200\r\n"])
            bank.stop()
            self.assertEqual(line.readline(), b"* 503 reason=stopping\r\n")
        self.assertFalse(self.socket.exists())
        done = bank.bankctl("act", "list")
        complaint = f"bankctl: no bank serves operators at {self.socket}: start it, or say where with --socket\n"
        self.assertEqual((done.status, done.complaints), (1, complaint))

    def test_left_behind(self) -> None:
        """A killed daemon's socket is replaced, and a living one's is not taken away."""
        bank = self.serve()
        bank.kill()
        self.assertTrue(self.socket.is_socket())
        bank.start()
        self.assertEqual(bank.bankctl("proposal", "list").lines, ["nothing waits to be approved"])
        other = self.prepare()
        done = run(other.daemon_command(), environment({}), other.folder)
        self.assertEqual(done.status, 1)
        said = "\n".join([*done.lines, done.complaints])
        self.assertIn(f"bankd: cannot listen on {self.socket}: ", said)
        self.assertEqual(bank.bankctl("proposal", "list").status, 0)

    def connect(self) -> BufferedIOBase:
        """A connection to the socket, to be spoken by hand."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(DEADLINE_SECONDS)
        connection.connect(str(self.socket))
        with connection:
            return connection.makefile("rwb")
