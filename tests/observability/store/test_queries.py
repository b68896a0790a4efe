from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from observability.store.errors import QueryTooLongError
from observability.store.queries import log_query, trace_query
from observability.store.reader import QUERY_TIME_S, ChunkFilter, Reader, TimeRange
from observability.store.schema import Signal, open_for_reading
from observability.store.traces import TraceQuery

if TYPE_CHECKING:
    from observability.store.settings import StoreSettings
    from tests.observability.store.conftest import Client, Spans

NOW_US = 1_767_225_600_000_000


def parsed(**parameters: str) -> TraceQuery:
    query = trace_query(list(parameters.items()), NOW_US)
    assert isinstance(query, TraceQuery)
    return query


def test_a_query_as_grafana_sends_it_is_read_whole() -> None:
    assert parsed(
        service="orders",
        operation="POST /orders",
        tags='{"error":"true"}',
        start="1",
        end="2",
        minDuration="1.5ms",
        maxDuration="1m30s",
        limit="20",
    ) == TraceQuery(
        service="orders",
        operation="POST /orders",
        tags={"error": "true"},
        within=TimeRange(1, 2),
        min_duration_us=1_500,
        max_duration_us=90_000_000,
        limit=20,
    )


@pytest.mark.parametrize(
    ("text", "duration_us"),
    [
        ("500ns", 0),
        ("10us", 10),
        ("10µs", 10),
        ("2ms", 2_000),
        ("1h2m", 3_720_000_000),
        ("1d", 86_400_000_000),
        ("2w", 1_209_600_000_000),
    ],
)
def test_durations_are_read_in_all_of_their_units(text: str, duration_us: int) -> None:
    assert parsed(minDuration=text).min_duration_us == duration_us


def test_empty_parameters_are_absent_ones_and_jaegers_custom_lookback_is_ignored() -> None:
    assert parsed(operation="", maxDuration="", lookback="custom", raw="false") == TraceQuery(limit=100)


def test_lookback_counts_from_now_or_from_the_end_and_start_overrules_it() -> None:
    assert parsed(lookback="1h").within.start_us == NOW_US - 3_600_000_000
    assert parsed(lookback="1s", end="5000000").within.start_us == 4_000_000
    assert parsed(lookback="1s", start="7").within.start_us == 7


def test_the_time_of_logs_is_a_moment_or_a_duration_back_from_now() -> None:
    assert log_query([("since", "17")], NOW_US).within.start_us == 17
    assert log_query([("since", "2s")], NOW_US).within.start_us == NOW_US - 2_000_000


@pytest.mark.parametrize(
    ("query", "name", "allowed"),
    [
        ("limit=0", "limit", "a whole number from 1 to 2147483647"),
        ("limit=many", "limit", "a whole number from 1 to 2147483647"),
        ("limit=5&limit=6", "limit", "given once"),
        ("limit=٣", "limit", "a whole number"),
        ("start=yesterday", "start", "a whole number from 0 to 9223372036854775807"),
        ("start=5&end=4", "end", "at least start"),
        ("minDuration=5", "minDuration", "a duration such as 1.5ms"),
        ("minDuration=-5ms", "minDuration", "a duration"),
        ("minDuration=5ms&maxDuration=4ms", "maxDuration", "at least minDuration"),
        ("lookback=2", "lookback", "a duration"),
        ("tags=error", "tags", "a JSON object of texts"),
        ('tags={"a":1}', "tags", "a JSON object of texts"),
        ("tag=error", "tag", "key:value"),
        ("traceID=xyz", "traceID", "1 to 32 hexadecimal digits"),
        ("service=a&servcie=b", "servcie", "unknown; allowed: service, operation, tag"),
    ],
)
async def test_a_wrong_parameter_is_a_400_that_names_it_and_what_is_allowed(
    client: Client, query: str, name: str, allowed: str
) -> None:
    (problem,) = await client.problems(f"/api/traces?{query}")
    assert f"'{name}'" in problem
    assert allowed in problem


async def test_all_that_is_wrong_is_said_at_once(client: Client) -> None:
    assert len(await client.problems("/api/traces?limit=0&start=x&tags=[]")) == 3


async def test_the_other_questions_check_their_parameters_too(client: Client) -> None:
    assert await client.problems("/api/operations") == ["parameter 'service' is required: the name of a service"]
    assert "one of internal, server" in (await client.problems("/api/operations?service=a&spanKind=x"))[0]
    assert "one of trace, debug, info, warn, error, fatal" in (await client.problems("/api/logs?level=loud"))[0]
    assert "'since'" in (await client.problems("/api/logs?since=-1"))[0]
    assert "1 to 32 hexadecimal digits" in (await client.problems("/api/traces/not-an-id"))[0]
    assert "'x' is unknown" in (await client.problems("/api/services?x=1"))[0]


async def test_an_unknown_address_is_a_404_in_the_envelope(client: Client) -> None:
    answer = await client.get("/api/metrics")
    assert (answer.status, answer.json["errors"][0]["code"]) == (404, 404)
    assert "allowed: GET /api/services" in answer.json["errors"][0]["msg"]


async def test_a_search_that_takes_too_long_ends_with_advice(client: Client, settings: StoreSettings, span: Spans) -> None:
    for _ in range(2):
        await client.add("orders", span())
    times_s = iter((0.0, QUERY_TIME_S, QUERY_TIME_S + 0.1))
    connection = open_for_reading(settings.path)
    reader = Reader(connection, lambda: next(times_s))
    with pytest.raises(QueryTooLongError, match="name a service or a shorter time"):
        list(reader.newest_chunks(ChunkFilter(Signal.SPANS), reader.deadline_s()))
    connection.close()
