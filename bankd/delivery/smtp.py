"""Messages by e-mail, through a mail server (RFC 5321) that the settings name.

1. Nothing is sent in the clear but to this machine itself: TLS from the beginning, or STARTTLS (RFC 3207), which the
   server then must offer. The server's certificate must be of an authority that is trusted, and name the server.
2. A message is made by ``email.message``, which refuses a header that is more than one line. Addresses are plain ones.
3. What the server says is known by its number alone: its words may quote the address or the message.
"""

import re
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from email.utils import formatdate, make_msgid
from io import BytesIO
from typing import Any, cast

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.protocol import Factory, connectionDone
from twisted.mail.smtp import (
    DNSNAME,
    SUCCESS,
    AUTHDeclinedError,
    AUTHRequiredError,
    CramMD5ClientAuthenticator,
    ESMTPClient,
    LOGINAuthenticator,
    PLAINAuthenticator,
    TLSRequiredError,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from bankd.delivery.address import is_email, is_loopback
from bankd.delivery.trust import client_tls, secret_in
from bankd.ibank import NotDelivered
from bankd.idelivery import ICourier, Unusable
from bankd.records import Contact, Parcel

ANSWER_SECONDS = 30
"""How long the server may take for one answer, and to close when all was said."""

CONNECT_SECONDS = 10

_SENDER = re.compile(r'"?(?P<name>[^"<>]*?)"? *<(?P<address>[^<>]+)>|(?P<alone>[^<>]+)')
_POLICY = default.clone(cte_type="7bit")  # not every server takes other octets
_WORDS = {
    TLSRequiredError: "the server offers no STARTTLS",
    AUTHRequiredError: "the server offers no way to log in that bankd knows",
    AUTHDeclinedError: "the server refuses user and password",
}


@implementer(ICourier)
class Smtp:
    """Sends parcels as e-mails. It reaches whoever has an e-mail address that is an ordinary one."""

    way = "email"

    def __init__(self, settings: Mapping[str, Any], reactor: Any) -> None:
        self.reactor = reactor
        host, security = settings["host"], settings["security"]
        if not host:
            raise Unusable("host: it takes the name of the mail server")
        if security == "none" and not is_loopback(host):
            raise Unusable("security: none is for a server on this machine only (localhost, 127.0.0.1 or ::1)")
        self.sender = _sender(settings["from"])
        self.login: tuple[bytes, bytes] | None = None
        if settings["user"]:
            if settings["password_file"] is None:
                raise Unusable("password_file: it takes the file with the password of the user")
            self.login = settings["user"].encode(), secret_in(settings["password_file"]).encode()
        self.tls = client_tls(host, settings["ca_file"]) if security != "none" else None
        self._server: Any = HostnameEndpoint(reactor, host, settings["port"], timeout=CONNECT_SECONDS)
        if security == "tls":
            self._server = wrapClientTLS(cast(Any, self.tls), self._server, reactor)

    def address(self, contact: Contact) -> str | None:
        """The e-mail address; None for one that is quoted or has other oddities."""
        return contact.email if contact.email is not None and is_email(contact.email) else None

    def send(self, contact: Contact, parcel: Parcel) -> Deferred[None]:
        """Hand ``parcel`` to the mail server; cancelling drops the connection."""
        return Deferred.fromCoroutine(self._send(str(contact.email), parcel))

    async def _send(self, address: str, parcel: Parcel) -> None:
        message = self.message(address, parcel)
        try:
            factory = Factory.forProtocol(lambda: _Sender(self, address, message))
            factory.noisy = False
            sender = cast(_Sender, await self._server.connect(factory))
        except (ConnectError, DNSLookupError) as error:
            raise NotDelivered(f"the server cannot be reached: {error}", transient=True) from None
        await sender.sent

    def message(self, address: str, parcel: Parcel) -> bytes:
        """``parcel`` as an e-mail (RFC 5322), its lines ended by LF."""
        message = EmailMessage(_POLICY)
        message["From"] = self.sender
        message["To"] = Address(addr_spec=address)
        message["Subject"] = _plain(" ".join(parcel.subject.split()))
        message["Date"] = formatdate(self.reactor.seconds())
        message["Message-ID"] = make_msgid(domain=self.sender.domain)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is to answer it
        message.set_content("".join(f"{_plain(line)}\n" for line in parcel.text.splitlines()))
        return message.as_bytes()


def _sender(text: str) -> Address:
    """The sender in the settings, such as ``Demo Bank <bank@example.org>``. Raises Unusable."""
    found = _SENDER.fullmatch(text)
    if found is None or not is_email(found["address"] or found["alone"]):
        raise Unusable("from: it takes the sender's address, such as bank@example.org or Bank <bank@example.org>")
    return Address(found["name"] or "", addr_spec=found["address"] or found["alone"])


def _plain(line: str) -> str:
    return "".join(letter for letter in line if letter.isprintable() or letter == "\t")


class _Sender(ESMTPClient):
    """A connection to the mail server that sends one message; ``sent`` tells how that went."""

    debug = False  # it would keep every line, the password among them
    heloFallback = False
    timeout: Any = ANSWER_SECONDS
    transport: Any

    def __init__(self, courier: Smtp, address: str, message: bytes) -> None:
        user, password = courier.login or (b"", None)
        super().__init__(password, courier.tls, DNSNAME)  # type: ignore[no-untyped-call]
        self.requireTransportSecurity = courier.tls is not None
        self.requireAuthentication = courier.login is not None
        for authenticator in (CramMD5ClientAuthenticator, LOGINAuthenticator, PLAINAuthenticator):
            self.registerAuthenticator(authenticator(user))
        self.callLater = courier.reactor.callLater  # type: ignore[method-assign]
        self.sent: Deferred[None] = Deferred(lambda _sent: self.transport.abortConnection())
        self._mails = iter([courier.sender.addr_spec])
        self._address = address
        # Here and not by transformChunk, which misses a dot that begins a chunk (RFC 5321, section 4.5.2).
        self._data = re.sub(rb"(?m)^\.", b"..", message).replace(b"\n", b"\r\n")

    def esmtpState_starttls(self, code: int, resp: bytes) -> None:
        """Begin TLS, and forget what came in the clear behind the server's consent: anybody may have put it there."""
        self.clearLineBuffer()
        super().esmtpState_starttls(code, resp)  # type: ignore[no-untyped-call]

    def getMailFrom(self) -> str | None:
        return next(self._mails, None)

    def getMailTo(self) -> list[bytes]:
        return [self._address.encode()]

    def getMailData(self) -> BytesIO:
        return BytesIO(self._data)

    def transformChunk(self, chunk: bytes) -> bytes:
        return chunk

    def sentMail(self, code: int, resp: bytes, numOk: int, addresses: Any, log: Any) -> None:
        """The server has taken the message, or refused its sender, its address or itself."""
        if code in SUCCESS:
            self._tell(None)
        else:
            self._tell(NotDelivered(f"the server answered {code}", transient=400 <= code < 500))

    def sendError(self, exc: Any) -> None:
        """It did not come to the message."""
        said = f"the server answered {exc.code}" if exc.code > 0 else "the server does not speak SMTP as it should"
        transient = exc.code < 0 or 400 <= exc.code < 500
        self._tell(NotDelivered(_WORDS.get(type(exc), said), transient))
        super().sendError(exc)  # type: ignore[no-untyped-call]

    def timeoutConnection(self) -> None:
        self._tell(NotDelivered("the server says nothing", transient=True))
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        if reason.check(VerificationError):
            self._tell(NotDelivered("the server's certificate was made for another name"))
        elif reason.check(SSL.Error):
            self._tell(NotDelivered("no TLS with the server: its certificate is not trusted, or it speaks none"))
        else:
            self._tell(NotDelivered("the connection was lost", transient=True))

    def _tell(self, outcome: NotDelivered | None) -> None:
        """How it went, for whoever waits; only the first time counts."""
        if not self.sent.called:
            self.sent.callback(None) if outcome is None else self.sent.errback(outcome)
