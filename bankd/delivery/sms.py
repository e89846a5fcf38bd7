"""Text messages, through any gateway that takes them by HTTP.

1. Each message is one POST. Its body is made of a template in the settings: a JSON object, or a form. The template is
   read once, and number and text are put into the values that it has; so nothing in them can add to the body.
2. A status of 200 to 299 says that the gateway has taken the message, 429 or 500 and above that trying again may help.
   The gateway's words are thrown away. A redirection is not followed: what we send is for the gateway in the settings.
3. TLS, with a certificate of an authority that is trusted; in the clear to this machine itself only.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import partial
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import optionsForClientTLS
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool, RequestTransmissionFailed, ResponseFailed
from twisted.web.http_headers import Headers
from twisted.web.iweb import IPolicyForHTTPS, IResponse
from zope.interface import implementer

from bankd.delivery.address import is_loopback
from bankd.delivery.trust import secret_in, trust_root
from bankd.ibank import NotDelivered
from bankd.idelivery import ICourier, Unusable
from bankd.records import Contact, Parcel

CONNECT_SECONDS = 10

PLACES = ("{to}", "{text}")
_PLACE = re.compile(r"\{(to|text)\}")

Fill = Callable[[str], str]


@implementer(ICourier)
class Sms:
    """Has a gateway send parcels as text messages, without their subjects. It reaches whoever has a mobile number."""

    way = "sms"

    def __init__(self, settings: Mapping[str, Any], reactor: Any) -> None:
        self._url = _url(settings["url"])
        self._headers = {"Content-Type": ["application/json"], "User-Agent": ["bankd"]}
        self._template = _template(settings["template"])
        if isinstance(self._template, list):
            self._headers["Content-Type"] = ["application/x-www-form-urlencoded"]
        if settings["token_file"] is not None:
            self._headers["Authorization"] = [_authorization(settings["user"], secret_in(settings["token_file"]))]
        elif settings["user"]:
            raise Unusable("token_file: it takes the file with the password of the user")
        pool = HTTPConnectionPool(reactor, persistent=False)
        self._agent = Agent(reactor, _Policy(trust_root(settings["ca_file"])), CONNECT_SECONDS, pool=pool)

    def address(self, contact: Contact) -> str | None:
        """The mobile number."""
        return contact.mobile

    def send(self, contact: Contact, parcel: Parcel) -> Deferred[None]:
        """Hand ``parcel`` to the gateway; cancelling drops the connection."""
        return Deferred.fromCoroutine(self._send(self.body(str(contact.mobile), parcel.text)))

    async def _send(self, body: bytes) -> None:
        producer = FileBodyProducer(BytesIO(body))
        try:
            response = await self._agent.request(b"POST", self._url, Headers(self._headers), producer)
        except (ConnectError, DNSLookupError) as error:
            raise NotDelivered(f"the gateway cannot be reached: {error}", transient=True) from None
        except (RequestTransmissionFailed, ResponseFailed) as error:
            raise _no_response(error) from None
        _drop_body(response)
        if not 200 <= response.code < 300:
            transient = response.code == 429 or response.code >= 500
            raise NotDelivered(f"the gateway answered {response.code}", transient)

    def body(self, mobile: str, text: str) -> bytes:
        """What the gateway is sent."""
        values = {"to": mobile, "text": text}

        def fill(template: str) -> str:
            return _PLACE.sub(lambda place: values[place[1]], template)

        if isinstance(self._template, list):
            return urlencode([(name, fill(value)) for name, value in self._template]).encode()
        return json.dumps(_filled(self._template, fill)).encode()


def _url(text: str) -> bytes:
    """The gateway's address, as it travels. Raises Unusable."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or not re.fullmatch(r"[!-~]+", text) or parts.scheme not in ("http", "https"):
        raise Unusable("url: it takes the gateway's address, such as https://gateway.example/messages")
    if parts.username is not None or parts.password is not None:
        raise Unusable("url: user and password belong into user and token_file")
    if parts.scheme == "http" and not is_loopback(host):
        raise Unusable("url: http is for a gateway on this machine only (localhost, 127.0.0.1 or [::1]); https does")
    return text.encode()


def _template(text: str) -> Any:
    """The template: a dict for JSON, a list of names and values for a form. Raises Unusable."""
    try:
        template = json.loads(text) if text.startswith("{") else parse_qsl(text, strict_parsing=True)
    except ValueError:
        template = None
    found: list[str] = []
    _filled(template, lambda value: found.append(value) or value)  # type: ignore[func-returns-value]
    if not all(any(place in value for value in found) for place in PLACES):
        raise Unusable("template: it takes a JSON object or a form, with {to} and {text} in its values")
    return template


def _filled(template: Any, fill: Fill) -> Any:
    """``template`` with each text in it filled in; names stay as they are."""
    match template:
        case str():
            return fill(template)
        case list() | tuple():
            return [_filled(each, fill) for each in template]
        case dict():
            return {name: _filled(each, fill) for name, each in template.items()}
    return template


def _authorization(user: str, secret: str) -> str:
    """The header that says who we are: RFC 7617 where there is a user, RFC 6750 where there is only a token."""
    return f"Basic {b64encode(f'{user}:{secret}'.encode()).decode()}" if user else f"Bearer {secret}"


def _no_response(error: RequestTransmissionFailed | ResponseFailed) -> NotDelivered:
    """Why there is no answer; what TLS found wrong does not mend itself."""
    if any(reason.check(VerificationError) for reason in error.reasons):
        return NotDelivered("the gateway's certificate was made for another name")
    if any(reason.check(SSL.Error) for reason in error.reasons):
        return NotDelivered("no TLS with the gateway: its certificate is not trusted, or it speaks none")
    return NotDelivered("the connection was lost before the gateway answered", transient=True)


@implementer(IPolicyForHTTPS)
class _Policy:
    """Trusts the authorities that it was given."""

    def __init__(self, trust: Any) -> None:
        self._options = partial(optionsForClientTLS, trustRoot=trust)

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        return self._options(hostname.decode("ascii"))


class _Nothing(Protocol):
    """Reads nothing of what the gateway says."""

    transport: Any

    def connectionMade(self) -> None:
        self.transport.loseConnection()


def _drop_body(response: IResponse) -> None:
    response.deliverBody(_Nothing())
