"""No dashboard names a metric or a label that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from observability import names
from tests.dashboards import known
from tests.dashboards.committed import FOLDER, PATHS, asked_of_prometheus, read
from tests.dashboards.expressions import family, metrics_in

LABEL_IN_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")
LABEL_VALUES = re.compile(r"label_values\((\S+), (\w+)\)")
every_dashboard = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    return known.metrics(tmp_path_factory.mktemp("store"))


@every_dashboard
def test_every_metric_and_every_label_exists(path: Path, metrics: dict[str, set[str]]) -> None:
    for asked in asked_of_prometheus(path):
        for metric, labels in metrics_in(asked.expression).items():
            name = family(metric, metrics)
            assert name in metrics, f"{asked.of}: no metric is named {metric}"
            assert labels <= metrics[name], f"{asked.of}: {metric} has no {labels - metrics[name]}"


@every_dashboard
def test_a_legend_names_labels_that_the_expression_keeps(path: Path, metrics: dict[str, set[str]]) -> None:
    for asked in asked_of_prometheus(path):
        for label in LABEL_IN_LEGEND.findall(asked.legend):
            kept = set().union(*(labels for labels in metrics_in(asked.expression).values()))
            assert label in kept, f"{asked.of}: nothing is by {label}"


@every_dashboard
def test_a_variable_asks_for_a_label_that_its_metric_has(path: Path, metrics: dict[str, set[str]]) -> None:
    for variable in read(path)["templating"]["list"]:
        found = LABEL_VALUES.fullmatch(variable["query"]["query"])
        assert found, variable["name"]
        assert found[2] in metrics[family(found[1], metrics)], variable["name"]


@every_dashboard
def test_exemplars_are_asked_of_histograms_alone(path: Path) -> None:
    for asked in asked_of_prometheus(path):
        if asked.exemplars:
            assert any(metric.endswith("_bucket") for metric in metrics_in(asked.expression)), asked.of


@pytest.mark.parametrize("rules", known.RULES, ids=lambda path: path.stem)
def test_dashboards_read_only_what_is_recorded_with_these_windows(rules: Path) -> None:
    recorded = set(re.findall(r"record: (\S+)", rules.read_text(encoding="utf-8")))
    asked = {metric for path in PATHS for each in asked_of_prometheus(path) for metric in metrics_in(each.expression)}
    assert {metric for metric in asked if ":" in metric} - recorded == set()


def test_no_name_of_a_metric_is_spelled_in_the_code_of_dashboards() -> None:
    constants = {
        name: value for name, value in vars(names).items() if name.isupper() and not name.startswith(("LABEL_", "ATTR_"))
    }
    spelled = [value for value in constants.values() if str(value).count("_") >= 2 or ":" in str(value)]
    assert len(spelled) > 30
    for path in FOLDER.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert [value for value in spelled if value in text] == [], path.name


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("up", {"up": set()}),
        ('up{job="a"} == 0', {"up": {"job"}}),
        ('sum by (edge, to) (rate(a_total{x=~"b{2}", y!="c"}[$__rate_interval]))', {"a_total": {"edge", "to", "x", "y"}}),
        ("a_total offset 5m or 0 * slo:b:ratio", {"a_total": set(), "slo:b:ratio": set()}),
        ('a or on () label_replace(vector(0), "state", "none", "", "")', {"a": set()}),
        ("histogram_quantile(0.95, sum by (le) (rate(a_bucket[4s]))) / max(b)", {"a_bucket": {"le"}, "b": set()}),
        ("quantile_over_time(0.5, (max by (x) (a))[$__range:5s]) < +Inf", {"a": {"x"}}),
    ],
)
def test_what_an_expression_names_is_found(expression: str, found: dict[str, set[str]]) -> None:
    assert metrics_in(expression) == found
