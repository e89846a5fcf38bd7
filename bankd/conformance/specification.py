"""What the protocol's page says, in the form in which a program can hold a server to it.

``specification.json`` is made from the page by ``python -m tests.specification``: the form of each line that a bank may
send, as a regular expression that is its rule in the ABNF, and the table of section 6.
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

_FIELD = re.compile(r" ([a-z0-9_]+)=")
_ALWAYS = re.compile(r"(?<!\() ([a-z0-9_]+)=")

MAX_LINE = 4096
"""The longest line, in octets, without its end (section 2)."""


@cache
def _page() -> dict[str, Any]:
    return dict(json.loads(resources.files(__package__).joinpath("specification.json").read_text("ascii")))


def states() -> dict[str, dict[str, str]]:
    """By verb and state, ``yes`` or the number and reason that the verb is refused with (section 6)."""
    return dict(_page()["states"])


def has_form(rule: str, lines: Sequence[str]) -> bool:
    """Whether ``lines``, without their ends, together have the form of a rule of the grammar.

    Fields may come in any order, and fields that the rule does not know are passed over (section 4).
    """
    item, end = _page()["forms"][rule]
    return _fits(lines[-1], end) and all(item is not None and _fits(line, item) for line in lines[:-1])


def knows(rule: str) -> bool:
    """Whether the grammar has a rule of that name."""
    return rule in _page()["forms"]


def lacking(rule: str, lines: Sequence[str]) -> list[str]:
    """The fields that a rule without alternatives always has, and that are not in the line that ends ``lines``."""
    always = _ALWAYS.findall(_page()["forms"][rule][1])
    return [name for name in always if name not in _FIELD.findall(lines[-1])]


def answer_of(verb: str) -> str:
    """The rule for what answers ``verb`` when it is not refused."""
    return verb.lower().replace("_", "-") + "-answer"


def _fits(line: str, form: str) -> bool:
    return re.fullmatch(form, _arranged(line, list(dict.fromkeys(_FIELD.findall(form)))), re.ASCII) is not None


def _arranged(line: str, order: Sequence[str]) -> str:
    """A line with the fields that ``order`` has, in its order; a field that is there twice stays twice."""
    words = line.split(" ")
    head = [word for word in words if "=" not in word]
    fields = [word for word in words if word.partition("=")[0] in order]
    return " ".join([*head, *sorted(fields, key=lambda field: order.index(field.partition("=")[0]))])
