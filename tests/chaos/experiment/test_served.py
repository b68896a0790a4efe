"""What a service served, asked of a query API as Jaeger's."""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from chaos.experiment.folders import read_model, write_model
from chaos.experiment.served import Served, ServedRecord, ask_served, whole_seconds
from chaos.experiment.windows import Window
from chaos.http_get import FetchError

STARTED_AT = 1_790_000_000.25


def span(service: str, at_s: float, kind: str = "server") -> dict[str, object]:
    start_us = round((STARTED_AT + at_s) * 1_000_000)
    return {"processID": service, "startTime": start_us, "tags": [{"key": "span.kind", "type": "string", "value": kind}]}


def trace(*spans: dict[str, object]) -> dict[str, object]:
    return {"traceID": "a", "spans": spans, "processes": {name: {"serviceName": name} for name in ("orders", "deliveries")}}


class Jaeger:
    """Answers every question with all its traces of that time, as the real one does: a trace has spans of other seconds too."""

    def __init__(self, *traces: dict[str, object]) -> None:
        self.traces = traces
        self.asked: list[dict[str, list[str]]] = []

    def __call__(self, url: str, headers: Mapping[str, str]) -> bytes:
        assert url.startswith("http://jaeger:16686/api/traces?")
        self.asked.append(parse_qs(urlsplit(url).query))
        return json.dumps({"data": self.traces, "errors": None}).encode()


def test_server_spans_of_the_service_are_counted_in_the_second_in_which_they_began() -> None:
    jaeger = Jaeger(
        trace(span("orders", 3.1), span("deliveries", 3.2), span("deliveries", 3.3, "client")),
        trace(span("deliveries", 3.999), span("deliveries", 4.0)),
    )
    assert ask_served("http://jaeger:16686", "deliveries", (3, 4, 5), STARTED_AT, jaeger) == {3: 2, 4: 1, 5: 0}
    first = jaeger.asked[0]
    assert (first["service"], first["limit"]) == (["deliveries"], ["1000"])
    assert int(first["end"][0]) - int(first["start"][0]) == 999_999


@pytest.mark.parametrize("answer", [b'{"data": null}', b'{"data": []}', b"{}"])
def test_a_second_without_traces_is_one_in_which_nothing_was_served(answer: bytes) -> None:
    assert ask_served("http://jaeger:16686", "deliveries", (3,), STARTED_AT, lambda *_: answer) == {3: 0}


def test_an_answer_that_is_none_of_jaegers_is_no_count() -> None:
    with pytest.raises(FetchError, match="is no answer of Jaeger"):
        ask_served("http://jaeger:16686", "deliveries", (3,), STARTED_AT, lambda *_: b"<html>")


def test_a_rate_is_the_mean_over_the_seconds_that_were_asked_for(tmp_path: Path) -> None:
    write_model(tmp_path / "served.json", ServedRecord(service="deliveries", by_second={8: 30, 9: 20, 10: 0}))
    served = read_model(tmp_path / "served.json", ServedRecord).served
    assert served.per_s(Window(2.0, 10.0)) == 25
    assert served.per_s(Window(10.0, 20.0)) == 0
    assert served.per_s(Window(20.0, 30.0)) is None
    assert Served({8: 30}).per_s(Window(7.0, 9.0)) == 15


def test_whole_seconds_lie_inside_a_window() -> None:
    assert list(whole_seconds(Window(1.2, 4.9))) == [2, 3]
