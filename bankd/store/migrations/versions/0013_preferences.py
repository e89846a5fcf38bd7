"""What the owners of accounts do not want to be told of."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0013"
down_revision = "0012"
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
        "preferences",
        sa.Column("account_id", LONG, autoincrement=False, nullable=False),
        sa.Column("muted", text(255), nullable=False),
        sa.Column("least_minor", LONG, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_preferences_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_preferences")),
        sqlite_strict=True,
    )
