"""What a customer wants to be told of on an account: of some kinds of notices not, and of small amounts not.

1. What was chosen changes nothing about what happened: it has its number, and stands in the statement.
2. What protects the customer cannot be switched off, and that something was chosen is told of itself.
"""

from sqlalchemy import Connection

from bankd import codes
from bankd.codes import Refused
from bankd.notices import NOTHING, OPTIONAL, NoticeKind, PreferencesView
from bankd.records import Session
from bankd.store import outbox, preferences
from bankd.store.engines import Transaction


def of_session(connection: Connection, session: Session) -> PreferencesView:
    """What was chosen for the session's account."""
    return preferences.of_account(connection, session.account_id)


def choose(tx: Transaction, session: Session, muted: str | None, least_minor: int | None) -> PreferencesView:
    """Keep what is given of both, and leave the other as it is.

    Raises Refused, naming ``muted``, for a kind that cannot be switched off, or that there is not.
    """
    before = preferences.of_account(tx.connection, session.account_id)
    chosen = PreferencesView(
        before.muted if muted is None else _in_order(muted),
        before.least_minor if least_minor is None else least_minor,
        before.currency,
    )
    if chosen != before:
        preferences.keep(tx, session.account_id, chosen)
        outbox.add(tx, session.account_id, NoticeKind.PREFERENCES)
    return chosen


def _in_order(muted: str) -> str:
    """The kinds in ``muted``, each once. Raises Refused."""
    wanted = set() if muted == NOTHING else set(muted.split("+"))
    if not wanted <= {kind.value for kind in OPTIONAL}:
        raise Refused(codes.BAD_FIELD, "muted")
    return "+".join(kind.value for kind in OPTIONAL if kind.value in wanted) or NOTHING
