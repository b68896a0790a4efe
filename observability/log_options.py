"""How a process is told where its log records go. Imports nothing, as whoever reads settings needs it."""

from typing import Final

NOWHERE: Final = "none"
"""As an endpoint: they are only written to standard output."""


def collector_of_logs(spans: str | None, logs: str) -> str | None:
    """Base URL of the collector that takes log records; None for none.

    Args:
        spans: Of the one that takes spans, which takes log records as well unless it is said otherwise.
        logs: Of one for log records, NOWHERE, or empty.
    """
    return None if logs == NOWHERE else logs or spans or None
