"""Operators, what they propose, and what they did."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(length: int) -> TypeEngine[str]:
    """Text of at most ``length`` characters, equal only to itself."""
    exact = sa.String(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(sa.Text(), "sqlite").with_variant(exact, "mysql", "mariadb")


def upgrade() -> None:
    """Add the three tables."""
    _operators()
    _proposals()
    _acts()


def _operators() -> None:
    op.create_table(
        "operators",
        sa.Column("id", LONG, nullable=False),
        sa.Column("name", text(32), nullable=False),
        sa.Column("role", text(16), nullable=False),
        sa.Column("uid", LONG),
        sa.Column("certificate", text(64)),
        sa.Column("added_us", LONG, nullable=False),
        sa.Column("removed_us", LONG),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operators")),
        sa.UniqueConstraint("name", name=op.f("uq_operators_name")),
        sa.CheckConstraint("role IN ('teller', 'auditor', 'administrator')", name=op.f("ck_operators_role")),
        sqlite_strict=True,
    )


def _proposals() -> None:
    op.create_table(
        "proposals",
        sa.Column("id", LONG, nullable=False),
        sa.Column("operator_id", LONG, nullable=False),
        sa.Column("operator", text(32), nullable=False),
        sa.Column("key", text(64), nullable=False),
        sa.Column("verb", text(32), nullable=False),
        sa.Column("account", text(32)),
        sa.Column("receipt", LONG),
        sa.Column("amount_minor", LONG),
        sa.Column("currency", text(3)),
        sa.Column("reason", text(140), nullable=False),
        sa.Column("at_us", LONG, nullable=False),
        sa.Column("expires_us", LONG, nullable=False),
        sa.Column("decided_us", LONG),
        sa.Column("decided_id", LONG),
        sa.Column("outcome", text(16)),
        sa.Column("entry_id", LONG),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
        sa.UniqueConstraint("operator_id", "key", name=op.f("uq_proposals_operator_id")),
        sqlite_strict=True,
    )


def _acts() -> None:
    op.create_table(
        "acts",
        sa.Column("id", LONG, nullable=False),
        sa.Column("at_us", LONG, nullable=False),
        sa.Column("operator_id", LONG, nullable=False),
        sa.Column("operator", text(32), nullable=False),
        sa.Column("verb", text(32), nullable=False),
        sa.Column("outcome", text(32), nullable=False),
        sa.Column("subject", text(32)),
        sa.Column("details", text(140)),
        sa.Column("reason", text(140)),
        sa.Column("of_id", LONG),
        sa.Column("entry_id", LONG),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acts")),
        sqlite_strict=True,
    )
