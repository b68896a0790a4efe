"""The tables of payments. Migration 0001 adds the triggers that keep the ledger append-only, whoever writes to it."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, MetaData, String, Table, UniqueConstraint

metadata = MetaData()
payments = Table(
    "payments",
    metadata,
    Column("order_id", String(36), primary_key=True),
    Column("customer_id", Integer, nullable=False),
    Column("amount_cents", Integer, nullable=False),
    Column("state", String(20), nullable=False),
)
transactions = Table(
    "transactions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("order_id", ForeignKey("payments.order_id"), nullable=False),
    Column("kind", String(20), nullable=False),
    UniqueConstraint("order_id", "kind", name="uq_transactions_order_id_kind"),
)
entries = Table(
    "entries",
    metadata,
    Column("transaction_id", ForeignKey("transactions.id"), primary_key=True),
    Column("account", String(30), primary_key=True, index=True),
    Column("amount_cents", Integer, CheckConstraint("amount_cents <> 0", name="ck_entries_amount_cents"), nullable=False),
)
