"""How many payees a customer asked for, and on which day."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the two numbers, which begin at nothing."""
    for name in ("payees_day", "payees_asked"):
        op.add_column("customers", sa.Column(name, LONG, nullable=False, server_default="0"))
