"""Events as messages to an MQTT broker, from which any number of programs can have them.

1. An event is one message to ``<topic>/<kind>``: the JSON of a webhook, with the event's id in it. It counts as taken
   once the broker has acknowledged it (QoS 1). A receiver drops doubles by the id.
2. TLS, with a certificate of an authority that is trusted; in the clear to this machine itself only.
3. The connection is kept for the next event, and made anew when it is needed and not there. The broker chooses the
   client's name, so that no other connection of the bank's is in its way.
"""

import json
import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client
from twisted.internet.defer import Deferred
from zope.interface import implementer

from bankd.delivery.address import is_loopback
from bankd.delivery.trust import secret_in
from bankd.forwarding.broker import Connection, in_thread, new_client
from bankd.happenings import Happening
from bankd.ibank import NotDelivered
from bankd.idelivery import Unusable
from bankd.iforwarding import IForwarder

PORTS = {"mqtt": 1883, "mqtts": 8883}
"""The usual ports, by the scheme of a URL."""

TOPIC = re.compile(r"[^\x00-\x20+#$/\x7f-\x9f][^\x00-\x1f+#/\x7f-\x9f]*(?:/[^\x00-\x1f+#/\x7f-\x9f]+)*")
"""A topic's beginning (section 4.7): levels that are not empty, no wildcard, and none of the broker's own."""

MOST_TOPIC = 200
"""Characters that it may have."""


@implementer(IForwarder)
class Mqtt:
    """Publishes events at a broker."""

    to_customers = False

    def __init__(
        self,
        settings: Mapping[str, Any],
        reactor: Any,
        client: Callable[..., Client] = new_client,
        thread: Callable[..., Deferred[object]] = in_thread,
    ) -> None:
        self._host, self._port, secure = _broker(settings["url"])
        self._topic = _topic(settings["topic"])
        password = None
        if settings["user"]:
            if settings["password_file"] is None:
                raise Unusable("password_file: it takes the file with the password of the user")
            password = secret_in(settings["password_file"])
        tls = _tls(settings["ca_file"]) if secure else None
        self._client = lambda: client(tls, settings["user"], password)
        self._reactor = reactor
        self._thread = thread
        self._connection: Connection | None = None

    def send(self, happening: Happening) -> Deferred[None]:
        """Publish an event."""
        return Deferred.fromCoroutine(self._send(happening))

    def close(self) -> None:
        """Take leave of the broker."""
        if self._connection is not None:
            self._connection.close()

    async def _send(self, happening: Happening) -> None:
        payload = json.dumps({"id": happening.id} | happening.as_json(), separators=(",", ":")).encode()
        connection = self._connection
        if connection is None or connection.over:
            if connection is not None and connection.connecting:
                raise NotDelivered("the broker has not answered yet", transient=True)
            connection = self._connection = Connection(self._client(), self._reactor, self._thread)
            await connection.open(self._host, self._port)
        await connection.publish(f"{self._topic}/{happening.notice.kind}", payload)


def _broker(text: str) -> tuple[str, int, bool]:
    """The broker's host and port, and whether it is spoken to by TLS. Raises Unusable."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    plain = re.fullmatch(r"[!-~]+", text) and not (parts.query or parts.fragment or parts.path.strip("/"))
    if not host or port == 0 or not plain or parts.scheme not in PORTS:
        raise Unusable("url: it takes the broker's address, such as mqtts://broker.example")
    if parts.username is not None or parts.password is not None:
        raise Unusable("url: a user and a password in it would be seen by all who see the settings")
    if parts.scheme == "mqtt" and not is_loopback(host):
        raise Unusable("url: mqtt is for a broker on this machine only (localhost, 127.0.0.1 or [::1]); mqtts does")
    return host, port or PORTS[parts.scheme], parts.scheme == "mqtts"


def _topic(text: str) -> str:
    if len(text) > MOST_TOPIC or TOPIC.fullmatch(text) is None:
        raise Unusable(
            f"topic: it takes how topics begin, such as bankd/example: up to {MOST_TOPIC} characters, without + and #,"
            " no / at the beginning or end or behind another, and no $ at the beginning"
        )
    return text


def _tls(authorities: Path | None) -> ssl.SSLContext:
    """TLS to a server that proves who it is to these authorities, or to those that this machine trusts."""
    if authorities is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cadata=authorities.read_text("ascii"))
    except (ssl.SSLError, ValueError):
        raise Unusable(f"ca_file: {authorities} holds no certificate") from None
