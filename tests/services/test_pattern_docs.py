"""The pages about patterns say what the code says: parameters, defaults, bounds, names of signals, examples and links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import annotated_types
import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from observability import names
from services.duration import format_duration_ms
from services.kit.errors import Reason
from services.policy import (
    Balancer,
    Breaker,
    Budget,
    Bulkhead,
    EdgePolicy,
    Fallback,
    FallbackKind,
    Hedge,
    Limit,
    OutlierEjection,
    Pattern,
    RateBreaker,
    Retry,
    Throttle,
    Timeout,
)
from services.policy.assignment import ServicePolicy, assign, parse_assignments
from services.topology import load_topology

FOLDER = Path(__file__).parents[2] / "docs" / "patterns"
PAGES = {
    pattern: FOLDER / f"{'balancing' if pattern is Pattern.BALANCER else pattern.replace('_', '-')}.md" for pattern in Pattern
}
ALL = (*PAGES.values(), FOLDER / "README.md")
MODELS: dict[Pattern, tuple[type[BaseModel], ...]] = {
    Pattern.TIMEOUT: (Timeout,),
    Pattern.RETRY: (Retry,),
    Pattern.BUDGET: (Budget,),
    Pattern.BREAKER: (Breaker, RateBreaker),
    Pattern.BULKHEAD: (Bulkhead,),
    Pattern.LIMIT: (Limit,),
    Pattern.THROTTLE: (Throttle,),
    Pattern.HEDGE: (Hedge,),
    Pattern.OUTLIER_EJECTION: (OutlierEjection,),
    Pattern.FALLBACK: (Fallback,),
}
SECTIONS = (
    "What it does",
    "When it helps",
    "When it hurts",
    "The measured picture",
    "How to set its numbers",
    "Parameters",
    "How to see it",
    "How to switch it",
)
PICTURE = "The measured picture"
"""The one section that a page may lack: until there is a run."""
NAMES = {value for name, value in vars(names).items() if name.isupper()}
SIGNAL = re.compile(r"\b(?:resilience|http|outbox|saga|external|chaos|inbox|telemetry)_\w+|\bresilience\.\w+")
PROMETHEUS = {"le", "instance"}
"""Labels that are Prometheus' own."""


@dataclass(frozen=True)
class Row:
    """One line of a table of parameters."""

    key: str
    default: str
    allowed: str


def sections_of(page: Path) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def tables_of(page: Path) -> list[list[Row]]:
    """The tables of parameters, each without its head."""
    tables: list[list[Row]] = []
    for line in sections_of(page)["Parameters"].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")] if line.startswith("|") else []
        if cells[:1] == ["Key"]:
            tables.append([])
        elif cells and not cells[0].startswith("---"):
            tables[-1].append(Row(cells[0].strip("`"), cells[1].strip("`"), cells[2]))
    return tables


def rows_of(pattern: Pattern, model: type[BaseModel]) -> list[Row]:
    """What the table of a model should say."""
    return [
        Row(f"{pattern}.{field.alias or name}", default_of(name, field), allowed_of(name, field))
        for name, field in model.model_fields.items()
    ]


def default_of(name: str, field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "required"
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if name.endswith("_ms"):
        return format_duration_ms(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def allowed_of(name: str, field: FieldInfo) -> str:
    if name.endswith("_ms"):
        return "a duration"
    if field.annotation is FallbackKind:
        return ", ".join(f"`{kind}`" for kind in FallbackKind)
    if name == "kind":
        return f"`{get_args(field.annotation)[0]}`"
    several = isinstance(field.default, tuple)
    bounds = bounds_of(get_args(get_args(field.annotation)[0])[1].metadata if several else field.metadata)
    low = f"above {bounds['gt']:g}, up to" if "gt" in bounds else f"{bounds['ge']:g} to"
    return f"{low} {int(bounds['le'])}{' each' if several else ''}"


def bounds_of(metadata: list[Any]) -> dict[str, float]:
    flat = [part for item in metadata for part in getattr(item, "metadata", [item])]
    return {
        kind: float(getattr(each, kind))
        for each in flat
        for kind, of in (("ge", annotated_types.Ge), ("gt", annotated_types.Gt), ("le", annotated_types.Le))
        if isinstance(each, of)
    }


def policies_of(text: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Edges that YAML examples declare."""
    for block in re.findall(r"^```yaml\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        document = yaml.safe_load(block)
        yield from document.get("edges", {}).items()


def commands_of(text: str) -> Iterator[list[str]]:
    """Words of every `testbed policy set` in an example, up to its options."""
    for line in re.findall(r"^testbed policy set (.*)$", text, flags=re.MULTILINE):
        yield line.replace("'", "").split(" --for ")[0].split()


def test_every_pattern_has_a_page_and_every_page_a_pattern() -> None:
    assert {page.name for page in FOLDER.glob("*.md")} - {"README.md"} == {page.name for page in PAGES.values()}


@pytest.mark.parametrize("page", PAGES.values(), ids=lambda page: page.name)
def test_a_page_has_the_same_sections_as_all_others(page: Path) -> None:
    found = tuple(sections_of(page))
    assert found == tuple(each for each in SECTIONS if each != PICTURE or PICTURE in found)


@pytest.mark.parametrize("page", PAGES.values(), ids=lambda page: page.name)
def test_what_is_measured_is_shown_by_a_picture_that_is_there(page: Path) -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", sections_of(page).get(PICTURE, "![x](../topology.md)"))
    assert pictures
    assert all((FOLDER / each).is_file() for each in pictures)


@pytest.mark.parametrize("pattern", MODELS)
def test_a_table_of_parameters_has_the_keys_defaults_and_bounds_of_the_model(pattern: Pattern) -> None:
    assert tables_of(PAGES[pattern]) == [rows_of(pattern, model) for model in MODELS[pattern]]


def test_a_pattern_without_parameters_has_its_own_key_in_the_table() -> None:
    assert tables_of(PAGES[Pattern.DEADLINE]) == [[Row("deadline", "off", "a duration")]]
    assert EdgePolicy().deadline_ms is None
    kinds = ", ".join(f"`{kind}`" for kind in Balancer)
    assert tables_of(PAGES[Pattern.BALANCER]) == [[Row("balancer", EdgePolicy().balancer, kinds)]]


def test_the_tables_cover_every_pattern() -> None:
    assert {*MODELS, Pattern.DEADLINE, Pattern.BALANCER} == set(Pattern)


def test_the_first_page_names_every_experiment_that_is_shipped() -> None:
    shipped = {path.stem for path in (FOLDER.parents[1] / "chaos" / "experiments").glob("*.yaml")}
    rows = (FOLDER / "README.md").read_text(encoding="utf-8").split("| `chaos run` |")[1].split("\n\n")[0]
    assert set(re.findall(r"`([a-z-]+)`", rows)) == shipped


def test_the_map_of_an_edge_has_every_key_that_it_may_declare() -> None:
    text = (FOLDER.parent / "topology.md").read_text(encoding="utf-8")
    keys = re.findall(r"^\| \[?`(\w+)`", text.split("## What an edge may declare")[1].split("## ")[0], flags=re.MULTILINE)
    assert sorted(keys) == sorted(field.alias or name for name, field in EdgePolicy.model_fields.items())


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_every_signal_that_a_page_names_exists(page: Path) -> None:
    named = {re.sub(r"_(bucket|sum|count)$", "", found) for found in SIGNAL.findall(page.read_text(encoding="utf-8"))}
    labels = {value for name, value in vars(names).items() if name.startswith("LABEL_")}
    families = {found for found in named if found.endswith("_")}
    assert {found for found in named - families if found not in NAMES | labels} == set()
    assert all(any(name.startswith(family) for name in NAMES) for family in families)


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_a_query_asks_for_labels_and_outcomes_that_there_are(page: Path) -> None:
    queries = "".join(re.findall(r"^ *```promql\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL))
    ours = {value for name, value in vars(names).items() if name.startswith("LABEL_")}
    selected = re.findall(r"(\w+)(?:=~|!~|!=|=)\"", queries)
    grouped = [label.strip() for labels in re.findall(r"\bby \(([^)]*)\)", queries) for label in labels.split(",")]
    assert {*selected, *grouped} <= ours | PROMETHEUS
    outcomes = {each for text in re.findall(r"\boutcome!?[=~]+\"([^\"]+)\"", queries) for each in text.split("|")}
    assert outcomes <= {"ok", "cached", "fallback", *Reason}


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_a_page_switches_only_what_there_is(page: Path) -> None:
    topology = load_topology()
    for switch in re.findall(r"(?:--|policy )without '?([\w@>-]+)", page.read_text(encoding="utf-8")):
        assert str(topology.switch(switch)) == switch


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_every_change_that_a_page_shows_is_possible_in_the_declared_system(page: Path) -> None:
    topology = load_topology()
    for place, *assignments in commands_of(page.read_text(encoding="utf-8")):
        values = parse_assignments(assignments)
        if place in topology.edges:
            assign(topology.edges[place], values)
        else:
            assign(ServicePolicy(limit=topology.services[place].limit), values)


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_an_example_is_what_the_map_declares(page: Path) -> None:
    topology = load_topology()
    for edge, shown in policies_of(page.read_text(encoding="utf-8")):
        declared = topology.edges[edge].model_dump(mode="json", by_alias=True)
        example = EdgePolicy.model_validate(shown).model_dump(mode="json", by_alias=True)
        assert {key: example[key] for key in shown} == {key: declared[key] for key in shown}


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_no_link_of_a_page_leads_nowhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#([^)]+))?\)", page.read_text(encoding="utf-8"))
    for target, anchor in links:
        to = (FOLDER / target).resolve()
        assert to.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", to.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
