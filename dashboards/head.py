"""What every panel says of itself, and what it asks."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.models import dashboard, prometheus

from dashboards import thresholds
from dashboards.sources import PROMETHEUS

MIN_INTERVAL = "1s"
"""No step is below a local system's scrape interval; a data source that scrapes less often raises `$__rate_interval` itself."""
QUIET = "Nothing yet"
MAX_QUERIES = 26
"""One for each letter, which is how Grafana names them."""


@dataclass(frozen=True)
class Head:
    """Everything of a panel but its kind and its queries; none can be made without a description and a unit."""

    title: str
    description: str
    unit: str
    steps: thresholds.Steps = thresholds.NEUTRAL
    empty: str = QUIET
    """What stands there while there is no data."""
    minimum: float | None = 0
    maximum: float | None = None
    decimals: int | None = None
    links: Sequence[dashboard.DashboardLink] = ()
    """Where a click on a value leads."""


@dataclass(frozen=True)
class Query:
    """One expression of PromQL; `legend` names a series by its labels: `{{service}}`."""

    expression: str
    legend: str
    exemplars: bool = False
    """Shows single requests with their traces; only histograms have them."""


def range_queries(
    queries: Sequence[Query], shape: prometheus.PromQueryFormat = prometheus.PromQueryFormat.TIME_SERIES
) -> list[prometheus.Dataquery]:
    """The queries over the time that the dashboard shows."""
    return [
        prometheus.Dataquery(
            ref_id=ref_id,
            expr=query.expression,
            legend_format=query.legend,
            exemplar=query.exemplars,
            format_val=shape,
            range_val=True,
            instant=False,
            datasource=PROMETHEUS,
            editor_mode=prometheus.QueryEditorMode.CODE,
        )
        for ref_id, query in _named(queries)
    ]


def instant_queries(queries: Sequence[Query], shape: prometheus.PromQueryFormat) -> list[prometheus.Dataquery]:
    """The queries at the end of the time that the dashboard shows."""
    return [
        prometheus.Dataquery(
            ref_id=ref_id,
            expr=query.expression,
            legend_format=query.legend,
            format_val=shape,
            range_val=False,
            instant=True,
            datasource=PROMETHEUS,
            editor_mode=prometheus.QueryEditorMode.CODE,
        )
        for ref_id, query in _named(queries)
    ]


def _named(queries: Sequence[Query]) -> list[tuple[str, Query]]:
    if len(queries) > MAX_QUERIES:
        raise ValueError(f"a panel has {len(queries)} queries, and Grafana has letters for {MAX_QUERIES}")
    return [(chr(ord("A") + index), query) for index, query in enumerate(queries)]
