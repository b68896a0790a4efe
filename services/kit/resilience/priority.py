"""How urgent the current request is, and the header that says so to the next service (RFC 9218, Extensible Priorities).

What has more to do than it can does the most urgent first: the least urgent is shed at once, which is better than all being late.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "Priority"
MOST_URGENT, DEFAULT, LEAST_URGENT = 0, 3, 7
"""RFC 9218, section 4.1: an integer from 0 to 7, and what holds for who does not say."""
_URGENCY = re.compile(r"(?:^|,)[ \t]*u=([^,;]*)")
"""Of the header's dictionary the one member that concerns a request between services; `i` is about how an answer is sent."""
_VALID = frozenset("01234567")

_urgency: ContextVar[int] = ContextVar("urgency", default=DEFAULT)


def current() -> int:
    """The urgency of the request that is being served, which the calls that it makes inherit."""
    return _urgency.get()


def become(urgency: int) -> None:
    """Sets the urgency for the rest of the current task: of a server's, which is that of one request."""
    _urgency.set(urgency)


@contextmanager
def priority_within(urgency: int | None) -> Iterator[int]:
    """Sets the urgency until the context is left; None leaves it as it is, and what is out of bounds becomes the nearest bound.

    Yields:
        The urgency in force.
    """
    if urgency is None:
        yield _urgency.get()
        return
    bounded = min(max(urgency, MOST_URGENT), LEAST_URGENT)
    token = _urgency.set(bounded)
    try:
        yield bounded
    finally:
        _urgency.reset(token)


def format_header(urgency: int) -> str:
    """As the header says it: `u=0`."""
    return f"u={urgency}"


def parse_header(value: str | None) -> int:
    """The urgency that a header states; what is unreadable or out of range is ignored, as the RFC wants it."""
    found = _URGENCY.findall(value) if value else None
    last = found[-1].strip() if found else ""  # Of a key that stands twice the last one counts (RFC 8941, section 3.2).
    return int(last) if last in _VALID else DEFAULT
