"""The operators' desk: how ``bankctl`` asks the bank that serves, on its UNIX socket.

1. A request is asked under one key until it is answered: after a lost connection and after BUSY it is asked again, so
   that it is carried out once.
2. Whatever cannot be done ends as ``Unusable`` or ``Closed``, with a line for a person.
"""

import secrets
import socket
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import TypeVar

from bankd import codes
from bankd.client import words
from bankd.client.errors import Denied
from bankd.codes import Refused
from bankd.ctl.command import Unusable, printable, settings_of
from bankd.records import Decision, OperatorView
from bankd.wire import codec, grammar
from bankd.wire.codec import Reply
from bankd.wire.messages import Message

T = TypeVar("T")

MAX_TRIES = 3
"""How often something is asked."""

PAUSE_SECONDS = 1.0
"""How long a bank that is busy is left alone before it is asked again."""

PATIENCE_SECONDS = 180.0
"""How long the bank may take for an answer: longer than it tries to send a PIN to a device that does not answer."""


class Closed(OSError):
    """The bank does not serve operators, or ended the connection; the message says it in a line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bank answered: the lines of a list, and the one that ends it."""

    items: tuple[Reply, ...]
    end: Reply

    def read(self, kind: type[T]) -> list[T]:
        """The lines of the list as ``kind``."""
        return [codec.read_fields(kind, item.fields) for item in self.items]

    @property
    def decision(self) -> Decision:
        """What became of an order."""
        return codec.read_fields(Decision, self.end.fields)


class Desk:
    """One operator's way to the bank at ``path``; ``operator`` is who the bank says they are."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open()

    def ask(self, message: Message) -> Answer:
        """What the bank answers to ``message``. Raises Refused, Closed where it does not answer."""
        for left in reversed(range(MAX_TRIES)):
            try:
                return self._ask(message)
            except Refused as refused:
                if refused.code is not codes.BUSY or not left:
                    raise
                time.sleep(PAUSE_SECONDS)
            except Closed:
                raise
            except (OSError, EOFError) as error:
                if not left:
                    raise Closed(
                        "the bank ended the connection before it answered; 'bankctl act list' tells what was done"
                    ) from error
                self.close()
                self._open()
        raise AssertionError("the last try gives or raises")

    def close(self) -> None:
        """Go away."""
        self._file.close()

    def _open(self) -> None:
        try:
            self._file = _connected(self._path)
            self._read()  # the greeting
            self.operator = codec.read_fields(OperatorView, _unless_refused(self._read()).fields)
        except (FileNotFoundError, ConnectionRefusedError):
            raise Closed(f"no bank serves operators at {self._path}: start it, or say where with --socket") from None
        except PermissionError:
            raise Closed(f"you may not use {self._path}: it is for the bank's user and its group") from None
        except (OSError, EOFError) as error:
            raise Closed(f"the bank at {self._path} does not answer: {error or 'it ended the connection'}") from None

    def _ask(self, message: Message) -> Answer:
        self._file.write(codec.write_request("b", message) + b"\r\n")
        self._file.flush()
        items: list[Reply] = []
        while (reply := self._read()).number is None:
            items.append(reply)
        if reply.tag == "*":
            raise EOFError  # the bank closes, for a reason of its own
        return Answer(tuple(items), _unless_refused(reply))

    def _read(self) -> Reply:
        line = self._file.readline(grammar.MAX_LINE + 2)
        if not line.endswith(b"\r\n"):
            raise EOFError
        return codec.read_reply(line[:-2])


@contextmanager
def at_desk(options: Namespace) -> Iterator[Desk]:
    """A desk at the bank that the command's options name. What is refused there raises Unusable."""
    path = options.socket or settings_of(options).operator_socket
    if path is None:
        raise Unusable("the settings give operators no socket: operator_socket is empty")
    try:
        desk = Desk(path)
        try:
            yield desk
        finally:
            desk.close()
    except Refused as refused:
        raise Unusable(why(refused)) from None


def socket_argument(parser: ArgumentParser) -> None:
    """The argument of every command that asks the bank which serves."""
    parser.add_argument("--socket", type=Path, metavar="FILE", help="the bank's socket for operators")


def order_arguments(parser: ArgumentParser) -> None:
    """The arguments of every command that has something done."""
    socket_argument(parser)
    parser.add_argument("--reason", metavar="WORDS", required=True, help="why; it is kept with the act")


def reason_of(options: Namespace) -> str:
    """The words given with --reason. Raises Unusable."""
    try:
        return str(grammar.TEXT.parse(options.reason))
    except ValueError:
        raise Unusable("--reason takes 1 to 140 printable characters") from None


def number_of(text: str, name: str) -> int:
    """The number given as ``name``. Raises Unusable."""
    try:
        return int(grammar.COUNT.parse(text))
    except ValueError:
        raise Unusable(f"{name} takes a number of 18 digits at most") from None


def account_of(options: Namespace) -> str:
    """The account's number given as ACCOUNT. Raises Unusable."""
    try:
        return str(grammar.ACCOUNT.parse(options.account))
    except ValueError:
        raise Unusable(f"{printable(options.account)} is no account's number") from None


def new_key() -> str:
    """A key for one order, unlike every other."""
    return secrets.token_hex(16)


def told(decision: Decision, done: str) -> str:
    """What became of an order, for a person; ``done`` is said of one that was carried out."""
    if decision.expires_us is None:
        return done
    until = grammar.write_time(decision.expires_us)
    return f"proposal {decision.proposal}: it is done once another operator approves it, until {until}"


def why(refused: Refused) -> str:
    """Why something was not done, for a person."""
    said = words.refused(refused)
    unknown = refused.code in (codes.BUSY, codes.INCIDENT)
    end = "'bankctl act list' tells whether it was done" if unknown else "nothing was done"
    return f"{printable(said[:1].lower() + said[1:].removesuffix('.'))}; {end}"


def _connected(path: Path) -> BufferedIOBase:
    """A stream to and from the socket at ``path``. Raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE_SECONDS)
        connection.connect(str(path))
        return connection.makefile("rwb")


def _unless_refused(reply: Reply) -> Reply:
    """A reply that refuses nothing. Raises Refused."""
    code = reply.code
    if code is None:
        raise Closed(f"the bank answered {reply.number}, which this bankctl does not know")
    if code.refuses:
        raise Denied(code, reply.fields.get("field"), reply.fields.get("incident"))
    return reply
