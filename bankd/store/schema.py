"""The tables, for SQLite, PostgreSQL and MariaDB alike; those about who gets in are ``access_schema``'s, those
about what customers are told ``notice_schema``'s.

1. Amounts and times are 64-bit integers: minor units, and microseconds since 1970 in UTC.
2. ``journal`` only grows. What an entry says is never changed; a correction is an entry of its own.
3. SQLite's tables are STRICT, for it would else store 'abc' as a balance. Checks stand on tables, where MariaDB wants
   them.
4. Ids of accounts start at 1; 0 is nobody's.
5. ``holds`` and ``reversals`` say nothing that the journal does not: they are looked up where it would be searched.
6. ``openings`` and ``mobiles`` tell how things were at an entry, by the largest ``after_id`` before its id.
7. ``journal.hash`` is the entry's link (``ledger.chain``); it is null only in a bank that has yet to be sealed.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from bankd.store.access_schema import acts as acts
from bankd.store.access_schema import apps as apps
from bankd.store.access_schema import attempts as attempts
from bankd.store.access_schema import challenges as challenges
from bankd.store.access_schema import operators as operators
from bankd.store.access_schema import payees as payees
from bankd.store.access_schema import proposals as proposals
from bankd.store.access_schema import recovery_codes as recovery_codes
from bankd.store.access_schema import terminals as terminals
from bankd.store.columns import LINK as LINK
from bankd.store.columns import LONG as LONG
from bankd.store.columns import metadata as metadata
from bankd.store.columns import text as text
from bankd.store.notice_schema import announcements as announcements
from bankd.store.notice_schema import broadcasts as broadcasts
from bankd.store.notice_schema import forwarding as forwarding
from bankd.store.notice_schema import notices as notices
from bankd.store.notice_schema import preferences as preferences

customers = Table(
    "customers",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("username", text(32)),
    Column("mobile", text(16)),
    Column("name", text(140)),
    Column("email", text(254)),
    Column("opened_us", LONG, nullable=False),
    Column("contact_us", LONG, nullable=False),
    Column("last_login_us", LONG),
    Column("token_generation", LONG, nullable=False, server_default="0"),
    Column("payees_day", LONG, nullable=False, server_default="0"),
    Column("payees_asked", LONG, nullable=False, server_default="0"),
    UniqueConstraint("username"),
    UniqueConstraint("mobile"),
    sqlite_strict=True,
)

secrets = Table(
    "secrets",
    metadata,
    Column("customer_id", LONG, ForeignKey("customers.id"), nullable=False),
    Column("kind", text(16), nullable=False),
    Column("hash", text(255), nullable=False),
    Column("changed_us", LONG, nullable=False),
    Column("must_change", LONG, nullable=False, server_default="0"),
    PrimaryKeyConstraint("customer_id", "kind"),
    CheckConstraint("kind IN ('password', 'pin')", name="kind"),
    sqlite_strict=True,
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("number", text(32), nullable=False),
    Column("kind", text(16), nullable=False),
    Column("customer_id", LONG, ForeignKey("customers.id")),
    Column("currency", text(3), nullable=False),
    Column("balance_minor", LONG, nullable=False),
    Column("floor_minor", LONG),
    Column("newest", LONG),
    Column("events", LONG, nullable=False),
    Column("acknowledged", LONG, nullable=False),
    Column("opened_us", LONG, nullable=False),
    Column("closed_us", LONG),
    Column("held_minor", LONG, nullable=False, server_default="0"),
    Column("day", LONG, nullable=False, server_default="0"),
    Column("spent_minor", LONG, nullable=False, server_default="0"),
    Column("payment_limit_minor", LONG),
    Column("day_limit_minor", LONG),
    Column("frozen_us", LONG),
    UniqueConstraint("number"),
    Index("ix_accounts_customer_id", "customer_id"),
    CheckConstraint("kind IN ('current', 'till')", name="kind"),
    CheckConstraint("floor_minor IS NULL OR balance_minor >= floor_minor", name="floor"),
    CheckConstraint("closed_us IS NULL OR balance_minor = 0", name="closed"),
    CheckConstraint("acknowledged <= events", name="acknowledged"),
    sqlite_strict=True,
)

leases = Table(
    "leases",
    metadata,
    Column("account_id", LONG, ForeignKey("accounts.id"), primary_key=True, autoincrement=False),
    Column("fence", LONG, nullable=False),
    Column("expires_us", LONG, nullable=False),
    Column("since_us", LONG, nullable=False, server_default="0"),
    Column("host", text(64)),
    Column("ended", LONG, nullable=False, server_default="0"),
    sqlite_strict=True,
)

openings = Table(
    "openings",
    metadata,
    Column("account_id", LONG, nullable=False),
    Column("after_id", LONG, nullable=False),
    Column("opened_us", LONG, nullable=False),
    PrimaryKeyConstraint("account_id", "after_id"),
    sqlite_strict=True,
)
"""When sessions on an account began, each after the account's entry ``after_id``, 0 before the first."""

mobiles = Table(
    "mobiles",
    metadata,
    Column("customer_id", LONG, nullable=False),
    Column("after_id", LONG, nullable=False),
    Column("mobile", text(16)),
    PrimaryKeyConstraint("customer_id", "after_id"),
    sqlite_strict=True,
)
"""The mobile numbers that a customer had, each from after the newest entry of all the customer's accounts then."""

journal = Table(
    "journal",
    metadata,
    Column("id", LONG, primary_key=True, autoincrement=False),
    Column("kind", text(16), nullable=False),
    Column("debit_id", LONG, nullable=False),
    Column("credit_id", LONG, nullable=False),
    Column("amount_minor", LONG, nullable=False),
    Column("debit_balance", LONG, nullable=False),
    Column("credit_balance", LONG, nullable=False),
    Column("debit_previous", LONG),
    Column("credit_previous", LONG),
    Column("debit_event", LONG, nullable=False),
    Column("credit_event", LONG, nullable=False),
    Column("at_us", LONG, nullable=False),
    Column("key", text(72), nullable=False),
    Column("customer_id", LONG, nullable=False),
    Column("reference", text(140)),
    Column("hash", LINK),
    Column("of_id", LONG),
    Column("expires_us", LONG),
    UniqueConstraint("key", "customer_id"),
    CheckConstraint("amount_minor > 0", name="amount"),
    CheckConstraint("debit_id <> credit_id", name="sides"),
    sqlite_strict=True,
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("key", text(72), nullable=False),
    Column("customer_id", LONG, nullable=False),
    Column("content", text(512), nullable=False),
    Column("code", LONG, nullable=False),
    Column("reason", text(32), nullable=False),
    Column("place", LONG),
    Column("at_us", LONG, nullable=False),
    PrimaryKeyConstraint("key", "customer_id"),
    sqlite_strict=True,
)

holds = Table(
    "holds",
    metadata,
    Column("id", LONG, primary_key=True, autoincrement=False),
    Column("account_id", LONG, nullable=False),
    Column("payee_id", LONG, nullable=False),
    Column("amount_minor", LONG, nullable=False),
    Column("expires_us", LONG, nullable=False),
    Index("ix_holds_account_id", "account_id"),
    Index("ix_holds_payee_id", "payee_id"),
    Index("ix_holds_expires_us", "expires_us"),
    sqlite_strict=True,
)

reversals = Table(
    "reversals",
    metadata,
    Column("entry_id", LONG, primary_key=True, autoincrement=False),
    Column("reversed_minor", LONG, nullable=False),
    sqlite_strict=True,
)
