"""The two forms of the log file: text for people, JSON for programs.

1. Nothing that an event tells of can begin a line of its own. In text further lines of an event begin with a tab, and
   controls, and what would turn a line round where it is shown, are written as escapes; JSON is ASCII throughout.
2. Of an event's values JSON has those that ``log_lines.FIELDS`` names, and no others.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol

from twisted.logger import LogEvent, LogLevel, eventAsText, formatEventAsClassicLogText, formatTime

from bankd.log_lines import FIELDS

_ESCAPED = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_ESCAPES = {sign: f"\\u{sign:04x}" for sign in _ESCAPED}


class Form(Protocol):
    """How an event is written: as no line, one, or several, each with its end."""

    def __call__(self, event: LogEvent) -> str: ...


def text(event: LogEvent) -> str:
    """As Twisted writes it. Where the event has ``lines``, each is a line with the event's time and source."""
    said = formatEventAsClassicLogText(event, formatTime=_local_time)
    if said is None:
        return ""
    said = said.translate(_ESCAPES)
    if "lines" in event:
        time_and_source = said[: said.index("] ") + 2]
        said = said.replace("\n\t", "\n" + time_and_source)
    return said


def as_json(event: LogEvent) -> str:
    """An object a line (JSON Lines). Where the event has ``lines``, each is an object with the event's time and
    source.
    """
    begin = {
        "time": _utc(event.get("log_time")),
        "level": (event.get("log_level") or LogLevel.info).name,
        "source": str(event.get("log_namespace") or event.get("log_system") or "-"),
    }
    if "lines" in event:
        return "".join(_object({**begin, "event": line.event}, line.fields) for line in event["lines"])
    said = eventAsText(event, includeTraceback=False, includeTimestamp=False, includeSystem=False)
    fault = event.get("log_failure")
    if not said and fault is None:
        return ""
    begin["text"] = said
    if fault is not None:
        begin["traceback"] = fault.getTraceback()
    return _object(begin, event)


FORMS: dict[str, Form] = {"text": text, "json": as_json}
"""Every form by the name that the settings know it by."""

_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def _object(begin: dict[str, Any], fields: Mapping[str, object]) -> str:
    for name, value in fields.items():
        if name in FIELDS and name not in begin and isinstance(value, str | int | float):
            begin[name] = value
    return _encode(begin) + "\n"


def _local_time(when: float | None) -> str:
    return "-" if when is None else _local_second(int(when))


@lru_cache(8)  # thousands of lines may be of one second
def _local_second(when: int) -> str:
    return formatTime(when)


def _utc(when: float | None) -> str | None:
    if when is None:
        return None
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
