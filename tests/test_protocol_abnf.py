"""The protocol's page against the protocol's code, in both directions.

The grammar of the page is read by the library `abnf`. `abnf-to-regexp` turns its rules into regular expressions, from
which Hypothesis makes texts: all three know RFC 5234 and nothing of bankd. The expressions are used as they come,
without that library's `compress`, which forgets that quoted strings match both cases.

What the grammar cannot say, and what is therefore done here to its texts or to the codec's, is said openly in
`in_order` (fields may come in any order), `has_a_day` (the calendar) and `is_utf8` (values of fields not known).
"""

import re
from collections.abc import Iterable
from dataclasses import make_dataclass, replace
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

import abnf
from abnf_to_regexp import single_regexp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes, records
from bankd.bank import reports, strength
from bankd.codes import Refused
from bankd.protocols import line
from bankd.protocols.asked import Reader
from bankd.wire import acts, codec, grammar, messages, notice, paths, replay
from bankd.wire.grammar import Kind
from bankd.wire.messages import Message
from tests import docs

steady = settings(derandomize=True, database=None, deadline=None, max_examples=100)
"""The same texts in every run, however slow the machine is."""

often = settings(steady, max_examples=200)

CRLF = "\r\n"


@cache
def expression(rule: str) -> str:
    """A rule of the page as a regular expression."""
    return single_regexp.represent(single_regexp.ABNFTransformer().transform_rule(docs.load()(rule)))


@cache
def texts(rule: str) -> SearchStrategy[str]:
    """Texts that a rule of the page allows; whoever only imports this module does not wait for the grammar."""
    ascii_only = st.characters(max_codepoint=127)
    return st.deferred(lambda: st.from_regex(expression(rule), fullmatch=True, alphabet=ascii_only))


def rule_of(message: type[Message]) -> str:
    """The rule for a message without its tag."""
    return message.verb.lower().replace("_", "-")


def accepted(line: bytes) -> Message | None:
    """What the bank understands by a line; None when it refuses it."""
    try:
        request = codec.split(line)
        return codec.read_message(codec.kind_of(request), request)
    except Refused:
        return None


def item_in(line: str) -> messages.BulkItem | None:
    """The item that the bank reads in a line; None when it is none."""
    try:
        request = codec.split(line.encode())
        return codec.read_item(messages.BulkItem, request) if request.verb == codec.ITEM else None
    except Refused:
        return None


def in_order(line: str) -> str:
    """A line with the fields of its verb in the order in which the grammar writes them.

    Fields may come in any order, which ABNF could only say by listing every order of them.
    """
    tag, _, rest = line.partition(" ")
    verb, *fields = rest.split(" ")
    kinds: dict[str, type[Any]] = {**messages.BY_VERB, codec.ITEM: messages.BulkItem}
    if verb not in kinds:
        return line
    order = [field.name for field in codec.fields_of(kinds[verb])]
    names = [field.partition("=")[0] for field in fields]
    if not set(names) <= set(order):
        return line
    return " ".join([tag, verb, *sorted(fields, key=lambda field: order.index(field.partition("=")[0]))])


def has_a_day(text: str) -> bool:
    """Whether every time in a text is on a day that the calendar has; the grammar knows 30 February."""
    try:
        return all(datetime.fromisoformat(time) for time in re.findall(r"\d{4}-\d{2}-\d{2}T[\d:.]+Z", text))
    except ValueError:
        return False


def is_utf8(text: str) -> bool:
    """Whether what is percent-encoded in a text is UTF-8; a value of no known kind is any octets to the grammar."""
    try:
        return bool(unquote_to_bytes(text).decode("utf-8")) or not text
    except UnicodeDecodeError:
        return False


def values(kind: Kind) -> SearchStrategy[Any]:
    """Values of a kind, as the code means it."""
    if kind is grammar.TIME:
        first, last = (grammar.read_time(f"{day}Z") for day in ("1000-01-01T00:00:00", "9999-12-31T23:59:59.999999"))
        return st.integers(first, last)
    return st.from_regex(kind.pattern, fullmatch=True).map(kind.parse)


@st.composite
def bodies(draw: DrawFn, cls: type[Any]) -> Any:
    """Any value of a dataclass that travels; of a message, with fields that go together."""
    ways = getattr(cls, "ways", ())
    way = draw(st.sampled_from(ways)) if ways else frozenset()
    tied = frozenset(chain(*ways))
    chosen = {}
    for field in codec.fields_of(cls):
        if field.required or field.name in way or (field.name not in tied and draw(st.booleans())):
            chosen[field.attribute] = draw(values(field.kind))
    return cls(**chosen)


@st.composite
def mutated(draw: DrawFn, lines: SearchStrategy[str], alphabet: str) -> str:
    """A line with one to three of its characters or words dropped, doubled, replaced, moved or put in."""
    line = draw(lines)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(line) - 1, 0)))
        words = line.split(" ")
        word = draw(st.integers(0, len(words) - 1))
        other = draw(st.integers(0, len(words) - 1))
        letter = draw(st.sampled_from(alphabet))
        line = draw(
            st.sampled_from(
                [
                    line[:at] + line[at + 1 :],
                    line[:at] + letter + line[at:],
                    line[:at] + letter + line[at + 1 :],
                    line[:at] + line[at : at + 1].swapcase() + line[at + 1 :],
                    line[:at],
                    " ".join(words[:word] + words[word + 1 :]),
                    " ".join([*words[:word], words[other], *words[word:]]),
                    " ".join([*words[:word], *words[word + 1 :], words[word]]),
                ]
            )
        )
    return line


ALPHABET = "aZ09 =%-_.~:@+/*,\r\n\x00\t\x7fé²٣"
"""Letters that are right in some place, and such as never are; one of them is a digit to careless code."""


def longest(parser: Any, seen: frozenset[str] = frozenset()) -> int:
    """The length of the longest text that a rule allows. Fails for a rule without an end."""
    match parser:
        case abnf.Rule():
            assert parser.name not in seen, f"{parser.name} is recursive"
            return longest(parser.definition, seen | {parser.name})
        case abnf.parser.Literal():
            return 1 if isinstance(parser.value, tuple) else len(parser.value)
        case abnf.parser.Concatenation():
            return sum(longest(part, seen) for part in parser.parsers)
        case abnf.parser.Alternation():
            return max(longest(part, seen) for part in parser.parsers)
        case abnf.parser.Option():
            return longest(parser.alternation, seen)
        case abnf.parser.Repetition():
            assert parser.repeat.max is not None, f"{parser} has no end"
            return int(parser.repeat.max) * longest(parser.element, seen)
    raise TypeError(parser)


class GrammarCase(SynchronousTestCase):
    """What the tests of the grammar share."""

    def assertForm(self, rule: str, text: str) -> None:
        """Fail unless `text` has the form of a rule of the page."""
        self.assertTrue(docs.parses(rule, text), f"not a {rule}: {text!r}")


class PageTests(GrammarCase):
    """The page says what the code says."""

    def test_made_parts(self) -> None:
        """The tables that are made from the code are as the code makes them; `python -m tests.docs` writes them."""
        self.assertEqual(docs.made_anew(docs.page()), docs.page())

    def test_meanings(self) -> None:
        """Every field in a table of fields has its meaning written."""
        self.assertNotIn("| ? |", docs.page())

    def test_tables(self) -> None:
        """There is a table for each request that has fields, for each record, and for all else that the code tells."""
        made = [found["what"] for found in docs.MADE.finditer(docs.page())]
        requests = [f"request {message.verb}" for message in messages.ALL if codec.fields_of(message)]
        requests.append("item BulkItem")
        wanted = [
            *requests,
            *(f"record {record.__name__}" for record in docs.RECORDS),
            "limits",
            "notices",
            "states",
            "roles",
            "codes",
        ]
        self.assertEqual(sorted(made), sorted(wanted))

    def test_stale_part(self) -> None:
        """A table that differs from the code is noticed, and written anew with its meanings kept."""
        stale = docs.page().replace("| `upto` | count | always |", "| `upto` | text | optional |")
        self.assertNotEqual(stale, docs.page())
        self.assertEqual(docs.made_anew(stale), docs.page())

    def test_sections(self) -> None:
        """Every request has its section with an example, and every record that an answer carries has one."""
        for message in messages.ALL:
            _, _, section = docs.page().partition(f"\n### {message.verb}\n")
            section, _, _ = section.partition("\n### ")
            self.assertRegex(section, rf"\nC\d?: \w+ {message.verb}\b", message.verb)
        for record in docs.RECORDS:
            self.assertIn(f"\n### {docs.rule_of(record)}\n", docs.page())

    def test_codes_named(self) -> None:
        """Outside the table of codes the page names every code that gives a reason, and none that is not."""
        prose = docs.MADE.sub("", docs.page())
        named = set(re.findall(r"`(\d{3}) ([a-z_]+)`", prose)) | set(re.findall(r" (\d{3}) reason=([a-z_]+)", prose))
        self.assertEqual(named, {(str(code.number), code.reason) for code in codes.ALL if code.gives_reason})

    def test_limits_in_prose(self) -> None:
        """Where a sentence repeats a limit it is the limit."""
        flat = " ".join(docs.page().split())
        for sentence in (
            f"A line is at most **{grammar.MAX_LINE} octets**",
            f"While {line.PIPELINE} requests wait, or {messages.MAX_BULK} items",
            f"of up to {messages.MAX_BULK} transfers",
            f"without it, {reports.STATEMENT_LINES}.",
            f"oldest first, {reports.INBOX_PAGE} at most",
            f"A datagram has at most {notice.MAX_DATAGRAM} octets",
            f"gets probes of {notice.PROBE_OCTETS} octets",
            f"1 to {notice.MOST_HINTS} times 24 octets",
            f"own client remembers {replay.WINDOW - 1:,}.",
            f"more than {paths.PROBE_SECONDS} seconds have passed",
            f"A password must have at least {strength.MIN_PASSWORD} characters",
        ):
            self.assertIn(sentence, flat)

    def test_kinds(self) -> None:
        """The grammar has every kind of value as the code documents it, and a row that says what it is."""
        (source,) = docs.blocks("abnf")
        flat = re.sub(r"(?<=[(\[]) | (?=[)\]])", "", re.sub(r"\s+", " ", re.sub(r" *;[^\n]*", "", source)))
        for rule, kind in docs.KINDS.items():
            self.assertIn(f" {rule} = {kind.abnf} ", flat)
            self.assertIn(f"\n| `{rule}` | ", docs.page())

    def test_words(self) -> None:
        """A verb or field that is spelt in hexadecimal is the one that its comment tells."""
        (source,) = docs.blocks("abnf")
        spelt = re.findall(r"^[vf]-\S+ += (?:SP )?%x([0-9A-F.]+)(?: \S+)?(?: %x[0-9A-F.]+)? +; (\S+)$", source, re.M)
        self.assertEqual(len(spelt), len(re.findall(r"^[vf]-", source, re.M)))
        for octets, comment in spelt:
            self.assertEqual(bytes.fromhex(octets.replace(".", "")).decode("ascii"), comment)

    def test_no_rule_is_loose(self) -> None:
        """Every rule that a rule names is there, and every rule is reached from a line or an answer."""
        (source,) = docs.blocks("abnf")
        defined = [name.lower() for name in re.findall(r"^([A-Za-z][\w-]*) +=", source, re.M)]
        self.assertEqual(len(defined), len(set(defined)))
        bare = re.sub(r'"[^"]*"|%[xbd][0-9A-F.-]+|;[^\n]*|^\S+ +=', " ", source, flags=re.M)
        named = {name.lower() for name in re.findall(r"[A-Za-z][\w-]*", bare)}
        roots = {f"{rule_of(message)}-answer" for message in messages.ALL}
        roots |= {"request-line", "reply-line", "request", "bulk-request", "greeting", "event", "reply"}
        roots.add("sealed-line")
        self.assertEqual(named - set(defined), set())
        self.assertEqual(set(defined) - named, roots)


class RequestTests(GrammarCase):
    """Requests: what the grammar allows the bank reads, what the codec writes the grammar allows, and nothing else."""

    def test_allowed_is_read(self) -> None:
        """The bank reads every request that the grammar allows, of each verb, and reads the verb that it is."""
        for message in messages.ALL:
            self._check_read(message)

    def _check_read(self, message: type[Message]) -> None:
        @settings(steady, max_examples=30)
        @given(texts("tag"), texts(rule_of(message)).filter(has_a_day))
        def check(tag: str, body: str) -> None:
            line = f"{tag} {body}"
            read = accepted(line.encode("ascii"))
            self.assertIsInstance(read, message, line)
            self.assertEqual(codec.split(line.encode("ascii")).tag, tag)

        check()

    @often
    @given(texts("request").filter(has_a_day))
    def test_request_is_read(self, line: str) -> None:
        """The bank reads every request that the grammar allows, and its own writing of it means the same."""
        read = accepted(line.removesuffix(CRLF).encode("ascii"))
        assert read is not None, line
        written = codec.write_request("a1", read)
        self.assertEqual(accepted(written), read)
        self.assertForm("request", written.decode("ascii") + CRLF)

    @often
    @given(st.sampled_from(messages.ALL).flatmap(bodies), texts("tag"))
    def test_written_is_allowed(self, message: Message, tag: str) -> None:
        """The grammar allows every request that the codec writes, and the bank reads what was meant."""
        line = codec.write_request(tag, message)
        self.assertForm("request", line.decode("ascii") + CRLF)
        self.assertEqual(accepted(line), message)

    @settings(steady, max_examples=600)
    @given(mutated(texts("request").map(lambda line: line.removesuffix(CRLF)), ALPHABET))
    def test_mutated(self, line: str) -> None:
        """A request with something wrong in it is refused by both, or right in another way to both."""
        allowed = docs.parses("request", in_order(line) + CRLF) and has_a_day(line)
        self.assertEqual(accepted(line.encode()) is not None, allowed, line)

    @often
    @given(st.sampled_from(messages.ALL).flatmap(bodies), st.randoms(use_true_random=False))
    def test_any_order(self, message: Message, random: Any) -> None:
        """The bank reads the fields of a request in any order."""
        tag, verb, *fields = codec.write_request("a1", message).decode("ascii").split(" ")
        random.shuffle(fields)
        self.assertEqual(accepted(" ".join([tag, verb, *fields]).encode("ascii")), message)

    @often
    @given(texts("request-line"))
    def test_general_form(self, line: str) -> None:
        """Whatever has the general form of a request is taken apart, so that its verb or a field is what is refused."""
        request = codec.split(line.removesuffix(CRLF).encode("ascii"))
        self.assertTrue(line.startswith(f"{request.tag} {request.verb}"))

    @often
    @given(mutated(texts("request-line").map(lambda line: line.removesuffix(CRLF)), ALPHABET))
    def test_general_form_mutated(self, line: str) -> None:
        """A line is taken apart just when it has the general form."""
        try:
            taken = bool(codec.split(line.encode()))
        except codec.Malformed:
            taken = False
        self.assertEqual(taken, docs.parses("request-line", line + CRLF), line)

    @often
    @given(st.lists(bodies(messages.BulkItem), min_size=1, max_size=3), bodies(messages.Bulk), texts("tag"))
    def test_items_written_are_allowed(self, items: list[Any], bulk: messages.Bulk, tag: str) -> None:
        """The grammar allows every request with items that the codec writes, and the bank reads what was meant."""
        asked = replace(bulk, items=tuple(items), count=len(items))
        octets = codec.write_request(tag, asked)
        self.assertForm("bulk-request", octets.decode("ascii") + CRLF)
        reader = Reader()
        *before, last = [reader.read(line, True) for line in octets.split(b"\r\n")]
        self.assertEqual(before, [[]] * len(items))
        self.assertEqual([(one.tag, one.message) for one in last], [(tag, asked)])

    @often
    @given(texts("bulk-item"))
    def test_item_is_read(self, line: str) -> None:
        """The bank reads every item that the grammar allows."""
        self.assertIsNotNone(item_in(line.removesuffix(CRLF)), line)

    @often
    @given(mutated(texts("bulk-item").map(lambda line: line.removesuffix(CRLF)), ALPHABET))
    def test_item_mutated(self, line: str) -> None:
        """An item with something wrong in it is refused by both, or right in another way to both."""
        self.assertEqual(item_in(line) is not None, docs.parses("bulk-item", in_order(line) + CRLF), line)

    def test_longest(self) -> None:
        """The longest request that the grammar allows fits into a line."""
        for rule in ("request", "bulk-item"):
            self.assertLessEqual(longest(docs.load()(rule)), grammar.MAX_LINE + len(CRLF))


@cache
def probe(kind: Kind) -> type[Message]:
    """A message with one field, of a kind."""
    made: type[Message] = make_dataclass("Probe", [("value", Annotated[Any, kind])], bases=(Message,), slots=True)
    return made


class KindTests(GrammarCase):
    """Every kind of value: its rule in the grammar and its pattern in the code mean the same values."""

    def assertSame(self, kind: Kind, spelt: str) -> None:
        """Fail unless the rule of a kind and the codec agree about a value as it travels."""
        try:
            codec.read_message(probe(kind), codec.split(f"a1 PROBE value={spelt}".encode()))
            allowed = True
        except Refused:
            allowed = False
        self.assertEqual(allowed, docs.parses(kind.rule, spelt) and has_a_day(spelt), (kind.rule, spelt))

    def test_mutated(self) -> None:
        """A value with something wrong in it is refused by both, or right in another way to both."""
        for kind in docs.KINDS.values():
            self._check_mutated(kind)

    def _check_mutated(self, kind: Kind) -> None:
        @settings(steady, max_examples=80)
        @given(mutated(texts(kind.rule), ALPHABET[:17]))
        def check(spelt: str) -> None:
            self.assertSame(kind, spelt)

        check()

    def test_lengths(self) -> None:
        """Both agree about values of every length at which a kind may begin or end, in short and long spellings."""
        for kind in docs.KINDS.values():
            for length in (*range(6), *range(12, 20), *range(31, 34), 64, 65):
                self.assertSame(kind, "a" * length)
                self.assertSame(kind, "1" * length)
        for kind in (grammar.PERSON, grammar.PASSWORD, grammar.TEXT):
            for length in (100, 101, 128, 129, 140, 141):
                self.assertSame(kind, "%F0%9F%98%80" * length)

    def test_email_lengths(self) -> None:
        """Both agree about the longest e-mail address, and one that is longer on either side of its `@`."""
        for before, after in ((64, 189), (65, 1), (1, 190), (0, 1), (1, 0)):
            for at in ("@", "%40", ""):
                self.assertSame(grammar.EMAIL, "a" * before + at + "b" * after)

    def test_ports(self) -> None:
        """Both agree about every number near a boundary of a port's form."""
        for boundary in (0, 10, 100, 1000, 10000, 60000, 65000, 65500, 65530, 65535, 66000, 70000):
            for near in range(max(boundary - 2, 0), boundary + 3):
                self.assertSame(grammar.PORT, str(near))

    def test_code_points(self) -> None:
        """Both agree about every character next to one that is refused, or where UTF-8 changes its length."""
        edges = (0, 0x20, 0x7F, 0xA0, 0x7FF, 0x2028, 0x202E, 0x2066, 0x2069, 0xD7FF, 0xE000, 0xFFFF, 0x10FFFF)
        for point in chain.from_iterable(range(max(edge - 2, 0), edge + 3) for edge in edges):
            octets = chr(min(point, 0x10FFFF)).encode("utf-8", "surrogatepass")
            for form in ("%{:02X}", "%{:02x}"):
                self.assertSame(grammar.TEXT, "".join(form.format(octet) for octet in octets))

    @often
    @given(st.lists(st.integers(0x80, 0xFF), min_size=1, max_size=5))
    def test_octets(self, octets: list[int]) -> None:
        """Both agree about which octets are UTF-8."""
        self.assertSame(grammar.TEXT, "".join(f"%{octet:02X}" for octet in octets))


ANSWERS: dict[type[Message], tuple[type[Any] | None, Iterable[codes.Code], type[Any] | None]] = {
    messages.SignUp: (None, [codes.CREATED], records.AccountView),
    messages.Login: (None, [codes.DONE, codes.CREATED], records.Welcome),
    messages.Keys: (None, [codes.DONE], records.PublishedKeys),
    messages.Sealed: (records.HoldView, [codes.DONE], None),
    messages.OneTime: (None, [codes.DONE, codes.CREATED], records.Welcome),
    messages.ViewDetails: (None, [codes.DONE], records.CustomerView),
    messages.Accounts: (records.AccountView, [codes.DONE], None),
    messages.OpenAccount: (None, [codes.CREATED], records.AccountView),
    messages.Balance: (None, [codes.DONE], records.AccountView),
    messages.Statement: (records.StatementLine, [codes.DONE], records.StatementEnd),
    messages.Deposit: (None, [codes.DONE], records.Receipt),
    messages.Withdraw: (None, [codes.DONE], records.Receipt),
    messages.Transfer: (None, [codes.DONE], records.Receipt),
    messages.Bulk: (records.BulkLine, [codes.DONE], records.BulkEnd),
    messages.Hold: (None, [codes.DONE], records.Held),
    messages.Capture: (None, [codes.DONE], records.Receipt),
    messages.Release: (None, [codes.DONE], records.Receipt),
    messages.Holds: (records.HoldView, [codes.DONE], None),
    messages.Reverse: (None, [codes.DONE], records.Receipt),
    messages.Limits: (None, [codes.DONE], records.Allowance),
    messages.Payee: (None, [codes.DONE], records.PayeeView),
    messages.Certify: (None, [codes.DONE], records.SignedReceipt),
    messages.UpdateContact: (None, [codes.DONE], records.CustomerView),
    messages.ChangePin: (None, [codes.DONE], None),
    messages.ChangePassword: (None, [codes.DONE], None),
    messages.EnrolApp: (None, [codes.DONE], records.Enrolment),
    messages.ConfirmApp: (records.RecoveryCode, [codes.DONE], None),
    messages.RemoveApp: (None, [codes.DONE], None),
    messages.DeleteAccount: (None, [codes.DONE], None),
    messages.Listen: (None, [codes.DONE], records.Listening),
    messages.Confirm: (None, [codes.DONE], None),
    messages.Notices: (records.Notice, [codes.DONE], None),
    messages.Acknowledge: (None, [codes.DONE], None),
    messages.Preferences: (None, [codes.DONE], records.PreferencesView),
    messages.Noop: (None, [codes.DONE], records.Newest),
    messages.Logout: (None, [codes.DONE], None),
    acts.Operate: (None, [codes.DONE], records.OperatorView),
    acts.FindAccount: (records.AccountFile, [codes.DONE], None),
    acts.ListAccounts: (records.AccountFile, [codes.DONE], None),
    acts.ListCustomers: (records.CustomerFile, [codes.DONE], None),
    acts.FindCustomer: (None, [codes.DONE], records.CustomerFile),
    acts.UnlockCustomer: (None, [codes.DONE], records.CustomerFile),
    acts.FindEntry: (None, [codes.DONE], records.EntryFile),
    acts.Credit: (None, [codes.DONE, codes.PROPOSED], records.Decision),
    acts.ReverseEntry: (None, [codes.DONE, codes.PROPOSED], records.Decision),
    acts.ResetPin: (None, [codes.DONE, codes.PROPOSED], records.Decision),
    acts.FreezeAccount: (None, [codes.DONE], None),
    acts.UnfreezeAccount: (None, [codes.DONE, codes.PROPOSED], records.Decision),
    acts.CloseAccount: (None, [codes.DONE, codes.PROPOSED], records.Decision),
    acts.Sessions: (records.OpenSession, [codes.DONE], None),
    acts.EndSession: (records.OpenSession, [codes.DONE], None),
    acts.Proposals: (records.Proposal, [codes.DONE], None),
    acts.Approve: (None, [codes.DONE], records.Decision),
    acts.Reject: (None, [codes.DONE], None),
    acts.Acts: (records.Act, [codes.DONE], None),
    acts.Broadcast: (None, [codes.DONE], records.BroadcastView),
}
"""What answers each request: the record in each line of a list, the codes at its end, the record beside them."""


class AnswerTests(GrammarCase):
    """What the bank sends: what the codec writes the grammar allows, and a client reads what the grammar allows."""

    def test_written_is_allowed(self) -> None:
        """The grammar of each request's answer allows what the codec writes."""
        for message in messages.ALL:
            self._check_written(message)

    def _check_written(self, message: type[Message]) -> None:
        item, ends, end = ANSWERS[message]
        more = {"acknowledged": 7} if message is messages.Notices else {}

        @settings(steady, max_examples=15)
        @given(
            texts("tag"),
            st.lists(
                bodies(item),
                min_size=message in (messages.Bulk, acts.FindAccount),
                max_size=1 if message is acts.EndSession else 3,
            )
            if item
            else st.just([]),
            st.sampled_from(list(ends)),
            bodies(end) if end else st.none(),
        )
        def check(tag: str, listed: list[Any], code: codes.Code, body: Any) -> None:
            lines = [codec.write_item(tag, value) for value in listed]
            lines.append(codec.write_reply(tag, code, body, **more))
            travelled = [written.decode("ascii") + CRLF for written in lines]
            self.assertForm(f"{rule_of(message)}-answer", "".join(travelled))
            for sent in travelled:
                self.assertForm("reply", sent)

        check()

    @often
    @given(st.sampled_from(docs.RECORDS).flatmap(bodies))
    def test_record_is_read(self, record: Any) -> None:
        """A client reads every record that the codec writes as what was meant."""
        reply = codec.read_reply(codec.write_reply("a1", codes.DONE, record))
        self.assertEqual(codec.read_fields(type(record), reply.fields), record)

    def test_allowed_record_is_read(self) -> None:
        """A client reads every record that the grammar allows, on days that the calendar has."""
        for record in docs.RECORDS:
            self._check_record(record)

    def _check_record(self, record: type[Any]) -> None:
        @settings(steady, max_examples=30)
        @given(texts(docs.rule_of(record)).filter(has_a_day))
        def check(written: str) -> None:
            line = written.removesuffix(CRLF) if record is records.Greeting else f"a1 200{written}"
            read = codec.read_fields(record, codec.read_reply(line.encode("ascii")).fields)
            self.assertIsInstance(read, record)

        check()

    def test_refusals(self) -> None:
        """The grammar allows every refusal, as an answer and as an event, with its field or incident."""
        for code in codes.ALL:
            if not code.refuses:
                continue
            for more in ({}, {"field": "amount"}, {"field": "to", "place": 3}, {"place": 3}, {"incident": "3fd2a91c"}):
                for tag, rule in (("a1", "reply"), ("*", "event")):
                    self.assertForm(rule, codec.write_reply(tag, code, **more).decode("ascii") + CRLF)

    def test_warning(self) -> None:
        """The grammar allows the warning of idleness, as an event only."""
        for tag, rule in (("*", "event"), ("a1", "reply")):
            warning = codec.write_reply(tag, codes.IDLE_SOON, seconds=60).decode("ascii") + CRLF
            self.assertEqual(docs.parses(rule, warning), tag == "*", warning)

    @often
    @given(texts("reply"))
    def test_reply_is_read(self, line: str) -> None:
        """A client takes apart every reply that the grammar allows."""
        reply = codec.read_reply(line.removesuffix(CRLF).encode("ascii"))
        self.assertTrue(line.startswith(f"{reply.tag} {'-' if reply.number is None else reply.number}"))

    @often
    @given(mutated(texts("reply-line").map(lambda line: line.removesuffix(CRLF)), ALPHABET))
    def test_mutated(self, line: str) -> None:
        """A client takes a line apart just when it has the general form of a reply, and is UTF-8."""
        try:
            taken = bool(codec.read_reply(line.encode()))
        except codec.NotReply:
            taken = False
        self.assertEqual(taken, docs.parses("reply-line", line + CRLF) and is_utf8(line), line)

    def test_longest(self) -> None:
        """The longest reply and the longest greeting that the grammar allows fit into a line."""
        for rule in ("reply", "event", "greeting"):
            self.assertLessEqual(longest(docs.load()(rule)), grammar.MAX_LINE + len(CRLF))
