"""Which events are not told live, since the owner of the account has chosen so.

Only accounts with a session are known here: nobody else listens. A session is of one node, and so is what it chose.
"""

from collections.abc import Callable, Sequence

from bankd.notices import PreferencesView
from bankd.records import Event, Session


class Quiet:
    """What was chosen for the accounts that have a session on which less is told; ``tell`` is told the rest."""

    def __init__(self, tell: Callable[[Sequence[Event], float], None]) -> None:
        self._tell = tell
        self._chosen: dict[int, tuple[int, PreferencesView]] = {}

    def choose(self, session: Session, chosen: PreferencesView) -> None:
        """Tell a session only of what ``chosen`` leaves."""
        if chosen.silent:
            self._chosen[session.account_id] = session.fence, chosen
        else:
            self._chosen.pop(session.account_id, None)

    def forget(self, session: Session) -> None:
        """A session is over; a later one on its account has its own choice."""
        if session.account_id in self._chosen and self._chosen[session.account_id][0] == session.fence:
            del self._chosen[session.account_id]

    def tell(self, events: Sequence[Event], committed_at: float) -> None:
        """Pass on those of ``events`` that are to be told live."""
        loud = [event for event in events if not self._is_quiet(event)] if self._chosen else events
        self._tell(loud, committed_at)

    def _is_quiet(self, event: Event) -> bool:
        found = self._chosen.get(event.account_id)
        return found is not None and found[1].silences(event.kind, event.amount_minor)
