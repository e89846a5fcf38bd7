"""When sessions began, and which mobile numbers customers had when: what rows about past entries are made of."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(length: int) -> TypeEngine[str]:
    """Text of at most ``length`` characters, equal only to itself."""
    exact = sa.String(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(sa.Text(), "sqlite").with_variant(exact, "mysql", "mariadb")


def upgrade() -> None:
    """Add both tables. The numbers that customers have now are taken for those they always had."""
    op.create_table(
        "openings",
        sa.Column("account_id", LONG, nullable=False),
        sa.Column("after_id", LONG, nullable=False),
        sa.Column("opened_us", LONG, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "after_id", name=op.f("pk_openings")),
        sqlite_strict=True,
    )
    op.create_table(
        "mobiles",
        sa.Column("customer_id", LONG, nullable=False),
        sa.Column("after_id", LONG, nullable=False),
        sa.Column("mobile", text(16)),
        sa.PrimaryKeyConstraint("customer_id", "after_id", name=op.f("pk_mobiles")),
        sqlite_strict=True,
    )
    op.execute(
        "INSERT INTO mobiles (customer_id, after_id, mobile) SELECT id, 0, mobile FROM customers"
        " WHERE mobile IS NOT NULL"
    )
