"""What a dashboard can be turned to: a service, an edge, objectives."""

from grafana_foundation_sdk.models.dashboard import VariableModel, VariableOption, VariableRefresh, VariableSort, VariableType

from dashboards.sources import PROMETHEUS

_LABEL_VALUES = 1
"""The data source's number for this kind of query (PromVariableQueryType in its types.ts)."""


def values_of(name: str, title: str, text: str, *, metric: str, label: str) -> VariableModel:
    """One of the values that a label has in a metric."""
    return _query(name, title, text, metric, label)


def all_values_of(name: str, title: str, text: str, *, metric: str, label: str) -> VariableModel:
    """Any number of the values that a label has in a metric; all, unless somebody chooses."""
    chosen = _query(name, title, text, metric, label)
    chosen.multi = True
    chosen.include_all = True
    chosen.all_value = ".*"
    chosen.current = VariableOption(selected=True, text="All", value="$__all")
    return chosen


def _query(name: str, title: str, text: str, metric: str, label: str) -> VariableModel:
    return VariableModel(
        type_val=VariableType.QUERY,
        name=name,
        label=title,
        description=text,
        datasource=PROMETHEUS,
        query={
            "qryType": _LABEL_VALUES,
            "query": f"label_values({metric}, {label})",
            "refId": "PrometheusVariableQueryEditor-VariableQuery",
        },
        refresh=VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=VariableSort.ALPHABETICAL_ASC,
        # What only variables of intervals have.
        auto=None,
        auto_min=None,
        auto_count=None,
    )
