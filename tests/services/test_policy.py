"""What a profile and the switches leave of an edge's declared protection."""

import pytest

from services.policy import (
    UNPROTECTED,
    Balancer,
    EdgePolicy,
    Pattern,
    Profile,
    Switch,
    effective_policy,
)

EDGE = "orders->payments"
OTHER = "orders->restaurants"
DECLARED = EdgePolicy.model_validate(
    {
        "deadline": "1s",
        "timeout": {"attempt": "400ms"},
        "retry": {"max_attempts": 3},
        "budget": {},
        "breaker": {},
        "fallback": {"kind": "defer"},
        "balancer": "power_of_two",
    }
)


def in_force(*without: str, profile: Profile = Profile.DECLARED, edge: str = EDGE) -> EdgePolicy:
    return effective_policy(DECLARED, edge, profile, tuple(Switch.parse(text, (EDGE, OTHER)) for text in without))


def test_the_declared_profile_is_what_the_map_says() -> None:
    assert in_force() == DECLARED


def test_the_profile_none_leaves_nothing() -> None:
    assert in_force(profile=Profile.NONE) == UNPROTECTED
    assert in_force(profile=Profile.NONE).model_dump() == {
        "deadline_ms": None,
        "timeout": None,
        "retry": None,
        "budget": None,
        "breaker": None,
        "fallback": None,
        "balancer": Balancer.ROUND_ROBIN,
    }


@pytest.mark.parametrize(
    ("pattern", "gone"),
    [
        (Pattern.DEADLINE, {"deadline_ms"}),
        (Pattern.TIMEOUT, {"timeout"}),
        (Pattern.RETRY, {"retry", "budget"}),
        (Pattern.BUDGET, {"budget"}),
        (Pattern.BREAKER, {"breaker"}),
        (Pattern.FALLBACK, {"fallback"}),
        (Pattern.BALANCER, {"balancer"}),
    ],
)
def test_a_switch_takes_one_pattern_away_and_nothing_else(pattern: Pattern, gone: set[str]) -> None:
    left = in_force(pattern.value)
    changed = {field for field in EdgePolicy.model_fields if getattr(left, field) != getattr(DECLARED, field)}
    assert changed == gone


def test_every_pattern_has_a_switch() -> None:
    assert in_force(*Pattern) == UNPROTECTED


def test_a_switch_of_one_edge_leaves_the_others_alone() -> None:
    assert in_force(f"breaker@{EDGE}").breaker is None
    assert in_force(f"breaker@{EDGE}", edge=OTHER) == DECLARED


def test_a_switch_says_what_it_was_read_from() -> None:
    for text in ("breaker", f"retry@{EDGE}"):
        assert str(Switch.parse(text, (EDGE,))) == text


def test_a_switch_of_no_pattern_is_named_with_the_patterns() -> None:
    with pytest.raises(ValueError, match=r"'braker' is no pattern; allowed: deadline, timeout, retry, budget, breaker, fallback"):
        Switch.parse("braker", (EDGE,))


@pytest.mark.parametrize("text", ["breaker@orders->paymnts", "breaker@"])
def test_a_switch_of_no_edge_is_named_with_the_edges(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no edge; allowed: orders->payments, orders->restaurants"):
        Switch.parse(text, (EDGE, OTHER))
