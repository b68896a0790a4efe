"""Panels about telemetry itself: whether what the others show may be believed."""

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Panel

from dashboards import thresholds
from dashboards.head import Head, Query
from dashboards.panels import lines
from dashboards.promql import happened, or_none, rate, total
from observability import names


def taken() -> Panel:
    """What the store takes."""
    return lines(
        Head(
            "Telemetry taken",
            "Spans and log records that the store has committed. Metrics are not among them: Prometheus fetches those itself.",
            units.RecordsPerSecond,
            empty="The store is not scraped",
        ),
        Query(rate(names.STORE_SPANS), "spans"),
        Query(rate(names.STORE_LOG_RECORDS), "log records"),
    )


def lost() -> Panel:
    """What never arrived."""
    reason = (names.LABEL_REASON,)
    return lines(
        Head(
            "Telemetry lost",
            "Spans and log records that services dropped because the store was slow or away, and uploads that it refused.",
            units.NoUnit,
            steps=thresholds.ANY_IS_BAD,
        ),
        Query(happened(names.TELEMETRY_DROPPED, by=(names.LABEL_SIGNAL,)), "{{signal}} dropped"),
        Query(or_none(happened(names.STORE_REJECTED, by=reason), *reason), "uploads refused: {{reason}}"),
    )


def kept() -> Panel:
    """How full the store is."""
    return lines(
        Head(
            "Room in the store",
            "The share of its file that is full. When it is, the oldest traces and logs make room.",
            units.PercentUnit,
            maximum=1,
            empty="The store is not scraped",
        ),
        Query(f"{total(names.STORE_FILE)} / {total(names.STORE_FILE_MAX)}", "full"),
    )
