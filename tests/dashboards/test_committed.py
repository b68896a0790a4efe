"""The committed dashboards are what the code beside them writes, and what Grafana 11, 12 and 13 read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import build
from tests.dashboards.committed import FOLDER, PATHS, read

if TYPE_CHECKING:
    from collections.abc import Iterator

OF_MARKS = {"titleFormat", "textFormat", "tagKeys", "step"}
"""What Prometheus' data source reads of an annotation, and the models leave out."""
SCHEMAS = sorted((Path(__file__).parent / "schema").glob("grafana-*.json"))


def test_every_committed_dashboard_equals_what_the_build_writes(tmp_path: Path) -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in build.write(tmp_path)}
    committed = {path.name: path.read_text(encoding="utf-8") for path in PATHS}
    assert committed == written, "run `make dashboards`"


def test_a_dashboard_that_is_no_more_is_removed(tmp_path: Path) -> None:
    (tmp_path / "gone.json").write_text("{}")
    build.write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in PATHS}


def test_the_home_of_a_provisioned_grafana_is_there() -> None:
    assert (FOLDER / "overview.json").is_file()


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda path: path.stem)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_dashboard_is_of_the_types_of_each_grafana(path: Path, schema: Path) -> None:
    validator = jsonschema_rs.Draft7Validator(json.loads(schema.read_bytes()))
    assert [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(read(path))] == []


def test_there_is_a_schema_for_each_grafana_that_is_promised() -> None:
    assert [path.stem for path in SCHEMAS] == ["grafana-11", "grafana-12", "grafana-13"]


@pytest.mark.parametrize("broken", ["panels/1/fieldConfig/defaults/unti", "panels/1/gridPos/z", "tiem"])
@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda path: path.stem)
def test_a_field_that_grafana_does_not_have_is_found(schema: Path, broken: str) -> None:
    dashboard = read(FOLDER / "overview.json")
    *way, key = broken.split("/")
    place: Any = dashboard
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    place[key] = 1
    assert not jsonschema_rs.Draft7Validator(json.loads(schema.read_bytes())).is_valid(dashboard)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_nothing_is_lost_on_the_way_through_grafanas_own_models(path: Path) -> None:
    register_default_plugins()
    ours = read(path)
    theirs = json.loads(json.dumps(Dashboard.from_json(read(path)), cls=JSONEncoder))
    lost = {where.rpartition("/")[2] for where in _lost(ours, theirs)}
    assert lost <= OF_MARKS


def _lost(ours: object, theirs: object, where: str = "") -> Iterator[str]:
    """Where something of ours is missing or otherwise."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            yield from _lost(value, theirs.get(key), f"{where}/{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (our, their) in enumerate(zip(ours, theirs, strict=True)):
            yield from _lost(our, their, f"{where}/{index}")
    elif ours != theirs:
        yield where
