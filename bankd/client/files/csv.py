"""A statement as CSV (RFC 4180) in UTF-8: a row of names, then a row for each entry.

    receipt       the number of the movement
    time          when, RFC 3339 in UTC: 2026-11-20T10:15:00.123456Z
    kind          deposit, withdrawal, paid or received
    amount        in major units with the currency's decimals; negative when it left the account: -25.00
    currency      the currency of both amounts
    balance       what the account held after it
    counterparty  the other account, empty for cash
    reference     the payer's words

Spreadsheets take what begins with = + - @ for a formula and would compute what another customer wrote as a reference.
Such words get an apostrophe before them (OWASP, CSV Injection); numbers of ours are left as they are.
"""

import csv
import io

from bankd import money
from bankd.client.files.form import Head
from bankd.records import StatementLine
from bankd.wire.grammar import write_time

COLUMNS = ("receipt", "time", "kind", "amount", "currency", "balance", "counterparty", "reference")

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


class Csv:
    """See ``Form``."""

    def head(self, head: Head) -> str:
        """The names of the columns."""
        self._currency = head.currency
        return _row(COLUMNS)

    def entry(self, line: StatementLine) -> str:
        """A row."""
        return _row(
            (
                str(line.receipt),
                write_time(line.at_us),
                line.kind,
                money.plain(line.amount_minor, self._currency),
                self._currency,
                money.plain(line.balance_minor, self._currency),
                _words(line.counterparty),
                _words(line.reference),
            )
        )

    def foot(self) -> str:
        """Nothing."""
        return ""


def _row(cells: tuple[str, ...]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()


def _words(text: str | None) -> str:
    """Words that no spreadsheet takes for a formula."""
    text = text or ""
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
