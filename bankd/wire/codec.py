"""Lines to values and back, in both directions: what the server reads the client writes, and the other way round.

1. A line is octets without its CRLF. Reading takes three steps, so that the answer is the code of highest precedence:
   ``split`` (is it a request at all?), ``kind_of`` (is the verb known?), ``read_message`` (are the fields right?).
2. Annotations are the format: a frozen dataclass whose fields are annotated with kinds of ``grammar`` can be read and
   written, requests and records alike. Its names travel without their units: ``amount_minor`` as ``amount``.
3. A field that is None does not travel.
4. Percent-encoding is undone once, where a line is read; a bank refuses what it does not know, a client passes over it.
5. The items of a BULK are lines before its own, in the form of the lines of a list.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar, get_args, get_type_hints
from urllib.parse import quote, unquote_to_bytes

from bankd import codes
from bankd.codes import Code, Refused
from bankd.wire import grammar
from bankd.wire.grammar import Kind
from bankd.wire.messages import BY_VERB, Bulk, Message

T = TypeVar("T")

ITEM = "-"
"""What stands in the place of the verb, or of the code, in a line of a list."""

_FIELDS = rb"(?: " + grammar.NAME + rb"=" + grammar.VALUE + rb")*"
_REQUEST = re.compile(
    rb"(?P<tag>" + grammar.TAG + rb") (?P<verb>-|" + grammar.VERB + rb")(?P<fields>" + _FIELDS + rb")"
)
_REPLY = re.compile(rb"(?P<tag>\*|" + grammar.TAG + rb") (?P<code>-|[0-9]{3})(?P<fields>" + _FIELDS + rb")")
_TAGGED = re.compile(rb"(?P<tag>" + grammar.TAG + rb")(?P<item> -)?(?: |$)")
_FIELD = re.compile(r" ([^=]+)=([^ ]*)")  # for what has matched _FIELDS
_PLAIN = re.compile(r"[A-Za-z0-9._~" + re.escape(grammar.SAFE) + r"-]*")
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


@dataclass(frozen=True, slots=True)
class _Form:
    """What the annotations of a dataclass say, read once: its fields, and their kinds by name.

    ``writers`` has for each field its attribute, what travels before its value, and what writes the value.
    """

    fields: tuple[Field, ...]
    kinds: Mapping[str, Kind]
    writers: tuple[tuple[str, str, Callable[[Any], str]], ...]


_FORMS: dict[type[Any], _Form] = {}


@dataclass(frozen=True, slots=True)
class Request:
    """A line that has a request's form; the fields are still as they travelled. ``verb`` is ITEM for an item."""

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
    """A line that is no request; ``tag`` is that of the line, where one could be read.

    ``is_item`` says that it begins as an item does.
    """

    def __init__(self, code: Code, tag: str | None = None, *, is_item: bool = False) -> None:
        super().__init__(code)
        self.tag = tag
        self.is_item = is_item


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
    if tagged is None:
        raise Malformed(codes.BAD_LINE)
    raise Malformed(codes.BAD_LINE, tagged["tag"].decode(), is_item=tagged["item"] is not None)


def kind_of(request: Request) -> type[Message]:
    """The message that ``request`` carries. Raises Refused when the verb is unknown."""
    if request.verb not in BY_VERB:
        raise Refused(codes.BAD_VERB)
    return BY_VERB[request.verb]


def read_message(message: type[Message], request: Request) -> Message:
    """``request`` as ``message``. Raises Refused, naming the field at fault."""
    read = read_item(message, request)
    if message.ways:
        _check_way(message, [name for name, _ in request.pairs])
    return read


def read_item(cls: type[T], request: Request) -> T:
    """The fields of ``request`` as a ``cls``, and no others. Raises Refused, naming the field at fault."""
    kinds = _form_of(cls).kinds
    given: dict[str, str] = {}
    for name, spelt in request.pairs:
        if name not in kinds or name in given:
            raise Refused(codes.BAD_FIELD, name)
        given[name] = _plain(name, kinds[name], spelt) if "%" in spelt else spelt
    return read_fields(cls, given)


def read_fields(cls: type[T], given: Mapping[str, str]) -> T:
    """A ``cls`` from fields without their percent-encoding.

    Fields that it has not are passed over. Raises Refused, naming the field at fault.
    """
    values = {}
    for field in fields_of(cls):
        if field.name in given:
            try:
                values[field.attribute] = field.kind.parse(given[field.name])
            except ValueError as error:
                raise Refused(codes.BAD_FIELD, field.name) from error
        elif field.required:
            raise Refused(codes.BAD_FIELD, field.name)
    return cls(**values)


def write_request(tag: str, message: Message) -> bytes:
    """The line that asks ``message``; of a BULK, its items before it, with the end of each line between."""
    line = " ".join([tag, message.verb, *_written(message)]).encode("ascii")
    if isinstance(message, Bulk):
        return b"\r\n".join([*(write_item(tag, item) for item in message.items), line])
    return line


def write_reply(tag: str, code: Code, body: object = None, /, **more: str | int) -> bytes:
    """The line that ends the answer to ``tag`` with ``code``: its reason where it refuses, ``body``, and ``more``.

    An event is written with the tag "*".
    """
    words = [tag, str(code.number)]
    if code.gives_reason:
        words.append(f"reason={code.reason}")
    words += _written(body)
    words += [f"{name}={_encoded(value)}" for name, value in more.items()]
    return " ".join(words).encode("ascii")


def write_item(tag: str, body: object) -> bytes:
    """One line of a list in the answer to ``tag``, or one item of the request with it."""
    return " ".join([tag, ITEM, *_written(body)]).encode("ascii")


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
    return _form_of(cls).fields


def _form_of(cls: type[Any]) -> _Form:
    if cls not in _FORMS:
        _FORMS[cls] = _read_form(cls)
    return _FORMS[cls]


def _read_form(cls: type[Any]) -> _Form:
    hints = get_type_hints(cls, include_extras=True)
    travelling = tuple(
        Field(field.name, _UNITS.sub("", field.name), kind, field.default is MISSING)
        for field in fields(cls)
        for kind in _kinds(hints[field.name])
    )
    return _Form(
        travelling,
        {field.name: field.kind for field in travelling},
        tuple((field.attribute, f"{field.name}=", _writer(field.kind)) for field in travelling),
    )


def _writer(kind: Kind) -> Callable[[Any], str]:
    """What writes a value of ``kind`` as it travels."""
    return _encoded if kind.write is str else kind.write


def _kinds(hint: Any) -> Iterable[Kind]:
    """The kind in an annotation, looked for inside ``X | None``."""
    metadata = getattr(hint, "__metadata__", ())
    found = [part for part in metadata if isinstance(part, Kind)]
    return found or [kind for part in get_args(hint) if part is not hint for kind in _kinds(part)]


def _pairs(spelt: bytes) -> Pairs:
    """The names and undecoded values of fields that matched the grammar."""
    return tuple(_FIELD.findall(spelt.decode("ascii")))


def _decoded(value: str) -> str:
    """A value without its percent-encoding. Raises UnicodeDecodeError when it is not UTF-8."""
    return unquote_to_bytes(value).decode("utf-8") if "%" in value else value


def _check_way(message: type[Message], given: Iterable[str]) -> None:
    """Raises Refused, naming a field that is missing or too many, unless the fields are one of the message's ways."""
    chosen = frozenset().union(*message.ways).intersection(given)
    if chosen not in message.ways:
        nearest = max(message.ways, key=lambda way: (len(way & chosen), -len(way ^ chosen)))
        raise Refused(codes.BAD_FIELD, min(nearest ^ chosen))


def _plain(name: str, kind: Kind, spelt: str) -> str:
    """An encoded value of ``kind`` as it is. Raises Refused where it may not be encoded, or is not UTF-8."""
    if not kind.encoded:
        raise Refused(codes.BAD_FIELD, name)
    try:
        return _decoded(spelt)
    except UnicodeDecodeError as error:
        raise Refused(codes.BAD_FIELD, name) from error


def _written(body: object) -> list[str]:
    """``name=value`` for each field of ``body`` that is not None."""
    if body is None:
        return []
    return [
        start + write(value)
        for attribute, start, write in _form_of(type(body)).writers
        if (value := getattr(body, attribute)) is not None
    ]


def _encoded(value: object) -> str:
    """A value with its percent-encoding."""
    text = str(value)
    return text if _PLAIN.fullmatch(text) else quote(text, safe=grammar.SAFE)
