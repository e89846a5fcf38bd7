"""Failed tries to log in are counted; tokens of terminals have a generation."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(length: int) -> TypeEngine[str]:
    """Text of at most ``length`` characters, equal only to itself."""
    exact = sa.String(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(sa.Text(), "sqlite").with_variant(exact, "mysql", "mariadb")


def upgrade() -> None:
    """Add the table and the column."""
    op.add_column("customers", sa.Column("token_generation", LONG, nullable=False, server_default="0"))
    op.create_table(
        "attempts",
        sa.Column("subject", text(64), nullable=False),
        sa.Column("source", text(96), nullable=False),
        sa.Column("customer_id", LONG),
        sa.Column("failures", LONG, nullable=False),
        sa.Column("first_us", LONG, nullable=False),
        sa.Column("last_us", LONG, nullable=False),
        sa.Column("until_us", LONG, nullable=False),
        sa.Column("locked", LONG, nullable=False),
        sa.Column("forget_us", LONG, nullable=False),
        sa.PrimaryKeyConstraint("subject", "source", name=op.f("pk_attempts")),
        sqlite_strict=True,
    )
    for name in ("customer_id", "forget_us"):
        op.create_index(op.f(f"ix_attempts_{name}"), "attempts", [name])
