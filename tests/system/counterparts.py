"""What deliveries talk to, on this machine: a mail server and an SMS gateway that do as a test tells them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import succeed
from twisted.internet.protocol import Factory
from twisted.internet.ssl import CertificateOptions, PrivateCertificate
from twisted.mail.smtp import ESMTP, IMessage, IMessageDelivery, LOGINCredentials, SMTPServerError
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site
from zope.interface import implementer

from bankd import certificates

USER, PASSWORD = b"bank", b"canary-password-4711"


def certificate(folder: Path, *names: str) -> tuple[Path, CertificateOptions]:
    """A new authority, and a certificate of it for these names: the authority's file, and what a server needs."""
    folder.mkdir(exist_ok=True)
    authority = certificates.ensure_authority(folder, datetime.now(UTC))
    paths = certificates.ensure_server_certificate(authority, folder, names, datetime.now(UTC))
    both = PrivateCertificate.loadPEM(paths.certificate.read_bytes() + paths.key.read_bytes())
    return authority.certificate_path, both.options()


@implementer(IMessage)
class _Mail:
    """A mail while it comes in."""

    def __init__(self, mails: list[bytes]) -> None:
        self._mails = mails
        self._lines: list[bytes] = []

    def lineReceived(self, line: bytes) -> None:
        """One more line."""
        self._lines.append(line)

    def eomReceived(self) -> Any:
        """It is whole."""
        self._mails.append(b"".join(line + b"\n" for line in self._lines))
        return succeed(None)

    def connectionLost(self) -> None:
        """It will never be whole."""


class _MailConnection(ESMTP):
    """A connection to the mail server."""

    factory: Any

    def connectionMade(self) -> None:
        """Note it."""
        self.factory.open.append(self)
        super().connectionMade()  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Any = None) -> None:
        """Note that too."""
        self.factory.open.remove(self)
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def lineReceived(self, line: bytes) -> Any:
        """Note the line; say what the test wants said to it, or what a mail server does."""
        self.factory.lines.append(line)
        for verb, answers in self.factory.answers.items():
            if line.upper().startswith(verb) and answers:
                answer = answers.pop(0)
                if answer is None:
                    return None  # and never anything
                if answer == b"":
                    return self.transport.abortConnection()  # type: ignore[union-attr]
                return self.sendLine(answer)
        return super().lineReceived(line)  # type: ignore[no-untyped-call]

    def receivedHeader(self, helo: Any, origin: Any, recipients: Any) -> bytes:
        """Add nothing."""
        return b""

    def validateFrom(self, helo: Any, origin: Any) -> Any:
        """Take mails from whoever has logged in, where that is asked."""
        if self.factory.asks_login and not self.authenticated:
            raise SMTPServerError(530, "Authentication required")
        return origin

    def validateTo(self, user: Any) -> Callable[[], _Mail]:
        """Take mails to everybody."""
        self.factory.recipients.append(bytes(user.dest))
        return lambda: _Mail(self.factory.mails)


@implementer(IRealm)
class _Realm:
    """Whoever has logged in may send."""

    def requestAvatar(self, avatar_id: Any, mind: Any, *interfaces: Any) -> Any:
        """Nothing of their own."""
        return IMessageDelivery, None, lambda: None


class MailServer(Factory):
    """A mail server. ``answers`` are said to lines that begin so, in turn: None is silence, b"" hangs up.

    ``lines`` are what it was told outside of mails, ``mails`` the mails, ``open`` its connections.
    """

    def __init__(self, starttls: Any = None, asks_login: bool = False) -> None:
        self.asks_login = asks_login
        self.answers: dict[bytes, list[bytes | None]] = {}
        self.lines: list[bytes] = []
        self.mails: list[bytes] = []
        self.recipients: list[bytes] = []
        self.open: list[ESMTP] = []
        self._starttls = starttls
        checker = InMemoryUsernamePasswordDatabaseDontUse()
        checker.addUser(USER, PASSWORD)
        self._portal = Portal(_Realm(), [checker])

    def buildProtocol(self, addr: Any) -> ESMTP:
        """A connection."""
        protocol = _MailConnection({b"LOGIN": LOGINCredentials} if self.asks_login else {}, self._starttls)
        protocol.portal = self._portal  # type: ignore[assignment]
        protocol.factory = self
        return protocol


class Gateway(Resource):
    """An SMS gateway. ``answers`` are the statuses of its answers, in turn, and 200 after them; None is silence.

    ``asked`` are the requests: method, headers by lower-case name, and body. ``endless`` answers never end.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.asked: list[tuple[bytes, dict[bytes, bytes], bytes]] = []
        self.answers: list[int | None] = []
        self.endless = False
        self.lost = 0

    def site(self) -> Site:
        """What to listen with."""
        return Site(self)

    def render(self, request: Request) -> Any:
        """Answer."""
        content: Any = request.content
        self.asked.append((request.method, request.getAllHeaders(), content.read()))
        status = self.answers.pop(0) if self.answers else 200
        request.notifyFinish().addErrback(self._gone)
        if status is None:
            return NOT_DONE_YET
        request.setResponseCode(status)
        if 300 <= status < 400:
            request.setHeader(b"location", b"/elsewhere")
        if self.endless:
            request.write(b"canary of the gateway " * 100)
            return NOT_DONE_YET
        return b"{}"

    def _gone(self, _reason: Any) -> None:
        self.lost += 1
