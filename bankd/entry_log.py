"""Every entry of the journal as a line of the log, before anybody is told that it was made.

So no entry that was acknowledged is missing from a log that could be written, also when the bank is killed. Entries
that nobody has heard of yet may be: the journal has them.
"""

from collections.abc import Sequence

from twisted.logger import Logger

from bankd import log_lines
from bankd.records import Event

TOGETHER = 200
"""Entries in one event of the log, at most: some thirty thousand octets, which whatever reads the log can take."""

_log = Logger()


def note(events: Sequence[Event], _committed_at: float) -> None:
    """Log the entries among ``events``, which were just committed, in as few events of the log as they fit into."""
    posted = [event.posted for event in events if event.posted is not None]
    for first in range(0, len(posted), TOGETHER):
        _log.info("{lines}", lines=log_lines.entries(posted[first : first + TOGETHER]))
