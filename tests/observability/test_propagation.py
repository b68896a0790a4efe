"""What a process lets in from its callers and passes on: trace context, and of baggage what is known."""

from __future__ import annotations

import pytest
from opentelemetry import baggage, propagate
from opentelemetry.context import Context

from observability import names
from observability.propagation import MAX_BAGGAGE_CHARS, MAX_TRACE_STATE_CHARS, carry_known_baggage, told_by_caller

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(autouse=True)
def _carrying() -> None:
    carry_known_baggage()


def let_in(text: str) -> dict[str, object]:
    return dict(baggage.get_all(propagate.extract({"baggage": text})))


def test_run_arm_and_journey_are_let_in() -> None:
    text = "firebreak.run=up-20261121-110000, firebreak.arm=none,firebreak.journey=order"
    assert let_in(text) == {names.ATTR_RUN: "up-20261121-110000", names.ATTR_ARM: "none", names.ATTR_JOURNEY: "order"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "user=ann",
        "firebreak.journeys=order",
        "xfirebreak.journey=order",
        "firebreak.journey=",
        "firebreak.journey=a%20b",
        "firebreak.journey=a b",
        "firebreak.journey=order;ttl=7",
        f"firebreak.journey={'x' * 65}",
        "firebreak.journey",
        "," * 100,
    ],
)
def test_nothing_else_is(text: str) -> None:
    assert let_in(text) == {}


def test_what_is_known_is_let_in_from_among_what_is_not() -> None:
    assert let_in("user=ann,firebreak.journey=order,firebreak.run=a b") == {names.ATTR_JOURNEY: "order"}


def test_baggage_that_is_too_long_is_ignored_as_a_whole() -> None:
    assert let_in("firebreak.journey=order," + "x" * MAX_BAGGAGE_CHARS) == {}


def test_other_vendors_state_is_passed_on_when_it_is_short_and_the_trace_alone_when_it_is_not() -> None:
    """Eight kilobytes of a stranger's would be in each of the thirty spans of an order."""
    short, long = "other=1,more=2", ",".join(f"k{number}={'v' * 60}" for number in range(9))
    assert len(long) > MAX_TRACE_STATE_CHARS
    for stated, passed_on in ((short, {"tracestate": short}), (long, {})):
        carried: dict[str, str] = {}
        propagate.inject(carried, propagate.extract({"traceparent": TRACEPARENT, "tracestate": stated}))
        assert carried == {"traceparent": TRACEPARENT} | passed_on


def test_what_was_let_in_is_passed_on_with_the_trace() -> None:
    context = propagate.extract({"traceparent": TRACEPARENT, "baggage": "firebreak.journey=order,user=ann"})
    carried: dict[str, str] = {}
    propagate.inject(carried, context)
    assert carried == {"traceparent": TRACEPARENT, "baggage": "firebreak.journey=order"}


def test_without_baggage_none_is_passed_on() -> None:
    carried: dict[str, str] = {}
    propagate.inject(carried, propagate.extract({"traceparent": TRACEPARENT}))
    assert carried == {"traceparent": TRACEPARENT}


def test_what_the_resource_says_already_is_no_attribute_of_spans() -> None:
    context = propagate.extract({"baggage": "firebreak.run=r1,firebreak.arm=none,firebreak.journey=order"})
    own = {names.ATTR_RUN: "r1", names.ATTR_ARM: "declared"}
    assert told_by_caller(context, own) == {names.ATTR_ARM: "none", names.ATTR_JOURNEY: "order"}


def test_a_caller_that_tells_nothing_adds_nothing() -> None:
    assert told_by_caller(Context(), {}) == {}
