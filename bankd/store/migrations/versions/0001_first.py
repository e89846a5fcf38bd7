"""The first tables: customers and their secrets, accounts and leases, journal, refusals and notices."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(length: int) -> TypeEngine[str]:
    """Text of at most ``length`` characters, equal only to itself."""
    exact = sa.String(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(sa.Text(), "sqlite").with_variant(exact, "mysql", "mariadb")


def upgrade() -> None:
    """Make the tables."""
    _customers()
    _secrets()
    _accounts()
    _leases()
    _journal()
    _refusals()
    _notices()


def _customers() -> None:
    op.create_table(
        "customers",
        sa.Column("id", LONG, nullable=False),
        sa.Column("username", text(32)),
        sa.Column("mobile", text(16)),
        sa.Column("name", text(140)),
        sa.Column("email", text(254)),
        sa.Column("opened_us", LONG, nullable=False),
        sa.Column("contact_us", LONG, nullable=False),
        sa.Column("last_login_us", LONG),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("mobile", name=op.f("uq_customers_mobile")),
        sa.UniqueConstraint("username", name=op.f("uq_customers_username")),
        sqlite_strict=True,
    )


def _secrets() -> None:
    op.create_table(
        "secrets",
        sa.Column("customer_id", LONG, nullable=False),
        sa.Column("kind", text(16), nullable=False),
        sa.Column("hash", text(255), nullable=False),
        sa.Column("changed_us", LONG, nullable=False),
        sa.CheckConstraint("kind IN ('password', 'pin')", name=op.f("ck_secrets_kind")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_secrets_customer_id")),
        sa.PrimaryKeyConstraint("customer_id", "kind", name=op.f("pk_secrets")),
        sqlite_strict=True,
    )


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", LONG, nullable=False),
        sa.Column("number", text(32), nullable=False),
        sa.Column("kind", text(16), nullable=False),
        sa.Column("customer_id", LONG),
        sa.Column("currency", text(3), nullable=False),
        sa.Column("balance_minor", LONG, nullable=False),
        sa.Column("floor_minor", LONG),
        sa.Column("newest", LONG),
        sa.Column("events", LONG, nullable=False),
        sa.Column("acknowledged", LONG, nullable=False),
        sa.Column("opened_us", LONG, nullable=False),
        sa.Column("closed_us", LONG),
        sa.CheckConstraint("kind IN ('current', 'till')", name=op.f("ck_accounts_kind")),
        sa.CheckConstraint("acknowledged <= events", name=op.f("ck_accounts_acknowledged")),
        sa.CheckConstraint("closed_us IS NULL OR balance_minor = 0", name=op.f("ck_accounts_closed")),
        sa.CheckConstraint("floor_minor IS NULL OR balance_minor >= floor_minor", name=op.f("ck_accounts_floor")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_accounts_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("number", name=op.f("uq_accounts_number")),
        sqlite_strict=True,
    )
    op.create_index("ix_accounts_customer_id", "accounts", ["customer_id"], unique=False)


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("account_id", LONG, autoincrement=False, nullable=False),
        sa.Column("fence", LONG, nullable=False),
        sa.Column("expires_us", LONG, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_leases_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_leases")),
        sqlite_strict=True,
    )


def _journal() -> None:
    op.create_table(
        "journal",
        sa.Column("id", LONG, autoincrement=False, nullable=False),
        sa.Column("kind", text(16), nullable=False),
        sa.Column("debit_id", LONG, nullable=False),
        sa.Column("credit_id", LONG, nullable=False),
        sa.Column("amount_minor", LONG, nullable=False),
        sa.Column("debit_balance", LONG, nullable=False),
        sa.Column("credit_balance", LONG, nullable=False),
        sa.Column("debit_previous", LONG),
        sa.Column("credit_previous", LONG),
        sa.Column("debit_event", LONG, nullable=False),
        sa.Column("credit_event", LONG, nullable=False),
        sa.Column("at_us", LONG, nullable=False),
        sa.Column("key", text(64), nullable=False),
        sa.Column("customer_id", LONG, nullable=False),
        sa.Column("reference", text(140)),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_journal_amount")),
        sa.CheckConstraint("debit_id <> credit_id", name=op.f("ck_journal_sides")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
        sa.UniqueConstraint("key", "customer_id", name=op.f("uq_journal_key")),
        sqlite_strict=True,
    )


def _refusals() -> None:
    op.create_table(
        "refusals",
        sa.Column("key", text(64), nullable=False),
        sa.Column("customer_id", LONG, nullable=False),
        sa.Column("kind", text(16), nullable=False),
        sa.Column("account_id", LONG, nullable=False),
        sa.Column("payee", text(32)),
        sa.Column("amount_minor", LONG, nullable=False),
        sa.Column("currency", text(3), nullable=False),
        sa.Column("reference", text(140)),
        sa.Column("code", LONG, nullable=False),
        sa.Column("reason", text(32), nullable=False),
        sa.Column("at_us", LONG, nullable=False),
        sa.PrimaryKeyConstraint("key", "customer_id", name=op.f("pk_refusals")),
        sqlite_strict=True,
    )


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("account_id", LONG, nullable=False),
        sa.Column("number", LONG, nullable=False),
        sa.Column("kind", text(16), nullable=False),
        sa.Column("at_us", LONG, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_notices_account_id")),
        sa.PrimaryKeyConstraint("account_id", "number", name=op.f("pk_notices")),
        sqlite_strict=True,
    )
