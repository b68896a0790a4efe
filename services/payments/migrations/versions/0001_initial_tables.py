"""Initial tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

REFUSAL = "the ledger is append-only: correct it by another transaction"


def upgrade() -> None:
    """Changes the schema."""
    op.create_table(
        "payments",
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("order_id"),
    )
    op.create_table(
        "transactions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["payments.order_id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("order_id", "kind", name="uq_transactions_order_id_kind"),
    )
    op.create_table(
        "entries",
        sa.Column("transaction_id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(length=30), nullable=False),
        sa.Column(
            "amount_cents", sa.Integer(), sa.CheckConstraint("amount_cents <> 0", name="ck_entries_amount_cents"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
        ),
        sa.PrimaryKeyConstraint("transaction_id", "account"),
    )
    op.create_index(op.f("ix_entries_account"), "entries", ["account"], unique=False)
    for table in ("transactions", "entries"):
        if op.get_bind().dialect.name == "postgresql":
            _append_only_on_postgresql(table)
        else:
            _append_only_on_sqlite(table)


def _append_only_on_postgresql(table: str) -> None:
    refuse = f"RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
    op.execute(f"CREATE OR REPLACE FUNCTION refuse_change() {refuse}")
    trigger = f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
    op.execute(f"{trigger} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")


def _append_only_on_sqlite(table: str) -> None:
    for change in ("UPDATE", "DELETE"):
        trigger = f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}"
        op.execute(f"{trigger} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END")
