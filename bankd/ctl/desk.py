"""The operators' desk: how ``bankctl`` asks the bank that serves.

1. A request is asked under one key until it is answered: after a lost connection and after BUSY it is asked again, so
   that it is carried out once.
2. Whatever cannot be done ends as ``Unusable`` or ``Closed``, with a line for a person.
"""

import json
import secrets
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from bankd import codes
from bankd.client import words
from bankd.client.errors import Denied
from bankd.codes import Refused
from bankd.ctl.command import Unusable, printable
from bankd.ctl.way import Way, way_arguments, way_of
from bankd.records import Decision, OperatorView
from bankd.wire import acts, codec, grammar
from bankd.wire.acts import Operate
from bankd.wire.codec import Reply
from bankd.wire.grammar import write_time
from bankd.wire.messages import Message

T = TypeVar("T")
M = TypeVar("M", bound=Message)

LOOKING: tuple[type[Message], ...] = (
    *(Operate, acts.FindAccount, acts.ListAccounts, acts.FindCustomer, acts.ListCustomers),
    *(acts.FindEntry, acts.Sessions, acts.Proposals, acts.Acts),
)
"""What changes nothing, and is asked also where nothing is to be done."""

MAX_TRIES = 3
"""How often something is asked."""

PAUSE_SECONDS = 1.0
"""How long a bank that is busy is left alone before it is asked again."""


class Withheld(Exception):
    """Something that the bank was not asked, as nothing was to be done; the message says what, for a person."""


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
    """One operator's conversation with the bank; ``operator`` is who the bank says they are."""

    def __init__(self, way: Way, only_looks: bool = False) -> None:
        self._way = way
        self._only_looks = only_looks
        self._open()

    def ask(self, message: Message) -> Answer:
        """What the bank answers to ``message``. Raises Refused, Closed where it does not answer, and
        Withheld for what would change something where that is not wanted.
        """
        if self._only_looks and not isinstance(message, LOOKING):
            words = codec.write_request("b", message).decode("ascii").split(" ")[1:]
            said = " ".join(word for word in words if not word.startswith("key="))
            raise Withheld(f"nothing was done; the bank would be asked: {said}")
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
        place = self._way.place
        try:
            self._file = self._way.connect()
            self._read()  # the greeting
            said = self._read() if self._way.is_local else self._ask(Operate()).end
            self.operator = codec.read_fields(OperatorView, _unless_refused(said).fields)
        except (FileNotFoundError, ConnectionRefusedError):
            raise Closed(f"no bank serves operators at {place}: start it, or say where with --socket") from None
        except PermissionError:
            raise Closed(f"you may not use {place}: it is for the bank's user and its group") from None
        except (OSError, EOFError) as error:
            raise Closed(f"the bank at {place} does not answer: {error or 'it ended the connection'}") from None

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
    try:
        desk = Desk(way_of(options), getattr(options, "dry_run", False))
        try:
            yield desk
        finally:
            desk.close()
    except Refused as refused:
        raise Unusable(why(refused)) from None


def json_argument(parser: ArgumentParser) -> None:
    """The argument by which a program is answered."""
    parser.add_argument("--json", action="store_true", help="print a JSON object for each, amounts in minor units")


def who_arguments(parser: ArgumentParser) -> None:
    """The arguments that say which customer."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--account", metavar="NUMBER", help="the account's number")
    which.add_argument("--username", metavar="NAME", help="the customer's user name")
    which.add_argument("--mobile", metavar="NUMBER", help="the customer's mobile number")


def who(kind: type[M], options: Namespace, **more: str) -> M:
    """The request of a ``kind`` about the customer that the arguments name. Raises Unusable."""
    given = {name: getattr(options, name) for name in ("account", "username", "mobile")}
    fields = {name: value for name, value in given.items() if value is not None}
    try:
        return codec.read_fields(kind, fields | more)
    except Refused as refused:
        raise Unusable(f"{printable(fields[refused.field or ''])} will not do for --{refused.field}") from None


def order_arguments(parser: ArgumentParser) -> None:
    """The arguments of every command that has something done."""
    way_arguments(parser)
    json_argument(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="say what the bank would be asked, and have nothing done"
    )
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


def fields_of(record: Any) -> dict[str, str | int]:
    """A record by the names of its fields, for a program; those that are empty are left out."""
    said = {name: getattr(record, name) for name in record.__slots__ if getattr(record, name) is not None}
    return {
        name.removesuffix("_us").removesuffix("_minor"): write_time(value) if name.endswith("_us") else value
        for name, value in said.items()
    }


def tell(options: Namespace, decision: Decision, done: str) -> None:
    """Print what became of an order; ``done`` is said of one that was carried out."""
    print(json.dumps(fields_of(decision)) if options.json else told(decision, done))


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


def _unless_refused(reply: Reply) -> Reply:
    """A reply that refuses nothing. Raises Refused."""
    code = reply.code
    if code is None:
        raise Closed(f"the bank answered {reply.number}, which this bankctl does not know")
    if code.refuses:
        raise Denied(code, reply.fields.get("field"), reply.fields.get("incident"))
    return reply
