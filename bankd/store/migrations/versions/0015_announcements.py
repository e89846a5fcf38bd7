"""Which months' statements customers were told of, and of which month a notice is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(length: int) -> TypeEngine[str]:
    """Text of at most ``length`` characters, equal only to itself."""
    exact = sa.String(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(sa.Text(), "sqlite").with_variant(exact, "mysql", "mariadb")


def upgrade() -> None:
    """Add the table, and to each notice the month whose statement it tells of."""
    op.create_table(
        "announcements",
        sa.Column("month", text(7), nullable=False),
        sa.Column("begun_us", LONG, nullable=False),
        sa.Column("passed_id", LONG, nullable=False),
        sa.Column("reached", LONG, nullable=False),
        sa.Column("finished_us", LONG),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_announcements")),
        sqlite_strict=True,
    )
    op.add_column("notices", sa.Column("month", text(7)))
