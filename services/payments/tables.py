"""The tables of payments, and the triggers that keep its ledger append-only whoever writes to it."""

from sqlalchemy import DDL, CheckConstraint, Column, ForeignKey, Integer, MetaData, String, Table, UniqueConstraint, event

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

_REFUSAL = "the ledger is append-only: correct it by another transaction"


def _after_create(table: Table, dialect: str, statement: str) -> None:
    ddl = DDL(statement)  # type: ignore[no-untyped-call]  # the library leaves its constructor untyped
    event.listen(table, "after_create", ddl.execute_if(dialect=dialect))


def _append_only(table: Table) -> None:
    for change in ("UPDATE", "DELETE"):
        trigger = f"CREATE TRIGGER {table.name}_no_{change.lower()} BEFORE {change} ON {table.name}"
        _after_create(table, "sqlite", f"{trigger} BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END")
    refuse = f"RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
    _after_create(table, "postgresql", f"CREATE OR REPLACE FUNCTION refuse_change() {refuse}")
    trigger = f"CREATE TRIGGER {table.name}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table.name}"
    _after_create(table, "postgresql", f"{trigger} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")


for _table in (transactions, entries):
    _append_only(_table)
