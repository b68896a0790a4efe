"""Names of signals are written once, in names.py, and every one of them is used."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.semconv._incubating.metrics import db_metrics, http_metrics

from observability import names

ROOT = Path(names.__file__).parent.parent
SOURCES = sorted(
    path
    for package in ("services", "observability", "chaos", "testbed", "loadtests")
    for path in (ROOT / package).rglob("*.py")
    if path != Path(names.__file__)
)
LOAD = ROOT / "loadtests" / "metrics.py"
"""Spells the names of the load generator's metrics again, for its package imports nothing of ours."""
NAMES = {name: value for name, value in vars(names).items() if name.isupper()}
# A label such as `edge` is a word like any other; these can be nothing but a signal's name.
DISTINCT = {value for value in NAMES.values() if "." in value or value.count("_") >= 2}
OURS = re.compile(r"\b(resilience|http_server|http_client|outbox|saga|chaos|telemetry)_\w+_(total|seconds|bucket|count|sum)\b")


def literals_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of string constants, also of those inside of f-strings, but no docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    prose = {id(statement.value) for node in ast.walk(tree) for statement in _bare_strings(node, documented)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value


def _bare_strings(node: ast.AST, documented: tuple[type[ast.AST], ...]) -> list[ast.Expr]:
    body = getattr(node, "body", []) if isinstance(node, documented) else []
    return [each for each in body if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)]


def signals_in(source: str) -> list[str]:
    """Names of signals that `source` spells out."""
    found = literals_of(ast.parse(source))
    return [f"line {line}: {text}" for line, text in found if text in DISTINCT or OURS.search(text)]


def used_in(source: str) -> set[str]:
    """Constants of names.py that `source` reads."""
    tree = ast.parse(source)
    through_module = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "names"
    }
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "observability.names"
        for alias in node.names
    }
    return through_module | imported


def test_every_name_is_used_somewhere() -> None:
    used = set().union(*(used_in(path.read_text()) for path in SOURCES))
    assert {name for name in NAMES.keys() - used if not name.startswith("LOAD_")} == set()


def test_the_load_generator_spells_its_metrics_as_they_are_listed_and_has_no_others() -> None:
    spelled = {text for _, text in literals_of(ast.parse(LOAD.read_text())) if text.startswith("load_")}
    assert spelled == {value for name, value in NAMES.items() if name.startswith("LOAD_")}


@pytest.mark.parametrize("path", [path for path in SOURCES if path != LOAD], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_name_of_a_signal_is_written_anywhere_else(path: Path) -> None:
    assert signals_in(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        'x = "resilience_calls_total"',
        'x = f"rate({y}saga_retries_total)"',
        'x = "http_server_request_duration_seconds_bucket"',
        'x = {"http.request.method": 1}',
        'span.add_event("chaos.injected")',
    ],
)
def test_a_name_written_elsewhere_would_be_found(source: str) -> None:
    assert len(signals_in(source)) == 1


def test_prose_may_mention_a_name() -> None:
    assert signals_in('"""Counts in resilience_calls_total."""') == []


@pytest.mark.parametrize("prefix", ["ATTR_", "LABEL_", "EVENT_"])
def test_no_two_constants_of_a_kind_have_the_same_value(prefix: str) -> None:
    values = [value for name, value in NAMES.items() if name.startswith(prefix)]
    assert len(values) == len(set(values))


def test_metrics_of_http_and_of_databases_are_called_as_opentelemetry_calls_them() -> None:
    known = {
        value.replace(".", "_")
        for module in (http_metrics, db_metrics)
        for value in vars(module).values()
        if isinstance(value, str)
    }
    ours = {
        value.removesuffix("_seconds") for value in NAMES.values() if value.startswith(("http_server_", "http_client_", "db_"))
    }
    # The conventions know these of a database's connections alone.
    assert ours - known == {"http_client_connection_max", "http_client_connection_pending_requests"}
