"""What both paths of tracing agree on: who gets a server span, and what it is called."""

import re
from functools import lru_cache
from typing import Final

from opentelemetry.util.http import sanitize_method

UNTRACED: Final = "(health|metrics|__chaos__|__policy__)(/|$)"
"""Beginnings of paths that machines ask all the time. A customer's path that only contains such a word is traced."""
_UNTRACED_PATH: Final = re.compile(f"/{UNTRACED}")
_OTHER: Final = "_OTHER"


def is_untraced(path: str) -> bool:
    """Whether no request of `path` gets a span."""
    return _UNTRACED_PATH.match(path) is not None


def span_name(method: str, route: str | None) -> str:
    """Of a request with `method` as it was sent, by the conventions: a low-cardinality method, and the route if there is one."""
    known = sanitized(method)
    verb = "HTTP" if known == _OTHER else known
    return f"{verb} {route}" if route else verb


@lru_cache(maxsize=32)
def sanitized(method: str) -> str:
    """The library's; it asks the environment each time."""
    return sanitize_method(method)
