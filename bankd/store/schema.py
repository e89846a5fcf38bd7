"""The tables, for SQLite, PostgreSQL and MariaDB alike.

1. Amounts and times are 64-bit integers: minor units, and microseconds since 1970 in UTC.
2. ``journal`` only grows. What an entry says is never changed; a correction is an entry of its own.
3. SQLite's tables are STRICT, for it would else store 'abc' as a balance. Checks stand on tables, where MariaDB wants
   them.
4. Ids of accounts start at 1; 0 is nobody's.
5. ``holds`` and ``reversals`` say nothing that the journal does not: they are looked up where it would be searched.
6. ``challenges.content`` and every ``hash`` of a code are digests under a key that is not in the database.
7. An operator's ``name`` is nobody else's, ever; 0 is the id of who owns the bank (``bank.operators``). ``acts`` only
   grows.
8. ``journal.hash`` is the entry's link (``ledger.chain``); it is null only in a bank that has yet to be sealed.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

LONG = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit integer, by the name that each engine has for it."""

LINK = LargeBinary(32).with_variant(mysql.VARBINARY(32), "mysql", "mariadb")
"""A link of the hash chain, or any other digest, 32 octets."""

SEALED = LargeBinary(64).with_variant(mysql.VARBINARY(64), "mysql", "mariadb")
"""A short secret under a key that is not in the database."""


def text(length: int) -> TypeEngine[str]:
    """Text of at most ``length`` characters, equal only to itself: MariaDB would else take 'k' and 'K' for one key.

    A STRICT table of SQLite knows only TEXT.
    """
    exact = String(length, collation="utf8mb4_bin")
    return String(length).with_variant(Text(), "sqlite").with_variant(exact, "mysql", "mariadb")


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
    sqlite_strict=True,
)

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

terminals = Table(
    "terminals",
    metadata,
    Column("name", text(64), primary_key=True),
    Column("certificate", text(64), nullable=False),
    Column("enrolled_us", LONG, nullable=False),
    Column("ends_us", LONG, nullable=False),
    Column("revoked_us", LONG),
    UniqueConstraint("certificate"),
    sqlite_strict=True,
)

notices = Table(
    "notices",
    metadata,
    Column("account_id", LONG, ForeignKey("accounts.id"), nullable=False),
    Column("number", LONG, nullable=False),
    Column("kind", text(16), nullable=False),
    Column("at_us", LONG, nullable=False),
    PrimaryKeyConstraint("account_id", "number"),
    sqlite_strict=True,
)

operators = Table(
    "operators",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("name", text(32), nullable=False),
    Column("role", text(16), nullable=False),
    Column("uid", LONG),
    Column("certificate", text(64)),
    Column("added_us", LONG, nullable=False),
    Column("removed_us", LONG),
    UniqueConstraint("name"),
    CheckConstraint("role IN ('teller', 'auditor', 'administrator')", name="role"),
    sqlite_strict=True,
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("operator_id", LONG, nullable=False),
    Column("operator", text(32), nullable=False),
    Column("key", text(64), nullable=False),
    Column("verb", text(32), nullable=False),
    Column("account", text(32)),
    Column("receipt", LONG),
    Column("amount_minor", LONG),
    Column("currency", text(3)),
    Column("reason", text(140), nullable=False),
    Column("at_us", LONG, nullable=False),
    Column("expires_us", LONG, nullable=False),
    Column("decided_us", LONG),
    Column("decided_id", LONG),
    Column("outcome", text(16)),
    Column("entry_id", LONG),
    UniqueConstraint("operator_id", "key"),
    sqlite_strict=True,
)

acts = Table(
    "acts",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("at_us", LONG, nullable=False),
    Column("operator_id", LONG, nullable=False),
    Column("operator", text(32), nullable=False),
    Column("verb", text(32), nullable=False),
    Column("outcome", text(32), nullable=False),
    Column("subject", text(32)),
    Column("details", text(140)),
    Column("reason", text(140)),
    Column("of_id", LONG),
    Column("entry_id", LONG),
    sqlite_strict=True,
)

attempts = Table(
    "attempts",
    metadata,
    Column("subject", text(64), nullable=False),
    Column("source", text(96), nullable=False),
    Column("customer_id", LONG),
    Column("failures", LONG, nullable=False),
    Column("first_us", LONG, nullable=False),
    Column("last_us", LONG, nullable=False),
    Column("until_us", LONG, nullable=False),
    Column("locked", LONG, nullable=False),
    Column("forget_us", LONG, nullable=False),
    PrimaryKeyConstraint("subject", "source"),
    Index("ix_attempts_customer_id", "customer_id"),
    Index("ix_attempts_forget_us", "forget_us"),
    sqlite_strict=True,
)

challenges = Table(
    "challenges",
    metadata,
    Column("id", text(32), primary_key=True),
    Column("customer_id", LONG, ForeignKey("customers.id"), nullable=False),
    Column("account_id", LONG, nullable=False),
    Column("purpose", text(16), nullable=False),
    Column("content", LINK, nullable=False),
    Column("way", text(32), nullable=False),
    Column("hash", LINK),
    Column("state", text(16), nullable=False),
    Column("tries", LONG, nullable=False),
    Column("made_us", LONG, nullable=False),
    Column("expires_us", LONG, nullable=False),
    Index("ix_challenges_customer_id", "customer_id"),
    CheckConstraint("state IN ('open', 'answered', 'spent', 'void')", name="state"),
    sqlite_strict=True,
)

apps = Table(
    "apps",
    metadata,
    Column("customer_id", LONG, ForeignKey("customers.id"), primary_key=True, autoincrement=False),
    Column("secret", SEALED),
    Column("offered", SEALED),
    Column("step", LONG, nullable=False),
    sqlite_strict=True,
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("customer_id", LONG, ForeignKey("customers.id"), nullable=False),
    Column("hash", LINK, nullable=False),
    PrimaryKeyConstraint("customer_id", "hash"),
    sqlite_strict=True,
)

payees = Table(
    "payees",
    metadata,
    Column("customer_id", LONG, ForeignKey("customers.id"), nullable=False),
    Column("account_id", LONG, nullable=False),
    Column("since_us", LONG, nullable=False),
    PrimaryKeyConstraint("customer_id", "account_id"),
    sqlite_strict=True,
)
