"""The dashboards as they are committed: JSON, read as Grafana reads it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "dashboards"
PATHS = sorted(FOLDER.glob("*.json"))
Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One query of a panel or an annotation."""

    of: str
    """Whose: `chaos.json: Faults in force, A`."""
    expression: str
    legend: str = ""
    exemplars: bool = False


def read(path: Path) -> Json:
    """The dashboard."""
    found: Json = json.loads(path.read_bytes())
    return found


def panels(dashboard: Json) -> list[Json]:
    """All panels but the rows' heads."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def title(panel: Json) -> str:
    """Names a panel for whoever reads a failed test."""
    return f"{panel['title']} ({panel['id']})"


def asked_of_prometheus(path: Path) -> Iterator[Asked]:
    """Every expression of the dashboard's panels and annotations."""
    dashboard = read(path)
    for panel in panels(dashboard):
        for target in panel["targets"]:
            if target["datasource"]["uid"] == "prometheus":
                whose = f"{path.name}: {title(panel)}, {target['refId']}"
                yield Asked(whose, target["expr"], target.get("legendFormat", ""), target.get("exemplar", False))
    for annotation in dashboard["annotations"]["list"]:
        if annotation["datasource"]["uid"] == "prometheus":
            yield Asked(f"{path.name}: annotation {annotation['name']}", annotation["expr"])


def asked_of_jaeger(path: Path) -> Iterator[Json]:
    """Every query of the dashboard's panels to Jaeger."""
    for panel in panels(read(path)):
        yield from (target for target in panel["targets"] if target["datasource"]["uid"] == "jaeger")


def texts(value: object) -> Iterator[str]:
    """Every text anywhere inside."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
