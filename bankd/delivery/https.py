"""POSTs to services by HTTPS, with a certificate of an authority that is trusted; by HTTP to this machine itself only.

What a service says is known by its status alone, and its words are thrown away. A redirection is not followed.
"""

import re
from collections.abc import Mapping
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import optionsForClientTLS
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool, RequestTransmissionFailed, ResponseFailed
from twisted.web.http_headers import Headers
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from bankd.delivery.address import is_loopback
from bankd.delivery.trust import trust_root
from bankd.ibank import NotDelivered
from bankd.idelivery import Unusable

CONNECT_SECONDS = 10


def url(text: str, name: str, example: str) -> bytes:
    """The address of a service, as it travels; errors call it ``name``. Raises Unusable."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or not re.fullmatch(r"[!-~]+", text) or parts.scheme not in ("http", "https"):
        raise Unusable(f"url: it takes the {name}'s address, such as {example}")
    if parts.username is not None or parts.password is not None:
        raise Unusable("url: a user and a password in it would be seen by all who see the settings")
    if parts.scheme == "http" and not is_loopback(host):
        raise Unusable(f"url: http is for a {name} on this machine only (localhost, 127.0.0.1 or [::1]); https does")
    return text.encode()


class Poster:
    """Posts to a service, which errors call ``name``. Raises Unusable and OSError where ``authorities`` will not do."""

    def __init__(self, reactor: Any, authorities: Path | None, name: str) -> None:
        pool = HTTPConnectionPool(reactor, persistent=False)
        self._agent = Agent(reactor, _Policy(trust_root(authorities)), CONNECT_SECONDS, pool=pool)
        self._name = name

    async def post(self, url: bytes, headers: Mapping[str, str], body: bytes) -> int:
        """The status of what is answered to ``body``. Raises NotDelivered where nothing is."""
        producer = FileBodyProducer(BytesIO(body))
        wanted = Headers({name: [value] for name, value in headers.items()})
        try:
            response = await self._agent.request(b"POST", url, wanted, producer)
        except (ConnectError, DNSLookupError) as error:
            raise NotDelivered(f"the {self._name} cannot be reached: {error}", transient=True) from None
        except (RequestTransmissionFailed, ResponseFailed) as error:
            raise self._no_response(error) from None
        response.deliverBody(_Nothing())
        return int(response.code)

    def _no_response(self, error: RequestTransmissionFailed | ResponseFailed) -> NotDelivered:
        """Why there is no answer; what TLS found wrong does not mend itself."""
        if any(reason.check(VerificationError) for reason in error.reasons):
            return NotDelivered(f"the {self._name}'s certificate was made for another name")
        if any(reason.check(SSL.Error) for reason in error.reasons):
            return NotDelivered(f"no TLS with the {self._name}: its certificate is not trusted, or it speaks none")
        return NotDelivered(f"the connection was lost before the {self._name} answered", transient=True)


@implementer(IPolicyForHTTPS)
class _Policy:
    """Trusts the authorities that it was given."""

    def __init__(self, trust: Any) -> None:
        self._options = partial(optionsForClientTLS, trustRoot=trust)

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        return self._options(hostname.decode("ascii"))


class _Nothing(Protocol):
    """Reads nothing of what a service says."""

    transport: Any

    def connectionMade(self) -> None:
        self.transport.loseConnection()
