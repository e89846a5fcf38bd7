"""The tables about what customers are told.

1. ``notices`` has a row for each event on an account that moved no money; an entry of the journal is its own notice.
   Ids are in the order in which they were committed.
2. ``preferences`` has what the owners of accounts do not want to be told of (``notices.PreferencesView``).
3. ``forwarding`` has how far each way out for events has come: ``entry_id`` and ``notice_id`` are behind it.
4. ``broadcasts`` has what operators say to every customer. ``passed_id`` is how far the accounts up to ``last_id`` have
   been gone through, in the order of their ids.
5. ``announcements`` has the months (``2026-10``) whose statements customers are told of, and how far each has come.
"""

from sqlalchemy import Column, ForeignKey, Table, UniqueConstraint

from bankd.store.columns import LONG, metadata, text

notices = Table(
    "notices",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("account_id", LONG, ForeignKey("accounts.id"), nullable=False),
    Column("number", LONG, nullable=False),
    Column("kind", text(16), nullable=False),
    Column("at_us", LONG, nullable=False),
    Column("broadcast_id", LONG),
    Column("month", text(7)),
    UniqueConstraint("account_id", "number"),
    sqlite_strict=True,
)

preferences = Table(
    "preferences",
    metadata,
    Column("account_id", LONG, ForeignKey("accounts.id"), primary_key=True, autoincrement=False),
    Column("muted", text(255), nullable=False),
    Column("least_minor", LONG, nullable=False),
    sqlite_strict=True,
)

broadcasts = Table(
    "broadcasts",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("operator_id", LONG, nullable=False),
    Column("key", text(64), nullable=False),
    Column("words", text(140), nullable=False),
    Column("at_us", LONG, nullable=False),
    Column("last_id", LONG, nullable=False),
    Column("passed_id", LONG, nullable=False),
    Column("reached", LONG, nullable=False),
    Column("finished_us", LONG),
    UniqueConstraint("operator_id", "key"),
    sqlite_strict=True,
)

announcements = Table(
    "announcements",
    metadata,
    Column("month", text(7), primary_key=True),
    Column("begun_us", LONG, nullable=False),
    Column("passed_id", LONG, nullable=False),
    Column("reached", LONG, nullable=False),
    Column("finished_us", LONG),
    sqlite_strict=True,
)

forwarding = Table(
    "forwarding",
    metadata,
    Column("name", text(32), primary_key=True),
    Column("entry_id", LONG, nullable=False),
    Column("notice_id", LONG, nullable=False),
    Column("sent_us", LONG),
    Column("given_up", LONG, nullable=False),
    Column("failed_us", LONG),
    Column("failure", text(140)),
    sqlite_strict=True,
)
