"""Where a click on a value leads: to the dashboard of what the value is of, at the same time."""

from grafana_foundation_sdk.models.dashboard import DashboardLink

from dashboards import uids


class DataLink(DashboardLink):
    """A link of a value. The SDK has it as a dashboard's, of which Grafana's schema knows two fields here."""

    def __init__(self, title: str, path: str) -> None:
        super().__init__(title=title, url=path)

    def to_json(self) -> dict[str, object]:
        """The link as Grafana saves it."""
        return {"title": self.title, "url": self.url}


def to_service() -> DataLink:
    """The service that the series' label names."""
    return _link("Open the service ${__field.labels.service}", uids.SERVICE, "service")


def to_edge() -> DataLink:
    """The edge that the series' label names."""
    return _link("Open the edge ${__field.labels.edge}", uids.EDGE, "edge")


def to_slo() -> DataLink:
    """The objective that a row of a table names; there, a label is a column."""
    return DataLink(
        "Open the objective ${__data.fields.slo}", f"/d/{uids.SLO}?var-slo=${{__data.fields.slo}}&${{__url_time_range}}"
    )


def _link(title: str, uid: str, label: str) -> DataLink:
    return DataLink(title, f"/d/{uid}?var-{label}=${{__field.labels.{label}}}&${{__url_time_range}}")


def to_slos() -> DataLink:
    """All objectives."""
    return DataLink("Open the objectives", f"/d/{uids.SLO}?${{__url_time_range}}")
