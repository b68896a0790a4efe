"""When another attempt may be made, and how long to wait before it."""

import random

from services.kit.errors import AttemptTimeoutError, CallError, RemoteError, ShedError, UnreachableError
from services.policy import Retry as RetryPolicy

MAX_WAIT_MS = 10_000.0
"""Nobody waits longer for another attempt, whatever the callee says and even if there is no deadline."""


def may_pass(policy: RetryPolicy, error: CallError) -> bool:
    """Whether `error` is of a kind that another attempt could mend. A rejection on our side or a spent deadline is not."""
    if isinstance(error, RemoteError):
        return error.remote_status in policy.retryable_statuses
    return isinstance(error, UnreachableError | AttemptTimeoutError | ShedError)


def asked_wait_ms(error: CallError) -> float | None:
    """How long the callee asks to be left alone (its Retry-After), in milliseconds; None when it does not ask."""
    return error.retry_after_ms if isinstance(error, RemoteError | ShedError) else None


def backoff_ms(policy: RetryPolicy, attempt: int, rng: random.Random) -> float:
    """Wait before attempt number `attempt` (2 is the first retry), in milliseconds.

    Exponential with full jitter: uniform between zero and the cap, as gRFC A6 has it and as Brooker found best
    ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    """
    cap_ms = min(policy.initial_backoff_ms * policy.backoff_multiplier ** (attempt - 2), policy.max_backoff_ms)
    return rng.uniform(0, cap_ms)
