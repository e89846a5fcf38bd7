"""Terminals that are known by certificates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(length: int) -> TypeEngine[str]:
    """Text of at most ``length`` characters, equal only to itself."""
    exact = sa.String(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(sa.Text(), "sqlite").with_variant(exact, "mysql", "mariadb")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "terminals",
        sa.Column("name", text(64), nullable=False),
        sa.Column("certificate", text(64), nullable=False),
        sa.Column("enrolled_us", LONG, nullable=False),
        sa.Column("ends_us", LONG, nullable=False),
        sa.Column("revoked_us", LONG),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_terminals")),
        sa.UniqueConstraint("certificate", name=op.f("uq_terminals_certificate")),
        sqlite_strict=True,
    )
