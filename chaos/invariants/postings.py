"""What became of every event at every consumer, told by the outbox of who published it and the inbox of who consumes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from chaos.invariants.books import Books
from chaos.invariants.rows import OutboxRow

HANDLED, DEAD = "handled", "dead"
KEPT_S = 3_000.0
"""Outboxes keep what was sent for an hour; what is nearly as old is not missed any more."""
BROKER_S = 60.0
"""How long an event that was sent to a broker may take to its consumer."""


class Fate(StrEnum):
    """What became of an event at one consumer."""

    HANDLED = "handled"
    WAITING = "waiting"
    DEAD = "dead"
    LOST = "lost"


@dataclass(frozen=True)
class Posting:
    """An event and one of its consumers."""

    row: OutboxRow
    producer: str
    consumer: str
    fate: Fate


def postings(books: Books) -> Iterator[Posting]:
    """Every event that an outbox still has, for each of its consumers."""
    inboxes = {consumer: {row.event_id: row.state for row in rows} for consumer, rows in books.inbox.items()}
    for producer, rows in books.outbox.items():
        for row in rows:
            consumers = books.consumers.get(row.type, ())
            # A destination that is no consumer is a broker, which serves them all.
            for consumer in (row.destination,) if row.destination in consumers else consumers:
                state = inboxes.get(consumer, {}).get(row.event_id)
                is_pushed = row.destination == consumer
                yield Posting(row, producer, consumer, _fate(row, state, books.read_at, is_pushed=is_pushed))


def caught_up(books: Books, consumer: str) -> frozenset[str]:
    """Ids of steady orders of which `consumer` has handled every event."""
    behind = {each.row.key for each in postings(books) if each.consumer == consumer and each.fate is not Fate.HANDLED}
    return frozenset(books.steady.keys() - behind)


def _fate(row: OutboxRow, state: str | None, read_at: float, *, is_pushed: bool) -> Fate:
    if state == HANDLED:
        return Fate.HANDLED
    if state == DEAD:
        return Fate.DEAD
    if state is not None or row.sent_at is None:  # A failed attempt, which the sender repeats.
        return Fate.WAITING
    return Fate.LOST if is_pushed or row.sent_at < read_at - BROKER_S else Fate.WAITING
