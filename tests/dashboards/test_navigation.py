"""Variables are there where they are used, and every link leads to a dashboard that there is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from dashboards import uids
from tests.dashboards import known
from tests.dashboards.committed import PATHS, panels, read, texts, title

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dashboards.committed import Json

VARIABLE = re.compile(r"\$\{?(?!__)([a-zA-Z]\w*)")
LINK = re.compile(r"/d/([\w-]+)(?:\?var-(\w+)=)?")
UIDS = {value for name, value in vars(uids).items() if name.isupper() and name != "PREFIX"}
OF_DASHBOARD = {dashboard["uid"]: dashboard for dashboard in map(read, PATHS)}
every_dashboard = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def _variables(dashboard: Json) -> set[str]:
    return {variable["name"] for variable in dashboard["templating"]["list"]}


@every_dashboard
def test_every_variable_that_is_used_is_defined_and_the_other_way_round(path: Path) -> None:
    dashboard = read(path)
    used = {name for text in texts(dashboard["panels"]) for name in VARIABLE.findall(text)}
    assert used == _variables(dashboard)


def test_every_uid_has_a_dashboard() -> None:
    assert OF_DASHBOARD.keys() == UIDS


@every_dashboard
def test_a_link_leads_to_a_dashboard_that_has_the_variable_it_sets(path: Path) -> None:
    for panel in panels(read(path)):
        for link in panel["fieldConfig"]["defaults"].get("links", []):
            found = LINK.match(link["url"])
            assert found, title(panel)
            assert found[1] in OF_DASHBOARD, title(panel)
            assert found[2] is None or found[2] in _variables(OF_DASHBOARD[found[1]]), title(panel)
            assert "${__url_time_range}" in link["url"], title(panel)


@every_dashboard
def test_a_link_reads_a_label_that_every_series_of_its_panel_has(path: Path) -> None:
    for panel in panels(read(path)):
        for link in panel["fieldConfig"]["defaults"].get("links", []):
            for label in re.findall(r"__(?:field\.labels|data\.fields)\.(\w+)", link["url"]):
                for target in panel["targets"]:
                    assert f"by ({label}" in target["expr"] or f", {label}" in target["expr"], title(panel)


@every_dashboard
def test_a_dashboard_leads_to_all_others_at_the_same_time(path: Path) -> None:
    dashboard = read(path)
    (link,) = dashboard["links"]
    assert (link["keepTime"], link["includeVars"]) == (True, True)
    assert set(link["tags"]) <= set(dashboard["tags"])


@pytest.mark.parametrize("rules", known.RULES, ids=lambda path: path.stem)
def test_an_alert_leads_to_a_dashboard_that_has_the_variable_it_sets(rules: Path) -> None:
    found = LINK.findall(rules.read_text(encoding="utf-8"))
    assert found
    for uid, variable in found:
        assert variable in _variables(OF_DASHBOARD[uid])
