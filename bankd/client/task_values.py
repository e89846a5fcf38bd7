"""The values in a task, from words to what a request takes; each that will not do is told with what would.

Tasks are English, and so are their amounts, whatever language the answers are in.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bankd.client import amounts, days, forms
from bankd.client.forms import Form
from bankd.client.keys import NewKey
from bankd.records import OPTIONAL, Period, period_of
from bankd.wire import grammar

WRONG_WAY = "the period ends before it begins"

Found = dict[str, str | None]
"""The words of a task by what they stand for; None where they were left out."""


class NotTask(Exception):
    """The words are no task; ``field`` and ``why`` tell what is wrong where the form is known."""

    def __init__(self, field: str | None = None, why: str | None = None) -> None:
        super().__init__(field, why)
        self.field = field
        self.why = why


@dataclass(frozen=True, slots=True)
class Context:
    """What a request needs besides the words: the account's currency, and keys for commands that move money."""

    currency: str
    new_key: NewKey


def value(field: str, form: Form, found: Found) -> str:
    """What ``form`` reads in ``field``. Raises NotTask."""
    try:
        return form.read(found[field] or "")
    except ValueError:
        raise NotTask(field, form.hint) from None


def value_if_given(field: str, form: Form, found: Found) -> str | None:
    """The same, or None where it was left out."""
    return value(field, form, found) if found[field] is not None else None


def amount(found: Found, context: Context) -> int:
    """An amount in minor units. Raises NotTask."""
    try:
        return amounts.parse_english(found["amount"] or "", context.currency)
    except amounts.NotAmount as error:
        raise NotTask("amount", str(error)) from None


def amount_if_given(found: Found, context: Context) -> int | None:
    """The same, or None where it was left out."""
    return amount(found, context) if found["amount"] is not None else None


def muted(found: Found) -> str:
    """Kinds of notices, as they travel. Raises NotTask."""
    kinds = (found["kinds"] or "").lower().split()
    if not {*kinds} <= {*OPTIONAL}:
        raise NotTask("kinds", f"these can be muted: {', '.join(OPTIONAL)}")
    return "+".join(kinds)


def hold_seconds(found: Found) -> int | None:
    """For how long money is set aside; None where that was left out. Raises NotTask."""
    told = found["days"]
    if told is None:
        return None
    if len(told) > 9 or not 1 <= int(told) <= days.MOST_HELD:
        raise NotTask("days", f"money is set aside for 1 to {days.MOST_HELD} days")
    return int(told) * days.SECONDS


def entries(found: Found) -> int | None:
    """How many entries a statement is to have; None where that was left out. Raises NotTask."""
    try:
        return grammar.PAGE.parse(found["limit"]) if found["limit"] else None
    except ValueError:
        raise NotTask("limit", "a statement has 1 to 100 entries") from None


def period(found: Found) -> Period:
    """The month, or the days that ``from`` and ``to`` name, both included. Raises NotTask."""
    if "month" in found:
        return period_of(value("month", forms.MONTH, found))
    named = Period(day("since", days.begins, found), day("before", days.ends, found))
    if days.wrong_way(named):
        raise NotTask("before", WRONG_WAY)
    return named


def day(field: str, instant: Callable[[str], int], found: Found) -> int | None:
    """What ``instant`` makes of the day in ``field``; None where there is none. Raises NotTask."""
    told = found[field]
    try:
        return None if told is None else instant(told)
    except ValueError:
        raise NotTask(field, days.HINT) from None


def path(found: Found) -> Path:
    """A file. Raises NotTask."""
    name = found["file"] or ""
    if "\0" in name:
        raise NotTask("file", "no file's name has a NUL")
    return Path(os.path.expanduser(name))  # of nobody's folder it is the name as it stands, as for a shell
