"""Lines to values and back, in both directions: what the server reads the client writes, and the other way round.

1. A line is octets without its CRLF. Reading takes three steps, so that the answer is the code of highest precedence:
   ``split`` (is it a request at all?), ``kind_of`` (is the verb known?), ``read_message`` (are the fields right?).
2. Annotations are the format: a frozen dataclass whose fields are annotated with kinds of ``grammar`` can be read and
   written, requests and records alike. Its names travel without their units: ``amount_minor`` as ``amount``.
3. A field that is None does not travel.
4. Percent-encoding is undone once, where a line is read; a bank refuses what it does not know, a client passes over it.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar, get_args, get_type_hints
from urllib.parse import quote, unquote_to_bytes

from bankd import codes
from bankd.codes import Code, Refused
from bankd.wire import grammar
from bankd.wire.grammar import Kind
from bankd.wire.messages import BY_VERB, Message

T = TypeVar("T")

_FIELDS = rb"(?: " + grammar.NAME + rb"=" + grammar.VALUE + rb")*"
_REQUEST = re.compile(rb"(?P<tag>" + grammar.TAG + rb") (?P<verb>" + grammar.VERB + rb")(?P<fields>" + _FIELDS + rb")")
_REPLY = re.compile(rb"(?P<tag>\*|" + grammar.TAG + rb") (?P<code>-|[0-9]{3})(?P<fields>" + _FIELDS + rb")")
_TAGGED = re.compile(rb"(?P<tag>" + grammar.TAG + rb")(?: |$)")
_NEVER = re.compile(rb"[\r\n\x00]")
_UNITS = re.compile(r"_(minor|us|seconds)$")

_NUMBERS = [code.number for code in codes.ALL]
_SOLE = {code.number: code for code in codes.ALL if _NUMBERS.count(code.number) == 1}

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a dataclass that travels: its attribute, its name on the wire, its kind."""

    attribute: str
    name: str
    kind: Kind
    required: bool


_FIELDS_OF: dict[type[Any], tuple[Field, ...]] = {}


@dataclass(frozen=True, slots=True)
class Request:
    """A line that has a request's form; the fields are still as they travelled."""

    tag: str
    verb: str
    pairs: Pairs = dataclasses.field(repr=False)  # a PIN may be among them


@dataclass(frozen=True, slots=True)
class Reply:
    """A line from the bank. ``tag`` is "*" for an event; ``number`` is None for a line of a list that goes on.

    ``fields`` are without their percent-encoding.
    """

    tag: str
    number: int | None
    fields: Mapping[str, str]

    @property
    def code(self) -> Code | None:
        """The code that this line carries, if it is one that this client knows.

        A reason that is missing or not known means what the number says, where only one code has that number.
        """
        if self.number is None:
            return None
        return codes.BY_WIRE.get((self.number, self.fields.get("reason", ""))) or _SOLE.get(self.number)


class Malformed(Refused):
    """A line that is no request; ``tag`` is that of the line, where one could be read."""

    def __init__(self, code: Code, tag: str | None = None) -> None:
        super().__init__(code)
        self.tag = tag


class NotReply(ValueError):
    """A line that no bank speaking BANK/1 sends."""


def split(line: bytes) -> Request:
    """The request that ``line`` spells. Raises Malformed."""
    found = _REQUEST.fullmatch(line)
    if found is not None:
        return Request(found["tag"].decode(), found["verb"].decode(), _pairs(found["fields"]))
    if not line or _NEVER.search(line):
        raise Malformed(codes.BROKEN_LINE)
    tagged = _TAGGED.match(line)
    raise Malformed(codes.BAD_LINE, tagged["tag"].decode() if tagged else None)


def kind_of(request: Request) -> type[Message]:
    """The message that ``request`` carries. Raises Refused when the verb is unknown."""
    if request.verb not in BY_VERB:
        raise Refused(codes.BAD_VERB)
    return BY_VERB[request.verb]


def read_message(message: type[Message], request: Request) -> Message:
    """``request`` as ``message``. Raises Refused, naming the field at fault."""
    kinds = {field.name: field.kind for field in fields_of(message)}
    given: dict[str, str] = {}
    for name, spelt in request.pairs:
        if name not in kinds or name in given:
            raise Refused(codes.BAD_FIELD, name)
        given[name] = _plain(name, kinds[name], spelt)
    read = read_fields(message, given)
    chosen = frozenset().union(*message.ways).intersection(given)
    if message.ways and chosen not in message.ways:
        nearest = max(message.ways, key=lambda way: (len(way & chosen), -len(way ^ chosen)))
        raise Refused(codes.BAD_FIELD, min(nearest ^ chosen))
    return read


def read_fields(cls: type[T], given: Mapping[str, str]) -> T:
    """A ``cls`` from fields without their percent-encoding.

    Fields that it has not are passed over. Raises Refused, naming the field at fault.
    """
    values = {}
    for field in fields_of(cls):
        if field.name in given:
            values[field.attribute] = _value(field, given[field.name])
        elif field.required:
            raise Refused(codes.BAD_FIELD, field.name)
    return cls(**values)


def write_request(tag: str, message: Message) -> bytes:
    """The line that asks ``message``."""
    return " ".join([tag, message.verb, *_written(message)]).encode("ascii")


def write_reply(tag: str, code: Code, body: object = None, /, **more: str | int) -> bytes:
    """The line that ends the answer to ``tag`` with ``code``: its reason where it refuses, ``body``, and ``more``.

    An event is written with the tag "*".
    """
    words = [tag, str(code.number)]
    if code.refuses:
        words.append(f"reason={code.reason}")
    words += _written(body)
    words += [f"{name}={quote(str(value), safe=grammar.SAFE)}" for name, value in more.items()]
    return " ".join(words).encode("ascii")


def write_item(tag: str, body: object) -> bytes:
    """One line of a list in the answer to ``tag``."""
    return " ".join([tag, "-", *_written(body)]).encode("ascii")


def read_reply(line: bytes) -> Reply:
    """The reply or event that ``line`` spells. Raises NotReply."""
    found = _REPLY.fullmatch(line)
    if found is None:
        raise NotReply(line[:80])
    try:
        given = {name: _decoded(value) for name, value in _pairs(found["fields"])}
    except UnicodeDecodeError as error:
        raise NotReply(line[:80]) from error
    number = None if found["code"] == b"-" else int(found["code"])
    return Reply(found["tag"].decode(), number, given)


def fields_of(cls: type[Any]) -> tuple[Field, ...]:
    """The fields of dataclass ``cls`` that travel: those annotated with a kind of ``grammar``, in order."""
    if cls not in _FIELDS_OF:
        _FIELDS_OF[cls] = _travelling(cls)
    return _FIELDS_OF[cls]


def _travelling(cls: type[Any]) -> tuple[Field, ...]:
    hints = get_type_hints(cls, include_extras=True)
    return tuple(
        Field(field.name, _UNITS.sub("", field.name), kind, field.default is MISSING)
        for field in fields(cls)
        for kind in _kinds(hints[field.name])
    )


def _kinds(hint: Any) -> Iterable[Kind]:
    """The kind in an annotation, looked for inside ``X | None``."""
    metadata = getattr(hint, "__metadata__", ())
    found = [part for part in metadata if isinstance(part, Kind)]
    return found or [kind for part in get_args(hint) if part is not hint for kind in _kinds(part)]


def _pairs(spelt: bytes) -> Pairs:
    """The names and undecoded values of fields that matched the grammar."""
    words = spelt.decode("ascii").split(" ")[1:]
    return tuple((name, value) for name, _, value in (word.partition("=") for word in words))


def _decoded(value: str) -> str:
    """A value without its percent-encoding. Raises UnicodeDecodeError when it is not UTF-8."""
    return unquote_to_bytes(value).decode("utf-8") if "%" in value else value


def _plain(name: str, kind: Kind, spelt: str) -> str:
    """A value of ``kind`` without its percent-encoding. Raises Refused where it may have none, or is not UTF-8."""
    if "%" in spelt and not kind.encoded:
        raise Refused(codes.BAD_FIELD, name)
    try:
        return _decoded(spelt)
    except UnicodeDecodeError as error:
        raise Refused(codes.BAD_FIELD, name) from error


def _value(field: Field, text: str) -> Any:
    """The value of ``field``. Raises Refused for any other form."""
    try:
        return field.kind.parse(text)
    except ValueError as error:
        raise Refused(codes.BAD_FIELD, field.name) from error


def _written(body: object) -> list[str]:
    """``name=value`` for each field of ``body`` that is not None."""
    if body is None:
        return []
    values = ((field, getattr(body, field.attribute)) for field in fields_of(type(body)))
    return [
        f"{field.name}={quote(field.kind.write(value), safe=grammar.SAFE)}"
        for field, value in values
        if value is not None
    ]
