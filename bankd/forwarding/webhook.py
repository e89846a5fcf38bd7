"""Events as signed POSTs to a URL, as the Standard Webhooks specification has them (standardwebhooks.com).

1. ``webhook-id`` is the event's, ``webhook-timestamp`` when it is sent, and ``webhook-signature`` is ``v1,`` and the
   HMAC-SHA-256 of both and the body, with dots between them, in base64.
2. A status of 200 to 299 says that the receiver has the event for good. Everything else is sent again. A redirection is
   not followed.
3. TLS, with a certificate of an authority that is trusted; in the clear to this machine itself only.
"""

import binascii
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from bankd.delivery.https import Poster, url
from bankd.delivery.trust import secret_in
from bankd.happenings import Happening
from bankd.ibank import NotDelivered
from bankd.idelivery import Unusable
from bankd.iforwarding import IForwarder

PREFIX = "whsec_"
LEAST_OCTETS, MOST_OCTETS = 24, 64
"""How long a secret is, by the specification."""


@implementer(IForwarder)
class Webhook:
    """Posts events to a URL."""

    to_customers = False

    def __init__(self, settings: Mapping[str, Any], reactor: Any) -> None:
        self._url = url(settings["url"], "receiver", "https://events.example/bank")
        if settings["secret_file"] is None:
            raise Unusable("secret_file: it takes the file with the secret that events are signed with")
        self._secret = _secret(secret_in(settings["secret_file"]))
        self._seconds = reactor.seconds
        self._poster = Poster(reactor, settings["ca_file"], "receiver")

    def send(self, happening: Happening) -> Deferred[None]:
        """Post an event."""
        return Deferred.fromCoroutine(self._send(happening))

    def close(self) -> None:
        """Nothing is held open: a connection is made for each event."""

    async def _send(self, happening: Happening) -> None:
        body = json.dumps(happening.as_json(), separators=(",", ":")).encode()
        code = await self._poster.post(self._url, self.headers(happening.id, body), body)
        if not 200 <= code < 300:
            raise NotDelivered(f"the receiver answered {code}", transient=True)

    def headers(self, event_id: str, body: bytes) -> dict[str, str]:
        """What goes before a body."""
        at = str(int(self._seconds()))
        signature = hmac.digest(self._secret, f"{event_id}.{at}.".encode() + body, "sha256")
        return {
            "Content-Type": "application/json",
            "User-Agent": "bankd",
            "webhook-id": event_id,
            "webhook-timestamp": at,
            "webhook-signature": f"v1,{b64encode(signature).decode()}",
        }


def _secret(text: str) -> bytes:
    """The octets that a secret spells. Raises Unusable, without a word of it."""
    try:
        octets = b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        octets = b""
    if not LEAST_OCTETS <= len(octets) <= MOST_OCTETS:
        raise Unusable(f"secret_file: it must hold {LEAST_OCTETS} to {MOST_OCTETS} octets in base64")
    return octets
