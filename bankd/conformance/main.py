"""The program ``bankd-conformance``: what it is told, and the report that it prints."""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bankd.client.address import Address, NotAnAddress
from bankd.conformance.candidate import PATIENCE_SECONDS, Candidate
from bankd.conformance.rule import Grade, Rule, Unready, Verdict, judge
from bankd.conformance.rules.catalogue import RULES
from bankd.conformance.tls import BadAuthorities, by_tls, why_unreached

MOST_SILENCES = 5
"""At so many rules in a row a server may be silent before it is asked whether it is there at all."""

KEPT, BROKEN, UNUSABLE = 0, 1, 2
"""Exit statuses: all rules that were graded are kept; one is broken; the server cannot be graded."""

_WORDS = """\
Grades a server that claims to speak BANK/1, a line for each rule with its section of docs/protocol.md. It signs up
customers of its own and moves their money, a few cents: point it at a bank for tests, never at one that matters.
It ends with 0 when no rule is broken, 1 when one is, and 2 when the server cannot be graded.
"""


class NothingToGrade(Exception):
    """The arguments name nothing that could be graded; the message says what is wrong with them."""


class GivesUp(Exception):
    """The server is not graded to the end; the message says why."""


def main(argv: Sequence[str] | None = None) -> int:
    """Grade the server that the arguments name; the exit status."""
    options = _parser().parse_args(argv)
    try:
        rules = _chosen(options.only)
        if options.list:
            print("".join(f"{rule.section:3}  {rule.words}\n" for rule in rules), end="")
            return KEPT
        candidate = _candidate(options)
    except NothingToGrade as error:
        print(f"bankd-conformance: {error}", file=sys.stderr)
        return UNUSABLE
    counts: Counter[Grade] = Counter()
    try:
        for verdict in grade(candidate, rules):
            counts[verdict.grade] += 1
            print(_json(verdict, options.trace) if options.json else _told(verdict, options.trace), flush=True)
    except GivesUp as why:
        print(f"bankd-conformance: {why}", file=sys.stderr)
    if not options.json:
        print(_summary(counts))
    return BROKEN if counts[Grade.BROKEN] or counts[Grade.BLOCKED] else KEPT


def grade(candidate: Candidate, rules: Sequence[Rule]) -> Iterator[Verdict]:
    """Hold a server to ``rules``, each on connections of its own. Raises GivesUp where a server is only silent.

    Rules that cannot be looked at for the same reason as one before them are not broken, but blocked.
    """
    causes: set[str] = set()
    silences = 0
    for place, rule in enumerate(rules, 1):
        verdict = replace(judge(rule, candidate), conversation=candidate.conversation.lines())
        candidate.hang_up()
        if verdict.cause in causes:
            verdict = replace(verdict, grade=Grade.BLOCKED)
        causes |= {verdict.cause} - {""}
        yield verdict
        silences = silences + 1 if verdict.silent else 0
        if silences == MOST_SILENCES:
            if verdict.grade is Grade.BLOCKED or not candidate.answers():
                raise GivesUp(
                    f"gives up, since the server only is silent; {len(rules) - place} rules were not looked at"
                )
            silences = 0


def _chosen(only: str) -> list[Rule]:
    """The rules with these words in them, whatever their case; of a section where ``only`` is its number."""
    if only.strip().isdecimal():
        rules = [rule for rule in RULES if rule.section == int(only)]
    else:
        rules = [rule for rule in RULES if only.casefold() in rule.words.casefold()]
    if not rules:
        raise NothingToGrade(f"no rule has the words, or is of the section, {only!r}; --list lists all")
    return rules


def _candidate(options: argparse.Namespace) -> Candidate:
    """The server, which greets. Raises NothingToGrade."""
    try:
        address = Address.parse(options.server or "")
    except NotAnAddress:
        raise NothingToGrade("name the server to grade, as HOST:PORT") from None
    if re.search(r":[0-9]+$", options.server) is None:
        raise NothingToGrade(f"name the server to grade with its port, as {options.server}:65432")
    try:
        candidate = by_tls(address, options.ca, options.timeout)
        candidate.connect()
    except BadAuthorities as error:
        raise NothingToGrade(f"--ca: {error}") from None
    except Unready as error:
        why = why_unreached(error.__cause__, options.ca) if isinstance(error.__cause__, OSError) else str(error)
        raise NothingToGrade(f"{options.server} does not answer as a bank does: {why}") from None
    candidate.hang_up()
    return candidate


def _told(verdict: Verdict, trace: bool) -> str:
    why = f"as before: {verdict.why.partition(': ')[0]}" if verdict.grade is Grade.BLOCKED else verdict.why
    lines = [f"{verdict.grade.words:10} {verdict.rule.section:3}  {verdict.rule.words}"]
    if why:
        lines.append(f"{'':17}{why}")
    if trace and verdict.grade is Grade.BROKEN:
        lines += [f"{'':19}{line}" for line in verdict.conversation]
    return "\n".join(lines)


def _json(verdict: Verdict, trace: bool) -> str:
    told = {"section": verdict.rule.section, "rule": verdict.rule.words, "grade": verdict.grade.value.lower()}
    conversation = {"conversation": verdict.conversation} if trace and verdict.grade is Grade.BROKEN else {}
    return json.dumps(told | {"why": verdict.why or None} | conversation)


def _summary(counts: Counter[Grade]) -> str:
    told = [f"{counts[grade]} {grade.value}" for grade in Grade if grade is not Grade.BLOCKED]
    if counts[Grade.BLOCKED]:
        told.append(f"{counts[Grade.BLOCKED]} blocked by what is broken before them")
    return ", ".join(told)


def seconds(text: str) -> float:
    """A time to wait, more than none and an hour at most. Raises ValueError."""
    value = float(text)
    if not 0 < value <= 3600:
        raise ValueError(text)
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bankd-conformance", description=_WORDS)
    parser.add_argument("server", nargs="?", metavar="HOST:PORT", help="the server to grade")
    parser.add_argument(
        "--ca", type=Path, metavar="FILE", help="who signs its certificate; without, whom the system trusts"
    )
    parser.add_argument(
        "--only", default="", metavar="WORDS", help="only rules with these words, or of the section with this number"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=PATIENCE_SECONDS,
        metavar="SECONDS",
        help=f"how long to wait for each answer; {PATIENCE_SECONDS:g} where nothing is said",
    )
    parser.add_argument("--trace", action="store_true", help="tell what was said before a rule was broken, no secrets")
    parser.add_argument("--list", action="store_true", help="list the rules, and grade nothing")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each rule")
    return parser


if __name__ == "__main__":
    sys.exit(main())
