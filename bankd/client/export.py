"""The export of a statement: all entries of a period, page by page from the bank into a new file.

The file is written whole or not at all, and holds the account as it was when the export began: what moves meanwhile is
not in it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bankd.client import words
from bankd.client.bank import Bank
from bankd.client.files.csv import Csv
from bankd.client.files.form import Form, Head
from bankd.client.files.json import Json
from bankd.client.files.new_file import NotWritten, new_file
from bankd.records import ALWAYS, AccountView, Period, Statement

PAGE = 100
"""Entries asked for at a time: as many as a page may have."""


def _camt() -> Form:
    """The form of CAMT.053, whose library is large and not always there. Raises NotWritten."""
    try:
        from bankd.client.files.camt import Camt
    except ImportError:
        raise NotWritten(words.NO_CAMT) from None
    return Camt()


FORMS: dict[str, Callable[[], Form]] = {"csv": Csv, "json": Json, "camt": _camt}
"""Each form of file by its word."""

ENDINGS = {".csv": "csv", ".json": "json", ".xml": "camt", ".camt": "camt", ".c53": "camt"}
"""The form that the ending of a file's name stands for."""


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be written: ``form`` is a word of FORMS, ``path`` the file, ``period`` the entries."""

    path: Path
    form: str
    period: Period = ALWAYS


def form_of(path: Path) -> str | None:
    """The word for the form that a file's ending stands for; None where it stands for none."""
    return ENDINGS.get(path.suffix.lower())


async def export(
    bank: Bank, wanted: Export, tell: Callable[[int], None], seconds: Callable[[], float] = time.time
) -> int:
    """Write the statement; how many entries it has. ``tell`` is called with how many have come, while there are more.

    Raises NotWritten, and Refused and LostBank as the bank does; there is then no file.
    """
    form = FORMS[wanted.form]()
    with new_file(wanted.path) as file:
        account = await bank.balance()
        # With a beginning, however early, the bank tells the balances at both ends with the first page.
        period = Period(wanted.period.since_us or 0, wanted.period.before_us)
        page = await bank.statement(PAGE, None, period)
        file.write(form.head(_head(bank, account, wanted.period, page, int(seconds() * 1_000_000))))
        count = 0
        while True:
            file.writelines(form.entry(line) for line in page.lines)
            count += len(page.lines)
            if page.end.cursor is None:
                break
            tell(count)
            page = await bank.statement(PAGE, page.end.cursor, period)
        file.write(form.foot())
    return count


def _head(bank: Bank, account: AccountView, period: Period, page: Statement, made_us: int) -> Head:
    """What is known with the first ``page``. Without a bound, the period is from the account's opening to now."""
    return Head(
        bank=bank.greeting.bank,
        account=account.account,
        currency=account.currency,
        since_us=account.opened_us if period.since_us is None else period.since_us,
        until_us=made_us if period.before_us is None else period.before_us,
        opening_minor=page.end.period_opening_minor or 0,
        closing_minor=page.end.period_closing_minor or 0,
        made_us=made_us,
    )
