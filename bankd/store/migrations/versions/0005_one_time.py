"""One-time passwords: challenges, authenticator apps, recovery codes, and payees known from a payment with a code."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(length: int) -> TypeEngine[str]:
    """Text of at most ``length`` characters, equal only to itself."""
    exact = sa.String(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(sa.Text(), "sqlite").with_variant(exact, "mysql", "mariadb")


def octets(most: int) -> TypeEngine[bytes]:
    """At most so many octets."""
    return sa.LargeBinary(most).with_variant(mysql.VARBINARY(most), "mysql", "mariadb")


def upgrade() -> None:
    """Add the tables."""
    _challenges()
    _devices()
    op.create_table(
        "payees",
        sa.Column("customer_id", LONG, nullable=False),
        sa.Column("account_id", LONG, nullable=False),
        sa.Column("since_us", LONG, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_payees_customer_id")),
        sa.PrimaryKeyConstraint("customer_id", "account_id", name=op.f("pk_payees")),
        sqlite_strict=True,
    )


def _challenges() -> None:
    op.create_table(
        "challenges",
        sa.Column("id", text(32), nullable=False),
        sa.Column("customer_id", LONG, nullable=False),
        sa.Column("account_id", LONG, nullable=False),
        sa.Column("purpose", text(16), nullable=False),
        sa.Column("content", octets(32), nullable=False),
        sa.Column("way", text(32), nullable=False),
        sa.Column("hash", octets(32)),
        sa.Column("state", text(16), nullable=False),
        sa.Column("tries", LONG, nullable=False),
        sa.Column("made_us", LONG, nullable=False),
        sa.Column("expires_us", LONG, nullable=False),
        sa.CheckConstraint("state IN ('open', 'answered', 'spent', 'void')", name=op.f("ck_challenges_state")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_challenges_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_challenges")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_challenges_customer_id"), "challenges", ["customer_id"])


def _devices() -> None:
    op.create_table(
        "apps",
        sa.Column("customer_id", LONG, autoincrement=False, nullable=False),
        sa.Column("secret", octets(64)),
        sa.Column("offered", octets(64)),
        sa.Column("step", LONG, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_apps_customer_id")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_apps")),
        sqlite_strict=True,
    )
    op.create_table(
        "recovery_codes",
        sa.Column("customer_id", LONG, nullable=False),
        sa.Column("hash", octets(32), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_recovery_codes_customer_id")),
        sa.PrimaryKeyConstraint("customer_id", "hash", name=op.f("pk_recovery_codes")),
        sqlite_strict=True,
    )
