"""The hash chain: each entry's link. Entries from before it get theirs from 'bankctl init', which has the key."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LINK = sa.LargeBinary(32).with_variant(mysql.VARBINARY(32), "mysql", "mariadb")


def upgrade() -> None:
    """Add the column; an entry without a link is one from before."""
    op.add_column("journal", sa.Column("hash", LINK))
