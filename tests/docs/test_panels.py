"""What the how-to pages call a panel, a row or a dashboard is one: names in italics are read off a screen."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import HOW_TO, ROOT

PAGES = sorted(HOW_TO.glob("*.md"))
ITALIC = re.compile(r"(?<!\*)\*([A-Z][^*\n]+)\*(?!\*)")
OF_GRAFANA = {"Dashboards", "Explore", "No data", "Refresh"}
OF_LOCUST = {"Charts", "Edit", "Host", "Number of users", "Ramp up", "Stop", "Workers"}
OF_THE_STORE_S_PAGE = {"Where it failed", "Where the time went"}
OF_FIREBREAK_S_PAGES = {"Add a service", "Add a fault", "Add an experiment"}


def titles(panels: list[dict[str, Any]]) -> Iterator[str]:
    for panel in panels:
        yield panel["title"]
        yield from titles(panel.get("panels", []))


def shown() -> set[str]:
    """Titles of all dashboards and of what is on them."""
    found = set()
    for path in (ROOT / "dashboards").glob("*.json"):
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        found |= {dashboard["title"], dashboard["title"].removeprefix("Firebreak / "), *titles(dashboard["panels"])}
    return found


def unknown(text: str) -> set[str]:
    return {name.rstrip(".,") for name in ITALIC.findall(text)} - (
        shown() | OF_GRAFANA | OF_LOCUST | OF_THE_STORE_S_PAGE | OF_FIREBREAK_S_PAGES
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_says_is_on_a_screen_is_there(page: Path) -> None:
    assert unknown(page.read_text(encoding="utf-8")) == set()


def test_a_panel_that_does_not_exist_is_found() -> None:
    assert unknown("Look at *Burn rate* and at *Phase of the moon*, not at **Bold** or *seen*.") == {"Phase of the moon"}
