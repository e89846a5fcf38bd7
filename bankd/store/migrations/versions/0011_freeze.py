"""Accounts that are frozen, payouts that are proposed, and where sessions are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(length: int) -> TypeEngine[str]:
    """Text of at most ``length`` characters, equal only to itself."""
    exact = sa.String(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(sa.Text(), "sqlite").with_variant(exact, "mysql", "mariadb")


def upgrade() -> None:
    """Add the columns."""
    op.add_column("accounts", sa.Column("frozen_us", LONG))
    op.add_column("proposals", sa.Column("payout", text(32)))
    op.add_column("leases", sa.Column("since_us", LONG, nullable=False, server_default="0"))
    op.add_column("leases", sa.Column("host", text(64)))
    op.add_column("leases", sa.Column("ended", LONG, nullable=False, server_default="0"))
