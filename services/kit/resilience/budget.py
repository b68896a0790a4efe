"""A retry budget: retries stay a fraction of traffic, so that they cannot multiply an overload."""

from services.policy import Budget as BudgetPolicy


class RetryBudget:
    """gRPC's retry throttle (gRFC A6): a failure takes one token, a success gives `token_ratio` back; retry above half only."""

    __slots__ = ("_policy", "_tokens")

    def __init__(self, policy: BudgetPolicy) -> None:
        self._policy = policy
        self._tokens = policy.max_tokens

    @property
    def tokens(self) -> float:
        """Tokens left, from 0 to `max_tokens`."""
        return self._tokens

    def succeeded(self) -> None:
        """An attempt succeeded."""
        self._tokens = min(self._policy.max_tokens, self._tokens + self._policy.token_ratio)

    def failed(self) -> None:
        """An attempt failed in a way that a retry could mend."""
        self._tokens = max(0.0, self._tokens - 1)

    def allows_retry(self) -> bool:
        """Whether a retry may be made now."""
        return self._tokens > self._policy.max_tokens / 2
