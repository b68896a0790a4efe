"""How long the current request may still take, and the headers that carry it to the next service."""

import asyncio
import math
from contextvars import ContextVar, Token

HEADER = "X-Deadline-Ms"
"""Milliseconds left when the request was sent, as gRPC's `grpc-timeout`: durations need no clock in common."""

AT_HEADER = "X-Deadline-At"
"""The same as Unix time in seconds. A duration counts from when it is read: a process that stood still with the request in its
socket would believe that it has all of its time, and do for nobody what its caller has long given up."""
MAX_SKEW_S = 0.5
"""How far clocks may disagree before the second header shortens a deadline that the first one allows."""

_deadline_s: ContextVar[float | None] = ContextVar("deadline_s", default=None)


def remaining_ms() -> float | None:
    """Milliseconds until the current deadline (negative once it has passed), or None without one."""
    deadline_s = _deadline_s.get()
    return None if deadline_s is None else (deadline_s - asyncio.get_running_loop().time()) * 1_000


class deadline_within:  # noqa: N801 - a context manager reads like a function; made by a generator, it cost every call twice as much.
    """Sets the deadline to `limit_ms` from now unless an earlier one is in force: a deadline only shrinks.

    Entered, it is the deadline in the event loop's seconds, or None.
    """

    __slots__ = ("_limit_ms", "_token", "is_own")

    def __init__(self, limit_ms: float | None) -> None:
        self._limit_ms = limit_ms
        self._token: Token[float | None] | None = None
        self.is_own = False
        """Whether `limit_ms` made it, and not whoever set the one before."""

    def __enter__(self) -> float | None:
        current_s = _deadline_s.get()
        if self._limit_ms is None:
            return current_s
        mine_s = asyncio.get_running_loop().time() + self._limit_ms / 1_000
        if current_s is not None and current_s < mine_s:
            return current_s
        self.is_own = True
        self._token = _deadline_s.set(mine_s)
        return mine_s

    def __exit__(self, *_exception: object) -> None:
        if self._token is not None:
            _deadline_s.reset(self._token)


def left_ms_of(duration: str | None, at: str | None, now: float) -> float | None:
    """Milliseconds that a request has left by its two headers, at Unix time `now`; None when it states no duration."""
    left_ms = parse_header(duration)
    if left_ms is None or not at:
        return left_ms
    try:
        at_s = float(at)
    except ValueError:
        return left_ms
    return max(0.0, min(left_ms, (at_s + MAX_SKEW_S - now) * 1_000)) if math.isfinite(at_s) else left_ms


def parse_header(value: str | None) -> float | None:
    """Milliseconds from a request's header; what is no positive number is ignored, for a hint is not worth an error."""
    try:
        left_ms = float(value) if value else None
    except ValueError:
        return None
    return left_ms if left_ms is not None and 0 <= left_ms <= 3_600_000 else None
