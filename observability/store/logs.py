"""Queries about log records."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypedDict

from observability.store.chunks import StoredLog, logs_of
from observability.store.ingest import log_time_us, service_name
from observability.store.opened import OpenedChunks
from observability.store.reader import ALL_TIME, ChunkFilter, Reader, TimeRange
from observability.store.schema import POSITION_BITS, Signal, item_id, place_of
from observability.store.values import Plain, plain
from observability.store.weight import MAX_ANSWER_BYTES, weight_of_log

LEVELS: Final = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
"""The least SeverityNumber of each level (OpenTelemetry's log data model)."""

LEVEL_WORDS: Final = LEVELS | {"warning": LEVELS["warn"], "critical": LEVELS["fatal"]}
"""What a query may call them: Python's words as well, which are those of `testbed logs`."""

_CONDITION: Final = "AND time_us >= :start AND time_us <= :end AND severity >= :severity"
_LOGS_OF_TRACE: Final = (
    "SELECT time_us, log.id FROM trace_chunk JOIN log"
    f" ON log.id >= trace_chunk.chunk << {POSITION_BITS} AND log.id < (trace_chunk.chunk + 1) << {POSITION_BITS}"
    " AND log.trace = trace_chunk.trace WHERE trace_chunk.trace = :trace"
)


class LogLine(TypedDict):
    """One log record of an answer. `time_us` is in microseconds since 1970; ids are empty when there are none."""

    time_us: int
    level: str
    severity: int
    service: str
    instance: str
    trace_id: str
    span_id: str
    logger: str
    body: Plain
    attributes: dict[str, Plain]


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which records are wanted.

    Attributes:
        services: Names of some; empty for any.
        trace_id: Records of that trace; None for any.
        min_severity: Least SeverityNumber, 0 for all.
        text: What the message, the logger or a field `key=value` has in it, in upper or lower case; empty for anything.
        within: When it happened.
        limit: How many records, the most recent ones.
    """

    services: tuple[str, ...] = ()
    trace_id: bytes | None = None
    min_severity: int = 0
    text: str = ""
    within: TimeRange = ALL_TIME
    limit: int = 100


class Logs:
    """Answers queries about log records."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._opened = OpenedChunks[StoredLog](reader.message, logs_of)

    def search(self, query: LogQuery) -> list[LogLine]:
        """The most recent records that match, the oldest of them first. Raises QueryTooLongError."""
        known = [self._reader.service(name) for name in query.services]
        services = [number for number in known if number is not None] if known else [None]
        trace = None if query.trace_id is None else self._reader.trace(query.trace_id)
        if trace is None and query.trace_id is not None:
            return []
        deadline_s = self._reader.deadline_s()
        found = [
            each
            for service in services
            for each in (self._newest(query, service, deadline_s) if trace is None else self._of_trace(query, trace, service))
        ]
        newest = heapq.nlargest(query.limit, found)
        return self._lines(item for _, item in newest)[::-1]

    def _of_trace(self, query: LogQuery, trace: int, service: int | None) -> list[tuple[int, int]]:
        """Time and id of the records of a trace that match, newest first."""
        of_service = "" if service is None else "AND (SELECT service FROM chunk WHERE chunk.id = trace_chunk.chunk) = :service"
        values = {**_values(query), "trace": trace, "service": service}
        rows = self._reader.connection.execute(
            f"{_LOGS_OF_TRACE} {_CONDITION} {of_service} ORDER BY time_us DESC, id DESC", values
        )
        with closing(rows):
            return list(islice(self._with_text(query.text, rows), query.limit))

    def _newest(self, query: LogQuery, service: int | None, deadline_s: float) -> list[tuple[int, int]]:
        """Time and id of the records that match, newest first."""
        found: list[tuple[int, int]] = []
        for chunk in self._reader.newest_chunks(ChunkFilter(Signal.LOGS, query.within, service), deadline_s):
            if len(found) >= query.limit:
                found = heapq.nlargest(query.limit, found)
                if chunk.last_us < found[-1][0]:
                    break
            items = {"first": item_id(chunk.number, 0), "beyond": item_id(chunk.number + 1, 0)}
            rows = self._reader.connection.execute(
                f"SELECT time_us, id FROM log WHERE id >= :first AND id < :beyond {_CONDITION}", {**_values(query), **items}
            ).fetchall()
            found += self._with_text(query.text, rows)
        return heapq.nlargest(query.limit, found)

    def _with_text(self, text: str, rows: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        wanted = text.lower()
        return (row for row in rows if not wanted or any(_has(stored, wanted) for stored in self._stored(row[1])))

    def _lines(self, items: Iterable[int]) -> list[LogLine]:
        """Records by id, as far as an answer may go."""
        lines, weight = [], 0
        for stored in (stored for item in items for stored in self._stored(item)):
            weight += weight_of_log(stored.record)
            if weight > MAX_ANSWER_BYTES:
                break
            lines.append(_line(stored))
        return lines

    def _stored(self, item: int) -> Sequence[StoredLog]:
        """The record of an id; nothing when it was deleted meanwhile."""
        chunk, position = place_of(item)
        return self._opened.get(chunk)[position : position + 1]


def _has(stored: StoredLog, text: str) -> bool:
    fields = (f"{attribute.key}={plain(attribute.value)}" for attribute in stored.record.attributes)
    return any(text in each.lower() for each in (str(plain(stored.record.body)), stored.scope.name, *fields))


def _values(query: LogQuery) -> dict[str, int]:
    """Values of _CONDITION."""
    return {"start": query.within.start_us, "end": query.within.end_us, "severity": query.min_severity}


def _line(stored: StoredLog) -> LogLine:
    record, attributes = stored.record, stored.resource.attributes
    instance = next((plain(a.value) for a in attributes if a.key == "service.instance.id"), "")
    return {
        "time_us": log_time_us(record),
        "level": next((name for name, least in reversed(LEVELS.items()) if record.severity_number >= least), ""),
        "severity": record.severity_number,
        "service": service_name(attributes),
        "instance": str(instance),
        "trace_id": record.trace_id.hex(),
        "span_id": record.span_id.hex(),
        "logger": stored.scope.name,
        "body": plain(record.body),
        "attributes": {attribute.key: plain(attribute.value) for attribute in record.attributes},
    }
