"""A dashboard: rows of panels, where each stands, and what leads to the other dashboards."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.dashboard import DashboardLink, DashboardLinkType, GridPos, Panel, RowPanel

from dashboards import annotations

TAG: Final = "firebreak"
GRID_WIDTH: Final = 24
SCHEMA_VERSION: Final = 39
"""Grafana 11.0's. It migrates nothing then, and every newer one migrates from it."""


@dataclass(frozen=True)
class Column:
    """Panels one below the other, each with its height in units of the grid."""

    width: int
    cells: Sequence[tuple[int, Panel]]


@dataclass(frozen=True)
class Row:
    """Columns side by side under a title."""

    title: str
    columns: Sequence[Column]

    def __post_init__(self) -> None:
        width = sum(each.width for each in self.columns)
        if width != GRID_WIDTH:
            raise ValueError(f"the row {self.title!r} is {width} wide, and the grid {GRID_WIDTH}")


def row(title: str, height: int, *panels: Panel) -> Row:
    """Panels of one height, side by side, sharing the width; as many as divide 24.

    Raises:
        ValueError: they cannot share it evenly.
    """
    if GRID_WIDTH % len(panels):
        raise ValueError(f"the row {title!r} has {len(panels)} panels, which cannot share {GRID_WIDTH} columns evenly")
    return Row(title, [Column(GRID_WIDTH // len(panels), [(height, each)]) for each in panels])


@dataclass(frozen=True)
class Page:
    """One dashboard and the question that it answers."""

    uid: str
    title: str
    question: str
    rows: Sequence[Row]
    variables: Sequence[dashboard.VariableModel] = ()

    def build(self) -> dashboard.Dashboard:
        """The dashboard as Grafana reads it."""
        return dashboard.Dashboard(
            uid=self.uid,
            title=f"Firebreak / {self.title}",
            description=self.question,
            tags=[TAG],
            timezone="browser",
            editable=True,
            graph_tooltip=dashboard.DashboardCursorSync.CROSSHAIR,
            time=dashboard.DashboardDashboardTime(from_val="now-15m", to="now"),
            timepicker=dashboard.TimePickerConfig(refresh_intervals=["1s", "5s", "10s", "30s", "1m", "5m"]),
            refresh="5s",
            schema_version=SCHEMA_VERSION,
            panels=_placed(self.rows),
            templating=dashboard.DashboardDashboardTemplating(list_val=list(self.variables)),
            annotations=dashboard.AnnotationContainer(list_val=annotations.everywhere()),
            links=[_to_the_others()],
        )


def _to_the_others() -> DashboardLink:
    return DashboardLink(
        title="Firebreak",
        type_val=DashboardLinkType.DASHBOARDS,
        icon="external link",
        tooltip="The other dashboards, at the same time and with the same variables",
        tags=[TAG],
        include_vars=True,
        keep_time=True,
    )


def _placed(rows: Sequence[Row]) -> list[Panel | RowPanel]:
    placed: list[Panel | RowPanel] = []
    top = 0
    for each in rows:
        placed.append(RowPanel(title=each.title, id_val=len(placed) + 1, grid_pos=GridPos(h=1, w=GRID_WIDTH, x=0, y=top)))
        left, lowest = 0, top + 1
        for column in each.columns:
            below = top + 1
            for height, panel in column.cells:
                stands = copy(panel)
                stands.id_val = len(placed) + 1
                stands.grid_pos = GridPos(h=height, w=column.width, x=left, y=below)
                placed.append(stands)
                below += height
            left += column.width
            lowest = max(lowest, below)
        top = lowest
    return placed
