"""The way to the bank: an address, the certificates that are trusted, and a TLS connection that has been greeted.

The bank is believed only when its certificate was signed by an authority that we trust *and* names the host that was
asked for (RFC 9525); nothing older than TLS 1.3 is spoken. What goes wrong on the way is one NoBank with its cause.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from OpenSSL import SSL, crypto
from service_identity import VerificationError
from twisted.internet.defer import CancelledError
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Factory
from twisted.internet.ssl import (
    Certificate,
    PrivateCertificate,
    TLSVersion,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)

from bankd.client.address import Address
from bankd.client.bank import Bank
from bankd.client.conversation import Conversation
from bankd.client.errors import Cause, LostBank, NoBank
from bankd.client.keys import key_maker
from bankd.client.sealing import OPEN, Sealing

_ALERT = re.compile("alert (unknown ca|.*certificate)")  # what TLS says to one whose certificate will not do

CONNECT_SECONDS = 10.0
"""How long each of the host's addresses may take to answer."""


def trust_from(ca_file: Path | None) -> Any:
    """What signs the certificates that we trust: the authorities in ``ca_file``, or those of this computer for None.

    Raises OSError when the file cannot be read, and ValueError when it holds no certificate.
    """
    if ca_file is None:
        return platformTrust()
    authorities = x509.load_pem_x509_certificates(ca_file.read_bytes())
    return trustRootFromCertificates([Certificate(crypto.X509.from_cryptography(each)) for each in authorities])


def terminal_from(file: Path) -> PrivateCertificate:
    """The certificate in ``file``, with its key, by which the bank knows this terminal.

    Raises OSError when the file cannot be read, and ValueError when it does not hold both.
    """
    pem = file.read_bytes()
    try:
        certificate = PrivateCertificate.loadPEM(pem)
    except crypto.Error as error:
        raise ValueError(str(file)) from error
    return cast(PrivateCertificate, certificate)


async def reach(
    reactor: Any,
    address: Address,
    trust: Any,
    random: Callable[[int], bytes] = os.urandom,
    terminal: Any = None,
    *,
    sealing: Sealing = OPEN,
    tell: Callable[[str], object] = str,
) -> Bank:
    """A bank that has greeted us at ``address``, with the conversation sealed as ``sealing`` says. Raises NoBank.

    ``terminal`` is the certificate that is shown there; ``tell`` is told in words what a person should know.
    """
    conversation = await _connect(reactor, address, trust, terminal)
    try:
        greeting = await conversation.greeted
        await sealing.begin(conversation, address, reactor.seconds(), tell)
    except LostBank as lost:
        raise NoBank(address, cause_of(lost), lost.warning) from lost
    except (CancelledError, NoBank):
        conversation.close()
        raise
    transport = cast(ITransport, conversation.transport)
    ends = [getattr(end, "host", "") for end in (transport.getHost(), transport.getPeer())]
    return Bank(conversation, greeting, key_maker(reactor, random), *ends)


async def _connect(reactor: Any, address: Address, trust: Any, terminal: Any) -> Conversation:
    """A connection to ``address``, whose certificate is still to be checked. Raises NoBank."""
    try:
        tls = optionsForClientTLS(
            address.host,
            trustRoot=trust,
            clientCertificate=terminal,
            extraCertificateOptions={"raiseMinimumTo": TLSVersion.TLSv1_3},
        )
        tcp = HostnameEndpoint(reactor, address.host, address.port, timeout=CONNECT_SECONDS)
        factory = Factory.forProtocol(lambda: Conversation(reactor))
        return cast(Conversation, await wrapClientTLS(tls, tcp, reactor).connect(factory))
    except (DNSLookupError, ValueError) as error:
        raise NoBank(address, Cause.UNKNOWN_HOST) from error
    except ConnectError as error:
        raise NoBank(address, Cause.UNREACHABLE) from error


def cause_of(lost: LostBank) -> Cause:
    """Why a conversation was over before the bank had greeted."""
    reason = lost.reason.value if lost.reason else None
    if lost.warning is not None:
        return Cause.TURNED_AWAY
    if isinstance(reason, VerificationError):
        return Cause.WRONG_NAME
    if isinstance(reason, SSL.Error) and "certificate verify failed" in str(reason):
        return Cause.UNTRUSTED
    if isinstance(reason, SSL.Error) and _ALERT.search(str(reason)):
        return Cause.WRONG_TERMINAL
    return Cause.NOT_A_BANK
