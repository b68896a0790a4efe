"""Every panel says what it shows, in which unit, and stands where nothing else stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from grafana_foundation_sdk.models import units

from dashboards import thresholds
from dashboards.head import Head, Query, range_queries
from dashboards.page import Column, Row, row
from dashboards.panels import lines
from tests.dashboards.committed import PATHS, panels, read, title

if TYPE_CHECKING:
    from pathlib import Path

WIDTH = 24
UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
every_dashboard = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


@every_dashboard
def test_a_panel_has_a_title_a_description_a_unit_and_words_for_no_data(path: Path) -> None:
    for panel in panels(read(path)):
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"], panel["id"]
        assert len(panel["description"].split()) > 2, title(panel)
        assert panel["description"].endswith("."), title(panel)
        assert defaults["noValue"], title(panel)
        assert defaults["unit"] in UNITS or defaults["unit"].startswith("suffix:"), title(panel)


@every_dashboard
def test_a_panel_asks_something_and_names_each_series(path: Path) -> None:
    for panel in panels(read(path)):
        assert panel["targets"], title(panel)
        named = [target.get("legendFormat") for target in panel["targets"] if target.get("format") == "time_series"]
        assert all(named), title(panel)
        assert len(set(named)) == len(named), title(panel)


@every_dashboard
def test_no_two_panels_have_the_same_id(path: Path) -> None:
    ids = [panel["id"] for panel in read(path)["panels"]]
    assert len(ids) == len(set(ids))


@every_dashboard
def test_no_two_panels_of_a_row_have_the_same_title(path: Path) -> None:
    dashboard = read(path)
    row_of = {"": set[str]()}
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            seen = row_of.setdefault(panel["title"], set())
        else:
            assert panel["title"] not in seen, title(panel)
            seen.add(panel["title"])


@every_dashboard
def test_panels_stand_on_the_grid_and_not_on_each_other(path: Path) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in read(path)["panels"]:
        at = panel["gridPos"]
        assert at["w"] > 0, title(panel)
        assert at["h"] > 0, title(panel)
        assert at["x"] >= 0, title(panel)
        assert at["x"] + at["w"] <= WIDTH, title(panel)
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in taken, f"{title(panel)} covers {taken.get((x, y))}"
                taken[x, y] = title(panel)


@every_dashboard
def test_no_row_of_the_grid_is_empty(path: Path) -> None:
    filled = {
        y for panel in read(path)["panels"] for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    }
    assert filled == set(range(max(filled) + 1))


@every_dashboard
def test_thresholds_ascend_from_minus_infinity(path: Path) -> None:
    for panel in panels(read(path)):
        values = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        assert values[0] is None, title(panel)
        assert values[1:] == sorted(values[1:]), title(panel)


def test_every_dashboard_has_a_uid_and_a_title_of_its_own() -> None:
    dashboards = [read(path) for path in PATHS]
    for key in ("uid", "title", "description"):
        values = [dashboard[key] for dashboard in dashboards]
        assert len(values) == len(set(values))
        assert all(values)


def _panel(description: str = "What there is of it.", steps: thresholds.Steps = thresholds.NEUTRAL) -> Head:
    return Head("Something", description, units.NoUnit, steps=steps)


def test_a_row_that_is_not_as_wide_as_the_grid_is_refused() -> None:
    panel = lines(_panel(), Query("up", "up"))
    with pytest.raises(ValueError, match="the row 'Narrow' is 23 wide, and the grid 24"):
        Row("Narrow", [Column(23, [(8, panel)])])


def test_panels_that_cannot_share_a_row_evenly_are_refused() -> None:
    panel = lines(_panel(), Query("up", "up"))
    with pytest.raises(ValueError, match="the row 'Odd' has 5 panels, which cannot share 24 columns evenly"):
        row("Odd", 8, *[panel] * 5)


def test_a_panel_with_more_queries_than_letters_is_refused() -> None:
    with pytest.raises(ValueError, match="27 queries, and Grafana has letters for 26"):
        range_queries([Query("up", "up")] * 27)
