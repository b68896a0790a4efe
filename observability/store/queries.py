"""Query strings to typed queries: Jaeger's spelling for spans, ours for log records."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from observability.store.dependencies import DependencyQuery
from observability.store.jaeger import KINDS
from observability.store.logs import LEVEL_WORDS, LogQuery
from observability.store.parameters import MAX_TIME_US, Parameters
from observability.store.reader import TimeRange
from observability.store.traces import TraceQuery

MAX_TRACES: Final = 1_500
"""Of one answer: the greatest limit that Jaeger's own page offers. Whoever asks for more, as Jaeger allows, gets so many."""

MAX_LOGS: Final = 5_000
"""Records of one search of logs."""

Pairs = Sequence[tuple[str, str]]

_MAX_TRACE_IDS: Final = 100
_MAX_TAGS: Final = 20
_MAX_SERVICES: Final = 50
_DEFAULT_LIMIT: Final = 100
_MAX_LIMIT: Final = 2**31 - 1  # Jaeger reads 32 bits.
_TRACE_PARAMETERS: Final = (
    "service", "operation", "tag", "tags", "start", "end", "lookback", "minDuration", "maxDuration", "limit", "traceID",
)  # fmt: skip
_US_PER_MS: Final = 1_000
_DEFAULT_LOOKBACK_MS: Final = 86_400_000  # Of dependencies, as in Jaeger.
_LOG_PARAMETERS: Final = ("service", "trace_id", "level", "grep", "since", "limit")


@dataclass(frozen=True, slots=True)
class OperationsQuery:
    """The operations of a service, of one kind or (None) of all."""

    service: str
    kind: str | None


def trace_query(pairs: Pairs, now_us: int) -> TraceQuery | Sequence[bytes]:
    """What `/api/traces` asks for: a search, or the traces named by `traceID`.

    `lookback` counts back from `end` when `start` is absent; Jaeger's page sends `custom` beside a start.

    Raises:
        InvalidQueryError: A parameter is unknown or its value is not allowed.
    """
    parameters = Parameters(pairs, _TRACE_PARAMETERS)
    trace_ids = parameters.trace_ids("traceID")
    if len(trace_ids) > _MAX_TRACE_IDS:
        parameters.refuse("traceID", f"given at most {_MAX_TRACE_IDS} times")
    query = TraceQuery(
        service=parameters.text("service"),
        operation=parameters.text("operation"),
        tags=_tags(parameters),
        within=_range(parameters, now_us),
        min_duration_us=parameters.duration_us("minDuration") or 0,
        max_duration_us=parameters.duration_us("maxDuration"),
        limit=min(MAX_TRACES, parameters.whole("limit", 1, _MAX_LIMIT) or _DEFAULT_LIMIT),
    )
    if query.max_duration_us is not None and query.max_duration_us < query.min_duration_us:
        parameters.refuse("maxDuration", "at least minDuration")
    parameters.check()
    return trace_ids or query


def dependency_query(pairs: Pairs, now_us: int) -> DependencyQuery:
    """What `/api/dependencies` asks for: `lookback` back from `endTs`, both in milliseconds. Raises InvalidQueryError."""
    parameters = Parameters(pairs, ("endTs", "lookback", "service"))
    end_ms = parameters.whole("endTs", 0, MAX_TIME_US // _US_PER_MS)
    lookback_ms = parameters.whole("lookback", 0, MAX_TIME_US // _US_PER_MS)
    service = parameters.text("service")
    parameters.check()
    end_us = now_us if end_ms is None else end_ms * _US_PER_MS
    lookback_us = (_DEFAULT_LOOKBACK_MS if lookback_ms is None else lookback_ms) * _US_PER_MS
    return DependencyQuery(TimeRange(max(0, end_us - lookback_us), end_us), service)


def log_query(pairs: Pairs, now_us: int) -> LogQuery:
    """What `/api/logs` asks for. `since` is microseconds since 1970, or a duration back from now. Raises InvalidQueryError."""
    parameters = Parameters(pairs, _LOG_PARAMETERS)
    level = parameters.one_of("level", tuple(LEVEL_WORDS))
    services = tuple(dict.fromkeys(parameters.all("service")))
    if len(services) > _MAX_SERVICES:
        parameters.refuse("service", f"given at most {_MAX_SERVICES} times")
    trace_ids = parameters.trace_ids("trace_id") if parameters.text("trace_id") else ()
    query = LogQuery(
        services=services,
        trace_id=trace_ids[0] if trace_ids else None,
        min_severity=LEVEL_WORDS[level] if level else 0,
        text=parameters.text("grep") or "",
        within=TimeRange(start_us=_since_us(parameters, now_us)),
        limit=parameters.whole("limit", 1, MAX_LOGS) or _DEFAULT_LIMIT,
    )
    parameters.check()
    return query


def operations_query(pairs: Pairs) -> OperationsQuery:
    """What `/api/operations` asks for. Raises InvalidQueryError."""
    parameters = Parameters(pairs, ("service", "spanKind"))
    service = parameters.text("service")
    if service is None:
        parameters.problems.append("parameter 'service' is required: the name of a service")
    kind = parameters.one_of("spanKind", tuple(KINDS.values()))
    parameters.check()
    return OperationsQuery(service or "", kind)


def no_parameters(pairs: Pairs, *allowed: str) -> None:
    """Raises InvalidQueryError for any parameter but the allowed ones."""
    Parameters(pairs, allowed).check()


def _range(parameters: Parameters, now_us: int) -> TimeRange:
    start_us, end_us = parameters.whole("start", 0, MAX_TIME_US), parameters.whole("end", 0, MAX_TIME_US)
    lookback_us = None if parameters.text("lookback") == "custom" else parameters.duration_us("lookback")
    if start_us is None and lookback_us is not None:
        start_us = max(0, (now_us if end_us is None else end_us) - lookback_us)
    if start_us is not None and end_us is not None and end_us < start_us:
        parameters.refuse("end", "at least start (microseconds since 1970)")
    return TimeRange(start_us or 0, MAX_TIME_US if end_us is None else end_us)


def _since_us(parameters: Parameters, now_us: int) -> int:
    text = parameters.text("since") or "0"
    if text.isdigit():
        return parameters.whole("since", 0, MAX_TIME_US) or 0
    return max(0, now_us - (parameters.duration_us("since") or 0))


def _tags(parameters: Parameters) -> Mapping[str, str]:
    """`tag=key:value`, which may repeat, and `tags={"key": "value"}`."""
    tags: dict[str, str] = {}
    for text in parameters.all("tag"):
        key, colon, value = text.partition(":")
        if not (key and colon):
            parameters.refuse("tag", "key:value")
        tags[key] = value
    for text in parameters.all("tags"):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict) and all(isinstance(value, str) for value in document.values()):
            tags.update(document)
        else:
            parameters.refuse("tags", 'a JSON object of texts, such as {"http.route": "/v1/orders", "error": "true"}')
    if len(tags) > _MAX_TAGS:
        parameters.refuse("tags", f"at most {_MAX_TAGS} tags")
    return tags
