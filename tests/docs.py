"""The protocol's page: its grammar, its examples; and the tables in the pages that are made from the code.

    python -m tests.docs                 write every made table anew, in place
    python -m tests.docs codes           print one of them; the page says above each what makes it

The column `meaning` of the tables of fields is written by hand in the page, and kept; the rest is the code's.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import abnf

from bankd import codes, metrics, records
from bankd.bank import one_time, payees, reports, strength
from bankd.bank.terms import Terms
from bankd.ledger.entries import Entry
from bankd.protocols import line
from bankd.reload import LIVE
from bankd.settings_keys import KEYS
from bankd.wire import codec, grammar, messages, notice, paths, sealed_lines
from bankd.wire.grammar import Kind
from bankd.wire.messages import ALL, BY_VERB, Message
from bankd.wire.roles import MAY, Role
from bankd.wire.states import RULES, State, obstacle

PAGE = Path(__file__).resolve().parent.parent / "docs" / "protocol.md"
MONITORING = PAGE.with_name("monitoring.md")
OPERATIONS = PAGE.with_name("operations.md")
"""The operators' page, whose table of settings is made as well."""

MADE = re.compile(
    r"(?P<head><!-- made by: python -m tests\.docs (?P<what>[a-z]+(?: \w+)?) -->\n)(?P<body>.*?)(?P<foot><!-- end -->)",
    re.DOTALL,
)
BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)

RECORDS: tuple[type[Any], ...] = (
    records.Greeting,
    records.PublishedKeys,
    records.Welcome,
    records.Wait,
    records.AccountView,
    records.CustomerView,
    records.Receipt,
    records.BulkLine,
    records.BulkEnd,
    records.Held,
    records.HoldView,
    records.Allowance,
    records.PayeeView,
    records.SignedReceipt,
    records.StatementLine,
    records.StatementEnd,
    records.Notice,
    records.PreferencesView,
    records.Listening,
    records.Newest,
    records.Challenged,
    records.TriesLeft,
    records.Enrolment,
    records.RecoveryCode,
    records.OperatorView,
    records.AccountFile,
    records.CustomerFile,
    records.OpenSession,
    records.EntryFile,
    records.Proposal,
    records.Decision,
    records.Act,
    records.BroadcastView,
)
"""Everything that a reply or an event may carry."""

PAYER, PAYEE = 1, 2
_SIDES = {
    **dict.fromkeys(("transfer", "hold", "capture", "release", "expiry", "reversal"), (PAYER, PAYEE)),
    **dict.fromkeys(("withdrawal", "fee"), (PAYER,)),
    "deposit": (PAYEE,),
}
"""Which sides of each kind of entry a customer can be on: cash and fees have the bank on the other."""

KINDS: dict[str, Kind] = {kind.rule: kind for kind in vars(grammar).values() if isinstance(kind, Kind)}
"""Every kind of value, by the rule that is its form."""


# abnf asserts at each alternative that fails that its parser is one. On Python 3.11 to look at a protocol takes so long
# that this is half of all its time; everything passes now.
_library: Any = abnf.parser
_library.Parser = object


class Bank(abnf.Rule):
    """The rules of BANK/1, once ``load`` has read them from the page."""


@cache
def page() -> str:
    """The text of the page."""
    return PAGE.read_text(encoding="utf-8")


@cache
def blocks(kind: str) -> tuple[str, ...]:
    """The text of each fenced block of a kind, in the page's order."""
    return tuple(found["text"] for found in BLOCK.finditer(page()) if found["kind"] == kind)


@cache
def load() -> type[Bank]:
    """The page's grammar, read by a reader of RFC 5234; it takes seconds, so once for each process.

    It is read rule by rule, each of which begins at the left: the time for a list of them grows faster than the list.
    """
    (source,) = blocks("abnf")
    for rule in re.split(r"^(?=[A-Za-z])", source, flags=re.MULTILINE):
        Bank.load_grammar(rule)
        _forget()
    return Bank


def parses(rule: str, text: str) -> bool:
    """Whether ``text``, all of it, has the form of a rule of the page."""
    try:
        load()(rule).parse_all(text)
    except abnf.ParseError:
        return False
    finally:
        _forget()
    return True


def _forget() -> None:
    """Drop what the parser keeps of every text that it ever saw."""
    cache_of_texts: Any = abnf.parser.ParseCache
    cache_of_texts.clear_caches()


def rule_of(record: type[Any]) -> str:
    """The rule that is the form of a record: `account-view` for AccountView."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", record.__name__).lower()


def made_anew(text: str) -> str:
    """The page's text with every made part as the code has it now."""
    return MADE.sub(lambda found: found["head"] + made(found["what"], found["body"]) + found["foot"], text)


def made(what: str, before: str = "") -> str:
    """One made part; ``before`` is what stood there, for the words written by hand."""
    subject, _, name = what.partition(" ")
    match subject:
        case "codes":
            rows = list(_codes())
        case "settings":
            rows = list(_settings())
        case "limits":
            rows = list(_limits(before))
        case "notices":
            rows = list(_notices(before))
        case "states":
            rows = list(_states())
        case "roles":
            rows = list(_roles())
        case "request":
            rows = list(_fields(BY_VERB[name], before))
        case "item":
            rows = list(_fields(getattr(messages, name), before))
        case "record":
            rows = list(_fields(getattr(records, name), before))
        case "metrics":
            rows = list(_metrics())
        case _:
            raise ValueError(what)
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _codes() -> Iterator[tuple[str, ...]]:
    yield ("", "code", "reason", "closes", "stored", "meaning")
    yield ("---", "---", "---", "---", "---", "---")
    for place, code in enumerate(codes.ALL, 1):
        reason = f"`{code.reason}`" if code.gives_reason else ""
        marks = ("yes" if mark else "" for mark in (code.closes, code.stored))
        yield (str(place), str(code.number), reason, *marks, code.meaning)


def _settings() -> Iterator[tuple[str, ...]]:
    yield ("key", "default", "takes", "meaning", "at SIGHUP")
    yield ("---", "---", "---", "---", "---")
    for key in KEYS:
        default = f"`{key.default}`" if key.default else ""
        live = "yes" if (key.section, key.name) in LIVE else ""
        yield (f"`[{key.section}] {key.name}`", default, key.allowed, key.meaning, live)


def _limits(before: str) -> Iterator[tuple[str, ...]]:
    meanings = _meanings(before)
    yield ("limit", "default", "meaning")
    yield ("---", "---", "---")
    for name, default in (
        ("line", f"{grammar.MAX_LINE} octets"),
        ("handshake", f"{records.Limits().handshake_seconds} seconds"),
        ("log_in", f"{records.Limits().login_seconds} seconds"),
        ("line_time", f"{records.Limits().line_seconds} seconds"),
        ("stall", f"{records.Limits().stall_seconds} seconds"),
        ("idle", f"{records.Limits().idle_seconds} seconds"),
        ("idle_warning", f"{records.Limits().idle_warning_seconds} seconds"),
        ("session", f"{records.Limits().session_seconds} seconds"),
        ("lease", f"{Terms().lease_seconds} seconds"),
        ("closing", f"{line.CLOSING_SECONDS} seconds"),
        ("sealed_line", f"{sealed_lines.MAX_SEALED} octets"),
        ("items", f"{messages.MAX_BULK} items"),
        ("pipeline", f"{line.PIPELINE} requests"),
        ("statement", f"{reports.STATEMENT_LINES} entries"),
        ("notices", f"{reports.INBOX_PAGE} notices"),
        ("datagram", f"{notice.MAX_DATAGRAM} octets"),
        ("probe", f"{notice.PROBE_OCTETS} octets"),
        ("proof_time", f"{paths.PROBE_SECONDS} seconds"),
        ("probes", f"{paths.PROBES_OF_ACCOUNT[0]} probes"),
        ("host_probes", f"{paths.PROBES_TO_HOST[0]} probes"),
        ("challenge", f"{one_time.CHALLENGE_SECONDS} seconds"),
        ("tries", f"{one_time.MAX_TRIES} passwords"),
        ("challenges", f"{one_time.MOST_AN_HOUR} an hour"),
        ("payees", f"{payees.MOST_LOOKS} a day"),
        ("password", f"{strength.MIN_PASSWORD} characters"),
    ):
        yield (f"`{name}`", default, meanings.get(name, "?"))


def _notices(before: str) -> Iterator[tuple[str, ...]]:
    meanings, signs = _meanings(before), _signs()
    yield ("kind", "amount", "can be muted", "meaning")
    yield ("---", "---", "---", "---")
    for kind in records.NoticeKind:
        muted = "yes" if kind in records.OPTIONAL else ""
        yield (f"`{kind}`", " or ".join(sorted(signs.get(kind, ()))), muted, meanings.get(kind, "?"))


def _signs() -> dict[str, set[str]]:
    """Of each kind of notice that an entry of the journal is, which signs its amount may have."""
    signs: dict[str, set[str]] = {}
    for kind, customers in _SIDES.items():
        entry = Entry(1, kind, PAYER, PAYEE, 1, 0, 0, None, None, 1, 1, 0, "key", 1, None)
        for side in map(entry.side, customers):
            signs.setdefault(side.kind, set()).add("negative" if side.amount_minor < 0 else "positive")
    return signs


def _states() -> Iterator[tuple[str, ...]]:
    yield ("verb", *(state.value for state in State), "overlaps")
    yield ("---", *("---" for _ in State), "---")
    for message in ALL:
        refusals = (obstacle(state, message) for state in State)
        cells = (f"{code.number} `{code.reason}`" if code else "yes" for code in refusals)
        yield (f"`{message.verb}`", *cells, "yes" if RULES[message].overlaps else "")


def _roles() -> Iterator[tuple[str, ...]]:
    yield ("verb", *(role.value for role in Role))
    yield ("---", *("---" for _ in Role))
    for message, roles in MAY.items():
        yield (f"`{message.verb}`", *("yes" if role in roles else "" for role in Role))


def _metrics() -> Iterator[tuple[str, ...]]:
    yield ("metric", "kind", "labels", "meaning")
    yield ("---", "---", "---", "---")
    for family in metrics.FAMILIES:
        labels = ", ".join(f"`{label}`" for label in family.labels)
        yield (f"`{family.name}`", family.kind.value, labels, family.meaning)


def _fields(cls: type[Any], before: str) -> Iterator[tuple[str, ...]]:
    meanings = _meanings(before)
    yield ("field", "value", "given", "meaning")
    yield ("---", "---", "---", "---")
    for field in codec.fields_of(cls):
        meaning = meanings.get(field.name, "?")
        yield (f"`{field.name}`", field.kind.rule, _given(cls, field), meaning)


def _meanings(before: str) -> dict[str, str]:
    """What the last column of a table says, by what is named in its first."""
    return dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", before, re.MULTILINE))


def _given(cls: type[Any], field: codec.Field) -> str:
    """Whether a field is always given, may be given, or belongs to one of the ways to make the request."""
    ways = cls.ways if issubclass(cls, Message) else ()
    own = [way for way in ways if field.name in way]
    if not own:
        return "always" if field.required else "optional"
    if own == [{field.name}]:
        return "this or " + " or ".join(_listed(way) for way in ways if way not in own)
    return "; or ".join("with " + _listed(way - {field.name}) for way in own)


def _listed(names: frozenset[str]) -> str:
    return " and ".join(f"`{name}`" for name in sorted(names))


def main(arguments: list[str]) -> None:
    """Print what the arguments name, or write the page anew."""
    if arguments:
        what = " ".join(arguments)
        before = next((found["body"] for found in MADE.finditer(page()) if found["what"] == what), "")
        print(made(what, before), end="")
        return
    for path in (PAGE, MONITORING, OPERATIONS):
        path.write_text(made_anew(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
