"""The contract of the board of notices: who is told of events as they happen; no logic."""

from collections.abc import Iterable

from zope.interface import Interface

from bankd.records import Event, Listening


class INoticeBoard(Interface):
    """Tells terminals that something happened on an account they listen for."""

    def listen(account_id: int, host: str, port: int) -> Listening:
        """Send a probe to ``host`` and UDP ``port``, where a terminal says that it listens for events on an account.

        Returns ``Listening``, with an id and a key that only the terminal learns. Nothing else is sent there before
        ``confirm``. Refused: WAIT, where too many probes were sent for the account or to the host.
        """

    def confirm(listener: str, proof: str) -> bool:
        """Tell that listener of events from now on, since it knows what its probe brought. False where that is not it,
        or it comes too late, or there is no such listener."""

    def silence(listener: str) -> None:
        """Tell that listener nothing more. Unknown ids are passed over."""

    def tell(events: Iterable[Event], committed_at: float) -> None:
        """Tell whoever listens of ``records.Event`` values that were stored at ``committed_at``, by a clock that only
        goes forward. Never raises: what they tell of has already happened."""
