"""The program ``bankd-conformance``: what it is told, and the report that it prints."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bankd.client.address import Address, NotAnAddress
from bankd.conformance.candidate import Candidate, by_tls
from bankd.conformance.rule import Broken, Grade, Rule, Verdict, judge
from bankd.conformance.rules.catalogue import RULES

KEPT, BROKEN, UNUSABLE = 0, 1, 2
"""Exit statuses: all rules that were graded are kept; one is broken; the server cannot be graded."""

_WORDS = """\
Grades a server that claims to speak BANK/1, a line for each rule with its section of docs/protocol.md. It signs up
customers of its own and moves their money, a few cents: point it at a bank for tests, never at one that matters.
It ends with 0 when no rule is broken, 1 when one is, and 2 when the server cannot be graded.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Grade the server that the arguments name; the exit status."""
    options = _parser().parse_args(argv)
    rules = [rule for rule in RULES if options.only in f"{rule.section} {rule.words}"]
    if options.list:
        print("".join(f"{rule.section:3}  {rule.words}\n" for rule in rules), end="")
        return KEPT
    try:
        candidate = _candidate(options)
    except (NotAnAddress, OSError, Broken) as error:
        print(f"bankd-conformance: {_why(error, options)}", file=sys.stderr)
        return UNUSABLE
    counts: Counter[Grade] = Counter()
    for verdict in grade(candidate, rules):
        counts[verdict.grade] += 1
        print(_json(verdict) if options.json else _told(verdict), flush=True)
    if not options.json:
        print(", ".join(f"{counts[grade]} {grade.value}" for grade in Grade))
    return BROKEN if counts[Grade.BROKEN] else KEPT


def grade(candidate: Candidate, rules: Sequence[Rule]) -> Iterator[Verdict]:
    """Hold a server to ``rules``, each on connections of its own."""
    for rule in rules:
        yield judge(rule, candidate)
        candidate.hang_up()


def _candidate(options: argparse.Namespace) -> Candidate:
    """The server, which greets. Raises NotAnAddress, OSError, Broken."""
    if options.server is None:
        raise NotAnAddress
    candidate = by_tls(Address.parse(options.server), options.ca)
    candidate.connect()
    candidate.hang_up()
    return candidate


def _why(error: Exception, options: argparse.Namespace) -> str:
    if isinstance(error, NotAnAddress):
        return "name the server to grade, as HOST:PORT"
    if isinstance(error, FileNotFoundError):
        return f"there is no file {options.ca}"
    return f"{options.server} does not answer as a bank does: {error}"


def _told(verdict: Verdict) -> str:
    why = f"\n                 {verdict.why}" if verdict.why else ""
    return f"{verdict.grade.value:10} {verdict.rule.section:3}  {verdict.rule.words}{why}"


def _json(verdict: Verdict) -> str:
    told = {"section": verdict.rule.section, "rule": verdict.rule.words, "grade": verdict.grade.value.lower()}
    return json.dumps(told | {"why": verdict.why or None})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bankd-conformance", description=_WORDS)
    parser.add_argument("server", nargs="?", metavar="HOST:PORT", help="the server to grade")
    parser.add_argument(
        "--ca", type=Path, metavar="FILE", help="who signs its certificate; without, whom the system trusts"
    )
    parser.add_argument("--only", default="", metavar="WORDS", help="only rules with these words, or of this section")
    parser.add_argument("--list", action="store_true", help="list the rules, and grade nothing")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each rule")
    return parser


if __name__ == "__main__":
    sys.exit(main())
