"""docs/metrics.md lists every metric as it is, and neither it, a rule nor a page names one that does not exist."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from observability import names
from tests.dashboards import known
from tests.dashboards.expressions import family, metrics_in

ROOT = Path(names.__file__).parent.parent
PAGE = ROOT / "docs" / "metrics.md"
ROW = re.compile(
    r"^\| `(?P<name>\w+)` \| (?P<kind>\w+) \| (?P<labels>[^|]*) \| (?P<tells>[^|]+) \| `(?P<query>.+)` \|$", re.MULTILINE
)
CODE = re.compile(r"`([^`\n]+)`")
RULES = sorted((ROOT / "observability" / "stack" / "prometheus").rglob("*.y*ml"))
TEXTS = sorted(
    path
    for folder, kind in (
        ("docs", "*.md"),
        ("observability", "*.js"),
        ("observability", "*.html"),
        ("observability", "*.y*ml"),
        ("chaos/experiments", "*.yaml"),
    )
    for path in (ROOT / folder).rglob(kind)
)
OURS = re.compile(
    r"\b(?:resilience|http_server|http_client|db_client|outbox|inbox|saga|chaos|telemetry|load|external|testbed)_\w+"
)
ENDS = ("_total", "_seconds", "_bytes", "_bucket", "_count", "_sum", "_max", "_ratio", "_requests", "_connections", "_faults")
"""How a word ends that can be nothing but a metric's name: `chaos_token` and `load_topology` are names of other things."""


@dataclass(frozen=True)
class Row:
    kind: str
    labels: set[str]
    query: str


def rows(page: str) -> dict[str, Row]:
    """What the page says, by metric."""
    return {each["name"]: Row(each["kind"], set(CODE.findall(each["labels"])), each["query"]) for each in ROW.finditer(page)}


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    return known.metrics(tmp_path_factory.mktemp("store"))


def listed() -> set[str]:
    """Every metric of ours in names.py; what Prometheus records and has by itself is told elsewhere."""
    others = (
        "ATTR_",
        "LABEL_",
        "EVENT_",
        "TRAFFIC_",
        "SIGNAL_",
        "CONNECTION_",
        "POOL_",
        "CANCELLED",
        "CACHED",
        "SLO_",
        "UP",
        "ALERTS",
    )
    return {value for name, value in vars(names).items() if name.isupper() and not name.startswith(others)}


def test_the_page_has_every_metric_and_no_other() -> None:
    assert set(rows(PAGE.read_text())) == listed()


def test_the_page_has_each_metrics_labels(metrics: dict[str, set[str]]) -> None:
    of_any = known.OF_TARGETS | known.OF_HISTOGRAMS
    told = {name: row.labels - of_any for name, row in rows(PAGE.read_text()).items()}
    assert told == {name: metrics[name] - of_any for name in listed()}


def test_the_page_has_each_metrics_type() -> None:
    for name, row in rows(PAGE.read_text()).items():
        is_counter = name.endswith("_total")
        assert (row.kind == "counter") is is_counter, name
        assert row.kind in {"counter", "gauge", "histogram"}, name


def test_every_question_on_the_page_is_one_that_its_metric_answers(metrics: dict[str, set[str]]) -> None:
    for name, row in rows(PAGE.read_text()).items():
        asked = {family(metric, metrics): labels for metric, labels in metrics_in(row.query).items()}
        assert name in asked, row.query
        for metric, labels in asked.items():
            assert labels <= metrics[metric], f"{metric} has no {labels - metrics[metric]}: {row.query}"


@pytest.mark.parametrize("path", RULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_rule_names_a_metric_or_a_label_that_does_not_exist(path: Path, metrics: dict[str, set[str]]) -> None:
    groups = yaml.safe_load(path.read_text()).get("groups", [])
    recorded = {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}
    asked = [rule["expr"] for group in groups for rule in group["rules"]]
    assert asked
    for metric in {metric for expression in asked for metric in metrics_in(expression)}:
        assert metric in recorded or family(metric, metrics) in metrics, metric


def strangers(text: str, metrics: dict[str, set[str]]) -> list[str]:
    """Words that can be nothing but the names of metrics, and are not."""
    found = [word for word in OURS.findall(text) if word.endswith(ENDS)]
    return [word for word in found if family(word, metrics) not in metrics]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_names_a_metric_that_does_not_exist(path: Path, metrics: dict[str, set[str]]) -> None:
    assert strangers(path.read_text(encoding="utf-8"), metrics) == []


@pytest.mark.parametrize(
    "text",
    ["see `resilience_call_total`", "rate(http_server_request_duration_second_count[1m])", "| `db_client_connection_used_max` |"],
)
def test_a_page_that_named_one_would_be_found(text: str, metrics: dict[str, set[str]]) -> None:
    assert len(strangers(text, metrics)) == 1


def test_what_has_another_meaning_is_left_alone(metrics: dict[str, set[str]]) -> None:
    assert strangers("chaos_token, load_topology(), saga_log and resilience_calls_total", metrics) == []
