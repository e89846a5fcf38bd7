"""What operators say to every customer, and the notices of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(length: int) -> TypeEngine[str]:
    """Text of at most ``length`` characters, equal only to itself."""
    exact = sa.String(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(sa.Text(), "sqlite").with_variant(exact, "mysql", "mariadb")


def upgrade() -> None:
    """Add the table, and to each notice which broadcast it is of."""
    op.create_table(
        "broadcasts",
        sa.Column("id", LONG, nullable=False),
        sa.Column("operator_id", LONG, nullable=False),
        sa.Column("key", text(64), nullable=False),
        sa.Column("words", text(140), nullable=False),
        sa.Column("at_us", LONG, nullable=False),
        sa.Column("last_id", LONG, nullable=False),
        sa.Column("passed_id", LONG, nullable=False),
        sa.Column("reached", LONG, nullable=False),
        sa.Column("finished_us", LONG),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcasts")),
        sa.UniqueConstraint("operator_id", "key", name=op.f("uq_broadcasts_operator_id")),
        sqlite_strict=True,
    )
    op.add_column("notices", sa.Column("broadcast_id", LONG))
