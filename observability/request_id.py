"""The id by which one request is known in every service that it meets, and in their logs."""

import logging
from contextvars import ContextVar

current: ContextVar[str] = ContextVar("request_id", default="")
"""Empty outside of requests."""


def mark(record: logging.LogRecord) -> bool:
    """A handler's filter that keeps every record, and adds `request_id` to those of requests."""
    request_id = current.get()
    if request_id:
        record.request_id = request_id
    return True
