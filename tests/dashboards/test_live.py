"""Every query of every dashboard, and every rule, finds something in a real run in which everything happens."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from observability import names
from tests.dashboards import trouble
from tests.dashboards.committed import PATHS, asked_of_jaeger, asked_of_prometheus, read
from tests.dashboards.expressions import filled
from tests.dashboards.grafana import Grafana
from tests.watched import HOW_TO_GET_IT, is_here, watched

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.system, pytest.mark.server]

SHOWN_S = 90
LOOKED_AT = 3
"""Traces of each panel: there are hundreds of dots."""
LABEL_VALUES = re.compile(r"label_values\((\S+), (\w+)\)")
IN_PLACE_OF_NOTHING = re.compile(r" or (?:on \(\) )?(?:label_replace\()*vector\(0\).*$")
COMPARISON = re.compile(r" (==|!=|>=|<=|>|<) (?!bool\b)")


@pytest.fixture(scope="module")
def grafana(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grafana]:
    """What a Grafana beside a system in trouble would ask."""
    if not is_here():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(HOW_TO_GET_IT)
    folder = tmp_path_factory.mktemp("dashboards")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIREBREAK_STACK", "on")
        with watched(folder / "state", users=30, topology=trouble.topology(folder)) as system:
            trouble.make(folder / "state", system.status.otlp_endpoint)
            yield Grafana(system.prometheus, system.status.addresses["traces"], SHOWN_S)


def choices(grafana: Grafana) -> list[dict[str, str]]:
    """Every value of every variable, one at a time; `All` where that can be chosen."""
    found: dict[str, list[str]] = {}
    for path in PATHS:
        for variable in read(path)["templating"]["list"]:
            asked = LABEL_VALUES.fullmatch(variable["query"]["query"])
            assert asked
            values = grafana.label_values(asked[1], asked[2])
            assert values, f"{path.name}: nothing to choose for {variable['name']}"
            found[variable["name"]] = [variable["allValue"]] if variable["includeAll"] else values
    most = max(map(len, found.values()))
    return [{name: values[index % len(values)] for name, values in found.items()} for index in range(most)]


def test_every_query_of_every_dashboard_finds_something(grafana: Grafana) -> None:
    chosen = choices(grafana)
    empty = []
    for path in PATHS:
        for asked in asked_of_prometheus(path):
            whole = IN_PLACE_OF_NOTHING.sub("", asked.expression)
            expressions = {filled(whole, values | grafana.values()) for values in chosen}
            if not sum(map(grafana.points, expressions)):
                empty.append(f"{asked.of}: {whole}")
    assert empty == []


def test_every_rule_is_evaluated_and_finds_something(grafana: Grafana) -> None:
    rules = grafana.rules()
    assert {rule["type"] for rule in rules} == {"recording", "alerting"}
    assert [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] != "ok"] == []
    empty = []
    for rule in rules:
        # An alert's conditions hold only in trouble; what they compare has to be there whether they hold or not.
        expression = COMPARISON.sub(r" \1 bool ", rule["query"]) if rule["type"] == "alerting" else rule["query"]
        if not grafana.points(expression):
            empty.append(f"{rule['name']}: {expression}")
    assert empty == []


def test_every_exemplar_leads_to_a_trace_that_the_store_has(grafana: Grafana) -> None:
    chosen = choices(grafana)
    for path in PATHS:
        for asked in asked_of_prometheus(path):
            if asked.exemplars:
                expressions = {filled(asked.expression, values | grafana.values()) for values in chosen}
                traces = set().union(*(grafana.exemplars(expression) for expression in expressions))
                assert traces, f"{asked.of}: no dot"
                assert all(grafana.trace(trace_id) for trace_id in sorted(traces)[:LOOKED_AT]), asked.of


def test_every_query_of_jaeger_finds_something(grafana: Grafana) -> None:
    chosen = [values for values in choices(grafana) if "service" in values]
    for path in PATHS:
        for query in asked_of_jaeger(path):
            assert max(grafana.jaeger_rows(query, values) for values in chosen), f"{path.name}: {query}"


def test_the_service_graph_has_every_edge_that_is_called_in_the_foreground(grafana: Grafana) -> None:
    calls = f'{names.RESILIENCE_CALLS}{{{names.LABEL_TRAFFIC}="{names.TRAFFIC_FOREGROUND}", {names.LABEL_EDGE}="%s"}} > 0'
    edges = grafana.label_values(names.RESILIENCE_CALLS, names.LABEL_EDGE)
    called = {tuple(edge.split("->")) for edge in edges if grafana.points(calls % edge)}
    assert ("gateway", "orders") in called
    assert called <= grafana.dependencies()
