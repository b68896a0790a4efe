"""How long the current request may still take, and the header that carries it to the next service."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Deadline-Ms"
"""Milliseconds left when the request was sent, as gRPC's `grpc-timeout`: durations need no clock in common."""

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


def parse_header(value: str | None) -> float | None:
    """Milliseconds from a request's header; what is no positive number is ignored, for a hint is not worth an error."""
    try:
        left_ms = float(value) if value else None
    except ValueError:
        return None
    return left_ms if left_ms is not None and 0 <= left_ms <= 3_600_000 else None
