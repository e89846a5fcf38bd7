"""The bank's certificate while the bank runs."""

import contextlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from bankd import certificates, tls
from bankd.certificate_forms import SERVER_LIFE
from bankd.certificates import RENEW_BEFORE
from bankd.renewal import LOOK_SECONDS, Renewal

DAY = timedelta(days=1)
BEGIN = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)


class Renewing(SynchronousTestCase):
    """``Renewal``, over files in a folder and a clock that a test sets."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        authority = certificates.ensure_authority(self.folder, BEGIN)
        self.paths = certificates.ensure_server_certificate(authority, self.folder, ["localhost", "::1"], BEGIN)
        self.context = tls.server_context(self.paths.certificate, self.paths.key)
        self.clock = Clock()
        self.clock.rightNow = BEGIN.timestamp()
        self.said: list[str] = []

        @implementer(ILogObserver)
        def hear(event: LogEvent) -> None:
            if event["log_namespace"] == "bankd.renewal.Renewal":
                self.said.append(event["log_format"])

        globalLogPublisher.addObserver(hear)
        self.addCleanup(globalLogPublisher.removeObserver, hear)

    def begin(self, own: bool = True) -> Renewal:
        """A renewal that has begun; without ``own`` of somebody else's certificate."""
        folder = self.folder if own else None
        renewal = Renewal(self.context, self.paths.certificate, self.paths.key, folder, self.clock)
        renewal.begin()
        self.addCleanup(renewal.end)
        return renewal

    def pass_days(self, count: float) -> None:
        """Let days pass, and a look after them."""
        self.clock.advance(count * DAY.total_seconds())
        self.clock.advance(LOOK_SECONDS)

    def shown(self) -> x509.Certificate:
        """What a client that connects now is shown."""
        client = ssl.create_default_context()
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        served = tls.Session(self.context)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        connection = client.wrap_bio(incoming, outgoing)
        with contextlib.suppress(ssl.SSLWantReadError):
            connection.do_handshake()
        served.incoming.write(outgoing.read())
        served.shake_hands()
        incoming.write(served.outgoing.read())
        connection.do_handshake()
        der = connection.getpeercert(binary_form=True)
        assert der is not None
        return x509.load_der_x509_certificate(der)

    def test_in_time(self) -> None:
        """30 days before its end it is issued anew for the same names, and shown; until then it stays as it is."""
        first = self.shown()
        self.begin()
        self.pass_days((SERVER_LIFE - RENEW_BEFORE) / DAY - 1)
        self.assertEqual(self.shown(), first)
        self.pass_days(1)
        second = self.shown()
        self.assertGreater(second.not_valid_after_utc, first.not_valid_after_utc + 50 * DAY)
        names = [one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value for one in (first, second)]
        self.assertEqual(*names)
        self.assertEqual(self.said, ["new connections are shown the new certificate in {path}"])

    def test_year_after_year(self) -> None:
        """There is one that has not ended, however long the bank runs."""
        self.begin()
        for _ in range(40):
            self.pass_days(10)
            now = datetime.fromtimestamp(self.clock.seconds(), UTC)
            self.assertGreater(self.shown().not_valid_after_utc, now + RENEW_BEFORE - DAY)

    def test_of_others(self) -> None:
        """A certificate by others is not renewed, and taken up when it was replaced."""
        first = self.shown()
        self.begin(own=False)
        self.pass_days(80)
        self.assertEqual(self.shown(), first)
        now = datetime.fromtimestamp(self.clock.seconds(), UTC)
        certificates.renew_server_certificate(self.folder, now)
        self.pass_days(0)
        self.assertNotEqual(self.shown(), first)

    def test_unusable(self) -> None:
        """A file that will not do is told, and what was shown before goes on to be; a better one is taken up later."""
        first, content = self.shown(), self.paths.certificate.read_bytes()
        self.begin(own=False)
        self.paths.certificate.write_text("nonsense")
        self.pass_days(0)
        self.assertEqual((self.said, self.shown()), (["the certificate is as old as before: {why}"], first))
        self.paths.certificate.write_bytes(b"again:\n" + content)
        self.pass_days(0)
        self.assertEqual(len(self.said), 2)

    def test_without_authority(self) -> None:
        """Where the authority's key is kept elsewhere, that is told when it is needed, and no other is made."""
        (self.folder / "ca.key").unlink()
        first = self.shown()
        self.begin()
        self.pass_days(1)
        self.assertEqual(self.said, [])
        self.pass_days(80)
        self.assertEqual(self.shown(), first)
        self.assertFalse((self.folder / "ca.key").exists())
        self.assertEqual(set(self.said), {"the certificate is as old as before: {why}"})

    def test_end(self) -> None:
        """After the end nothing is looked at; ending twice is well."""
        renewal = self.begin()
        renewal.end()
        renewal.end()
        self.assertEqual(self.clock.getDelayedCalls(), [])
