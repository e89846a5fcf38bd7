"""Notices are numbered in the order in which they were committed, and ways out for events know how far they came."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(length: int) -> TypeEngine[str]:
    """Text of at most ``length`` characters, equal only to itself."""
    exact = sa.String(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(sa.Text(), "sqlite").with_variant(exact, "mysql", "mariadb")


def upgrade() -> None:
    """Give notices a number of their own, the older first, and add the table of the ways."""
    op.execute("CREATE TABLE moved_notices AS SELECT * FROM notices")
    op.drop_table("notices")
    op.create_table(
        "notices",
        sa.Column("id", LONG, nullable=False),
        sa.Column("account_id", LONG, nullable=False),
        sa.Column("number", LONG, nullable=False),
        sa.Column("kind", text(16), nullable=False),
        sa.Column("at_us", LONG, nullable=False),
        sa.Column("broadcast_id", LONG),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_notices_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("account_id", "number", name=op.f("uq_notices_account_id")),
        sqlite_strict=True,
    )
    columns = "account_id, number, kind, at_us, broadcast_id"
    op.execute(
        f"INSERT INTO notices ({columns}) SELECT {columns} FROM moved_notices ORDER BY at_us, account_id, number"
    )
    op.drop_table("moved_notices")
    op.create_table(
        "forwarding",
        sa.Column("name", text(32), nullable=False),
        sa.Column("entry_id", LONG, nullable=False),
        sa.Column("notice_id", LONG, nullable=False),
        sa.Column("sent_us", LONG),
        sa.Column("given_up", LONG, nullable=False),
        sa.Column("failed_us", LONG),
        sa.Column("failure", text(140)),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_forwarding")),
        sqlite_strict=True,
    )
