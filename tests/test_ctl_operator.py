"""``bankctl operator``: who is an operator, as who owns the bank says it; and the socket that operators come by."""

import os
import pwd
import shutil
import socket
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet import reactor
from twisted.internet.protocol import Factory
from twisted.trial.unittest import TestCase

from bankd import operator_socket
from bankd.ctl.way import at_socket
from bankd.operator_socket import user_name
from bankd.store import operators, terminals
from tests.test_ctl import CtlCase, Done
from tests.test_peer import certificate


class Operators(CtlCase):
    """Operators come and go."""

    def setUp(self) -> None:
        super().setUp()
        self.init("")

    def operator(self, *arguments: str) -> Done:
        """Run a command about operators."""
        return self.bankctl("operator", *arguments, "--state", str(self.state))

    def refused(self, *arguments: str) -> str:
        """Why a command is not carried out, in a line."""
        done = self.operator(*arguments)
        self.assertEqual((done.status, done.printed, len(done.complaints.splitlines())), (2, "", 1), done)
        return done.complaints.removeprefix("bankctl: ").removesuffix("\n")

    def test_nobody(self) -> None:
        """At first nobody is one but who owns the bank."""
        self.assertEqual(self.operator("list"), Done(0, "nobody but who owns the bank\n", ""))

    def test_come_and_gone(self) -> None:
        """Who was added is listed, also once removed; both are acts of whoever ran the command."""
        done = self.operator("add", "amy", "--role", "teller", "--uid", "1001")
        self.assertEqual(done, Done(0, "amy is an operator now: teller, uid 1001\n", ""))
        me = pwd.getpwuid(os.geteuid()).pw_name
        self.assertEqual(self.operator("add", "ben", "--role", "auditor", "--user", me).status, 0)
        self.assertEqual(self.operator("remove", "amy").status, 0)
        amy, ben = self.operator("list").printed.splitlines()
        self.assertRegex(amy, r"^amy: teller, uid 1001, added 20[^ ]+Z, removed 20[^ ]+Z$")
        self.assertRegex(ben, rf"^ben: auditor, uid {os.geteuid()}, added 20[^ ]+Z$")
        with self.store().reading() as connection:
            acts = operators.acts_after(connection, None)
            self.assertIsNone(operators.with_uid(connection, 1001))
        self.assertEqual({act.operator for act in acts}, {user_name(os.geteuid())})
        told = [(act.verb, act.subject, act.details) for act in acts if act.subject == "amy"]
        self.assertEqual(told, [("operator_add", "amy", "teller, uid 1001"), ("operator_remove", "amy", None)])

    def test_certificate(self) -> None:
        """A certificate is known by its fingerprint, as the protocol knows it."""
        path = Path(self.mktemp())
        path.write_bytes(certificate().public_bytes(Encoding.PEM))
        known_by = x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(SHA256()).hex()
        said = self.refused("add", "kim", "--role", "teller", "--certificate", str(path))
        self.assertEqual(said, "this is no certificate of an enrolled terminal; 'bankctl terminal enrol' makes one")
        with self.store().writing() as tx:
            terminals.add(tx, "kim's", known_by, tx.at_us)
        done = self.operator("add", "kim", "--role", "administrator", "--certificate", str(path))
        self.assertEqual((done.status, done.complaints), (0, ""))
        self.assertEqual(done.printed, f"kim is an operator now: administrator, certificate {known_by}\n")
        with self.store().reading() as connection:
            self.assertIsNotNone(operators.with_certificate(connection, known_by))
        said = self.refused("add", "joe", "--role", "teller", "--certificate", str(path))
        self.assertEqual(said, "kim is the operator who is known by this; remove them first")

    def test_unusable(self) -> None:
        """A name that will not do or was somebody's, a user that is somebody's or nobody, and no proof at all."""
        self.operator("add", "amy", "--role", "teller", "--uid", "1001")
        self.operator("remove", "amy")
        self.operator("add", "ben", "--role", "teller", "--uid", "1002")
        (self.state / "no.pem").write_text("no")
        for arguments, complaint in (
            (("add", "amy", "--uid", "1003"), "amy is or was an operator, and the acts speak of them by this name"),
            (("add", "eve", "--uid", "1002"), "ben is the operator who is known by this; remove them first"),
            (("add", "Eve", "--uid", "1003"), "NAME takes 3 to 32 lower-case letters, digits, _ and -"),
            (("add", "eve", "--user", "no-such-user"), "this system has no user no-such-user"),
            (("add", "eve"), "nothing tells who this is; name --user, --uid or --certificate"),
            (("add", "eve", "--certificate", str(self.state / "no.pem")), "no.pem holds no certificate in PEM"),
        ):
            self.assertIn(complaint, self.refused(*arguments, "--role", "teller"))
        self.assertEqual(self.refused("remove", "amy"), "nobody called amy is an operator")


class Names(CtlCase):
    """What an operator is called who is a user of the system."""

    def test_names(self) -> None:
        """A user's name where it can be an operator's, and the number otherwise."""
        self.assertEqual(user_name(0), "root")
        self.assertEqual(user_name(4_000_000), "uid-4000000")


class Listening(TestCase):
    """The socket is made where nobody serves, and nothing else is taken away for it."""

    def setUp(self) -> None:
        self.path = Path(mkdtemp(prefix="bankd-test-")) / "operators.sock"
        self.addCleanup(self.path.parent.rmdir)

    def test_fresh_and_stale(self) -> None:
        """A socket that a killed daemon has left is replaced."""
        with closing(socket.socket(socket.AF_UNIX)) as left:
            left.bind(str(self.path))
        port = operator_socket.listen(reactor, self.path, Factory())
        self.assertTrue(self.path.is_socket())
        self.assertEqual(self.path.stat().st_mode & 0o777, operator_socket.MODE)
        self.addCleanup(port.stopListening)

    def test_in_use(self) -> None:
        """Where another daemon serves, and where a file is, that is told, and both stay."""
        with closing(socket.socket(socket.AF_UNIX)) as other:
            other.bind(str(self.path))
            other.listen()
            with self.assertRaisesRegex(OSError, f"cannot listen on {self.path}: .*; operator_socket names another"):
                operator_socket.listen(reactor, self.path, Factory())
            self.assertTrue(self.path.is_socket())
        self.path.unlink()
        self.path.write_text("a file")
        self.assertRaises(OSError, operator_socket.listen, reactor, self.path, Factory())
        self.assertEqual(self.path.read_text(), "a file")
        self.path.unlink()

    def test_deep_folder(self) -> None:
        """A socket deeper in folders than its address has room for is made, replaced, reached and removed."""
        folder = Path(mkdtemp(prefix="bankd-test-")) / ("x" * 120)
        self.addCleanup(shutil.rmtree, folder.parent)
        folder.mkdir()
        path = folder / "operators.sock"
        with closing(socket.socket(socket.AF_UNIX)) as left:
            left.bind(operator_socket.address(path))
        port = operator_socket.listen(reactor, path, Factory())
        self.addCleanup(lambda: self.assertFalse(path.exists()))
        self.addCleanup(port.stopListening)
        at_socket(path).close()
        with self.assertRaisesRegex(OSError, "cannot listen on .*; operator_socket names another"):
            operator_socket.listen(reactor, path, Factory())

    def test_too_long(self) -> None:
        """A name that is longer than the system takes is told."""
        self.assertRaises(OSError, operator_socket.listen, reactor, self.path.parent / ("x" * 120), Factory())
