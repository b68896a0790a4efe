"""Which replica takes the next attempt."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from services.kit.balancer import LoadBalancer
from services.policy import Balancer as Kind

if TYPE_CHECKING:
    from services.registry import Instance
    from tests.services.kit.conftest import Tools


@pytest.fixture
def three(tools: Tools) -> tuple[Instance, ...]:
    return tuple(tools.replica(number) for number in (1, 2, 3))


def balancer(kind: Kind = Kind.POWER_OF_TWO, seed: int = 7) -> LoadBalancer:
    return LoadBalancer(kind, random.Random(seed))


def test_round_robin_takes_everybody_in_turn(three: tuple[Instance, ...]) -> None:
    taking_turns = balancer(Kind.ROUND_ROBIN)
    chosen = [taking_turns.choose(three).replica for _ in range(6)]
    assert sorted(chosen[:3]) == [1, 2, 3]
    assert chosen[3:] == chosen[:3]


@pytest.mark.parametrize("kind", Kind)
def test_the_replica_that_just_failed_is_avoided(kind: Kind, three: tuple[Instance, ...]) -> None:
    chooses = balancer(kind)
    assert all(chooses.choose(three, avoid=three[1]) != three[1] for _ in range(100))


@pytest.mark.parametrize("kind", Kind)
def test_the_only_replica_is_taken_even_if_it_just_failed(kind: Kind, three: tuple[Instance, ...]) -> None:
    assert balancer(kind).choose(three[:1], avoid=three[0]) == three[0]


def test_of_two_drawn_the_less_busy_one_is_taken(three: tuple[Instance, ...]) -> None:
    chooses = balancer()
    with chooses.counting(three[0]):
        assert all(chooses.choose(three[:2]) == three[1] for _ in range(100))


def test_the_busiest_of_all_is_never_taken(three: tuple[Instance, ...]) -> None:
    chooses = balancer()
    with chooses.counting(three[0]), chooses.counting(three[0]), chooses.counting(three[1]):
        taken = Counter(chooses.choose(three).replica for _ in range(300))
    assert taken[1] == 0
    assert taken[2] > 0


def test_among_equals_nobody_is_preferred(three: tuple[Instance, ...]) -> None:
    chooses = balancer()
    taken = Counter(chooses.choose(three).replica for _ in range(3_000))
    assert all(count == pytest.approx(1_000, rel=0.1) for count in taken.values())


def test_an_attempt_counts_until_it_is_over_even_if_it_fails(three: tuple[Instance, ...]) -> None:
    chooses = balancer()
    with pytest.raises(ValueError, match="no"), chooses.counting(three[0]):
        raise ValueError("no")
    assert {chooses.choose(three[:2]).replica for _ in range(50)} == {1, 2}


def test_replicas_without_attempts_leave_nothing_behind(three: tuple[Instance, ...]) -> None:
    chooses = balancer()
    for each in three:
        with chooses.counting(each), chooses.counting(each):
            pass
    assert not chooses._under_way


def test_the_same_seed_chooses_the_same(three: tuple[Instance, ...]) -> None:
    first, second = balancer(seed=3), balancer(seed=3)
    assert [first.choose(three) for _ in range(20)] == [second.choose(three) for _ in range(20)]
