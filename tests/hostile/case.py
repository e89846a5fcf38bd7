"""The form of a case: its name in words, what is sent or done, and what the bank must then answer.

1. What is sent is text, of which each line gets its CR LF, or octets, which are sent as they are.
2. What must be answered is every line, in order and whole; "..." in one stands for anything. After it the connection
   must go on, which a NOOP tells, or be closed, where the case says that it ``ends``.
3. ``$name`` in a text stands for what the scene has under that name: ``scene.Scene`` lists them.
4. A case changes nothing, unless it says so: how many ``entries`` the journal then has more (None
   for any number), or in which tables the rows
   of those who act in it may have changed. What is to stay as it is, is looked at after every case (``traces``).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.hostile.line import Line
from tests.hostile.scene import Scene
from tests.hostile.target import Sections

Act = Callable[[Scene], None]


class Wrong(AssertionError):
    """The bank did not do what the documents say; the text says what it did."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that somebody tries, and what may have come of it. ``long`` ones are left out of a short run."""

    name: str
    act: Act
    entries: int | None = 0
    changes: frozenset[str] = frozenset()
    long: bool = False


@dataclass(slots=True)
class Subject:
    """Cases about one thing, in the order in which they are told; ``settings`` are those of the bank that they need."""

    name: str
    settings: Sections = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)

    def visitor(self, name: str, sent: "Sent", *told: str, ends: bool = False, **may: object) -> None:
        """A case of somebody who has not logged in: what is ``sent``, and the lines that are ``told``."""
        self._add(name, lambda scene: said(scene, scene.visitor(), sent, told, ends), may)

    def customer(self, name: str, sent: "Sent", *told: str, ends: bool = False, **may: object) -> None:
        """A case of a customer, in a session on an account with money on it."""
        self._add(name, lambda scene: said(scene, scene.customer(), sent, told, ends), may)

    def values(self, form: str, told: str, values: Mapping[str, str], before: str = "") -> None:
        """A customer's case for each value, by what it is called: ``form`` has it in the place of ``{}``."""
        for what, value in values.items():
            self.customer(f"{before}{what}", form.replace("{}", value), told)

    def case(self, name: str, **may: object) -> Callable[[Act], Act]:
        """A case that is a function of the scene, which raises AssertionError where the bank is wrong."""

        def add(act: Act) -> Act:
            self._add(name, act, may)
            return act

        return add

    def _add(self, name: str, act: Act, may: Mapping[str, object]) -> None:
        assert name not in [case.name for case in self.cases], f"{self.name} has {name!r} twice"
        self.cases.append(Case(name, act, **may))  # type: ignore[arg-type]


Sent = str | bytes | Sequence[str]
"""What is sent: a line, lines that are sent together, or octets."""


def said(scene: Scene, line: Line, sent: Sent, told: Sequence[str], ends: bool = False) -> None:
    """Send something on a connection; raises Wrong unless the bank answers just what is ``told``."""
    if isinstance(sent, bytes):
        line.send(sent)
    else:
        line.say(*map(scene.fill, [sent] if isinstance(sent, str) else sent))
    expect(scene, line, told, ends)


def expect(scene: Scene, line: Line, told: Sequence[str], ends: bool = False) -> None:
    """Raises Wrong unless what comes is just what is ``told``, and the connection then ``ends`` or goes on."""
    if ends:
        heard = line.to_the_end()
    else:
        line.say("zz NOOP")
        *heard, last = line.until("zz ")
        demand(last == "zz 200", f"a NOOP after it was answered {last!r}")
    wanted = [scene.fill(one) for one in told]
    demand(
        len(heard) == len(wanted) and all(map(is_like, heard, wanted)),
        f"it was answered {heard}, and should be {wanted}",
    )


def is_like(heard: str, wanted: str) -> bool:
    """Whether a line is as it should be, where "..." is anything."""
    return re.fullmatch(".*".join(map(re.escape, wanted.split("..."))), heard) is not None


def demand(holds: bool, otherwise: str) -> None:
    """Raises Wrong unless something ``holds``."""
    if not holds:
        raise Wrong(otherwise)
