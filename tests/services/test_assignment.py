"""Parameters as people write them, against the models of the patterns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.policy import EdgePolicy, Limit
from services.policy.assignment import ServicePolicy, assign, parameters, parse_assignments
from services.topology import load_topology

EDGES = load_topology().edges
PAYMENTS = EDGES["orders->payments"]
VALUES = {
    "deadline": st.sampled_from(["700ms", "2s", "90s"]),
    "throttle.k": st.integers(1, 100).map(str),
    "throttle.window": st.sampled_from(["250us", "10s"]),
    "bulkhead.max_concurrent": st.integers(0, 20_000).map(str),
    "retry.max_attempts": st.integers(1, 6).map(str),
    "retry.retryable_statuses": st.lists(st.integers(490, 599), min_size=1, max_size=4).map(
        lambda some: ",".join(map(str, some))
    ),
    "budget.token_ratio": st.sampled_from(["0.25", "1", "2"]),
    "hedge.delay": st.sampled_from(["1ms", "300ms", "5s"]),
    "breaker.fail_max": st.integers(1, 9).map(str),
    "breaker.minimum_calls": st.integers(1, 9).map(str),
    "balancer": st.sampled_from(["round_robin", "power_of_two"]),
    "outlier_ejection.max_ejection_percent": st.sampled_from(["12.5", "100"]),
    "timeout.attempt": st.sampled_from(["250ms", "1s", "3s"]),
}
ASSIGNMENTS = st.sets(st.sampled_from(sorted(VALUES)), min_size=1, max_size=3).flatmap(
    lambda keys: st.fixed_dictionaries({key: VALUES[key] for key in keys})
)


@given(policy=st.sampled_from([*EDGES.values()]), values=ASSIGNMENTS)
def test_what_is_set_is_what_is_in_force_and_nothing_else_changes(policy: EdgePolicy, values: dict[str, str]) -> None:
    before = parameters(policy)
    try:
        after = parameters(assign(policy, values))
    except ValueError:
        return
    patterns_before = {key.partition(".")[0] for key in before}
    switched_on = {key.partition(".")[0] for key in values} - patterns_before
    assert {key: after[key] for key in values} == values
    untouched = {key: value for key, value in after.items() if key not in values and key.partition(".")[0] not in switched_on}
    assert untouched == {key: value for key, value in before.items() if key not in values}


@given(policy=st.sampled_from([*EDGES.values()]), values=ASSIGNMENTS)
def test_what_is_in_force_can_be_written_down_and_set_again(policy: EdgePolicy, values: dict[str, str]) -> None:
    try:
        policy = assign(policy, values)
    except ValueError:
        return
    written = {key: value for key, value in parameters(policy).items() if key != "repeatable"}
    assert assign(EdgePolicy(repeatable=policy.repeatable), written) == policy


def test_a_pattern_that_is_off_is_switched_on_with_the_defaults_of_the_rest() -> None:
    changed = assign(EdgePolicy(), {"breaker.fail_max": "3"})
    assert changed == EdgePolicy.model_validate({"breaker": {"fail_max": 3}})


def test_another_kind_begins_with_its_own_defaults_whatever_the_order() -> None:
    changed = assign(PAYMENTS, {"breaker.fail_max": "3", "breaker.kind": "consecutive"})
    assert changed.breaker == EdgePolicy.model_validate({"breaker": {"fail_max": 3}}).breaker


@pytest.mark.parametrize("keys", [("breaker.kind", "breaker.minimum_calls"), ("breaker.minimum_calls", "breaker.kind")])
def test_a_breaker_that_is_off_is_switched_on_as_the_kind_that_is_named_whatever_the_order(keys: tuple[str, str]) -> None:
    values = {"breaker.kind": "rate", "breaker.minimum_calls": "7"}
    changed = assign(EdgePolicy(), {key: values[key] for key in keys})
    assert changed == EdgePolicy.model_validate({"breaker": {"kind": "rate", "minimum_calls": 7}})


def test_several_parameters_are_judged_together() -> None:
    assert parameters(assign(PAYMENTS, {"timeout.attempt": "2s", "deadline": "4s"}))["timeout.attempt"] == "2s"


def test_a_service_s_limit_is_set_like_a_pattern_of_an_edge() -> None:
    assert assign(ServicePolicy(), {"limit.max_limit": "30"}).limit == Limit(max_limit=30)


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        (
            "retry.max_attemps=5",
            "unknown parameter retry.max_attemps (did you mean max_attempts?); allowed: max_attempts, initial_b",
        ),
        ("rety.max_attempts=5", "unknown pattern 'rety' (did you mean retry?); allowed: deadline, throttle, bulkhead, retry,"),
        ("retry=5", "retry has parameters; allowed: retry.max_attempts, retry.initial_backoff"),
        ("deadline.after=5s", "deadline has no parameters; write deadline=VALUE"),
        ("retry.max_attempts=50", "retry.max_attempts: Input should be less than or equal to 5"),
        ("retry.max_attempts=many", "retry.max_attempts: Input should be a valid integer"),
        ("retry.retryable_statuses=502,404", "retry.retryable_statuses: Input should be greater than or equal to 500"),
        ("deadline=1", "deadline: '1' is not a duration; write a positive number and a unit"),
        ("throttle.k=nan", "throttle.k: Input should be less than or equal to 100"),
        ("balancer=random", "balancer: Input should be 'power_of_two' or 'round_robin'"),
        ("hedge.max_attempts=3", "hedge.delay: Field required"),
        ("breaker.fail_max=3", "breaker.fail_max belongs to kind consecutive; set breaker.kind=consecutive as well"),
        ("breaker.kind=rat", "breaker: kind is none of a breaker; allowed: consecutive, rate"),
        ("fallback.kind=cached", "fallback: a fallback of kind cached needs ttl"),
        ("hedge.delay=700ms", "hedge.delay (700ms) is not shorter than timeout.attempt (600ms)"),
        ("repeatable=false", "repeatable is a fact about an edge's calls, not a pattern"),
        ("limit.max_limit=3", "limit protects a service from all of its callers: name a service, not an edge"),
    ],
)
def test_what_cannot_be_set_is_refused_with_what_can(assignment: str, complaint: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the text is the point
        assign(PAYMENTS, parse_assignments([assignment]))
    assert str(refused.value).startswith(complaint)


def test_a_service_has_no_pattern_of_an_edge() -> None:
    with pytest.raises(ValueError, match=r"^retry protects an edge: name an edge \(caller->callee\), not a service$"):
        assign(ServicePolicy(), {"retry.max_attempts": "3"})


def test_a_limit_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^limit: initial_limit \(20\) must lie between min_limit \(4\) and max_limit \(3\)$"):
        assign(ServicePolicy(), {"limit.max_limit": "3"})


def test_a_repeated_request_is_refused_where_it_could_act_twice() -> None:
    with pytest.raises(ValueError, match="neither a GET nor carries an idempotency key"):
        assign(EDGES["gateway->users"], {"retry.max_attempts": "3"})


@pytest.mark.parametrize("text", ["retry", "=5", "retry.max_attempts=", " = "])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no assignment; write PATTERN\.PARAMETER=VALUE, such as retry\.max_attempts=5"):
        parse_assignments([text])


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="deadline is given twice"):
        parse_assignments(["deadline=1s", "deadline = 2s"])
