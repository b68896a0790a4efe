"""The exporter writes the bytes that the library's encoder writes, whatever is in a span."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.util.types import AnyValue

from observability.exporter.encoding import encode
from observability.exporter.wire import PlainContext, PlainSpan, readable

RESOURCE = Resource({"service.name": "orders", "ports": [1, 2], "ratio": 0.5}, "https://schema.example/1")
OTHER = Resource({"service.name": "payments"})

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
# Few of them, so that what is equal and yet written differently meets in what is kept: 1, 1.0 and True, 0.0 and -0.0.
scalars = (
    st.sampled_from([0, 1, -1, 0.0, -0.0, 1.0, float("inf"), True, False, "", "1", "x" * 200, 2**63 - 1, b"1", None]) | texts
)
values = st.recursive(
    scalars, lambda each: st.lists(each, max_size=3).map(tuple) | st.dictionaries(texts, each, max_size=2), max_leaves=4
)
attributes = st.dictionaries(texts, values, max_size=4)
contexts: st.SearchStrategy[PlainContext] = st.tuples(
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.sampled_from([0, 1, 3]),
    st.sampled_from(["", "a=b,c=d"]),
    st.booleans(),
)
times = st.integers(0, 2**63)
spans: st.SearchStrategy[PlainSpan] = st.tuples(
    texts,
    st.integers(0, 4),
    contexts,
    st.none() | contexts,
    times,
    times,
    attributes,
    st.tuples(st.integers(0, 2), st.none() | texts).map(lambda status: (status[0], status[1] if status[0] == 2 else None)),
    st.lists(st.tuples(texts, times, attributes), max_size=2),
    st.lists(st.tuples(contexts, attributes), max_size=2),
    st.tuples(st.sampled_from(["", "fastapi"]), st.none() | texts, st.none() | texts),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(spans, max_size=4))
def test_any_spans_are_written_as_the_library_writes_them(made: list[PlainSpan]) -> None:
    written = encode([(RESOURCE, made)]) if made else b""
    assert written == encode_spans([readable(span, RESOURCE) for span in made]).SerializeToString()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([RESOURCE, OTHER]), st.lists(spans, min_size=1, max_size=2)), max_size=4))
def test_packets_of_several_senders_are_one_request_by_sender(packets: list[tuple[Resource, list[PlainSpan]]]) -> None:
    known = [readable(span, resource) for resource, made in packets for span in made]
    assert encode(packets) == encode_spans(known).SerializeToString()


def test_an_attribute_that_otlp_cannot_have_is_left_out_and_the_span_is_sent() -> None:
    context = (1, 2, 1, "", False)
    span: PlainSpan = (
        "work",
        0,
        context,
        None,
        1,
        2,
        {"huge": 2**70, "half": "\ud800", "n": 1},
        (0, None),
        [],
        [],
        ("", None, None),
    )
    ((scope,),) = [
        sender.scope_spans for sender in ExportTraceServiceRequest.FromString(encode([(OTHER, [span])])).resource_spans
    ]
    assert [attribute.key for attribute in scope.spans[0].attributes] == ["n"]


@pytest.mark.parametrize("pair", [(1, True), (True, 1), (0, False), (1, 1.0), (0.0, -0.0), ((1,), (True,)), ("1", 1)])
def test_values_that_are_equal_or_look_alike_are_written_each_as_what_it_is(pair: tuple[AnyValue, AnyValue]) -> None:
    context = (1, 2, 1, "", False)
    made: list[PlainSpan] = [
        ("work", 0, context, None, 1, 2, {"pair": value}, (0, None), [], [], ("", None, None)) for value in pair
    ]
    assert encode([(OTHER, made)]) == encode_spans([readable(span, OTHER) for span in made]).SerializeToString()
