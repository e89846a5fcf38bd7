"""What a line of the log tells: which event it is, and fields from a list that nothing else gets past.

1. A field is logged only where FIELDS names it, whoever sets it. Secrets, references, names, and the keys of payments
   have none.
2. A value is a number or a text that the bank made, or that the grammar of the wire has let pass. How it is kept from
   breaking a line is the business of whoever writes it (``log_forms``).
3. Lines are spelt when they are written, and in bulk: an event of Twisted's log costs some twenty microseconds, and a
   line in it one or two.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from bankd.ledger.entries import Posted
from bankd.money import plain
from bankd.wire.grammar import write_time

FIELDS = {
    "time": "when the line was logged, RFC 3339 in UTC",
    "level": "debug, info, warn, error or critical",
    "source": "the part of the program that tells of it",
    "event": "what happened, where that is one of the events below",
    "text": "what happened, in words, where it is not",
    "traceback": "where in the program a fault was, line by line; no values",
    "incident": "the number of a fault, which the client was told",
    "peer": "address and port of the other end; for a UNIX socket the system's user and process",
    "verb": "what was asked",
    "code": "the code that it was answered with",
    "reason": "the word that goes with a code of refusal",
    "account": "the number of the session's account",
    "operator": "the name of the operator who asked",
    "receipt": "the number of an entry of the journal",
    "answers": "how many requests were answered",
    "kind": "the kind of the entry",
    "amount": "how much, in units of the currency, as a text",
    "currency": "an ISO 4217 code",
    "debit": "the account that pays; TILL-EUR is the bank's cash, FEES-EUR its fees",
    "debit_balance": "its balance after the entry",
    "credit": "the account that is paid",
    "credit_balance": "its balance after the entry",
    "customer": "the number of the customer who had the entry made, 0 for the bank itself",
    "of": "the entry that this one is the fee or the reversal of, or the hold that it ends",
    "at": "the time of the entry by the database's clock, as in the journal",
    "connections": "connections that are open",
    "most_connections": "the most that were at a time since the start",
    "total_connections": "all that there were since the start",
    "tasks_processed": "requests of customers that were answered since the start",
    "cpu_percent": "the share of one processor that the bank used since the line of figures before",
    "memory_bytes": "what it has in memory",
    "threads": "its threads",
    "open_files": "its open files, connections among them",
    "uptime_seconds": "for how long it has run",
}
"""Every field that a line can have, and what it is."""

FIGURES = (
    *("connections", "most_connections", "total_connections", "tasks_processed"),
    *("memory_bytes", "threads", "open_files", "uptime_seconds"),
)
"""The bank's figures that are told as ``figures.Snapshot`` has them."""

EVENTS = {
    "connected": ("%(peer)s connected", ()),
    "request": ("%(peer)s %(verb)s %(code)s", ("reason", "account", "operator", "receipt")),
    "hung_up": ("%(peer)s hung up on: %(code)s %(reason)s", ()),
    "cut_off": ("%(peer)s cut off: it does not read", ()),
    "closed": ("%(peer)s closed after %(answers)s answers", ()),
    "figures": ("figures:", ("cpu_percent", *FIGURES)),
}
"""How each event is told as text: the words that a line begins with, and the fields that follow where the line has
them. Besides, there is the event ``entry``.
"""

Value = str | int | float


class Line:
    """One line: an event of EVENTS, with its fields. As a text it is what a person reads."""

    __slots__ = ("event", "fields")

    def __init__(self, event: str, fields: Mapping[str, Value]) -> None:
        self.event = event
        self.fields = fields

    def __str__(self) -> str:
        """The line, without time and source."""
        fields = self.fields
        words, more = EVENTS[self.event]
        return words % fields + "".join([f" {name}={fields[name]}" for name in more if name in fields])


class EntryLine:
    """A line that tells of an entry of the journal."""

    __slots__ = ("_posted",)

    event = "entry"

    def __init__(self, posted: Posted) -> None:
        self._posted = posted

    @property
    def fields(self) -> Mapping[str, Value]:
        """The entry without what its customer wrote."""
        entry, debit, credit, currency = self._posted
        of = {} if entry.of_id is None else {"of": entry.of_id}
        return {
            "receipt": entry.id,
            "kind": entry.kind,
            "amount": plain(entry.amount_minor, currency),
            "currency": currency,
            "debit": debit,
            "debit_balance": plain(entry.debit_balance, currency),
            "credit": credit,
            "credit_balance": plain(entry.credit_balance, currency),
            "customer": entry.customer_id,
            "at": _time(entry.at_us),
            **of,
        }

    def __str__(self) -> str:
        """The line, without time and source."""
        entry, debit, credit, currency = self._posted
        of = "" if entry.of_id is None else f" of={entry.of_id}"
        return (
            f"entry {entry.id} {entry.kind} {plain(entry.amount_minor, currency)} {currency} from {debit} to {credit}"
            f" debit_balance={plain(entry.debit_balance, currency)}"
            f" credit_balance={plain(entry.credit_balance, currency)}"
            f" customer={entry.customer_id} at={_time(entry.at_us)}{of}"
        )


class Lines(tuple[Line | EntryLine, ...]):
    """Lines for the log, in order."""

    __slots__ = ()

    def __str__(self) -> str:
        """The lines as one text."""
        return "\n".join(map(str, self))


def entries(posted: Iterable[Posted]) -> Lines:
    """A line for each entry."""
    return Lines(map(EntryLine, posted))


@lru_cache(8)  # the entries of a batch have one time
def _time(at_us: int) -> str:
    return write_time(at_us)
