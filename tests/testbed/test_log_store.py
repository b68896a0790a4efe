import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from testbed.log_line import LogFilter
from testbed.log_store import LogStore

URL = "http://127.0.0.1:16686"


def record(second: int, body: str, instance: str = "orders/1", **more: object) -> dict[str, object]:
    """What the store answers for a record."""
    time_us = int(datetime(2026, 11, 21, 1, 0, second, tzinfo=UTC).timestamp() * 1e6)
    service = instance.partition("/")[0]
    fields = {"time_us": time_us, "level": "info", "severity": 9, "service": service, "instance": instance, "body": body}
    return fields | {"trace_id": "", "span_id": "", "logger": "services.orders", "attributes": {}} | more


class Store:
    """Answers with the records it has, and remembers what it was asked."""

    def __init__(self, *answers: list[dict[str, object]]) -> None:
        self.answers = list(answers)
        self.asked: list[list[tuple[str, str]]] = []

    def __call__(self, url: str, headers: Mapping[str, str]) -> bytes:
        assert url.startswith(f"{URL}/api/logs?")
        self.asked.append(parse_qsl(urlsplit(url).query))
        return json.dumps({"data": self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]}).encode()


def test_a_store_is_asked_for_what_a_reader_wants_in_the_words_of_its_api() -> None:
    store = Store([])
    wanted = LogFilter("warning", "ab" * 16, datetime(2026, 11, 21, tzinfo=UTC), "breaker")
    LogStore(f"{URL}/", store).tail([("orders", None), ("payments", None)], wanted, 20)
    assert store.asked == [
        [
            ("service", "orders"),
            ("service", "payments"),
            ("level", "warning"),
            ("limit", "20"),
            ("trace_id", "ab" * 16),
            ("grep", "breaker"),
            ("since", "1795219200000000"),
        ]
    ]


def test_a_record_reads_like_the_line_of_its_process() -> None:
    attributes = {
        "request_id": "r1",
        "attempt": 2,
        "exception.type": "ValueError",
        "exception.stacktrace": "Traceback\nValueError: no\n",
    }
    answer = [record(1, "failed", level="fatal", trace_id="ab" * 16, span_id="cd" * 8, attributes=attributes)]
    (line,) = LogStore(URL, Store(answer)).tail([], LogFilter(), 9)
    assert (line.level, line.clock, line.trace_id) == ("critical", "01:00:01.000", "ab" * 16)
    assert line.message == "failed request_id=r1 attempt=2\nTraceback\nValueError: no"
    shown: dict[str, Any] = json.loads(line.to_json())
    assert (shown["service"], shown["instance"], shown["logger"], shown["span_id"]) == (
        "orders",
        "orders/1",
        "services.orders",
        "cd" * 8,
    )


def test_one_replica_is_picked_out_of_its_service() -> None:
    store = Store([record(1, "one", "orders/1"), record(2, "two", "orders/2"), record(3, "three", "orders/2")])
    assert [line.message for line in LogStore(URL, store).tail([("orders", 2)], LogFilter(), 1)] == ["three"]
    assert ("limit", "5000") in store.asked[0]


def test_following_shows_each_record_once_even_when_an_earlier_one_comes_late() -> None:
    store = Store(
        [record(1, "one")], [record(1, "one"), record(3, "three")], [record(1, "one"), record(2, "two"), record(3, "three")]
    )
    lines = LogStore(URL, store).follow([], LogFilter(), pause=lambda _seconds: None)
    assert [next(lines).message, next(lines).message] == ["three", "two"]
    assert ("since", str(int(datetime(2026, 11, 21, 0, 59, 58, tzinfo=UTC).timestamp() * 1e6))) in store.asked[2]


def test_the_beginning_of_a_traces_id_is_refused_as_a_store_cannot_find_it() -> None:
    with pytest.raises(ValueError, match="by its whole id, 32 digits; 'abc' has 3"):
        LogStore(URL, Store([])).tail([], LogFilter(trace_id="abc"), 9)


@pytest.mark.parametrize("address", ["127.0.0.1:16686", "https://store", "http://", ""])
def test_what_is_no_address_of_a_store_is_answered_with_one(address: str) -> None:
    with pytest.raises(ValueError, match=r"write it as http://127\.0\.0\.1:16686"):
        LogStore(address)
