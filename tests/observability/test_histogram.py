"""Times in buckets, with the trace of a recent one: as prometheus_client would have them, for a tenth of what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.openmetrics.exposition import generate_latest

from observability.histogram import EXEMPLAR_EVERY_S, RETRY_AFTER_S, TimesHistogram

if TYPE_CHECKING:
    from prometheus_client.samples import Exemplar

    from tests.observability.conftest import KeptSpans

BOUNDS = (0.1, 0.5, 1.0)


def made(*labels: str) -> tuple[TimesHistogram, CollectorRegistry]:
    registry = CollectorRegistry()
    return TimesHistogram("trip_seconds", "Time of a trip.", labels, BOUNDS, registry), registry


def exemplars(registry: CollectorRegistry) -> dict[str, Exemplar]:
    """By bucket."""
    return {
        sample.labels["le"]: sample.exemplar
        for family in registry.collect()
        for sample in family.samples
        if sample.exemplar is not None
    }


@given(st.lists(st.one_of(st.sampled_from((0.0, *BOUNDS)), st.floats(0, 100))))
def test_it_is_written_as_the_librarys_own_would_be(durations_s: list[float]) -> None:
    ours, registry = made("route")
    theirs = CollectorRegistry()
    library = Histogram("trip_seconds", "Time of a trip.", ["route"], buckets=BOUNDS, registry=theirs)
    series, child = ours.labels("/a"), library.labels("/a")
    for duration_s in durations_s:
        series.observe(0.0, duration_s)
        child.observe(duration_s)
    written = generate_latest(theirs).decode()  # type: ignore[no-untyped-call]  # the library leaves it untyped
    uncreated = "".join(line for line in written.splitlines(keepends=True) if "_created" not in line)
    assert generate_latest(registry).decode() == uncreated  # type: ignore[no-untyped-call]  # as above


def test_a_series_is_the_same_whenever_it_is_asked_for() -> None:
    histogram, _ = made("method", "route")
    assert histogram.labels("GET", "/a") is histogram.labels("GET", "/a")
    assert histogram.labels("GET", "/a") is not histogram.labels("GET", "/b")


def test_too_few_labels_are_refused_by_name() -> None:
    histogram, _ = made("method", "route")
    with pytest.raises(ValueError, match="trip_seconds has the labels method, route, not 1"):
        histogram.labels("GET")


def test_each_bucket_keeps_the_trace_of_an_observation_of_its_own(kept: KeptSpans) -> None:
    histogram, registry = made()
    traces = []
    for duration_s in (0.05, 0.7):
        with kept.tracer.start_as_current_span("request") as span:
            histogram.labels().observe(0.0, duration_s)
            traces.append(f"{span.get_span_context().trace_id:032x}")
    found = exemplars(registry)
    assert {le: (each.labels["trace_id"], each.value) for le, each in found.items()} == {
        "0.1": (traces[0], 0.05),
        "1.0": (traces[1], 0.7),
    }


def test_a_bucket_takes_another_trace_only_after_a_while(kept: KeptSpans) -> None:
    histogram, registry = made()
    for ended_s, expected_s in ((0.05, 0.05), (0.04 + EXEMPLAR_EVERY_S, 0.05), (0.06 + EXEMPLAR_EVERY_S, 0.03)):
        with kept.tracer.start_as_current_span("request"):
            histogram.labels().observe(ended_s - expected_s, ended_s)
        assert exemplars(registry)["0.1"].value == pytest.approx(expected_s)


def test_a_trace_that_is_not_recorded_is_no_exemplar_and_keeps_none_from_becoming_one_a_moment_later(kept: KeptSpans) -> None:
    histogram, registry = made()
    with TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False).get_tracer("test").start_as_current_span("unrecorded"):
        histogram.labels().observe(0.0, 0.05)
    assert exemplars(registry) == {}
    with kept.tracer.start_as_current_span("recorded"):
        histogram.labels().observe(0.0, 0.05 + RETRY_AFTER_S)
    assert list(exemplars(registry)) == ["0.1"]
