"""What every dashboard marks in its graphs: faults while they act, and alerts while they fire."""

from collections.abc import Sequence

from grafana_foundation_sdk.models.dashboard import AnnotationQuery, DataSourceRef

from dashboards import promql
from dashboards.head import MIN_INTERVAL
from dashboards.sources import PROMETHEUS
from observability import names


class Marks(AnnotationQuery):
    """An annotation of Prometheus' data source: marks the time in which series are above 0.

    The SDK leaves out what that data source reads of an annotation (its annotations.ts): texts that name a series by its labels,
    and the step, without which a mark would be a minute wide.
    """

    def __init__(self, name: str, colour: str, expression: str, title: str, labels: Sequence[str]) -> None:
        super().__init__(name=name, datasource=PROMETHEUS, icon_color=colour, expr=expression, enable=True, hide=False)
        self._title = title
        self._labels = labels

    def to_json(self) -> dict[str, object]:
        """The annotation as Grafana saves it."""
        said = {"titleFormat": self._title, "tagKeys": ",".join(self._labels), "textFormat": "", "step": MIN_INTERVAL}
        return {**super().to_json(), **said}


def everywhere() -> list[AnnotationQuery]:
    """The annotations of all dashboards, and the ones that people write into Grafana."""
    fault, place = names.LABEL_FAULT, names.LABEL_PLACE
    alert = ("alertname", "severity")
    faults = promql.total(names.CHAOS_ACTIVE, (fault, place), "max")
    firing = promql.total(promql.series(names.ALERTS, promql.equal("alertstate", "firing")), alert, "max")
    return [
        AnnotationQuery(
            name="Annotations & Alerts",
            datasource=DataSourceRef(type_val="grafana", uid="-- Grafana --"),
            icon_color="rgba(0, 211, 255, 1)",
            type_val="dashboard",
            built_in=1,
            enable=True,
            hide=True,
        ),
        Marks("Faults", "red", faults, f"{{{{{fault}}}}} at {{{{{place}}}}}", (fault, place)),
        Marks("Alerts", "orange", firing, "{{alertname}}", alert),
    ]
