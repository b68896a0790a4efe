"""Client-side throttling: a caller whose calls are not accepted sends fewer, so that saying no does not keep the callee busy."""

import random
from collections.abc import Callable

from services.kit.errors import AttemptTimeoutError, DeadlineExceededError, RemoteError, ShedError, UnreachableError
from services.kit.resilience.window import Window
from services.policy import Throttle as ThrottlePolicy

_UNAVAILABLE = 503


def is_accepted(error: Exception) -> bool | None:
    """Whether the callee took on a call that ended with `error`; None when it was never asked, which says nothing.

    An answer means that it did, also an unwelcome one; only 429 and 503 say that it did not. Silence counts as a no: who does
    not answer in time has more to do than it can.
    """
    if isinstance(error, RemoteError):
        return error.remote_status != _UNAVAILABLE
    if isinstance(error, ShedError | UnreachableError | AttemptTimeoutError | DeadlineExceededError):
        return False
    return None


def rejection_probability(requests: int, accepts: int, k: float) -> float:
    """max(0, (requests - k * accepts) / (requests + 1)): "Handling Overload" in Site Reliability Engineering (2016)."""
    return max(0.0, (requests - k * accepts) / (requests + 1))


class ClientThrottle:
    """Adaptive throttling of one edge in one process.

    A call is counted when it has ended, or when it is rejected here: as in the book a rejection counts as a request, which is
    what holds the rate of those that are sent near k times what is accepted. A call under way counts as neither, or a burst
    after a quiet time would be throttled for its own sake.

    Args:
        policy: Its multiplier and window.
        clock: Monotonic seconds.
        rng: Draws who is rejected.
    """

    __slots__ = ("_clock", "_policy", "_rng", "_window")

    def __init__(self, policy: ThrottlePolicy, clock: Callable[[], float], rng: random.Random) -> None:
        self._policy = policy
        self._clock = clock
        self._rng = rng
        self._window = Window(policy.window_ms / 1_000)

    @property
    def ratio(self) -> float:
        """The probability that a call that begins now is rejected."""
        window = self._window
        window.advance(self._clock())
        policy = self._policy
        if window.calls < policy.min_requests:
            return 0.0
        probability = rejection_probability(window.calls, window.calls - window.failed, policy.k)
        return min(probability, policy.max_rejection_probability / 100)

    def admits(self) -> bool:
        """Whether a call may be sent; who may not is counted at once."""
        if not self._window.failed:
            return True
        ratio = self.ratio
        if ratio and self._rng.random() < ratio:
            self._window.add(self._clock(), failed=True, slow=False)
            return False
        return True

    def accepted(self) -> None:
        """A call was answered."""
        self._window.add(self._clock(), failed=False, slow=False)

    def ended(self, error: Exception | None) -> None:
        """A call ended with `error`, or in a way that says nothing about its callee."""
        accepted = is_accepted(error) if error else None
        if accepted is not None:
            self._window.add(self._clock(), failed=not accepted, slow=False)
