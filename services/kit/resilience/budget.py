"""A budget of retries and hedges: they stay a fraction of traffic, so that they cannot multiply an overload."""

from services.policy import Budget as BudgetPolicy


class RetryBudget:
    """gRPC's retry throttle (gRFC A6): a failure takes one token, a success gives `token_ratio` back; retry above half only.

    A hedge follows no failure, so it takes a token of its own. Then retries and hedges together stay below half of the tokens
    plus `token_ratio` times the successes, whatever comes in which order.
    """

    __slots__ = ("_half", "_policy", "tokens")

    def __init__(self, policy: BudgetPolicy) -> None:
        self._policy = policy
        self._half = policy.max_tokens / 2
        self.tokens = policy.max_tokens
        """Left, from 0 to `max_tokens`."""

    def succeeded(self) -> None:
        """A call succeeded."""
        if self.tokens != self._policy.max_tokens:
            self.tokens = min(self._policy.max_tokens, self.tokens + self._policy.token_ratio)

    def failed(self) -> None:
        """An attempt failed in a way that a retry could mend."""
        self.tokens = max(0.0, self.tokens - 1)

    def allows_retry(self) -> bool:
        """Whether a retry may be made now."""
        return self.tokens > self._half

    def take_for_hedge(self) -> bool:
        """Pays for a hedge, if one may be sent. A refusal takes nothing: it is lateness that asks, not failure."""
        if self.tokens - 1 <= self._half:
            return False
        self.tokens -= 1
        return True
