"""The two tables that a service with events has beside its own: what it has to tell, and what it was told."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text, text

_UNSENT = text("sent_at IS NULL")


class EventTables:
    """Adds the tables `outbox` and `inbox` to a service's metadata.

    The outbox has a row for each destination of an event, in the order in which events were published. The inbox has a row for
    each event that was handled or failed; its primary key is what makes an event count once.
    """

    def __init__(self, metadata: MetaData) -> None:
        self.outbox = Table(
            "outbox",
            metadata,
            Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
            Column("event_id", String(36), nullable=False),
            Column("destination", String(60), nullable=False),
            Column("type", String(80), nullable=False),
            Column("key", String(100), nullable=False),
            Column("payload", Text, nullable=False),
            Column("headers", Text, nullable=False),
            Column("occurred_at", Float, nullable=False),
            Column("attempts", Integer, nullable=False),
            Column("claimed_until", Float, nullable=False),  # Unix time: replicas share no monotonic clock.
            Column("sent_at", Float),
            # Only what waits is looked for, so what was sent costs these nothing.
            Index("outbox_unsent", "destination", "id", sqlite_where=_UNSENT, postgresql_where=_UNSENT),
            Index("outbox_unsent_of_key", "destination", "key", "id", sqlite_where=_UNSENT, postgresql_where=_UNSENT),
            # Else SQLite gives the number of a removed row to a later one, and the order is no order.
            sqlite_autoincrement=True,
        )
        self.inbox = Table(
            "inbox",
            metadata,
            Column("event_id", String(36), primary_key=True),
            Column("type", String(80), nullable=False),
            Column("key", String(100), nullable=False),
            Column("state", String(10), nullable=False),
            Column("attempts", Integer, nullable=False),
            Column("error", Text, nullable=False),
            Column("envelope", Text),
            Column("handled_at", Float, nullable=False),
            Index("inbox_state", "state", "handled_at"),
        )
