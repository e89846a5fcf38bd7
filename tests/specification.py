"""What ``bankd-conformance`` has of the protocol's page, made anew from it:

    python -m tests.specification

The grammar's rules become regular expressions by the library `abnf-to-regexp`, and the table of states is read as it
stands there.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from abnf_to_regexp import single_regexp

from tests import docs

FILE = Path(__file__).resolve().parent.parent / "bankd" / "conformance" / "specification.json"

_ANSWER = re.compile(
    r"^(?P<rule>[a-z-]+-answer) += (?:[0-9*]+\( tag SP \"-\" (?P<item>[a-z-]+) CRLF \)\s+)?tag SP (?P<end>.+) CRLF$",
    re.MULTILINE,
)
_STATE = re.compile(r"^\| `([A-Z_]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|", re.MULTILINE)


def made() -> str:
    """The text of the file."""
    (grammar,) = docs.blocks("abnf")
    forms = {found["rule"]: _forms(found["item"], found["end"]) for found in _ANSWER.finditer(grammar)}
    del forms["sealed-answer"]  # that of whatever was sealed
    forms |= {"refused-answer": _forms(None, "refusal"), "greeting": [None, expression("greeting")]}
    return json.dumps({"forms": forms, "states": dict(_states())}, indent=1, sort_keys=True) + "\n"


def expression(rule: str) -> str:
    """A rule of the page as a regular expression for a line without its end."""
    transformed = single_regexp.ABNFTransformer().transform_rule(docs.load()(rule))
    return str(single_regexp.represent(transformed)).removesuffix(r"\r\n")


def _forms(item: str | None, end: str) -> list[str | None]:
    """The form of a line of the list that an answer begins with, if it has one, and that of the line that ends it."""
    docs.load().create(f"line-that-ends = tag SP {end}\r\n")
    forms: list[str | None] = [None, expression("line-that-ends")]
    if item is not None:
        docs.load().create(f'line-of-a-list = tag SP "-" {item}\r\n')
        forms[0] = expression("line-of-a-list")
    return forms


def _states() -> Iterator[tuple[str, dict[str, str]]]:
    table = docs.made("states")
    for verb, *cells in _STATE.findall(table):
        bare = (cell.replace("`", "") for cell in cells)
        yield verb, dict(zip(("visitor", "customer", "operator"), bare, strict=True))


if __name__ == "__main__":
    FILE.write_text(made(), encoding="ascii")
