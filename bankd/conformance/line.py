"""One connection to the server that is graded: octets as they are given go out, and lines come back."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bankd.conformance import specification
from bankd.conformance.conversation import Conversation, readable, told
from bankd.conformance.rule import Broken, NotGraded, Silent, demand

MOST_ITEMS_TOLD = 5
"""So many items of a list are told where an answer is."""

LONGEST_READ = 65536
"""So many octets are read in search of the end of a line."""

_BARE_LINE_FEED = re.compile(rb"[^\r\n]*\n")
_REPLY = re.compile(r"(?P<tag>[A-Za-z0-9]{1,16}|\*) (?P<code>-|[0-9]{3})(?P<fields>(?: [a-z0-9_]{1,32}=[^ ]*)*)")

SETTINGS = {
    "401 one_time": "this bank asks for one-time passwords; grade it with a setting that does not",
    "403 terminal": "this bank takes PINs at its own terminals only",
    "403 sealed": "this bank takes this under seal only",
    "403 device": "this bank asks for one-time passwords; grade it with a setting that does not",
}
"""Refusals that are a bank's own policy, and why nothing can be graded then."""


class Stream(Protocol):
    """What carries the octets."""

    def send(self, octets: bytes) -> None:
        """Send all of ``octets``; what a server that has closed does not hear is no error."""

    def receive(self) -> bytes:
        """What comes next; nothing at the end. Raises TimeoutError when nothing comes for long."""

    def close(self) -> None:
        """Go away without a word."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A line from the server, taken apart. ``number`` is None for an item of a list."""

    line: str
    tag: str
    number: int | None
    fields: dict[str, str]

    @classmethod
    def read(cls, line: str) -> "Reply":
        """Take a line apart. Raises Broken when it is no line of BANK/1."""
        found = _REPLY.fullmatch(line)
        if found is None:
            raise Broken(f"this is no line of BANK/1: {line!r}")
        pairs = [field.partition("=") for field in found["fields"].split(" ")[1:]]
        fields = {name: value for name, _, value in pairs}
        demand(len(fields) == len(pairs), f"a field is there twice: {line!r}")
        return cls(line, found["tag"], None if found["code"] == "-" else int(found["code"]), fields)

    @property
    def code(self) -> str:
        """Number and reason: `402 funds`, or only the number."""
        return f"{self.number} {self.fields.get('reason', '')}".strip()

    def field(self, name: str) -> str:
        """The field ``name``. Raises Broken where there is none."""
        demand(name in self.fields, f"there is no {name}= in {told(self.line)!r}")
        return self.fields[name]

    def amount(self, name: str) -> int:
        """The field ``name`` in minor units. Raises Broken where it is none."""
        text = self.fields.get(name, "")
        demand(re.fullmatch("0|-?[1-9][0-9]{0,17}", text) is not None, f"no amount {name}= in {told(self.line)!r}")
        return int(text)


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer to one request: the items of a list, and the line that ends it."""

    items: tuple[Reply, ...]
    end: Reply
    request: str = ""

    @property
    def code(self) -> str:
        """That of the line that ends it."""
        return self.end.code

    @property
    def refused(self) -> tuple[str, str]:
        """The code, and the name of the field at fault."""
        return self.code, self.end.fields.get("field", "")

    def expect(self, code: str) -> "Answer":
        """This answer. Raises Broken unless its code is ``code``."""
        demand(self.code == code, f"{told(self.request)!r} is answered {self} and not {code}")
        return self

    def field(self, name: str) -> str:
        """A field of the line that ends it. Raises Broken, which names the request, where there is none."""
        demand(name in self.end.fields, f"{told(self.request)!r} is answered {self}, without {name}=")
        return self.end.fields[name]

    def amount(self, name: str) -> int:
        """A field of the line that ends it, in minor units. Raises Broken, as ``field`` does, where it is none."""
        self.field(name)
        return self.end.amount(name)

    def item(self, place: int) -> Reply:
        """An item, counted from 0, or from the end. Raises Broken, which names the request, where there is none."""
        held = -len(self.items) <= place < len(self.items)
        which = "an item" if place < 1 else f"an item {place + 1}"
        demand(held, f"{told(self.request)!r} is answered {self}, without {which}")
        return self.items[place]

    def __str__(self) -> str:
        lines = [json.dumps(told(reply.line)) for reply in (*self.items[:MOST_ITEMS_TOLD], self.end)]
        if len(self.items) > MOST_ITEMS_TOLD:
            lines.insert(-1, f"({len(self.items) - MOST_ITEMS_TOLD} items more)")
        return " / ".join(lines)


class Line:
    """A connection on which the server has greeted: ``greeting`` is what it said."""

    def __init__(self, stream: Stream, conversation: Conversation | None = None) -> None:
        self._stream = stream
        self._conversation = conversation or Conversation()
        self._number = self._conversation.begin()
        self._unread = b""
        self._unended = b""
        self._asked: str | None = None
        self._heard = ""
        self._tags = 0
        self.greeting = self.next()

    def ask(self, request: str, items: Sequence[str] = ()) -> Answer:
        """Ask one thing; its answer, which must be in order and have the form of the grammar."""
        return self.ask_all([(request, items)])[0]

    def ask_all(self, requests: Sequence[str | tuple[str, Sequence[str]]]) -> list[Answer]:
        """Ask all of these before any answer is read; the answers, which must come in the same order."""
        asked = [(one, ()) if isinstance(one, str) else one for one in requests]
        tagged = [(self._new_tag(), request, items) for request, items in asked]
        lines = [f"{tag} {words}" for tag, request, items in tagged for words in (*(f"- {i}" for i in items), request)]
        self.send("".join(f"{line}\r\n" for line in lines).encode())
        return [self.answer(tag, request) for tag, request, _ in tagged]

    def answer(self, tag: str, request: str) -> Answer:
        """The answer to a request that was sent with ``tag``. Raises Broken where it is none, NotGraded by policy."""
        lines: list[Reply] = []
        while not lines or lines[-1].number is None:
            reply = self.next(request)
            if reply.tag == "*" and reply.number is not None and reply.number < 200:
                continue  # news, which may come at any time
            right = f"{told(reply.line)!r} came before the answer to {told(request)!r} with the tag {tag}"
            demand(reply.tag == tag, right)
            lines.append(reply)
        answer = Answer(tuple(lines[:-1]), lines[-1], request)
        if answer.code in SETTINGS:
            raise NotGraded(SETTINGS[answer.code])
        _demand_form(answer)
        return answer

    def send(self, octets: bytes) -> None:
        """Send octets as they are."""
        *ended, self._unended = (self._unended + octets).split(b"\r\n")
        for line in ended:
            self._note_sent(readable(line))
        self._stream.send(octets)

    def next(self, request: str = "") -> Reply:
        """The next line. Raises Broken when the server closes or is silent instead, which tells of ``request``."""
        line = self._line(request)
        if line is None:
            raise Broken(f"the server closed the connection instead of {self._wanted(request)}")
        try:
            return Reply.read(line)
        except Broken as broken:
            raise Broken(f"{broken}, instead of {self._wanted(request)}") from None

    def demand_end(self) -> None:
        """Demand that the server closes, and says nothing more."""
        try:
            said = self._line()
        except Silent:
            raise Broken(f"the server answered '{told(self._heard)}' and does not close the connection") from None
        demand(said is None, f"the server goes on with {told(said or '')!r} where it has to close")

    def demand_event(self, code: str, *, closes: bool) -> None:
        """Demand an event of ``code``, after which the server closes or goes on."""
        event = self.next()
        right = (event.tag, event.code) == ("*", code)
        demand(right, f"'{self._asked}' is answered '{told(event.line)}' and not by the event * {code}")
        if closes:
            self.demand_end()
        else:
            self.ask("NOOP").expect("200")

    def close(self) -> None:
        """Go away without a word."""
        self._stream.close()

    def _new_tag(self) -> str:
        self._tags += 1
        return f"g{self._tags}"

    def _wanted(self, request: str = "") -> str:
        """What the server has to do now."""
        asked = told(request) if request else self._asked
        return "greeting" if asked is None else f"answering '{asked}'"

    def _note_sent(self, text: str) -> None:
        self._asked = told(text)
        self._conversation.add(f"C{self._number}", text)

    def _line(self, request: str = "") -> str | None:
        """The next line without its end; None at the end of the connection."""
        if self._unended:
            self._note_sent(readable(self._unended))
            self._unended = b""
        while b"\r\n" not in self._unread:
            self._demand_line_ends()
            try:
                octets = self._stream.receive()
            except TimeoutError:
                self._conversation.note("the server is silent")
                unread = readable(self._unread)
                demand(not unread, f"the server does not end its line: '{told(unread)}'")
                raise Silent(f"the server is silent instead of {self._wanted(request)}") from None
            if not octets:
                self._conversation.note("the server closes")
                unread = readable(self._unread)
                demand(not unread, f"the server closed in the middle of a line: '{told(unread)}'")
                return None
            self._unread += octets
        self._demand_line_ends()
        line, self._unread = self._unread.split(b"\r\n", 1)
        self._heard = line.decode("ascii", "backslashreplace")
        self._conversation.add(f"S{self._number}", readable(line))
        return self._heard

    def _demand_line_ends(self) -> None:
        """Demand that what comes next is no line that ends with LF alone."""
        endless = len(self._unread) > LONGEST_READ and b"\r\n" not in self._unread[:LONGEST_READ]
        demand(not endless, f"the server sends {LONGEST_READ} octets without the end of a line")
        found = _BARE_LINE_FEED.match(self._unread)
        if found:
            line = readable(found[0])
            self._conversation.add(f"S{self._number}", line)
            raise Broken(f"the server ends its line with LF and not with CR LF: '{told(line)}'")


def _demand_form(answer: Answer) -> None:
    """Demand that an answer has the form of the grammar's rule for it."""
    refused = (answer.end.number or 0) >= 400
    form = "refused-answer" if refused else specification.answer_of(answer.request.partition(" ")[0])
    demand(not (refused and answer.items), f"a refusal with items: {answer}")
    if not specification.knows(form):
        return  # there is no such verb, and the rule that asked looks at what came
    lines = [reply.line for reply in (*answer.items, answer.end)]
    lacking = ", ".join([] if refused else specification.lacking(form, lines))  # what a refusal has depends on its code
    demand(
        specification.has_form(form, lines),
        f"{told(answer.request)!r} is answered {answer}, which is no {'refusal' if refused else form} of the grammar"
        + (f": without {lacking}" if lacking else ""),
    )
