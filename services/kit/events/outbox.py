"""The outbox: messages written in the transaction of the change that they tell of, so that one never exists without the other.

See Richardson, "Pattern: Transactional outbox" (microservices.io).
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry import propagate
from sqlalchemy import Column, Float, Integer, MetaData, Row, String, Table, Text, and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

CLAIM_S = 5.0
"""How long a relay may keep a message to itself; longer than handing it on may take, shorter than anybody's patience."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: about `key`, for whoever handles `topic`."""

    id: int
    topic: str
    key: str
    payload: Mapping[str, str]
    trace_headers: Mapping[str, str]
    attempts: int


class Outbox:
    """A table of messages in a service's own database."""

    def __init__(self, metadata: MetaData) -> None:
        self.table = Table(
            "outbox",
            metadata,
            Column("id", Integer, primary_key=True, autoincrement=True),
            Column("topic", String(60), nullable=False, index=True),
            Column("key", String(60), nullable=False),
            Column("payload", Text, nullable=False),
            Column("trace_headers", Text, nullable=False),
            Column("attempts", Integer, nullable=False, default=0),
            Column("claimed_until", Float, nullable=False, default=0.0),  # Unix time: replicas share no monotonic clock.
            # Else SQLite gives the number of a removed message to the next one, and a relay that outlived its claim removes that.
            sqlite_autoincrement=True,
        )

    async def put(self, connection: AsyncConnection, topic: str, key: str, payload: Mapping[str, str]) -> None:
        """Adds a message to the caller's transaction, with the current trace context."""
        headers: dict[str, str] = {}
        propagate.inject(headers)
        await connection.execute(
            insert(self.table).values(topic=topic, key=key, payload=json.dumps(payload), trace_headers=json.dumps(headers))
        )

    async def claim(self, connection: AsyncConnection, topic: str, limit: int) -> list[Message]:
        """The oldest messages of `topic` that no other relay holds, at most `limit`; they are held for CLAIM_S."""
        now = time.time()
        free = and_(self.table.c.topic == topic, self.table.c.claimed_until <= now)
        rows = (await connection.execute(select(self.table).where(free).order_by(self.table.c.id).limit(limit))).all()
        if rows:
            held = update(self.table).where(self.table.c.id.in_([row.id for row in rows]))
            await connection.execute(held.values(claimed_until=now + CLAIM_S))
        return [_message(row) for row in rows]

    async def remove(self, connection: AsyncConnection, message: Message) -> None:
        """The message has been delivered."""
        await connection.execute(delete(self.table).where(self.table.c.id == message.id))

    async def release(self, connection: AsyncConnection, messages: list[Message], pause_s: float = 0.0) -> None:
        """The messages were not delivered; anybody may try again, in `pause_s` seconds at the earliest."""
        if messages:
            mine = update(self.table).where(self.table.c.id.in_([message.id for message in messages]))
            await connection.execute(mine.values(claimed_until=time.time() + pause_s, attempts=self.table.c.attempts + 1))

    async def pending(self, connection: AsyncConnection) -> dict[str, int]:
        """How many messages wait, by topic."""
        counted = select(self.table.c.topic, func.count().label("waiting")).group_by(self.table.c.topic)
        return {row.topic: row.waiting for row in (await connection.execute(counted)).all()}


def _message(row: Row[tuple[object, ...]]) -> Message:
    return Message(row.id, row.topic, row.key, json.loads(row.payload), json.loads(row.trace_headers), row.attempts)
