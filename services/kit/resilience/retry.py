"""When another attempt may be made, and how long to wait before it."""

import random

from services.kit.errors import AttemptTimeoutError, CallError, RemoteError, UnreachableError
from services.policy import Retry as RetryPolicy


def may_pass(policy: RetryPolicy, error: CallError) -> bool:
    """Whether `error` is of a kind that another attempt could mend. A breaker's rejection or a spent deadline is not."""
    if isinstance(error, RemoteError):
        return error.remote_status in policy.retryable_statuses
    return isinstance(error, UnreachableError | AttemptTimeoutError)


def backoff_ms(policy: RetryPolicy, attempt: int, rng: random.Random) -> float:
    """Wait before attempt number `attempt` (2 is the first retry), in milliseconds.

    Exponential with full jitter: uniform between zero and the cap, as gRFC A6 has it and as Brooker found best
    ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    """
    cap_ms = min(policy.initial_backoff_ms * policy.backoff_multiplier ** (attempt - 2), policy.max_backoff_ms)
    return rng.uniform(0, cap_ms)
