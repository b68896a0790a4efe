"""Where a click on a value leads: to the dashboard of what the value is of, at the same time."""

from grafana_foundation_sdk.models.dashboard import DashboardLink

from dashboards import uids


def to_service(label: str = "service") -> DashboardLink:
    """The service that the series' label names."""
    return _link("Open the service ${__field.labels." + label + "}", uids.SERVICE, "service", label)


def to_edge(label: str = "edge") -> DashboardLink:
    """The edge that the series' label names."""
    return _link("Open the edge ${__field.labels." + label + "}", uids.EDGE, "edge", label)


def to_slo(label: str = "slo") -> DashboardLink:
    """The objective that the series' label names."""
    return _link("Open the objective ${__field.labels." + label + "}", uids.SLO, "slo", label)


def _link(title: str, uid: str, variable: str, label: str) -> DashboardLink:
    return DashboardLink(title=title, url=f"/d/{uid}?var-{variable}=${{__field.labels.{label}}}&${{__url_time_range}}")


def to_slos() -> DashboardLink:
    """All objectives."""
    return DashboardLink(title="Open the objectives", url=f"/d/{uids.SLO}?${{__url_time_range}}")
