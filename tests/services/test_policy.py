"""What a profile and the switches leave of an edge's declared protection."""

import pytest

from services.policy import (
    UNPROTECTED,
    Balancer,
    Breaker,
    EdgePolicy,
    Limit,
    Pattern,
    Profile,
    RateBreaker,
    Switch,
    effective_limit,
    effective_policy,
)

EDGE = "orders->payments"
OTHER = "orders->restaurants"
DECLARED = EdgePolicy.model_validate(
    {
        "deadline": "1s",
        "throttle": {},
        "bulkhead": {},
        "hedge": {"delay": "50ms"},
        "outlier_ejection": {},
        "timeout": {"attempt": "400ms"},
        "retry": {"max_attempts": 3},
        "budget": {},
        "breaker": {},
        "fallback": {"kind": "defer"},
        "balancer": "power_of_two",
    }
)


def in_force(*without: str, profile: Profile = Profile.DECLARED, edge: str = EDGE) -> EdgePolicy:
    return effective_policy(DECLARED, edge, profile, tuple(Switch.parse(text, (EDGE, OTHER), ("payments",)) for text in without))


def test_the_declared_profile_is_what_the_map_says() -> None:
    assert in_force() == DECLARED


def test_the_profile_none_leaves_nothing() -> None:
    assert in_force(profile=Profile.NONE) == UNPROTECTED
    assert in_force(profile=Profile.NONE).model_dump() == {
        **dict.fromkeys(EdgePolicy.model_fields),
        "repeatable": True,
        "balancer": Balancer.ROUND_ROBIN,
    }


@pytest.mark.parametrize(
    ("pattern", "gone"),
    [
        (Pattern.DEADLINE, {"deadline_ms"}),
        (Pattern.TIMEOUT, {"timeout"}),
        (Pattern.RETRY, {"retry"}),
        (Pattern.HEDGE, {"hedge"}),
        (Pattern.THROTTLE, {"throttle"}),
        (Pattern.BULKHEAD, {"bulkhead"}),
        (Pattern.OUTLIER_EJECTION, {"outlier_ejection"}),
        (Pattern.LIMIT, set()),
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
    for text in ("breaker", f"retry@{EDGE}", "limit@payments"):
        assert str(Switch.parse(text, (EDGE,), ("payments",))) == text


def test_a_switch_of_no_pattern_is_named_with_the_patterns() -> None:
    with pytest.raises(
        ValueError, match=r"'braker' is no pattern; allowed: deadline, throttle, bulkhead, retry, budget, hedge, breaker"
    ):
        Switch.parse("braker", (EDGE,), ())


@pytest.mark.parametrize("text", ["breaker@orders->paymnts", "breaker@"])
def test_a_switch_of_no_edge_is_named_with_the_edges(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no edge; allowed: orders->payments, orders->restaurants"):
        Switch.parse(text, (EDGE, OTHER), ())


def test_a_switch_whose_edge_the_shell_cut_off_says_to_quote_it() -> None:
    with pytest.raises(
        ValueError, match=r"^'breaker@orders-' names an edge that lost its end: .*quote it: 'breaker@orders->\.\.\.'$"
    ):
        Switch.parse("breaker@orders-", (EDGE, OTHER), ("orders", "payments"))


def test_a_budget_goes_with_the_last_pattern_that_it_limits() -> None:
    assert in_force("retry").budget
    assert in_force("retry", "hedge").budget is None


def test_timeouts_only_leaves_the_attempt_timeouts() -> None:
    left = in_force(profile=Profile.TIMEOUTS_ONLY)
    assert {field for field in EdgePolicy.model_fields if getattr(left, field) != getattr(UNPROTECTED, field)} == {"timeout"}


@pytest.mark.parametrize("profile", Profile)
def test_no_profile_makes_a_call_repeatable_that_is_not(profile: Profile) -> None:
    assert not effective_policy(EdgePolicy(repeatable=False), EDGE, profile, ()).repeatable


@pytest.mark.parametrize(
    ("profile", "without", "stays"),
    [
        (Profile.DECLARED, "breaker", True),
        (Profile.DECLARED, "limit@orders", True),
        (Profile.DECLARED, "limit@payments", False),
        (Profile.DECLARED, "limit", False),
        (Profile.TIMEOUTS_ONLY, "breaker", False),
        (Profile.NONE, "breaker", False),
    ],
)
def test_a_limit_is_in_force_where_it_is_declared_and_not_switched_off(profile: Profile, without: str, *, stays: bool) -> None:
    switch = Switch.parse(without, (EDGE,), ("orders", "payments"))
    assert (effective_limit(Limit(), "payments", profile, (switch,)) is not None) is stays


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ({"deadline": "100ms", "timeout": {"attempt": "200ms", "connect": "50ms"}}, "the attempt could never use its time"),
        ({"timeout": {"attempt": "200ms", "connect": "300ms"}}, "timeout.connect is longer than timeout.attempt"),
        (
            {"timeout": {"attempt": "300ms"}, "hedge": {"delay": "300ms"}},
            r"hedge.delay \(300ms\) is not shorter than timeout.attempt",
        ),
        ({"deadline": "100ms", "bulkhead": {"max_wait": "1s"}}, r"bulkhead.max_wait \(1s\) is not shorter than deadline"),
        ({"budget": {}}, "declares neither"),
        ({"repeatable": False, "retry": {}}, "retry sends a request again.*could be done twice"),
        ({"repeatable": False, "hedge": {"delay": "1s"}}, "hedge sends a request again.*could be done twice"),
        ({"breaker": {"kind": "ratio"}}, "allowed: consecutive, rate"),
        ({"breaker": {"success_threshold": 1, "permitted_calls_in_half_open": 2}}, "could not change the outcome"),
        ({"fallback": {"kind": "cached"}}, "needs ttl"),
        ({"fallback": {"kind": "static", "ttl": "1s"}}, "keeps no answers"),
        ({"fallback": {"kind": "stale_while_error", "ttl": "1s"}}, "needs fresh"),
        ({"fallback": {"kind": "stale_while_error", "ttl": "1s", "fresh": "2s"}}, "fresh .* is longer than ttl"),
        ({"outlier_ejection": {"base_ejection_time": "10m"}}, "is longer than max_ejection_time"),
    ],
)
def test_what_cannot_work_together_is_refused_with_the_reason(declared: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        EdgePolicy.model_validate(declared)


def test_a_breaker_that_names_no_kind_counts_consecutive_failures() -> None:
    assert isinstance(EdgePolicy.model_validate({"breaker": {"fail_max": 3}}).breaker, Breaker)
    assert isinstance(EdgePolicy.model_validate({"breaker": {"kind": "rate"}}).breaker, RateBreaker)


def test_a_limit_starts_between_its_bounds() -> None:
    with pytest.raises(ValueError, match=r"initial_limit \(20\) must lie between min_limit \(30\) and max_limit \(200\)"):
        Limit(min_limit=30)


@pytest.mark.parametrize(
    "policy", [DECLARED, EdgePolicy.model_validate({"breaker": {"kind": "rate", "slow_call_duration": "1s"}})]
)
def test_a_policy_survives_being_written_and_read(policy: EdgePolicy) -> None:
    assert EdgePolicy.model_validate(policy.model_dump(mode="json", by_alias=True)) == policy
