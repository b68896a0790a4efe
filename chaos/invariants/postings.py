"""What became of every event at every consumer, told by the outbox of who published it and the inbox of who consumes it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from chaos.invariants.books import Books
from chaos.invariants.rows import OutboxRow

HANDLED, DEAD = "handled", "dead"
KEPT_S = 3_000.0
"""Outboxes and inboxes forget after an hour; events of an order that is nearly as old are not missed any more."""
BROKER_S = 120.0
"""The age of an order from which on its events that a broker has must have arrived."""


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
                is_due = row.destination == consumer or _age_s(books, row.key) > BROKER_S
                yield Posting(row, producer, consumer, _fate(row, state, is_due=is_due))


def caught_up(books: Books, consumer: str) -> frozenset[str]:
    """Ids of steady orders of which `consumer` has handled every event."""
    behind = {each.row.key for each in postings(books) if each.consumer == consumer and each.fate is not Fate.HANDLED}
    return frozenset(books.steady.keys() - behind)


def _age_s(books: Books, order: str) -> float:
    return books.read_at - books.order[order].created_at if order in books.order else math.inf


def _fate(row: OutboxRow, state: str | None, *, is_due: bool) -> Fate:
    if state == HANDLED:
        return Fate.HANDLED
    if state == DEAD:
        return Fate.DEAD
    # A failed attempt is the sender's to repeat.
    return Fate.LOST if row.sent and state is None and is_due else Fate.WAITING
