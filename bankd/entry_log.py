"""Every entry of the journal as a line of the log, before anybody is told that it was made.

So no entry that was acknowledged is missing from a log that could be written, also when the bank is killed. Entries
that nobody has heard of yet may be: the journal has them.
"""

from collections.abc import Sequence

from twisted.logger import Logger

from bankd import log_lines
from bankd.records import Event

_log = Logger()


def note(events: Sequence[Event], _committed_at: float) -> None:
    """Log the entries among ``events``, which were just committed, as one event of the log."""
    if posted := [event.posted for event in events if event.posted is not None]:
        _log.info("{lines}", lines=log_lines.entries(posted))
