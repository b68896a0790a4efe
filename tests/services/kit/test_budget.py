"""The retry budget: retries stay a fraction of traffic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.resilience.budget import RetryBudget
from services.policy import Budget as BudgetPolicy

SIZES = st.floats(0.01, 1_000)
RATIOS = st.floats(0.001, 1)


@given(max_tokens=SIZES, token_ratio=RATIOS, outcomes=st.lists(st.booleans(), max_size=300))
def test_tokens_are_never_negative_and_never_above_the_maximum(
    max_tokens: float, token_ratio: float, outcomes: list[bool]
) -> None:
    budget = RetryBudget(BudgetPolicy(max_tokens=max_tokens, token_ratio=token_ratio))
    for succeeded in outcomes:
        budget.succeeded() if succeeded else budget.failed()
        assert 0 <= budget.tokens <= max_tokens


@given(max_tokens=SIZES, token_ratio=RATIOS, outcomes=st.lists(st.booleans(), max_size=300))
def test_a_retry_needs_more_than_half_of_the_tokens(max_tokens: float, token_ratio: float, outcomes: list[bool]) -> None:
    budget = RetryBudget(BudgetPolicy(max_tokens=max_tokens, token_ratio=token_ratio))
    for succeeded in outcomes:
        budget.succeeded() if succeeded else budget.failed()
    assert budget.allows_retry() == (budget.tokens > max_tokens / 2)


def test_it_begins_full() -> None:
    assert RetryBudget(BudgetPolicy(max_tokens=10)).tokens == 10


def test_a_failure_takes_a_token_and_a_success_gives_the_ratio_back() -> None:
    budget = RetryBudget(BudgetPolicy(max_tokens=10, token_ratio=0.25))
    budget.failed()
    assert budget.tokens == 9
    budget.succeeded()
    assert budget.tokens == 9.25


def test_in_an_outage_it_allows_no_more_retries_than_half_of_its_tokens() -> None:
    budget = RetryBudget(BudgetPolicy(max_tokens=10, token_ratio=0.1))
    retries = 0
    for _ in range(1_000):
        budget.failed()
        retries += budget.allows_retry()
    assert retries == 4  # 9, 8, 7 and 6 tokens are more than half; 5 are not.


@pytest.mark.parametrize("token_ratio", [0.1, 0.5])
def test_under_a_steady_share_of_failures_retries_stay_within_the_ratio(token_ratio: float) -> None:
    budget = RetryBudget(BudgetPolicy(max_tokens=10, token_ratio=token_ratio))
    successes, retries = 10_000, 0
    for _ in range(successes):
        budget.succeeded()
        budget.failed()  # Every call fails once.
        retries += budget.allows_retry()
    assert retries <= successes * token_ratio + 10
