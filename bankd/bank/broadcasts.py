"""Broadcasts: what an operator says to every customer, as a notice on each account that is open.

1. A broadcast is kept in the transaction of the act, and goes to the accounts piece by piece, in transactions of their
   own: with many accounts nobody waits for all of them.
2. How far it came is written with each piece, so that every account has the notice once, whatever happens between.
"""

from bankd import codes
from bankd.bank.operators import Performed
from bankd.codes import Refused
from bankd.records import BroadcastView, NoticeKind
from bankd.store import broadcasts, outbox
from bankd.store.broadcasts import BroadcastRow
from bankd.store.engines import Transaction
from bankd.store.operators import Deed, OperatorRow

PIECE = 200
"""Accounts in one transaction, at most: others wait for it."""


def begin(tx: Transaction, operator: OperatorRow, words: str, key: str, tried: Deed) -> Performed[BroadcastView]:
    """Have ``words`` told to every customer. Asked again under its key it tells how far that has come.

    Raises Refused: OTHER_CONTENT for a key that was used for other words.
    """
    known = broadcasts.with_key(tx.connection, operator.id, key)
    if known is None:
        return Performed(_as_told(broadcasts.add(tx, operator, key, words)), tried)
    if known.words != words:
        raise Refused(codes.OTHER_CONTENT)
    return Performed(_as_told(known), None)


def go_on(tx: Transaction) -> bool:
    """Tell the next PIECE accounts of the first broadcast that is not finished; whether there may be more to tell."""
    row = broadcasts.unfinished(tx)
    if row is None:
        return False
    found = broadcasts.next_accounts(tx, row, PIECE)
    if found:
        outbox.add_to_all(tx, found, NoticeKind.BROADCAST, row.id)
    broadcasts.went_on(tx, row, found[-1][0] if len(found) == PIECE else row.last_id, len(found))
    return True


def _as_told(row: BroadcastRow) -> BroadcastView:
    return BroadcastView(row.id, row.at_us, row.reached, row.finished_us)
