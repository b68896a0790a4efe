"""What both paths of tracing agree on: who gets a server span, and what it is called. Metrics leave out the same requests."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.trace import Span
from opentelemetry.util.http import sanitize_method

OF_PLATFORM: Final = r"((health|__chaos__|__policy__)/|(metrics|__chaos__|__policy__)\Z)"
"""Paths that machines ask all the time, without their first slash. One that only looks like these is a customer's."""
_PLATFORM_PATH: Final = re.compile(f"/{OF_PLATFORM}")
MAX_ATTRIBUTE_CHARS: Final = 4_000
"""Of an attribute; what is longer is cut. Strangers choose paths, queries and user agents, and thousands of spans may wait."""
_OTHER: Final = "_OTHER"


def describe(span: Span, attributes: Mapping[str, str | int]) -> None:
    """Sets attributes as `set_attributes` does, in a fifth of its time: with it, that takes as long as to begin the span.

    It asks of each value what kind of thing it is. These are texts and numbers, so they go where it would put them. A library
    that keeps its attributes elsewhere, and a span with hardly any room left, gets them by that method.
    """
    kept = getattr(span, "_attributes", None)
    if type(kept) is BoundedAttributes and len(kept) + len(attributes) <= (kept.maxlen or 0):
        short = {key: value[:MAX_ATTRIBUTE_CHARS] if isinstance(value, str) else value for key, value in attributes.items()}
        kept._dict.update(short)  # noqa: SLF001 - see above.
    else:
        span.set_attributes(attributes)


def is_of_platform(path: str) -> bool:
    """Whether `path` is one that machines ask all the time, which would bury what customers ask."""
    return _PLATFORM_PATH.match(path) is not None


@lru_cache(maxsize=256)
def span_name(method: str, route: str | None) -> str:
    """Of a request with `method` as it was sent, by the conventions: a low-cardinality method, and the route if there is one."""
    known = sanitized(method)
    verb = "HTTP" if known == _OTHER else known
    return f"{verb} {route}" if route else verb


@lru_cache(maxsize=32)
def sanitized(method: str) -> str:
    """The library's; it asks the environment each time."""
    return sanitize_method(method)
