"""A statement as one JSON object (RFC 8259), in ASCII; an entry stands on a line of its own.

    bank, account, currency   whose statement it is
    since, until              from which moment on, and before which, it has all entries
    opening, closing          the balance at the beginning and at the end
    made                      when it was made
    entries                   newest first, each with receipt, time, kind, amount, balance, counterparty, reference

Amounts are text in major units with the currency's decimals, such as "-25.00", for a reader's floats would not keep
them; times are RFC 3339 in UTC. What there is not, such as the counterparty of cash, is null.
"""

import json

from bankd import money
from bankd.client.files.form import Head
from bankd.records import StatementLine
from bankd.wire.grammar import write_time


class Json:
    """See ``Form``."""

    def head(self, head: Head) -> str:
        """The object as far as its list of entries."""
        self._currency = head.currency
        self._between = "\n"
        told = {
            "bank": head.bank,
            "account": head.account,
            "currency": head.currency,
            "since": write_time(head.since_us),
            "until": write_time(head.until_us),
            "opening": money.plain(head.opening_minor, head.currency),
            "closing": money.plain(head.closing_minor, head.currency),
            "made": write_time(head.made_us),
            "entries": [],
        }
        return json.dumps(told).removesuffix("]}")

    def entry(self, line: StatementLine) -> str:
        """One more in the list."""
        between, self._between = self._between, ",\n"
        told = {
            "receipt": line.receipt,
            "time": write_time(line.at_us),
            "kind": line.kind,
            "amount": money.plain(line.amount_minor, self._currency),
            "balance": money.plain(line.balance_minor, self._currency),
            "counterparty": line.counterparty,
            "reference": line.reference,
        }
        return between + json.dumps(told)

    def foot(self) -> str:
        """The end of the list and of the object."""
        return "\n]}\n"
