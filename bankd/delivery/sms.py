"""Text messages, through any gateway that takes them by HTTP.

1. Each message is one POST. Its body is made of a template in the settings: a JSON object, or a form. The template is
   read once, and number and text are put into the values that it has; so nothing in them can add to the body.
2. A status of 200 to 299 says that the gateway has taken the message, 429 or 500 and above that trying again may help.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from twisted.internet.defer import Deferred
from zope.interface import implementer

from bankd.delivery.https import Poster, url
from bankd.delivery.trust import secret_in
from bankd.ibank import NotDelivered
from bankd.idelivery import ICourier, Unusable
from bankd.records import Contact, Parcel

PLACES = ("{to}", "{text}")
_PLACE = re.compile(r"\{(to|text)\}")

Fill = Callable[[str], str]


@implementer(ICourier)
class Sms:
    """Has a gateway send parcels as text messages, without their subjects. It reaches whoever has a mobile number."""

    way = "sms"

    def __init__(self, settings: Mapping[str, Any], reactor: Any) -> None:
        self._url = url(settings["url"], "gateway", "https://gateway.example/messages")
        self._headers = {"Content-Type": "application/json", "User-Agent": "bankd"}
        self._template = _template(settings["template"])
        if isinstance(self._template, list):
            self._headers["Content-Type"] = "application/x-www-form-urlencoded"
        if settings["token_file"] is not None:
            self._headers["Authorization"] = _authorization(settings["user"], secret_in(settings["token_file"]))
        elif settings["user"]:
            raise Unusable("token_file: it takes the file with the password of the user")
        self._poster = Poster(reactor, settings["ca_file"], "gateway")

    def address(self, contact: Contact) -> str | None:
        """The mobile number."""
        return contact.mobile

    def send(self, contact: Contact, parcel: Parcel) -> Deferred[None]:
        """Hand ``parcel`` to the gateway; cancelling drops the connection."""
        return Deferred.fromCoroutine(self._send(self.body(str(contact.mobile), parcel.text)))

    async def _send(self, body: bytes) -> None:
        code = await self._poster.post(self._url, self._headers, body)
        if not 200 <= code < 300:
            raise NotDelivered(f"the gateway answered {code}", transient=code == 429 or code >= 500)

    def body(self, mobile: str, text: str) -> bytes:
        """What the gateway is sent."""
        values = {"to": mobile, "text": text}

        def fill(template: str) -> str:
            return _PLACE.sub(lambda place: values[place[1]], template)

        if isinstance(self._template, list):
            return urlencode([(name, fill(value)) for name, value in self._template]).encode()
        return json.dumps(_filled(self._template, fill)).encode()


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
