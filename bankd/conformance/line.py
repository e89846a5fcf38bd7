"""One connection to the server that is graded: octets as they are given go out, and lines come back."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bankd.conformance import specification
from bankd.conformance.rule import Broken, NotGraded, demand

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

    def amount(self, name: str) -> int:
        """The field ``name`` in minor units. Raises Broken where it is none."""
        text = self.fields.get(name, "")
        demand(re.fullmatch("0|-?[1-9][0-9]{0,17}", text) is not None, f"no amount {name}= in {self.line!r}")
        return int(text)


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer to one request: the items of a list, and the line that ends it."""

    items: tuple[Reply, ...]
    end: Reply

    @property
    def code(self) -> str:
        """That of the line that ends it."""
        return self.end.code

    def __str__(self) -> str:
        return " / ".join(json.dumps(reply.line) for reply in (*self.items, self.end))


class Line:
    """A connection on which the server has greeted: ``greeting`` is what it said."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._unread = b""
        self._tags = 0
        self.greeting = self.next()

    def ask(self, request: str, items: Sequence[str] = ()) -> Answer:
        """Ask one thing; its answer, which must be in order and have the form of the grammar."""
        return self.ask_all([(request, items)])[0]

    def ask_all(self, requests: Sequence[str | tuple[str, Sequence[str]]]) -> list[Answer]:
        """Ask all of these before any answer is read; the answers, which must come in the same order."""
        told = [(one, ()) if isinstance(one, str) else one for one in requests]
        tagged = [(self._new_tag(), request, items) for request, items in told]
        lines = [f"{tag} {words}" for tag, request, items in tagged for words in (*(f"- {i}" for i in items), request)]
        self.send("".join(f"{line}\r\n" for line in lines).encode())
        return [self.answer(tag, request.partition(" ")[0]) for tag, request, _ in tagged]

    def answer(self, tag: str, verb: str) -> Answer:
        """The answer to a request that was sent with ``tag``. Raises Broken where it is none, NotGraded by policy."""
        lines: list[Reply] = []
        while not lines or lines[-1].number is None:
            reply = self.next()
            if reply.tag == "*" and reply.number is not None and reply.number < 200:
                continue  # news, which may come at any time
            demand(reply.tag == tag, f"{reply.line!r} came before the answer to {verb} with the tag {tag}")
            lines.append(reply)
        answer = Answer(tuple(lines[:-1]), lines[-1])
        if answer.code in SETTINGS:
            raise NotGraded(SETTINGS[answer.code])
        refused = (answer.end.number or 0) >= 400
        form = "refused-answer" if refused else specification.answer_of(verb)
        demand(not (refused and answer.items), f"a refusal with items: {answer}")
        demand(
            specification.has_form(form, [reply.line for reply in lines]),
            f"this has not the form of the grammar's {'refusal' if refused else form}: {answer}",
        )
        return answer

    def send(self, octets: bytes) -> None:
        """Send octets as they are."""
        self._stream.send(octets)

    def next(self) -> Reply:
        """The next line. Raises Broken when the server closes or is silent instead."""
        line = self._line()
        if line is None:
            raise Broken("the server closed the connection instead of answering")
        return Reply.read(line)

    def demand_end(self) -> None:
        """Demand that the server closes, and says nothing more."""
        said = self._line()
        demand(said is None, f"the server goes on with {said!r} where it has to close")

    def demand_event(self, code: str, *, closes: bool) -> None:
        """Demand an event of ``code``, after which the server closes or goes on."""
        event = self.next()
        demand((event.tag, event.code) == ("*", code), f"* {code} was to come, and {event.line!r} came")
        if closes:
            self.demand_end()
        else:
            demand(self.ask("NOOP").code == "200", "the server does not go on")

    def close(self) -> None:
        """Go away without a word."""
        self._stream.close()

    def _new_tag(self) -> str:
        self._tags += 1
        return f"g{self._tags}"

    def _line(self) -> str | None:
        """The next line without its end; None at the end of the connection."""
        while b"\r\n" not in self._unread:
            try:
                octets = self._stream.receive()
            except TimeoutError:
                raise Broken(f"the server is silent, or does not end its line: {self._unread!r}") from None
            if not octets:
                demand(not self._unread, f"the server closed in the middle of a line: {self._unread!r}")
                return None
            self._unread += octets
        line, self._unread = self._unread.split(b"\r\n", 1)
        return line.decode("ascii", "backslashreplace")
