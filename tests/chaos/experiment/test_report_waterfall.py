"""A trace as rows: the order of calls, the time of the answer, and files that hold no trace."""

import json
from pathlib import Path

import pytest

from chaos.experiment.report.jaeger import Trace, TraceError, read_trace
from chaos.experiment.report.waterfall import MAX_ROWS, arm_waterfall, waterfall
from chaos.experiment.result import Result
from observability import names

FIXTURE = Path(__file__).parents[1] / "fixtures" / "outage"
START_US = 1_795_000_000_000_000
Tags = dict[str, str | int | bool]


def span(
    name: str, start_ms: float, took_ms: float, parent: str = "", service: str = "gateway", tags: Tags | None = None
) -> object:
    """A span whose id is its name, as Jaeger's API spells it."""
    return {
        "spanID": name,
        "operationName": name,
        "startTime": START_US + round(start_ms * 1_000),
        "duration": round(took_ms * 1_000),
        "references": [{"refType": "CHILD_OF", "spanID": parent, "traceID": "t"}] if parent else [],
        "tags": [{"key": key, "value": value} for key, value in (tags or {}).items()],
        "processID": service,
        "logs": [],
    }


def trace(*spans: object) -> Trace:
    processes = {name: {"serviceName": name} for name in ("gateway", "orders", "deliveries")}
    return Trace.model_validate({"traceID": "t", "spans": spans, "processes": processes})


def test_a_picked_trace_is_drawn_with_what_protected_it() -> None:
    drawn = arm_waterfall(Result.read(FIXTURE / "verdict.json").arm("declared"), FIXTURE)
    assert drawn.missing == ""
    row = next(row for row in drawn.rows if row.events)
    assert (row.service, row.edge, row.status) == ("orders", "orders->deliveries", "BreakerOpen")
    assert [event.kind for event in row.events] == ["rejected", "fallback"]
    assert row.events[0].aside_px < row.events[1].aside_px
    assert [row.degraded for row in drawn.rows if row.name == "POST /orders"] == [True]


def test_calls_are_told_depth_first_whatever_the_files_order() -> None:
    drawn = waterfall(trace(span("b", 5, 2, "root"), span("a", 1, 3, "root"), span("a1", 2, 1, "a"), span("root", 0, 10)), "", "")
    assert [(row.name, row.depth) for row in drawn.rows] == [("root", 0), ("a", 1), ("a1", 2), ("b", 1)]


def test_a_span_lies_where_it_was_in_time() -> None:
    drawn = waterfall(
        trace(span("root", 0, 200, "the load generator, which sends no spans"), span("child", 50, 100, "root")), "", ""
    )
    assert [(row.x, row.width) for row in drawn.rows] == [(0, 100), (25, 50)]


@pytest.mark.parametrize("parent", ["root", "a span that was lost"])
def test_what_an_outbox_delivers_later_does_not_squeeze_the_answer(parent: str) -> None:
    drawn = waterfall(trace(span("root", 0, 100), span("assign", 12_100, 5, parent, "orders")), "", "")
    assert (drawn.rows[0].width, drawn.rows[0].later) == (100, "")
    assert drawn.rows[1].later.replace("\xa0", " ") == "12 s after the answer"


def test_spans_that_claim_to_be_each_others_children_are_drawn_once() -> None:
    drawn = waterfall(trace(span("a", 0, 5, "b"), span("b", 1, 3, "a"), span("self", 2, 1, "self")), "", "")
    assert sorted(row.name for row in drawn.rows) == ["a", "b", "self"]


def test_a_trace_without_any_duration_is_drawn() -> None:
    assert waterfall(trace(span("a", 0, 0)), "", "").rows[0].width == 0


def test_a_failed_span_says_so_and_a_repeated_one_which_attempt_it_was() -> None:
    tags: Tags = {
        "error": True,
        names.ATTR_STATUS: 503,
        names.ATTR_ERROR_TYPE: "503",
        names.ATTR_EDGE: "a->b",
        names.ATTR_RESEND_COUNT: 1,
    }
    (row,) = waterfall(trace(span("a", 0, 5, tags=tags)), "", "").rows
    assert (row.failed, row.status, row.edge) == (True, "503", "a->b, attempt 2")


def test_spans_beyond_the_bound_are_counted_not_drawn() -> None:
    drawn = waterfall(trace(*(span(f"s{index}", index, 1) for index in range(MAX_ROWS + 7))), "", "")
    assert (len(drawn.rows), drawn.left_out) == (MAX_ROWS, 7)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "no trace of Jaeger's API"),
        ("{}", "data: Field required"),
        ('{"data": []}', "data: Tuple should have at least 1 item"),
        (json.dumps({"data": [{"traceID": "t", "spans": [{"spanID": "a"}]}]}), r"data\.0\.spans\.0\.operationName"),
    ],
)
def test_a_file_that_holds_no_trace_is_refused_with_its_place(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "trace.json").write_text(content)
    with pytest.raises(TraceError, match=problem):
        read_trace(tmp_path / "trace.json")
