"""What the owners of accounts do not want to be told of: rows in, rows out. Who has not chosen has no row."""

from sqlalchemy import Connection, insert, select, update

from bankd.notices import NOTHING, PreferencesView
from bankd.store.engines import Transaction
from bankd.store.schema import accounts, preferences


def of_account(connection: Connection, account_id: int) -> PreferencesView:
    """What was chosen for an account."""
    chosen = accounts.outerjoin(preferences, preferences.c.account_id == accounts.c.id)
    query = select(preferences.c.muted, preferences.c.least_minor, accounts.c.currency).select_from(chosen)
    row = connection.execute(query.where(accounts.c.id == account_id)).one()
    return PreferencesView(row.muted or NOTHING, row.least_minor or 0, row.currency)


def keep(tx: Transaction, account_id: int, chosen: PreferencesView) -> None:
    """Keep what was chosen."""
    mine = preferences.c.account_id == account_id
    values = {"muted": chosen.muted, "least_minor": chosen.least_minor}
    if tx.connection.execute(update(preferences).where(mine).values(**values)).rowcount == 0:
        tx.connection.execute(insert(preferences).values(account_id=account_id, **values))
