"""The wire by itself: a line that a bank reads, a line that a client reads, values, and amounts of money."""

from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import unquote_to_bytes

from bankd import codes, money
from bankd.client import answers, script
from bankd.client.answers import BODIES, ITEMS, Answer
from bankd.wire import codec, messages
from bankd.wire.codec import NotReply
from bankd.wire.grammar import MAX_LINE
from bankd.wire.messages import BulkItem
from tests import docs
from tests.fuzz import phrases
from tests.fuzz.target import Stateless, ensure, or_refused

TAG = "t"


class Requests(Stateless):
    """A line from a client: a message, which written and read again is the same, or a refusal."""

    weight = 250

    def seeds(self) -> Sequence[bytes]:
        """Every verb with every field."""
        return phrases.requests()

    def feed(self, data: bytes) -> None:
        """Read a line."""
        request = or_refused(codec.split, data)
        if request is None:
            return
        if request.verb == codec.ITEM:
            item = or_refused(codec.read_item, BulkItem, request)
            ensure(item is None or codec.read_item(BulkItem, codec.split(codec.write_item(TAG, item))) == item, item)
            return
        kind = or_refused(codec.kind_of, request)
        message = None if kind is None else or_refused(codec.read_message, kind, request)
        if message is not None:
            written = codec.write_request(TAG, message)
            ensure(len(data) > MAX_LINE or len(written) <= MAX_LINE, "too long when it is written", written)
            ensure(codec.read_message(type(message), codec.split(written)) == message, "not what was written", written)


class Replies(Stateless):
    """A line from a bank that may be hostile: what a client makes of it, down to the words that it shows."""

    weight = 15

    def __init__(self) -> None:
        examples = [or_refused(codec.read_message, kind, codec.split(line)) for kind, line in phrases.by_kind()]
        self._asked = [message for message in examples if message is not None]

    def seeds(self) -> Sequence[bytes]:
        """What the page's bank says, a line for each record."""
        return phrases.replies()

    def feed(self, data: bytes) -> None:
        """Read a line, as the answer to each request that there is."""
        try:
            reply = codec.read_reply(data)
        except NotReply:
            return
        for name, value in reply.fields.items():
            ensure(value.encode("utf-8").decode("utf-8") == value, "no text", name)
        code = answers.code_of(reply)
        ensure(0 <= code.number <= 999, "no number", code)
        answer = Answer(code, reply.fields, (reply.fields,))
        for asked in self._asked:
            self._take(asked, answer)

    def _take(self, asked: messages.Message, answer: Answer) -> None:
        for record in (table[type(asked)] for table in (BODIES, ITEMS) if type(asked) in table):
            try:
                value = answers.read(record, answer.fields)
            except NotReply:
                continue
            again = codec.read_reply(codec.write_reply(TAG, codes.DONE, value))
            ensure(answers.read(type(value), again.fields) == value, "not what was written", value)
        with suppress(NotReply):
            script._words(asked, answer)


class Values(Stateless):
    """A value of each kind of the grammar: read and written, it stays what it is."""

    weight = 60

    def seeds(self) -> Sequence[bytes]:
        """A value of every kind."""
        return phrases.values()

    def feed(self, data: bytes) -> None:
        """Read a value, as any kind."""
        try:
            text = unquote_to_bytes(data).decode("utf-8")
        except UnicodeDecodeError:
            return
        for kind in docs.KINDS.values():
            try:
                value = kind.parse(text)
            except ValueError:
                continue
            written = kind.write(value)
            ensure(kind.parse(written) == value, "not what was written", kind.rule, text)
            ensure(isinstance(value, str) or written == text, "two spellings of one value", kind.rule, text)


class Amounts(Stateless):
    """An amount as people write it, in each currency."""

    weight = 100

    CURRENCIES = ("USD", "EUR", "JPY", "KWD", "CLF", "GBP")

    def seeds(self) -> Sequence[bytes]:
        """A few."""
        return (b"100", b"99.50", b"$100", "€0.01".encode(), "¥1000".encode(), b"1.234", b"0.0001", b"0", b"1,234.50")

    def feed(self, data: bytes) -> None:
        """Read an amount."""
        text = data.decode("utf-8", "surrogateescape")
        for currency in self.CURRENCIES:
            try:
                minor = money.parse(text, currency)
            except money.NotMoney:
                continue
            ensure(0 < minor <= money.MAX_AMOUNT_MINOR, "out of range", text, currency)
            ensure(money.parse(money.plain(minor, currency), currency) == minor, "not what was written", text)
            digits = text.lstrip("$€£¥").partition(".")
            places = money.exponent(currency) or 0
            ensure(int(digits[0] + digits[2].ljust(places, "0")) == minor, "another amount", text, currency)
