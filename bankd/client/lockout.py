"""What is said of failed tries to log in, in English: how many there were, and how long the bank looks at none."""

from bankd import codes
from bankd.codes import Code
from bankd.language import _, plural

REFUSED_FOR: dict[Code, str] = {
    codes.LOCKED: _(
        "Too many tries to log in have failed, so the bank looks at none for {time}. A terminal at which you "
        "have logged in before may still do."
    ),
    codes.WAIT: _("There were several tries. Please wait {time} before the next one."),
}
"""What is said of a refusal of which the bank tells how long it lasts."""


def refused_for(code: Code, seconds: int) -> str | None:
    """That and for how long the bank refuses; None where the code says nothing of the kind."""
    return REFUSED_FOR[code].format(time=span(seconds)) if code in REFUSED_FOR else None


def span(seconds: int) -> str:
    """So many seconds, or from two minutes on the minutes that they begin."""
    if seconds < 120:
        return plural("{count} second", "{count} seconds", seconds)
    return plural("{count} minute", "{count} minutes", -(-seconds // 60))


def failed(count: int | None) -> str:
    """How many tries failed before a log-in, on a line of its own; nothing where none did."""
    told = plural(
        "{count} try with a wrong PIN or password came before. If that was not you, change both.",
        "{count} tries with a wrong PIN or password came before. If that was not you, change both.",
        count or 0,
    )
    return f"\n{told}" if count else ""
