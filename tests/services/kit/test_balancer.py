"""Which replica takes the next attempt."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.balancer import LoadBalancer
from services.kit.errors import ShedError, UnreachableError
from services.policy import Balancer as Kind
from services.policy import OutlierEjection
from services.registry import Instance, InstanceState

if TYPE_CHECKING:
    from tests.services.kit.conftest import HandClock, Tools

DOWN = UnreachableError("shop->bank", "no connection")
BUSY = ShedError("shop->bank", "as much to do as it can")


@pytest.fixture
def three(tools: Tools) -> tuple[Instance, ...]:
    return tuple(tools.replica(number) for number in (1, 2, 3))


def instance(number: int, pid: int = 1) -> Instance:
    return Instance(service="bank", replica=number, host="127.0.0.1", port=9_000 + number, pid=pid, state=InstanceState.UP)


def balancer(kind: Kind = Kind.POWER_OF_TWO, seed: int = 7) -> LoadBalancer:
    return LoadBalancer(kind, None, random.Random(seed), lambda: 0.0, lambda name, out, reason: None)


class Ejecting:
    """A balancer that leaves a replica out after three failures in a row, and what it told."""

    def __init__(self, clock: HandClock, instances: tuple[Instance, ...], **parameters: object) -> None:
        self.told: list[tuple[str, bool]] = []
        self.instances = instances
        declared = {"consecutive_failures": 3, "base_ejection_time_ms": "10s"}
        policy = OutlierEjection.model_validate(declared | parameters)
        self.balancer = LoadBalancer(
            Kind.ROUND_ROBIN, policy, random.Random(7), clock, lambda name, out, _reason: self.told.append((name, out))
        )

    def fail(self, instance: Instance, error: Exception = DOWN, times: int = 3) -> None:
        self.chosen()
        for _ in range(times):
            self.balancer.begin(instance).failed(error)

    def chosen(self, avoid: tuple[str, ...] = ()) -> set[int]:
        return {self.balancer.choose(self.instances, avoid).replica for _ in range(12)}


def test_round_robin_takes_everybody_in_turn(three: tuple[Instance, ...]) -> None:
    taking_turns = balancer(Kind.ROUND_ROBIN)
    chosen = [taking_turns.choose(three).replica for _ in range(6)]
    assert sorted(chosen[:3]) == [1, 2, 3]
    assert chosen[3:] == chosen[:3]


@pytest.mark.parametrize("kind", Kind)
def test_replicas_already_tried_are_avoided(kind: Kind, three: tuple[Instance, ...]) -> None:
    chooses = balancer(kind)
    assert {chooses.choose(three, avoid={"bank/2"}).replica for _ in range(100)} == {1, 3}
    assert {chooses.choose(three, avoid=("bank/2", "bank/1")).replica for _ in range(100)} == {3}


@pytest.mark.parametrize("kind", Kind)
def test_when_all_were_tried_any_of_them_is_taken(kind: Kind, three: tuple[Instance, ...]) -> None:
    chooses = balancer(kind)
    assert chooses.choose(three[:1], avoid={"bank/1"}) == three[0]
    assert {chooses.choose(three, avoid={"bank/1", "bank/2", "bank/3"}).replica for _ in range(100)} == {1, 2, 3}


def test_of_two_drawn_the_less_busy_one_is_taken(three: tuple[Instance, ...]) -> None:
    chooses = balancer()
    chooses.begin(three[0])
    assert all(chooses.choose(three[:2]) == three[1] for _ in range(100))


def test_the_busiest_of_all_is_never_taken(three: tuple[Instance, ...]) -> None:
    chooses = balancer()
    for each in (three[0], three[0], three[1]):
        chooses.begin(each)
    taken = Counter(chooses.choose(three).replica for _ in range(300))
    assert taken[1] == 0
    assert taken[2] > 0


@pytest.mark.parametrize("count", [2, 3, 5])
def test_among_equals_nobody_is_preferred(tools: Tools, count: int) -> None:
    chooses, equals = balancer(), tuple(tools.replica(number) for number in range(1, count + 1))
    taken = Counter(chooses.choose(equals).replica for _ in range(1_000 * count))
    assert len(taken) == count
    assert all(each == pytest.approx(1_000, rel=0.1) for each in taken.values())


@pytest.mark.parametrize("ending", ["succeeded", "failed", "abandoned"])
def test_an_attempt_counts_until_its_ticket_is_told_how_it_ended(three: tuple[Instance, ...], ending: str) -> None:
    chooses = balancer()
    ticket = chooses.begin(three[0])
    assert {chooses.choose(three[:2]).replica for _ in range(50)} == {2}
    for _ in range(3):  # The first one counts.
        ticket.failed(DOWN) if ending == "failed" else getattr(ticket, ending)()
    assert {chooses.choose(three[:2]).replica for _ in range(50)} == {1, 2}


def test_replicas_without_attempts_leave_nothing_behind(three: tuple[Instance, ...]) -> None:
    chooses = balancer()
    for ticket in [chooses.begin(each) for each in (*three, *three)]:
        ticket.abandoned()
    assert not chooses._under_way


def test_the_same_seed_chooses_the_same(three: tuple[Instance, ...]) -> None:
    first, second = balancer(seed=3), balancer(seed=3)
    assert [first.choose(three) for _ in range(20)] == [second.choose(three) for _ in range(20)]


def test_a_replica_that_fails_in_a_row_is_left_out_until_its_time_is_over(clock: HandClock, three: tuple[Instance, ...]) -> None:
    ejecting = Ejecting(clock, three)
    ejecting.fail(three[0], times=2)
    assert ejecting.chosen() == {1, 2, 3}
    ejecting.fail(three[0], times=1)
    clock.advance_ms(9_999)
    assert ejecting.chosen() == {2, 3}
    clock.advance_ms(1)
    assert ejecting.chosen() == {1, 2, 3}
    assert ejecting.told == [("bank/1", True), ("bank/1", False)]


def test_a_success_in_between_starts_the_count_again(clock: HandClock, three: tuple[Instance, ...]) -> None:
    ejecting = Ejecting(clock, three)
    ejecting.fail(three[0], times=2)
    ejecting.balancer.begin(three[0]).succeeded()
    ejecting.fail(three[0], times=2)
    assert ejecting.chosen() == {1, 2, 3}


def test_attempts_that_succeed_too_slowly_count_as_failures(clock: HandClock, three: tuple[Instance, ...]) -> None:
    ejecting = Ejecting(clock, three, slow_call_duration_ms="1s")
    for lasting_ms, others in ((1_000, {1, 2, 3}), (1_001, {2, 3})):
        ejecting.chosen()
        tickets = [ejecting.balancer.begin(three[0]) for _ in range(3)]
        clock.advance_ms(lasting_ms)
        for ticket in tickets:
            ticket.succeeded()
        assert ejecting.chosen() == others


@pytest.mark.parametrize("ending", ["shed", "abandoned"])
def test_being_busy_and_being_cancelled_are_neither_failures_nor_successes(
    clock: HandClock, three: tuple[Instance, ...], ending: str
) -> None:
    ejecting = Ejecting(clock, three)
    ejecting.fail(three[0], times=2)
    for _ in range(10):
        ticket = ejecting.balancer.begin(three[0])
        ticket.failed(BUSY) if ending == "shed" else ticket.abandoned()
    assert ejecting.chosen() == {1, 2, 3}
    ejecting.fail(three[0], times=1)
    assert ejecting.chosen() == {2, 3}


def test_one_that_was_tried_is_taken_before_one_that_is_out(clock: HandClock, three: tuple[Instance, ...]) -> None:
    ejecting = Ejecting(clock, three[:2])
    ejecting.fail(three[0])
    assert ejecting.chosen(avoid=("bank/2",)) == {2}


def test_when_only_those_who_are_out_are_left_they_are_taken(clock: HandClock, three: tuple[Instance, ...]) -> None:
    ejecting = Ejecting(clock, three)
    ejecting.fail(three[0])
    ejecting.instances = three[:1]
    assert ejecting.chosen() == {1}


def test_a_replica_that_was_restarted_begins_anew(clock: HandClock) -> None:
    ejecting = Ejecting(clock, (instance(1), instance(2)))
    ejecting.chosen()
    late = ejecting.balancer.begin(instance(1))
    ejecting.fail(instance(1))
    ejecting.instances = (instance(1, pid=2), instance(2))
    clock.advance_ms(1)
    assert ejecting.chosen() == {1, 2}
    assert ejecting.told == [("bank/1", True), ("bank/1", False)]
    ejecting.fail(instance(1, pid=2), times=2)
    late.failed(DOWN)
    assert ejecting.chosen() == {1, 2}


def test_of_a_replica_that_is_gone_nothing_is_kept(clock: HandClock, three: tuple[Instance, ...]) -> None:
    ejecting = Ejecting(clock, three)
    ejecting.fail(three[0])
    ejecting.instances = three[1:]
    ejecting.chosen()
    assert ejecting.told == [("bank/1", True), ("bank/1", False)]
    assert ejecting.balancer._ejection is not None
    assert set(ejecting.balancer._ejection._replicas) == {"bank/2", "bank/3"}


def test_an_attempt_at_a_replica_that_is_gone_may_still_end(clock: HandClock, three: tuple[Instance, ...]) -> None:
    ejecting = Ejecting(clock, three)
    ejecting.chosen()
    late = ejecting.balancer.begin(three[0])
    ejecting.instances = three[1:]
    ejecting.chosen()
    late.failed(DOWN)
    assert not ejecting.balancer._under_way


@given(
    kind=st.sampled_from(Kind),
    present=st.sets(st.integers(1, 6), min_size=1),
    tried=st.sets(st.integers(1, 6)),
    busy=st.lists(st.integers(1, 6), max_size=20),
    seed=st.integers(0, 100),
)
def test_whatever_was_tried_somebody_present_is_chosen_and_somebody_untried_if_there_is_one(
    kind: Kind, present: set[int], tried: set[int], busy: list[int], seed: int
) -> None:
    chooses = balancer(kind, seed)
    for number in busy:
        chooses.begin(instance(number))
    chosen = chooses.choose(tuple(instance(number) for number in sorted(present)), {f"bank/{number}" for number in tried})
    assert chosen.replica in (present - tried or present)
