"""Terminals that the bank has enrolled: their certificates, and PINs that are taken nowhere else."""

import contextlib
import re
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from bankd import certificates, codes, tls
from bankd.bank import access
from bankd.certificates import Authority
from bankd.client.reach import terminal_from
from bankd.codes import Refused
from bankd.credentials import AccountPin, MobilePin, NamePassword, Origin
from bankd.ibank import ICustomer
from bankd.store import terminals
from bankd.testing import PRACTICE_TERMS, PracticeBank
from tests.databases import DatabaseCase, on_every_engine
from tests.test_ctl import CtlCase
from tests.test_perspectives import Terminal as Mind

DAY = timedelta(days=1)
ENROLLED = Origin("192.0.2.1", "ab" * 32)


@on_every_engine
class Enrolled(DatabaseCase):
    """What the database knows of terminals."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder, terms=replace(PRACTICE_TERMS, pin_terminals=True), url=self.database())
        self.addCleanup(self.bank.close)

    def enrol(self, name: str, certificate: str) -> None:
        """Enrol a terminal."""
        with self.bank.store.writing() as tx:
            terminals.add(tx, name, certificate, tx.at_us + 1)

    def is_enrolled(self, certificate: str | None) -> bool:
        """Whether the bank takes PINs from a terminal with this certificate."""
        with self.bank.store.reading() as connection:
            return access.is_enrolled(connection, certificate)

    def test_enrolled(self) -> None:
        """A terminal is known by its certificate, until it has another or is revoked; its name stays."""
        self.assertEqual((self.is_enrolled(None), self.is_enrolled("ab" * 32)), (False, False))
        self.enrol("ATM 1", "ab" * 32)
        self.assertTrue(self.is_enrolled("ab" * 32))
        self.enrol("ATM 1", "cd" * 32)
        self.assertEqual((self.is_enrolled("ab" * 32), self.is_enrolled("cd" * 32)), (False, True))
        with self.bank.store.writing() as tx:
            self.assertEqual((terminals.revoke(tx, "ATM 1"), terminals.revoke(tx, "ATM 1")), (True, False))
            self.assertFalse(terminals.revoke(tx, "ATM 2"))
        self.assertFalse(self.is_enrolled("cd" * 32))
        self.enrol("ATM 1", "ef" * 32)
        self.assertTrue(self.is_enrolled("ef" * 32))
        with self.bank.store.reading() as connection:
            self.assertEqual([one.name for one in terminals.every(connection)], ["ATM 1"])
            found = terminals.named(connection, "ATM 1")
            self.assertEqual(found, terminals.with_certificate(connection, "ef" * 32))
            self.assertIsNone(terminals.named(connection, "ATM 2"))

    def log_in(self, credentials: Any) -> Any:
        """Log in; the code that refuses, or None."""
        outcome: Deferred[Any] = self.bank.portal.login(credentials, Mind(), ICustomer)
        found: list[Any] = []
        outcome.addBoth(found.append)
        [result] = found
        if isinstance(result, tuple):
            result[2]()
            return None
        return cast(Refused, result.value).code

    def test_pins(self) -> None:
        """PINs are taken at an enrolled terminal only, whose number they belong to; passwords everywhere."""
        alice = self.bank.add_customer("alice")
        self.enrol("ATM 1", "ab" * 32)
        pins = (
            AccountPin(alice.account, alice.pin),
            MobilePin(alice.mobile, alice.pin),
            MobilePin("+12025550199", "24680"),
        )
        for credentials in pins:
            self.assertEqual(self.log_in(credentials), codes.NEEDS_TERMINAL)
            stranger = replace(credentials, origin=Origin("192.0.2.1", "cd" * 32))
            self.assertEqual(self.log_in(stranger), codes.NEEDS_TERMINAL)
            self.assertIsNone(self.log_in(replace(credentials, origin=ENROLLED)))
        self.assertIsNone(self.log_in(NamePassword("alice", alice.password)))
        wrong = AccountPin(alice.account, "13579", ENROLLED)
        self.assertEqual(self.log_in(wrong), codes.WRONG_SECRET)


class Certified(SynchronousTestCase):
    """The certificates, and what TLS makes of them."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.now = datetime.now(UTC)
        self.authority = self.make_authority("terminals")
        servers = self.make_authority("servers")
        paths = certificates.ensure_server_certificate(servers, self.folder, ["localhost"], self.now)
        self.server = tls.server_context(paths.certificate, paths.key, self.authority.certificate_path)
        self.servers = servers.certificate_path

    def make_authority(self, name: str) -> Authority:
        """An authority in a folder of its own."""
        (self.folder / name).mkdir()
        return certificates.ensure_authority(self.folder / name, self.now, f"our {name}")

    def make(self, authority: Authority | None = None, now: datetime | None = None) -> Path:
        """A terminal's file."""
        path = self.folder / f"{len(list(self.folder.iterdir()))}.pem"
        certificates.make_terminal(authority or self.authority, path, "ATM 1", now or self.now, DAY)
        return path

    def shake_hands(self, file: Path | None) -> x509.Certificate | None:
        """What the server knows of a client with this certificate, after the handshake. Raises ssl.SSLError."""
        context = ssl.create_default_context(cafile=str(self.servers))
        if file is not None:
            context.load_cert_chain(file)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        session = tls.Session(self.server)
        done = False
        while not done:
            with contextlib.suppress(ssl.SSLWantReadError):
                client.do_handshake()
            session.incoming.write(outgoing.read())
            done = session.shake_hands()
            incoming.write(session.outgoing.read())
        return session.peer_certificate()

    def test_form(self) -> None:
        """The certificate is the terminal's, for clients only, of its days and no more."""
        path = self.make()
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        made = x509.load_pem_x509_certificate(path.read_bytes())
        made.verify_directly_issued_by(self.authority.certificate)
        self.assertEqual(made.subject.rfc4514_string(), "CN=ATM 1")
        self.assertIn("our terminals on ", self.authority.certificate.subject.rfc4514_string())
        self.assertLess(made.not_valid_after_utc, self.now + DAY)
        uses = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        self.assertEqual(list(uses), [ExtendedKeyUsageOID.CLIENT_AUTH])

    def test_nothing_overwritten(self) -> None:
        """A file that is there stays as it is."""
        path = self.make()
        whole = path.read_bytes()
        self.assertRaises(FileExistsError, certificates.make_terminal, self.authority, path, "ATM 2", self.now, DAY)
        self.assertEqual(path.read_bytes(), whole)

    def test_handshake(self) -> None:
        """A terminal is known by its certificate, and who shows none is welcome."""
        path = self.make()
        shown = self.shake_hands(path)
        assert shown is not None
        self.assertEqual(shown, x509.load_pem_x509_certificate(path.read_bytes()))
        self.assertIsNone(self.shake_hands(None))

    def test_strangers(self) -> None:
        """A certificate of somebody else, one for servers, and one that has ended are refused."""
        other = self.make_authority("others")
        ended = self.make(now=self.now - 3 * DAY)
        server = self.folder / "both.pem"
        server.write_bytes((self.folder / "server.key").read_bytes() + (self.folder / "server.pem").read_bytes())
        for file in (self.make(other), ended, server):
            with self.assertRaises(ssl.SSLError):
                self.shake_hands(file)

    def test_unusable(self) -> None:
        """A file that names no authority is told."""
        junk = self.folder / "junk"
        junk.write_bytes(b"junk")
        with self.assertRaises(tls.Unusable) as caught:
            tls.server_context(self.folder / "server.pem", self.folder / "server.key", junk)
        self.assertEqual(str(caught.exception), f"{junk} holds no certificate in PEM")

    def test_of_the_client(self) -> None:
        """The client reads certificate and key from the one file, and says when either is missing."""
        path = self.make()
        whole = path.read_bytes()
        self.assertIn("ATM 1", str(terminal_from(path).getSubject()))
        for content in (
            b"",
            b"junk",
            whole[: whole.index(b"-----BEGIN CERT")],
            whole[whole.index(b"-----BEGIN CERT") :],
        ):
            path.write_bytes(content)
            self.assertRaises(ValueError, terminal_from, path)


class Commands(CtlCase):
    """``bankctl terminal``."""

    def setUp(self) -> None:
        super().setUp()
        self.init()
        self.file = Path(self.mktemp())

    def terminal(self, *arguments: str) -> Any:
        """Run a command on this bank."""
        return self.bankctl("terminal", *arguments, "--state", str(self.state))

    def test_enrol(self) -> None:
        """A terminal gets its file, and is in the list with the certificate's fingerprint."""
        done = self.terminal("enrol", "ATM 1", "--out", str(self.file), "--days", "30")
        self.assertEqual((done.status, done.complaints), (0, ""))
        made = x509.load_pem_x509_certificate(self.file.read_bytes())
        self.assertIn(f"terminal ATM 1: key and certificate in {self.file}, good until ", done.printed)
        self.assertNotIn("PRIVATE", done.printed)
        listed = self.terminal("list").printed
        self.assertRegex(listed, rf"^ATM 1 +good until .* SHA-256 {made.fingerprint(SHA256()).hex()}\n$")
        with self.store().reading() as connection:
            self.assertTrue(access.is_enrolled(connection, made.fingerprint(SHA256()).hex()))

    def test_default_file(self) -> None:
        """Without a file's name it is the terminal's own, in the folder where the operator is."""
        done = self.terminal("enrol", f"till-{self.file.name}")
        self.assertEqual(done.status, 0)
        Path(f"till-{self.file.name}.pem").unlink()

    def test_revoke(self) -> None:
        """A terminal that is revoked is so in the list, and cannot be revoked again."""
        self.terminal("enrol", "ATM 1", "--out", str(self.file))
        done = self.terminal("revoke", "ATM 1")
        self.assertEqual(done.printed, "terminal ATM 1 is trusted no more, from its next log-in on\n")
        self.assertIn("revoked", self.terminal("list").printed)
        again = self.terminal("revoke", "ATM 1")
        self.assertEqual((again.status, again.complaints), (2, "bankctl: no terminal called ATM 1 is enrolled\n"))

    def test_ended(self) -> None:
        """A certificate that has ended is so in the list."""
        with self.store().writing() as tx:
            terminals.add(tx, "ATM 1", "ab" * 32, tx.at_us - 1)
        self.assertTrue(re.search("^ATM 1 +ended ", self.terminal("list").printed))

    def test_unusable(self) -> None:
        """A name that no line should hold, days that are too many, and a file that is there are refused."""
        for arguments, said in (
            (("\x1b[31m",), "will not do as a name"),
            ((" ATM",), "will not do as a name"),
            (("ATM", "--days", "0"), "--days is from 1 to 3650"),
        ):
            done = self.terminal("enrol", *arguments)
            self.assertEqual(done.status, 2)
            self.assertIn(said, done.complaints)
        self.file.write_text("mine")
        done = self.terminal("enrol", "ATM 1", "--out", str(self.file))
        self.assertEqual((done.status, done.complaints), (1, f"bankctl: {self.file}: exists already\n"))
        self.assertEqual(self.terminal("list").printed, "")
