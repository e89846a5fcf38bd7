"""The tables about who gets in: tries, one-time passwords, terminals, and operators with what they did.

1. ``challenges.content`` and every ``hash`` of a code are digests under a key that is not in the database.
2. An operator's ``name`` is nobody else's, ever; 0 is the id of who owns the bank (``bank.operators``). ``acts`` only
   grows.
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

from bankd.store.columns import LINK, LONG, SEALED, metadata, text

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
    Column("payout", text(32)),
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
