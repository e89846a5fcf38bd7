"""Days as people write them, and the instants at which they begin and end.

A day is a day where the terminal is, by this computer's own time zone, as are all times that the client shows.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from bankd.records import Period

SECONDS = 86_400
"""As many as the bank takes a day to have where it counts days."""

MOST_HELD = 99
"""For how many days a person may set money aside."""

HINT = "a day is written year-month-day, such as 2026-11-30"
HINT_MONTH = "a month is written year-month, such as 2026-11"
HINT_TIME = "a time is written hours:minutes, such as 14:30"

_DAY = re.compile(r"(?:19[7-9]|2[0-9]{2})[0-9]-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2})?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def begins(day: str, zone: tzinfo | None = None) -> int:
    """The first instant of a day, in microseconds since 1970. Raises ValueError for what is none of 1970 to 2999."""
    return _instant(_date(day), time.min, zone)


def ends(day: str, zone: tzinfo | None = None) -> int:
    """The first instant after a day. Raises ValueError."""
    return _instant(_date(day) + timedelta(days=1), time.min, zone)


def at(day: str, clock: str, zone: tzinfo | None = None) -> int:
    """The instant at which the clock shows a time of a day. Raises ValueError."""
    if _TIME.fullmatch(clock) is None:
        raise ValueError(clock)
    return _instant(_date(day), time.fromisoformat(clock), zone)


def wrong_way(period: Period) -> bool:
    """Whether the last day of a period is before its first, so that no instant is in it."""
    return period.since_us is not None and period.before_us is not None and period.before_us <= period.since_us


def _date(day: str) -> date:
    if _DAY.fullmatch(day) is None:
        raise ValueError(day)
    return date.fromisoformat(day)


def _instant(day: date, clock: time, zone: tzinfo | None) -> int:
    shown = datetime.combine(day, clock, zone)
    # Without a zone of its own, a time is taken for one of this computer's.
    return (shown.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)
