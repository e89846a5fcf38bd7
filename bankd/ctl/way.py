"""The two ways by which ``bankctl`` reaches a bank that serves: its UNIX socket, and TLS with a certificate."""

import socket
import ssl
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from bankd import operator_socket
from bankd.client.address import Address, NotAnAddress
from bankd.ctl.command import Unusable, printable, settings_of

PATIENCE_SECONDS = 180.0
"""How long the bank may take for an answer: longer than it tries to send a PIN to a device that does not answer."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to the bank at ``place``. ``is_local`` where the bank sees by itself who comes."""

    place: str
    is_local: bool
    connect: Callable[[], BufferedIOBase]


def way_of(options: Namespace) -> Way:
    """The way that a command's options name. Raises OSError, SettingsError, and Unusable where they name none."""
    if options.server is not None:
        return _remote(options)
    path = options.socket or settings_of(options).operator_socket
    if path is None:
        raise Unusable("the settings give operators no socket: operator_socket is empty")
    return Way(str(path), True, lambda: at_socket(path))


def at_socket(path: Path) -> BufferedIOBase:
    """A stream to and from the socket at ``path``. Raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE_SECONDS)
        connection.connect(operator_socket.address(path))
        return connection.makefile("rwb")


def way_arguments(parser: ArgumentParser) -> None:
    """The arguments by which a command is told where the bank is that serves."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--socket", type=Path, metavar="FILE", help="the bank's socket for operators")
    which.add_argument("--server", metavar="HOST:PORT", help="where the bank serves TLS; it takes --terminal too")
    parser.add_argument("--terminal", type=Path, metavar="FILE", help="the certificate and key of your terminal")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="who signs the bank's certificate (ca.pem)")


def _remote(options: Namespace) -> Way:
    try:
        address = Address.parse(options.server)
    except NotAnAddress:
        raise Unusable(f"{printable(options.server)} is no HOST:PORT") from None
    if options.terminal is None:
        raise Unusable("over TLS an operator is known by the terminal's certificate; name it with --terminal")
    context = _context(options.ca or settings_of(options).state / "ca.pem", options.terminal)

    def connect() -> BufferedIOBase:
        plain = socket.create_connection((address.host, address.port), PATIENCE_SECONDS)
        with context.wrap_socket(plain, server_hostname=address.host) as connection:
            return connection.makefile("rwb")

    return Way(str(address), False, connect)


def _context(authorities: Path, terminal: Path) -> ssl.SSLContext:
    """TLS as the protocol's page has it, with the terminal's certificate. Raises OSError and Unusable."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    for path, load in ((authorities, context.load_verify_locations), (terminal, context.load_cert_chain)):
        path.open("rb").close()  # says which file cannot be read; ssl does not
        try:
            load(path)
        except ssl.SSLError:
            raise Unusable(f"{path} does not hold the certificate that it should") from None
    return context
