"""How long the current request may still take, and the headers that carry it to the next service."""

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

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


@contextmanager
def deadline_within(limit_ms: float | None) -> Iterator[float | None]:
    """Sets the deadline to `limit_ms` from now unless an earlier one is in force: a deadline only shrinks.

    Yields:
        The deadline in the event loop's seconds, or None.
    """
    current_s = _deadline_s.get()
    if limit_ms is None:
        yield current_s
        return
    mine_s = asyncio.get_running_loop().time() + limit_ms / 1_000
    deadline_s = mine_s if current_s is None else min(mine_s, current_s)
    token = _deadline_s.set(deadline_s)
    try:
        yield deadline_s
    finally:
        _deadline_s.reset(token)


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
