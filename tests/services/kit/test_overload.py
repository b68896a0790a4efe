"""What the limit is for: a callee that gets twice what it can do goes on doing what it can, in time.

Slots of 40 ms, callers who wait for 600 ms, a baseline before. These are the numbers of payments in the topology: without a limit
everything is late, and nearly nothing is done in time.
"""

from __future__ import annotations

import pytest

from services.policy import Limit
from services.topology import load_topology
from tests.services.kit.overload import Overload, Slots

BASELINE, OVERLOAD = (10.0, 0.5), (60.0, 2.0)
PAYMENTS = load_topology().services["payments"]
DECLARED = PAYMENTS.limit


@pytest.mark.parametrize("slots", [3, 6, 9])
@pytest.mark.parametrize("cancels", [True, False])
def test_at_twice_the_capacity_nearly_all_of_it_is_done_in_time(slots: int, *, cancels: bool) -> None:
    _, goodput = Overload(DECLARED, Slots(slots), cancels=cancels).run(BASELINE, OVERLOAD)
    assert goodput >= 0.95


def test_the_same_holds_for_one_slot_whose_limit_is_what_it_does_in_time() -> None:
    tight = Limit(initial_limit=12, min_limit=6, max_limit=14)
    _, goodput = Overload(tight, Slots(1), cancels=True).run(BASELINE, OVERLOAD)
    assert goodput >= 0.95


@pytest.mark.parametrize(("cancels", "most"), [(True, 0.25), (False, 0.05)])
def test_without_a_limit_nearly_nothing_is(*, cancels: bool, most: float) -> None:
    baseline, goodput = Overload(None, Slots(), cancels=cancels).run(BASELINE, OVERLOAD)
    assert baseline == pytest.approx(0.5, abs=0.05)
    assert goodput <= most


def test_an_overload_without_a_calm_before_it_or_an_end_is_survived_as_well() -> None:
    assert min(Overload(DECLARED, Slots(), cancels=True).run((300.0, 2.0), (900.0, 2.0))) >= 0.95


def test_a_bound_above_what_is_done_in_time_is_reached_in_the_end_and_then_most_is_late() -> None:
    too_high = Limit(initial_limit=20, min_limit=4, max_limit=60)
    early, late = Overload(too_high, Slots(), cancels=True).run((60.0, 2.0), (900.0, 2.0))
    assert early >= 0.95
    assert late < 0.8


def test_what_is_declared_for_payments_is_done_within_the_time_that_its_caller_waits() -> None:
    timeout = load_topology().edges["orders->payments"].timeout
    assert DECLARED
    assert PAYMENTS.external
    assert timeout
    slots = Slots(PAYMENTS.external.slots, PAYMENTS.external.service_time_ms / 1_000, timeout.attempt_ms / 1_000)
    assert DECLARED.max_limit <= slots.capacity * slots.patience_s


def test_a_calm_service_is_never_limited_before_or_after() -> None:
    before, _, after = Overload(DECLARED, Slots(), cancels=True).run(BASELINE, (3.0, 2.0), BASELINE)
    assert before == pytest.approx(0.5, abs=0.06)
    assert after == pytest.approx(0.5, abs=0.06)
