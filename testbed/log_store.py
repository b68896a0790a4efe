"""Reads log records from a telemetry store over its query API: for systems whose files are elsewhere."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit

from chaos.http_get import Get, http_get
from testbed.log_line import LogFilter, LogLine, structured_line
from testbed.log_view import Target, is_of

MAX_RECORDS: Final = 5_000
"""Of one answer of the store."""
_TRACE_ID_CHARS: Final = 32
_FOLLOW_PAUSE_S: Final = 1.0
_LATE: Final = timedelta(seconds=5)  # Services send in batches, so a record may come after a later one of another service.
_EXCEPTION: Final = "exception."


@dataclass(frozen=True)
class LogStore:
    """A store at `base_url`, such as http://127.0.0.1:16686. Raises ValueError for what is no such address."""

    base_url: str
    get: Get = http_get

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{self.base_url!r} is no address of a store; write it as http://127.0.0.1:16686")

    def tail(self, targets: Sequence[Target], wanted: LogFilter, count: int) -> list[LogLine]:
        """The last `count` records that pass, by time. Raises FetchError, and ValueError for a part of a trace's id."""
        if wanted.trace_id and len(wanted.trace_id) != _TRACE_ID_CHARS:
            raise ValueError(
                f"a store finds a trace by its whole id, {_TRACE_ID_CHARS} digits; {wanted.trace_id!r} has {len(wanted.trace_id)}"
            )
        if not count:
            return []
        one_replica = any(replica for _, replica in targets)  # The store knows services; their replicas are picked here.
        query = self._query(targets, wanted, MAX_RECORDS if one_replica else min(count, MAX_RECORDS))
        return [line for line in self._ask(query) if is_of(line.instance, targets)][-count:]

    def follow(
        self, targets: Sequence[Target], wanted: LogFilter, pause: Callable[[float], None] = time.sleep
    ) -> Iterator[LogLine]:
        """New records that pass, until the store does not answer any more (FetchError) or nobody wants more."""
        lines = self.tail(targets, wanted, MAX_RECORDS)
        while True:
            seen, last = {line.to_json() for line in lines}, lines[-1].moment if lines else None
            pause(_FOLLOW_PAUSE_S)
            lines = self.tail(targets, replace(wanted, since=last - _LATE) if last else wanted, MAX_RECORDS)
            yield from (line for line in lines if line.to_json() not in seen)

    def _query(self, targets: Sequence[Target], wanted: LogFilter, limit: int) -> str:
        asked = [*(("service", service) for service, _ in targets), ("level", wanted.level), ("limit", str(limit))]
        if wanted.trace_id:
            asked.append(("trace_id", wanted.trace_id))
        if wanted.text:
            asked.append(("grep", wanted.text))
        if wanted.since:
            asked.append(("since", str(int(wanted.since.timestamp() * 1e6))))
        return urlencode(asked)

    def _ask(self, query: str) -> list[LogLine]:
        answer = json.loads(self.get(f"{self.base_url.rstrip('/')}/api/logs?{query}", {}))
        return [_line(record) for record in answer["data"]]


def _line(record: Mapping[str, object]) -> LogLine:
    """A record of the store as the line that the process wrote to its file."""
    attributes = record["attributes"]
    extras = attributes if isinstance(attributes, dict) else {}
    instance = str(record["instance"] or record["service"])
    fields = {
        "time": datetime.fromtimestamp(int(str(record["time_us"])) / 1e6, UTC).isoformat(timespec="milliseconds"),
        "level": record["level"],
        "service": record["service"],
        "instance": instance,
        "logger": record.get("logger", ""),
        "message": record["body"],
        **{key: record[key] for key in ("trace_id", "span_id") if record[key]},
        **{key: value for key, value in extras.items() if not key.startswith(_EXCEPTION)},
    }
    exception = extras.get("exception.stacktrace") or extras.get("exception.message")
    return structured_line(instance, fields | ({"exception": str(exception).rstrip()} if exception else {}))
