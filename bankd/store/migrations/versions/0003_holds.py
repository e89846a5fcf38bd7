"""Holds, reversals, limits and fees; refusals become outcomes, which also tell of sets of transfers."""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LONG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(length: int) -> TypeEngine[str]:
    """Text of at most ``length`` characters, equal only to itself."""
    exact = sa.String(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(sa.Text(), "sqlite").with_variant(exact, "mysql", "mariadb")


def upgrade() -> None:
    """Add columns and tables, and carry over what the bank knows."""
    for name in ("held_minor", "day", "spent_minor"):
        op.add_column("accounts", sa.Column(name, LONG, nullable=False, server_default="0"))
    for name in ("payment_limit_minor", "day_limit_minor"):
        op.add_column("accounts", sa.Column(name, LONG))
    for name in ("of_id", "expires_us"):
        op.add_column("journal", sa.Column(name, LONG))
    if op.get_bind().dialect.name != "sqlite":  # whose text has no length
        op.alter_column("journal", "key", type_=text(72), existing_nullable=False)
    _holds()
    _reversals()
    _outcomes()
    _fee_tills()
    _spent()


def _holds() -> None:
    op.create_table(
        "holds",
        sa.Column("id", LONG, autoincrement=False, nullable=False),
        sa.Column("account_id", LONG, nullable=False),
        sa.Column("payee_id", LONG, nullable=False),
        sa.Column("amount_minor", LONG, nullable=False),
        sa.Column("expires_us", LONG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
        sqlite_strict=True,
    )
    for name in ("account_id", "payee_id", "expires_us"):
        op.create_index(op.f(f"ix_holds_{name}"), "holds", [name])


def _reversals() -> None:
    op.create_table(
        "reversals",
        sa.Column("entry_id", LONG, autoincrement=False, nullable=False),
        sa.Column("reversed_minor", LONG, nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_reversals")),
        sqlite_strict=True,
    )


def _outcomes() -> None:
    """Refusals are kept with the whole content of their command in one column."""
    outcomes = op.create_table(
        "outcomes",
        sa.Column("key", text(72), nullable=False),
        sa.Column("customer_id", LONG, nullable=False),
        sa.Column("content", text(512), nullable=False),
        sa.Column("code", LONG, nullable=False),
        sa.Column("reason", text(32), nullable=False),
        sa.Column("place", LONG),
        sa.Column("at_us", LONG, nullable=False),
        sa.PrimaryKeyConstraint("key", "customer_id", name=op.f("pk_outcomes")),
        sqlite_strict=True,
    )
    names = ("kind", "account_id", "reference", "amount_minor", "currency", "payee")
    kept = [
        {
            **{name: row[name] for name in ("key", "customer_id", "code", "reason", "at_us")},
            "content": json.dumps([row[name] for name in names], ensure_ascii=False),
        }
        for row in op.get_bind().execute(sa.text("SELECT * FROM refusals")).mappings()
    ]
    op.bulk_insert(outcomes, kept)
    op.drop_table("refusals")


def _fee_tills() -> None:
    """Where there is a till for cash of a currency there is one for fees."""
    names = ("number", "kind", "currency", "balance_minor", "events", "acknowledged", "opened_us")
    accounts = sa.table("accounts", *(sa.column(name, sa.String) for name in names))
    zero: sa.ColumnClause[int] = sa.literal_column("0")
    number = sa.literal_column("'FEES-'", sa.String).concat(accounts.c.currency)
    fresh = sa.select(number, accounts.c.kind, accounts.c.currency, zero, zero, zero, accounts.c.opened_us)
    op.execute(sa.insert(accounts).from_select(names, fresh.where(accounts.c.kind == "till")))


def _spent() -> None:
    """What each account spent on the last day on which it spent anything, as its entries say."""
    of_journal = sa.table("journal", *(sa.column(name) for name in ("id", "kind", "debit_id", "amount_minor", "at_us")))
    names = of_journal.c.debit_id, of_journal.c.amount_minor, of_journal.c.at_us
    spending = sa.select(*names).where(of_journal.c.kind.in_(("transfer", "withdrawal"))).order_by(of_journal.c.id)
    spent: dict[int, tuple[int, int]] = {}
    for account_id, amount_minor, at_us in op.get_bind().execute(spending, execution_options={"yield_per": 10_000}):
        today = at_us // 86_400_000_000
        day, before_minor = spent.get(account_id, (today, 0))
        spent[account_id] = (today, amount_minor + (before_minor if day == today else 0))
    accounts = sa.table("accounts", *(sa.column(name) for name in ("id", "day", "spent_minor")))
    one = sa.update(accounts).where(accounts.c.id == sa.bindparam("account_id"))
    counted = one.values(day=sa.bindparam("on_day"), spent_minor=sa.bindparam("sum_minor"))
    if spent:
        rows = [{"account_id": key, "on_day": day, "sum_minor": minor} for key, (day, minor) in spent.items()]
        op.get_bind().execute(counted, rows)
