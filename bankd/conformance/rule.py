"""A rule of the specification, and how a server is held to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from typing import Any


class Grade(Enum):
    """What came of a rule; the value is what programs are told."""

    KEPT = "kept"
    BROKEN = "BROKEN"
    NOT_GRADED = "not graded"
    BLOCKED = "blocked"

    @property
    def words(self) -> str:
        """What is printed before a rule: what is blocked was not graded either."""
        return Grade.NOT_GRADED.value if self is Grade.BLOCKED else self.value


class Broken(Exception):
    """The server does not keep the rule; the message says what it did instead."""


class Silent(Broken):
    """The server says nothing at all where it has to."""


class Unready(Broken):
    """What a rule needs first cannot be had: a connection, a customer, a session; for each fault with one ``cause``."""

    def __init__(self, message: str, cause: str, *, silent: bool = False) -> None:
        super().__init__(message)
        self.cause = cause
        self.silent = silent


class NotGraded(Exception):
    """The rule cannot be looked at here; the message says why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: the section that it is from, what it demands in words, and what looks whether a server keeps it."""

    section: int
    words: str
    look: Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one rule, and why.

    ``cause`` is the same for rules that could not be looked at for the same reason; ``silent`` tells that the server
    said nothing. ``conversation`` is what was said.
    """

    rule: Rule
    grade: Grade
    why: str = ""
    cause: str = ""
    silent: bool = False
    conversation: Sequence[str] = ()


def rule(section: int) -> Callable[[Callable[[Any], None]], Rule]:
    """Make a function that is handed a ``Candidate`` a rule of a section; the first line of its docstring says what."""

    def of(look: Callable[[Any], None]) -> Rule:
        assert look.__doc__ is not None
        return Rule(section, look.__doc__.splitlines()[0].removesuffix("."), look)

    return of


def rules_of(module: ModuleType) -> tuple[Rule, ...]:
    """The rules of a module, in its order."""
    return tuple(value for value in vars(module).values() if isinstance(value, Rule))


def demand(held: bool, instead: str) -> None:
    """Raise Broken, with what is ``instead``, unless ``held``."""
    if not held:
        raise Broken(instead)


def judge(one: Rule, candidate: Any) -> Verdict:
    """Hold a server to one rule. What stands in the way of looking is a verdict too, and so is any other error."""
    try:
        one.look(candidate)
    except Unready as unready:
        return Verdict(one, Grade.BROKEN, str(unready), unready.cause, unready.silent)
    except Broken as broken:
        return Verdict(one, Grade.BROKEN, str(broken), silent=isinstance(broken, Silent))
    except NotGraded as reason:
        return Verdict(one, Grade.NOT_GRADED, str(reason))
    except OSError as error:
        return Verdict(one, Grade.BROKEN, f"the connection failed: {error}")
    except Exception as error:
        # A server may say anything at all; what this suite did not foresee must not keep the other rules from it.
        what = f"{type(error).__name__} {error}".strip()
        last = " / ".join(candidate.conversation.lines()[-2:])
        return Verdict(
            one, Grade.BROKEN, f"this suite did not foresee what it was told: {what}, after {last or 'nothing'}"
        )
    return Verdict(one, Grade.KEPT)
