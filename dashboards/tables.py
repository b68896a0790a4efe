"""Panels that are tables: one row a thing, one column a query."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.models import common, prometheus, table
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, Panel

from dashboards import thresholds
from dashboards.head import Head, Query, instant_queries
from dashboards.kind import BY_THRESHOLD, override, panel
from dashboards.sources import JAEGER, JaegerQuery


@dataclass(frozen=True)
class Column:
    """A number of each row."""

    title: str
    expression: str
    unit: str
    steps: thresholds.Steps = thresholds.NEUTRAL
    decimals: int | None = None


def rows(head: Head, columns: Sequence[Column], *, labels: Sequence[str], worst: str) -> Panel:
    """One row for each set of `labels`, which lead it; those with most in the column titled `worst` stand on top."""
    queries = instant_queries([Query(each.expression, "") for each in columns], prometheus.PromQueryFormat.TABLE)
    made = panel("table", head, queries, _options([common.TableSortByFieldState(display_name=worst, desc=True)]), BY_THRESHOLD)
    # As Grafana names the columns of several queries.
    values = [f"Value #{query.ref_id}" for query in queries]
    titles = {value: each.title for value, each in zip(values, columns, strict=True)}
    made.transformations = [
        DataTransformerConfig(id_val="merge", options={}),
        DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True},
                "indexByName": {name: index for index, name in enumerate([*labels, *values])},
                "renameByName": titles,
            },
        ),
    ]
    assert made.field_config is not None  # noqa: S101  panel() gives every panel one
    made.field_config.overrides = [override(each.title, _properties(each)) for each in columns]
    return made


def _options(order: list[common.TableSortByFieldState] | None = None) -> table.Options:
    options = table.Options(show_header=True, cell_height=common.TableCellHeight.SM, sort_by=order)
    options.footer = None  # Grafana 12 has it no more.
    return options


def _properties(column: Column) -> dict[str, object]:
    said: dict[str, object] = {"unit": column.unit, "thresholds": thresholds.config(column.steps)}
    if column.decimals is not None:
        said["decimals"] = column.decimals
    if any(value is not None for value, _ in column.steps):
        said["custom.cellOptions"] = {"type": "color-text"}
    return said


def traces(head: Head, *, service: str, tags: str = "") -> Panel:
    """The last traces of a service; Grafana links each id to the trace itself."""
    query = JaegerQuery(ref_id="A", query_type="search", service=service, tags=tags, limit=20)
    made = panel("table", head, [query], _options(), BY_THRESHOLD)
    made.datasource = JAEGER
    return made
